package queue_test

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
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestPut_LostAnswers: an item is there once, however often the answer is lost.
func TestPut_LostAnswers(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		producer := w.queue("producer")
		lost := w.loses(loss, 3, does(zkapi.KindCreate, "/entries/entry-"))
		id, err := producer.Put(w.ctx, []byte("a"))
		if err != nil || lost.Load() == 0 {
			t.Fatalf("%q, %v; lost %d", id, err, lost.Load())
		}
		if (id == "") != (loss == zk.ReplyLost) {
			t.Errorf("id %q", id)
		}
		if got := w.below("/entries"); len(got) != 1 {
			t.Errorf("the items: %v", got)
		}
		if rest := w.drains(w.queue("consumer")); rest != "a" {
			t.Errorf("taken: %q", rest)
		}
	})
}

// TestPut_LateCopy: a copy of a write that arrives later than the one that was answered changes nothing.
func TestPut_LateCopy(t *testing.T) {
	inBubble(t, func(w *world) {
		producer := w.queue("producer")
		var copies []zkapi.Op
		puts := does(zkapi.KindCreate, "/entries/entry-")
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindMulti && puts(op) {
				copies = append(copies, op)
			}
		})
		w.puts(producer, "a")
		if len(copies) != 1 {
			t.Fatalf("writes that put: %v", copies)
		}
		if _, err := w.direct.Do(w.ctx, copies[0]); !errors.Is(err, zkapi.ErrBadVersion) {
			t.Errorf("the late copy: %v", err)
		}
		w.has(1, 0, 0)
	})
}

// TestPut_InDoubt: the caller does not wait for the answer any more. The item is there, or never
// will be.
func TestPut_InDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		producer := w.queue("producer")
		w.puts(producer, "first")
		s := w.session("/lanes")
		s.CutAt(loss, does(zkapi.KindCreate, "/entries/entry-"))
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		_, err := producer.Put(ctx, []byte("a"))
		if !errors.Is(err, queue.ErrInDoubt) || !errors.Is(err, context.DeadlineExceeded) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("the error: %v", err)
		}
		s.Mend()
		time.Sleep(timeout)
		want := map[zk.Loss]int{zk.RequestLost: 1, zk.ReplyLost: 2}[loss]
		if got := w.below("/entries"); len(got) != want {
			t.Errorf("the items: %v, want %d", got, want)
		}
		w.puts(producer, "b") // by the same lane
		if got := w.below("/entries"); len(got) != want+1 {
			t.Errorf("later: %v", got)
		}
	})
}

// TestPut_SessionEndsInDoubt: nothing is repeated on the next session.
func TestPut_SessionEndsInDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		producer := w.queue("producer")
		w.puts(producer, "first")
		s := w.session("/lanes")
		s.CutAt(loss, does(zkapi.KindCreate, "/entries/entry-"))
		failed := make(chan error, 1)
		go func() {
			_, err := producer.Put(w.ctx, []byte("a"))
			failed <- err
		}()
		synctest.Wait()
		s.Expire()
		if err := <-failed; !errors.Is(err, queue.ErrInDoubt) || !errors.Is(err, zkapi.ErrSessionEnded) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("the error: %v", err)
		}
		time.Sleep(2 * timeout)
		want := map[zk.Loss]int{zk.RequestLost: 1, zk.ReplyLost: 2}[loss]
		if got := w.below("/entries"); len(got) != want {
			t.Errorf("the items: %v, want %d", got, want)
		}
	})
}

// TestPut_BeforeAnythingIsSent: the error says that the item was not put.
func TestPut_BeforeAnythingIsSent(t *testing.T) {
	inBubble(t, func(w *world) {
		producer := w.queue("producer")
		w.puts(producer, "first")
		s := w.session("/lanes")
		s.Cut()
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		_, err := producer.Put(ctx, []byte("a"))
		if zkapi.FateOf(err) != zkapi.NotApplied || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error: %v", err)
		}
		s.Mend()
		time.Sleep(timeout / 2)
		w.has(1, 0, 0)
	})
}

// TestPut_NextSession: a session that ended before is replaced.
func TestPut_NextSession(t *testing.T) {
	inBubble(t, func(w *world) {
		producer := w.queue("producer")
		w.puts(producer, "a")
		w.session("/lanes").Expire()
		w.puts(producer, "b")
		if left := w.below("/lanes"); len(left) != 1 {
			t.Errorf("lanes: %v", left)
		}
		if got := w.drains(w.queue("consumer")); got != "a b" {
			t.Errorf("taken: %q", got)
		}
	})
}

// TestPutAll: in few writes, in order, with an outcome for each.
func TestPutAll(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queue("producer"), w.queue("consumer")
		writes := 0
		w.env.Server.Record(func(r zk.Write) {
			if does(zkapi.KindCreate, "/entries/entry-")(r.Op) {
				writes++
			}
		})
		var items []queue.Item
		for i := range 250 {
			items = append(items, queue.Item{Payload: fmt.Append(nil, i)})
		}
		items[7].Options = []queue.Option{queue.Priority(1000)}
		n := 0
		for id, err := range producer.PutAll(w.ctx, slices.Values(items)) {
			if (err != nil) != (n == 7) || (id == "") != (n == 7) {
				t.Errorf("item %d: %q, %v", n, id, err)
			}
			n++
		}
		if n != 250 || writes != 3 {
			t.Errorf("%d outcomes, %d writes", n, writes)
		}
		if got := strings.Fields(w.drains(consumer)); len(got) != 249 || got[0] != "0" || got[7] != "8" || got[248] != "249" {
			t.Errorf("taken: %v", got)
		}
	})
}

// TestPutAll_TooLargeForOneWrite: it is cut into smaller ones, and an item that is too large alone fails.
func TestPutAll_TooLargeForOneWrite(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queue("producer"), w.queue("consumer")
		large, huge := queue.Item{Payload: make([]byte, 400<<10)}, queue.Item{Payload: make([]byte, 1<<20)}
		var outcomes []error
		for _, err := range producer.PutAll(w.ctx, slices.Values([]queue.Item{large, large, huge, large})) {
			outcomes = append(outcomes, err)
		}
		for i, err := range outcomes {
			if errors.Is(err, zkapi.ErrTooLarge) != (i == 2) || (err != nil) != (i == 2) {
				t.Errorf("item %d: %v", i, err)
			}
		}
		got, err := consumer.TakeMany(w.ctx, 3)
		if err != nil || len(got) == 3 || len(got[0].Payload()) != 400<<10 {
			t.Errorf("taken: %d, %v", len(got), err)
		}
		w.has(3, len(got), 0)
	})
}

// TestPutAll_EndsWithItsContext: one more item is read.
func TestPutAll_EndsWithItsContext(t *testing.T) {
	inBubble(t, func(w *world) {
		producer := w.queue("producer")
		ctx, stop := context.WithCancel(w.ctx)
		read, failed := 0, 0
		endless := func(yield func(queue.Item) bool) {
			for yield(queue.Item{}) {
				if read++; read == 150 {
					stop()
				}
			}
		}
		for _, err := range producer.PutAll(ctx, endless) {
			if err != nil {
				failed++
			}
		}
		if failed != 51 {
			t.Errorf("read %d, failed %d", read, failed)
		}
		w.has(100, 0, 0)
	})
}

// TestBound: a Put is refused, or waits for room. Items that are held count, delayed ones do not.
func TestBound(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queueOf(queue.Config{Bound: 2}), w.queue("consumer")
		w.puts(producer, "a b")
		taken := w.takes(consumer)
		if _, err := producer.Put(w.ctx, []byte("c")); !errors.Is(err, queue.ErrFull) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("a Put into a full queue: %v", err)
		}
		w.puts(producer, "later", queue.Delay(time.Hour))
		done := make(chan error, 1)
		go func() {
			_, err := producer.Put(w.ctx, []byte("c"), queue.WaitForRoom())
			done <- err
		}()
		time.Sleep(time.Minute)
		w.has(2, 1, 0)
		w.acks(taken)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the Put waits although there is room")
		}
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		if _, err := producer.Put(ctx, nil, queue.WaitForRoom()); !errors.Is(err, queue.ErrFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Put that has waited in vain: %v", err)
		}
		n := 0
		for _, err := range producer.PutAll(w.ctx, slices.Values([]queue.Item{{}, {}})) {
			if !errors.Is(err, queue.ErrFull) {
				t.Errorf("PutAll into a full queue: %v", err)
			}
			n++
		}
		w.has(2, 0, 0)
	})
}

// TestDelay: an item is not taken before its time, and then it goes behind the others.
func TestDelay(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queue("producer"), w.queue("consumer")
		ids := w.puts(producer, "later", queue.Delay(time.Minute), queue.Priority(5))
		w.puts(producer, "much-later", queue.Delay(time.Hour))
		if len(w.below("/delayed")) != 2 || w.below("/delayed")[0] != ids[0] {
			t.Errorf("delayed: %v, id %v", w.below("/delayed"), ids)
		}
		if got := w.drains(consumer); got != "" {
			t.Errorf("taken too early: %q", got)
		}
		start := time.Now()
		waits := w.later(consumer.Take)
		taken := w.arrives(2*time.Minute, waits)
		if after := time.Since(start); after < time.Minute || after > time.Minute+time.Second {
			t.Errorf("taken after %v", after)
		}
		if string(taken.Payload()) != "later" || !strings.HasPrefix(taken.ID(), "entry-005-") {
			t.Errorf("taken: %s %q", taken.ID(), taken.Payload())
		}
		w.acks(taken)
		w.puts(producer, "a b")
		time.Sleep(2 * time.Hour)
		if got := w.drains(consumer); got != "a b much-later" {
			t.Errorf("taken: %q", got)
		}
	})
}

// TestDelay_MovedOnce: whatever answers are lost, and however many consumers there are.
func TestDelay_MovedOnce(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		w.puts(w.queue("producer"), "a b c", queue.Delay(time.Minute))
		w.loses(loss, 2, does(zkapi.KindDelete, "/delayed"))
		var waits []<-chan *queue.Taken
		for i := range 4 {
			waits = append(waits, w.later(w.queue(fmt.Sprint("consumer-", i)).Take))
		}
		time.Sleep(2 * time.Minute)
		w.has(3, 3, 0)
		if left := w.below("/delayed"); len(left) > 0 {
			t.Errorf("still delayed: %v", left)
		}
		_ = waits
	})
}
