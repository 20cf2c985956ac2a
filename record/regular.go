package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrNotRegular says that a path leads to a pipe, a device or the like: a reader might wait
// there for ever.
var ErrNotRegular = errors.New("it is not a regular file: give a file on a disk")

// OpenRegular opens a file for reading. It refuses, with [ErrNotRegular], what is not a
// regular file.
func OpenRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	return os.Open(path)
}

// ReadRegular reads the whole of a file that [OpenRegular] opens.
func ReadRegular(path string) ([]byte, error) {
	file, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all bytes.Buffer
	if info, err := file.Stat(); err == nil {
		all.Grow(int(info.Size()) + bytes.MinRead) // so that it is not read into one buffer after the other
	}
	_, err = all.ReadFrom(file)
	return all.Bytes(), err
}

// decodeJSON decodes a file's data; its error names the line of the first defect.
func decodeJSON(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var at int64
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = kind.Offset
	}
	if err == nil || at == 0 {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:min(at-1, int64(len(data)))], []byte{'\n'}), err)
}
