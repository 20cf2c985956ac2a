package integration

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
)

// TestZkCli_Primitives: a person uses a counter, a value and a double barrier with zkCli.sh, beside
// the recipes.
func TestZkCli_Primitives(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, func(t *testing.T, e driven) {
		w := newTutorial(t, e)
		w.counterByHand()
		w.valueByHand()
		w.barrierByHand(w.server.zkCli(w.ctx, t))
		if _, err := w.typed.Quit(w.ctx); err != nil {
			t.Error(err)
		}
	})
}

// values are those of one process.
func (w *tutorial) values() *value.Values {
	w.t.Helper()
	values, err := value.New(w.driver, value.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = values.Close(context.Background()) })
	return values
}

// counterByHand: a person reads a counter between two additions, sets it, and makes it unreadable.
func (w *tutorial) counterByHand() {
	const path = "/visits"
	values := w.values()
	adds := func(delta, want int64) {
		w.t.Helper()
		if sum, err := values.Add(w.ctx, path, delta); err != nil || sum != want {
			w.t.Errorf("%d more make %d, %v, not %d", delta, sum, err, want)
		}
	}
	adds(5, 5)
	w.sees("get -s /visits", "dataVersion = 0")
	w.sees("get /visits", "5\n")
	w.types("set -v 0 /visits 42", "")
	w.sees("get -s /visits", "dataVersion = 1")
	adds(-2, 40)
	w.types("set -v 1 /visits 7", "version No is not valid") // it is 2 since our addition
	adds(1, 41)
	w.types("set /visits many", "")
	w.sees("get /visits", "many")
	if _, err := values.Add(w.ctx, path, 1); !errors.Is(err, value.ErrNotNumber) {
		w.t.Errorf("an addition to a text: %v", err)
	}
	w.types("set /visits 1", "")
	w.sees("get -s /visits", "dataVersion = 5")
	adds(1, 2)
}

// valueByHand: a process follows what a person sets, and is refused when a person was faster.
func (w *tutorial) valueByHand() {
	const path = "/mode"
	values := w.values()
	w.types(`create /mode "slow"`, "Created /mode")
	seen := make(chan string, 100)
	w.work.Go(func() {
		for now, err := range values.Watch(w.ctx, path) {
			if err != nil {
				return
			}
			seen <- string(now.Data)
		}
	})
	comes := func(want string) {
		w.t.Helper()
		select {
		case got := <-seen:
			if got != want {
				w.t.Errorf("the stream has %q, not %q", got, want)
			}
		case <-w.ctx.Done():
			w.t.Fatalf("the stream never has %q", want)
		}
	}
	comes("slow")
	read, err := values.Get(w.ctx, path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.types(`set /mode "fast"`, "")
	comes("fast")
	if _, err := values.CompareAndSet(w.ctx, path, read.Version, []byte("off")); !errors.Is(err, value.ErrChanged) {
		w.t.Errorf("behind a person's back: %v", err)
	}
	if _, err := values.CompareAndSet(w.ctx, path, read.Version+1, []byte("off")); err != nil {
		w.t.Error(err)
	}
	comes("off")
	w.sees("get /mode", "off")
}

// barrierByHand: a person is one of two participants, twice. hand is that participant.
func (w *tutorial) barrierByHand(hand zkShell) {
	const path = "/gate"
	barriers, err := barrier.New(w.driver, barrier.Config{Name: "ours"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = barriers.Close(context.Background()) })
	enters := func() <-chan *barrier.Inside {
		in := make(chan *barrier.Inside, 1)
		w.work.Go(func() {
			one, err := barriers.Enter(w.ctx, path, 2)
			if err != nil {
				w.t.Errorf("enter: %v", err)
				return
			}
			in <- one
		})
		return in
	}
	leaves := func(in *barrier.Inside) <-chan error {
		left := make(chan error, 1)
		w.work.Go(func() { left <- in.Leave(w.ctx) })
		return left
	}
	entered := func(in <-chan *barrier.Inside, number int32) *barrier.Inside {
		w.t.Helper()
		select {
		case one := <-in:
			if one.Round() != number {
				w.t.Errorf("round %d, not %d", one.Round(), number)
			}
			return one
		case <-w.ctx.Done():
			w.t.Fatal("ours does not enter beside a person")
			return nil
		}
	}
	left := func(done <-chan error) {
		w.t.Helper()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("leave: %v", err)
			}
		case <-w.ctx.Done():
			w.t.Fatal("ours does not leave although the person has left")
		}
	}

	// The person comes second, and leaves by deleting its znode.
	coming := enters()
	w.sees("ls /gate", "-0000000000]")
	if len(coming) > 0 {
		w.t.Error("ours is in alone")
	}
	w.types("create -s -e /gate/me-", "Created /gate/me-0000000001")
	in := entered(coming, 1)
	w.sees("get /gate/ready", `"me-0000000001"]`)
	going := leaves(in)
	w.sees("ls /gate", "ready]") // the round is still in
	if len(going) > 0 {
		w.t.Error("ours leaves although the person is in")
	}
	w.types("delete /gate/me-0000000001", "")
	left(going)
	w.sees("ls /gate", "[]")

	// The person comes first, and leaves by its end.
	if err := hand.Send("create -s -e /gate/me-"); err != nil {
		w.t.Fatal(err)
	}
	w.within("the person is there", func() bool { return strings.Contains(hand.Output(), "Created /gate/me-") })
	in = entered(enters(), 2)
	w.sees("get -s /gate", "dataVersion = "+strconv.Itoa(int(in.Round())))
	going = leaves(in)
	if _, err := hand.Quit(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	left(going)
	w.sees("ls /gate", "[]")
}
