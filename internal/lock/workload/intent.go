package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
)

// intent is what a locker means to do with a lock.
type intent struct {
	history.Asked
	simple bool
	within time.Duration // of Timed and Fickle: when it gives up
	holds  time.Duration // how long it holds the lock
	every  time.Duration // how often it writes meanwhile
	late   bool          // it tries to write and to act once more when its lock is over

	underWay bool          // an entry is on its way until its lock is over
	nags     time.Duration // how long it waits before it asks the holders to release; 0: it does not ask
	order    []int         // in which it names the locks that it takes together
}

// errFickle is why a locker changes its mind.
var errFickle = errors.New("changed its mind")

// draw makes up an intent. One in three shares a lock that can be shared. Two in five give up if
// they must wait. One in eight holds the lock so long that faults hit it. A lock with a delay is
// held that long by all, so that many of its ends are unclean. A holder that yields holds its lock
// until another locker asks for it, which those that wait do.
func draw(rng *rand.Rand, u use) intent {
	w := intent{Asked: history.Asked{Mode: mode(u, rng.IntN(3) == 0), Way: history.Patient, Permits: u.permits}, simple: u.simple}
	switch dice := rng.IntN(20); {
	case dice < 3 && len(u.together) == 0:
		w.Way = history.Try
	case dice < 6:
		w.Way, w.within = history.Timed, time.Duration(1+rng.IntN(300))*time.Millisecond
	case dice < 8:
		w.Way, w.within = history.Fickle, time.Duration(1+rng.IntN(100))*time.Millisecond
	}
	w.holds, w.every = time.Duration(1+rng.IntN(40))*time.Millisecond, 10*time.Millisecond
	if rng.IntN(8) == 0 || u.delays {
		w.holds, w.every = time.Duration(100+rng.IntN(700))*time.Millisecond, 50*time.Millisecond
	}
	if w.Mode == history.Exclusive && (rng.IntN(10) == 0 || u.delays) {
		w.Delay = time.Duration(100+rng.IntN(400)) * time.Millisecond
	}
	if u.yields {
		w.Yields, w.holds, w.every, w.nags = true, untilAsked, 50*time.Millisecond, time.Duration(50+rng.IntN(250))*time.Millisecond
	}
	w.late, w.underWay = rng.IntN(3) == 0, rng.IntN(3) == 0
	w.order = ordered(rng, u)
	return w
}

// untilAsked is how long a holder that yields holds a lock that no other locker asks for.
const untilAsked = 8 * time.Second

// ordered is in which order a locker names locks that it takes together: two of them, or all.
func ordered(rng *rand.Rand, u use) []int {
	if len(u.together) == 0 {
		return nil
	}
	return rng.Perm(len(u.together))[:max(2, rng.IntN(len(u.together)+1))]
}

// last is the intent with which a locker ends: it takes the lock, however long that takes, together with
// others if the lock can be shared and it is one of those.
func last(u use, together bool) intent {
	w := intent{Asked: history.Asked{Mode: mode(u, together), Way: history.Patient, Permits: u.permits}, simple: u.simple, every: time.Second}
	if u.yields {
		w.Yields, w.nags = true, 50*time.Millisecond
	}
	for at := range u.together {
		w.order = append(w.order, at)
	}
	return w
}

// mode is how a lock is held.
func mode(u use, together bool) history.Mode {
	switch {
	case u.permits > 0:
		return history.Permit
	case u.shared && together:
		return history.Shared
	}
	return history.Exclusive
}

// options are those of the recipe for an intent.
func (w intent) options() []lock.Option {
	var all []lock.Option
	switch w.Mode {
	case history.Shared:
		all = append(all, lock.Shared())
	case history.Permit:
		all = append(all, lock.Permits(w.Permits))
	}
	if w.simple {
		all = append(all, lock.Simple())
	}
	if w.Delay > 0 {
		all = append(all, lock.Delay(w.Delay))
	}
	return all
}

// limited is the context in which a locker asks for a lock.
func (w intent) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	switch w.Way {
	case history.Timed:
		return context.WithTimeout(ctx, w.within)
	case history.Fickle:
		ctx, cancel := context.WithCancelCause(ctx)
		mind := time.AfterFunc(w.within, func() { cancel(errFickle) })
		return ctx, func() { mind.Stop(); cancel(nil) }
	}
	return context.WithCancel(ctx)
}
