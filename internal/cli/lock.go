package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// locksRoot is the znode of the locks that have a name. A lock can also have a path of its own.
const locksRoot = "/locks"

// Lock is the command lock.
type Lock struct {
	Name    string // of this process, for people
	Shared  bool
	Timeout time.Duration // how long it waits for the lock
	Limited bool          // Timeout counts; otherwise it waits for ever
	Delay   time.Duration
}

// errNotInTime means that another process had the lock for too long.
var errNotInTime = errors.New("the lock was not free in time")

// releaseTime is how long a release may take. Then the lock is free when the session ends.
const releaseTime = 5 * time.Second

// Run takes a lock, runs a command while it has the lock, and gives the lock back.
func (l Lock) Run(ctx context.Context, o *Options, streams Streams, name string, command []string) error {
	if l.Timeout < 0 {
		return misuse("lock: --timeout %v: give a time, or 0 to take the lock at once or not at all", l.Timeout)
	}
	locks, env, log, err := o.locks(l.Name)
	if err != nil {
		return err
	}
	defer endSession(locks.Close)
	path, err := o.pathOf("lock", locksRoot, name)
	if err != nil {
		return err
	}
	held, err := l.take(ctx, o, env, log, locks, path)
	if err != nil {
		return fmt.Errorf("lock: %s: %w", path, err)
	}
	code, lost, err := runUnder(ctx, right{
		name: "lock", left: held.Left, context: held.Context(),
		env: []string{"RINGMASTER_LOCK=" + path, fmt.Sprintf("RINGMASTER_TOKEN=%d", held.Token())},
	}, streams, command, log)
	cause := cmp.Or(context.Cause(held.Context()), errSoon)
	releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	problem := held.Release(releasing)
	switch gone := errors.Is(problem, lock.ErrLost); {
	case err != nil:
		return misuse("lock: the command cannot be run: %w", err)
	case gone && !lost:
		return exit.With(exit.Lost, fmt.Errorf("lock: %s: the command has ended with %d, but %w", path, code, problem))
	case problem != nil && !lost:
		log.Warn("the command has ended, but the lock may stay until the session timeout", "error", problem)
	}
	switch {
	case lost:
		return exit.With(exit.Lost, fmt.Errorf("lock: %s: %w; the command was ended", path, cause))
	case code != 0:
		return exit.With(exit.Code(code), errChild)
	}
	return nil
}

// take waits for the lock. It says once what it waits for.
func (l Lock) take(ctx context.Context, o *Options, env *grantedEnv, log *slog.Logger, locks *lock.Locks, path string) (*lock.Held, error) {
	ctx, stop := o.untilLate(ctx, env)
	defer stop()
	options := []lock.Option{}
	if l.Shared {
		options = append(options, lock.Shared())
	}
	if l.Delay != 0 {
		options = append(options, lock.Delay(l.Delay))
	}
	if l.Limited && l.Timeout == 0 {
		return locks.TryLock(ctx, path, options...)
	}
	if l.Limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.Timeout, errNotInTime)
		defer cancel()
	}
	defer time.AfterFunc(silence, func() { sayWho(ctx, log, locks, path) }).Stop()
	return locks.Lock(ctx, path, options...)
}

// silence is how long lock waits before it says what it waits for.
const silence = 500 * time.Millisecond

// sayWho logs who holds a lock, and how many wait for it.
func sayWho(ctx context.Context, log *slog.Logger, locks *lock.Locks, path string) {
	line, err := locks.Line(ctx, path)
	if err != nil {
		return // ctx has ended, or the wait says the same
	}
	var holders []string
	waiting := 0
	for _, c := range line {
		if c.Holds {
			holders = append(holders, who(c))
		} else {
			waiting++
		}
	}
	log.Info("waiting for the lock", "lock", path, "held_by", strings.Join(holders, ", "), "waiting", waiting)
}

// who is the name of a contender, or its session if it has none.
func who(c lock.Contender) string { return cmp.Or(c.Name, fmt.Sprintf("session 0x%x", c.Session)) }

// locks connects, for commands that take or show locks.
func (o *Options) locks(name string) (*lock.Locks, *grantedEnv, *slog.Logger, error) {
	env, access, log, err := o.connect()
	if err != nil {
		return nil, nil, nil, err
	}
	locks, err := lock.New(env, lock.Config{Name: name, ACL: aclOf(access), Logger: slog.New(quieter{log.Handler()})})
	return locks, env, log, err
}

// quieter leaves out what the command says by itself.
type quieter struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return level != slog.LevelInfo && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

// aclOf lets every identity of --access do everything with a lock; nil lets every client.
func aclOf(access recipe.Access) (acl []zkapi.ACL) {
	seen := map[string]bool{}
	for _, ids := range [][]string{access.Master, access.Worker, access.Client} {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				acl = append(acl, zkapi.ACL{Perms: zkapi.PermAll, Scheme: cmp.Or(access.Scheme, "digest"), ID: id})
			}
		}
	}
	return acl
}
