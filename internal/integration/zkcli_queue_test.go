package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// TestZkCli_Queue: a person takes part in a queue with zkCli.sh: puts an item, holds one, and ends the
// claim of a consumer.
func TestZkCli_Queue(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, playQueue)
}

func playQueue(t *testing.T, e driven) {
	w := newTutorial(t, e)
	q, err := queue.New(w.driver, "/queues/mail", queue.Config{Name: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })

	// Ours waits, and gets what a person puts.
	got := make(chan *queue.Taken, 1)
	w.work.Go(func() {
		if taken, err := q.Take(w.ctx); err == nil {
			got <- taken
		}
	})
	w.sees("ls /queues/mail", "entries")
	w.types(`create -s /queues/mail/entries/entry-100- "by hand"`, "Created /queues/mail/entries/entry-100-0000000000")
	var taken *queue.Taken
	select {
	case taken = <-got:
	case <-w.ctx.Done():
		t.Fatal("ours does not get the item")
	}
	if string(taken.Payload()) != "by hand" {
		t.Errorf("taken: %q", taken.Payload())
	}
	w.sees("get /queues/mail/taken/entry-100-0000000000", "ours")
	if err := taken.Ack(w.ctx); err != nil {
		t.Error(err)
	}

	// A person holds an item until they quit.
	id, err := q.Put(w.ctx, []byte("held"))
	if err != nil {
		t.Fatal(err)
	}
	hand := w.server.zkCli(w.ctx, t)
	if err := hand.Send(`create -e /queues/mail/taken/` + id + ` "me"`); err != nil {
		t.Fatal(err)
	}
	w.within("the claim of a person", func() bool { return strings.Contains(hand.Output(), "Created /queues/mail/taken/"+id) })
	if _, err := q.TryTake(w.ctx); !errors.Is(err, queue.ErrEmpty) {
		t.Errorf("an item that a person holds: %v", err)
	}
	w.work.Go(func() {
		if taken, err := q.Take(w.ctx); err == nil {
			got <- taken
		}
	})
	if _, err := hand.Quit(w.ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case taken = <-got:
	case <-w.ctx.Done():
		t.Fatal("ours does not get the item that is free again")
	}

	// A person ends the claim of ours.
	w.types("delete "+taken.Claim(), "")
	w.within("nothing is written any more", func() bool {
		_, err := taken.Write(w.ctx)
		return errors.Is(err, queue.ErrFenced) || errors.Is(err, queue.ErrLost)
	})
	select {
	case <-taken.Context().Done():
	case <-time.After(10 * time.Second):
		t.Error("the context goes on")
	}
	again, err := q.TryTake(w.ctx)
	if err != nil || again.ID() != id || again.Takes() != 2 {
		t.Fatalf("taken again: %v, %v", again, err)
	}
	if err := again.Ack(w.ctx); err != nil {
		t.Error(err)
	}
	w.sees("ls /queues/mail/entries", "[]")
	if _, err := w.typed.Quit(w.ctx); err != nil {
		t.Error(err)
	}
}
