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
	var ops []zkapi.Op
	for n := range others {
		ops = append(ops, zkapi.Create(fmt.Sprintf("/tasks/%s/note-%d", task, n), nil, zkapi.Persistent))
	}
	for n := range attempts {
		ops = append(ops, zkapi.Create(fmt.Sprintf("/tasks/%s/attempt-%d", task, n+1), []byte(`{"epoch":1}`), zkapi.Persistent))
	}
	// The task and its status are made together: a master that leads would fail a task with so
	// many attempts.
	w.do(zkapi.Multi(zkapi.Create("/tasks/"+task, nil, zkapi.Persistent),
		zkapi.Create("/tasks/"+task+"/status", []byte(`{"state":"done","epoch":1,"attempt":1}`), zkapi.Persistent)))
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

// TestCollect_RemovesInParts: a task with more below it than a write may have is collected all
// the same, by a master and by a client, whether the limit is known or not. Nothing else
// waits for it meanwhile.
func TestCollect_RemovesInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCollect_RemovesInParts: make test runs it, make quick does not")
	}
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

// paused calls before ahead of each request, and between after each that succeeded.
type paused struct {
	*zk.Env
	before, between func(op zkapi.Op)
}

func (p *paused) sends(op zkapi.Op) {
	if p.before != nil {
		p.before(op)
	}
}

func (p *paused) succeeded(op zkapi.Op) {
	if p.between != nil {
		p.between(op)
	}
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
	s.env.sends(op)
	result, err := s.Session.Do(ctx, op)
	if err == nil {
		s.env.succeeded(op)
	}
	return result, err
}

func (s *pausedSession) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for n, op := range ops {
		replies[n].Result, replies[n].Err = s.Do(ctx, op)
	}
	return replies
}

// clear removes a task by hand, with everything below it.
func (w *world) clear(task string) {
	w.t.Helper()
	var ops []zkapi.Op
	for _, child := range w.do(zkapi.Children("/tasks/" + task)).Children {
		ops = append(ops, zkapi.Delete("/tasks/"+task+"/"+child, zkapi.AnyVersion))
	}
	for part := range slices.Chunk(append(ops, zkapi.Delete("/tasks/"+task, zkapi.AnyVersion)), 500) {
		w.do(zkapi.Multi(part...))
	}
}

// TestCollect_GoesOnAfterAPart: a task that is removed in part is finished for everybody,
// and its id is taken. One that was submitted anew under its id meanwhile loses nothing.
func TestCollect_GoesOnAfterAPart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		w.crowd("task-crowd", 2000, 5)
		other := w.client()
		parts := 0
		between := func(op zkapi.Op) {
			if op.Kind != zkapi.KindMulti || !strings.HasPrefix(op.Ops[len(op.Ops)-1].Path, "/tasks/task-crowd/") {
				return
			}
			switch parts++; parts {
			case 1:
				if s, err := other.Await(w.ctx, "task-crowd"); err != nil || s.State != recipe.Done {
					t.Errorf("half-way it is %+v, %v", s, err)
				}
				if _, err := other.Submit(w.ctx, []byte("again"), recipe.ID("crowd")); err != nil || len(w.do(zkapi.Get("/tasks/task-crowd")).Data) != 0 {
					t.Errorf("half-way the id was used again: %v", err)
				}
			case 2:
				left := w.do(zkapi.Children("/tasks/task-crowd")).Children
				w.clear("task-crowd")
				if _, err := other.Submit(w.ctx, []byte("again"), recipe.ID("crowd")); err != nil {
					t.Error(err)
				}
				for _, child := range left { // what the next part would delete is there again
					if child != "status" {
						w.do(zkapi.Create("/tasks/task-crowd/"+child, nil, zkapi.Persistent))
					}
				}
			}
		}
		m, err := recipe.NewMaster(&paused{Env: w.env, between: between}, recipe.MasterConfig{Name: "m1", Retention: time.Second, MaxAttempts: 99})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = m.Run(w.ctx) })
		time.Sleep(time.Minute)
		if n := len(w.do(zkapi.Children("/tasks/task-crowd")).Children); parts != 2 || n < 1400 {
			t.Errorf("after %d parts, %d children of the task that was submitted anew are left", parts, n)
		}
	})
}

// TestCollect_IgnoresALateWrite: a client is slow. When its write arrives, another has
// removed the task that it means, and a task of the same id, which looks the same, is
// finished. That one stays as it is.
func TestCollect_IgnoresALateWrite(t *testing.T) {
	for _, c := range []struct {
		says     string
		children int
		again    func(w *world)
	}{
		{"a task that is removed in parts", 1801, func(w *world) { w.crowd("task-late", 900, 900) }},
		{"a task that was cancelled", 1, func(w *world) {
			w.do(zkapi.Create("/tasks/task-late", nil, zkapi.Persistent))
			w.do(zkapi.Create("/tasks/task-late/status", []byte(`{"state":"cancelled"}`), zkapi.Persistent))
		}},
	} {
		t.Run(c.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
				c.again(w)
				w.master(recipe.MasterConfig{Name: "m1"})
				w.within(time.Minute, "requests can be made", func() bool { return w.do(zkapi.Exists("/collect")).Found })
				late := false
				client, err := recipe.NewClient(&paused{Env: w.env, before: func(op zkapi.Op) {
					if op.Kind == zkapi.KindMulti && !late {
						late = true
						w.clear("task-late")
						c.again(w)
						time.Sleep(10 * time.Second) // the master knows it
					}
				}}, recipe.ClientConfig{})
				if err != nil {
					t.Fatal(err)
				}
				if err := client.Collect(w.ctx, "task-late"); err != nil || !late {
					t.Errorf("it was late: %v; %v", late, err)
				}
				w.within(time.Minute, "the request is taken down", func() bool { return len(w.do(zkapi.Children("/collect")).Children) == 0 })
				time.Sleep(time.Minute)
				if !w.do(zkapi.Exists("/tasks/task-late")).Found {
					w.t.Fatal("the one that is there now is gone")
				}
				if n := len(w.do(zkapi.Children("/tasks/task-late")).Children); n != c.children {
					t.Errorf("of the one that is there now %d children are left, of %d", n, c.children)
				}
			})
		})
	}
}

// TestCollect_WhileTheTaskGoes: a task is removed between two reads of a client that collects
// it, at once or when it has asked a master. That is no error, and least of all is the task
// said to be unfinished. A task that was submitted under the same id meanwhile stays.
func TestCollect_WhileTheTaskGoes(t *testing.T) {
	for name, after := range map[string]func(op zkapi.Op) bool{
		"after the task was seen":     func(op zkapi.Op) bool { return op.Kind == zkapi.KindExists },
		"after its status was listed": func(op zkapi.Op) bool { return op.Kind == zkapi.KindChildren },
	} {
		for _, look := range []int{1, 2} {
			for _, again := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/look %d/again %v", name, look, again), func(t *testing.T) {
					inBubble(t, func(w *world) {
						task, other, looks, removed := w.submit(recipe.ID("x")), w.client(), 0, false
						if _, err := other.Cancel(w.ctx, task); err != nil {
							t.Fatal(err)
						}
						c, err := recipe.NewClient(&paused{Env: w.env, between: func(op zkapi.Op) {
							if op.Path != "/tasks/"+task {
								return
							}
							if op.Kind == zkapi.KindSync { // a look begins
								looks++
							}
							if looks < look || removed || !after(op) {
								return
							}
							removed = true
							w.clear(task)
							if again {
								w.submit(recipe.ID("x"))
							}
						}}, recipe.ClientConfig{})
						if err != nil {
							t.Fatal(err)
						}
						if err := c.Collect(w.ctx, task); err != nil || !removed {
							t.Errorf("removed %v: %v", removed, err)
						}
						if found := w.do(zkapi.Exists("/tasks/" + task)).Found; found != again {
							t.Errorf("a task is there: %v", found)
						}
					})
				})
			}
		}
	}
}

// TestRequests_SayWhichTask: a request for the task that is there is granted, although the
// master still knows an earlier one, and so is one that does not say which.
func TestRequests_SayWhichTask(t *testing.T) {
	for says, data := range map[string]string{"the later task": `{"czxid":%d}`, "any task": ""} {
		t.Run(says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				cancelled := []zkapi.Op{
					zkapi.Create("/tasks/task-job", nil, zkapi.Persistent),
					zkapi.Create("/tasks/task-job/status", []byte(`{"state":"cancelled"}`), zkapi.Persistent),
				}
				w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
				w.do(zkapi.Multi(cancelled...))
				w.master(recipe.MasterConfig{Name: "m1"})
				time.Sleep(11 * time.Second) // the master knows it, and its next resync is to come
				w.do(zkapi.Multi(append([]zkapi.Op{zkapi.Delete("/tasks/task-job/status", 0), zkapi.Delete("/tasks/task-job", 0)}, cancelled...)...))
				if data != "" {
					data = fmt.Sprintf(data, w.do(zkapi.Exists("/tasks/task-job")).Stat.Czxid)
				}
				ring := zkapi.Set("/tasks", []byte("task-other"), zkapi.AnyVersion) // somebody else rings, too
				w.do(zkapi.Multi(zkapi.Create("/collect/task-job", []byte(data), zkapi.Persistent), ring, ring))
				w.within(time.Minute, "the task is removed", func() bool { return !w.do(zkapi.Exists("/tasks/task-job")).Found })
			})
		})
	}
}
