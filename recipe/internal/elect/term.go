package elect

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MaxData is the size in bytes of the longest data of a leader's znode.
const MaxData = 16 << 10

// Term is the term of one leader: one session, one epoch. It is the only thing that can
// write as the leader.
type Term struct {
	*term.Term
	Election
	lost error // what the cause of a term that was lost is
}

// Begin begins a term that was won by a write that was sent then, by Env.Elapsed. lost is
// the cause of its contexts if the leadership is lost. The caller spawns KeepLease and
// Heartbeat.
func (e Election) Begin(ctx context.Context, env zkapi.Env, obs observe.Observer, won term.Claim, sent time.Duration, lost error) *Term {
	return &Term{term.Begin(ctx, env, obs, won, sent, term.Kind{Role: e.Role, Over: lost}), e, lost}
}

// Send sends a fenced write with the caller's patience, and no longer than the term lasts.
func (t *Term) Send(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := t.Over(); err != nil {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Path: t.EpochPath, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	ctx, end := t.While(ctx)
	defer end()
	reply := t.SendAll(ctx, [][]zkapi.Op{ops}, "write of a leader")[0]
	return reply.Result, t.Meanwhile(t.EpochPath, reply.Err)
}

// Over says why nothing can be written any more; nil while the term lasts. It does not wait until
// the threads of the term have noticed it.
func (t *Term) Over() error {
	if t.Session.Done().Fired() {
		t.End(fmt.Errorf("%w: %w", t.lost, t.Session.Cause()))
	}
	if t.Lease.Left() <= 0 {
		t.Overdue()
	}
	if t.Holding.Err() != nil {
		return context.Cause(t.Holding)
	}
	return nil
}

// Proclaim changes the data of the leader's znode.
func (t *Term) Proclaim(ctx context.Context, data []byte) error {
	if err := t.proclaims(ctx, data); err != nil {
		return &zkapi.Error{Kind: zkapi.KindSet, Path: t.LeaderPath, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	_, err := t.Send(ctx, zkapi.Set(t.LeaderPath, data, zkapi.AnyVersion))
	return err
}

// proclaims returns why Proclaim is not possible: the leader's znode may have been made by hand.
func (t *Term) proclaims(ctx context.Context, data []byte) error {
	if err := t.Over(); err != nil {
		return err
	}
	zkapi.Checkpoint(t.Env, "proclaim", ctx, data)
	seen, err := fence.Look(ctx, t.Session, fence.Exists(t.LeaderPath))
	if err == nil && (!seen.Found || seen.Stat.EphemeralOwner != t.Session.ID()) {
		err = fmt.Errorf("%w: %s belongs to another session", t.lost, t.LeaderPath)
	}
	return err
}

// Resign gives up the leader's znode under the claim, so that another candidate need not wait
// for the end of the session. A znode that was made by hand stays. It takes no longer than ctx
// and the term last.
func (t *Term) Resign(ctx context.Context) error {
	if t.Holding.Err() != nil {
		return context.Cause(t.Holding)
	}
	zkapi.Checkpoint(t.Env, "resign", t, ctx)
	seen, err := fence.Look(ctx, t.Session, fence.Exists(t.LeaderPath))
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != t.Session.ID() {
		return err
	}
	return t.SendAll(ctx, [][]zkapi.Op{{zkapi.Delete(t.LeaderPath, zkapi.AnyVersion)}}, "")[0].Err
}
