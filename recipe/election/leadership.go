package election

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Leadership is one term: this process leads, on one session and with one epoch. Its methods may
// be called concurrently, also when the term is over.
type Leadership struct {
	standing *standing
	term     *elect.Term
}

// Context ends when this process must not rely on the leadership any more, with the reason as
// its cause: ErrLost, ErrResigned or ErrClosed. It ends before another leader can be elected, as
// long as the clock of this machine runs no faster or slower than that of the servers by more
// than a quarter. A process that was stopped learns it only when it runs again: systems outside
// must compare the Epoch.
func (l *Leadership) Context() context.Context {
	if l == nil || l.term == nil {
		return ended
	}
	return l.term.Active
}

// ended is the context of a Leadership that Campaign has not returned.
var ended = func() context.Context {
	ctx, end := context.WithCancelCause(context.Background())
	end(errZero)
	return ctx
}()

// Left is how long the leadership lasts if no further write is acknowledged, and 0 when it is
// over: at most three quarters of the session's timeout. While the ensemble answers, the leadership
// is confirmed every sixth of the timeout. So less than a third of the usual value says that the
// connection is in trouble, and that the Context may end soon.
func (l *Leadership) Left() time.Duration {
	if l == nil || l.term == nil || l.term.Holding.Err() != nil {
		return 0
	}
	return l.term.Lease.Left()
}

// Epoch is greater than the epochs of all earlier terms. Pass it to every system outside
// ZooKeeper that the leader changes, and let that system refuse an epoch smaller than one that
// it has seen. After the ensemble was wiped or restored, epochs go on growing as long as one
// candidate is alive that has seen the last ones; see Config.EpochAtLeast.
func (l *Leadership) Epoch() int32 {
	if l == nil || l.term == nil {
		return 0
	}
	return l.term.Version
}

// Write applies all of ops, or none, and only if no other leader has been elected. The ops are
// creates, sets, deletes and checks; the results are in the same order. Without ops, Write
// checks whether this process still leads.
//
// The znodes of the election may be checked and not changed: those of Config and all below them.
// An ephemeral is gone when the term is over.
//
// Write is sent once, when there is a connection. Its errors:
//
//   - ErrInvalid: an op is of another kind, or changes a znode of the election.
//   - ErrFenced: another leader has been elected. The term is over.
//   - ErrLost, ErrResigned, ErrClosed: the term was over before anything was sent.
//   - zkapi.FateOf(err) is zkapi.Unknown: the answer was lost, or ctx or the term has ended
//     meanwhile. The ops may have been applied, or may still be applied; read the znodes to
//     find out.
//   - zkapi.ErrNotSent: ctx has ended before there was a connection.
//   - anything else: a server has refused the op zkapi.FailedIndex(err), and nothing was
//     applied.
//
// The right to write ends later than the Context if the latter ends because of Close, or of the
// context of Run: until Resign, or until the lease is over.
func (l *Leadership) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if l == nil || l.term == nil {
		return zkapi.Result{}, errZero
	}
	if err := input.CheckOps("election", "Leadership.Write", ops, l.standing.config.own()...); err != nil {
		return zkapi.Result{}, err
	}
	return l.term.Send(ctx, ops...)
}

// Proclaim changes the data of the leader's znode, which is Config.Data at the beginning of each
// term. Observers learn of it; a slow reader gets only the latest. Use it for data that changes
// seldom: each observer reads it again, and each candidate that does not queue looks at the znode
// again.
//
// Its errors are those of Write, zkapi.ErrTooLarge beyond MaxData, ErrLost if the leader's znode
// was replaced by hand, and zkapi.ErrConnectionLoss of a look at the znode that comes before the
// write: nothing was applied then. It may be called again after a lost connection, whatever its
// fate.
func (l *Leadership) Proclaim(ctx context.Context, data []byte) error {
	if l == nil || l.term == nil {
		return errZero
	}
	if err := checkData(data); err != nil {
		return &zkapi.Error{Kind: zkapi.KindSet, Path: l.term.LeaderPath, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	return l.term.Proclaim(ctx, data)
}

// Resign ends the term: the Context ends, the leader's znode is deleted under the epoch, and the
// session is closed. The next candidate leads at once. Call it when the work of the leader has
// returned. It may be called again, and after the leadership is lost.
//
// A nil error means that the ensemble has confirmed it, and no znode of this term is left.
// ErrUnconfirmed means that the leader's znode may stay until the session's timeout, because the
// connection was lost or ctx has ended; the session is closed all the same as soon as possible.
func (l *Leadership) Resign(ctx context.Context) error {
	if l == nil || l.term == nil {
		return errZero
	}
	return l.standing.ended(ctx)
}

// give deletes the leader's znode and ends the term.
func (l *Leadership) give(ctx context.Context) {
	l.term.Leave(ErrResigned)
	within, end := l.term.While(ctx)
	if err := l.term.Resign(within); err != nil && l.term.Holding.Err() == nil {
		l.standing.obs.Logger.InfoContext(ctx, "the leader's znode was not deleted; the session is closed", "epoch", l.term.Version, "error", err)
	}
	end()
	l.term.End(ErrResigned)
}
