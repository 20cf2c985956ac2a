//go:build unix && !solaris && !aix

package file

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// takeLock locks a file for this process alone. The lock goes with the process.
func takeLock(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			data := make([]byte, 200)
			n, _ := file.ReadAt(data, 0) // for people
			return nil, errors.Join(fmt.Errorf("%w: %s says %.100q", ErrHeld, path, data[:n]), file.Close())
		} else if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		now, missing := os.Stat(path)
		mine, err := file.Stat()
		if missing == nil && err == nil && os.SameFile(now, mine) {
			return file, nil
		}
		_ = file.Close() // a person has deleted it meanwhile
	}
}
