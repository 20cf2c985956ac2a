//go:build !unix || solaris || aix

package file

import (
	"errors"
	"os"
)

// takeLock needs flock.
func takeLock(string) (*os.File, error) {
	return nil, errors.New("a store on files needs flock, which this system does not have")
}
