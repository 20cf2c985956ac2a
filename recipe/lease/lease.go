package lease

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The errors of this package.
var (
	// ErrOver is the cause of the context of a lease whose time is over.
	ErrOver = errors.New("the time of the lease is over")
	// ErrLost means that another process has taken the lease, or that it was taken by hand.
	ErrLost = errors.New("the lease is lost")
	// ErrReleased is the cause of the context of a lease after Release.
	ErrReleased = errors.New("the lease is released")
	// ErrFenced means that a write was refused because its lease is held by another. The write was
	// not applied.
	ErrFenced = term.ErrFenced
	// ErrOverflow means that the version of the znode has passed 2^31-1. Use another path.
	ErrOverflow = process.ErrOverflow
	// ErrInvalid means that an argument is wrong. Nothing was sent.
	ErrInvalid = input.ErrInvalid
	// ErrClosed is the error of every method after Close.
	ErrClosed = process.ErrClosed
)

const (
	recipe = "lease"
	// example is a right path, for errors.
	example = "/leases/duty"
)

// margin is the part of its time by which a lease ends earlier for its holder than for others.
const margin = 10

// Config describes one process.
type Config struct {
	// Name of the process, for those who look who holds a lease.
	Name string
	// ACL of the znodes that are made. Nil lets every client do everything.
	ACL []zkapi.ACL
	// Logger receives what goes wrong and is tried again. Nil: nothing is logged.
	Logger *slog.Logger
}

// Leases takes the leases of one process. All of them share one session: it is opened when it is
// needed, and replaced when it ends. No lease depends on it. The methods may be called concurrently.
type Leases struct {
	p    *process.Process
	name string
}

// New checks its arguments. It does not connect.
func New(env zkapi.Env, config Config) (*Leases, error) {
	p, err := process.New(env, recipe, config.ACL, config.Logger)
	if err != nil {
		return nil, err
	}
	return &Leases{p, config.Name}, nil
}

func (l *Leases) process() *process.Process {
	if l == nil {
		return nil
	}
	return l.p
}

// Close ends the session, and the contexts of all leases. It releases none: release them before, so
// that others need not wait.
func (l *Leases) Close(ctx context.Context) error { return l.process().Close(ctx) }

// grant is the data of the znode: who holds the lease.
type grant struct {
	Holder string `json:"holder,omitempty"`
	ID     string `json:"id,omitempty"` // of the call of Take
	MS     int64  `json:"ms,omitempty"` // how long the lease lasts, in milliseconds; 0 if it is free
}

// read reads the data of the znode. Other data means that the lease is free.
func read(data []byte) (g grant) {
	if json.Unmarshal(data, &g) != nil || g.MS <= 0 {
		return grant{}
	}
	return g
}

func (g grant) lasts() time.Duration { return time.Duration(g.MS) * time.Millisecond }

func (g grant) encode() []byte {
	data, err := json.Marshal(g)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	return data
}

// State says who holds a lease, for others.
type State struct {
	Holder string        // Config.Name
	For    time.Duration // how long it lasts at most, from now; 0 if it is free, or is released
	Token  int32         // of the last grant or release
}

// Look returns who holds a lease. One that is over and was not released looks as if it were held:
// who wants to know must take it.
func (l *Leases) Look(ctx context.Context, path string) (state State, err error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return state, err
	}
	err = l.process().Read(ctx, "look at a lease", path, func(s *process.Session) error {
		got, err := s.Now("look at a lease", fence.Get(path), path)
		if errors.Is(err, zkapi.ErrNoNode) {
			return nil
		}
		g := read(got.Data)
		state = State{g.Holder, g.lasts(), got.Stat.Version}
		return err
	})
	return state, err
}

// Take waits until the lease is free, and takes it for d. It is free if it was released, or if it
// has not changed for as long as it lasts, by this process's clock, since this process sees it.
//
// If the session ends, Take goes on with the next one. If ctx ends, Take returns its cause. If the
// outcome is unknown then (zkapi.FateOf), the lease is released in the background, or ends by itself.
func (l *Leases) Take(ctx context.Context, path string, d time.Duration) (*Lease, error) {
	if err := input.CheckPath(recipe, path, example); err != nil {
		return nil, process.NotApplied(path, err)
	}
	if d < shortest || d > longest {
		return nil, process.NotApplied(path, input.Invalid(recipe, "a lease for %v: use %v to %v", d, shortest, longest))
	}
	if l.process() == nil {
		return nil, l.process().Close(ctx)
	}
	one := &Lease{p: l.p, path: path, lasts: d.Truncate(time.Millisecond), grant: grant{l.name, l.p.Env.Unique(), d.Milliseconds()}, renewed: l.p.Env.Signal()}
	if err := one.granted(ctx); err != nil {
		if zkapi.FateOf(err) == zkapi.Unknown {
			l.p.Env.Spawn("release a lease", func() { _ = one.giveBack(l.p.Life()) })
		}
		return nil, err
	}
	one.ctx, one.end = context.WithCancelCause(l.p.Life())
	l.p.Env.Spawn("lease", one.expire)
	return one, nil
}

// The bounds of a lease.
const (
	shortest = 10 * time.Millisecond
	longest  = 24 * time.Hour
)
