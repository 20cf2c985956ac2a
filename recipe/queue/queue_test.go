package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestQueue_PutTakeAck.
func TestQueue_PutTakeAck(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queue("producer"), w.queue("consumer")
		if _, err := consumer.TryTake(w.ctx); !errors.Is(err, queue.ErrEmpty) {
			t.Errorf("of a queue that is not there: %v", err)
		}
		ids := w.puts(producer, "a b")
		if ids[0] != "entry-100-0000000000" || ids[1] != "entry-100-0000000001" {
			t.Errorf("ids: %v", ids)
		}
		taken := w.takes(consumer)
		if string(taken.Payload()) != "a" || taken.ID() != ids[0] || taken.Takes() != 1 || taken.Token() != 1 || taken.Context().Err() != nil {
			t.Errorf("taken: %q %s, takes %d, token %d, %v", taken.Payload(), taken.ID(), taken.Takes(), taken.Token(), taken.Context().Err())
		}
		w.has(2, 1, 0)
		w.acks(taken, zkapi.Create("/done", nil, zkapi.Persistent))
		w.has(1, 0, 0)
		if cause := context.Cause(taken.Context()); !errors.Is(cause, queue.ErrAcked) {
			t.Errorf("the context of an item that is acknowledged: %v", cause)
		}
		if err := taken.Ack(w.ctx); !errors.Is(err, queue.ErrAcked) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("the second Ack: %v", err)
		}
		if rest := w.drains(consumer); rest != "b" {
			t.Errorf("the rest: %q", rest)
		}
		w.has(0, 0, 0)
	})
}

// TestTake_WaitsForAnItem: for one that is put, one that is released and one whose consumer is lost.
func TestTake_WaitsForAnItem(t *testing.T) {
	inBubble(t, func(w *world) {
		first, second := w.queue("first"), w.queue("second")
		waits := w.later(first.Take)
		w.puts(w.queue("producer"), "a")
		taken := w.arrives(time.Second, waits)
		waits = w.later(second.Take)
		w.releases(taken)
		taken = w.arrives(time.Second, waits)
		if taken.Takes() != 2 || taken.Token() != 2 {
			t.Errorf("takes %d, token %d", taken.Takes(), taken.Token())
		}
		waits = w.later(first.Take)
		w.session("/taken").Expire()
		taken = w.arrives(time.Second, waits)
		w.acks(taken)
		w.has(0, 0, 0)
	})
}
