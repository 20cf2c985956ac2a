//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package disk

import (
	"errors"
	"fmt"
	"os"
)

var errLocked = errors.New("the file is locked")

// lockFile refuses: without a lock two processes could write one file.
func lockFile(path string) (*os.File, error) {
	return nil, fmt.Errorf("lock %s: %w on this system", path, errors.ErrUnsupported)
}
