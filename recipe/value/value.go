package value

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The errors of this package.
var (
	// ErrChanged means that a value has another version than the caller has read. Nothing was
	// written.
	ErrChanged = errors.New("the value has changed")
	// ErrNotNumber means that the data of a counter is no decimal number. Nothing was written.
	ErrNotNumber = errors.New("the data is not a decimal number")
	// ErrOverflow means that a counter would be less than -2^63, or greater than 2^63-1; or that
	// the version of a value has passed 2^31-1. Nothing was written.
	ErrOverflow = errors.New("the number is too large")
	// ErrInvalid means that an argument is wrong. Nothing was sent.
	ErrInvalid = input.ErrInvalid
	// ErrClosed is the error of every method after Close.
	ErrClosed = process.ErrClosed
)

const (
	recipe = "value"
	// example is a right path, for errors.
	example = "/counters/visits"
)

// Config describes one process.
type Config struct {
	// ACL of the znodes that are made. Nil lets every client do everything.
	ACL []zkapi.ACL
	// Logger receives what goes wrong and is tried again. Nil: nothing is logged.
	Logger *slog.Logger
}

// Values reads and writes the values of one process. All of them share one session: it is opened
// when it is needed, and replaced when it ends. The methods may be called concurrently.
type Values struct{ p *process.Process }

// New checks its arguments. It does not connect.
func New(env zkapi.Env, config Config) (*Values, error) {
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &Values{p}, nil
}

// Close ends the session. Calls that wait return ErrClosed. A nil error means that the ensemble has
// confirmed the end.
func (v *Values) Close(ctx context.Context) error { return v.process().Close(ctx) }

func (v *Values) process() *process.Process {
	if v == nil {
		return nil
	}
	return v.p
}

// Version is the version of a value. It grows by 1 with each write.
type Version int32

// Absent is the version of a value whose znode does not exist.
const Absent Version = -1

// State is a value at one moment.
type State struct {
	Data    []byte  // nil if it is absent
	Version Version // Absent if it is absent
}

// Get returns a value. It has every write that was confirmed before the call, unless the leader of
// the ensemble is being replaced meanwhile; then it may be older.
func (v *Values) Get(ctx context.Context, path string) (now State, err error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return now, err
	}
	err = v.process().Read(ctx, "read a value", path, func(s *process.Session) (err error) {
		now, err = current(s, path)
		return err
	})
	return now, err
}

// current reads a value, after a sync.
func current(s *process.Session, path string, state ...any) (State, error) {
	got, err := s.Now("read a value", fence.Get(path), append(state, path)...)
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return State{Version: Absent}, nil
	case err == nil && got.Stat.Version < 0: // it is no condition any more
		err = ErrOverflow
	}
	return State{got.Data, Version(got.Stat.Version)}, err
}

// Set replaces a value, whatever it is, and returns its new version. It makes the znode if that does
// not exist. For the errors see the package.
func (v *Values) Set(ctx context.Context, path string, data []byte) (Version, error) {
	return v.change(ctx, path, func(State) ([]byte, error) { return data, nil })
}

// CompareAndSet replaces a value if it still has that version, and returns its new version. With
// Absent it makes the znode. ErrChanged means that the version is another one.
func (v *Values) CompareAndSet(ctx context.Context, path string, version Version, data []byte) (Version, error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return 0, process.NotApplied(path, err)
	}
	if version < Absent {
		return 0, process.NotApplied(path, input.Invalid(recipe, "version %d: use one that was read, or Absent", version))
	}
	err := v.write(ctx, path, version, data)
	if process.Refused(err) {
		err = fmt.Errorf("%w: it has not version %d: %w", ErrChanged, version, err)
	}
	return version + 1, err
}

// write replaces a value if it still has that version. The lane is beside the value, because a value
// that is absent has nothing below it.
func (v *Values) write(ctx context.Context, at string, version Version, data []byte) error {
	folder := path.Dir(at)
	if version != Absent {
		return v.process().Write(ctx, folder, zkapi.Set(at, data, int32(version)))
	}
	err := v.process().Write(ctx, folder, v.process().Create(at, data))
	if errors.Is(err, zkapi.ErrNoNode) {
		if err := v.p.EnsureParents(ctx, at); err != nil {
			return process.NotApplied(at, err)
		}
		err = v.p.Write(ctx, folder, v.p.Create(at, data))
	}
	return err
}

// change replaces a value by what next makes of it. If another process is faster, it begins again.
func (v *Values) change(ctx context.Context, path string, next func(State) ([]byte, error)) (Version, error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return 0, process.NotApplied(path, err)
	}
	for refusals := 1; ; refusals++ {
		now, err := v.Get(ctx, path)
		if err != nil {
			return 0, process.NotApplied(path, err)
		}
		data, err := next(now)
		if err != nil {
			return 0, process.NotApplied(path, err)
		}
		switch err := v.write(ctx, path, now.Version, data); {
		case err == nil:
			return now.Version + 1, nil
		case !process.Refused(err):
			return 0, err
		}
		if err := v.p.Pause(ctx, refusals, path); err != nil {
			return 0, process.NotApplied(path, err)
		}
	}
}
