package sessions

import (
	"context"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Running is the Run of a role that is under way, for roles that have Close as well: one Run at a time, and none
// after Close. Its methods may be called concurrently.
type Running struct {
	env  zkapi.Env
	over zkapi.Signal // raised when Run has returned

	mu     sync.Mutex
	closed bool
	end    context.CancelCauseFunc // of the Run under way
}

// NewRunning has no Run yet.
func NewRunning(env zkapi.Env) *Running { return &Running{env: env, over: env.Signal()} }

// Begin notes that a Run is under way. Its context ends with ctx or with Close, and the caller calls returned when
// Run returns. The error is closed after Close, and busy if another Run is under way.
func (r *Running) Begin(ctx context.Context, closed, busy error) (_ context.Context, returned func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, nil, closed
	case r.end != nil:
		return nil, nil, busy
	}
	ctx, r.end = context.WithCancelCause(ctx)
	return ctx, r.returned, nil
}

// End ends the context of the Run under way, as if its ctx had ended.
func (r *Running) End(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		r.end(cause)
	}
}

// returned notes that Run has returned.
func (r *Running) returned() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end(nil)
	r.end = nil
	r.over.Raise()
}

// Closed reports whether Close was called.
func (r *Running) Closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Close lets no other Run begin, ends the one under way for that cause, and waits until it has returned. The
// error is that of ctx, and names the role. state is what the caller depends on.
func (r *Running) Close(ctx context.Context, role string, cause error, state any) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for {
		r.mu.Lock()
		end := r.end
		r.mu.Unlock()
		if end == nil {
			r.over.Raise() // for others that wait
			return nil
		}
		end(cause)
		zkapi.Checkpoint(r.env, "closing", ctx, r, state)
		if _, err := r.env.Wait(ctx, r.over); err != nil {
			return fmt.Errorf("%s: Run has not returned yet: %w", role, err)
		}
	}
}
