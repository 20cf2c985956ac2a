package standby

import (
	"context"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Active is one term in which this process is active, on one session and with one epoch. BecomeActive
// gets it. Its methods may be called concurrently, also when the term is over.
type Active struct {
	*tenure
	term *elect.Term
	ctx  context.Context // of the work
	stop context.CancelCauseFunc

	// Of the thread of Run.
	old                  trail        // the breadcrumb that was found
	attempt              int          // to fence
	request, reconnected zkapi.Source // fire when there may be a request
	cause                error        // why the term ends
	follows              handOver     // the request because of which it ends
	clean                bool         // the process is standby, so the breadcrumb may go
	doubtful             bool         // the lock may have been given up already
}

// resync is how often an active looks for a request without an event, because a watch can be lost.
const resync = 10 * time.Second

// Context ends when this process must not rely on being active any more, with the reason as its cause:
// ErrLost, ErrUnhealthy, ErrHandedOver, ErrNotActivated, ErrClosed, or the cause of the context of Run.
// It ends before another process can become active, as long as the clock of this machine runs no faster
// or slower than those of the servers by more than a quarter. A process that was stopped learns it only
// when it runs again: systems outside must compare the Epoch, and the next active fences it.
func (a *Active) Context() context.Context {
	if a == nil || a.term == nil {
		return ended
	}
	return a.ctx
}

// ended is the context of an Active that the recipe has not made.
var ended = func() context.Context {
	ctx, end := context.WithCancelCause(context.Background())
	end(errZero)
	return ctx
}()

// Left is how long the process may stay active if no further write is acknowledged, and 0 when it may
// not: at most three quarters of the session's timeout. While the ensemble answers, the claim is
// confirmed every sixth of the timeout.
func (a *Active) Left() time.Duration {
	if a == nil || a.term == nil || a.term.Holding.Err() != nil {
		return 0
	}
	return a.term.Lease.Left()
}

// Epoch is greater than the epochs of all earlier actives. Pass it to every system outside ZooKeeper that
// this process changes, and let that system refuse an epoch smaller than one that it has seen. After the
// ensemble was wiped or restored, epochs go on growing as long as one candidate is alive that has seen
// the last ones; see Config.EpochAtLeast.
func (a *Active) Epoch() int32 {
	if a == nil || a.term == nil {
		return 0
	}
	return a.term.Version
}

// Write applies all of ops, or none, and only if no other process has won the lock. The ops are creates,
// sets, deletes and checks; the results are in the same order. Without ops, Write checks whether this
// process may still be active. The znodes of the group may be checked and not changed: those of the
// Layout and all below them.
//
// The right to write ends later than the Context if this process gives the lock up in good order: when
// BecomeStandby has returned.
//
// Write is sent once, when there is a connection. Its errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the group.
//   - ErrFenced: another process has won the lock. The term is over.
//   - ErrLost, and the other causes of Context: the term was over before anything was sent.
//   - zkapi.FateOf(err) is zkapi.Unknown: the answer was lost, or ctx or the term has ended meanwhile.
//     The ops may have been applied, or may still be applied; read the znodes to find out.
//   - zkapi.ErrNotSent: ctx has ended before there was a connection.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), and nothing was applied.
func (a *Active) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if a == nil || a.term == nil {
		return zkapi.Result{}, errZero
	}
	if err := input.CheckOps("standby", "Active.Write", ops, a.config.Layout.own()...); err != nil {
		return zkapi.Result{}, err
	}
	return a.term.Send(ctx, ops...)
}

// stay is the time in which the process is active. It returns why it is to step down.
func (a *Active) stay() error {
	again := retry.New(a.env, a.obs, "look for a request to hand over")
	for {
		_, _, a.reconnected = a.session.Connection()
		var r *asked
		err := again.OnDisconnect(a.ctx, a.session, func() (err error) {
			zkapi.Checkpoint(a.env, "look for a request")
			r, a.request, err = a.config.Layout.readRequest(a.ctx, a.session)
			return err
		})
		if err == nil && r != nil {
			err = a.consider(r)
		}
		switch {
		case a.ctx.Err() != nil:
			return context.Cause(a.ctx)
		case errors.As(err, new(*handOver)):
			return err
		case err != nil:
			a.obs.Logger.WarnContext(a.ctx, "a request to hand over was not read, or not answered", "error", err)
		}
		if err := a.untilNews(); err != nil {
			return err
		}
	}
}

// untilNews waits until there may be a request. Meanwhile the process is neutral while the ensemble does
// not answer.
func (a *Active) untilNews() error {
	look := resync
	if a.config.EnterNeutral != nil {
		look = min(look, max(a.Left()-a.trouble(), 0))
	}
	sources := fence.Sources(a.reconnected, a.env.Timer(look), a.request)
	zkapi.Checkpoint(a.env, "active")
	i, err := a.env.Wait(a.ctx, sources...)
	if err != nil {
		return err
	}
	if a.config.EnterNeutral != nil && (i == 0 || a.Left() <= a.trouble()) {
		return a.neutral()
	}
	return nil
}

// trouble is how much of the lease is left when two confirmations at least have not been answered.
func (a *Active) trouble() time.Duration { return a.term.Lease.Length() / 2 }

// neutral lasts until the claim is confirmed again, or lost.
func (a *Active) neutral() error {
	a.obs.Logger.WarnContext(a.ctx, "the ensemble does not answer: neutral", "left", a.Left())
	if err := a.hooks.call(a.ctx, unlimited, func(ctx context.Context) error { a.config.EnterNeutral(ctx); return nil }); err != nil {
		return context.Cause(a.ctx)
	}
	again := retry.New(a.env, a.obs, "confirmation of the active")
	for {
		_, err := a.term.Send(a.ctx)
		switch {
		case a.ctx.Err() != nil:
			return context.Cause(a.ctx)
		case err == nil:
			return a.becomeActive()
		}
		if err := again.Wait(a.ctx, a.session, err); err != nil {
			return err
		}
	}
}
