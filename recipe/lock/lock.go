package lock

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// resyncInterval is how often a contender looks at the one before it without an event. It is
// long because there may be many contenders.
const resyncInterval = 30 * time.Second

// role is the name of a Locks in the log and in measurements.
const role = "lock"

// Config describes one process that takes locks.
type Config struct {
	// Name of the process, for people. It is in the data of each of its znodes.
	Name string
	// ACL of the znodes that are made: the path, the znodes above it that are missing, and the
	// contenders. Nil lets every client do everything. All processes must be able to read the
	// path, to create and delete below it, and to set it.
	ACL []zkapi.ACL
	// Layout is how the own contenders are named. Every layout is understood when a line is read.
	Layout Layout
	// Logger receives waits, grants and losses. Nil: nothing is logged.
	Logger *slog.Logger
}

// Locks takes the locks of one process. All of them share one session: it is opened when it is
// needed and replaced when it ends. The methods may be called concurrently.
type Locks struct {
	env    zkapi.Env
	obs    observe.Observer
	config Config
	shared *sessions.Shared
	tokens tokens.Memory

	mu    sync.Mutex
	taken map[string]*contender // by path: who holds it or waits for it
	odd   map[string]bool       // znodes that the log has named because they are no contenders
}

// New checks config. It does not connect.
func New(env zkapi.Env, config Config) (*Locks, error) {
	if sessions.NoEnv(env) {
		return nil, invalid("env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	if err := config.Layout.check(); err != nil {
		return nil, err
	}
	l := &Locks{env: env, obs: observe.To(config.Logger), config: config, taken: map[string]*contender{}, odd: map[string]bool{}}
	if config.Name != "" {
		l.obs.Logger = l.obs.Logger.With("process", config.Name)
	}
	l.shared = sessions.NewShared(env, l.obs, role, sessions.Hooks{Opened: l.opened})
	return l, nil
}

// opened hears of each new session.
func (l *Locks) opened(ctx context.Context, session zkapi.Session) {
	if last := l.tokens.Opened(zkapi.WentBack(session)); last != nil {
		l.obs.Logger.ErrorContext(ctx, "the ensemble was wiped, replaced or restored", "error", last)
	}
}

// Close ends the session, and with it every lock that is held and every wait: they return
// ErrClosed. A nil error means that the ensemble has confirmed the end. Otherwise the znodes may
// stay until the session's timeout. To let another process continue after an orderly end, release
// the locks first.
func (l *Locks) Close(ctx context.Context) error {
	if l == nil || l.env == nil {
		return errZero
	}
	return l.shared.Close(ctx, ErrClosed)
}

// Lock waits until this process holds the lock, or until ctx ends. Contenders are granted the
// lock in the order in which they came. If the session ends while it waits, it joins the line
// again at the end.
//
// If ctx ends, Lock returns its cause at once. The Locks go on deleting the contender's znode
// until the ensemble has confirmed that, or the session has ended. The same is done after every
// other error. The lock is not bound to ctx once it is granted.
//
// Errors that no wait cures are returned at once: ErrInvalid, ErrReentrant, ErrMixed, ErrParent,
// ErrExhausted, ErrClosed, and refusals of the server (zkapi.Permanent).
func (l *Locks) Lock(ctx context.Context, path string, options ...Option) (*Held, error) {
	return l.lock(ctx, path, true, options)
}

// TryLock is Lock that does not wait for other contenders: it returns ErrHeld if one holds the
// lock or came first. It still waits for a server.
func (l *Locks) TryLock(ctx context.Context, path string, options ...Option) (*Held, error) {
	return l.lock(ctx, path, false, options)
}

func (l *Locks) lock(ctx context.Context, path string, waits bool, options []Option) (*Held, error) {
	if l == nil || l.env == nil {
		return nil, errZero
	}
	w, err := newWish(path, options)
	if err != nil {
		return nil, err
	}
	return l.contend(ctx, l.shared.Life(), w, waits)
}

// contend has one contender go for the lock. The lock's context ends with under, too.
func (l *Locks) contend(ctx, under context.Context, w wish, waits bool) (*Held, error) {
	c := &contender{wish: w, locks: l, env: l.env, waits: waits, under: under, letGo: l.env.Signal(), decided: l.env.Signal()}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := l.take(c); err != nil {
		return nil, err
	}
	c.wanted, c.giveUp = context.WithCancelCause(under)
	c.over = l.env.Spawn(role, c.run)
	zkapi.Checkpoint(l.env, "lock", ctx, c)
	if _, err := l.env.Wait(ctx, c.decided); err != nil {
		c.giveUp(err)
		c.letGo.Raise()
		l.free(c)
		return nil, l.shared.Explained(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held, c.err
}

// take notes that a contender holds its path or waits for it. The permits of a semaphore do not
// exclude each other.
func (l *Locks) take(c *contender) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.form == permit {
		return nil
	}
	switch {
	case l.shared.Life().Err() != nil:
		return context.Cause(l.shared.Life())
	case l.taken[c.path] != nil:
		return ErrReentrant
	}
	l.taken[c.path] = c
	return nil
}

// free notes that a contender does not hold its path any more, and does not wait for it.
func (l *Locks) free(c *contender) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken[c.path] == c {
		delete(l.taken, c.path)
	}
}

// skip reports a znode in a line that is no contender, once.
func (l *Locks) skip(ctx context.Context, path string, owner zkapi.Owner) {
	l.mu.Lock()
	known := l.odd[path]
	if len(l.odd) < mostOdd {
		l.odd[path] = true
	}
	l.mu.Unlock()
	if !known {
		l.obs.Logger.WarnContext(ctx, "a znode in the line is no contender and is skipped: delete it", "path", path, "is", owner.String())
	}
}

// mostOdd is how many znodes that are no contenders a Locks remembers.
const mostOdd = 1000

// connected returns the present session, for reads and fenced writes. No other file of this
// package has the session itself.
func (l *Locks) connected(ctx context.Context) (fence.Session, error) {
	session, err := l.shared.Connected(ctx)
	return fence.Of(session), err
}

// reading repeats a read until it is answered, on one session after the other if necessary.
func (l *Locks) reading(ctx context.Context, what string, step func(fence.Session) error) error {
	return l.shared.With(ctx, what, func(session zkapi.Session) error { return step(fence.Of(session)) })
}

// request writes a request to release into the znode of a holder. It needs no claim, because
// anybody may ask; the claim of the holder is that its znode is there, whatever its data.
func (l *Locks) request(ctx context.Context, znode string) error {
	return l.shared.With(ctx, "request to release", func(session zkapi.Session) error {
		_, err := session.Do(ctx, zkapi.Set(znode, []byte(revokeData), zkapi.AnyVersion))
		return err
	})
}
