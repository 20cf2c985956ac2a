package term

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Term is the right of one process to act: one session, one claim. It is the only thing that
// can write under the claim.
//
// A term lasts no longer than its lease. It ends in one of two ways. If the claim is lost,
// everything ends at once. In a hand-over Active ends first; then, within the lease, the
// writes that were sent are settled and the work under the claim returns; then the owner gives
// the claim up.
type Term struct {
	Claim
	Env     zkapi.Env
	Active  context.Context // the work under the claim; its cause says why it ended
	Holding context.Context // the right to write; it outlives Active by the hand-over
	Began   time.Time
	Lease   Lease

	obs  observe.Observer
	kind Kind

	stopActive, stopHolding context.CancelCauseFunc

	mu      sync.Mutex
	writing []*context.CancelCauseFunc // of contexts that end with Holding
}

// Kind is what a term is for.
type Kind struct {
	Role string // of its owner, in measurements
	Over error  // what the cause of its contexts is, if the claim is lost
}

// Begin begins a term that was won by a write that was sent then, by Env.Elapsed. The caller
// spawns KeepLease and Heartbeat.
func Begin(ctx context.Context, env zkapi.Env, obs observe.Observer, c Claim, sent time.Duration, kind Kind) *Term {
	t := &Term{Claim: c, Env: env, Began: env.Now(), Lease: NewLease(env, c.Session, sent), obs: obs, kind: kind}
	t.Active, t.stopActive = context.WithCancelCause(ctx)
	t.Holding, t.stopHolding = context.WithCancelCause(context.WithoutCancel(ctx))
	return t
}

// Leave ends Active, so that the work under the claim returns. The first cause counts.
func (t *Term) Leave(cause error) { t.stopActive(cause) }

// End ends the term at once. The first cause counts.
func (t *Term) End(cause error) {
	t.stopActive(cause)
	t.stopHolding(cause)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, end := range t.writing {
		(*end)(context.Cause(t.Holding))
	}
}

// While returns a context that ends with ctx or with the right to write, and what frees it.
// It needs no goroutine, which the port would not know of.
func (t *Term) While(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Holding.Err() != nil {
		end(context.Cause(t.Holding))
	}
	t.writing = append(t.writing, &end)
	return ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.writing = slices.DeleteFunc(t.writing, func(other *context.CancelCauseFunc) bool { return other == &end })
		end(nil)
	}
}

// Write is a fenced write; it keeps the lease. When the claim is lost the term
// ends.
func (t *Term) Write(ops ...zkapi.Op) error { return t.WriteAll([][]zkapi.Op{ops})[0] }

// WriteAll pipelines fenced writes that do not depend on each other. It returns the error of
// each, nil if it was applied. A term whose lease is over sends nothing more.
func (t *Term) WriteAll(writes [][]zkapi.Op) []error {
	var errs []error
	for _, reply := range t.SendAll(t.Holding, writes, "") {
		errs = append(errs, reply.Err)
	}
	return errs
}

// SendAll is WriteAll with the results, for as long as ctx lasts. A place that is not empty
// is a checkpoint.
func (t *Term) SendAll(ctx context.Context, writes [][]zkapi.Op, place string) []zkapi.Reply {
	sent := t.Env.Elapsed()
	if t.Lease.Left() <= 0 {
		t.Overdue()
	}
	zkapi.Checkpoint(t.Env, place, ctx, sent, writes)
	var errs []error
	replies := t.Claim.WriteAll(ctx, writes)
	for _, reply := range replies {
		errs = append(errs, reply.Err)
	}
	t.Answered(sent, errs...)
	return replies
}

// Answered notes what became of writes under the claim that were sent then: they keep the lease, or
// the claim is lost. A caller of SendAll need not call it.
func (t *Term) Answered(sent time.Duration, errs ...error) {
	for _, err := range errs {
		if err == nil {
			t.Lease.Prolong(sent)
		}
		if zkapi.FateOf(err) == zkapi.Unknown {
			t.obs.Metrics.Unknown(t.kind.Role, zkapi.Unknown)
		}
	}
	if err := errors.Join(errs...); errors.Is(err, ErrFenced) {
		t.obs.Metrics.Fenced(t.kind.Role)
		t.End(fmt.Errorf("%w: %w", t.kind.Over, err))
	}
}

// Meanwhile adds to the error of a write why the term has ended meanwhile, if it has: then the
// outcome may be unknown for that reason. path is what the error names.
func (t *Term) Meanwhile(path string, err error) error {
	cause := context.Cause(t.Holding)
	if err == nil || cause == nil || errors.Is(err, ErrFenced) {
		return err
	}
	return &zkapi.Error{
		Kind: zkapi.KindMulti, Path: path, Index: zkapi.FailedIndex(err), Fate: zkapi.FateOf(err),
		Err: fmt.Errorf("%w; meanwhile: %w", err, cause),
	}
}

// Overdue ends the term because its lease is over.
func (t *Term) Overdue() {
	t.End(fmt.Errorf("%w: no write was acknowledged for %v", t.kind.Over, t.Lease.Length()))
}

// KeepLease ends the term when its lease has run out or its session has ended. It is a thread
// of its own because the others may be waiting for an answer that does not come.
func (t *Term) KeepLease() {
	zkapi.DependsOn(t.Env, t)
	for {
		look := t.Lease.Look()
		if look <= 0 {
			t.Overdue()
			return
		}
		zkapi.Checkpoint(t.Env, "lease")
		i, err := t.Env.Wait(t.Holding, t.Session.Done(), t.Env.Timer(look))
		if err != nil {
			return
		}
		if i == 0 {
			t.End(fmt.Errorf("%w: %w", t.kind.Over, t.Session.Cause()))
			return
		}
	}
}

// Heartbeat confirms the claim whenever no other write has. It stops when Active ends,
// so that a hand-over takes no longer than the lease that is left.
func (t *Term) Heartbeat() {
	zkapi.DependsOn(t.Env, t)
	for {
		due := t.Lease.Due()
		if due <= 0 {
			_ = t.Write() // a failure shows in the lease
			due = retry.Delay
		}
		zkapi.Checkpoint(t.Env, "heartbeat")
		if _, err := t.Env.Wait(t.Active, t.Env.Timer(due), t.Lease.Changed); err != nil {
			return
		}
	}
}
