package barrier

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
	// ErrLost means that the znode of a participant is gone, because its session has ended or by
	// hand: the others go on without it.
	ErrLost = errors.New("the place in the barrier is lost")
	// ErrLeft is the cause of the context of a participant that has left.
	ErrLeft = errors.New("the participant has left the barrier")
	// ErrDouble means that a barrier cannot be lifted, or waited for, because the path is that of a
	// double barrier. Its znode counts the rounds, so it stays. Nothing was changed.
	ErrDouble = errors.New("this is a double barrier: enter it with the number of its participants, or use another name; to remove it, delete its znode by hand when no process uses it")
	// ErrOverflow means that the version of the path has passed 2^31-1. Use another path.
	ErrOverflow = process.ErrOverflow
	// ErrInvalid means that an argument is wrong. Nothing was sent.
	ErrInvalid = input.ErrInvalid
	// ErrClosed is the error of every method after Close.
	ErrClosed = process.ErrClosed
)

const (
	recipe = "barrier"
	// example is a right path, for errors.
	example = "/barriers/start"
)

// Config describes one process.
type Config struct {
	// Name of the process, for people. It is in the data of its znode in a double barrier.
	Name string
	// ACL of the znodes that are made. Nil lets every client do everything.
	ACL []zkapi.ACL
	// Logger receives what goes wrong and is tried again. Nil: nothing is logged.
	Logger *slog.Logger
}

// Barriers uses the barriers of one process. All of them share one session: it is opened when it is
// needed, and replaced when it ends. The methods may be called concurrently.
type Barriers struct {
	p    *process.Process
	name string
}

// New checks its arguments. It does not connect.
func New(env zkapi.Env, config Config) (*Barriers, error) {
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &Barriers{p, config.Name}, nil
}

func (b *Barriers) process() *process.Process {
	if b == nil {
		return nil
	}
	return b.p
}

// Close ends the session, and with it the place of this process in every double barrier. Calls that
// wait return ErrClosed. A nil error means that the ensemble has confirmed the end.
func (b *Barriers) Close(ctx context.Context) error { return b.process().Close(ctx) }

// Set sets the barrier, so that Wait waits. It may be set already. For the errors see the package.
func (b *Barriers) Set(ctx context.Context, path string) error {
	err := b.write(ctx, path, b.process().Create(path, nil))
	if errors.Is(err, zkapi.ErrNoNode) {
		if err := b.p.EnsureParents(ctx, path); err != nil {
			return process.NotApplied(path, err)
		}
		err = b.write(ctx, path, b.process().Create(path, nil))
	}
	if errors.Is(err, zkapi.ErrNodeExists) {
		return nil
	}
	return err
}

// Lift lifts the barrier, so that all waits end. It may be lifted already. It does not lift a double
// barrier (ErrDouble), because the numbers of its rounds would begin again. For other errors see the
// package.
func (b *Barriers) Lift(ctx context.Context, path string) error {
	for version := int32(0); ; { // that of a znode that Set has made
		err := b.write(ctx, path, zkapi.Delete(path, version))
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			return nil
		case errors.Is(err, zkapi.ErrNotEmpty):
			return process.NotApplied(path, fmt.Errorf("%w: %w", ErrDouble, err))
		case !errors.Is(err, zkapi.ErrBadVersion):
			return err
		}
		seen, err := b.look(ctx, path)
		if err == nil && seen.Found {
			err = notDouble(seen.Stat)
		}
		if err != nil {
			return process.NotApplied(path, err)
		}
		version = seen.Stat.Version
	}
}

// notDouble returns ErrDouble if the znode is that of a double barrier that has had a round. A barrier
// whose data was set by hand has no children.
func notDouble(stat zkapi.Stat) error {
	if stat.Version > 0 && stat.Cversion > 0 {
		return ErrDouble
	}
	return nil
}

// look reads the znode of a barrier.
func (b *Barriers) look(ctx context.Context, path string) (seen zkapi.Result, err error) {
	err = b.process().Read(ctx, "look at a barrier", path, func(s *process.Session) error {
		seen, err = s.Now("look at a barrier", fence.Exists(path), path)
		return err
	})
	return seen, err
}

// write applies a write to a barrier once. Its lane is beside the barrier.
func (b *Barriers) write(ctx context.Context, at string, op zkapi.Op) error {
	if err := input.CheckPath(recipe, at, example); err != nil {
		return process.NotApplied(at, err)
	}
	return b.process().Write(ctx, path.Dir(at), op)
}

// IsSet reports whether the barrier is set. It returns ErrDouble for a double barrier that has had a
// round.
func (b *Barriers) IsSet(ctx context.Context, path string) (set bool, err error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return false, err
	}
	seen, err := b.look(ctx, path)
	if err != nil || !seen.Found {
		return false, err
	}
	return true, notDouble(seen.Stat)
}

// Wait waits until the barrier is not set. It returns ErrDouble for a double barrier that has had a
// round: nothing would end the wait.
func (b *Barriers) Wait(ctx context.Context, path string) error {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return err
	}
	return b.process().Await(ctx, "wait for a barrier", path, func(s *process.Session) ([]zkapi.Source, error) {
		seen, err := s.Now("wait for a barrier", fence.Exists(path).Watched(), path)
		if err == nil && seen.Found {
			err = notDouble(seen.Stat)
		}
		if err != nil || !seen.Found {
			return nil, err
		}
		return []zkapi.Source{seen.Watch}, nil
	})
}
