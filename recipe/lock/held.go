package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Held is a lock that this process holds, or has held. Its methods may be called concurrently.
type Held struct {
	c     *contender
	t     *term.Term
	name  string // of its znode
	token int32
}

// Context ends when the lock is held no longer, or may be so: its cause is ErrLost, ErrReleased or
// ErrClosed. Do the work that needs the lock under it. It ends before the session could, by a
// margin of a quarter of the session's timeout: another process can hold the lock only later. A
// system outside ZooKeeper can still see a late effect of this process, because a process may be
// stopped at any instruction. Let it refuse a Token smaller than one that it has seen.
func (h *Held) Context() context.Context { return h.t.Active }

// Left is how long the lock lasts if the ensemble does not answer any more; 0 if it is over. As long
// as the ensemble answers, it is prolonged every sixth of the session's timeout. Programs that
// cannot stop at once can begin to stop when little is left.
func (h *Held) Left() time.Duration {
	if h.t.Active.Err() != nil {
		return 0
	}
	return h.t.Lease.Left()
}

// Token is greater than the tokens of all earlier holders of this path.
func (h *Held) Token() int32 { return h.token }

// Path is the path of the lock.
func (h *Held) Path() string { return h.c.path }

// Znode is the path of the znode that holds the lock. If it is deleted, the lock is lost.
func (h *Held) Znode() string { return h.c.path + "/" + h.name }

// Write applies all of ops, or none, and only while this lock is held. The ops are creates, sets,
// deletes and checks; the results are in the same order. Without ops, Write checks whether the lock
// is still held. The znodes of the lock itself may be checked and not changed.
//
// Write is sent once, when there is a connection. Its errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the lock.
//   - ErrFenced: the lock is held no longer. Nothing was applied.
//   - ErrLost, ErrReleased or ErrClosed: the lock was over before anything was sent.
//   - zkapi.FateOf(err) is zkapi.Unknown: the answer was lost, or ctx or the lock has ended
//     meanwhile. The ops may have been applied, or may still be applied while the lock is held;
//     read the znodes to find out.
//   - zkapi.ErrNotSent: ctx has ended before there was a connection.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), and nothing was applied.
func (h *Held) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := input.CheckOps(role, "Held.Write", ops, h.Path()); err != nil {
		return zkapi.Result{}, err
	}
	return h.send(ctx, ops)
}

// send sends a fenced write with the caller's patience, and no longer than the lock lasts.
func (h *Held) send(ctx context.Context, ops []zkapi.Op) (zkapi.Result, error) {
	if err := h.ended(); err != nil {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Path: h.c.path, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	ctx, end := h.t.While(ctx)
	defer end()
	reply := h.t.SendAll(ctx, [][]zkapi.Op{ops}, "write of a holder")[0]
	if errors.Is(reply.Err, zkapi.ErrSessionEnded) {
		h.t.End(fmt.Errorf("%w: %w", ErrLost, h.t.Session.Cause()))
	}
	return reply.Result, h.t.Meanwhile(h.c.path, reply.Err)
}

// ended says why nothing can be written any more; nil while the lock is held.
func (h *Held) ended() error {
	if h.t.Lease.Left() <= 0 {
		h.t.Overdue()
	}
	return context.Cause(h.t.Active)
}

// Release gives the lock up and waits until the ensemble has confirmed that its znode is gone. A
// nil error means that: the lock was held until this call, and the next contender can have it. All
// work under the lock must have ended before.
//
// If ctx ends first, the error is ErrUnconfirmed, and the Locks go on deleting the znode as long
// as the session lives. ErrLost means that the lock was lost before this call, and that no znode of
// it is left to wait for. Release may be called again; it then waits again.
func (h *Held) Release(ctx context.Context) error {
	h.c.letGo.Raise()
	zkapi.Checkpoint(h.c.env, "release", ctx, h)
	if _, err := h.c.env.Wait(ctx, h.c.over); err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.result
}

// begin begins the term of this holder. The grant was sent then, by Env.Elapsed.
func (c *contender) begin(claim term.Claim, token int32, sent time.Duration) *term.Term {
	c.token = token
	c.locks.tokens.Saw(c.path, token)
	c.told.Over(c.wanted)
	return term.Begin(c.under, c.env, c.locks.obs, claim, sent, term.Kind{Role: role, Over: ErrLost})
}

// hold keeps the lease until the lock is let go or lost. Then it deletes the znode: the session may
// live on, so a lock whose lease is over must not stay.
func (c *contender) hold(t *term.Term) {
	threads := []zkapi.Source{c.env.Spawn("lease", t.KeepLease), c.env.Spawn("heartbeat", t.Heartbeat)}
	if znode, asked := c.own(), c.revoked; c.onRevoke != nil {
		threads = append(threads, c.env.Spawn("revocation", func() { c.listen(t, znode, asked) }))
	}
	c.decide(&Held{c, t, c.mine, c.token}, nil)
	zkapi.Checkpoint(c.env, "hold")
	_, lost := c.env.Wait(t.Holding, c.letGo)
	if lost == nil && t.Lease.Left() <= 0 {
		t.Overdue()
	}
	c.overdue = t.Holding.Err() != nil
	t.Leave(ErrReleased)
	gone, result := c.clean()
	switch cause := context.Cause(t.Active); {
	case !errors.Is(cause, ErrReleased):
		result = cause
	case gone:
		result = fmt.Errorf("%w: its znode was deleted before the release", ErrLost)
	}
	t.End(ErrReleased)
	for _, thread := range threads {
		zkapi.Checkpoint(c.env, "end of a lock", result, thread)
		_, _ = c.env.Wait(context.WithoutCancel(t.Holding), thread)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result = result
}

// unconfirmed is the error of a release whose write was not answered.
func (c *contender) unconfirmed(err error) error {
	c.locks.obs.Logger.WarnContext(c.life(), "the znode of a lock may stay until the session ends", "znode", c.own(), "error", err)
	return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
}
