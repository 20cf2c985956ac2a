package queue_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// makes makes persistent znodes by hand.
func (w *world) makes(paths ...string) {
	for _, p := range paths {
		w.do(zkapi.Create(p, nil, zkapi.Persistent))
	}
}

// TestKazoo: the requests of kazoo 2.8's LockingQueue, on the znodes that it has made.
func TestKazoo(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/queues", path, path+"/taken", path+"/entries")
		q := w.queue("here")
		put := func(payload string) string {
			return w.do(zkapi.Create(path+"/entries/entry-100-", []byte(payload), zkapi.PersistentSequential)).Path[len(path+"/entries/"):]
		}
		first, second := put("a"), put("b")
		// get: kazoo takes the first one.
		w.do(zkapi.Create(path+"/taken/"+first, []byte("6f1c"), zkapi.Ephemeral))
		taken := w.takes(q)
		if taken.ID() != second || string(taken.Payload()) != "b" {
			t.Errorf("taken: %s %q", taken.ID(), taken.Payload())
		}
		// get of another one finds none: kazoo makes the claim of an entry that has no claim.
		if _, err := w.direct.Do(w.ctx, zkapi.Create(path+"/taken/"+second, []byte("77aa"), zkapi.Ephemeral)); !errors.Is(err, zkapi.ErrNodeExists) {
			t.Errorf("kazoo takes an item that is held: %v", err)
		}
		// consume.
		w.do(zkapi.Multi(zkapi.Delete(path+"/entries/"+first, zkapi.AnyVersion), zkapi.Delete(path+"/taken/"+first, zkapi.AnyVersion)))
		w.acks(taken)
		w.has(0, 0, 0)
		// What is put here, kazoo reads as it is, in the order of the names.
		w.puts(q, "late", queue.Priority(7))
		w.puts(q, "early", queue.Priority(6))
		names := w.below("/entries")
		slices.Sort(names)
		if data := w.do(zkapi.Get(path + "/entries/" + names[0])).Data; string(data) != "early" {
			t.Errorf("kazoo's first is %q of %v", data, names)
		}
	})
}

// TestByHand: what a person makes with zkCli; what is no entry is left alone.
func TestByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		q := w.queue("here")
		waits := w.later(q.Take)
		for _, name := range []string{"notes", "entry-", "entry-x-0000000001", "entry-100-", "entry-100-123", "entry-100-+000000001"} {
			w.do(zkapi.Create(path+"/entries/"+name, nil, zkapi.Persistent))
		}
		w.do(zkapi.Create(path+"/entries/entry-100-", []byte("by hand"), zkapi.PersistentSequential))
		taken := w.arrives(time.Second, waits)
		if string(taken.Payload()) != "by hand" {
			t.Errorf("taken: %q", taken.Payload())
		}
		w.acks(taken)
		claimed := w.puts(q, "claimed")[0]
		w.do(zkapi.Create(path+"/taken/"+claimed, []byte("me"), zkapi.Ephemeral))
		if got := w.drains(q); got != "" {
			t.Errorf("taken although a person holds it: %q", got)
		}
		waits = w.later(q.Take)
		w.do(zkapi.Delete(path+"/taken/"+claimed, zkapi.AnyVersion))
		w.acks(w.arrives(time.Second, waits))
		if left := w.below("/entries"); len(left) != 6 {
			t.Errorf("left: %v", left)
		}
	})
}

// curatorItem is Curator 5.4's serialisation of payloads.
func curatorItem(payloads ...string) []byte {
	data := []byte{0, 1, 0, 1}
	for _, p := range payloads {
		data = append(append(data, 1, 0, 0, 0, byte(len(p))), p...)
	}
	return append(data, 2)
}

// TestCurator: the requests of Curator's DistributedQueue with a lock path.
func TestCurator(t *testing.T) {
	inBubble(t, func(w *world) {
		const locks = "/locks/a"
		q := w.queueOf(queue.Config{Layout: queue.Curator, LockPath: locks, MaxTakes: 1})
		w.makes("/queues", path, "/locks", locks)
		put := func(prefix string, data []byte) string {
			return w.do(zkapi.Create(path+"/queue-"+prefix, data, zkapi.PersistentSequential)).Path[len(path)+1:]
		}
		first := put("", curatorItem("a"))
		put("", curatorItem("b", "", "c"))
		put("", []byte("unreadable"))
		// A consumer of Curator holds the first one.
		w.do(zkapi.Create(locks+"/"+first, nil, zkapi.Ephemeral))
		taken := w.takes(q)
		if got := taken.Payloads(); len(got) != 3 || string(got[0]) != "b" || len(got[1]) != 0 || string(got[2]) != "c" {
			t.Errorf("payloads: %q", got)
		}
		if _, err := w.direct.Do(w.ctx, zkapi.Create(locks+"/"+taken.ID(), nil, zkapi.Ephemeral)); !errors.Is(err, zkapi.ErrNodeExists) {
			t.Errorf("Curator takes an item that is held: %v", err)
		}
		w.acks(taken)
		w.do(zkapi.Delete(path+"/"+first, zkapi.AnyVersion))
		w.do(zkapi.Delete(locks+"/"+first, zkapi.AnyVersion))
		if got := w.drains(q); got != "" {
			t.Errorf("taken: %q", got)
		}
		if dead := w.do(zkapi.Children(locks + "/dead")).Children; len(dead) != 1 {
			t.Errorf("dead letters: %v", dead)
		}
		// What is put here, Curator reads.
		id := w.puts(q, "mine")[0]
		if data := w.do(zkapi.Get(path + "/" + id)).Data; string(data) != string(curatorItem("mine")) || id[:6] != "queue-" {
			t.Errorf("%s: %q", id, data)
		}
		w.acks(w.takes(q))
		// DistributedPriorityQueue has 1 or 0, and the number in hexadecimal; DistributedDelayQueue the time.
		put("100000002", curatorItem("second"))
		put("0FFFFFFFF", curatorItem("first"))
		put("|"+hex(time.Now().Add(time.Minute))+"|", curatorItem("third"))
		if got := w.drains(q); got != "first second" {
			t.Errorf("taken: %q", got)
		}
		start := time.Now()
		if got := w.arrives(2*time.Minute, w.later(q.Take)); string(got.Payload()) != "third" || time.Since(start) < time.Minute {
			t.Errorf("taken: %q after %v", got.Payload(), time.Since(start))
		}
		if _, err := q.Put(w.ctx, nil, queue.Priority(1)); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("a priority: %v", err)
		}
	})
}

func hex(at time.Time) string {
	const digits = "0123456789ABCDEF"
	text := ""
	for n := at.UnixMilli(); n > 0; n /= 16 {
		text = digits[n%16:n%16+1] + text
	}
	return text
}
