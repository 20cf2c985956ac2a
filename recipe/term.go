package recipe

import (
	"context"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrDeposed is the cause of a leadership context that has ended against its owner's wish.
var ErrDeposed = errors.New("deposed")

// election is the election of the master of this namespace.
func (l layout) election() elect.Election {
	return elect.Election{
		LeaderPath: l.master(), EpochPath: l.assign(), QueuePath: l.candidates(), ACL: l.access.master(), Role: "master",
		Blocked: l.masterProblem, Claimable: l.claimable(l.assign(), 0),
	}
}

// leadership is the term of one master: one session, one epoch. It is the only thing that can
// write as the master.
type leadership struct {
	*elect.Term
	obs Observers
}

// leadership begins a term that was won by a write that was sent at won, by Env.Elapsed.
func (l layout) leadership(ctx context.Context, env zkapi.Env, obs Observers, c term.Claim, won time.Duration) *leadership {
	return &leadership{l.election().Begin(ctx, env, obs.shared(), c, won, ErrDeposed), obs}
}

func (t *leadership) epoch() int32 { return t.Version }
