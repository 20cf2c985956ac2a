package standby

import (
	"context"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// health is what a candidate knows of its own health. A thread of its own asks for it, because the
// others may wait for a hook.
type health struct {
	*Candidate
	changed zkapi.Signal // raised when the process is healthy again

	mu    sync.Mutex
	bad   error                   // why it is not healthy
	leave context.CancelCauseFunc // makes the candidate leave the election
}

// errUnchecked is why a process is not healthy before the first check.
var errUnchecked = fmt.Errorf("%w: it has not been checked yet", ErrUnhealthy)

func newHealth(c *Candidate) *health {
	h := &health{Candidate: c, changed: c.env.Signal()}
	if c.config.Health != nil {
		h.bad = errUnchecked
	}
	return h
}

// run asks again and again, until ctx ends.
func (h *health) run(ctx context.Context) {
	if h.config.Health == nil {
		return
	}
	zkapi.DependsOn(h.env, h)
	hooks := &hooks{env: h.env} // Health is called beside the other hooks
	for ctx.Err() == nil {
		h.note(ctx, hooks.call(ctx, h.config.HealthTimeout, h.config.Health))
		next := h.env.Timer(h.config.HealthInterval)
		zkapi.Checkpoint(h.env, "next health check", ctx, hooks)
		_, _ = h.env.Wait(ctx, next)
	}
}

// note notes the answer of the hook.
func (h *health) note(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.bad
	if ctx.Err() != nil {
		return
	}
	h.bad = nil
	if err != nil {
		h.bad = fmt.Errorf("%w: %w", ErrUnhealthy, err)
	}
	switch {
	case err == nil && was != nil:
		h.changed.Raise()
		h.obs.Logger.InfoContext(ctx, "healthy")
	case err != nil && was == nil:
		h.obs.Logger.WarnContext(ctx, "not healthy: leaving the election", "error", observe.Clip(err.Error()))
	case err != nil && was == errUnchecked:
		h.obs.Logger.WarnContext(ctx, "not healthy: not standing for election", "error", observe.Clip(err.Error()))
	}
	if err != nil && h.leave != nil {
		h.leave(h.bad)
	}
}

// tell has leave called as soon as the process is not healthy.
func (h *health) tell(leave context.CancelCauseFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.leave = leave; leave != nil && h.bad != nil {
		leave(h.bad)
	}
}

// wait waits until the process is healthy.
func (h *health) wait(ctx context.Context) error {
	for {
		h.mu.Lock()
		bad := h.bad
		h.mu.Unlock()
		if bad == nil {
			return nil
		}
		zkapi.Checkpoint(h.env, "until healthy", ctx)
		if _, err := h.env.Wait(ctx, h.changed); err != nil {
			return err
		}
	}
}
