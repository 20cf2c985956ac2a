package standby_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var errHook = errors.New("the hook has failed")

// TestFence_IsTriedAgainAndBounded: with growing pauses. Then the lock is given up and the breadcrumb stays, and
// this process stands again later. No process becomes active unfenced.
func TestFence_IsTriedAgainAndBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes(layout.Breadcrumb, "old:1")
		began, fails := time.Now(), 4
		var at []time.Duration
		m := w.start("a", func(m *member, c *standby.Config) {
			c.FenceAttempts, c.FencePause, c.RetryPause = 3, time.Second, time.Minute
			c.Fence = func(_ context.Context, old standby.Breadcrumb) error {
				at = append(at, time.Since(began).Round(time.Second))
				if fails--; fails >= 0 {
					return errHook
				}
				fmt.Fprintf(m.called, "fence %s\n", old.Data)
				return nil
			}
		})
		time.Sleep(10 * time.Second)
		m.calls("standby")
		if w.data(layout.Lock) != "-" || w.data(layout.Breadcrumb) != "old:1" {
			t.Errorf("lock %s, breadcrumb %s", w.data(layout.Lock), w.data(layout.Breadcrumb))
		}
		if w.log.has("the old active could not be fenced: the lock is given up") != 1 || w.log.has("attempts=3") != 1 {
			t.Error("the log does not say it")
		}
		time.Sleep(2 * time.Minute)
		m.calls("fence old:1", "active 3")
		first, second := at[1]-at[0], at[2]-at[1]
		if len(at) != 5 || first < time.Second*3/4 || second < first+first/4 || at[3]-at[2] < 45*time.Second {
			t.Errorf("attempts at %v", at)
		}
	})
}

// TestFence_WhileAnotherCandidateCan: in the pause of the one that cannot fence another one becomes active.
func TestFence_WhileAnotherCandidateCan(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes(layout.Breadcrumb, "old:1")
		a := w.start("a", func(_ *member, c *standby.Config) {
			c.FenceAttempts = 1
			c.Fence = func(context.Context, standby.Breadcrumb) error { return errHook }
		})
		b := w.start("b")
		time.Sleep(time.Minute)
		a.calls("standby")
		b.calls("standby", "fence old:1", "active 3")
	})
}

// TestFence_Hangs: an attempt that has not returned in time is one that has failed. It is not called beside
// itself.
func TestFence_Hangs(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes(layout.Breadcrumb, "old:1")
		release, running := make(chan struct{}), 0
		m := w.start("a", func(m *member, c *standby.Config) {
			c.FenceAttempts, c.FenceTimeout, c.RetryPause = 3, time.Minute, time.Second
			c.Fence = func(ctx context.Context, _ standby.Breadcrumb) error {
				if running++; running > 1 {
					t.Error("it is called beside itself")
				}
				fmt.Fprintln(m.called, "fence")
				<-release
				running--
				return context.Cause(ctx)
			}
		})
		time.Sleep(2 * time.Minute)
		if w.data(layout.Lock) != "a:1" {
			t.Error("the lock was given up too early")
		}
		time.Sleep(90 * time.Second)
		if w.log.has(standby.ErrTimeout.Error()) == 0 || w.log.has("the lock is given up") != 1 {
			t.Error("the lock was not given up")
		}
		m.calls("standby", "fence")
		close(release)
		time.Sleep(10 * time.Minute)
		if m.called.has("fence") == 0 {
			t.Error("it was not tried again")
		}
	})
}

// TestFence_NotThisLife: a session that is lost does not make a process fence itself; and an earlier life, or
// a twin with the same data, is not missed.
func TestFence_NotThisLife(t *testing.T) {
	inBubble(t, func(w *world) {
		same := func(_ *member, c *standby.Config) { c.Data = []byte("same") }
		a := w.start("a", same)
		for epoch := 2; epoch < 5; epoch++ {
			a.called.take()
			a.session().Expire()
			time.Sleep(time.Second)
			a.calls("standby", fmt.Sprintf("active %d", epoch))
		}
		a.session().Cut() // and it is not there for a while, as after SIGSTOP
		time.Sleep(timeout * 9 / 10)
		var found []standby.Breadcrumb
		b := w.start("b", same, func(_ *member, c *standby.Config) {
			c.Fence = func(_ context.Context, old standby.Breadcrumb) error { found = append(found, old); return nil }
		})
		a.stop()
		<-a.ran
		time.Sleep(timeout)
		b.calls("standby", "active 5")
		if len(found) != 1 || !found[0].Same || string(found[0].Data) != "same" || found[0].Epoch != 5 {
			t.Errorf("the twin was fenced as %+v", found)
		}
	})
}

// TestCrash_BetweenTwoSteps: after a crash the breadcrumb still names the process that the next one is to fence.
func TestCrash_BetweenTwoSteps(t *testing.T) {
	for step, want := range map[string]string{"while it fences": "fence old:1", "while it becomes active": "fence a:1"} {
		inBubble(t, func(w *world) {
			w.makes(layout.Breadcrumb, "old:1")
			a := w.start("a", func(m *member, c *standby.Config) {
				c.Fence = func(ctx context.Context, _ standby.Breadcrumb) error {
					if step == "while it fences" {
						<-ctx.Done()
						return context.Cause(ctx)
					}
					return nil
				}
				c.BecomeActive = func(ctx context.Context, _ *standby.Active) error { <-ctx.Done(); return nil }
			})
			b := w.start("b")
			a.session().Cut()
			a.stop()
			time.Sleep(2 * timeout)
			b.calls("standby", want, "active 2")
		})
	}
}

// TestBecomeActive_Fails: the process becomes standby, gives the lock up and the breadcrumb too, and another
// one becomes active at once.
func TestBecomeActive_Fails(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a", func(m *member, c *standby.Config) {
			c.BecomeActive = func(ctx context.Context, a *standby.Active) error { fmt.Fprintln(m.called, "fails"); return errHook }
		})
		b := w.start("b")
		time.Sleep(time.Second)
		a.calls("standby", "fails", "standby")
		b.calls("standby", "active 3")
		if w.log.has("the process did not become active: the lock is given up") != 1 {
			t.Error("the log does not say it")
		}
		time.Sleep(time.Minute)
		w.is("b true [a] b:1")
	})
}

// TestBecomeStandby_Fails: before the process stands, it is called until it works; after a term the lock is
// given up and the breadcrumb stays.
func TestBecomeStandby_Fails(t *testing.T) {
	inBubble(t, func(w *world) {
		var fails atomic.Bool
		fails.Store(true)
		a := w.start("a", func(m *member, c *standby.Config) {
			c.BecomeStandby = func(context.Context) error {
				fmt.Fprintln(m.called, "standby")
				if fails.Load() {
					return errHook
				}
				return nil
			}
		})
		time.Sleep(10 * time.Second)
		if w.status() != " false [] " || a.called.has("standby") < 3 {
			t.Errorf("it stands: %s", w.status())
		}
		fails.Store(false)
		time.Sleep(time.Minute)
		w.is("a true [] a:1")
		fails.Store(true)
		a.stop()
		if err := <-a.ran; !errors.Is(err, standby.ErrNotStandby) || !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		w.is(" false [] a:1")
		w.start("b").calls("standby", "fence a:1", "active 3")
	})
}

// TestNeutral_BeforeStandby: the ensemble does not answer for a while; then for so long that the lease ends.
func TestNeutral_BeforeStandby(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a", func(m *member, c *standby.Config) {
			c.EnterNeutral = func(context.Context) { fmt.Fprintln(m.called, "neutral") }
		})
		session := a.session()
		session.Cut()
		time.Sleep(time.Second)
		a.calls("standby", "active 1", "neutral")
		session.Mend()
		time.Sleep(time.Second)
		a.calls("active 1")
		session.Strand() // the server answers reads and pings, and has lost its leader
		time.Sleep(timeout / 2)
		a.calls("neutral")
		time.Sleep(timeout * 3 / 8)
		a.calls("standby")
	})
}

// TestNeutral_OnlyIfThereIsAHook: otherwise BecomeActive is called once in a term.
func TestNeutral_OnlyIfThereIsAHook(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a")
		session := a.session()
		session.Cut()
		time.Sleep(timeout / 2)
		session.Mend()
		time.Sleep(time.Minute)
		a.calls("standby", "active 1")
	})
}

// TestWrite_IsAppliedWhileItIsActive: and refused in each other state.
func TestWrite_IsAppliedWhileItIsActive(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a")
		l := a.term()
		got, err := l.Write(w.ctx, zkapi.Create("/shards", []byte("3"), zkapi.Persistent), zkapi.Check(path, l.Epoch()))
		if err != nil || len(got.Results) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, p := range []string{layout.Lock, layout.Breadcrumb, layout.Epoch, layout.Candidates + "/c-1", layout.Failover} {
			_, err := l.Write(w.ctx, zkapi.Set(p, nil, zkapi.AnyVersion))
			refused(t, p, err, standby.ErrInvalid)
		}
		w.do(zkapi.Set(path, nil, l.Epoch())) // another one has won, and this one has not heard of it
		_, err = l.Write(w.ctx, zkapi.Set("/shards", []byte("late"), zkapi.AnyVersion))
		refused(t, "by an old active", err, standby.ErrFenced)
		_, err = l.Write(w.ctx, zkapi.Set("/shards", []byte("late"), zkapi.AnyVersion))
		refused(t, "when it knows", err, standby.ErrLost)
		synctest.Wait()
		if cause := context.Cause(l.Context()); !errors.Is(cause, standby.ErrLost) || w.data("/shards") != "3" {
			t.Errorf("it ended with %v; /shards has %s", cause, w.data("/shards"))
		}
	})
}

// TestWrite_UntilTheLockIsGivenUp: BecomeStandby may write, and nothing later.
func TestWrite_UntilTheLockIsGivenUp(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a", func(m *member, c *standby.Config) {
			stand := c.BecomeStandby
			c.BecomeStandby = func(ctx context.Context) error {
				if l := m.term(); l != nil {
					if l.Context().Err() == nil {
						t.Error("the context of the work has not ended")
					}
					time.Sleep(2 * timeout) // heartbeats go on
					if _, err := l.Write(ctx, zkapi.Create("/last", nil, zkapi.Persistent)); err != nil {
						t.Errorf("the last write: %v", err)
					}
				}
				return stand(ctx)
			}
		})
		a.stop()
		<-a.ran
		_, err := a.term().Write(w.ctx, zkapi.Create("/late", nil, zkapi.Persistent))
		refused(t, "after the term", err, context.Canceled)
		w.is(" false [] ")
	})
}

// TestRestored_EpochsGoOn: the tree goes back to epoch 1, and a process has seen a later one.
func TestRestored_EpochsGoOn(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a")
		backup := w.env.Server.Tree()
		for range 3 {
			a.session().Expire()
			time.Sleep(time.Second)
		}
		last := a.term().Epoch()
		w.env.Server.Restore(backup)
		time.Sleep(time.Minute)
		if l := a.term(); l.Epoch() <= last || l.Context().Err() != nil {
			t.Errorf("epoch %d after %d; %v", l.Epoch(), last, context.Cause(l.Context()))
		}
	})
}

// TestZeroValues_SaySo: of every type.
func TestZeroValues_SaySo(t *testing.T) {
	var (
		c *standby.Candidate
		a *standby.Active
		g *standby.Group
	)
	ctx := t.Context()
	_, write := (&standby.Active{}).Write(ctx)
	_, status := g.Status(ctx)
	_, failover := (&standby.Group{}).Failover(ctx, "")
	for what, err := range map[string]error{
		"Run": c.Run(ctx), "Close": (&standby.Candidate{}).Close(ctx), "Write": write, "Context": context.Cause(a.Context()), "Status": status,
		"Failover": failover, "Close of a group": g.Close(ctx),
	} {
		if !errors.Is(err, standby.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if a.Epoch() != 0 || a.Left() != 0 {
		t.Error(a.Epoch(), a.Left())
	}
}

// TestLayouts_AreThoseOfHadoop: the names of the lock and of the breadcrumb.
func TestLayouts_AreThoseOfHadoop(t *testing.T) {
	for _, pair := range [][]string{
		{standby.YARN("c1").Lock, "/yarn-leader-election/c1/ActiveStandbyElectorLock"}, {standby.YARN("c1").Breadcrumb, "/yarn-leader-election/c1/ActiveBreadCrumb"},
		{standby.HDFS("ns").Lock, "/hadoop-ha/ns/ActiveStandbyElectorLock"}, {standby.HDFS("ns").Breadcrumb, "/hadoop-ha/ns/ActiveBreadCrumb"},
		{standby.HDFS("ns").Below("/lab").Epoch, "/lab/hadoop-ha/ns"}, {standby.Under("/a").Lock, "/a/lock"},
	} {
		if !slices.Equal(pair[:1], pair[1:]) {
			t.Error(pair)
		}
	}
}
