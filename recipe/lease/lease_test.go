package lease_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	path = "/leases/a"
	d    = 10 * time.Second
	mine = d - d/10 // what the holder has of it
)

// leases is one more process.
func leases(w *mishap.World, name string) *lease.Leases {
	return leasesOf(w, w.Env, name)
}

func leasesOf(w *mishap.World, env zkapi.Env, name string) *lease.Leases {
	w.Helper()
	l, err := lease.New(env, lease.Config{Name: name})
	w.Opened(l, err)
	return l
}

// takes has a process take the lease at once.
func takes(w *mishap.World, l *lease.Leases) *lease.Lease {
	w.Helper()
	limited, stop := context.WithTimeout(w.Ctx, time.Second)
	defer stop()
	held, err := l.Take(limited, path, d)
	if err != nil {
		w.Fatal(err)
	}
	return held
}

// later has a process wait for the lease, and returns where it arrives.
func later(w *mishap.World, l *lease.Leases) <-chan *lease.Lease {
	got := make(chan *lease.Lease, 1)
	go func() {
		if held, err := l.Take(w.Ctx, path, d); err == nil {
			got <- held
		}
	}()
	synctest.Wait()
	return got
}

// TestLease_EndsAlthoughItsSessionLives: the holder stops first, then the next one is granted the
// lease, and its token is greater.
func TestLease_EndsAlthoughItsSessionLives(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		first := takes(w, leases(w, "p1"))
		began := time.Now()
		next := later(w, leases(w, "p2"))
		<-first.Context().Done()
		if after := time.Since(began); after != mine || !errors.Is(context.Cause(first.Context()), lease.ErrOver) || first.Left() != 0 {
			t.Errorf("the holder stops after %v, because of %v", after, context.Cause(first.Context()))
		}
		second := <-next
		if after := time.Since(began); after < d || after > d+time.Second || second.Token() <= first.Token() {
			t.Errorf("the next one has it after %v, with token %d after %d", after, second.Token(), first.Token())
		}
		if err := first.Renew(w.Ctx); !errors.Is(err, lease.ErrOver) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("renewed when it was over: %v", err)
		}
		if _, err := first.Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); !errors.Is(err, lease.ErrOver) {
			t.Errorf("written when it was over: %v", err)
		}
		if err := first.Release(w.Ctx); err != nil || !strings.Contains(w.Data(path), "p2") {
			t.Errorf("the release of a lease that is over: %v; the znode has %s", err, w.Data(path))
		}
	})
}

// TestLease_LivesOnWithoutItsSession, and can be renewed as long as it lasts.
func TestLease_LivesOnWithoutItsSession(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		held := takes(w, leases(w, "p1"))
		next := later(w, leases(w, "p2"))
		for range 5 {
			time.Sleep(mine / 2)
			w.ExpireAll()
			if err := held.Renew(w.Ctx); err != nil || held.Left() != mine {
				t.Fatalf("%v; %v are left", err, held.Left())
			}
			if _, err := held.Write(w.Ctx, zkapi.Check(path, held.Token())); err != nil {
				t.Errorf("a write of the holder: %v", err)
			}
		}
		select {
		case <-next:
			t.Error("another has the lease, too")
		default:
		}
		if err := held.Release(w.Ctx); err != nil {
			t.Fatal(err)
		}
		released := time.Now()
		<-next
		if after := time.Since(released); after > time.Second {
			t.Errorf("the next one has it %v after the release", after)
		}
		if !errors.Is(context.Cause(held.Context()), lease.ErrReleased) {
			t.Errorf("released: %v", context.Cause(held.Context()))
		}
	})
}

// drifting is an Env whose clock is faster or slower.
type drifting struct {
	*zk.Env
	rate float64
}

func (e drifting) Elapsed() time.Duration { return time.Duration(float64(e.Env.Elapsed()) * e.rate) }

func (e drifting) Timer(d time.Duration) zkapi.Source {
	return e.Env.Timer(time.Duration(float64(d) / e.rate))
}

// TestLease_HoldersDoNotOverlapUnderDrift: the next one's clock may be faster by a ninth. One whose
// clock is faster than that has the lease too early: the bound is no better.
func TestLease_HoldersDoNotOverlapUnderDrift(t *testing.T) {
	for _, c := range []struct {
		holder, next float64
		overlap      bool
	}{{1, 1, false}, {1, 1.11, false}, {0.905, 1, false}, {0.95, 1.05, false}, {1, 1.13, true}, {0.9, 1.02, true}} {
		mishap.Run(t, func(w *mishap.World) {
			held := takes(w, leasesOf(w, drifting{w.Env, c.holder}, "p1"))
			next := later(w, leasesOf(w, drifting{w.Env, c.next}, "p2"))
			<-next
			if overlap := held.Context().Err() == nil; overlap != c.overlap {
				t.Errorf("clocks with rates %v and %v: both hold it: %v", c.holder, c.next, overlap)
			}
		})
	}
}

// TestTake_CountsAnewAfterEachChange: a lease that is renewed lasts on for the processes that wait, whichever process
// renews it.
func TestTake_CountsAnewAfterEachChange(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create("/leases", nil, zkapi.Persistent))
		w.Do(zkapi.Create(path, []byte(`{"holder":"by hand","ms":10000}`), zkapi.Persistent))
		next := later(w, leases(w, "p1"))
		time.Sleep(6 * time.Second)
		w.Do(zkapi.Set(path, []byte(`{"holder":"by hand","ms":10000}`), 0))
		changed := time.Now()
		<-next
		if after := time.Since(changed); after < d {
			t.Errorf("it has the lease %v after the last change", after)
		}
	})
}

// TestTake_IsExact: whichever request or answer is lost, the holder is the one that the znode names.
func TestTake_IsExact(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		l := leases(w, "p1")
		limited, stop := context.WithTimeout(w.Ctx, time.Minute)
		defer stop()
		held, err := l.Take(limited, path, d)
		if err != nil { // whatever is lost, another session goes on
			t.Fatal(err)
		}
		if state, err := leases(w, "p2").Look(w.Ctx, path); err != nil || state.Holder != "p1" || state.For != d || state.Token != held.Token() {
			t.Fatalf("others see %+v, %v; the token is %d", state, err, held.Token())
		}
		before := held.Token()
		switch err := held.Renew(w.Ctx); {
		case err == nil:
			if held.Token() <= before {
				t.Errorf("renewed: token %d after %d", held.Token(), before)
			}
			if _, err := held.Write(w.Ctx, zkapi.Check(path, held.Token())); err != nil && zkapi.FateOf(err) == zkapi.NotApplied && !m.Expire {
				t.Errorf("the token is not that of the znode: %v", err)
			}
		case !m.Expire || zkapi.FateOf(err) != zkapi.Unknown:
			t.Error(err)
		}
		if err := held.Release(w.Ctx); err == nil && w.Data(path) != "{}" || err != nil && !m.Expire {
			t.Errorf("released: %v; the znode has %s", err, w.Data(path))
		}
	})
}

// TestWrite_IsFencedByTheNextGrant, even of a holder whose clock stands still.
func TestWrite_IsFencedByTheNextGrant(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		held := takes(w, leasesOf(w, drifting{w.Env, 0.01}, "p1"))
		<-later(w, leases(w, "p2"))
		_, err := held.Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent))
		if !errors.Is(err, lease.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("%v", err)
		}
		if err := held.Renew(w.Ctx); !errors.Is(err, lease.ErrLost) || !errors.Is(context.Cause(held.Context()), lease.ErrLost) {
			t.Errorf("renewed: %v; the context: %v", err, context.Cause(held.Context()))
		}
	})
}

// TestLeases_RefuseWhatIsWrong, before anything is sent.
func TestLeases_RefuseWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	if _, err := lease.New(nil, lease.Config{}); !errors.Is(err, lease.ErrInvalid) {
		t.Errorf("no env: %v", err)
	}
	for _, l := range []*lease.Leases{nil, {}} {
		_, taken := l.Take(ctx, path, d)
		_, looked := l.Look(ctx, path)
		for _, err := range []error{taken, looked, l.Close(ctx)} {
			if !errors.Is(err, lease.ErrInvalid) {
				t.Errorf("not made by New: %v", err)
			}
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		l := leases(w, "p1")
		for _, bad := range []time.Duration{0, -d, time.Millisecond, 48 * time.Hour} {
			if _, err := l.Take(ctx, path, bad); !errors.Is(err, lease.ErrInvalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if _, err := l.Take(ctx, "/", d); !errors.Is(err, lease.ErrInvalid) {
			t.Errorf("the root: %v", err)
		}
		if state, err := l.Look(ctx, path); err != nil || state != (lease.State{}) {
			t.Errorf("no such path: %+v, %v", state, err)
		}
		held := takes(w, l)
		if err := held.Release(ctx); err != nil || held.Left() != 0 {
			t.Errorf("released: %v, and %v are left", err, held.Left())
		}
		held = takes(w, l)
		if _, err := held.Write(ctx, zkapi.Set(path, nil, -1)); !errors.Is(err, lease.ErrInvalid) {
			t.Errorf("its own znode: %v", err)
		}
		if err := l.Close(ctx); err != nil || !errors.Is(context.Cause(held.Context()), lease.ErrClosed) {
			t.Errorf("closed: %v, %v", err, context.Cause(held.Context()))
		}
		w.Do(zkapi.Set(path, nil, zkapi.AnyVersion))
		if err := w.Env.Server.SetVersion(path, math.MinInt32); err != nil {
			t.Fatal(err)
		}
		if _, err := leases(w, "p2").Take(ctx, path, d); !errors.Is(err, lease.ErrOverflow) {
			t.Errorf("a version that is no token: %v", err)
		}
	})
}

// TestRenew_ComesTooLate: a lease that was over before the answer came is not renewed, although the
// ensemble has applied the renewal.
func TestRenew_ComesTooLate(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		held := takes(w, leases(w, "p1"))
		token := held.Token()
		time.Sleep(mine - 200*time.Millisecond)
		for _, s := range w.Env.Server.Sessions() {
			s.CutAt(zk.ReplyLost, func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti })
			time.AfterFunc(time.Second, s.Mend)
		}
		if err := held.Renew(w.Ctx); !errors.Is(err, lease.ErrOver) || held.Left() != 0 || held.Token() != token+1 {
			t.Errorf("%v; %v are left, the token is %d", err, held.Left(), held.Token())
		}
		if err := held.Release(w.Ctx); err != nil {
			t.Error(err)
		}
		takes(w, leases(w, "p2"))
	})
}

// TestWrite_BesideARenewal: the renewal is applied, and its answer has not come yet. The holder still
// has the lease, so its write is not fenced.
func TestWrite_BesideARenewal(t *testing.T) {
	for _, expired := range []bool{false, true} {
		mishap.Run(t, func(w *mishap.World) {
			env := &delayed{Env: w.Env}
			held := takes(w, leasesOf(w, env, "p1"))
			token := held.Token()
			arrived := make(chan struct{})
			env.after = func() { // with the write of the renewal
				if env.after = nil; expired {
					w.ExpireAll()
				}
				<-arrived
			}
			renewed := make(chan error, 1)
			go func() { renewed <- held.Renew(w.Ctx) }()
			synctest.Wait()
			if _, err := held.Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
				t.Errorf("expired %v: %v", expired, err)
			}
			close(arrived)
			if err := <-renewed; err != nil || held.Token() <= token {
				t.Errorf("expired %v: renewed: %v; token %d after %d", expired, err, held.Token(), token)
			}
			w.Do(zkapi.Set(path, []byte(`{"id":"other","ms":10000}`), zkapi.AnyVersion))
			if _, err := held.Write(w.Ctx, zkapi.Create("/y", nil, zkapi.Persistent)); !errors.Is(err, lease.ErrFenced) {
				t.Errorf("taken by hand: %v", err)
			}
		})
	}
}

// delayed is an Env whose answers to multis come later.
type delayed struct {
	*zk.Env
	after func()
}

func (e *delayed) Open(ctx context.Context) (zkapi.Session, error) {
	s, err := e.Env.Open(ctx)
	return delayedSession{s, e}, err
}

type delayedSession struct {
	zkapi.Session
	env *delayed
}

func (s delayedSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := s.Session.DoAll(ctx, ops)
	if after := s.env.after; after != nil && ops[0].Kind == zkapi.KindMulti {
		after()
	}
	return replies
}

// oneSession is an Env that opens one session, and then none until closed is.
type oneSession struct {
	*zk.Env
	opened bool
	closed chan struct{}
}

func (e *oneSession) Open(ctx context.Context) (zkapi.Session, error) {
	if e.opened {
		<-e.closed
	}
	e.opened = true
	return e.Env.Open(ctx)
}

// TestTake_EndsInDoubt: ctx ends when it is not known whether the lease was granted. The error says so,
// and the lease is given back.
func TestTake_EndsInDoubt(t *testing.T) {
	for _, expired := range []bool{false, true} {
		mishap.Run(t, func(w *mishap.World) {
			env := &oneSession{Env: w.Env, closed: make(chan struct{})}
			l := leasesOf(w, env, "p1")
			if _, err := l.Look(w.Ctx, path); err != nil { // there is a session
				t.Fatal(err)
			}
			for _, s := range w.Env.Server.Sessions() {
				s.CutAt(zk.ReplyLost, func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti })
				if expired {
					time.AfterFunc(500*time.Millisecond, w.ExpireAll)
				} else {
					time.AfterFunc(2*time.Second, s.Mend)
				}
			}
			enough := errors.New("enough")
			limited, stop := context.WithTimeoutCause(w.Ctx, time.Second, enough)
			defer stop()
			if _, err := l.Take(limited, path, d); !errors.Is(err, enough) || zkapi.FateOf(err) != zkapi.Unknown || !strings.Contains(w.Data(path), "p1") {
				t.Errorf("expired %v: %v; the znode has %s", expired, err, w.Data(path))
			}
			close(env.closed)
			time.Sleep(5 * time.Second)
			if w.Data(path) != "{}" {
				t.Errorf("expired %v: a lease that its taker does not know of is not released: %s", expired, w.Data(path))
			}
		})
	}
}
