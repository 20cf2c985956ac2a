package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	timeout = 4 * time.Second
	path    = "/queues/a"
)

// world is a ZooKeeper in memory, in virtual time.
type world struct {
	t      *testing.T
	env    *zk.Env
	ctx    context.Context
	direct *zk.Session // for the hands of the test
	mu     sync.Mutex
	opened []*queue.Queue
}

// inBubble runs a test in virtual time. In the end everything is closed, and all goroutines must
// end.
func inBubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, env: &zk.Env{Server: zk.NewServer(timeout)}}
		ctx, stop := context.WithCancel(t.Context())
		w.ctx = ctx
		w.direct = w.env.Server.Open()
		defer stop()
		defer func() {
			w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.None })
			for _, q := range w.opened {
				_ = q.Close(context.Background())
			}
		}()
		test(w)
	})
}

func (w *world) do(op zkapi.Op) zkapi.Result {
	w.t.Helper()
	result, err := w.direct.Do(w.ctx, op)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// queue is one more process.
func (w *world) queue(name string) *queue.Queue {
	w.t.Helper()
	return w.queueOf(queue.Config{Name: name})
}

func (w *world) queueOf(config queue.Config) *queue.Queue {
	w.t.Helper()
	q, err := queue.New(w.env, path, config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, q)
	return q
}

// puts has a process put items, each of them with the options.
func (w *world) puts(q *queue.Queue, payloads string, options ...queue.Option) (ids []string) {
	w.t.Helper()
	for payload := range strings.FieldsSeq(payloads) {
		id, err := q.Put(w.ctx, []byte(payload), options...)
		if err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// takes has a process take the first free item at once.
func (w *world) takes(q *queue.Queue) *queue.Taken {
	w.t.Helper()
	taken, err := q.TryTake(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return taken
}

// drains has a process take and acknowledge all free items.
func (w *world) drains(q *queue.Queue) string {
	w.t.Helper()
	var got []string
	for {
		taken, err := q.TryTake(w.ctx)
		if errors.Is(err, queue.ErrEmpty) {
			return strings.Join(got, " ")
		}
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, string(taken.Payload()))
		w.acks(taken)
	}
}

func (w *world) acks(taken *queue.Taken, ops ...zkapi.Op) {
	w.t.Helper()
	if err := taken.Ack(w.ctx, ops...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) releases(taken *queue.Taken) {
	w.t.Helper()
	if err := taken.Release(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

// below are the children of a znode.
func (w *world) below(folder string) []string {
	found, err := w.direct.Do(w.ctx, zkapi.Children(path+folder))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Children
}

// has holds how many znodes there are.
func (w *world) has(items, held, dead int) {
	w.t.Helper()
	if e, t, d := w.below("/entries"), w.below("/taken"), w.below("/dead"); len(e) != items || len(t) != held || len(d) != dead {
		w.t.Errorf("items %v, claims %v, dead letters %v; want %d, %d and %d", e, t, d, items, held, dead)
	}
}

// session is that of an ephemeral below a folder.
func (w *world) session(folder string) *zk.Session {
	w.t.Helper()
	names := w.below(folder)
	if len(names) == 0 {
		w.t.Fatalf("%s has nothing", folder)
	}
	owner := w.do(zkapi.Exists(path + folder + "/" + names[len(names)-1])).Stat.EphemeralOwner
	for _, s := range w.env.Server.Sessions() {
		if s.ID() == owner {
			return s
		}
	}
	w.t.Fatalf("no session holds %s", names)
	return nil
}

// within waits for a condition in virtual time.
func (w *world) within(limit time.Duration, what string, condition func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s; items %v, claims %v", limit, what, w.below("/entries"), w.below("/taken"))
		}
	}
}

// loses loses the first n requests that fit, and says later how many there were.
func (w *world) loses(loss zk.Loss, n int, fits func(zkapi.Op) bool) (lost *atomic.Int32) {
	lost = new(atomic.Int32)
	w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
		if int(lost.Load()) >= n || !fits(op) {
			return zk.None
		}
		lost.Add(1)
		return loss
	})
	return lost
}

// does is for requests with such a part, at or below that folder of the queue.
func does(kind zkapi.Kind, folder string) func(zkapi.Op) bool {
	var fits func(op zkapi.Op) bool
	fits = func(op zkapi.Op) bool {
		return op.Kind == kind && strings.HasPrefix(op.Path, path+folder) || slices.ContainsFunc(op.Ops, fits)
	}
	return fits
}

// answers are both ways to lose one.
var answers = map[string]zk.Loss{"before it is applied": zk.RequestLost, "after it is applied": zk.ReplyLost}

func (w *world) later(take func(context.Context) (*queue.Taken, error)) <-chan *queue.Taken {
	got := make(chan *queue.Taken, 1)
	go func() {
		if taken, err := take(w.ctx); err == nil {
			got <- taken
		}
	}()
	synctest.Wait()
	return got
}

// arrives waits for an item.
func (w *world) arrives(limit time.Duration, from <-chan *queue.Taken) *queue.Taken {
	w.t.Helper()
	select {
	case taken := <-from:
		return taken
	case <-time.After(limit):
		w.t.Fatalf("not taken within %v: items %v, claims %v", limit, w.below("/entries"), w.below("/taken"))
		return nil
	}
}

// each runs a test for each loss.
func each(t *testing.T, test func(w *world, loss zk.Loss)) {
	for name, loss := range answers {
		t.Run(name, func(t *testing.T) { inBubble(t, func(w *world) { test(w, loss) }) })
	}
}
