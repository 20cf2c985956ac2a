package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrDeposed is the cause of a leadership context that has ended against its owner's wish.
var ErrDeposed = errors.New("deposed")

// term is the leadership of one master: one session, one epoch. It is the only thing
// that can write as the master.
//
// A term lasts no longer than its lease. It ends in one of two ways. If the master is
// deposed, everything ends at once. In a hand-over leading ends first; then, within the
// lease, the writes that were sent are settled and OnLead returns; then /master is deleted
// under the claim.
type term struct {
	claim
	env     zkapi.Env
	obs     Observers
	leading context.Context // leadership; its cause says why it ended
	holding context.Context // the right to write; it outlives leading by the hand-over
	began   time.Time
	lease   lease

	stopLeading, stopHolding context.CancelCauseFunc

	mu      sync.Mutex
	writing []*context.CancelCauseFunc // of contexts that end with holding
}

// newTerm begins a term won by a write that was sent at won, by Env.Elapsed.
func newTerm(ctx context.Context, env zkapi.Env, obs Observers, c claim, won time.Duration) *term {
	t := &term{claim: c, env: env, obs: obs, began: env.Now(), lease: newLease(env, c.session, won)}
	t.leading, t.stopLeading = context.WithCancelCause(ctx)
	t.holding, t.stopHolding = context.WithCancelCause(context.WithoutCancel(ctx))
	return t
}

// depose ends the term at once. The first cause counts.
func (t *term) depose(cause error) {
	t.stopLeading(cause)
	t.stopHolding(cause)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, end := range t.writing {
		(*end)(context.Cause(t.holding))
	}
}

// while returns a context that ends with ctx or with the right to write, and what frees it.
// It needs no goroutine, which the port would not know of.
func (t *term) while(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holding.Err() != nil {
		end(context.Cause(t.holding))
	}
	t.writing = append(t.writing, &end)
	return ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.writing = slices.DeleteFunc(t.writing, func(other *context.CancelCauseFunc) bool { return other == &end })
		end(nil)
	}
}

func (t *term) epoch() int32 { return t.version }

// write is a fenced write; it keeps the lease. When the claim is lost the term
// ends.
func (t *term) write(ops ...zkapi.Op) error { return t.writeAll([][]zkapi.Op{ops})[0] }

// writeAll pipelines fenced writes that do not depend on each other. It returns the error of
// each, nil if it was applied. A term whose lease is over sends nothing more.
func (t *term) writeAll(writes [][]zkapi.Op) []error {
	var errs []error
	for _, reply := range t.sendAll(t.holding, writes, "") {
		errs = append(errs, reply.Err)
	}
	return errs
}

// sendAll is writeAll with the results, for as long as ctx lasts. A place that is not empty
// is a checkpoint.
func (t *term) sendAll(ctx context.Context, writes [][]zkapi.Op, place string) []zkapi.Reply {
	sent := t.env.Elapsed()
	if t.lease.left() <= 0 {
		t.overdue()
	}
	zkapi.Checkpoint(t.env, place, ctx, sent, writes)
	var errs []error
	replies := t.claim.writeAll(ctx, writes)
	for _, reply := range replies {
		if reply.Err == nil {
			t.lease.prolong(sent)
		}
		errs = append(errs, reply.Err)
		if zkapi.FateOf(reply.Err) == zkapi.Unknown {
			t.obs.Metrics.Unknown("master", zkapi.Unknown)
		}
	}
	if err := errors.Join(errs...); errors.Is(err, ErrFenced) {
		t.obs.Metrics.Fenced("master")
		t.depose(fmt.Errorf("%w: %w", ErrDeposed, err))
	}
	return replies
}

// overdue deposes the master because its lease is over.
func (t *term) overdue() {
	t.depose(fmt.Errorf("%w: no write was acknowledged for %v", ErrDeposed, t.lease.length()))
}

// keepLease deposes the master when its lease has run out or its session has
// ended. It is a thread of its own because the others may be waiting for an
// answer that does not come.
func (t *term) keepLease() {
	zkapi.DependsOn(t.env, t)
	for {
		look := t.lease.look()
		if look <= 0 {
			t.overdue()
			return
		}
		zkapi.Checkpoint(t.env, "lease")
		i, err := t.env.Wait(t.holding, t.session.Done(), t.env.Timer(look))
		if err != nil {
			return
		}
		if i == 0 {
			t.depose(fmt.Errorf("%w: %w", ErrDeposed, t.session.Cause()))
			return
		}
	}
}

// heartbeat confirms the claim whenever no other write has. It stops when leading ends,
// so that a hand-over takes no longer than the lease that is left.
func (t *term) heartbeat() {
	zkapi.DependsOn(t.env, t)
	for {
		due := t.lease.due()
		if due <= 0 {
			_ = t.write() // a failure shows in the lease
			due = retryDelay
		}
		zkapi.Checkpoint(t.env, "heartbeat")
		if _, err := t.env.Wait(t.leading, t.env.Timer(due), t.lease.changed); err != nil {
			return
		}
	}
}

// resign gives up /master under the claim, so that a backup need not wait for the end of the
// session. A /master that was made by hand stays.
func (t *term) resign(l layout) error {
	if t.holding.Err() != nil {
		return context.Cause(t.holding)
	}
	zkapi.Checkpoint(t.env, "resign", t)
	seen, err := exists(t.holding, t.session, fence.Exists(l.master()))
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != t.session.ID() {
		return err
	}
	return t.write(zkapi.Delete(l.master(), zkapi.AnyVersion))
}
