package queue_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestBury_MakesTheFolder, if a program of another library has made the queue, or a person has deleted it.
// An item that is gone is not buried.
func TestBury_MakesTheFolder(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a b")
		first, second := w.takes(q), w.takes(q)
		w.do(zkapi.Delete(path+"/dead", zkapi.AnyVersion))
		if err := first.Bury(w.ctx); err != nil {
			t.Error(err)
		}
		w.has(1, 1, 1)
		w.do(zkapi.Delete(path+"/dead/"+w.below("/dead")[0], zkapi.AnyVersion))
		w.do(zkapi.Delete(path+"/dead", zkapi.AnyVersion))
		w.do(zkapi.Delete(path+"/entries/"+second.ID(), zkapi.AnyVersion))
		if err := second.Bury(w.ctx); !errors.Is(err, queue.ErrFenced) {
			t.Errorf("an item that is gone: %v", err)
		}
	})
}

// TestDead_TakesAreListed: of a dead letter by a consumer's decision, by the limit, and by hand.
func TestDead_TakesAreListed(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queueOf(queue.Config{MaxTakes: 3})
		w.puts(q, "buried")
		for range 2 {
			w.releases(w.takes(q))
		}
		if err := w.takes(q).Bury(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.puts(q, "limited")
		for range 3 {
			w.releases(w.takes(q))
		}
		w.puts(q, "at once")
		if err := w.takes(q).Bury(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.do(zkapi.Create(path+"/dead/entry-100-0000000009", nil, zkapi.Persistent))
		w.do(zkapi.Create(path+"/dead/entry-100-0000000008.takes-x", nil, zkapi.Persistent))
		w.do(zkapi.Create(path+"/dead/entry-100-0000000000.takes-7.u9", nil, zkapi.Persistent))
		list, err := q.List(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, e := range list.Dead {
			got[e.ID] = e.Takes
		}
		want := map[string]int{
			"entry-100-0000000000.takes-3": 3, "entry-100-0000000001.takes-3": 3, "entry-100-0000000002.takes-1": 1,
			"entry-100-0000000009": 0, "entry-100-0000000008.takes-x": 0, "entry-100-0000000000.takes-7.u9": 7,
		}
		if !maps.Equal(got, want) {
			t.Errorf("listed: %v, want %v", got, want)
		}
	})
}

// TestDead_HasItsOldID, too: a consumer has told it to its log.
func TestDead_HasItsOldID(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		ids := w.puts(q, "a b")
		for range ids {
			if err := w.takes(q).Bury(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		if payload, err := q.Payload(w.ctx, ids[1]); err != nil || string(payload) != "b" {
			t.Errorf("the payload: %q, %v", payload, err)
		}
		if _, err := q.Requeue(w.ctx, ids[1]); err != nil {
			t.Errorf("put back: %v", err)
		}
		if _, err := q.Requeue(w.ctx, ids[1]); !errors.Is(err, queue.ErrUnknownItem) {
			t.Errorf("put back twice: %v", err)
		}
		if got := w.drains(q); got != "b" {
			t.Errorf("taken: %q", got)
		}
		w.has(0, 0, 1)
	})
}
