package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
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
	for i, op := range ops {
		if err := l.allowed(op); err != nil {
			return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Path: op.Path, Index: i, Fate: zkapi.NotApplied, Err: err}
		}
	}
	return l.write(ctx, ops...)
}

// allowed reports why an op is not for Lead.Write.
func (l Lead) allowed(op zkapi.Op) error {
	switch op.Kind {
	case zkapi.KindCheck:
		return nil
	case zkapi.KindCreate, zkapi.KindSet, zkapi.KindDelete:
	default:
		return invalid("%v in Lead.Write: use zkapi.Create, Set, Delete and Check", op.Kind)
	}
	own := []string{l.layout.master(), l.layout.pruned()}
	for _, p := range l.layout.parents() {
		own = append(own, p.path)
	}
	if slices.ContainsFunc(own, func(p string) bool { return op.Path == p || strings.HasPrefix(op.Path, p+"/") }) {
		return invalid("%v %s in Lead.Write: that znode belongs to the recipe: use another name", op.Kind, brief(op.Path))
	}
	return nil
}

// write sends a fenced write with the caller's patience, and no longer than the term
// lasts.
func (l Lead) write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := l.over(); err != nil {
		return zkapi.Result{}, &zkapi.Error{Kind: zkapi.KindMulti, Path: l.layout.assign(), Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	t := l.term
	ctx, end := t.While(ctx)
	defer end()
	reply := t.SendAll(ctx, [][]zkapi.Op{ops}, "write of a leader")[0]
	if cause := context.Cause(t.Holding); reply.Err != nil && cause != nil && !errors.Is(reply.Err, ErrFenced) {
		reply.Err = &zkapi.Error{
			Kind: zkapi.KindMulti, Path: l.layout.assign(), Index: zkapi.FailedIndex(reply.Err), Fate: zkapi.FateOf(reply.Err),
			Err: fmt.Errorf("%w; meanwhile: %w", reply.Err, cause),
		}
	}
	return reply.Result, reply.Err
}

// over says why nothing can be written any more; nil while the term lasts.
func (l Lead) over() error {
	if l.term == nil {
		return ErrDeposed
	}
	if l.term.Lease.Left() <= 0 {
		l.term.Overdue()
	}
	if l.term.Holding.Err() != nil {
		return context.Cause(l.term.Holding)
	}
	return nil
}

// MaxProclaimed is the size in bytes of the longest data for Lead.Proclaim.
const MaxProclaimed = 16 << 10

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
	if err := l.proclaims(ctx, data); err != nil {
		return &zkapi.Error{Kind: zkapi.KindSet, Path: l.layout.master(), Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	_, err := l.write(ctx, zkapi.Set(l.layout.master(), data, zkapi.AnyVersion))
	return err
}

// proclaims returns why Proclaim is not possible: /master may have been made by hand.
func (l Lead) proclaims(ctx context.Context, data []byte) error {
	if len(data) > MaxProclaimed {
		return errors.Join(invalid("the data to proclaim has %d bytes: at most %d are allowed", len(data), MaxProclaimed), zkapi.ErrTooLarge)
	}
	if err := l.over(); err != nil {
		return err
	}
	zkapi.Checkpoint(l.term.Env, "proclaim", ctx, data)
	seen, err := fence.Look(ctx, l.term.Session, fence.Exists(l.layout.master()))
	if err == nil && (!seen.Found || seen.Stat.EphemeralOwner != l.term.Session.ID()) {
		err = fmt.Errorf("%w: /master belongs to another session", ErrDeposed)
	}
	return err
}
