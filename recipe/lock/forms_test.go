package lock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestShared_ReadersPassTogether: readers before a writer hold the lock together, and those behind
// it wait for it.
func TestShared_ReadersPassTogether(t *testing.T) {
	inBubble(t, func(w *world) {
		r1, r2 := w.holds(w.locks("r1"), lock.Shared()), w.holds(w.locks("r2"), lock.Shared())
		writer := w.later(w.locks("w1"))
		r3, r4 := w.later(w.locks("r3"), lock.Shared()), w.later(w.locks("r4"), lock.Shared())
		if r1.Token() != 1 || r2.Token() != 2 || got(writer) != nil || got(r3) != nil {
			t.Fatalf("tokens %d and %d", r1.Token(), r2.Token())
		}
		if _, err := w.locks("r5").TryLock(w.ctx, path, lock.Shared()); !errors.Is(err, lock.ErrHeld) {
			t.Errorf("a reader passes a writer that waits: %v", err)
		}
		w.release(r2)
		if got(writer) != nil {
			t.Fatal("the writer passes a reader")
		}
		w.release(r1)
		held := w.arrives(time.Second, writer)
		if got(r3) != nil || got(r4) != nil {
			t.Error("a reader passes the writer")
		}
		w.release(held)
		w.release(w.arrives(time.Second, r3))
		w.release(w.arrives(time.Second, r4))
		w.empty(0)
	})
}

// TestPermits_AreAsManyAsAllowed: two of five hold the semaphore, and each end lets the next one
// in, whichever it is.
func TestPermits_AreAsManyAsAllowed(t *testing.T) {
	for _, second := range []bool{false, true} {
		inBubble(t, func(w *world) {
			two := lock.Permits(2)
			held := []*lock.Held{w.holds(w.locks("p1"), two), w.holds(w.locks("p2"), two)}
			var waiting []<-chan *lock.Held
			for n := range 3 {
				waiting = append(waiting, w.later(w.locks(fmt.Sprint("p", n+3)), two))
			}
			if _, err := w.locks("p9").TryLock(w.ctx, path, two); !errors.Is(err, lock.ErrHeld) {
				t.Errorf("%v", err)
			}
			for n := range waiting {
				if got(waiting[n]) != nil {
					t.Fatalf("number %d is granted too early", n+3)
				}
				at := 0
				if second {
					at = len(held) - 1
				}
				w.release(held[at])
				next := w.arrives(time.Second, waiting[n])
				if want := int32(n + 3); next.Token() != want {
					t.Errorf("token %d, want %d", next.Token(), want)
				}
				held = append(append(held[:at:at], held[at+1:]...), next)
			}
			w.release(held[0])
			w.release(held[1])
			w.empty(0)
		})
	}
}

// TestPermits_NoLockIsASemaphore: the two forms refuse each other.
func TestPermits_NoLockIsASemaphore(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"))
		for _, options := range [][]lock.Option{{lock.Permits(2)}, {lock.Simple()}} {
			ctx, stop := context.WithTimeout(w.ctx, time.Second)
			if _, err := w.locks("p2").Lock(ctx, path, options...); !errors.Is(err, lock.ErrMixed) {
				t.Errorf("%v", err)
			}
			stop()
		}
		if len(w.line()) != 1 {
			t.Errorf("the line is %v", w.line())
		}
		w.release(held)
		held = w.holds(w.locks("p3"), lock.Simple())
		if _, err := w.locks("p4").Lock(w.ctx, path); !errors.Is(err, lock.ErrMixed) {
			t.Errorf("%v", err)
		}
		w.release(held)
		w.empty(0)
	})
}

// TestPermits_AreTheSameForAll: a contender that gives another number is refused, unless it is alone.
func TestPermits_AreTheSameForAll(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"), lock.Permits(2))
		other := w.locks("p2")
		if _, err := other.Lock(w.ctx, path, lock.Permits(3)); !errors.Is(err, lock.ErrMixed) || !strings.Contains(err.Error(), "has 2 permits") {
			t.Errorf("%v", err)
		}
		w.release(held)
		w.release(w.holds(other, lock.Permits(3)))
		w.empty(0)
	})
}

// TestLock_AsksNothingWhenItsContextHasEnded.
func TestLock_AsksNothingWhenItsContextHasEnded(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx, stop := context.WithCancel(w.ctx)
		stop()
		l := w.locks("p1")
		w.env.Server.Observe(func(_ int64, op zkapi.Op) { t.Errorf("%v is asked", op) })
		if _, err := l.Lock(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
	})
}

// TestSimple_HandsTakePart: zkCli makes <path>/lock, and deletes it.
func TestSimple_HandsTakePart(t *testing.T) {
	inBubble(t, func(w *world) {
		first, second := w.locks("p1"), w.locks("p2")
		held := w.holds(first, lock.Simple())
		if held.Token() != 1 || held.Znode() != path+"/lock" {
			t.Errorf("token %d, znode %s", held.Token(), held.Znode())
		}
		if _, err := second.TryLock(w.ctx, path, lock.Simple()); !errors.Is(err, lock.ErrHeld) {
			t.Errorf("%v", err)
		}
		w.release(held)
		w.do(zkapi.Create(path+"/lock", nil, zkapi.Ephemeral))
		waiting := make(chan *lock.Held, 1)
		go func() {
			if h, err := second.Lock(w.ctx, path, lock.Simple()); err == nil {
				waiting <- h
			}
		}()
		time.Sleep(time.Minute)
		if got(waiting) != nil {
			t.Fatal("it is granted while hands hold it")
		}
		w.do(zkapi.Delete(path+"/lock", 0))
		next := w.arrives(time.Second, waiting)
		if next.Token() <= held.Token() {
			t.Errorf("token %d after %d", next.Token(), held.Token())
		}
		if _, err := next.Write(w.ctx, zkapi.Create("/data", nil, zkapi.Persistent)); err != nil {
			t.Error(err)
		}
		w.release(next)
		w.empty(0)
	})
}

// TestSimple_TheFencedHolderLeavesTheNextOneAlone: hands have deleted the znode, and the next
// process has made it again.
func TestSimple_TheFencedHolderLeavesTheNextOneAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		first := w.holds(w.locks("p1"), lock.Simple())
		w.do(zkapi.Delete(path+"/lock", zkapi.AnyVersion))
		second := w.holds(w.locks("p2"), lock.Simple())
		if _, err := first.Write(w.ctx, zkapi.Create("/data", nil, zkapi.Persistent)); !errors.Is(err, lock.ErrFenced) {
			t.Errorf("%v", err)
		}
		_ = first.Release(w.ctx)
		if len(w.line()) != 1 {
			t.Fatal("the release of the first has deleted the lock of the second")
		}
		w.release(second)
	})
}

// TestDelay_IsWaitedForAfterAnUncleanEnd, and only then.
func TestDelay_IsWaitedForAfterAnUncleanEnd(t *testing.T) {
	const delay = 20 * time.Second
	for _, form := range []struct {
		name    string
		options []lock.Option
	}{{"queue", []lock.Option{lock.Delay(delay)}}, {"simple", []lock.Option{lock.Delay(delay), lock.Simple()}}} {
		for _, clean := range []bool{false, true} {
			t.Run(fmt.Sprint(form.name, clean), func(t *testing.T) {
				inBubble(t, func(w *world) {
					held := w.holds(w.locks("p1"), form.options...)
					next := make(chan *lock.Held, 1)
					var options []lock.Option
					if form.name == "simple" {
						options = append(options, lock.Simple())
					}
					go func() {
						if h, err := w.locks("p2").Lock(w.ctx, path, options...); err == nil {
							next <- h
						}
					}()
					time.Sleep(time.Second)
					began := time.Now()
					if clean {
						w.release(held)
					} else {
						w.ownerOf(held.Znode()).Expire()
					}
					w.release(w.arrives(time.Minute, next))
					took := time.Since(began)
					if clean && took > time.Second || !clean && (took < delay || took > delay+time.Second) {
						t.Errorf("granted after %v", took)
					}
					w.release(w.holds(w.locks("p3"), options...)) // the delay is over
				})
			})
		}
	}
}

// TestDelay_IsWaitedForAfterALostLease: the lease of a holder is over and its session lives on, so its
// znode is deleted. That is no release: the holder may need the delay to stop.
func TestDelay_IsWaitedForAfterALostLease(t *testing.T) {
	const delay = 20 * time.Second
	for name, simple := range map[string][]lock.Option{"queue": nil, "simple": {lock.Simple()}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				held := w.holds(w.locks("p1"), append(simple, lock.Delay(delay))...)
				session := w.ownerOf(held.Znode())
				session.Strand()
				w.ended(timeout, held, lock.ErrLost)
				session.Unstrand()
				w.empty(timeout)
				began := time.Now()
				granted := make(chan *lock.Held, 1)
				go func() {
					if h, err := w.locks("p2").Lock(w.ctx, path, simple...); err == nil {
						granted <- h
					}
				}()
				next := w.arrives(time.Minute, granted)
				if took := time.Since(began); took < delay-timeout/2 {
					t.Errorf("granted after %v", took)
				}
				w.release(next)
			})
		})
	}
}

// TestRevoke_AsksTheHolder: its callback is called once, whether a Locks asks or another library.
// The lock is held on, and its writes are applied.
func TestRevoke_AsksTheHolder(t *testing.T) {
	for _, curator := range []bool{false, true} {
		inBubble(t, func(w *world) {
			asked := make(chan string, 9)
			held := w.holds(w.locks("p1"), lock.Shared(), lock.OnRevoke(func() { asked <- "p1" }))
			w.holds(w.locks("p2"), lock.Shared(), lock.OnRevoke(func() { asked <- "p2" }))
			deaf := w.holds(w.locks("p3"), lock.Shared())
			w.later(w.locks("p4"), lock.OnRevoke(func() { t.Error("a contender that waits is asked") }))
			if curator {
				w.do(zkapi.Set(held.Znode(), []byte("__REVOKE__"), zkapi.AnyVersion))
			} else if n, err := w.locks("p9").Revoke(w.ctx, path); n != 3 || err != nil {
				t.Errorf("%d were asked, %v", n, err)
			}
			time.Sleep(time.Second)
			want := 2
			if curator {
				want = 1
			}
			if len(asked) != want {
				t.Errorf("%d callbacks, want %d", len(asked), want)
			}
			for _, h := range []*lock.Held{held, deaf} {
				if _, err := h.Write(w.ctx); err != nil {
					t.Errorf("a write after that: %v", err)
				}
				w.release(h)
			}
		})
	}
}

// TestLockAll_TakesAllOrNone.
func TestLockAll_TakesAllOrNone(t *testing.T) {
	inBubble(t, func(w *world) {
		paths := []string{"/locks/c", path, "/locks/b"}
		blocks, err := w.locks("p0").Lock(w.ctx, "/locks/b")
		if err != nil {
			t.Fatal(err)
		}
		l := w.locks("p1")
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		if _, err := l.LockAll(ctx, paths); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "/locks/b") {
			t.Errorf("%v", err)
		}
		w.empty(time.Second)
		w.release(blocks)
		all, err := l.LockAll(w.ctx, paths)
		if err != nil {
			t.Fatal(err)
		}
		if held := all.Held(); len(held) != 3 || held[0].Path() != path || held[2].Path() != "/locks/c" {
			t.Errorf("%v", held)
		}
		result, err := all.Write(w.ctx, zkapi.Create("/data", nil, zkapi.Persistent))
		if err != nil || len(result.Results) != 1 || result.Results[0].Path != "/data" {
			t.Errorf("%+v, %v", result, err)
		}
		if _, err := all.Write(w.ctx, zkapi.Set("/data", nil, 7)); !errors.Is(err, zkapi.ErrBadVersion) || errors.Is(err, lock.ErrFenced) || zkapi.FailedIndex(err) != 0 {
			t.Errorf("%v", err)
		}
		w.do(zkapi.Delete(all.Held()[0].Znode(), zkapi.AnyVersion))
		if _, err := all.Write(w.ctx, zkapi.Set("/data", nil, zkapi.AnyVersion)); !errors.Is(err, lock.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("one of three is lost: %v", err)
		}
		w.within(timeout/6, "all are lost", func() bool { return all.Context().Err() != nil })
		if err := all.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
			t.Errorf("%v", err)
		}
		for _, paths := range [][]string{nil, {path, path}, {"x"}} {
			if _, err := l.LockAll(w.ctx, paths); !errors.Is(err, lock.ErrInvalid) {
				t.Errorf("%v: %v", paths, err)
			}
		}
	})
}

// TestToken_DoesNotComeAgain: the ensemble is restored from a backup, or the path is made again.
func TestToken_DoesNotComeAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.locks("p1")
		w.release(w.holds(l))
		older := w.env.Server.Tree()
		for range 5 {
			w.release(w.holds(l))
		}
		w.env.Server.Restore(older)
		time.Sleep(2 * timeout) // the old session ends by its timeout
		held := w.holds(l)
		if held.Token() < 1000 {
			t.Errorf("token %d after a restore, and 6 was used", held.Token())
		}
		last := held.Token()
		w.release(held)
		w.direct = w.env.Server.Open()
		w.empty(time.Second)
		w.do(zkapi.Delete(path, zkapi.AnyVersion))
		held = w.holds(l)
		if held.Token() <= last {
			t.Errorf("token %d after %d: the path was made again", held.Token(), last)
		}
		w.release(held)
	})
}

// TestLock_RefusesAParentThatKeepsNoToken: a container, as Curator makes it.
func TestLock_RefusesAParentThatKeepsNoToken(t *testing.T) {
	const container = -1 << 63
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/locks", nil, zkapi.Persistent))
		if err := w.env.Server.CreateAs(path, nil, container); err != nil {
			t.Fatal(err)
		}
		for _, options := range [][]lock.Option{nil, {lock.Simple()}} {
			if _, err := w.locks("p1").Lock(w.ctx, path, options...); !errors.Is(err, lock.ErrParent) {
				t.Errorf("%v", err)
			}
		}
		w.empty(0)
	})
}

// TestLine_SaysWhoHoldsAndWhoWaits, in every layout.
func TestLine_SaysWhoHoldsAndWhoWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.locksOf(lock.Config{Name: "p1", Layout: lock.Kazoo})
		held := w.holds(l, lock.Data("builds"))
		w.later(w.locksOf(lock.Config{Name: "p2", Layout: lock.Curator}))
		w.later(w.locksOf(lock.Config{Name: "p3", Layout: lock.CuratorReadWrite}), lock.Shared())
		w.do(zkapi.Create(path+"/hand-W-", nil, zkapi.EphemeralSequential))
		w.do(zkapi.Create(path+"/note", nil, zkapi.Persistent))
		line, err := l.Line(w.ctx, path)
		if err != nil || len(line) != 4 {
			t.Fatalf("%+v, %v", line, err)
		}
		for i, want := range []struct {
			name, mark    string
			holds, shared bool
			token         int32
		}{{"p1", "__lock__", true, false, 1}, {"p2", "-lock-", false, false, 0}, {"p3", "-__READ__", false, true, 0}, {"", "hand-W-", false, false, 0}} {
			if one := line[i]; one.Name != want.name || !strings.Contains(one.Znode, want.mark) || one.Holds != want.holds || one.Shared != want.shared || one.Token != want.token {
				t.Errorf("%+v, want %+v", one, want)
			}
		}
		if line[0].Data != "builds" || path+"/"+line[0].Znode != held.Znode() {
			t.Errorf("%+v", line[0])
		}
		if line, err := l.Line(w.ctx, "/nothing"); err != nil || len(line) != 0 {
			t.Errorf("%+v, %v", line, err)
		}
	})
}

// TestLock_SkipsWhatIsNoContender: persistent znodes with the name of a contender stay for ever.
func TestLock_SkipsWhatIsNoContender(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/locks", nil, zkapi.Persistent))
		w.do(zkapi.Create(path, nil, zkapi.Persistent))
		for _, name := range []string{"me-W-", "me-R-"} {
			w.do(zkapi.Create(path+"/"+name, nil, zkapi.PersistentSequential))
		}
		w.do(zkapi.Create(path+"/config", nil, zkapi.Persistent))
		held := w.holds(w.locks("p1"))
		next := w.later(w.locks("p2"))
		w.release(held)
		w.release(w.arrives(time.Second, next))
	})
}

// TestSequences_AreReadAndOrdered: in each layout, and after the overflow of the counter.
func TestSequences_AreReadAndOrdered(t *testing.T) {
	for name, want := range map[string]bool{
		"u-W-0000000001": true, "u-W--2147483648": true, "u-W--000000005": true, "_c_1-lock-0000000001": true, "0f__lock__0000000012": true,
		"0f__rlock__0000000012": true, "_c_1-__WRIT__0000000001": true, "u-W-1": false, "u-W-00000000011": false, "lock-0000000001": false, "u-W-": false, "": false,
	} {
		if got := lock.IsContender(name); got != want {
			t.Errorf("%q is a contender: %v", name, got)
		}
	}
	if order := lock.Ordered("a-W-0000000002", "b-W--2147483648", "c-W-2147483647", "d-W--000000001", "z-W-0000000001"); strings.Join(order, " ") !=
		"z-W-0000000001 a-W-0000000002 c-W-2147483647 b-W--2147483648 d-W--000000001" {
		t.Errorf("%v", order)
	}
}

// TestNew_SaysWhatIsWrong.
func TestNew_SaysWhatIsWrong(t *testing.T) {
	inBubble(t, func(w *world) {
		_, noEnv := lock.New(nil, lock.Config{})
		_, layout := lock.New(w.env, lock.Config{Layout: 9})
		var zero lock.Locks
		_, noLocks := zero.Lock(w.ctx, path)
		l := w.locks("p1")
		try := func(path string, options ...lock.Option) error {
			_, err := l.TryLock(w.ctx, path, options...)
			return err
		}
		_, curator := w.locksOf(lock.Config{Layout: lock.Curator}).Lock(w.ctx, path, lock.Shared())
		for i, err := range []error{
			noEnv, layout, noLocks, zero.Close(w.ctx), curator, try("x"), try("/"), try("/zookeeper/x"), try("/a/"), try(path, nil), try(path, lock.Permits(0)),
			try(path, lock.Delay(-1)), try(path, lock.Delay(2*time.Hour)), try(path, lock.Delay(1), lock.Shared()), try(path, lock.Simple(), lock.Shared()),
			try(path, lock.Data(strings.Repeat("x", lock.MaxData+1))), try(path, lock.Data("\xff")),
		} {
			if !errors.Is(err, lock.ErrInvalid) {
				t.Errorf("%d: %v", i, err)
			}
		}
		synctest.Wait()
	})
}

// TestLog_NamesTheProcess as such: it is no lock.
func TestLog_NamesTheProcess(t *testing.T) {
	inBubble(t, func(w *world) {
		if _, err := w.locks("first").Lock(w.ctx, path); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		second := w.locksOf(lock.Config{Name: "host-1", Logger: slog.New(slog.NewTextHandler(&log, nil))})
		go func() { _, _ = second.Lock(w.ctx, path) }()
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, " process=host-1 path="+path) || strings.Contains(text, "lock=host-1") {
			t.Errorf("the log: %s", text)
		}
	})
}

// TestRelease_OfALockThatIsLost says so, even before the next heartbeat has found it out. If an answer to
// the release itself was lost, a znode that is gone is taken for released.
func TestRelease_OfALockThatIsLost(t *testing.T) {
	for name, options := range map[string][]lock.Option{"": nil, "simple": {lock.Simple()}, "shared": {lock.Shared()}, "delay": {lock.Delay(100 * time.Millisecond)}} {
		inBubble(t, func(w *world) {
			held := w.holds(w.locks("first"), options...)
			w.do(zkapi.Delete(held.Znode(), zkapi.AnyVersion))
			for range 2 {
				if err := held.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
					t.Errorf("%s: its znode was deleted: %v", name, err)
				}
			}
			held = w.holds(w.locks("second"), options...)
			w.do(zkapi.Delete(held.Znode(), zkapi.AnyVersion))
			next := w.holds(w.locks("third"), options...)
			if err := held.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
				t.Errorf("%s: another has the lock: %v", name, err)
			}
			w.do(zkapi.Get(next.Znode()))
			for _, s := range w.env.Server.Sessions() {
				s.CutAt(zk.ReplyLost, func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti })
				time.AfterFunc(100*time.Millisecond, s.Mend)
			}
			if err := next.Release(w.ctx); err != nil {
				t.Errorf("%s: the answer was lost: %v", name, err)
			}
			held = w.holds(w.locks("last"), options...)
			w.do(zkapi.Delete(held.Znode(), zkapi.AnyVersion))
			w.do(zkapi.Delete(path, zkapi.AnyVersion))
			if err := held.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
				t.Errorf("%s: the path was deleted: %v", name, err)
			}
		})
	}
}
