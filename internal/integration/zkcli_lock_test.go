package integration

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
)

// TestZkCli_Lock: a person takes part in a lock with zkCli.sh: as a contender of the queue, as the
// holder of the simple form, and as one who asks for a lock or ends it.
func TestZkCli_Lock(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, func(t *testing.T, e driven) {
		w := newTutorial(t, e)
		locks, err := lock.New(w.driver, lock.Config{Name: "ours"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = locks.Close(context.Background()) })
		hand := w.server.zkCli(w.ctx, t)
		types := func(command, want string) {
			t.Helper()
			before := len(hand.Output())
			if err := hand.Send(command); err != nil {
				t.Fatal(err)
			}
			w.within("the other hand, after "+command+": "+want, func() bool { return strings.Contains(hand.Output()[before:], want) })
		}
		for _, path := range []string{"/locks", "/locks/queue", "/locks/simple"} {
			types("create "+path, "Created "+path)
		}
		w.queueByHand(locks, types)
		w.simpleByHand(locks, types, hand)
		if _, err := w.typed.Quit(w.ctx); err != nil {
			t.Error(err)
		}
	})
}

// take has ours contend, and returns the channel on which the lock comes when it is granted.
func (w *tutorial) take(locks *lock.Locks, path string, options ...lock.Option) <-chan *lock.Held {
	granted := make(chan *lock.Held, 1)
	w.work.Go(func() {
		held, err := locks.Lock(w.ctx, path, options...)
		if err != nil {
			w.t.Errorf("lock %s: %v", path, err)
			return
		}
		granted <- held
	})
	return granted
}

// granted waits until ours has the lock.
func (w *tutorial) granted(lock <-chan *lock.Held) *lock.Held {
	w.t.Helper()
	select {
	case held := <-lock:
		return held
	case <-w.ctx.Done():
		w.t.Fatal("ours is not granted the lock")
		return nil
	}
}

// queueByHand: ours waits for a contender made by hand, until a person deletes it. A person asks
// for the lock, waits for it behind ours, and takes a lock away. types is the hand that contends.
func (w *tutorial) queueByHand(locks *lock.Locks, types func(command, want string)) {
	const queue = "/locks/queue"
	types(`create -s -e /locks/queue/me-W- "by hand"`, "Created /locks/queue/me-W-0000000000")
	asked := make(chan struct{})
	ours := w.take(locks, queue, lock.OnRevoke(func() { close(asked) }))
	w.sees("ls /locks/queue", "-W-0000000001")
	line, err := locks.Line(w.ctx, queue)
	if err != nil || len(line) != 2 || line[0].Znode != "me-W-0000000000" || !line[0].Holds || line[1].Name != "ours" || line[1].Holds {
		w.t.Errorf("the line is %+v, %v", line, err)
	}
	if len(ours) > 0 {
		w.t.Error("ours holds the lock beside a holder made by hand")
	}
	types("delete /locks/queue/me-W-0000000000", "")
	held := w.granted(ours)
	if held.Token() != 1 {
		w.t.Errorf("the token is %d", held.Token())
	}
	w.sees("get /locks/queue", `"name":"ours"`)

	types("set "+held.Znode()+" __REVOKE__", "")
	select {
	case <-asked:
	case <-w.ctx.Done():
		w.t.Fatal("ours is not told that a person asks for the lock")
	}
	types(`create -s -e /locks/queue/me-W- "by hand"`, "Created /locks/queue/me-W-0000000002")
	if err := held.Release(w.ctx); err != nil {
		w.t.Error(err)
	}
	w.sees("ls /locks/queue", "[me-W-0000000002]")
	types("delete /locks/queue/me-W-0000000002", "")

	held = w.granted(w.take(locks, queue))
	types("delete "+held.Znode(), "")
	select {
	case <-held.Context().Done():
	case <-w.ctx.Done():
		w.t.Fatal("ours goes on to hold a lock whose znode a person has deleted")
	}
	if cause := context.Cause(held.Context()); !errors.Is(cause, lock.ErrLost) {
		w.t.Errorf("the lock ended with %v", cause)
	}
	_ = held.Release(w.ctx) // it is lost
	w.sees("ls /locks/queue", "[]")
}

// simpleByHand: ours waits for a holder made by hand, until that one quits. Then a person waits
// for ours.
func (w *tutorial) simpleByHand(locks *lock.Locks, types func(command, want string), hand zkShell) {
	const simple = "/locks/simple"
	types(`create -e /locks/simple/lock "by hand"`, "Created /locks/simple/lock")
	if _, err := locks.TryLock(w.ctx, simple, lock.Simple()); !errors.Is(err, lock.ErrHeld) {
		w.t.Errorf("beside a holder made by hand: %v", err)
	}
	ours := w.take(locks, simple, lock.Simple())
	if _, err := hand.Quit(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	held := w.granted(ours)
	w.types(`create -e /locks/simple/lock "by hand"`, "Node already exists: /locks/simple/lock")
	if path.Base(held.Znode()) != "lock" || held.Token() != 1 {
		w.t.Errorf("ours has %s with token %d", held.Znode(), held.Token())
	}
	if err := held.Release(w.ctx); err != nil {
		w.t.Error(err)
	}
	w.types(`create -e /locks/simple/lock "by hand"`, "Created /locks/simple/lock")
	w.types("delete /locks/simple/lock", "")
	w.sees("ls /locks/simple", "[]")
	if held, err := locks.TryLock(w.ctx, simple, lock.Simple()); err != nil {
		w.t.Errorf("after a person has released the lock: %v", err)
	} else if err := held.Release(w.ctx); err != nil {
		w.t.Error(err)
	}
}
