package recipe_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// crowd makes a finished task with so many children of others, and so many attempts.
func (w *world) crowd(task string, others, attempts int) {
	w.t.Helper()
	w.do(zkapi.Create("/tasks/"+task, nil, zkapi.Persistent))
	var ops []zkapi.Op
	for n := range others {
		ops = append(ops, zkapi.Create(fmt.Sprintf("/tasks/%s/note-%d", task, n), nil, zkapi.Persistent))
	}
	for n := range attempts {
		ops = append(ops, zkapi.Create(fmt.Sprintf("/tasks/%s/attempt-%d", task, n+1), []byte(`{"epoch":1}`), zkapi.Persistent))
	}
	ops = append(ops, zkapi.Create("/tasks/"+task+"/status", []byte(`{"state":"done","epoch":1,"attempt":1}`), zkapi.Persistent))
	for part := range slices.Chunk(ops, 500) {
		w.do(zkapi.Multi(part...))
	}
}

// removals are the writes that delete something of a task, as they were applied.
type removals struct {
	task  string
	multi [][]string // what each deletes below the task; "" is the task itself
}

func (r *removals) record(write zk.Write) {
	if write.Err != nil {
		return
	}
	var deletes []string
	for _, op := range append(write.Op.Ops, write.Op) {
		if name, ok := strings.CutPrefix(op.Path, "/tasks/"+r.task); ok && op.Kind == zkapi.KindDelete {
			deletes = append(deletes, strings.TrimPrefix(name, "/"))
		}
	}
	if len(deletes) > 0 {
		r.multi = append(r.multi, deletes)
	}
}

// check holds that the status and the task went together, last, and that nothing of the
// recipe's went before what is not.
func (r *removals) check(t *testing.T, parts int) {
	t.Helper()
	if len(r.multi) < parts {
		t.Errorf("it was removed in %d parts, not in %d at least", len(r.multi), parts)
	}
	own := false
	for n, deletes := range r.multi {
		status, task, last := slices.Contains(deletes, "status"), slices.Contains(deletes, ""), n == len(r.multi)-1
		if status != last || task != last {
			t.Errorf("part %d of %d deletes the status: %v, and the task: %v", n+1, len(r.multi), status, task)
		}
		for _, name := range deletes {
			if strings.HasPrefix(name, "note-") && own {
				t.Fatalf("%s goes after what is the recipe's", name)
			}
			own = own || strings.HasPrefix(name, "attempt-")
		}
	}
}

// TestCollectInParts: a task with more below it than a write may have is collected all
// the same, by a master and by a client, whether the limit is known or not. Nothing else
// waits for it meanwhile.
func TestCollectInParts(t *testing.T) {
	for _, c := range []struct {
		says             string
		others, attempts int
		buffer           int
		byClient         bool
	}{
		{"others", 4000, 3, 0, false},
		{"others", 4000, 3, 0, true},
		{"attempts", 0, 4000, 0, false},
		{"attempts", 0, 4000, 0, true},
		{"a small buffer", 900, 2000, 64 << 10, false},
		{"a small buffer", 900, 2000, 64 << 10, true},
	} {
		t.Run(fmt.Sprintf("%s/client=%v", c.says, c.byClient), func(t *testing.T) {
			inBubble(t, func(w *world) {
				config := recipe.MasterConfig{Name: "m1"}
				if !c.byClient {
					config.Retention = time.Second
				}
				w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
				w.crowd("task-crowd", c.others, c.attempts)
				r := &removals{task: "task-crowd"}
				w.env.Server.Record(r.record)
				w.env.Server.MaxBuffer(c.buffer)
				m := w.master(config)
				w.worker("w1", echo)
				w.await(w.submit())
				if c.byClient {
					if err := w.client().Collect(w.ctx, "task-crowd"); err != nil {
						t.Fatal(err)
					}
				}
				w.within(time.Minute, "the task is gone", func() bool { return !w.do(zkapi.Exists("/tasks/task-crowd")).Found })
				r.check(t, 3)
				if now, leads := m.Snapshot(); !leads || len(now.Quarantined) != 0 {
					t.Errorf("leads is %v, %+v", leads, now.Quarantined)
				}
				w.await(w.submit(recipe.ID("crowd")))
			})
		})
	}
}

// paused calls between after each request that succeeded.
type paused struct {
	*zk.Env
	between func(op zkapi.Op)
}

func (p *paused) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := p.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &pausedSession{session, p}, nil
}

type pausedSession struct {
	zkapi.Session
	env *paused
}

func (s *pausedSession) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	result, err := s.Session.Do(ctx, op)
	if err == nil {
		s.env.between(op)
	}
	return result, err
}

func (s *pausedSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := s.Session.DoAll(ctx, ops)
	for n, op := range ops {
		if replies[n].Err == nil {
			s.env.between(op)
		}
	}
	return replies
}

// TestCollectInParts_HalfWay: a task that is removed in part is finished for everybody,
// and its id is taken. One that was submitted anew under its id meanwhile loses nothing.
func TestCollectInParts_HalfWay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		w.crowd("task-crowd", 2000, 5)
		other := w.client()
		multis := 0
		c, err := recipe.NewClient(&paused{w.env, func(op zkapi.Op) {
			if op.Kind != zkapi.KindMulti {
				return
			}
			switch multis++; multis {
			case 1:
				if s, err := other.Await(w.ctx, "task-crowd"); err != nil || s.State != recipe.Done {
					t.Errorf("half-way it is %+v, %v", s, err)
				}
				if _, err := other.Submit(w.ctx, []byte("again"), recipe.ID("crowd")); err != nil || len(w.do(zkapi.Get("/tasks/task-crowd")).Data) != 0 {
					t.Errorf("half-way the id was used again: %v", err)
				}
			case 2:
				if err := other.Collect(w.ctx, "task-crowd"); err != nil {
					t.Error(err)
				}
				if _, err := other.Submit(w.ctx, []byte("again"), recipe.ID("crowd")); err != nil {
					t.Error(err)
				}
				for _, child := range []string{"note-1999", "attempt-1", "note-1000"} {
					w.do(zkapi.Create("/tasks/task-crowd/"+child, nil, zkapi.Persistent))
				}
				for n := range 1800 { // those that the next part would delete
					if n != 1000 {
						w.do(zkapi.Create(fmt.Sprintf("/tasks/task-crowd/note-%d", n), nil, zkapi.Persistent))
					}
				}
			}
		}}, recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		limited, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		err = c.Collect(limited, "task-crowd")
		if n := len(w.do(zkapi.Children("/tasks/task-crowd")).Children); n != 1802 || err != nil { // the one that was meant is gone
			t.Errorf("of the task that was submitted anew %d children are left, of 1802; %v", n, err)
		}
	})
}
