package queue

import (
	"context"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Taken is an item that this process holds, or has held. Its methods may be called concurrently.
type Taken struct {
	q        *Queue
	lanes    *once.Lanes
	tenure   *tenure
	name     string
	payloads [][]byte
	token    int32 // the version of the entry since it was taken

	ctx context.Context
	end context.CancelCauseFunc

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

// Takes is how often consumers of this package have taken the item, this time included.
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

// Write applies all of ops, or none, and only while this process holds the item. The ops are creates,
// sets, deletes and checks; the results are in the same order, and missing if the answer that had them
// was lost. Without ops, Write checks whether the item is still held. The znodes of the queue may be
// checked and not changed.
//
// A write whose answer is lost is sent again until its fate is known, and is applied once. Errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the queue.
//   - ErrFenced: the item is held no longer. Nothing was applied.
//   - ErrLost, ErrAcked, ErrBuried, ErrReleased or ErrClosed: that was known before anything was sent.
//   - ErrInDoubt: ctx, the lease or the session has ended before the answer came. zkapi.FateOf is
//     zkapi.Unknown: read the znodes to find out.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), and nothing was applied.
func (t *Taken) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	return zkapi.Result{}, errZero
}

// Ack acknowledges the item: it is deleted, and no consumer gets it any more. In the same write all of ops are
// applied, or nothing is: this is how the effect of an item is recorded exactly once. A nil error
// means that this was applied, once.
//
// The errors are those of Write. After an error with the fate zkapi.NotApplied the item is as it was; if
// it is still held, Ack may be called again. After ErrInDoubt call Ack again if the context has not ended: ErrAcked means then
// that the first call was applied. If the session has ended, read what ops would have written; without
// ops, expect that the item may come again.
func (t *Taken) Ack(ctx context.Context, ops ...zkapi.Op) error { return errZero }

// Bury moves the item to the dead letters, because no take will ever succeed. The errors are those of Ack.
func (t *Taken) Bury(ctx context.Context) error { return errZero }

// Release gives the item back to its place, where it is free at once, and waits until the
// ensemble has confirmed that. The take still counts for Config.MaxTakes. All work on the item must have
// ended before.
//
// If ctx ends first, the error is ErrUnconfirmed, and the Queue goes on deleting the claim as long as
// the session lives. ErrLost means that the item was lost before this call, ErrAcked or ErrBuried that it
// is not in the queue any more. Release may be called again; it then waits again.
func (t *Taken) Release(ctx context.Context) error { return errZero }
