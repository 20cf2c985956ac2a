package standby

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Breadcrumb describes the process that was active last and did not give the lock up in good order.
type Breadcrumb struct {
	// Data is the Config.Data of that process, or what a person or Hadoop wrote there.
	Data []byte
	// Same says that Data equals the own Config.Data. Then it is an earlier life of this process, or
	// another process with the same Data; it is not this life, which has become standby.
	Same bool
}

// trail is a breadcrumb as it was read. The zero value is none.
type trail struct {
	found   bool
	data    string
	version int32
	mzxid   int64
}

// activate fences the old active, leaves the breadcrumb and calls BecomeActive, in this order. It
// returns why the process has not become active.
func (a *Active) activate() error {
	for {
		old, err := a.readTrail()
		if err != nil {
			return err
		}
		if err := a.fence(old); err != nil {
			return err
		}
		switch left, err := a.leaveTrail(old); {
		case err != nil:
			return err
		case left:
			return a.becomeActive()
		}
	}
}

// readTrail reads the breadcrumb. A read that follows the own write that has taken the lock shows every
// breadcrumb from before.
func (a *Active) readTrail() (old trail, err error) {
	again := retry.New(a.env, a.obs, "look at the breadcrumb")
	err = again.OnDisconnect(a.ctx, a.session, func() (err error) {
		zkapi.Checkpoint(a.env, "look at the breadcrumb", a)
		old, err = a.lookAtTrail(a.ctx)
		return err
	})
	return old, err
}

func (a *Active) lookAtTrail(ctx context.Context) (trail, error) {
	got, err := a.session.Do(ctx, fence.Get(a.config.Layout.Breadcrumb))
	if errors.Is(err, zkapi.ErrNoNode) {
		return trail{}, nil
	}
	return trail{err == nil, string(got.Data), got.Stat.Version, got.Stat.Mzxid}, err
}

// fence fences the process that a breadcrumb names, unless that is this life of this process.
func (a *Active) fence(old trail) error {
	switch {
	case !old.found:
		return nil
	case old == a.own:
		a.obs.Logger.InfoContext(a.ctx, "the breadcrumb is that of this process, which has become standby: nothing is fenced")
		return nil
	}
	crumb := Breadcrumb{[]byte(old.data), old.data == string(a.config.Data)}
	for attempt := 1; ; attempt++ {
		a.obs.Logger.InfoContext(a.ctx, "fencing the old active", "attempt", attempt, "old", observe.Clip(old.data))
		err := a.hooks.call(a.ctx, a.config.FenceTimeout, func(ctx context.Context) error { return a.config.Fence(ctx, crumb) })
		switch {
		case err == nil:
			a.obs.Logger.InfoContext(a.ctx, "the old active is fenced")
			return nil
		case a.ctx.Err() != nil:
			return context.Cause(a.ctx)
		case attempt >= a.config.FenceAttempts:
			a.obs.Logger.ErrorContext(a.ctx, "the old active could not be fenced: the lock is given up", "attempts", attempt, "old", observe.Clip(old.data), "error", observe.Clip(err.Error()))
			return fmt.Errorf("%w: %w", ErrUnfenced, err)
		}
		a.obs.Metrics.Retried("fencing", false)
		a.obs.Logger.WarnContext(a.ctx, "an attempt to fence the old active has failed", "attempt", attempt, "error", observe.Clip(err.Error()))
		pause := a.env.Timer(zkapi.Pause(a.env, a.config.FencePause, max(mostFencePause, a.config.FencePause), attempt))
		zkapi.Checkpoint(a.env, "fence again", a, attempt, old)
		if _, err := a.env.Wait(a.ctx, pause); err != nil {
			return err
		}
	}
}

// leaveTrail writes the own breadcrumb in place of an old one, and checks the epoch in the same multi. It
// returns false if the old one has changed meanwhile: then it is to be read again.
func (a *Active) leaveTrail(old trail) (left bool, err error) {
	crumb, data := a.config.Layout.Breadcrumb, a.config.Data
	ops := []zkapi.Op{zkapi.Set(crumb, data, old.version)}
	if !old.found { // the set tells which znode it is
		ops = []zkapi.Op{zkapi.Create(crumb, data, zkapi.Persistent).WithACL(a.config.ACL), ops[0]}
	}
	again := retry.New(a.env, a.obs, "breadcrumb")
	for {
		zkapi.Checkpoint(a.env, "breadcrumb", a, old)
		result, err := a.term.Send(a.ctx, ops...)
		switch {
		case err == nil:
			stat := result.Results[len(result.Results)-1].Stat
			a.own = trail{true, string(data), stat.Version, stat.Mzxid}
			return true, nil
		case a.ctx.Err() != nil:
			return false, context.Cause(a.ctx)
		case zkapi.FateOf(err) == zkapi.Unknown:
			if left, changed, err := a.resolveTrail(old); err != nil || changed {
				return left, err
			}
		case errors.Is(err, zkapi.ErrBadVersion), errors.Is(err, zkapi.ErrNodeExists), errors.Is(err, zkapi.ErrNoNode):
			return false, nil
		case !retry.Passing(err):
			return false, err
		}
		if err := again.Wait(a.ctx, a.session, err); err != nil {
			return false, err
		}
	}
}

// resolveTrail finds out what became of a breadcrumb whose answer was lost. After a sync, a read that
// does not show it proves that it was not applied, and never will be.
func (a *Active) resolveTrail(old trail) (left, changed bool, err error) {
	var now trail
	again := retry.New(a.env, a.obs, "look for the own breadcrumb")
	err = again.OnDisconnect(a.ctx, a.session, func() (err error) {
		zkapi.Checkpoint(a.env, "look for the own breadcrumb", a, old)
		if _, err = a.session.Do(a.ctx, fence.Sync(a.config.Layout.Breadcrumb)); err == nil {
			zkapi.Checkpoint(a.env, "look for the own breadcrumb after a sync", a, old)
			now, err = a.lookAtTrail(a.ctx)
		}
		return err
	})
	if err != nil || now == old {
		return false, false, err
	}
	if now.found && now.data == string(a.config.Data) && now.version == old.version+1 {
		a.own = now
		return true, true, nil
	}
	return false, true, nil // a person, or Hadoop
}

// becomeActive calls BecomeActive.
func (a *Active) becomeActive() error {
	a.isStandby = false
	began := a.env.Now()
	err := a.hooks.call(a.ctx, unlimited, func(ctx context.Context) error { return a.config.BecomeActive(ctx, a) })
	switch {
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case err != nil:
		a.obs.Logger.ErrorContext(a.ctx, "the process did not become active: the lock is given up", "epoch", a.Epoch(), "error", observe.Clip(err.Error()))
		return fmt.Errorf("%w: %w", ErrNotActivated, err)
	}
	a.obs.Logger.InfoContext(a.ctx, "active", "epoch", a.Epoch(), "after", a.env.Now().Sub(began))
	return nil
}
