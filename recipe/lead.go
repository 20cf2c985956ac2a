package recipe

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Lead is one term of an active master, passed to MasterConfig.OnLead. It writes to ZooKeeper
// only while that master holds the highest epoch. Its methods may be called concurrently,
// also after the term: then they fail with ErrDeposed, as do those of the zero Lead.
type Lead struct {
	term   *leadership
	layout layout
}

// Epoch is greater than the epochs of all earlier terms. Pass it to every system outside
// ZooKeeper that OnLead changes, and let that system refuse an epoch smaller than one it has
// seen.
func (l Lead) Epoch() int32 {
	if l.term == nil {
		return 0
	}
	return l.term.epoch()
}

// Write applies all of ops, or none, and only if no other master has been elected. The ops
// are creates, sets, deletes and checks; the results are in the same order. Without ops,
// Write checks whether this master still leads.
//
// The recipe's own znodes may be checked and not changed: /master, /tasks, /workers, /assign,
// /candidates, /collect, /backlog, /quarantine, /format, /pruned, and all below them. A later version
// of this package may use other names of the namespace: keep your own data outside. An
// ephemeral is gone when the term is over.
//
// Write is sent once, when there is a connection. Its errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the recipe.
//   - ErrFenced: another master has been elected. The term is over.
//   - ErrDeposed: the term was over before anything was sent.
//   - zkapi.FateOf(err) is zkapi.Unknown: the answer was lost, or ctx or the term has ended
//     meanwhile. The ops may have been applied, or may still be applied; read the znodes to
//     find out.
//   - zkapi.ErrNotSent: ctx has ended before there was a connection.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), and nothing was
//     applied.
//
// The right to write ends later than OnLead's context: when a master hands over, it may
// still write, with another context, until OnLead has returned or its lease is over.
func (l Lead) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := input.CheckOps("recipe", "Lead.Write", ops, l.own()...); err != nil {
		return zkapi.Result{}, err
	}
	if l.term == nil {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Index: -1, Fate: zkapi.NotApplied, Err: ErrDeposed}
	}
	return l.term.Send(ctx, ops...)
}

// own are the znodes that Lead.Write may not change, with all below them.
func (l Lead) own() []string {
	own := []string{l.layout.master(), l.layout.pruned()}
	for _, p := range l.layout.parents() {
		own = append(own, p.path)
	}
	return own
}

// MaxProclaimed is the size in bytes of the longest data for Lead.Proclaim.
const MaxProclaimed = elect.MaxData

// Proclaim changes the data of /master, which is MasterConfig.Address at the beginning of
// each term. Workers and clients learn of it (Leader.Address, in WorkerConfig.OnMaster,
// Client.Leader and Client.Leaders); a slow reader gets only the latest. Use it for data that
// changes seldom: each of these readers reads it again, and each candidate that does not
// queue (MasterConfig.Queue) reads /master again.
//
// Its errors are those of Write, zkapi.ErrTooLarge beyond MaxProclaimed, and
// zkapi.ErrConnectionLoss of a look at /master that comes before the write: nothing was
// applied then. It may be called again after a lost connection, whatever its fate.
func (l Lead) Proclaim(ctx context.Context, data []byte) error {
	err := checkProclaimed(data)
	if err == nil && l.term == nil {
		err = ErrDeposed
	}
	if err != nil {
		return &zkapi.Error{Kind: zkapi.KindSet, Path: l.layout.master(), Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	return l.term.Proclaim(ctx, data)
}

// checkProclaimed refuses data that are too long to proclaim.
func checkProclaimed(data []byte) error {
	if len(data) > MaxProclaimed {
		return errors.Join(invalid("the data to proclaim has %d bytes: at most %d are allowed", len(data), MaxProclaimed), zkapi.ErrTooLarge)
	}
	return nil
}
