package recipe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// tokenAt is the token that a znode says.
func (w *world) tokenAt(path string) recipe.Token {
	w.t.Helper()
	var token recipe.Token
	if err := json.Unmarshal(w.do(zkapi.Get(path)).Data, &token); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return token
}

// byHand registers a worker as zkCli would: it never accepts anything.
func (w *world) byHand(name string) *zk.Session {
	w.t.Helper()
	hand := w.env.Server.Open()
	w.within(time.Second, "/workers is there", func() bool { return w.do(zkapi.Exists("/workers")).Found })
	if _, err := hand.Do(w.ctx, zkapi.Create("/workers/"+name, nil, zkapi.Ephemeral)); err != nil {
		w.t.Fatal(err)
	}
	return hand
}

// failover ends the leader's session and waits for the next epoch.
func (w *world) failover() {
	w.t.Helper()
	epoch := w.do(zkapi.Get("/assign")).Stat.Version
	w.expireOwner("/master")
	w.within(time.Minute, "the next epoch", func() bool { return w.do(zkapi.Get("/assign")).Stat.Version == epoch+1 })
}

// TestToken_OnRecordIsThatOfTheAssignment: whoever records that an attempt has ended,
// and in whichever epoch, the record has the token under which the assignment was made:
// that is what a handler has written elsewhere.
func TestToken_OnRecordIsThatOfTheAssignment(t *testing.T) {
	for _, one := range []struct {
		says      string
		attempts  int
		failovers int // between the assignment and the loss of the worker
		next      bool
		ended     string
	}{
		{"the master that assigned it, released", 3, 0, false, "attempt-1"},
		{"a later master, released", 3, 2, false, "attempt-1"},
		{"a later master, reassigned", 3, 1, true, "attempt-1"},
		{"the master that assigned it, failed", 1, 0, false, "status"},
		{"a later master, failed", 1, 1, true, "status"},
	} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			hand := w.byHand("w1")
			name := w.submit(recipe.MaxAttempts(one.attempts))
			at := "/assign/w1/" + name
			w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists(at)).Found })
			want := w.tokenAt(at)
			for range one.failovers {
				w.failover()
			}
			if one.next {
				w.byHand("w2")
				time.Sleep(time.Second)
			}
			_ = hand.Close(w.ctx)
			below := "/tasks/" + name + "/"
			w.within(time.Minute, "it has ended", func() bool { return w.do(zkapi.Exists(below + one.ended)).Found })
			if got := w.tokenAt(below + "attempt-1"); got != want {
				t.Errorf("%s: the record has token %v, it was assigned with %v", one.says, got, want)
			}
			if got := w.do(zkapi.Exists(below + "status")); got.Found && w.tokenAt(below+"status") != want {
				t.Errorf("%s: the status has token %v, the last attempt had %v", one.says, w.tokenAt(below+"status"), want)
			}
		})
	}
}

// TestToken_OfAFailedTaskIsThatOfTheLastAttempt: a worker has put the last attempt on record,
// and a later master fails the task.
func TestToken_OfAFailedTaskIsThatOfTheLastAttempt(t *testing.T) {
	inBubble(t, func(w *world) {
		ctx, stop := context.WithCancel(w.ctx)
		m, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		first := w.env.Spawn("master", func() { _ = m.Run(ctx) })
		ran := make(chan recipe.Token, 1)
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			stop() // the master that has assigned it leads no more when the attempt ends
			_, _ = w.env.Wait(w.ctx, first)
			ran <- task.Token
			return nil, errors.New("no")
		})
		name := w.submit(recipe.MaxAttempts(1))
		w.within(time.Minute, "the attempt is on record", func() bool { return w.do(zkapi.Exists("/tasks/" + name + "/attempt-1")).Found })
		w.master(recipe.MasterConfig{Name: "m2"})
		status := w.await(name)
		if want := <-ran; status.State != recipe.Failed || status.Token != want || want.Epoch != 1 {
			t.Errorf("%+v, the handler ran under %v", status, want)
		}
	})
}

// TestToken_OfAnAssignmentMadeByHand: one that says nothing has no epoch, and one that
// is ahead of the record keeps its number, as its worker would.
func TestToken_OfAnAssignmentMadeByHand(t *testing.T) {
	for data, want := range map[string]recipe.Token{"": {Attempt: 1}, "junk": {Attempt: 1}, `{"epoch":7,"attempt":4}`: {Epoch: 7, Attempt: 4}} {
		inBubble(t, func(w *world) {
			hand := w.env.Server.Open()
			m := w.master(recipe.MasterConfig{Name: "m1"})
			w.within(time.Minute, "it leads", func() bool { return leads(m) })
			name := w.submit(recipe.MaxAttempts(9))
			w.do(zkapi.Create("/assign/w1", nil, zkapi.Persistent))
			w.do(zkapi.Create("/assign/w1/"+name, []byte(data), zkapi.Persistent))
			if _, err := hand.Do(w.ctx, zkapi.Create("/workers/w1", nil, zkapi.Ephemeral)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			_ = hand.Close(w.ctx)
			record := fmt.Sprintf("/tasks/%s/attempt-%d", name, want.Attempt)
			w.within(time.Minute, "it is on record", func() bool { return w.do(zkapi.Exists(record)).Found })
			if got := w.tokenAt(record); got != want {
				t.Errorf("%q: %v, want %v", data, got, want)
			}
		})
	}
}
