package workload

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// pass sets the barrier, lifts it, or waits until it is lifted.
func (u *user) pass(ctx context.Context, rng *rand.Rand, id string) bool {
	const most = time.Second // of a wait
	asked := history.Asked{Verb: []string{history.Set, history.Lift, history.Wait, history.Wait}[rng.IntN(4)]}
	drains := u.drains()
	if drains {
		asked.Verb = lastPasses[u.passages%len(lastPasses)]
	}
	c := u.begin(history.Gate, id, asked)
	ctx, cancel := limited(ctx)
	defer cancel()
	path := u.Namespace + history.Gate
	var err error
	switch asked.Verb {
	case history.Set:
		err = u.barriers.Set(ctx, path)
	case history.Lift:
		err = u.barriers.Lift(ctx, path)
	default:
		waiting, stop := context.WithTimeout(ctx, most)
		defer stop()
		err = u.barriers.Wait(waiting, path)
	}
	c.end(history.Told{}, err)
	if drains && err == nil {
		u.passages++
	}
	return err == nil
}

// lastPasses are those of a user that drains.
var lastPasses = []string{history.Lift, history.Wait}

// token is the token of a stay or a tenure as the record has it.
func token(n int32) record.Token { return record.Token{Epoch: n} }

// join goes into the double barrier, works there, and leaves.
func (u *user) join(ctx context.Context, rng *rand.Rand, id string) bool {
	return u.round(ctx, rng, id, patience)
}

// lastRound is for a user that drains and has left no round: all its rounds may have failed in the load. It
// waits longer for the others, which drain as well. One that is too many for the last round waits
// in vain.
func (u *user) lastRound(ctx context.Context, rng *rand.Rand, id string) {
	if !u.leftRound {
		u.round(ctx, rng, id, 4*patience)
	}
}

// round is one round, whose other users come within a time.
func (u *user) round(ctx context.Context, rng *rand.Rand, id string, within time.Duration) bool {
	c := u.begin(history.Round, id, history.Asked{Verb: history.Enter, N: int64(u.Fill)})
	entering, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	in, err := u.barriers.Enter(entering, u.Namespace+history.Round, u.Fill)
	if err != nil {
		c.end(history.Told{}, err)
		return false
	}
	c.of.Token = token(in.Round())
	c.end(history.Told{}, nil)
	stay := record.Own{Object: history.Round, ID: id, Token: token(in.Round())}
	began := u.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Stay, Of: stay})
	_, _ = u.Env.Wait(in.Context(), u.Env.Timer(time.Duration(1+rng.IntN(40))*time.Millisecond))
	if cause := context.Cause(in.Context()); cause != nil {
		stay.Remark = cause.Error()
	}
	u.Journal.Complete(began, record.OK, stay)
	if ctx.Err() != nil {
		return false
	}
	c = u.begin(history.Round, id, history.Asked{Verb: history.Leave})
	c.of.Token = token(in.Round())
	leaving, done := context.WithTimeout(ctx, 4*patience)
	defer done()
	err = in.Leave(leaving)
	c.end(history.Told{}, err)
	u.leftRound = u.leftRound || err == nil
	return err == nil
}

// serve takes the lease, writes under it, renews it now and then, and releases it or lets it end.
func (u *user) serve(ctx context.Context, rng *rand.Rand, id string) bool {
	lasts := time.Duration(300+rng.IntN(700)) * time.Millisecond
	c := u.begin(history.Duty, id, history.Asked{Verb: history.Take, N: lasts.Milliseconds()})
	taking, cancel := limited(ctx)
	defer cancel()
	held, err := u.leases.Take(taking, u.Namespace+history.Duty, lasts)
	if err != nil {
		c.end(history.Told{}, err)
		return false
	}
	c.of.Token = token(held.Token())
	c.end(history.Told{}, nil)
	tenure := record.Own{Object: history.Duty, ID: id, Token: token(held.Token())}
	over := u.believe(held, tenure)
	turns, renews := 1+rng.IntN(6), rng.IntN(2) == 0
	for n := 1; n <= turns && held.Context().Err() == nil && ctx.Err() == nil; n++ {
		u.enter(held, id, n)
		if renews && n%3 == 0 {
			u.renew(held, id)
		}
		_, _ = u.Env.Wait(held.Context(), u.Env.Timer(time.Duration(10+rng.IntN(90))*time.Millisecond))
	}
	over()
	if rng.IntN(3) == 0 || ctx.Err() != nil { // it ends by itself
		return true
	}
	c = u.begin(history.Duty, id, history.Asked{Verb: history.Release})
	releasing, done := limited(ctx)
	defer done()
	c.end(history.Told{}, held.Release(releasing))
	if rng.IntN(3) == 0 {
		u.enter(held, id, turns+1) // too late: it must be refused
	}
	return true
}

// believe notes that the user believes to hold the lease: until its context ends, or until the user
// does not rely on it any more and calls the function. A request may be under way at that moment.
func (u *user) believe(held *lease.Lease, tenure record.Own) (over func()) {
	began := u.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Tenure, Of: tenure})
	var once sync.Once
	over = func() {
		once.Do(func() {
			if cause := context.Cause(held.Context()); cause != nil {
				tenure.Remark = cause.Error()
			}
			u.Journal.Complete(began, record.OK, tenure)
		})
	}
	context.AfterFunc(held.Context(), over)
	return over
}

// renew renews the lease.
func (u *user) renew(held *lease.Lease, id string) {
	c := u.begin(history.Duty, id, history.Asked{Verb: history.Renew})
	ctx, cancel := limited(held.Context())
	defer cancel()
	err := held.Renew(ctx)
	c.of.Token = token(held.Token())
	c.end(history.Told{}, err)
}

// enter makes an entry in the ledger. The recorder has the outcome; the holder goes on whatever it is.
func (u *user) enter(held *lease.Lease, id string, n int) {
	ctx, cancel := limited(context.Background())
	defer cancel()
	entry := func() []byte { return []byte(history.Entry(held.Token(), id, n)) }
	_, err := held.Write(ctx, zkapi.Set(u.Namespace+history.Ledger, entry(), zkapi.AnyVersion))
	if err != nil && zkapi.FailedIndex(err) == 0 { // it is the first entry of the run
		_, err = held.Write(ctx, zkapi.Create(u.Namespace+history.Ledger, entry(), zkapi.Persistent).WithACL(u.ACL()))
	}
	if err != nil {
		u.Log.Debug("entry", "n", n, "error", err)
	}
}
