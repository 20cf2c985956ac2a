package once_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	folder = "/lanes"
	log    = "/log" // where each write makes one more znode
)

// lanes are those of one more session.
func lanes(w *mishap.World) *once.Lanes {
	w.Helper()
	session, err := w.Env.Open(w.Ctx)
	w.Opened(session, err)
	place := once.Place{Folder: folder, Prefix: "lane-", Data: []byte("p1"), Prepare: func(ctx context.Context, s fence.Session) error {
		return obstacle.Ensure(ctx, s, folder, nil)
	}}
	return once.New(w.Ctx, w.Env, observe.To(nil), fence.Of(session), place)
}

// entry is a write that is seen twice if it is applied twice.
func entry() once.Write {
	return once.Write{Ops: []zkapi.Op{zkapi.Create(log+"/n-", nil, zkapi.PersistentSequential)}}
}

// isEntry reports whether a request is such a write.
func isEntry(op zkapi.Op) bool {
	return op.Kind == zkapi.KindMulti && strings.HasPrefix(op.Ops[len(op.Ops)-1].Path, log)
}

// entries are how many were applied.
func entries(w *mishap.World) int {
	names, _ := w.Below(log)
	return len(names)
}

// send sends one entry, which must be applied.
func send(w *mishap.World, l *once.Lanes) {
	w.Helper()
	before := entries(w)
	if _, err := l.Send(w.Ctx, entry()); err != nil || entries(w) != before+1 {
		w.Errorf("%v, %d entries after %d", err, entries(w), before)
	}
}

// TestSend_AppliesOnce: whichever request or answer is lost, and if the session ends with it.
func TestSend_AppliesOnce(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		l := lanes(w)
		for range 3 {
			before := entries(w)
			sent, err := l.Send(w.Ctx, entry())
			now := entries(w)
			if now > before+1 {
				t.Fatalf("applied %d times", now-before)
			}
			w.Fate(m, err, now > before)
			switch {
			case sent.Pending:
				t.Error("it is pending although its caller waits")
			case err != nil && !m.Expire:
				t.Errorf("the session lives: %v", err)
			case err != nil && zkapi.FateOf(err) == zkapi.NotApplied && !errors.Is(err, term.ErrFenced) && !errors.Is(err, zkapi.ErrSessionEnded):
				t.Errorf("the session has ended: %v", err)
			case err == nil && m.At == 0 && (len(sent.Results) != 1 || !strings.HasPrefix(sent.Results[0].Path, log+"/n-")):
				t.Errorf("the results: %+v", sent.Results)
			}
		}
		if _, there := w.Below(folder); there > 1 {
			t.Errorf("%d lanes for one caller", there)
		}
	})
}

// TestSend_LateCopy: a copy that arrives after the write was answered changes nothing.
func TestSend_LateCopy(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		var copies []zkapi.Op
		w.Env.Server.Observe(func(_ int64, op zkapi.Op) {
			if isEntry(op) {
				copies = append(copies, op)
			}
		})
		l := lanes(w)
		send(w, l)
		if len(copies) != 1 {
			t.Fatalf("it was sent %d times", len(copies))
		}
		if _, err := l.Session.Do(w.Ctx, fence.Sync(log)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Env.Server.Open().Do(w.Ctx, copies[0]); !errors.Is(err, zkapi.ErrBadVersion) || entries(w) != 1 {
			t.Errorf("the late copy: %v; %d entries", err, entries(w))
		}
	})
}

// TestSend_GivenUp: the caller does not wait for an answer that is lost. Then the write is applied or
// never will be, and Later hears what has become of it, although the request that gives it up is
// lost, or its answer.
func TestSend_GivenUp(t *testing.T) {
	losses := map[zk.Loss]string{zk.None: "none", zk.RequestLost: "request", zk.ReplyLost: "reply"}
	for _, first := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		for second, name := range losses {
			for third, other := range losses {
				t.Run(losses[first]+"-"+name+"-"+other, func(t *testing.T) {
					mishap.Run(t, func(w *mishap.World) { givenUp(w, first, []zk.Loss{second, third}) })
				})
			}
		}
	}
}

func givenUp(w *mishap.World, first zk.Loss, settling []zk.Loss) {
	w.Do(zkapi.Create(log, nil, zkapi.Persistent))
	l := lanes(w)
	send(w, l)
	ctx, stop := context.WithCancel(w.Ctx)
	begun := false
	w.Env.Server.Lose(func(op zkapi.Op) zk.Loss {
		switch {
		case !begun && isEntry(op):
			begun = true
			stop()
			return first
		case begun && len(settling) > 0 && op.Kind != zkapi.KindChildren:
			next := settling[0]
			settling = settling[1:]
			return next
		}
		return zk.None
	})
	told := make(chan error, 2)
	write := entry()
	write.Later = func(err error) { told <- err }
	sent, err := l.Send(ctx, write)
	if !errors.Is(err, once.ErrInDoubt) || !errors.Is(err, context.Canceled) || zkapi.FateOf(err) != zkapi.Unknown || !sent.Pending {
		w.Fatalf("%+v, %v", sent, err)
	}
	time.Sleep(time.Minute)
	want := map[zk.Loss]int{zk.RequestLost: 1, zk.ReplyLost: 2}[first]
	if entries(w) != want || len(told) != 1 {
		w.Fatalf("%d entries, want %d; Later heard %d times", entries(w), want, len(told))
	}
	if err := <-told; (err == nil) != (want == 2) || err != nil && zkapi.FateOf(err) != zkapi.NotApplied {
		w.Errorf("Later hears %v, and there are %d entries", err, want)
	}
	send(w, l)
	if _, there := w.Below(folder); there != 1 || l.Over() {
		w.Errorf("%d lanes; over: %v", there, l.Over())
	}
}

// TestSend_EndsInDoubt: the session ends, or is closed, before the answer comes.
func TestSend_EndsInDoubt(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		l := lanes(w)
		send(w, l)
		w.Env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if isEntry(op) {
				go w.ExpireAll()
				return zk.ReplyLost
			}
			return zk.None
		})
		sent, err := l.Send(w.Ctx, entry())
		if !errors.Is(err, once.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown || sent.Pending {
			t.Errorf("%+v, %v", sent, err)
		}
		if _, err := l.Send(w.Ctx, entry()); !errors.Is(err, zkapi.ErrSessionEnded) || zkapi.FateOf(err) != zkapi.NotApplied || !l.Over() {
			t.Errorf("after the session: %v; over: %v", err, l.Over())
		}
		if entries(w) != 2 {
			t.Errorf("%d entries", entries(w))
		}
	})
}

// TestSend_Refused: the error counts the ops of the caller, and the lane serves the next write.
func TestSend_Refused(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		l := lanes(w)
		_, err := l.Send(w.Ctx, once.Write{Ops: append(entry().Ops, zkapi.Delete("/none", 0))})
		if !errors.Is(err, zkapi.ErrNoNode) || zkapi.FailedIndex(err) != 1 || zkapi.FateOf(err) != zkapi.NotApplied || entries(w) != 0 {
			t.Errorf("%v (%d); %d entries", err, zkapi.FailedIndex(err), entries(w))
		}
		send(w, l)
		if err := w.Env.Server.SetVersion(log, 7); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Send(w.Ctx, once.Write{Ops: []zkapi.Op{zkapi.Check(log, 3)}}); !errors.Is(err, zkapi.ErrBadVersion) || zkapi.FailedIndex(err) != 0 {
			t.Errorf("%v", err)
		}
		send(w, l)
	})
}

// TestSend_SeveralLanes: writes that are under way at one moment have a lane each, up to Most. The
// others wait for one, and each is applied once.
func TestSend_SeveralLanes(t *testing.T) {
	const callers = 3 * once.Most
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		l := lanes(w)
		send(w, l)
		var lost atomic.Bool
		lost.Store(true)
		w.Env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if lost.Load() && isEntry(op) {
				return zk.RequestLost
			}
			return zk.None
		})
		ctx, stop := context.WithCancel(w.Ctx)
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				if _, err := l.Send(w.Ctx, entry()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		impatient := make(chan error, 1)
		go func() {
			_, err := l.Send(ctx, entry())
			impatient <- err
		}()
		synctest.Wait()
		stop()
		if err := <-impatient; zkapi.FateOf(err) != zkapi.NotApplied || !errors.Is(err, context.Canceled) {
			t.Errorf("one that waits for a lane: %v", err)
		}
		lost.Store(false)
		calls.Wait()
		if _, there := w.Below(folder); there != once.Most || entries(w) != callers+1 {
			t.Errorf("%d lanes, %d entries", there, entries(w))
		}
	})
}

// TestSend_ALaneByHand: a lane that a person deletes or sets ends the Lanes. What was not in doubt then
// was not applied.
func TestSend_ALaneByHand(t *testing.T) {
	deleted := func(path string) zkapi.Op { return zkapi.Delete(path, zkapi.AnyVersion) }
	set := func(path string) zkapi.Op { return zkapi.Set(path, nil, zkapi.AnyVersion) }
	for name, hands := range map[string]func(path string) zkapi.Op{"deleted": deleted, "set": set} {
		t.Run(name, func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				w.Do(zkapi.Create(log, nil, zkapi.Persistent))
				l := lanes(w)
				send(w, l)
				w.Do(hands(l.Claim().Path))
				for range 2 {
					if _, err := l.Send(w.Ctx, entry()); !errors.Is(err, term.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied || !l.Over() {
						t.Errorf("%v; over: %v", err, l.Over())
					}
				}
				if entries(w) != 1 || l.Session.Done().Fired() {
					t.Errorf("%d entries; the session has ended: %v", entries(w), l.Session.Done().Fired())
				}
			})
		})
	}
}

// TestSend_ALaneDeletedInDoubt: nothing tells any more whether the write was applied.
func TestSend_ALaneDeletedInDoubt(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				w.Do(zkapi.Create(log, nil, zkapi.Persistent))
				l := lanes(w)
				send(w, l)
				lost := false
				w.Env.Server.Lose(func(op zkapi.Op) zk.Loss {
					if isEntry(op) && !lost {
						lost = true
						return loss
					}
					return zk.None
				})
				over := make(chan error, 1)
				go func() {
					_, err := l.Send(w.Ctx, entry())
					over <- err
				}()
				synctest.Wait() // it waits before it repeats the write
				w.Do(zkapi.Delete(l.Claim().Path, zkapi.AnyVersion))
				if err := <-over; !errors.Is(err, once.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown || !l.Over() {
					t.Errorf("%v; over: %v", err, l.Over())
				}
			})
		})
	}
}

// TestLanes_Folder is made when the first lane needs it. If it cannot be, the next write tries again.
func TestLanes_Folder(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		w.Do(zkapi.Create(log, nil, zkapi.Persistent))
		l := lanes(w)
		prepare := l.Prepare
		l.Prepare = nil
		if _, err := l.Send(w.Ctx, entry()); !errors.Is(err, zkapi.ErrNoNode) || zkapi.FailedIndex(err) >= 0 || zkapi.FateOf(err) != zkapi.NotApplied || l.Made() || l.Over() {
			t.Errorf("without a folder: %v", err)
		}
		l.Prepare = prepare
		send(w, l)
		if !l.Made() || w.Data(l.Claim().Path) != "p1" || !strings.HasPrefix(l.Claim().Path, folder+"/lane-") {
			t.Errorf("the lane is %s with %q", l.Claim().Path, w.Data(l.Claim().Path))
		}
		root := once.New(w.Ctx, w.Env, observe.To(nil), l.Session, once.Place{Folder: "/"})
		send(w, root)
	})
}
