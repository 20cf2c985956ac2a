package lease_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/mishap"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// used takes the lease and gives it back some times, and returns the greatest token.
func used(w *mishap.World, l *lease.Leases, times int) (last int32) {
	w.Helper()
	for range times {
		held := takes(w, l)
		if held.Token() <= last {
			w.Errorf("token %d after %d", held.Token(), last)
		}
		last = held.Token()
		if err := held.Release(w.Ctx); err != nil {
			w.Fatal(err)
		}
	}
	return last
}

// madeAgain deletes the lease by hand.
func madeAgain(w *mishap.World, _ zk.Tree) { w.Do(zkapi.Delete(path, zkapi.AnyVersion)) }

// back are the ways in which the versions begin again.
var back = map[string]func(w *mishap.World, older zk.Tree){
	"restored":   (*mishap.World).Restore,
	"wiped":      func(w *mishap.World, _ zk.Tree) { w.Restore(zk.NewTree()) },
	"made again": madeAgain,
}

// TestToken_DoesNotComeAgain when the tree has gone back, twice, if the process has held the lease before.
func TestToken_DoesNotComeAgain(t *testing.T) {
	for name, goesBack := range back {
		t.Run(name, func(t *testing.T) {
			mishap.Run(t, func(w *mishap.World) {
				l := leases(w, "p1")
				used(w, l, 1)
				older := w.Env.Server.Tree()
				last := used(w, l, 3)
				for range 2 {
					goesBack(w, older)
					token := used(w, l, 1)
					if token <= last || token > last+2000 {
						t.Errorf("token %d after %d", token, last)
					}
					last = token
				}
			})
		})
	}
}

// TestToken_OfAnother: a process that has only waited for the lease has seen the tokens of its holder.
func TestToken_OfAnother(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		one := leases(w, "p1")
		used(w, one, 1)
		older := w.Env.Server.Tree()
		held := takes(w, one)
		next := later(w, leases(w, "p2"))
		for range 5 {
			if err := held.Renew(w.Ctx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		last := held.Token()
		w.Restore(older)
		if got := <-next; got.Token() <= last {
			t.Errorf("token %d after %d", got.Token(), last)
		}
	})
}

// TestRenew_TokenDoesNotComeAgain: the backup is of an earlier renewal of the same lease, or of the last
// one.
func TestRenew_TokenDoesNotComeAgain(t *testing.T) {
	for _, since := range []int{0, 3} {
		mishap.Run(t, func(w *mishap.World) {
			held := takes(w, leases(w, "p1"))
			older := w.Env.Server.Tree()
			for range since {
				if err := held.Renew(w.Ctx); err != nil {
					t.Fatal(err)
				}
			}
			last := held.Token()
			w.Restore(older)
			if err := held.Renew(w.Ctx); err != nil || held.Token() < last+1000 || held.Left() != mine {
				t.Errorf("%v; token %d after %d, %v are left", err, held.Token(), last, held.Left())
			}
			if _, err := held.Write(w.Ctx, zkapi.Check(path, held.Token())); err != nil {
				t.Errorf("a write of the holder: %v", err)
			}
			next := later(w, leases(w, "p2"))
			if err := held.Release(w.Ctx); err != nil {
				t.Fatal(err)
			}
			if got := <-next; got.Token() <= held.Token() {
				t.Errorf("token %d after %d", got.Token(), held.Token())
			}
		})
	}
}

// TestWrite_IsFencedAfterARestore: another process has the lease since, with the very version that the
// holder knows.
func TestWrite_IsFencedAfterARestore(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		used(w, leases(w, "p0"), 1)
		older := w.Env.Server.Tree()
		held := takes(w, leases(w, "p1"))
		if err := held.Renew(w.Ctx); err != nil {
			t.Fatal(err)
		}
		w.Restore(older)
		other := takes(w, leasesOf(w, &zk.Env{Server: w.Env.Server}, "p2"))
		if err := other.Renew(w.Ctx); err != nil || other.Token() != held.Token() {
			t.Fatalf("the case has not come about: %v; tokens %d and %d", err, other.Token(), held.Token())
		}
		if _, err := held.Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); !errors.Is(err, lease.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("%v", err)
		}
		if _, err := other.Write(w.Ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
			t.Errorf("the other one: %v", err)
		}
	})
}

// TestRenew_LostByARestore: the backup has the lease of another.
func TestRenew_LostByARestore(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		takes(w, leases(w, "p1"))
		older := w.Env.Server.Tree()
		time.Sleep(mine)
		held := <-later(w, leases(w, "p2"))
		w.Restore(older)
		if err := held.Renew(w.Ctx); !errors.Is(err, lease.ErrLost) {
			t.Errorf("%v", err)
		}
	})
}

// TestToken_UsedUp: the tokens that were seen leave no room above them.
func TestToken_UsedUp(t *testing.T) {
	mishap.Run(t, func(w *mishap.World) {
		l := leases(w, "p1")
		used(w, l, 1)
		if err := w.Env.Server.SetVersion(path, math.MaxInt32-1000); err != nil {
			t.Fatal(err)
		}
		used(w, l, 1)
		madeAgain(w, zk.Tree{})
		if _, err := l.Take(w.Ctx, path, d); !errors.Is(err, lease.ErrOverflow) {
			t.Errorf("%v", err)
		}
	})
}

// TestToken_IsExactAfterARestore, whichever request or answer is lost.
func TestToken_IsExactAfterARestore(t *testing.T) {
	mishap.Each(t, func(w *mishap.World, m mishap.Mishap) {
		l := leases(w, "p1")
		var last int32
		for range 2 {
			held, err := l.Take(w.Ctx, path, d)
			if err != nil && !m.Expire {
				t.Fatal(err)
			}
			if err != nil {
				held = takes(w, l)
			}
			if held.Token() <= last {
				t.Errorf("token %d after %d", held.Token(), last)
			}
			last = held.Token()
			if err := held.Release(w.Ctx); err != nil && !m.Expire {
				t.Fatal(err)
			}
			if w.Data(path) != "" {
				madeAgain(w, zk.Tree{})
			}
		}
	})
}
