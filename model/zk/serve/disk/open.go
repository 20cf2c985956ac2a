package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// State is what Open has found.
type State struct {
	Snapshot []byte // nil if the directory is new; then Log.Replace must give the first one
	Records  []Record
	File     string // that it was read from
}

// Record is one record of the log.
type Record struct {
	Body   []byte
	Offset int64 // in the file, of the frame that has it
}

// Open takes a directory for this process, makes it if there is none, and reads the state in it.
// It fails if another process has the directory, and if the state is damaged. A last frame that
// is not whole is cut off, with a line in the log.
func Open(dir string, log *slog.Logger) (*Log, State, error) {
	fail := func(err error) (*Log, State, error) { return nil, State{}, fmt.Errorf("disk: %w", err) }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(fmt.Errorf("%w; give a directory that can be written", err))
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if errors.Is(err, errLocked) {
		return fail(fmt.Errorf("another process uses the directory %s; end that one, or give another directory", dir))
	} else if err != nil {
		return fail(fmt.Errorf("%w; give a directory that can be written", err))
	}
	l := &Log{path: filepath.Join(dir, "state.log"), lock: lock, failed: make(chan struct{}), create: createFile}
	l.changed.L = &l.mu
	state, end, err := read(l.path, log)
	if err == nil && state.Snapshot != nil {
		l.size, l.length = len(state.Snapshot), int(end)-len(state.Snapshot)
		l.file, err = l.appendTo(end)
	}
	if err != nil {
		_ = lock.Close() // the first error says more
		return fail(err)
	}
	return l, state, nil
}

func createFile(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// appendTo opens the file for what is written next, at that offset: nothing stays behind it.
func (l *Log) appendTo(end int64) (file, error) {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	if err = f.Truncate(end); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Close() // the first error says more
		return nil, err
	}
	return f, nil
}

// read reads the state, and says where in the file it ends. There is none if there is no file.
func read(path string, log *slog.Logger) (state State, end int64, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, 0, nil
	} else if err != nil {
		return State{}, 0, err
	}
	if !strings.HasPrefix(string(data[:min(len(data), len(format))]), format) {
		return State{}, 0, fmt.Errorf("%s does not begin with %q, so this version cannot read it; give another directory, or start with the version that wrote it", path, strings.TrimSpace(format))
	}
	state.File = path
	at := len(format)
	snapshot, next, ok := whole(data, at)
	if !ok {
		return State{}, 0, fmt.Errorf("%s is damaged at offset %d, in its snapshot; put a copy of the directory back, or remove it to begin with an empty tree", path, at)
	}
	state.Snapshot = snapshot
	for at = next; at < len(data); at = next {
		var body []byte
		if body, next, ok = whole(data, at); !ok {
			break
		}
		all, sound := records(body)
		if !sound {
			return State{}, 0, Damaged(path, int64(at), "its records have impossible lengths")
		}
		for _, r := range all {
			state.Records = append(state.Records, Record{r, int64(at)})
		}
	}
	if at == len(data) {
		return state, int64(at), nil
	}
	if wholeBehind(data, at) {
		return State{}, 0, Damaged(path, int64(at), "its checksum is wrong")
	}
	log.Warn("the last record of the log is not whole, so it is cut off; nobody got an answer to it", "file", path, "offset", at, "bytes", len(data)-at)
	return state, int64(at), nil
}

// Damaged is the error of a record that is whole, or has whole ones behind it, and cannot be read.
func Damaged(path string, offset int64, why string) error {
	return fmt.Errorf("%s is damaged at offset %d: %s; put a copy of the directory back, or keep what is in front of the damage with: truncate -s %d %s", path, offset, why, offset, path)
}
