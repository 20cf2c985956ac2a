package lock_test

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
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	timeout = 4 * time.Second
	path    = "/locks/a"
)

// world is a ZooKeeper in memory, in virtual time.
type world struct {
	t      *testing.T
	env    *zk.Env
	ctx    context.Context
	direct *zk.Session // for the hands of the test
	mu     sync.Mutex
	opened []*lock.Locks
}

// inBubble runs a test in virtual time. In the end everything is closed, and all goroutines must
// end.
func inBubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, env: &zk.Env{Server: zk.NewServer(timeout)}}
		ctx, stop := context.WithCancel(t.Context())
		w.ctx = ctx
		w.direct = w.env.Server.Open()
		defer stop()
		defer func() {
			w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.None })
			for _, l := range w.opened {
				_ = l.Close(context.Background())
			}
		}()
		test(w)
	})
}

func (w *world) do(op zkapi.Op) zkapi.Result {
	w.t.Helper()
	result, err := w.direct.Do(w.ctx, op)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// locks is one more process.
func (w *world) locks(name string) *lock.Locks {
	w.t.Helper()
	return w.locksOf(lock.Config{Name: name})
}

func (w *world) locksOf(config lock.Config) *lock.Locks {
	w.t.Helper()
	l, err := lock.New(w.env, config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, l)
	return l
}

// holds has a process take the lock at once.
func (w *world) holds(l *lock.Locks, options ...lock.Option) *lock.Held {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, time.Second)
	defer stop()
	held, err := l.Lock(ctx, path, options...)
	if err != nil {
		w.t.Fatal(err)
	}
	return held
}

// later has a process wait for the lock, and returns where it arrives.
func (w *world) later(l *lock.Locks, options ...lock.Option) <-chan *lock.Held {
	w.t.Helper()
	got := make(chan *lock.Held, 1)
	before := len(w.line())
	go func() {
		if held, err := l.Lock(w.ctx, path, options...); err == nil {
			got <- held
		}
	}()
	w.within(time.Second, "it has joined", func() bool { return len(w.line()) > before })
	synctest.Wait()
	return got
}

// line are the children of the path.
func (w *world) line() []string {
	found, err := w.direct.Do(w.ctx, zkapi.Children(path))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Children
}

// ownerOf is the session that holds an ephemeral.
func (w *world) ownerOf(path string) *zk.Session {
	w.t.Helper()
	owner := w.do(zkapi.Exists(path)).Stat.EphemeralOwner
	for _, s := range w.env.Server.Sessions() {
		if s.ID() == owner {
			return s
		}
	}
	w.t.Fatalf("no session holds %s", path)
	return nil
}

// within waits for a condition in virtual time.
func (w *world) within(limit time.Duration, what string, condition func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s; the line is %v", limit, what, w.line())
		}
	}
}

// empty waits until no znode is left in the line.
func (w *world) empty(limit time.Duration) {
	w.t.Helper()
	w.within(limit, "no znode is left", func() bool { return len(w.line()) == 0 })
}

// loseOnce loses the first request that fits, and says later whether there was one.
func (w *world) loseOnce(loss zk.Loss, fits func(zkapi.Op) bool) (lost *atomic.Bool) {
	lost = new(atomic.Bool)
	w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
		if lost.Load() || !fits(op) {
			return zk.None
		}
		lost.Store(true)
		return loss
	})
	return lost
}

// has reports whether a request, or a part of it, is of that kind, at or below the path.
func has(op zkapi.Op, kind zkapi.Kind) bool {
	if op.Kind == kind && strings.HasPrefix(op.Path, path) {
		return true
	}
	for _, part := range op.Ops {
		if has(part, kind) {
			return true
		}
	}
	return false
}

// got is what arrives on a channel by now.
func got(from <-chan *lock.Held) *lock.Held {
	synctest.Wait()
	select {
	case held := <-from:
		return held
	default:
		return nil
	}
}

// arrives waits for a lock.
func (w *world) arrives(limit time.Duration, from <-chan *lock.Held) *lock.Held {
	w.t.Helper()
	select {
	case held := <-from:
		return held
	case <-time.After(limit):
		w.t.Fatalf("not granted within %v; the line is %v", limit, w.line())
		return nil
	}
}

func (w *world) release(held *lock.Held) {
	w.t.Helper()
	if err := held.Release(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

// ended demands that a lock's context ends within a limit, for a cause.
func (w *world) ended(limit time.Duration, held *lock.Held, cause error) {
	w.t.Helper()
	w.within(limit, "the context ends", func() bool { return held.Context().Err() != nil })
	if got := context.Cause(held.Context()); !errors.Is(got, cause) {
		w.t.Errorf("the cause is %v, not %v", got, cause)
	}
}

func TestLock_IsGrantedInOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		first := w.holds(w.locks("p1"))
		second, third := w.later(w.locks("p2")), w.later(w.locks("p3"))
		if first.Token() != 1 || first.Context().Err() != nil || got(second) != nil || got(third) != nil {
			t.Fatalf("token %d, context %v", first.Token(), first.Context().Err())
		}
		w.release(first)
		w.ended(0, first, lock.ErrReleased)
		second2 := w.arrives(time.Second, second)
		if second2.Token() != 2 || got(third) != nil {
			t.Errorf("token %d, and the third has it: %v", second2.Token(), got(third) != nil)
		}
		w.release(second2)
		third3 := w.arrives(time.Second, third)
		if third3.Token() != 3 {
			t.Errorf("token %d", third3.Token())
		}
		w.release(third3)
		w.empty(0)
		if err := first.Release(w.ctx); err != nil {
			t.Errorf("a second release: %v", err)
		}
	})
}

// TestLock_WakesOneContender: the end of a holder is heard by the next contender only.
func TestLock_WakesOneContender(t *testing.T) {
	inBubble(t, func(w *world) {
		first := w.holds(w.locks("p0"))
		var waiting []<-chan *lock.Held
		for n := range 10 {
			waiting = append(waiting, w.later(w.locks(fmt.Sprint("p", n+1))))
		}
		var lists atomic.Int32
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindChildren {
				lists.Add(1)
			}
		})
		w.release(first)
		second := w.arrives(time.Second, waiting[0])
		if n := lists.Load(); n != 1 {
			t.Errorf("%d contenders have looked at the line, want 1", n)
		}
		w.release(second)
	})
}

func TestTryLock_DoesNotWait(t *testing.T) {
	inBubble(t, func(w *world) {
		first := w.holds(w.locks("p1"))
		second := w.locks("p2")
		for range 2 {
			if _, err := second.TryLock(w.ctx, path); !errors.Is(err, lock.ErrHeld) {
				t.Errorf("%v", err)
			}
		}
		if len(w.line()) != 1 {
			t.Errorf("the line is %v", w.line())
		}
		w.release(first)
		held, err := second.TryLock(w.ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		w.release(held)
		w.empty(0)
	})
}

// TestTryLock_LeavesTheLine: another contender joined between the look and the join.
func TestTryLock_LeavesTheLine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/locks", nil, zkapi.Persistent))
		w.do(zkapi.Create(path, nil, zkapi.Persistent))
		other := w.env.Server.Open()
		var once sync.Once
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if has(op, zkapi.KindCreate) && !strings.HasPrefix(op.Path, path+"/other") {
				once.Do(func() { go other.Do(w.ctx, zkapi.Create(path+"/other-W-", nil, zkapi.EphemeralSequential)) })
				return zk.RequestLost
			}
			return zk.None
		})
		trying := w.locks("p1")
		errs := make(chan error, 1)
		go func() {
			_, err := trying.TryLock(w.ctx, path)
			errs <- err
		}()
		w.within(time.Second, "the other one has joined", func() bool { return len(w.line()) == 1 })
		w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.None })
		if err := <-errs; !errors.Is(err, lock.ErrHeld) {
			t.Errorf("%v", err)
		}
		if len(w.line()) != 1 {
			t.Errorf("the line is %v", w.line())
		}
	})
}

// TestLock_LeavesNoZnode: whatever is lost, and however a contender ends, its znode goes.
func TestLock_LeavesNoZnode(t *testing.T) {
	for name, fits := range map[string]func(zkapi.Op) bool{
		"nothing":    func(zkapi.Op) bool { return false },
		"the create": func(op zkapi.Op) bool { return op.Kind == zkapi.KindCreate && has(op, zkapi.KindCreate) },
		"the list":   func(op zkapi.Op) bool { return has(op, zkapi.KindChildren) },
		"the look":   func(op zkapi.Op) bool { return has(op, zkapi.KindExists) },
		"the grant":  func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti && has(op, zkapi.KindSet) },
		"the delete": func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti && has(op, zkapi.KindDelete) },
	} {
		for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
			for _, waits := range []bool{false, true} {
				t.Run(fmt.Sprint(name, loss, waits), func(t *testing.T) {
					inBubble(t, func(w *world) {
						w.do(zkapi.Create("/locks", nil, zkapi.Persistent))
						w.do(zkapi.Create(path, nil, zkapi.Persistent))
						first := w.locks("p1")
						var holder *lock.Held
						if waits {
							holder = w.holds(w.locks("p0"))
						}
						lost := w.loseOnce(loss, fits)
						ctx, stop := context.WithTimeout(w.ctx, 500*time.Millisecond)
						defer stop()
						held, err := first.Lock(ctx, path)
						switch {
						case waits && !errors.Is(err, context.DeadlineExceeded):
							t.Fatalf("a wait that is over: %v", err)
						case !waits && err != nil:
							t.Fatal(err)
						case !waits && len(w.line()) != 1:
							t.Errorf("the line is %v", w.line())
						}
						if waits {
							w.within(time.Second, "one znode is left", func() bool { return len(w.line()) == 1 })
							w.release(holder)
						} else {
							w.release(held)
						}
						w.empty(0)
						if never := name == "nothing" || name == "the grant" && waits || name == "the look" && !waits; lost.Load() == never {
							t.Errorf("lost: %v", lost.Load())
						}
					})
				})
			}
		}
	}
}

// TestHeld_IsLost: the session ends, or a person deletes the znode.
func TestHeld_IsLost(t *testing.T) {
	for name, lose := range map[string]func(*world, *lock.Held){
		"the session ends":     func(w *world, h *lock.Held) { w.ownerOf(h.Znode()).Expire() },
		"the znode is deleted": func(w *world, h *lock.Held) { w.do(zkapi.Delete(h.Znode(), zkapi.AnyVersion)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				l := w.locks("p1")
				held := w.holds(l)
				next := w.later(w.locks("p2"))
				w.do(zkapi.Create("/data", nil, zkapi.Persistent))
				lose(w, held)
				second := w.arrives(time.Second, next)
				_, err := held.Write(w.ctx, zkapi.Set("/data", nil, zkapi.AnyVersion))
				if !errors.Is(err, lock.ErrFenced) && !errors.Is(err, lock.ErrLost) || zkapi.FateOf(err) != zkapi.NotApplied {
					t.Errorf("a late write: %v", err)
				}
				w.ended(timeout/6, held, lock.ErrLost)
				if _, err := held.Write(w.ctx); !errors.Is(err, lock.ErrLost) || zkapi.FateOf(err) != zkapi.NotApplied {
					t.Errorf("a write after the end: %v", err)
				}
				if err := held.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
					t.Errorf("a release after the end: %v", err)
				}
				w.release(second)
				if third := w.holds(l); third.Token() != 3 {
					t.Errorf("token %d", third.Token())
				}
			})
		})
	}
}

// TestHeld_EndsWithItsLease: the server is cut off from its leader, and still answers. The lock
// ends before the session does, and its znode goes when the server is back.
func TestHeld_EndsWithItsLease(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"))
		session := w.ownerOf(held.Znode())
		began := time.Now()
		session.Strand()
		w.ended(timeout, held, lock.ErrLost)
		if took := time.Since(began); took < timeout/2 || took > timeout*3/4+timeout/6 {
			t.Errorf("the context ended after %v", took)
		}
		session.Unstrand()
		w.empty(2 * timeout)
		if err := held.Release(w.ctx); !errors.Is(err, lock.ErrLost) {
			t.Errorf("%v", err)
		}
	})
}

// TestHeld_LastsAtRest: a lock that nobody touches stays held, because its claim is confirmed.
func TestHeld_LastsAtRest(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"))
		next := w.later(w.locks("p2"))
		time.Sleep(20 * timeout)
		if held.Context().Err() != nil || got(next) != nil {
			t.Fatalf("it has ended: %v", context.Cause(held.Context()))
		}
		w.release(held)
		w.arrives(time.Second, next)
	})
}

func TestHeld_Writes(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"))
		result, err := held.Write(w.ctx, zkapi.Create("/data", nil, zkapi.Persistent), zkapi.Set("/data", []byte("1"), 0))
		if err != nil || len(result.Results) != 2 || result.Results[1].Stat.Version != 1 {
			t.Fatalf("%+v, %v", result, err)
		}
		_, err = held.Write(w.ctx, zkapi.Set("/data", []byte("2"), zkapi.AnyVersion), zkapi.Delete("/data", 7))
		if !errors.Is(err, zkapi.ErrBadVersion) || errors.Is(err, lock.ErrFenced) || zkapi.FailedIndex(err) != 1 {
			t.Errorf("%v", err)
		}
		for _, op := range []zkapi.Op{zkapi.Set(path, nil, zkapi.AnyVersion), zkapi.Delete(held.Znode(), zkapi.AnyVersion), zkapi.Get("/data")} {
			if _, err := held.Write(w.ctx, op); !errors.Is(err, lock.ErrInvalid) || zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("%v: %v", op, err)
			}
		}
		w.release(held)
		if _, err := held.Write(w.ctx); !errors.Is(err, lock.ErrReleased) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("after the release: %v", err)
		}
	})
}

// TestHeld_ReleaseGoesOnAfterItsContext: no write is answered for a while.
func TestHeld_ReleaseGoesOnAfterItsContext(t *testing.T) {
	inBubble(t, func(w *world) {
		held := w.holds(w.locks("p1"))
		session := w.ownerOf(held.Znode())
		session.Strand()
		ctx, stop := context.WithTimeout(w.ctx, 100*time.Millisecond)
		defer stop()
		if err := held.Release(ctx); !errors.Is(err, lock.ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		w.ended(0, held, lock.ErrReleased)
		session.Unstrand()
		w.empty(time.Second)
		w.release(held)
	})
}

func TestLock_IsNotReentrant(t *testing.T) {
	inBubble(t, func(w *world) {
		l := w.locks("p1")
		held := w.holds(l)
		if _, err := l.Lock(w.ctx, path); !errors.Is(err, lock.ErrReentrant) {
			t.Errorf("%v", err)
		}
		w.release(held)
		held = w.holds(l, lock.Shared())
		if _, err := l.TryLock(w.ctx, path); !errors.Is(err, lock.ErrReentrant) {
			t.Errorf("an upgrade: %v", err)
		}
		w.release(held)
		other := w.holds(w.locks("p2"))
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		if _, err := l.Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		w.within(time.Second, "it has left the line", func() bool { return len(w.line()) == 1 })
		again := w.later(l)
		w.release(other)
		w.arrives(time.Second, again)
	})
}

// TestLock_JoinsAgain: the session of a contender ends while it waits, or its znode is deleted.
func TestLock_JoinsAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		first := w.holds(w.locks("p1"))
		second := w.later(w.locks("p2"))
		third := w.later(w.locks("p3"))
		line := w.line()
		for _, name := range line {
			if session := w.ownerOf(path + "/" + name); path+"/"+name != first.Znode() {
				session.Expire()
				break
			}
		}
		w.within(time.Second, "it has joined again", func() bool { return len(w.line()) == 3 })
		for _, name := range w.line() {
			if path+"/"+name != first.Znode() {
				w.do(zkapi.Delete(path+"/"+name, zkapi.AnyVersion))
				break
			}
		}
		w.within(time.Minute, "both have joined again", func() bool { return len(w.line()) == 3 })
		w.release(first)
		select {
		case h := <-second:
			w.release(h)
			w.arrives(time.Second, third)
		case h := <-third:
			w.release(h)
			w.arrives(time.Second, second)
		case <-time.After(time.Minute):
			t.Fatal("nobody has it")
		}
	})
}

func TestClose_EndsEverything(t *testing.T) {
	inBubble(t, func(w *world) {
		l, other := w.locks("p1"), w.locks("p2")
		held := w.holds(l)
		errs := make(chan error, 1)
		go func() {
			_, err := other.Lock(w.ctx, path)
			errs <- err
		}()
		w.within(time.Second, "it has joined", func() bool { return len(w.line()) == 2 })
		if err := other.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-errs; !errors.Is(err, lock.ErrClosed) {
			t.Errorf("%v", err)
		}
		if err := l.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.ended(0, held, lock.ErrClosed)
		w.empty(0)
		if _, err := l.Lock(w.ctx, path); !errors.Is(err, lock.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}
