package recipe

import (
	"context"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrDeposed is the cause of a leadership context that has ended against its owner's wish.
var ErrDeposed = errors.New("deposed")

// leadership is the term of one master: one session, one epoch. It is the only thing that can
// write as the master.
type leadership struct {
	*term.Term
	obs Observers
}

// newLeadership begins a term that was won by a write that was sent at won, by Env.Elapsed.
func newLeadership(ctx context.Context, env zkapi.Env, obs Observers, c claim, won time.Duration) *leadership {
	return &leadership{term.Begin(ctx, env, obs.shared(), c.Claim, won, term.Kind{Role: "master", Over: ErrDeposed}), obs}
}

func (t *leadership) epoch() int32 { return t.Version }

// resign gives up /master under the claim, so that a backup need not wait for the end of the
// session. A /master that was made by hand stays.
func (t *leadership) resign(l layout) error {
	if t.Holding.Err() != nil {
		return context.Cause(t.Holding)
	}
	zkapi.Checkpoint(t.Env, "resign", t)
	seen, err := fence.Look(t.Holding, t.Session, fence.Exists(l.master()))
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != t.Session.ID() {
		return err
	}
	return t.Write(zkapi.Delete(l.master(), zkapi.AnyVersion))
}
