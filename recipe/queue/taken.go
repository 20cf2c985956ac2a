package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Taken is an item that this process holds, or has held. Its methods may be called concurrently.
type Taken struct {
	q        *Queue
	lanes    *once.Lanes
	tenure   *tenure
	name     string
	data     []byte // of the entry
	payloads [][]byte
	token    int32 // the version of the entry since it was taken

	ctx  context.Context
	end  context.CancelCauseFunc
	turn turn // of writes, one after the other

	mu       sync.Mutex
	finished error        // ErrAcked or ErrBuried when that was applied
	released zkapi.Source // fires when the claim is gone
	result   error        // of the release
}

// ID is the name of the item's znode. It stays the same however often the item is taken.
func (t *Taken) ID() string { return t.name }

// Payload is what was put. The caller may keep it and must not change it.
func (t *Taken) Payload() []byte {
	if len(t.payloads) == 0 {
		return nil
	}
	return t.payloads[0]
}

// Payloads are all payloads of the item. It is one, except in the layout Curator, whose putMulti puts several
// as one item, or none.
func (t *Taken) Payloads() [][]byte { return t.payloads }

// Takes is how often consumers of this package have taken the item, this time included. After
// 1,023 it begins again at 0; Token goes on.
func (t *Taken) Takes() int { return takesOf(t.token) }

// Token is greater than the tokens of all earlier takes of this item, for systems outside ZooKeeper: let
// them refuse a Token smaller than one that they have seen with the same ID.
func (t *Taken) Token() int32 { return t.token }

// Claim is the path of the znode that is the claim. If it is deleted, the item is lost.
func (t *Taken) Claim() string { return t.q.taken + "/" + t.name }

// Context ends when the item is held no longer, or may be so: its cause is ErrLost, ErrAcked, ErrBuried,
// ErrReleased or ErrClosed. Work on the item under it. It ends before the session could, by a margin of a quarter of
// the session's timeout: another process can hold the item only later.
func (t *Taken) Context() context.Context { return t.ctx }

// Left is how long the item is held if the ensemble does not answer any more; 0 if it is held no
// longer. As long as the ensemble answers, it is prolonged every sixth of the session's timeout.
// Programs that cannot stop at once can begin to stop when little is left.
func (t *Taken) Left() time.Duration {
	if t.ctx.Err() != nil {
		return 0
	}
	return t.tenure.term.Lease.Left()
}

// Write applies all of ops, or none, and only while this process holds the item. The ops are
// creates, sets, deletes and checks; the results are in the same order, and missing if the answer
// that had them was lost. Without ops, Write checks whether the item is still held. The znodes of
// the queue may be checked and not changed.
//
// A write whose answer is lost is sent again until its fate is known, and is applied once. The
// writes of one item are sent one after the other. Errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the queue.
//   - ErrFenced: the item is held no longer. Nothing was applied.
//   - ErrLost, ErrAcked, ErrBuried, ErrReleased or ErrClosed: that was known before anything was
//     sent.
//   - ErrInDoubt: ctx, the lease or the session has ended before the answer came. zkapi.FateOf is
//     zkapi.Unknown: read the znodes to find out.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), or ctx has ended before
//     anything was sent. Nothing was applied.
func (t *Taken) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	holds := []zkapi.Op{zkapi.Check(t.Claim(), claimed), zkapi.Check(t.q.entries+"/"+t.name, t.token)}
	results, err := t.send(ctx, holds, ops, nil)
	return zkapi.Result{Results: results}, err
}

// Ack acknowledges the item: it is deleted, and no consumer gets it any more. In the same write
// all of ops are applied, or nothing is: this is how the effect of an item is recorded exactly
// once. A nil error means that this was applied, once.
//
// The errors are those of Write. After an error with the fate zkapi.NotApplied the item is as it
// was; if its context has not ended, Ack may be called again. After ErrInDoubt call Ack again if
// the context has not ended: the second call waits for the first, and ErrAcked means that the first
// was applied. If the session has ended, read what ops would have written; without ops, expect that the item may come
// again.
func (t *Taken) Ack(ctx context.Context, ops ...zkapi.Op) error {
	_, err := t.send(ctx, t.deletes(), ops, ErrAcked)
	return err
}

// Bury moves the item to the dead letters, because no take will ever succeed. The errors are
// those of Ack.
func (t *Taken) Bury(ctx context.Context) error {
	err := t.bury(ctx)
	if errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, ErrFenced) { // the folder of the dead letters is missing
		if err := t.q.prepare(ctx, t.lanes.Session); err != nil {
			return t.refused(err)
		}
		err = t.bury(ctx)
	}
	return err
}

// bury makes one attempt, or two if there is a dead letter of the same name.
func (t *Taken) bury(ctx context.Context) error {
	var err error
	for _, name := range t.q.graves(t.name, t.token) {
		grave := zkapi.Create(t.q.dead+"/"+name, t.data, zkapi.Persistent).WithACL(t.q.config.ACL)
		_, err = t.send(ctx, append(t.deletes(), grave), nil, ErrBuried)
		if !errors.Is(err, zkapi.ErrNodeExists) {
			break
		}
	}
	return err
}

// deletes are the ops that end an item that is held.
func (t *Taken) deletes() []zkapi.Op {
	return []zkapi.Op{zkapi.Delete(t.Claim(), claimed), zkapi.Delete(t.q.entries+"/"+t.name, t.token)}
}

// holdOps is how many ops show that the item is held.
const holdOps = 2

// send sends own ops, which begin with those that show that the item is held, and the caller's. If
// finish is set, the item is held no longer afterwards, for that cause.
func (t *Taken) send(ctx context.Context, own, ops []zkapi.Op, finish error) ([]zkapi.Result, error) {
	if err := input.CheckOps(role, "a write of a consumer", ops, t.q.own()...); err != nil {
		return nil, err
	}
	ctx, end := t.tenure.term.While(ctx)
	defer end()
	if err := t.turn.take(ctx, t.q.env); err != nil {
		// If the item has ended meanwhile, that is the cause: the tenure that ends after it knows less.
		return nil, t.refused(cmp.Or(context.Cause(t.ctx), err))
	}
	if err := t.ended(); err != nil {
		t.turn.leave()
		return nil, t.refused(err)
	}
	settled := func(err error) {
		if err == nil && finish != nil {
			t.mu.Lock()
			t.finished = finish
			t.mu.Unlock()
			t.letGo(finish)
		}
		t.turn.leave()
	}
	write := once.Write{Ops: append(own, ops...), Term: t.tenure.term, State: t, Later: settled}
	sent, err := t.lanes.Send(ctx, write)
	if !sent.Pending {
		settled(err)
	}
	if err != nil {
		return nil, t.explained(err, len(own))
	}
	if sent.Results == nil {
		return nil, nil
	}
	return sent.Results[len(own):], nil
}

// explained takes the own ops out of an error's count. If one of those that show that the item is held was
// refused, it is lost.
func (t *Taken) explained(err error, own int) error {
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Index < 0 {
		return err
	}
	changed := *e
	changed.Index = max(e.Index-own, -1)
	if e.Index >= holdOps || !errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, zkapi.ErrBadVersion) {
		return &changed
	}
	changed.Err = fmt.Errorf("%w: %w", ErrFenced, e.Err)
	t.letGo(fmt.Errorf("%w: %w", ErrLost, e.Err))
	t.q.env.Spawn("drop", func() { _ = t.drop() })
	return &changed
}

// ended says why nothing can be written any more; nil while the item is held.
func (t *Taken) ended() error {
	if t.tenure.term.Lease.Left() <= 0 {
		t.tenure.term.Overdue()
	}
	return context.Cause(t.ctx)
}

// refused is the error of a write of which nothing was sent.
func (t *Taken) refused(err error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: t.Claim(), Index: -1, Fate: zkapi.NotApplied, Err: err}
}

// own are the znodes that a consumer's write may not change, with all below them.
func (q *Queue) own() []string {
	if q.config.LockPath == "" {
		return []string{q.path}
	}
	return []string{q.path, q.config.LockPath}
}
