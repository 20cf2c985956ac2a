package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/recipe/election"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// contention is how locks, elections, counters and queues are measured.
type contention struct {
	pairs     int // locks that nothing else wants; items that are put one by one
	crowds    []int
	adders    []int         // processes that add to one counter
	consumers []int         // of one queue
	window    time.Duration // for which each crowd contends, and consumers take at most
	handovers int
	warmUp    int // plain pairs of create and delete that come first
}

// job is what peers measure for it.
func (c contention) job(b *bed) peers.Job {
	return peers.Job{
		Tasks: b.config.Tasks, Few: b.waiting(), Lone: c.pairs, Crowds: c.crowds, Seconds: max(1, int(c.window/time.Second)), Handovers: c.handovers,
		ZooKeeper: b.others.servers, Below: "/peers",
	}
}

// locks measures package lock, and the locks of other libraries, beside the plain requests that
// any lock needs at the least.
func locks(ctx context.Context, b *bed) error {
	return b.contended(ctx, b.others.locks, b.floorOfLocks, func(ctx context.Context, path string) (all []peers.Figure, err error) {
		one, err := b.pairs(ctx, path+"/alone", b.contend.pairs)
		if err != nil {
			return nil, err
		}
		all = append(all, peers.Figure{What: peers.Pair, Tasks: len(one), Seconds: one.at(50).Seconds()})
		for _, n := range b.contend.crowds {
			granted, took, err := b.crowd(ctx, path+"/crowd", n)
			if err != nil {
				return nil, err
			}
			all = append(all, peers.Figure{What: peers.Grants, Waiting: n, Tasks: granted, Seconds: took.Seconds()})
		}
		var both [2]contender
		for i := range both {
			if both[i], err = b.locker(path + "/passed"); err != nil {
				return nil, err
			}
			defer both[i].close(context.WithoutCancel(ctx))
		}
		passed, err := b.passed(ctx, both)
		return append(all, passed), err
	})
}

// elections measures package election, with a queue and without, and the elections of other
// libraries.
func elections(ctx context.Context, b *bed) error {
	return b.contended(ctx, b.others.leaders, b.floorOfPassing, func(ctx context.Context, path string) (all []peers.Figure, err error) {
		for _, queue := range []bool{true, false} {
			f, err := b.passedLeadership(ctx, path, queue)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return all, nil
	})
}

// passedLeadership measures one kind of election.
func (b *bed) passedLeadership(ctx context.Context, path string, queue bool) (f peers.Figure, err error) {
	setting := "" // what the peers are compared with: they have queues
	if !queue {
		path, setting = path+"-without", "without a queue"
	}
	var both [2]contender
	for i := range both {
		if both[i], err = b.candidate(path, queue); err != nil {
			return f, err
		}
		defer both[i].close(context.WithoutCancel(ctx))
	}
	f, err = b.passed(ctx, both)
	f.Setting = setting
	return f, err
}

// contended measures plain requests, the recipe and the peers in turn. least measures the former;
// own measures the recipe below a path.
func (b *bed) contended(ctx context.Context, list []peers.Peer, least func(context.Context) ([]peers.Figure, error), own func(ctx context.Context, path string) ([]peers.Figure, error)) (err error) {
	place, err := peers.Open(b.others.near)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	if _, err := b.plainPairs(ctx, b.contend.warmUp); err != nil {
		return err
	}
	floor := peers.Peer{
		Name:    plain,
		Prepare: func(context.Context, *peers.Place) error { return nil },
		Measure: func(ctx context.Context, _ *peers.Place, _ peers.Job) ([]peers.Figure, error) { return least(ctx) },
	}
	round := 0
	return b.inTurns(ctx, place, b.contend.job(b), append([]peers.Peer{floor}, list...), func(ctx context.Context, _ peers.Job) ([]peers.Figure, error) {
		round++
		return own(ctx, numbered("/contended-", round))
	})
}

// floorOfLocks is the least that plain requests take for a lock: the create and the delete of an
// ephemeral sequential znode; and floorOfPassing.
func (b *bed) floorOfLocks(ctx context.Context) ([]peers.Figure, error) {
	one, err := b.plainPairs(ctx, b.contend.pairs)
	if err != nil {
		return nil, err
	}
	var sum time.Duration
	for _, took := range one {
		sum += took
	}
	passed, err := b.floorOfPassing(ctx)
	return append([]peers.Figure{
		{What: peers.Pair, Tasks: len(one), Seconds: one.at(50).Seconds()},
		{What: peers.Grants, Waiting: 1, Tasks: len(one), Seconds: sum.Seconds()},
	}, passed...), err
}

// floorOfPassing is the least for what is passed on: the delete of a znode until another session has
// the event of its watch.
func (b *bed) floorOfPassing(ctx context.Context) ([]peers.Figure, error) {
	seen, err := b.deleted(ctx, b.contend.handovers)
	if err != nil {
		return nil, err
	}
	return []peers.Figure{{What: peers.Passed, Tasks: len(seen), Seconds: seen.at(50).Seconds()}}, nil
}

// plainPairs creates and deletes n ephemeral sequential znodes, one after the other.
func (b *bed) plainPairs(ctx context.Context, n int) (all times, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, "/pairs"); err != nil {
			return err
		}
		for range n {
			began := clock.Now()
			made, err := session.Do(ctx, zkapi.Create("/pairs/znode-", payload, zkapi.EphemeralSequential))
			if err != nil {
				return err
			}
			if _, err := session.Do(ctx, zkapi.Delete(made.Path, zkapi.AnyVersion)); err != nil {
				return err
			}
			all = append(all, clock.Now()-began)
		}
		return nil
	})
	return all, err
}

// deleted deletes n znodes, each of which another session watches.
func (b *bed) deleted(ctx context.Context, n int) (all times, err error) {
	err = b.with(ctx, func(one zkapi.Session) error {
		return b.with(ctx, func(other zkapi.Session) error {
			for range n {
				if err := make1(ctx, one, "/watched"); err != nil {
					return err
				}
				if _, err := other.Do(ctx, zkapi.Sync("/watched")); err != nil {
					return err
				}
				seen, err := other.Do(ctx, zkapi.Exists("/watched").Watched())
				if err != nil {
					return err
				}
				if err := settle(ctx); err != nil {
					return err
				}
				began := clock.Now()
				if _, err := one.Do(ctx, zkapi.Delete("/watched", zkapi.AnyVersion)); err != nil {
					return err
				}
				if _, err := b.plain.Wait(ctx, seen.Watch); err != nil {
					return err
				}
				all = append(all, clock.Now()-began)
			}
			return nil
		})
	})
	return all, err
}

// settle is the time before something is given up, in which the one that waits gets to the line.
// The programs for the peers wait as long.
func settle(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lockerOf is one process that takes locks, as the ensemble sees it.
func (b *bed) lockerOf() (*lock.Locks, error) {
	driver, err := b.connect(10 * time.Second)
	if err != nil {
		return nil, err
	}
	return lock.New(driver, lock.Config{})
}

// warmPairs is how many locks at the beginning do not count.
const warmPairs = 20

// pairs takes and releases a lock that nothing else wants, n times.
func (b *bed) pairs(ctx context.Context, path string, n int) (all times, err error) {
	locks, err := b.lockerOf()
	if err != nil {
		return nil, err
	}
	defer locks.Close(context.WithoutCancel(ctx))
	for i := range n + warmPairs {
		began := clock.Now()
		held, err := locks.Lock(ctx, path)
		if err != nil {
			return nil, err
		}
		if err := held.Release(ctx); err != nil {
			return nil, err
		}
		if i >= warmPairs {
			all = append(all, clock.Now()-began)
		}
	}
	return all, nil
}

// crowd has n processes contend for a lock, and counts the grants of the window.
func (b *bed) crowd(ctx context.Context, path string, n int) (granted int, took time.Duration, err error) {
	all := make([]*lock.Locks, n)
	for i := range all {
		if all[i], err = b.lockerOf(); err != nil {
			return 0, 0, err
		}
		defer all[i].Close(context.WithoutCancel(ctx))
		if _, err := all[i].Line(ctx, path); err != nil { // connects, as the peers do before they contend
			return 0, 0, err
		}
	}
	turns := make([]turn, n)
	for i, locks := range all {
		turns[i] = func(granted func()) error {
			held, err := locks.Lock(ctx, path)
			if err != nil {
				return err
			}
			granted()
			return held.Release(ctx)
		}
	}
	return b.counted(ctx, turns)
}

// turn is what a process does again and again. It calls done when it has what is counted.
type turn func(done func()) error

// counted has processes take their turns side by side, and counts what they get in the window. The
// first second does not count.
func (b *bed) counted(ctx context.Context, turns []turn) (n int, took time.Duration, err error) {
	var counts, over atomic.Bool
	var got atomic.Int64
	var work sync.WaitGroup
	errs := make([]error, len(turns))
	done := func() {
		if counts.Load() {
			got.Add(1)
		}
	}
	for i, turn := range turns {
		work.Go(func() {
			for errs[i] == nil && !over.Load() {
				errs[i] = turn(done)
			}
		})
	}
	wait := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	wait(min(time.Second, b.contend.window))
	counts.Store(true)
	began := clock.Now()
	wait(b.contend.window)
	counts.Store(false)
	took = clock.Now() - began
	over.Store(true)
	work.Wait()
	return int(got.Load()), took, errors.Join(errs...)
}

// contender is one of two that pass something on. take returns a function that gives it up.
type contender struct {
	take  func(context.Context) (giveUp func(context.Context) error, err error)
	close func(context.Context)
}

func (b *bed) locker(path string) (contender, error) {
	locks, err := b.lockerOf()
	if err != nil {
		return contender{}, err
	}
	return contender{
		take: func(ctx context.Context) (func(context.Context) error, error) {
			held, err := locks.Lock(ctx, path)
			if err != nil {
				return nil, err
			}
			return held.Release, nil
		},
		close: func(ctx context.Context) { _ = locks.Close(ctx) },
	}, nil
}

func (b *bed) candidate(path string, queue bool) (contender, error) {
	driver, err := b.connect(10 * time.Second)
	if err != nil {
		return contender{}, err
	}
	candidate, err := election.New(driver, election.Config{Path: path, Queue: queue})
	if err != nil {
		return contender{}, err
	}
	return contender{
		take: func(ctx context.Context) (func(context.Context) error, error) {
			led, err := candidate.Campaign(ctx)
			if err != nil {
				return nil, err
			}
			return led.Resign, nil
		},
		close: func(ctx context.Context) { _ = candidate.Close(ctx) },
	}, nil
}

// passed measures how long one takes to get what the other gives up.
func (b *bed) passed(ctx context.Context, both [2]contender) (f peers.Figure, err error) {
	type taken struct {
		giveUp func(context.Context) error
		at     time.Duration
		err    error
	}
	take := func(c contender) <-chan taken {
		got := make(chan taken, 1)
		go func() {
			giveUp, err := c.take(ctx)
			got <- taken{giveUp, clock.Now(), err}
		}()
		return got
	}
	now := <-take(both[0])
	var all times
	for i := range b.contend.handovers + warmPairs {
		if now.err != nil {
			return f, now.err
		}
		next := take(both[(i+1)%2])
		if err := settle(ctx); err != nil {
			return f, err
		}
		began := clock.Now()
		if err := now.giveUp(ctx); err != nil {
			return f, err
		}
		if now = <-next; i >= warmPairs {
			all = append(all, now.at-began)
		}
	}
	if now.err != nil {
		return f, now.err
	}
	return peers.Figure{What: peers.Passed, Tasks: len(all), Seconds: all.at(50).Seconds()}, now.giveUp(ctx)
}
