package standby

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// hooks calls the hooks of an application, one at a time.
type hooks struct {
	env     zkapi.Env
	running *call // that was given up and has not returned; nil if there is none
}

// call is one call of a hook, in a thread of its own.
type call struct {
	env  zkapi.Env
	ctx  context.Context
	hook func(context.Context) error
	over zkapi.Source // fires when it has returned
	err  error
}

func (c *call) run() {
	zkapi.DependsOn(c.env, c)
	c.err = c.hook(c.ctx)
}

// unlimited is for hooks that have no timeout of their own.
const unlimited time.Duration = 0

// call calls a hook, and waits for it until ctx ends or for as long as it may take. Then its context
// ends. It is not called while one that was given up has not returned.
func (h *hooks) call(ctx context.Context, most time.Duration, hook func(context.Context) error) error {
	var late zkapi.Source
	if most != unlimited {
		late = h.env.Timer(most)
	}
	if h.running != nil {
		zkapi.Checkpoint(h.env, "hook before", ctx, h, late)
		if i, err := h.wait(ctx, h.running.over, late); err != nil || i != 0 {
			return first(err, ErrTimeout)
		}
		h.running = nil
	}
	c := &call{env: h.env, hook: hook}
	var end context.CancelCauseFunc
	c.ctx, end = context.WithCancelCause(ctx)
	c.over = h.env.Spawn("hook", c.run)
	zkapi.Checkpoint(h.env, "hook", ctx, h, late, c)
	i, err := h.wait(ctx, c.over, late)
	if err == nil && i == 0 {
		end(nil)
		return c.err
	}
	h.running = c
	end(first(err, ErrTimeout))
	return first(err, ErrTimeout)
}

// wait waits until a call is over; or for late, which may be nil.
func (h *hooks) wait(ctx context.Context, over, late zkapi.Source) (int, error) {
	if late == nil {
		return h.env.Wait(ctx, over)
	}
	return h.env.Wait(ctx, over, late)
}

// first is the first of two errors that is not nil.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
