package standby

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// handOver is why an active steps down after a request.
type handOver struct {
	request asked
	target  Member
}

// Error implements error.
func (h *handOver) Error() string { return fmt.Sprintf("handed over to %s", h.target.Name) }

// Is reports whether target is ErrHandedOver.
func (h *handOver) Is(target error) bool { return target == ErrHandedOver }

// consider decides what becomes of a request. It returns a handOver if this process is to follow it.
func (a *Active) consider(r *asked) error {
	zkapi.Checkpoint(a.env, "look for the target", r)
	all, err := a.config.Layout.candidates(a.ctx, a.session)
	if err != nil {
		return err
	}
	switch to, found := target(all, r.To, a.session.ID()); {
	case r.Epoch > 0: // it was accepted, and this process is the next active
	case r.To == a.config.Name:
		a.obs.Logger.InfoContext(a.ctx, "asked to hand over to this process, which is active")
	case !found:
		a.obs.Logger.WarnContext(a.ctx, "asked to hand over to a candidate that does not stand by: the request is deleted", "to", r.To)
	default:
		a.follows = handOver{*r, to}
		return &a.follows
	}
	_, err = a.term.Send(a.ctx, zkapi.Delete(a.config.Layout.Failover, r.version))
	return err
}

// stepDown ends the term: the process becomes standby first, and then gives the lock up.
func (a *Active) stepDown() {
	detached := context.WithoutCancel(a.ctx)
	a.stop(a.cause)
	if !a.isStandby {
		_ = a.becomeStandby(detached) // it is in the log; Run calls it again
	}
	a.clean = a.isStandby && !errors.Is(a.cause, ErrUnhealthy)
	if a.term.Holding.Err() == nil {
		if err := a.quit(detached); err != nil && a.term.Holding.Err() == nil {
			a.obs.Logger.InfoContext(detached, "the lock was not given up; the session is closed", "epoch", a.Epoch(), "error", err)
		}
	}
	a.term.End(a.cause)
}

// quit gives the lock up in one multi, and raises the epoch. If the end is clean, the breadcrumb goes in the same multi; otherwise
// it stays, so that the next active fences this process. A lock or a breadcrumb of another owner stays.
func (a *Active) quit(ctx context.Context) error {
	ctx, end := a.term.While(ctx)
	defer end()
	again := retry.New(a.env, a.obs, "giving the lock up")
	for {
		var ops []zkapi.Op
		var held bool
		err := again.OnDisconnect(ctx, a.session, func() (err error) {
			ops, held, err = a.last(ctx)
			return err
		})
		if err != nil || !held && a.doubtful {
			return err
		}
		_, err = a.term.Send(ctx, ops...)
		switch {
		case err == nil:
			if a.doubt.alone == a.Epoch() {
				a.doubt.alone++
			}
			return nil
		case a.term.Holding.Err() != nil:
			return context.Cause(a.term.Holding)
		case zkapi.FateOf(err) == zkapi.Unknown:
			a.doubtful = true
		case errors.Is(err, zkapi.ErrBadVersion), errors.Is(err, zkapi.ErrNoNode):
			if errors.Is(a.cause, ErrHandedOver) {
				a.cause = ErrHandedOver // without the request, which may be what has changed
			}
		case !retry.Passing(err):
			return err
		}
		if err := again.Wait(ctx, a.session, err); err != nil {
			return err
		}
	}
}

// last are the ops of the last write of a term, and whether this session holds the lock.
func (a *Active) last(ctx context.Context) (ops []zkapi.Op, held bool, err error) {
	if a.doubtful { // after a sync, a read that does not show the write proves that it never will be applied
		zkapi.Checkpoint(a.env, "sync")
		if _, err := a.session.Do(ctx, fence.Sync(a.config.Layout.Lock)); err != nil {
			return nil, false, err
		}
	}
	zkapi.Checkpoint(a.env, "look at the lock")
	seen, err := fence.Look(ctx, a.session, fence.Exists(a.config.Layout.Lock))
	if err != nil {
		return nil, false, err
	}
	if held = seen.Found && seen.Stat.EphemeralOwner == a.session.ID(); held {
		ops = append(ops, zkapi.Delete(a.config.Layout.Lock, zkapi.AnyVersion))
	}
	next := a.Epoch() + 1 // so that nothing of this term is applied later that is still under way
	ops = append(ops, zkapi.Set(a.config.Layout.Epoch, claims.LiftRecord(a.config.Name, next), a.Epoch()))
	if !a.clean {
		return ops, held, nil
	}
	zkapi.Checkpoint(a.env, "look at the own breadcrumb", held)
	crumb, err := a.lookAtTrail(ctx)
	if err != nil {
		return nil, false, err
	}
	if a.isOwn(crumb) {
		ops = append(ops, zkapi.Delete(a.config.Layout.Breadcrumb, crumb.version))
	}
	if h, ok := errors.AsType[*handOver](a.cause); ok { // the next attempt to take the lock sees the new epoch, and then the request
		accepted := h.request.request
		accepted.Candidate, accepted.Epoch = h.target.znode, next
		ops = append(ops, zkapi.Set(a.config.Layout.Failover, claims.Encode(accepted), h.request.version))
	}
	return ops, held, nil
}
