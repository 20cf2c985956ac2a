package standby

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Candidate is one process of a group: it stands by, and is active for one term after the other.
type Candidate struct {
	env      zkapi.Env
	config   Config
	election elect.Election
	obs      observe.Observer
	memory   *epoch.Memory
	notices  obstacle.Notices
	running  *sessions.Running

	// Of the thread of Run.
	health     *health
	hooks      hooks
	isStandby  bool        // BecomeStandby has returned nil since the last BecomeActive
	own        trail       // the breadcrumb that this life has left
	doubt      doubt       // one that it may have left
	activation *retry.Step // terms that have failed before the process was active
	held       heldBack
	on         *tenure // the session under way
	now        *Active // the term under way
}

// New checks config. It does not connect.
func New(env zkapi.Env, config Config) (*Candidate, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	config = config.filled()
	if err := config.check(); err != nil {
		return nil, err
	}
	c := &Candidate{env: env, config: config, election: config.election(), obs: config.observer(), memory: epoch.AtLeast(config.EpochAtLeast), running: sessions.NewRunning(env), hooks: hooks{env: env}}
	c.activation = retry.New(env, c.obs, "activation")
	return c, nil
}

// Run stands by, becomes active when the lock is free, and stands by again after each term. It calls the
// hooks of Config, one at a time, except for Health. It returns when ctx ends, with its cause, or after
// Close: then this process has become standby, and has given the lock up. If BecomeStandby has not
// returned nil, the error is also ErrNotStandby.
//
// Other errors: ErrRuns; ErrClosed; and refusals that no wait cures (zkapi.Permanent), such as
// zkapi.ErrNoAuth if ACLs do not let this process become active. A znode of another kind in the place of
// the lock, or of the epoch's, is named in the log with its remedy, and Run waits until it is gone.
func (c *Candidate) Run(ctx context.Context) error {
	if c == nil || c.env == nil {
		return errZero
	}
	ctx, returned, err := c.running.Begin(ctx, ErrClosed, ErrRuns)
	if err != nil {
		return err
	}
	defer returned()
	c.isStandby = false
	c.health = newHealth(c)
	checks := c.env.Spawn("health", func() { c.health.run(ctx) })
	err = c.stands(ctx)
	c.running.End(err)
	zkapi.Checkpoint(c.env, "end of health checks", c)
	_, _ = c.env.Wait(context.WithoutCancel(ctx), checks)
	if !c.isStandby {
		err = fmt.Errorf("%w: %w", err, ErrNotStandby)
	}
	return err
}

// stands stands for election again and again: while this process is standby, and healthy.
func (c *Candidate) stands(ctx context.Context) error {
	zkapi.DependsOn(c.env, c)
	for {
		if err := c.ensureStandby(ctx); err != nil {
			return err
		}
		if err := c.health.wait(ctx); err != nil {
			return err
		}
		stand, leave := context.WithCancelCause(ctx)
		c.health.tell(leave)
		each := sessions.Each{Recipe: "standby", Role: "candidate", Env: c.env, Obs: c.obs, Memory: c.memory, Ended: c.sessionEnded}
		err := each.Run(stand, c.serve)
		c.health.tell(nil)
		leave(nil)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, sessions.ErrStop), errors.Is(err, ErrUnhealthy):
		default:
			return err
		}
	}
}

// sessionEnded tells if the end of a session was not confirmed.
func (c *Candidate) sessionEnded(err error) {
	if err != nil {
		c.obs.Logger.Info("the session may last until its timeout", "error", err)
	}
}

// ensureStandby calls BecomeStandby until it returns nil, or until ctx ends.
func (c *Candidate) ensureStandby(ctx context.Context) error {
	again := retry.New(c.env, c.obs, "become standby")
	for !c.isStandby {
		err := c.becomeStandby(ctx)
		if err == nil {
			again.Worked(ctx)
			return nil
		}
		pause := c.env.Timer(again.Failed(ctx, err))
		zkapi.Checkpoint(c.env, "standby again", ctx)
		if _, err := c.env.Wait(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

// becomeStandby calls BecomeStandby once.
func (c *Candidate) becomeStandby(ctx context.Context) error {
	err := c.hooks.call(ctx, c.config.StandbyTimeout, c.config.BecomeStandby)
	if c.isStandby = err == nil; c.isStandby {
		c.obs.Logger.InfoContext(ctx, "standby")
		return nil
	}
	c.obs.Logger.WarnContext(ctx, "the process did not become standby", "error", observe.Clip(err.Error()))
	return err
}

// Close ends the candidate: a Run that is under way ends as if its context had ended. Close waits until
// it has returned, or until ctx ends.
func (c *Candidate) Close(ctx context.Context) error {
	if c == nil || c.env == nil {
		return errZero
	}
	return c.running.Close(ctx, "standby", ErrClosed, c)
}
