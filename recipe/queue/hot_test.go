package queue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// counting is an Env that counts the names in the lists that its sessions are sent, and their requests.
type counting struct {
	*zk.Env
	names, requests *atomic.Int64
}

type countingSession struct {
	zkapi.Session
	counting
}

func (c counting) Open(ctx context.Context) (zkapi.Session, error) {
	s, err := c.Env.Open(ctx)
	return countingSession{s, c}, err
}

func (s countingSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	r, err := s.Session.Do(ctx, op)
	s.count(op, r)
	return r, err
}

func (s countingSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := s.Session.DoAll(ctx, ops)
	for i, r := range replies {
		s.count(ops[i], r.Result)
	}
	return replies
}

func (s countingSession) count(op zkapi.Op, r zkapi.Result) {
	s.names.Add(int64(len(r.Children)))
	if r.Partial == nil { // differences come without a request
		s.requests.Add(1)
	}
}

// TestTake_DoesNotListTheQueueAgain: a Take costs the same however many items wait.
func TestTake_DoesNotListTheQueueAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := counting{&zk.Env{Server: zk.NewServer(timeout)}, new(atomic.Int64), new(atomic.Int64)}
		q, err := queue.New(env, path, queue.Config{})
		if err != nil {
			t.Fatal(err)
		}
		const items, rounds = 3000, 50
		for _, err := range q.PutAll(t.Context(), func(yield func(queue.Item) bool) {
			for range items {
				if !yield(queue.Item{Payload: []byte("x")}) {
					return
				}
			}
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		take := func() {
			taken, err := q.TryTake(t.Context())
			if err == nil {
				err = taken.Ack(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		take()
		first, before := env.names.Swap(0), env.requests.Load()
		for range rounds {
			take()
		}
		if again := env.names.Load(); first < items || again > 0 {
			t.Errorf("names in lists: %d at first, then %d", first, again)
		}
		if each := (env.requests.Load() - before) / rounds; each != 4 {
			t.Errorf("%d requests for each item; docs/recipes.md says 4", each)
		}
		time.Sleep(time.Second)
		_ = q.Close(context.Background())
	})
}
