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
	// Epoch is that of the process that fences: greater than all before. A system that compares epochs can
	// be told to refuse smaller ones from now on, which fences the old active there.
	Epoch int32
}

// trail is a breadcrumb as it was read. The zero value is none.
type trail struct {
	found   bool
	data    string
	version int32
	mzxid   int64
}

// doubt is a breadcrumb whose answer was lost, so that this life may have left it. Its mzxid is not known.
type doubt struct {
	trail
	alone int32 // up to this epoch no other process has had a term since
}

// isOwn reports whether a breadcrumb is that of this life. If the answer to it was lost, the data and the
// version tell, as long as no other process, which may have the same data, has had a term since.
func (a *Active) isOwn(seen trail) bool {
	maybe := a.doubt.trail
	maybe.mzxid = seen.mzxid
	if seen.found && seen == maybe && a.doubt.alone == a.Epoch() {
		a.own = seen
	}
	return seen.found && seen == a.own
}

// activate fences the old active, leaves the breadcrumb and calls BecomeActive, in this order. It
// returns why the process has not become active.
func (a *Active) activate() error {
	for {
		if err := a.readTrail(); err != nil {
			return err
		}
		if err := a.fence(); err != nil {
			return err
		}
		switch left, err := a.leaveTrail(); {
		case err != nil:
			return err
		case left:
			return a.becomeActive()
		}
	}
}

// readTrail reads the breadcrumb. A read that follows the own write that has taken the lock shows every
// breadcrumb from before.
func (a *Active) readTrail() error {
	again := retry.New(a.env, a.obs, "look at the breadcrumb")
	return again.OnDisconnect(a.ctx, a.session, func() (err error) {
		zkapi.Checkpoint(a.env, "look at the breadcrumb")
		a.old, err = a.lookAtTrail(a.ctx)
		return err
	})
}

func (a *Active) lookAtTrail(ctx context.Context) (trail, error) {
	got, err := a.session.Do(ctx, fence.Get(a.config.Layout.Breadcrumb))
	if errors.Is(err, zkapi.ErrNoNode) {
		return trail{}, nil
	}
	return trail{err == nil, string(got.Data), got.Stat.Version, got.Stat.Mzxid}, err
}

// fence fences the process that the breadcrumb names, unless that is this life of this process.
func (a *Active) fence() error {
	switch {
	case !a.old.found:
		return nil
	case a.isOwn(a.old): // and this life has become standby since
		a.obs.Logger.InfoContext(a.ctx, "the breadcrumb is that of this process, which has become standby: nothing is fenced")
		return nil
	}
	crumb := Breadcrumb{Data: []byte(a.old.data), Same: a.old.data == string(a.config.Data), Epoch: a.Epoch()}
	for a.attempt = 1; ; a.attempt++ {
		a.obs.Logger.InfoContext(a.ctx, "fencing the old active", "attempt", a.attempt, "old", observe.Clip(a.old.data))
		err := a.hooks.call(a.ctx, a.config.FenceTimeout, func(ctx context.Context) error { return a.config.Fence(ctx, crumb) })
		switch {
		case err == nil:
			a.obs.Logger.InfoContext(a.ctx, "the old active is fenced")
			return nil
		case a.ctx.Err() != nil:
			return context.Cause(a.ctx)
		case a.attempt >= a.config.FenceAttempts:
			a.obs.Logger.ErrorContext(a.ctx, "the old active could not be fenced: the lock is given up",
				"attempts", a.attempt, "old", observe.Clip(a.old.data), "error", observe.Clip(err.Error()))
			return fmt.Errorf("%w: %w", ErrUnfenced, err)
		}
		a.obs.Metrics.Retried("fencing", false)
		a.obs.Logger.WarnContext(a.ctx, "an attempt to fence the old active has failed", "attempt", a.attempt, "error", observe.Clip(err.Error()))
		pause := a.env.Timer(zkapi.Pause(a.env, a.config.FencePause, max(mostFencePause, a.config.FencePause), a.attempt))
		zkapi.Checkpoint(a.env, "fence again")
		if _, err := a.env.Wait(a.ctx, pause); err != nil {
			return err
		}
	}
}

// leaveTrail writes the own breadcrumb in place of an old one, and checks the epoch in the same multi. It
// returns false if the old one has changed meanwhile: then it is to be read again.
func (a *Active) leaveTrail() (left bool, err error) {
	crumb, data := a.config.Layout.Breadcrumb, a.config.Data
	ops := []zkapi.Op{zkapi.Set(crumb, data, a.old.version)}
	if !a.old.found { // the set tells which znode it is
		ops = []zkapi.Op{zkapi.Create(crumb, data, zkapi.Persistent).WithACL(a.config.ACL), ops[0]}
	}
	ctx, end := a.term.While(context.WithoutCancel(a.ctx)) // a process that is told to end must know whether it is left
	defer end()
	again := retry.New(a.env, a.obs, "breadcrumb")
	for {
		result, err := a.term.Send(ctx, ops...)
		switch {
		case err == nil:
			stat := result.Results[len(result.Results)-1].Stat
			a.own, a.doubt = trail{true, string(data), stat.Version, stat.Mzxid}, doubt{}
			return true, nil
		case zkapi.FateOf(err) == zkapi.Unknown:
			a.doubt = doubt{trail{true, string(data), a.old.version + 1, 0}, a.Epoch()}
		}
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case zkapi.FateOf(err) == zkapi.Unknown:
			if left, changed, err := a.resolveTrail(ctx); err != nil || changed {
				return left, err
			}
		case errors.Is(err, zkapi.ErrBadVersion), errors.Is(err, zkapi.ErrNodeExists), errors.Is(err, zkapi.ErrNoNode):
			return false, nil
		case !retry.Passing(err):
			return false, err
		}
		if err := again.Wait(ctx, a.session, err); err != nil {
			return false, err
		}
	}
}

// resolveTrail finds out what became of a breadcrumb whose answer was lost. After a sync, a read that
// does not show it proves that it was not applied, and never will be.
func (a *Active) resolveTrail(ctx context.Context) (left, changed bool, err error) {
	var now trail
	again := retry.New(a.env, a.obs, "look for the own breadcrumb")
	err = again.OnDisconnect(ctx, a.session, func() (err error) {
		zkapi.Checkpoint(a.env, "look for the own breadcrumb")
		if _, err = a.session.Do(ctx, fence.Sync(a.config.Layout.Breadcrumb)); err == nil {
			zkapi.Checkpoint(a.env, "look for the own breadcrumb after a sync")
			now, err = a.lookAtTrail(ctx)
		}
		return err
	})
	if err != nil || now == a.old {
		return false, false, err
	}
	return a.isOwn(now), true, nil // or a person, or Hadoop, has changed it
}

// becomeActive calls BecomeActive.
func (a *Active) becomeActive() error {
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
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
