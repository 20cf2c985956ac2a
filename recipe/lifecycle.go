package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var (
	// ErrClosed is the cause of everything that ends because of Close.
	ErrClosed = errors.New("closed")
	// ErrCloseUnconfirmed means that the server has not confirmed the end of a session: its
	// ephemeral znodes may stay until the session's timeout, and with them the
	// place of a master or the name of a worker.
	ErrCloseUnconfirmed = errors.New("the session may last until its timeout")
	errRunning          = errors.New("recipe: Run was called while an earlier Run has not returned")
)

// lifetime is the Run of a master, a worker or a node, and how Close ends it.
type lifetime struct {
	over zkapi.Signal // raised when Run has returned

	mu          sync.Mutex
	closed      bool
	running     bool
	stop        context.CancelCauseFunc // of the Run under way
	unconfirmed error                   // the result of the last session's Close
}

func newLifetime(env zkapi.Env) *lifetime { return &lifetime{over: env.Signal()} }

// begin starts a Run; its context ends with ctx or with stop.
func (l *lifetime) begin(ctx context.Context) (context.Context, error) {
	if l == nil {
		return nil, errZero
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, ErrClosed
	case l.running:
		return nil, errRunning
	}
	l.running = true
	ctx, l.stop = context.WithCancelCause(ctx)
	return ctx, nil
}

// finish ends a Run.
func (l *lifetime) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	l.stop(nil)
	l.over.Raise()
}

// ended notes the result of a session's Close.
func (l *lifetime) ended(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unconfirmed = nil
	if err != nil {
		l.unconfirmed = fmt.Errorf("%w: %w", ErrCloseUnconfirmed, err)
	}
}

// close prevents further Runs. It reports whether one is under way.
func (l *lifetime) close() (running bool) {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.running
}

// end makes the Run under way return.
func (l *lifetime) end(cause error) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		l.stop(cause)
	}
}

// wait waits until no Run is under way, and returns an error if its last the session may last until its timeout.
func (l *lifetime) wait(ctx context.Context, env zkapi.Env) error {
	if l == nil {
		return errZero
	}
	for {
		l.mu.Lock()
		running, unconfirmed := l.running, l.unconfirmed
		l.mu.Unlock()
		if !running {
			l.over.Raise() // for others that wait
			return unconfirmed
		}
		if _, err := env.Wait(ctx, l.over); err != nil {
			return fmt.Errorf("recipe: Run has not returned yet: %w", err)
		}
	}
}

// Role is a Master, a Worker or a Node.
type Role interface {
	Run(ctx context.Context) error
	Close(ctx context.Context) error
}

// RunUntil runs a role until ctx ends, and then closes it, for at most patience. It returns
// the error of Run if Run returned first, and otherwise the error of Close.
func RunUntil(ctx context.Context, env zkapi.Env, role Role, patience time.Duration) error {
	var ran error
	over := env.Spawn("role", func() { ran = role.Run(context.WithoutCancel(ctx)) })
	if _, err := env.Wait(ctx, over); err == nil {
		return ran
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := role.Close(closing)
	_, _ = env.Wait(closing, over) // Close does not wait for the last steps of Run
	return err
}

// eachSession runs a role on one session after the other. life hears how each session ended.
func eachSession(role string, env zkapi.Env, obs Observers, life *lifetime, memory *epoch.Memory) sessions.Each {
	return sessions.Each{Recipe: "recipe", Role: role, Env: env, Obs: obs.shared(), Memory: memory, Ended: life.ended}
}
