package barrier_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// comes has a process that was there before enter.
func comes(w *mishap.World, b *barrier.Barriers, n int) <-chan *barrier.Inside {
	got := make(chan *barrier.Inside, 1)
	go func() {
		in, err := b.Enter(w.Ctx, path, n)
		if err != nil {
			w.Log(err)
		}
		got <- in
	}()
	time.Sleep(time.Second)
	return got
}

// rounds has a process make rounds alone, and returns the number of the last one.
func rounds(w *mishap.World, b *barrier.Barriers, times int) (last int32) {
	w.Helper()
	for range times {
		inside := in(w.T, comes(w, b, 1))
		if inside.Round() <= last {
			w.Errorf("round %d after %d", inside.Round(), last)
		}
		last = inside.Round()
		if err := inside.Leave(w.Ctx); err != nil {
			w.Fatal(err)
		}
	}
	return last
}

// back are the ways in which the numbers of rounds begin again.
var back = map[string]func(w *mishap.World, older zk.Tree){
	"restored":   (*mishap.World).Restore,
	"wiped":      func(w *mishap.World, _ zk.Tree) { w.Restore(zk.NewTree()) },
	"made again": func(w *mishap.World, _ zk.Tree) { w.Do(zkapi.Delete(path, zkapi.AnyVersion)) },
}

// TestRound_DoesNotComeAgain when the tree has gone back, twice, if one participant has been in the rounds
// of before: the first to come, or the last one, which begins the round.
func TestRound_DoesNotComeAgain(t *testing.T) {
	for name, goesBack := range back {
		t.Run(name, func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				b := barriers(w)
				rounds(w, b, 1)
				older := w.Env.Server.Tree()
				last := rounds(w, b, 3)
				for _, begins := range []bool{false, true} {
					goesBack(w, older)
					var first, second <-chan *barrier.Inside
					if begins {
						first, second = entering(w, w.Ctx, 2), comes(w, b, 2)
					} else {
						first, second = comes(w, b, 2), entering(w, w.Ctx, 2)
					}
					one, two := in(t, first), in(t, second)
					if one.Round() <= last || one.Round() > last+2000 || two.Round() != one.Round() {
						t.Errorf("rounds %d and %d after %d", one.Round(), two.Round(), last)
					}
					last = one.Round()
					left, leftToo := leaving(w, one), leaving(w, two)
					if err := errors.Join(<-left, <-leftToo); err != nil {
						t.Error(err)
					}
					if names, _ := w.Below(path); len(names) != 0 {
						t.Errorf("%v are left", names)
					}
				}
			})
		})
	}
}

// TestRound_IsNotRaisedWhileOneIsIn: processes that know nothing of the rounds of before have begun one.
// It ends as usual, and the next one has a number that was not used.
func TestRound_IsNotRaisedWhileOneIsIn(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		last := rounds(w, b, 3)
		w.Restore(zk.NewTree())
		one := in(t, entering(w, w.Ctx, 1))
		third, fourth := comes(w, b, 2), entering(w, w.Ctx, 2)
		still(t, "it is in beside a round", third)
		if one.Round() != 1 {
			t.Fatalf("the case has not come about: round %d", one.Round())
		}
		if err := <-leaving(w, one); err != nil {
			t.Error(err)
		}
		if next := in(t, third); next.Round() <= last || in(t, fourth).Round() != next.Round() {
			t.Errorf("round %d after %d", next.Round(), last)
		}
	})
}

// TestRound_OfTheDead: the backup has a round, of which all are dead.
func TestRound_OfTheDead(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		inside := in(t, comes(w, b, 1))
		older := w.Env.Server.Tree()
		if err := inside.Leave(w.Ctx); err != nil {
			t.Fatal(err)
		}
		last := rounds(w, b, 2)
		w.Restore(older)
		if got := rounds(w, b, 1); got <= last {
			t.Errorf("round %d after %d", got, last)
		}
	})
}

// TestRound_UsedUp: the numbers that were seen leave no room above them.
func TestRound_UsedUp(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		b := barriers(w)
		rounds(w, b, 1)
		if err := w.Env.Server.SetVersion(path, math.MaxInt32-1000); err != nil {
			t.Fatal(err)
		}
		rounds(w, b, 1)
		back["made again"](w, zk.Tree{})
		if _, err := b.Enter(w.Ctx, path, 1); !errors.Is(err, barrier.ErrOverflow) {
			t.Errorf("%v", err)
		}
	})
}

// TestRound_IsExactAfterARestore, whichever request or answer is lost.
func TestRound_IsExactAfterARestore(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		b := barriers(w)
		var last int32
		for range 2 {
			in, err := b.Enter(w.Ctx, path, 1)
			if err != nil {
				t.Fatal(err)
			}
			if in.Round() <= last {
				t.Errorf("round %d after %d", in.Round(), last)
			}
			last = in.Round()
			if err := in.Leave(w.Ctx); err != nil && !(m.Expire && errors.Is(err, barrier.ErrLost)) {
				t.Fatal(err)
			}
			time.Sleep(mishap.Timeout)
			for _, name := range []string{"/ready", ""} {
				if exists(w, path+name) {
					w.Do(zkapi.Delete(path+name, zkapi.AnyVersion))
				}
			}
		}
	})
}

// held is an Env that holds some of its reads until the test lets them go.
type held struct {
	*zk.Env
	holds func(op zkapi.Op) bool
	at    chan struct{} // receives when a read is held
	goes  chan struct{}
}

func (e *held) Open(ctx context.Context) (zkapi.Session, error) {
	s, err := e.Env.Open(ctx)
	return heldSession{s, e}, err
}

type heldSession struct {
	zkapi.Session
	env *held
}

func (s heldSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if holds := s.env.holds; holds != nil && holds(op) {
		s.env.at <- struct{}{}
		<-s.env.goes
	}
	return s.Session.Do(ctx, op)
}

// TestLeave_SparesAnotherRound that has the same number: the path was made again while a participant that
// has left was looking.
func TestLeave_SparesAnotherRound(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		env := &held{Env: w.Env, at: make(chan struct{}), goes: make(chan struct{})}
		b, err := barrier.New(env, barrier.Config{Name: "slow"})
		w.Opened(b, err)
		rounds(w, b, 1)
		one := in(t, comes(w, b, 1))
		lists := 0
		env.holds = func(op zkapi.Op) bool { // the look after it has left
			if op.Kind == zkapi.KindChildren {
				lists++
			}
			return lists > 1 && (op.Kind == zkapi.KindChildren || op.Path == path+"/ready")
		}
		left := make(chan error, 1)
		go func() { left <- one.Leave(w.Ctx) }()
		<-env.at
		back["made again"](w, zk.Tree{})
		other := barriers(w)
		first := in(t, comes(w, other, 1))
		env.goes <- struct{}{}
		<-env.at
		if err := first.Leave(w.Ctx); err != nil {
			t.Fatal(err)
		}
		second := in(t, comes(w, other, 1))
		if second.Round() != one.Round() {
			t.Fatalf("the case has not come about: rounds %d and %d", one.Round(), second.Round())
		}
		env.goes <- struct{}{}
		if err := <-left; err != nil || !exists(w, path+"/ready") {
			t.Errorf("%v; the round of the other one is still in: %v", err, exists(w, path+"/ready"))
		}
		if err := second.Leave(w.Ctx); err != nil {
			t.Error(err)
		}
	})
}
