package standby_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestFailover_ToTheTarget: the old one becomes standby first, nothing is fenced, and the others hold back.
func TestFailover_ToTheTarget(t *testing.T) {
	for _, to := range []string{"b", "c", "d"} {
		inBubble(t, func(w *world) {
			all := map[string]*member{}
			for _, name := range []string{"a", "b", "c", "d"} {
				all[name] = w.start(name)
				all[name].called.take()
			}
			all["a"].called.take()
			now, err := w.group().Failover(w.ctx, to)
			if err != nil || now.Name != to || now.Data != to+":1" || now.Epoch != 3 {
				t.Fatalf("%+v, %v", now, err)
			}
			all["a"].calls("standby")
			all[to].calls("active 3")
			if cause := context.Cause(all["a"].term().Context()); !errors.Is(cause, standby.ErrHandedOver) {
				t.Errorf("the old term ended with %v", cause)
			}
			if w.data(layout.Failover) != "-" {
				t.Error("the request is left")
			}
			time.Sleep(time.Second) // the old one stands again
			if now, err := w.group().Failover(w.ctx, "a"); err != nil || now.Name != "a" || now.Epoch != 5 {
				t.Errorf("back again: %+v, %v", now, err)
			}
		})
	}
}

// TestFailover_WithoutATarget: any other candidate; and to the one that is active already.
func TestFailover_WithoutATarget(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := w.start("a"), w.start("b")
		now, err := w.group().Failover(w.ctx, "")
		if err != nil || now.Name != "b" {
			t.Errorf("%+v, %v", now, err)
		}
		a.calls("standby", "active 1", "standby")
		b.calls("standby", "active 3")
		if now, err := w.group().Failover(w.ctx, "b"); err != nil || now.Name != "b" || now.Epoch != 3 {
			t.Errorf("to itself: %+v, %v", now, err)
		}
		b.calls("")
		time.Sleep(time.Second)
		if now, err := w.group().Failover(w.ctx, ""); err != nil || now.Name != "a" || now.Epoch != 5 {
			t.Errorf("back again: %+v, %v", now, err)
		}
	})
}

// TestFailover_IsRefused: nothing changes then.
func TestFailover_IsRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		g := w.group()
		if _, err := g.Failover(w.ctx, "b"); !errors.Is(err, standby.ErrNoActive) {
			t.Errorf("without an active: %v", err)
		}
		a := w.start("a")
		for _, to := range []string{"b", ""} {
			if _, err := g.Failover(w.ctx, to); !errors.Is(err, standby.ErrNoCandidate) {
				t.Errorf("to %q: %v", to, err)
			}
		}
		sick := w.start("b", func(_ *member, c *standby.Config) { c.Health = func(context.Context) error { return errHook } })
		if _, err := g.Failover(w.ctx, "b"); !errors.Is(err, standby.ErrNoCandidate) {
			t.Errorf("to one that is not healthy: %v", err)
		}
		a.calls("standby", "active 1")
		sick.calls("standby")
	})
}

// TestFailover_ByHand: with zkCli.sh. A request to an unknown candidate is deleted.
func TestFailover_ByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start("a")
		w.start("b")
		for _, to := range []string{"nobody", "a"} {
			w.do(zkapi.Create(layout.Failover, []byte(to), zkapi.Persistent))
			w.is("a true [b] a:1")
			if w.data(layout.Failover) != "-" {
				t.Errorf("the request to %s is left", to)
			}
		}
		if w.log.has("asked to hand over to a candidate that does not stand by") != 1 {
			t.Error("the log does not say it")
		}
		w.do(zkapi.Create(layout.Failover, []byte("b\n"), zkapi.Persistent))
		time.Sleep(time.Second)
		w.is("b true [a] b:1")
	})
}

// TestFailover_OneAtATime: a second one is refused while the old active becomes standby; it is to say so.
func TestFailover_OneAtATime(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start("a", slowly(time.Minute))
		w.start("b")
		w.start("c")
		over := make(chan error)
		go func() { _, err := w.group().Failover(w.ctx, "b"); over <- err }()
		synctest.Wait()
		if _, err := w.group().Failover(w.ctx, "c"); !errors.Is(err, standby.ErrBusy) {
			t.Errorf("the second: %v", err)
		}
		if now, err := w.group().Status(w.ctx); err != nil || now.Failover == nil || now.Failover.To != "b" || now.Failover.Accepted {
			t.Errorf("%+v, %v", now.Failover, err)
		}
		if err := <-over; err != nil {
			t.Errorf("the first: %v", err)
		}
		time.Sleep(time.Second)
		w.is("b true [a c] b:1")
	})
}

// slowly has an active take its time to become standby.
func slowly(takes time.Duration) func(m *member, c *standby.Config) {
	return func(m *member, c *standby.Config) {
		c.StandbyTimeout = time.Hour
		stand := c.BecomeStandby
		c.BecomeStandby = func(ctx context.Context) error {
			if m.term() != nil {
				time.Sleep(takes)
			}
			return stand(ctx)
		}
	}
}

// TestFailover_IsWithdrawn: its caller does not wait any longer, before and after it was accepted.
func TestFailover_IsWithdrawn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start("a", func(_ *member, c *standby.Config) {
			c.BecomeActive = func(ctx context.Context, _ *standby.Active) error { time.Sleep(time.Minute); return nil }
		})
		release := make(chan struct{})
		w.start("b", func(_ *member, c *standby.Config) {
			c.BecomeActive = func(ctx context.Context, _ *standby.Active) error { <-release; return nil }
		})
		limited, end := context.WithTimeout(w.ctx, time.Second)
		defer end()
		_, err := w.group().Failover(limited, "b")
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, standby.ErrInDoubt) || w.data(layout.Failover) != "-" {
			t.Errorf("before: %v; the request is %s", err, w.data(layout.Failover))
		}
		time.Sleep(time.Minute)
		w.is("a true [b] a:1")
		limited, end = context.WithTimeout(w.ctx, time.Second)
		defer end()
		if _, err := w.group().Failover(limited, "b"); !errors.Is(err, standby.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("after: %v", err)
		}
		close(release)
		time.Sleep(time.Second)
		w.is("b true [a] b:1")
		if w.data(layout.Failover) != "-" {
			t.Error("the request is left")
		}
	})
}

// TestFailover_TheTargetIsLost: while the old active becomes standby. The others do not wait for it, and the
// caller is told who is active.
func TestFailover_TheTargetIsLost(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start("a", slowly(time.Minute))
		b := w.start("b")
		w.start("c")
		time.AfterFunc(time.Second, b.stop)
		began := time.Now()
		now, err := w.group().Failover(w.ctx, "b")
		if took := time.Since(began); !errors.Is(err, standby.ErrElsewhere) || now.Name != "a" && now.Name != "c" || took > time.Minute+time.Second {
			t.Errorf("%+v, %v after %v", now, err, took)
		}
	})
}

// TestFailover_GraceIsKept: as long as the target is there, the others hold back, and not for ever.
func TestFailover_GraceIsKept(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start("a")
		b, c := w.start("b"), w.start("c")
		target := b.session()
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session == target.ID() && op.Path == layout.Lock && op.Kind == zkapi.KindCreate {
				return zkapi.ErrThrottled
			}
			return nil
		})
		began := time.Now()
		limited, end := context.WithTimeout(w.ctx, time.Hour)
		defer end()
		now, err := w.group().Failover(limited, "b")
		took := time.Since(began)
		if !errors.Is(err, standby.ErrElsewhere) || now.Name == "b" || took < standby.DefaultGrace || took > standby.DefaultGrace+time.Second {
			t.Errorf("%+v, %v after %v", now, err, took)
		}
		if strings.Contains(c.called.take(), "fence") {
			t.Error("something was fenced")
		}
	})
}

// TestHealth_LeavesTheElection: an active that is not healthy becomes standby and leaves its breadcrumb, so
// that it is fenced; and it stands again when it is healthy.
func TestHealth_LeavesTheElection(t *testing.T) {
	for _, how := range []string{"error", "hangs"} {
		inBubble(t, func(w *world) {
			sick := make(chan struct{})
			healthy := make(chan struct{})
			a := w.start("a", func(_ *member, c *standby.Config) {
				c.HealthTimeout = 5 * time.Second
				c.Health = func(ctx context.Context) error {
					select {
					case <-sick:
					default:
						return nil
					}
					select {
					case <-healthy:
						return nil
					default:
					}
					if how == "hangs" {
						<-healthy
					}
					return errHook
				}
			})
			b := w.start("b")
			w.is("a true [b] a:1")
			close(sick)
			time.Sleep(10 * time.Second)
			a.calls("standby", "active 1", "standby")
			b.calls("standby", "fence a:1", "active 3")
			w.is("b true [] b:1")
			if cause := context.Cause(a.term().Context()); !errors.Is(cause, standby.ErrUnhealthy) {
				t.Errorf("%s: the term ended with %v", how, cause)
			}
			close(healthy)
			time.Sleep(10 * time.Second)
			w.is("b true [a] b:1")
		})
	}
}

// TestHealth_BeforeTheElection: a process that has not been healthy does not stand.
func TestHealth_BeforeTheElection(t *testing.T) {
	inBubble(t, func(w *world) {
		began := time.Now()
		a := w.start("a", func(_ *member, c *standby.Config) {
			c.Health = func(context.Context) error {
				if time.Since(began) < time.Minute {
					return errHook
				}
				return nil
			}
		})
		time.Sleep(30 * time.Second)
		w.is(" false [] ")
		time.Sleep(time.Minute)
		a.calls("standby", "active 1")
	})
}

// TestByHand_TheLock: a person takes the lock, and gives it up; and deletes that of the active.
func TestByHand_TheLock(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes(path, "")
		w.do(zkapi.Create(layout.Lock, []byte("me"), zkapi.Ephemeral))
		a := w.start("a")
		time.Sleep(time.Minute)
		a.calls("standby")
		w.is(" false [a] ")
		w.do(zkapi.Delete(layout.Lock, zkapi.AnyVersion))
		w.is("a true [] a:1")
		w.do(zkapi.Delete(layout.Lock, zkapi.AnyVersion))
		w.start("b").calls("standby", "fence a:1", "active 2")
		time.Sleep(time.Minute)
		w.is("b true [a] b:1")
		w.do(zkapi.Set(path, nil, zkapi.AnyVersion)) // b has no right to write any more
		time.Sleep(time.Minute)
		if l := w.do(zkapi.Get(layout.Lock)); !l.Stat.Alive() {
			t.Error("no process is active again")
		}
	})
}

// TestByHand_TheBreadcrumb: an active that gives the lock up deletes its own breadcrumb only.
func TestByHand_TheBreadcrumb(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.start("a")
		w.do(zkapi.Set(layout.Breadcrumb, []byte("other:1"), zkapi.AnyVersion))
		a.stop()
		<-a.ran
		w.is(" false [] other:1")
		b := w.start("b")
		b.calls("standby", "fence other:1", "active 3")
		w.do(zkapi.Delete(layout.Breadcrumb, zkapi.AnyVersion))
		b.stop()
		<-b.ran
		w.is(" false [] ")
	})
}

// TestNew_RefusesBadConfigs: the error says what to do.
func TestNew_RefusesBadConfigs(t *testing.T) {
	inBubble(t, func(w *world) {
		good := w.member("a").config
		for want, change := range map[string]func(c *standby.Config){
			"Layout is empty: use Under, YARN or HDFS": func(c *standby.Config) { c.Layout = standby.Layout{} },
			`Lock "a/lock"`:                                   func(c *standby.Config) { c.Layout = standby.Under("a") },
			`Lock and Epoch are both "/a/lock"`:               func(c *standby.Config) { c.Layout = standby.Under("/a"); c.Layout.Epoch = c.Layout.Lock },
			"that znode belongs to ZooKeeper itself":          func(c *standby.Config) { c.Layout = standby.Under("/zookeeper") },
			"is below the lock or among the candidates":       func(c *standby.Config) { c.Layout.Failover = c.Layout.Lock + "/x" },
			"Name is empty":                                   func(c *standby.Config) { c.Name = "" },
			"BecomeActive or BecomeStandby is nil: give both": func(c *standby.Config) { c.BecomeStandby = nil },
			"Fence is nil: give a hook":                       func(c *standby.Config) { c.Fence = nil },
			"FenceAttempts -1":                                func(c *standby.Config) { c.FenceAttempts = -1 },
			"EpochAtLeast -1":                                 func(c *standby.Config) { c.EpochAtLeast = -1 },
			"Data has 16385 bytes":                            func(c *standby.Config) { c.Data = make([]byte, standby.MaxData+1) },
			"Grace -1s: use a time that is not negative":      func(c *standby.Config) { c.Grace = -time.Second },
		} {
			c := good
			change(&c)
			if _, err := standby.New(w.env, c); !errors.Is(err, standby.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := standby.New(nil, good); !errors.Is(err, standby.ErrInvalid) {
			t.Errorf("no Env: %v", err)
		}
		if _, err := standby.NewGroup(w.env, standby.GroupConfig{}); !errors.Is(err, standby.ErrInvalid) {
			t.Errorf("no layout: %v", err)
		}
	})
}
