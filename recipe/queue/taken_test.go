package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// counted are ops whose effect shows how often they were applied.
func counted() []zkapi.Op {
	return []zkapi.Op{zkapi.Create("/done-", nil, zkapi.PersistentSequential)}
}

// effects is how often they were.
func (w *world) effects() (n int) {
	for _, name := range w.do(zkapi.Children("/")).Children {
		if len(name) > 5 && name[:5] == "done-" {
			n++
		}
	}
	return n
}

// TestAck_LostAnswers: the item and what is recorded with it, once.
func TestAck_LostAnswers(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		lost := w.loses(loss, 3, does(zkapi.KindDelete, "/entries"))
		w.acks(taken, counted()...)
		if n := w.effects(); n != 1 || lost.Load() == 0 {
			t.Errorf("%d times; lost %d", n, lost.Load())
		}
		w.has(0, 0, 0)
	})
}

// TestAck_InDoubt: a second Ack says what has become of the first.
func TestAck_InDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		s := w.session("/taken")
		s.CutAt(loss, does(zkapi.KindDelete, "/entries"))
		ctx, stop := context.WithTimeout(w.ctx, time.Second/2)
		defer stop()
		if err := taken.Ack(ctx, counted()...); !errors.Is(err, queue.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("the first: %v", err)
		}
		s.Mend()
		err := taken.Ack(w.ctx, counted()...)
		if loss == zk.ReplyLost && !errors.Is(err, queue.ErrAcked) || loss == zk.RequestLost && err != nil {
			t.Errorf("the second: %v", err)
		}
		if n := w.effects(); n != 1 {
			t.Errorf("%d times", n)
		}
		w.has(0, 0, 0)
	})
}

// TestAck_SessionEndsInDoubt: the caller is told that it does not know.
func TestAck_SessionEndsInDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		s := w.session("/taken")
		s.CutAt(loss, does(zkapi.KindDelete, "/entries"))
		failed := make(chan error, 1)
		go func() { failed <- taken.Ack(w.ctx, counted()...) }()
		synctest.Wait()
		s.Expire()
		if err := <-failed; !errors.Is(err, queue.ErrInDoubt) || zkapi.FateOf(err) != zkapi.Unknown {
			t.Errorf("the error: %v", err)
		}
		if cause := context.Cause(taken.Context()); !errors.Is(cause, queue.ErrLost) {
			t.Errorf("the context: %v", cause)
		}
		time.Sleep(timeout)
		if err := taken.Release(w.ctx); !errors.Is(err, queue.ErrLost) {
			t.Errorf("Release: %v", err)
		}
		if got, n := w.drains(q), w.effects(); (got == "a") != (loss == zk.RequestLost) || (n == 1) != (loss == zk.ReplyLost) {
			t.Errorf("taken again: %q; %d times", got, n)
		}
	})
}

// TestAck_RefusedOp: then nothing is applied, and the item is held as before.
func TestAck_RefusedOp(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		err := taken.Ack(w.ctx, zkapi.Create("/done-x", nil, zkapi.Persistent), zkapi.Set("/missing", nil, 3))
		if !errors.Is(err, zkapi.ErrNoNode) || zkapi.FailedIndex(err) != 1 || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("the error: %v", err)
		}
		if taken.Context().Err() != nil || w.effects() > 0 {
			t.Error("the item is lost, or something was applied")
		}
		for _, op := range []zkapi.Op{zkapi.Delete(path+"/entries/x", 0), zkapi.Get("/a"), zkapi.Set(path, nil, 0)} {
			if err := taken.Ack(w.ctx, op); !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%v %s: %v", op.Kind, op.Path, err)
			}
		}
		result, err := taken.Write(w.ctx, zkapi.Create("/a", []byte("x"), zkapi.Persistent), zkapi.Check(path, zkapi.AnyVersion))
		if err != nil || len(result.Results) != 2 || result.Results[0].Path != "/a" {
			t.Errorf("%+v, %v", result, err)
		}
		w.acks(taken, counted()...)
		w.has(0, 0, 0)
	})
}

// TestFence: nothing is written for an item that is not held any more, whatever has become of it.
func TestFence(t *testing.T) {
	for name, happens := range map[string]func(w *world, q *queue.Queue, id string){
		"the claim is deleted by hand": func(*world, *queue.Queue, string) {},
		"then another process takes it": func(w *world, _ *queue.Queue, _ string) {
			w.takes(w.queue("other"))
		},
		"then the same process takes it": func(w *world, q *queue.Queue, _ string) { w.takes(q) },
		"then another program takes it": func(w *world, _ *queue.Queue, id string) {
			w.do(zkapi.Create(path+"/taken/"+id, []byte("kazoo"), zkapi.Ephemeral))
		},
		"then it is deleted": func(w *world, _ *queue.Queue, id string) {
			w.do(zkapi.Delete(path+"/entries/"+id, zkapi.AnyVersion))
		},
	} {
		for how, write := range map[string]func(*queue.Taken, context.Context, ...zkapi.Op) error{
			"Write": func(t *queue.Taken, ctx context.Context, ops ...zkapi.Op) error { return first(t.Write(ctx, ops...)) },
			"Ack":   (*queue.Taken).Ack,
			"Bury":  func(t *queue.Taken, ctx context.Context, _ ...zkapi.Op) error { return t.Bury(ctx) },
		} {
			t.Run(how+" "+name, func(t *testing.T) { inBubble(t, func(w *world) { w.fences(happens, write) }) })
		}
	}
}

// fences takes an item, lets its claim end, and writes.
func (w *world) fences(happens func(*world, *queue.Queue, string), write func(*queue.Taken, context.Context, ...zkapi.Op) error) {
	t, q := w.t, w.queue("both")
	w.puts(q, "a")
	taken := w.takes(q)
	w.do(zkapi.Delete(taken.Claim(), zkapi.AnyVersion))
	happens(w, q, taken.ID())
	items, held := len(w.below("/entries")), len(w.below("/taken"))
	for range 2 {
		if err := write(taken, w.ctx, counted()...); err == nil || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("the error: %v", err)
		}
	}
	if cause := context.Cause(taken.Context()); !errors.Is(cause, queue.ErrLost) {
		t.Errorf("the context: %v", cause)
	}
	time.Sleep(timeout)
	if n := w.effects(); n > 0 {
		t.Errorf("applied: %d", n)
	}
	w.has(items, held, 0)
}

// TestFence_EntryDeletedByHand: the claim does not stay.
func TestFence_EntryDeletedByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		w.do(zkapi.Delete(path+"/entries/"+taken.ID(), zkapi.AnyVersion))
		if err := taken.Ack(w.ctx, counted()...); !errors.Is(err, queue.ErrFenced) || w.effects() > 0 {
			t.Errorf("Ack: %v", err)
		}
		time.Sleep(time.Second)
		w.has(0, 0, 0)
	})
}

// TestFence_LanesDeletedByHand: everything that is held is lost, and no claim stays.
func TestFence_LanesDeletedByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a b")
		first, second := w.takes(q), w.takes(q)
		for _, name := range w.below("/lanes") {
			w.do(zkapi.Delete(path+"/lanes/"+name, zkapi.AnyVersion))
		}
		w.within(timeout, "the items are lost", func() bool { return first.Context().Err() != nil && second.Context().Err() != nil })
		w.within(timeout, "no claim is left", func() bool { return len(w.below("/taken")) == 0 })
		if got := w.drains(q); got != "a b" {
			t.Errorf("taken: %q", got)
		}
	})
}

// TestLease_LastsAtRest: with one write per sixth of the timeout, however many items are held, and none without.
func TestLease_LastsAtRest(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a b c d e f g h")
		all, err := q.TakeMany(w.ctx, 8)
		if err != nil || len(all) != 8 {
			t.Fatal(all, err)
		}
		synctest.Wait()
		var writes atomic.Int64
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind.Writes() {
				writes.Add(1)
			}
		})
		time.Sleep(10 * timeout)
		if n := writes.Load(); n > 70 {
			t.Errorf("%d writes", n)
		}
		for _, taken := range all {
			if taken.Context().Err() != nil {
				t.Errorf("lost: %v", context.Cause(taken.Context()))
			}
			w.acks(taken)
		}
		time.Sleep(timeout)
		writes.Store(0)
		time.Sleep(10 * timeout)
		if n := writes.Load(); n > 0 {
			t.Errorf("%d writes while nothing is held", n)
		}
	})
}

// TestLease_Over: the context ends before the session could, and the claim does not stay if the session lives on.
func TestLease_Over(t *testing.T) {
	inBubble(t, func(w *world) {
		q, other := w.queue("both"), w.queue("other")
		w.puts(q, "a")
		taken := w.takes(q)
		s := w.session("/taken")
		s.Strand() // its server answers, and no write gets through
		start := time.Now()
		<-taken.Context().Done()
		if after := time.Since(start); after > timeout*3/4+timeout/20 {
			t.Errorf("the context has ended after %v", after)
		}
		if !errors.Is(context.Cause(taken.Context()), queue.ErrLost) {
			t.Errorf("the context: %v", context.Cause(taken.Context()))
		}
		s.Unstrand()
		if err := taken.Ack(w.ctx, counted()...); !errors.Is(err, queue.ErrLost) || zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("Ack: %v", err)
		}
		w.within(timeout, "no claim is left", func() bool { return len(w.below("/taken")) == 0 })
		w.acks(w.takes(other))
	})
}

// TestRelease_LostAnswers: the item is free.
func TestRelease_LostAnswers(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		lost := w.loses(loss, 3, does(zkapi.KindDelete, "/taken"))
		w.releases(taken)
		w.releases(taken)
		if lost.Load() == 0 || !errors.Is(context.Cause(taken.Context()), queue.ErrReleased) {
			t.Errorf("lost %d; the context: %v", lost.Load(), context.Cause(taken.Context()))
		}
		w.has(1, 0, 0)
		if _, err := taken.Write(w.ctx, counted()...); !errors.Is(err, queue.ErrReleased) {
			t.Errorf("Write: %v", err)
		}
	})
}

// TestRelease_GoesOnInTheBackground after its caller has gone.
func TestRelease_GoesOnInTheBackground(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		s := w.session("/taken")
		s.Cut()
		ctx, stop := context.WithTimeout(w.ctx, time.Second)
		defer stop()
		if err := taken.Release(ctx); !errors.Is(err, queue.ErrUnconfirmed) {
			t.Errorf("the error: %v", err)
		}
		s.Mend()
		w.within(timeout, "no claim is left", func() bool { return len(w.below("/taken")) == 0 })
		w.releases(taken)
	})
}

// TestClose: what is held is free, what waits returns.
func TestClose(t *testing.T) {
	inBubble(t, func(w *world) {
		q, waiting := w.queue("both"), w.queue("waiting")
		w.puts(q, "a")
		taken := w.takes(q)
		failed := make(chan error, 1)
		go func() {
			_, err := waiting.Take(w.ctx)
			failed <- err
		}()
		synctest.Wait()
		if err := waiting.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if err := <-failed; !errors.Is(err, queue.ErrClosed) {
			t.Errorf("what waits: %v", err)
		}
		if err := q.Close(w.ctx); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if cause := context.Cause(taken.Context()); !errors.Is(cause, queue.ErrClosed) {
			t.Errorf("the context: %v", cause)
		}
		w.has(1, 0, 0)
		if left := w.below("/lanes"); len(left) > 0 {
			t.Errorf("lanes: %v", left)
		}
		for what, err := range map[string]error{"Put": first(q.Put(w.ctx, nil)), "Take": first(q.Take(w.ctx)), "List": first(q.List(w.ctx)), "Ack": taken.Ack(w.ctx)} {
			if !errors.Is(err, queue.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func first[T any](_ T, err error) error { return err }

// TestList: what the queue has, and who holds it.
func TestList(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queueOf(queue.Config{Name: "me", MaxTakes: 2})
		if l, err := q.List(w.ctx); err != nil || len(l.Items)+len(l.Delayed)+len(l.Dead) > 0 {
			t.Errorf("of no queue: %+v, %v", l, err)
		}
		w.puts(q, "dead", queue.Priority(1))
		w.releases(w.takes(q))
		w.releases(w.takes(q))
		w.puts(q, "held", queue.Priority(2))
		ids := w.puts(q, "free")
		w.puts(q, "later", queue.Delay(time.Minute))
		taken := w.takes(q)
		w.do(zkapi.Create(path+"/taken/"+ids[0], []byte("by hand"), zkapi.Persistent))
		l, err := q.List(w.ctx)
		if err != nil || len(l.Items) != 2 || len(l.Delayed) != 1 || len(l.Dead) != 1 {
			t.Fatalf("%+v, %v", l, err)
		}
		if e := l.Items[0]; e.ID != taken.ID() || e.Priority != 2 || e.Takes != 1 || e.Size != 4 || !e.Held || e.Holder != "me" || e.Session != w.session("/lanes").ID() {
			t.Errorf("held: %+v", e)
		}
		if e := l.Items[1]; e.ID != ids[0] || !e.Held || e.Holder != "by hand" || e.Session != 0 {
			t.Errorf("stuck: %+v", e)
		}
		if due := time.Until(l.Delayed[0].Due); due < 59*time.Second || due > 61*time.Second {
			t.Errorf("due in %v", due)
		}
		for i, id := range []string{l.Items[0].ID, l.Items[1].ID, l.Delayed[0].ID, l.Dead[0].ID} {
			payload, err := q.Payload(w.ctx, id)
			if want := []string{"held", "free", "later", "dead"}[i]; err != nil || string(payload) != want {
				t.Errorf("%s: %q, %v, want %s", id, payload, err, want)
			}
		}
		for _, id := range []string{"", "a/b", "entry-100-0000000099", ".."} {
			if _, err := q.Payload(w.ctx, id); !errors.Is(err, queue.ErrUnknownItem) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// TestConfig_Invalid names what is wrong.
func TestConfig_Invalid(t *testing.T) {
	env := &zk.Env{Server: zk.NewServer(timeout)}
	for _, one := range []struct {
		path   string
		config queue.Config
	}{
		{"queue", queue.Config{}}, {"/", queue.Config{}}, {"/zookeeper/q", queue.Config{}}, {"/q", queue.Config{Bound: -1}},
		{"/q", queue.Config{MaxTakes: 1001}}, {"/q", queue.Config{Layout: 7}}, {"/q", queue.Config{LockPath: "/l"}},
		{"/q", queue.Config{Layout: queue.Curator}}, {"/q/a", queue.Config{Layout: queue.Curator, LockPath: "/q"}},
	} {
		if _, err := queue.New(env, one.path, one.config); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s %+v: %v", one.path, one.config, err)
		}
	}
	if _, err := queue.New(nil, "/q", queue.Config{}); !errors.Is(err, queue.ErrInvalid) {
		t.Errorf("no env: %v", err)
	}
	var zero queue.Queue
	for what, err := range map[string]error{
		"Put": first(zero.Put(t.Context(), nil)), "Take": first(zero.Take(t.Context())), "List": first(zero.List(t.Context())),
		"Requeue": first(zero.Requeue(t.Context(), "")), "Payload": first(zero.Payload(t.Context(), "")), "Close": zero.Close(t.Context()),
	} {
		if !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	q, err := queue.New(env, "/q", queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []queue.Option{nil, queue.Priority(-1), queue.Priority(1000), queue.Delay(-1), queue.Delay(1 << 62)} {
		if _, err := q.Put(t.Context(), nil, o); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s", fmt.Sprint(err))
		}
	}
}

// TestAck_GivenUpInDoubt: the answer to giving it up is lost as well. The second Ack must not take
// that for the proof that the first was applied.
func TestAck_GivenUpInDoubt(t *testing.T) {
	each(t, func(w *world, loss zk.Loss) {
		q := w.queue("both")
		w.puts(q, "a")
		taken := w.takes(q)
		s := w.session("/taken")
		s.CutAt(zk.RequestLost, does(zkapi.KindDelete, "/entries"))
		ctx, stop := context.WithTimeout(w.ctx, time.Second/2)
		defer stop()
		if err := taken.Ack(ctx, counted()...); !errors.Is(err, queue.ErrInDoubt) {
			t.Errorf("the first: %v", err)
		}
		lost := w.loses(loss, 1, does(zkapi.KindSet, "/lanes"))
		s.Mend()
		if err := taken.Ack(w.ctx, counted()...); err != nil || lost.Load() == 0 {
			t.Errorf("the second: %v; lost %d", err, lost.Load())
		}
		if n := w.effects(); n != 1 {
			t.Errorf("%d times", n)
		}
		w.has(0, 0, 0)
	})
}
