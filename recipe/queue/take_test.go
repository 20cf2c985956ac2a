package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestTake_Order: by priority, then by number; what is released comes back to its place.
func TestTake_Order(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "c d")
		w.puts(q, "e", queue.Priority(999))
		w.puts(q, "a b", queue.Priority(0))
		first, second := w.takes(q), w.takes(q)
		w.releases(first)
		again := w.takes(q)
		if string(again.Payload()) != "a" || again.Takes() != 2 || string(second.Payload()) != "b" {
			t.Errorf("taken: %q, %q, %d takes", again.Payload(), second.Payload(), again.Takes())
		}
		w.releases(again)
		w.releases(second)
		if got := w.drains(q); got != "a b c d e" {
			t.Errorf("taken: %q", got)
		}
	})
}

// TestTake_SeesWhatWasPutBefore: although its server lags.
func TestTake_SeesWhatWasPutBefore(t *testing.T) {
	inBubble(t, func(w *world) {
		producer, consumer := w.queue("producer"), w.queue("consumer")
		w.puts(producer, "a")
		w.releases(w.takes(consumer))
		w.session("/lanes").Lag()
		w.puts(producer, "first", queue.Priority(1))
		if taken := w.takes(consumer); string(taken.Payload()) != "first" {
			t.Errorf("taken: %q", taken.Payload())
		}
	})
}

// TestTake_LostAnswers: the item is held, and counted once.
func TestTake_LostAnswers(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		w.puts(w.queue("producer"), "a b")
		lost := w.loses(loss, 3, does(zkapi.KindCreate, "/taken"))
		taken := w.takes(w.queue("consumer"))
		if lost.Load() == 0 || taken.Takes() != 1 || string(taken.Payload()) != "a" {
			t.Errorf("lost %d, takes %d, %q", lost.Load(), taken.Takes(), taken.Payload())
		}
		if _, err := taken.Write(w.ctx); err != nil {
			t.Error(err)
		}
		w.has(2, 1, 0)
	})
}

// TestTake_CancelledInDoubt: no claim is left.
func TestTake_CancelledInDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		consumer := w.queue("consumer")
		w.puts(consumer, "a")
		s := w.session("/lanes")
		s.CutAt(loss, does(zkapi.KindCreate, "/taken"))
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		if _, err := consumer.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error: %v", err)
		}
		if got := len(w.below("/taken")); got != map[zk.Loss]int{zk.RequestLost: 0, zk.ReplyLost: 1}[loss] {
			t.Errorf("claims: %d", got)
		}
		s.Mend()
		w.within(timeout, "no claim is left", func() bool { return len(w.below("/taken")) == 0 })
		time.Sleep(timeout)
		w.has(1, 0, 0)
		w.acks(w.takes(consumer))
		w.has(0, 0, 0)
	})
}

// TestTake_Cancelled: while it waits, and before.
func TestTake_Cancelled(t *testing.T) {
	inBubble(t, func(w *world) {
		consumer := w.queue("consumer")
		reason := errors.New("enough")
		ctx, stop := context.WithCancelCause(w.ctx)
		go func() { time.Sleep(time.Minute); stop(reason) }()
		if _, err := consumer.Take(ctx); !errors.Is(err, reason) {
			t.Errorf("while it waits: %v", err)
		}
		if _, err := consumer.Take(ctx); !errors.Is(err, reason) {
			t.Errorf("before: %v", err)
		}
		w.puts(consumer, "a")
		w.has(1, 0, 0)
		w.acks(w.takes(consumer))
	})
}

// TestTake_SessionEnds: a Take goes on with the next session, in doubt or not.
func TestTake_SessionEnds(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		consumer := w.queue("consumer")
		w.puts(consumer, "a")
		s := w.session("/lanes")
		s.CutAt(loss, does(zkapi.KindCreate, "/taken"))
		waits := w.later(consumer.Take)
		s.Expire()
		taken := w.arrives(timeout, waits)
		if want := map[zk.Loss]int{zk.RequestLost: 1, zk.ReplyLost: 2}[loss]; taken.Takes() != want {
			t.Errorf("takes: %d, want %d", taken.Takes(), want)
		}
		w.acks(taken)
		w.has(0, 0, 0)
	})
}

// TestTake_WaitsOnTheNextSession: after the end of the one on which it has begun to wait.
func TestTake_WaitsOnTheNextSession(t *testing.T) {
	inBubble(t, func(w *world) {
		consumer := w.queue("consumer")
		waits := w.later(consumer.Take)
		for _, s := range w.env.Server.Sessions() {
			if s != w.direct {
				s.Expire()
			}
		}
		time.Sleep(timeout)
		w.puts(w.queue("producer"), "a")
		w.acks(w.arrives(time.Second, waits))
	})
}

// TestTake_Many: each item is acknowledged once, by whatever consumer.
func TestTake_Many(t *testing.T) {
	inBubble(t, func(w *world) {
		producer := w.queue("producer")
		for i := range 60 {
			w.puts(producer, fmt.Sprint(i))
		}
		var mu sync.Mutex
		acked := map[string]int{}
		var all sync.WaitGroup
		for i := range 5 {
			consumer := w.queue(fmt.Sprint("consumer-", i))
			for range 3 { // calls at the same time
				all.Go(func() {
					for {
						taken, err := consumer.TryTake(w.ctx)
						if errors.Is(err, queue.ErrEmpty) {
							return
						}
						if err == nil {
							err = taken.Ack(w.ctx)
						}
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						acked[string(taken.Payload())]++
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		if len(acked) != 60 {
			t.Errorf("%d items: %v", len(acked), acked)
		}
		for payload, n := range acked {
			if n != 1 {
				t.Errorf("%s: %d times", payload, n)
			}
		}
		w.has(0, 0, 0)
	})
}

// TestTakeMany: with one write, in order, and another consumer in between.
func TestTakeMany(t *testing.T) {
	inBubble(t, func(w *world) {
		consumer, other := w.queue("consumer"), w.queue("other")
		w.puts(consumer, "a b c d e")
		w.takes(other)
		all, err := consumer.TakeMany(w.ctx, 3)
		if err != nil || len(all) != 3 || string(all[0].Payload()) != "b" || string(all[2].Payload()) != "d" {
			t.Fatalf("taken: %v, %v", all, err)
		}
		w.has(5, 4, 0)
		for _, taken := range all {
			w.acks(taken)
		}
		if all, err = consumer.TakeMany(w.ctx, 3); err != nil || len(all) != 1 {
			t.Errorf("taken: %v, %v", all, err)
		}
		if _, err := consumer.TakeMany(w.ctx, 0); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("TakeMany of 0: %v", err)
		}
	})
}

// TestMaxTakes: after n takes an item goes to the dead letters, and a person puts it back.
func TestMaxTakes(t *testing.T) {
	inBubble(t, func(w *world) {
		consumer := w.queueOf(queue.Config{Name: "consumer", MaxTakes: 2})
		ids := w.puts(consumer, "poison", queue.Priority(7))
		w.puts(consumer, "good")
		w.releases(w.takes(consumer))
		again := w.takes(consumer)
		if string(again.Payload()) != "poison" || again.Takes() != 2 {
			t.Errorf("taken: %q, %d takes", again.Payload(), again.Takes())
		}
		w.session("/taken").Expire() // this counts as well
		if got := w.drains(consumer); got != "good" {
			t.Errorf("taken: %q", got)
		}
		dead := w.below("/dead")
		if len(dead) != 1 || dead[0] != ids[0]+".takes-2" {
			t.Fatalf("dead letters: %v", dead)
		}
		w.has(0, 0, 1)
		id, err := consumer.Requeue(w.ctx, dead[0])
		if err != nil || id != "entry-007-0000000002" {
			t.Errorf("put back: %q, %v", id, err)
		}
		w.has(1, 0, 0)
		if taken := w.takes(consumer); taken.Takes() != 1 || string(taken.Payload()) != "poison" {
			t.Errorf("taken: %q, %d takes", taken.Payload(), taken.Takes())
		}
		if _, err := consumer.Requeue(w.ctx, dead[0]); !errors.Is(err, queue.ErrUnknownItem) {
			t.Errorf("put back twice: %v", err)
		}
	})
}

// TestMaxTakes_HeldItemStays: the last of the takes may last as long as it wants.
func TestMaxTakes_HeldItemStays(t *testing.T) {
	inBubble(t, func(w *world) {
		one, other := w.queueOf(queue.Config{MaxTakes: 1}), w.queueOf(queue.Config{MaxTakes: 1})
		w.puts(one, "a")
		taken := w.takes(one)
		if got := w.drains(other); got != "" {
			t.Errorf("taken: %q", got)
		}
		w.has(1, 1, 0)
		w.acks(taken)
		w.has(0, 0, 0)
	})
}

// TestDead_LostAnswers: of the burial and of the return.
func TestDead_LostAnswers(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queueOf(queue.Config{MaxTakes: 1})
		w.puts(q, "a")
		w.releases(w.takes(q))
		lost := w.loses(loss, 2, does(zkapi.KindCreate, "/dead/"))
		if got := w.drains(q); got != "" || lost.Load() == 0 {
			t.Errorf("taken %q; lost %d", got, lost.Load())
		}
		w.has(0, 0, 1)
		lost = w.loses(loss, 2, does(zkapi.KindDelete, "/dead/"))
		if id, err := q.Requeue(w.ctx, w.below("/dead")[0]); err != nil || lost.Load() == 0 {
			t.Errorf("put back: %q, %v; lost %d", id, err, lost.Load())
		}
		w.has(1, 0, 0)
	})
}

// TestBury, also when a dead letter of that name is there.
func TestBury(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a")
		w.do(zkapi.Create(path+"/dead/entry-100-0000000000.takes-1", []byte("older"), zkapi.Persistent))
		taken := w.takes(q)
		if err := taken.Bury(w.ctx); err != nil || !errors.Is(context.Cause(taken.Context()), queue.ErrBuried) {
			t.Errorf("%v; the context: %v", err, context.Cause(taken.Context()))
		}
		w.has(0, 0, 2)
		for _, id := range w.below("/dead") {
			if _, err := q.Requeue(w.ctx, id); err != nil {
				t.Errorf("put back %s: %v", id, err)
			}
		}
		if got := w.drains(q); got != "older a" {
			t.Errorf("taken: %q", got)
		}
	})
}

// TestToken_DoesNotComeAgain after a restore, if the process has seen it.
func TestToken_DoesNotComeAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queueOf(queue.Config{MaxTakes: 5})
		w.puts(q, "a")
		backup := w.env.Server.Tree()
		var last int32
		for range 3 {
			taken := w.takes(q)
			last = taken.Token()
			w.releases(taken)
		}
		w.env.Server.Restore(backup)
		w.direct = w.env.Server.Open()
		taken := w.takes(q)
		if taken.Token() <= last || taken.Takes() != 1 {
			t.Errorf("the token %d after %d; takes %d", taken.Token(), last, taken.Takes())
		}
		w.acks(taken)
		w.has(0, 0, 0)
	})
}

// TestToken_OfAQueueThatIsMadeAgain: the numbers begin again, so the names come again.
func TestToken_OfAQueueThatIsMadeAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		q, other := w.queue("one"), w.queue("other")
		w.puts(q, "a")
		held := w.takes(q)
		w.deletesAll()
		w.puts(other, "b")
		taken := w.takes(other)
		if taken.ID() != held.ID() || taken.Token() != held.Token() {
			t.Fatalf("the case has not come about: %s %d, %s %d", taken.ID(), taken.Token(), held.ID(), held.Token())
		}
		if err := held.Ack(w.ctx); !errors.Is(err, queue.ErrFenced) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("the Ack of the item that is gone: %v", err)
		}
		time.Sleep(timeout)
		w.has(1, 1, 0)
		w.acks(taken)
		w.puts(q, "c")
		if again := w.takes(q); string(again.Payload()) != "c" {
			t.Errorf("taken: %q", again.Payload())
		}
	})
}

// deletesAll deletes the queue by hand.
func (w *world) deletesAll() {
	for _, folder := range []string{"/entries", "/taken", "/delayed", "/dead", "/lanes"} {
		for _, name := range w.below(folder) {
			w.do(zkapi.Delete(path+folder+"/"+name, zkapi.AnyVersion))
		}
		w.do(zkapi.Delete(path+folder, zkapi.AnyVersion))
	}
	w.do(zkapi.Delete(path, zkapi.AnyVersion))
	synctest.Wait()
}

// TestTake_AnotherIsFaster: the first item is taken by another program just before. The next one is
// taken then, so the queue is not called empty.
func TestTake_AnotherIsFaster(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		ids := w.puts(q, "a b")
		s := w.session("/lanes")
		s.CutAt(zk.RequestLost, does(zkapi.KindCreate, "/taken"))
		waits := w.later(q.TryTake)
		w.do(zkapi.Create(path+"/taken/"+ids[0], nil, zkapi.Ephemeral))
		s.Mend()
		if taken := w.arrives(time.Second, waits); string(taken.Payload()) != "b" {
			t.Errorf("taken: %q", taken.Payload())
		}
		w.has(2, 2, 0)
	})
}

// TestTake_AfterADisconnect: what was put meanwhile is seen when the connection is back.
func TestTake_AfterADisconnect(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "x")
		w.acks(w.takes(q))
		s := w.session("/lanes")
		waits := w.later(q.Take)
		s.Cut()
		w.do(zkapi.Create(path+"/entries/entry-100-", []byte("a"), zkapi.PersistentSequential))
		time.Sleep(time.Second)
		s.Mend()
		w.acks(w.arrives(time.Second, waits))
	})
}

// TestMaxTakes_HeldMeanwhile: an item that another program takes just before its burial stays.
func TestMaxTakes_HeldMeanwhile(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queueOf(queue.Config{MaxTakes: 1})
		ids := w.puts(q, "a")
		w.releases(w.takes(q))
		s := w.session("/lanes")
		s.CutAt(zk.RequestLost, does(zkapi.KindCreate, "/dead/"))
		waits := w.later(q.Take)
		w.do(zkapi.Create(path+"/taken/"+ids[0], nil, zkapi.Ephemeral))
		s.Mend()
		time.Sleep(time.Second)
		w.has(1, 1, 0)
		w.do(zkapi.Delete(path+"/taken/"+ids[0], zkapi.AnyVersion))
		time.Sleep(time.Second)
		w.has(0, 0, 1)
		_ = waits
	})
}
