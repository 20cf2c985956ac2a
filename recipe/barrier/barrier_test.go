package barrier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const path = "/barriers/a"

// barriers is one more process.
func barriers(w *mishap.World) *barrier.Barriers {
	w.Helper()
	b, err := barrier.New(w.Env, barrier.Config{Name: "p"})
	w.Opened(b, err)
	return b
}

// exists reports whether there is a znode.
func exists(w *mishap.World, path string) bool {
	_, err := w.Env.Server.Tree().Node(path)
	return err == nil
}

// TestBarrier_IsSetAndLiftedOnce, whichever request or answer is lost.
func TestBarrier_IsSetAndLiftedOnce(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		b := barriers(w)
		w.Fate(m, b.Set(w.Ctx, path), exists(w, path))
		set := exists(w, path)
		if is, err := b.IsSet(w.Ctx, path); err != nil || is != set {
			t.Errorf("it is set: %v, %v; want %v", is, err, set)
		}
		err := b.Lift(w.Ctx, path)
		if lifted := !exists(w, path); err == nil && !lifted || set && zkapi.FateOf(err) == zkapi.NotApplied && lifted {
			t.Errorf("lifted: %v; told %v", lifted, err)
		}
		limited, stop := context.WithTimeout(w.Ctx, time.Minute)
		defer stop()
		if err := b.Wait(limited, path); (err == nil) == exists(w, path) {
			t.Errorf("the wait has ended with %v, and the barrier is set: %v", err, exists(w, path))
		}
	})
}

// TestLift_LeavesABarrierThatWasSetAgain: the delete whose answer was lost is not sent again.
func TestLift_LeavesABarrierThatWasSetAgain(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		if err := b.Set(w.Ctx, path); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.Env.Server.Sessions() {
			s.CutAt(zk.ReplyLost, func(op zkapi.Op) bool {
				return slices.ContainsFunc(op.Ops, func(part zkapi.Op) bool { return part.Kind == zkapi.KindDelete && part.Path == path })
			})
		}
		done := make(chan error)
		go func() { done <- b.Lift(w.Ctx, path) }()
		synctest.Wait()
		w.Do(zkapi.Create(path, nil, zkapi.Persistent))
		for _, s := range w.Env.Server.Sessions() {
			s.Mend()
		}
		if err := <-done; err != nil || !exists(w, path) {
			t.Errorf("%v; the new barrier is there: %v", err, exists(w, path))
		}
	})
}

// TestWait_WaitsWhileItIsSet, across a session that ends.
func TestWait_WaitsWhileItIsSet(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		if err := b.Set(w.Ctx, path); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- b.Wait(w.Ctx, path) }()
		time.Sleep(time.Second)
		w.ExpireAll()
		time.Sleep(time.Second)
		select {
		case err := <-done:
			t.Fatalf("the wait is over: %v", err)
		default:
		}
		w.Do(zkapi.Delete(path, zkapi.AnyVersion))
		synctest.Wait()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the barrier is lifted, and the wait goes on")
		}
	})
}

// entering has a process enter, and returns where it arrives.
func entering(w *mishap.World, ctx context.Context, n int) <-chan *barrier.Inside {
	w.Helper()
	b, got := barriers(w), make(chan *barrier.Inside, 1)
	go func() {
		in, err := b.Enter(ctx, path, n)
		if err != nil {
			w.Log(err)
		}
		got <- in
	}()
	time.Sleep(time.Second)
	return got
}

// leaving has a participant leave.
func leaving(w *mishap.World, in *barrier.Inside) <-chan error {
	done := make(chan error, 1)
	go func() { done <- in.Leave(w.Ctx) }()
	time.Sleep(time.Second)
	return done
}

// in waits for a participant that must be in.
func in(t *testing.T, got <-chan *barrier.Inside) *barrier.Inside {
	t.Helper()
	select {
	case in := <-got:
		if in == nil {
			t.Fatal("it has failed to enter")
		}
		return in
	default:
		t.Fatal("it is not in")
	}
	return nil
}

// still fails if something has come that must wait.
func still[T any](t *testing.T, what string, got <-chan T) {
	t.Helper()
	select {
	case one := <-got:
		t.Errorf("%s: %v", what, one)
	default:
	}
}

// TestDouble_LetsAllInAndAllOut together, round after round; one that comes too early waits for the
// next round.
func TestDouble_LetsAllInAndAllOut(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		first := entering(w, w.Ctx, 2)
		still(t, "one is in alone", first)
		second := entering(w, w.Ctx, 2)
		a, b := in(t, first), in(t, second)
		third := entering(w, w.Ctx, 2)
		fourth := entering(w, w.Ctx, 2)
		still(t, "it is in beside a round", third)
		for i, one := range []*barrier.Inside{a, b} {
			if one.Round() != 1 || one.Context().Err() != nil {
				t.Errorf("%d: round %d, %v", i, one.Round(), one.Context().Err())
			}
		}
		leftA := leaving(w, a)
		still(t, "one has left alone", leftA)
		if !errors.Is(context.Cause(a.Context()), barrier.ErrLeft) {
			t.Errorf("it leaves: %v", context.Cause(a.Context()))
		}
		still(t, "it is in beside a round", third)
		leftB := leaving(w, b)
		if err := errors.Join(<-leftA, <-leftB); err != nil {
			t.Error(err)
		}
		c, d := in(t, third), in(t, fourth)
		if c.Round() != 2 || d.Round() != 2 {
			t.Errorf("rounds %d and %d", c.Round(), d.Round())
		}
		leftD := leaving(w, d)
		still(t, "one has left alone", leftD)
		leftC := leaving(w, c)
		if err := errors.Join(<-leftC, <-leftD); err != nil {
			t.Error(err)
		}
		if names, _ := w.Below(path); len(names) != 0 {
			t.Errorf("%v are left", names)
		}
	})
}

// expire ends the session of a participant's znode.
func expire(w *mishap.World, of int) {
	w.Helper()
	names, _ := w.Below(path)
	names = slices.DeleteFunc(names, func(name string) bool { return name == "ready" })
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(a[len(a)-10:], b[len(b)-10:]) })
	node, err := w.Env.Server.Tree().Node(path + "/" + names[of])
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range w.Env.Server.Sessions() {
		if s.ID() == node.Stat.EphemeralOwner {
			s.Expire()
		}
	}
	time.Sleep(time.Second)
}

// TestDouble_GoesOnWithoutTheDead: a participant that dies before the round is not counted, and
// comes again; one that dies in the round counts as one that has left.
func TestDouble_GoesOnWithoutTheDead(t *testing.T) {
	for dead := range 2 {
		t.Run(fmt.Sprint(dead), func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				first := entering(w, w.Ctx, 3)
				expire(w, 0)
				second := entering(w, w.Ctx, 3)
				still(t, "it is in with two", second)
				third := entering(w, w.Ctx, 3)
				all := []*barrier.Inside{in(t, first), in(t, second), in(t, third)}
				left := leaving(w, all[2])
				still(t, "one has left alone", left)
				expire(w, dead) // of the two that are still there
				lost := slices.IndexFunc(all, func(in *barrier.Inside) bool { return errors.Is(context.Cause(in.Context()), barrier.ErrLost) })
				if lost != dead {
					t.Fatalf("%d is lost, not %d", lost, dead)
				}
				still(t, "one has left, and another is in", left)
				if err := all[dead].Leave(w.Ctx); !errors.Is(err, barrier.ErrLost) {
					t.Errorf("one that was lost leaves: %v", err)
				}
				if _, err := all[dead].Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err == nil || exists(w, "/x") {
					t.Errorf("one that was lost has written: %v", err)
				}
				if _, err := all[1-dead].Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
					t.Errorf("one that is in writes: %v", err)
				}
				if err := errors.Join(<-leaving(w, all[1-dead]), <-left); err != nil {
					t.Error(err)
				}
				if names, _ := w.Below(path); len(names) != 0 {
					t.Errorf("%v are left", names)
				}
			})
		})
	}
}

// TestDouble_RefusesAnotherNumber: a participant that waits for three is not in a round of two, and that
// round goes on without it.
func TestDouble_RefusesAnotherNumber(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		refused := make(chan error, 1)
		b := barriers(w)
		go func() {
			_, err := b.Enter(w.Ctx, path, 3)
			refused <- err
		}()
		time.Sleep(time.Second)
		one := in(t, entering(w, w.Ctx, 2))
		if err := <-refused; !errors.Is(err, barrier.ErrInvalid) || zkapi.FateOf(err) != zkapi.NotApplied || !strings.Contains(err.Error(), "a round of 2 has begun") {
			t.Errorf("one that waits for three: %v", err)
		}
		time.Sleep(time.Second) // it withdraws
		if err := <-leaving(w, one); err != nil {
			t.Error(err)
		}
		if names, _ := w.Below(path); len(names) != 0 {
			t.Errorf("%v are left", names)
		}
	})
}

// TestDouble_EndsARoundWhoseParticipantsDied, when the next one comes, or is there already.
func TestDouble_EndsARoundWhoseParticipantsDied(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		first, second := entering(w, w.Ctx, 2), entering(w, w.Ctx, 2)
		in(t, first)
		in(t, second)
		third := entering(w, w.Ctx, 2)
		expire(w, 0)
		expire(w, 0)
		fourth := entering(w, w.Ctx, 2)
		if got := in(t, third).Round(); got != 2 {
			t.Errorf("round %d", got)
		}
		in(t, fourth)
	})
}

// TestDouble_GoesOnWithoutTheOneThatBeganIt: the last one to come begins the round. If it dies, the
// round goes on, and no other one begins beside it.
func TestDouble_GoesOnWithoutTheOneThatBeganIt(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		first, second := entering(w, w.Ctx, 2), entering(w, w.Ctx, 2)
		a := in(t, first)
		in(t, second)
		expire(w, 1)
		third, fourth := entering(w, w.Ctx, 2), entering(w, w.Ctx, 2)
		still(t, "it is in beside a round", third)
		still(t, "it is in beside a round", fourth)
		if err := <-leaving(w, a); err != nil {
			t.Error(err)
		}
		if c, d := in(t, third), in(t, fourth); c.Round() != 2 || d.Round() != 2 {
			t.Errorf("rounds %d and %d", c.Round(), d.Round())
		}
	})
}

// TestEnter_LeavesNoZnode when it is given up, whichever request or answer is lost.
func TestEnter_LeavesNoZnode(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		b := barriers(w)
		ctx, stop := context.WithTimeout(w.Ctx, time.Second)
		defer stop()
		if in, err := b.Enter(ctx, path, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%+v, %v", in, err)
		}
		time.Sleep(time.Second)
		if names, _ := w.Below(path); len(names) != 0 {
			t.Errorf("%v are left", names)
		}
	})
}

// TestDouble_TakesEveryMishap of one participant: it is in and out, and the other one, too. If their
// sessions end, one may be in and out without the other; then others help to fill the next round.
func TestDouble_TakesEveryMishap(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		errs, done := make(chan error, 20), 0
		take := func() {
			b := barriers(w)
			go func() {
				in, err := b.Enter(w.Ctx, path, 2)
				if err == nil {
					err = in.Leave(w.Ctx)
				}
				errs <- err
			}()
			time.Sleep(time.Second)
		}
		take()
		take()
		for helpers := 0; done < 2+helpers; {
			select {
			case err := <-errs:
				if done++; err != nil && !(m.Expire && errors.Is(err, barrier.ErrLost)) {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				if helpers++; !m.Expire || helpers > 2 {
					t.Fatalf("%d of %d are done", done, 1+helpers)
				}
				take()
			}
		}
		if names, _ := w.Below(path); len(names) != 0 && !(m.Expire && slices.Equal(names, []string{"ready"})) {
			t.Errorf("%v are left", names)
		}
	})
}

// TestDouble_WakesOneForEachEnd: of many that leave, each end wakes one, and that of the first all.
func TestDouble_WakesOneForEachEnd(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		const n = 8
		var got []<-chan *barrier.Inside
		for range n {
			got = append(got, entering(w, w.Ctx, n))
		}
		var all []*barrier.Inside
		for _, one := range got {
			all = append(all, in(t, one))
		}
		lists := 0
		w.Env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindChildren {
				lists++
			}
		})
		var left []<-chan error
		for _, one := range all {
			left = append(left, leaving(w, one))
		}
		for _, one := range left {
			if err := <-one; err != nil {
				t.Error(err)
			}
		}
		if most := 5 * n; lists > most {
			t.Errorf("the list was read %d times, %d are enough for %d participants", lists, most, n)
		}
	})
}

// TestBarriers_RefuseWhatIsWrong, before anything is sent.
func TestBarriers_RefuseWhatIsWrong(t *testing.T) {
	ctx := context.Background()
	if _, err := barrier.New(nil, barrier.Config{}); !errors.Is(err, barrier.ErrInvalid) {
		t.Errorf("no env: %v", err)
	}
	for _, b := range []*barrier.Barriers{nil, {}} {
		_, entered := b.Enter(ctx, path, 1)
		for _, err := range []error{b.Set(ctx, path), b.Lift(ctx, path), b.Wait(ctx, path), entered, b.Close(ctx)} {
			if !errors.Is(err, barrier.ErrInvalid) {
				t.Errorf("not made by New: %v", err)
			}
		}
	}
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		for _, n := range []int{0, -1, 1001} {
			if _, err := b.Enter(ctx, path, n); !errors.Is(err, barrier.ErrInvalid) {
				t.Errorf("%d participants: %v", n, err)
			}
		}
		if err := b.Set(ctx, "/"); !errors.Is(err, barrier.ErrInvalid) {
			t.Errorf("the root: %v", err)
		}
		one, err := b.Enter(ctx, path, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range []zkapi.Op{zkapi.Get("/x"), zkapi.Delete(path+"/ready", 0), zkapi.Multi()} {
			if _, err := one.Write(ctx, op); !errors.Is(err, barrier.ErrInvalid) {
				t.Errorf("%v: %v", op, err)
			}
		}
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		if !errors.Is(context.Cause(one.Context()), barrier.ErrClosed) {
			t.Errorf("closed: %v", context.Cause(one.Context()))
		}
		if err := b.Set(ctx, path); !errors.Is(err, barrier.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestLift_IsNotForDoubleBarriers: the numbers of their rounds would begin again. A barrier whose data
// a person has set is lifted.
func TestLift_IsNotForDoubleBarriers(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		for round := int32(1); round <= 3; round++ {
			in, err := b.Enter(w.Ctx, path, 1)
			if err != nil || in.Round() != round {
				t.Fatalf("round %d: %v", round, err)
			}
			if err := b.Lift(w.Ctx, path); !errors.Is(err, barrier.ErrDouble) || zkapi.FateOf(err) != zkapi.NotApplied {
				t.Errorf("in a round: %v", err)
			}
			if err := in.Leave(w.Ctx); err != nil {
				t.Fatal(err)
			}
			_, looked := b.IsSet(w.Ctx, path)
			for what, err := range map[string]error{"lifted": b.Lift(w.Ctx, path), "waited for": b.Wait(w.Ctx, path), "looked at": looked} {
				if !errors.Is(err, barrier.ErrDouble) {
					t.Errorf("%s after a round: %v", what, err)
				}
			}
		}
		const other = path + "-2"
		if err := b.Set(w.Ctx, other); err != nil {
			t.Fatal(err)
		}
		w.Do(zkapi.Set(other, []byte("since noon"), zkapi.AnyVersion))
		if set, err := b.IsSet(w.Ctx, other); err != nil || !set {
			t.Errorf("set by hand: %v, %v", set, err)
		}
		if err := b.Lift(w.Ctx, other); err != nil || exists(w, other) {
			t.Errorf("lifted: %v", err)
		}
	})
}
