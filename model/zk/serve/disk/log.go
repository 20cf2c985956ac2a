package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// file is what the log needs of an open file.
type file interface {
	Write([]byte) (int, error)
	Sync() error
	Close() error
}

// Log is the state of one directory. It is safe for concurrent use.
type Log struct {
	path string
	lock *os.File

	mu       sync.Mutex
	changed  sync.Cond     // of mu: when something is on the disk, or failed
	pending  []byte        // records that no flush has taken yet
	snapshot func() []byte // that takes the place of all in front of the pending records; nil: none does
	given    uint64        // how many records and snapshots were given
	kept     uint64        // how many of them are on the disk
	length   int           // bytes of the records since the last snapshot
	flushing bool          // somebody writes to file, without the lock
	err      error         // after it nothing is written
	failed   chan struct{}

	// Of the flush:
	file   file
	create func(path string) (file, error)
	size   int // of the last snapshot
}

// ErrClosed is the error of a log that was closed.
var ErrClosed = errors.New("disk: the log was closed")

// Append adds a record to the log. It does not wait for the disk: Sync does.
func (l *Log) Append(record []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.pending = appendRecord(l.pending, record)
	l.length += len(record)
	l.given++
}

// Replace makes a snapshot stand for all records that were appended before. The function that
// encodes it is called later, by Sync. It does not wait for the disk.
func (l *Log) Replace(snapshot func() []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.pending, l.snapshot, l.length = nil, snapshot, 0
	l.given++
}

// longEnough is how many bytes of records a log has before a new snapshot is worth while.
const longEnough = 16 << 20

// Long reports whether a new snapshot is worth while: the records are longer than the last one.
func (l *Log) Long() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.length > max(longEnough, l.size)
}

// Sync waits until all that was given before is on the disk. Callers at the same time share one
// fsync. After an error nothing more is written: the state in the directory is that of the
// last Sync that succeeded, perhaps with some of the records behind it.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for wanted := l.given; l.kept < wanted; {
		switch {
		case l.err != nil:
			return l.err
		case l.flushing:
			l.changed.Wait()
		default:
			l.flush()
		}
	}
	return nil
}

// flush writes what is pending. The log is locked; it is unlocked meanwhile.
func (l *Log) flush() {
	records, snapshot, given := l.pending, l.snapshot, l.given
	l.pending, l.snapshot, l.flushing = nil, nil, true
	l.mu.Unlock()
	size, err := l.write(records, snapshot)
	l.mu.Lock()
	l.flushing = false
	if err != nil {
		l.fail(fmt.Errorf("%w: what was acknowledged is kept; make room or mend the disk, then start again with the same directory", err))
	} else {
		l.kept = given
	}
	if size > 0 {
		l.size = size
	}
	l.changed.Broadcast()
}

func (l *Log) fail(err error) {
	if l.err == nil {
		l.err = err
		close(l.failed)
	}
}

func (l *Log) write(records []byte, snapshot func() []byte) (size int, err error) {
	if snapshot != nil {
		state := snapshot()
		if err := l.replace(state); err != nil {
			return 0, err
		}
		size = len(state)
	}
	if len(records) > 0 {
		if _, err := l.file.Write(appendFrame(nil, records)); err != nil {
			return 0, fmt.Errorf("disk: %w", err)
		}
		if err := l.file.Sync(); err != nil {
			return 0, fmt.Errorf("disk: %w", err)
		}
	}
	return size, nil
}

// replace writes a file that has the snapshot only, and puts it in the place of the present one.
func (l *Log) replace(state []byte) error {
	aside := l.path + ".new"
	f, err := l.create(aside)
	if err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	_, err = f.Write(appendFrame([]byte(format), state))
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(aside, l.path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(l.path))
	}
	if err != nil {
		_ = f.Close() // the first error says more
		_ = os.Remove(aside)
		return fmt.Errorf("disk: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close() // its name is gone, and nobody reads it
	}
	l.file = f
	return nil
}

// syncDirectory lets the names in a directory be on the disk.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Failed is closed when the log cannot be written any more. Err says why.
func (l *Log) Failed() <-chan struct{} { return l.failed }

// Err is why the log cannot be written any more, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close writes what is left, as Sync does, and gives the directory free. The log was not closed
// before.
func (l *Log) Close() error {
	err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.flushing {
		l.changed.Wait()
	}
	l.fail(ErrClosed)
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return errors.Join(err, l.lock.Close())
}
