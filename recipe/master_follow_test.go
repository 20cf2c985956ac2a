package recipe_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// requests counts what arrives at a server. A followed list is often answered without a
// request, and is not counted.
type requests struct {
	mu sync.Mutex
	n  int
}

func (r *requests) observe(_ int64, op zkapi.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !op.Follow || op.Since == 0 {
		r.n++
	}
}

// TestMaster_DeadNamesCostLittleAtRest: beside the names of many lost workers a master looks at
// a bounded number of them at each resync.
func TestMaster_DeadNamesCostLittleAtRest(t *testing.T) {
	const resyncs, perResync = 30, 64 // in a minute
	atRest := func(names int) int {
		var seen requests
		inBubbleOf(t, 10*time.Second, func(w *world) {
			w.makes("/tasks", "/workers", "/assign")
			for n := range names {
				w.do(zkapi.Create(fmt.Sprintf("/assign/lost-%d", n), nil, zkapi.Persistent))
			}
			master := w.master(recipe.MasterConfig{Name: "m1"})
			w.within(time.Second, "m1 leads", func() bool { return leads(master) })
			time.Sleep(time.Minute)
			w.env.Server.Observe(seen.observe)
			time.Sleep(time.Minute)
		})
		return seen.n
	}
	alone, beside := atRest(0), atRest(5000)
	if alone == 0 || alone > 120 {
		t.Errorf("%d requests in a minute without any, not 1 to 120", alone)
	}
	if beside > alone+resyncs*perResync {
		t.Errorf("%d requests in a minute beside 5,000 names, and %d without", beside, alone)
	}
}

// TestIdle_WorkersCostLittleAtRest: a master and many workers that have nothing to do read little.
func TestIdle_WorkersCostLittleAtRest(t *testing.T) {
	const workers, most = 200, 65 // requests in a second
	var seen requests
	inBubbleOf(t, 10*time.Second, func(w *world) {
		master := w.master(recipe.MasterConfig{Name: "m1"})
		for n := range workers {
			w.worker(fmt.Sprint("w", n), echo)
		}
		w.within(time.Minute, "all are registered", func() bool { now, _ := master.Snapshot(); return len(now.Workers) == workers })
		time.Sleep(time.Minute)
		w.env.Server.Observe(seen.observe)
		time.Sleep(time.Minute)
		w.env.Server.Observe(nil)
	})
	if perSecond := seen.n / 60; perSecond > most || seen.n == 0 {
		t.Errorf("%d requests a second, not 1 to %d", perSecond, most)
	}
}

// sieve is an Env whose sessions hear less of what they follow.
type sieve struct {
	*zk.Env
	whole  func(path string) bool // they cannot follow that list
	ends   func(op zkapi.Op) bool // with that read they stop to follow the list below its path
	before func(op zkapi.Op)      // is called before each request
	hidden string                 // a name that the differences do not have
}

func (s *sieve) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := s.Env.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &sieved{Session: session, of: s}, nil
}

type sieved struct {
	zkapi.Session
	of    *sieve
	mu    sync.Mutex
	ended map[string]bool // lists that are whole next time
}

// follows reports whether the next answer to that read may be the differences.
func (s *sieved) follows(op zkapi.Op) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of.ends != nil && s.of.ends(op) {
		s.ended = map[string]bool{op.Path: true}
	}
	if !op.Follow || !s.ended[op.Path] {
		return true
	}
	s.ended = nil
	return false
}

func (s *sieved) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if op.Follow && s.of.whole != nil && s.of.whole(op.Path) {
		return s.Session.Do(ctx, zkapi.Children(op.Path).Watched())
	}
	if s.of.before != nil {
		s.of.before(op)
	}
	if !s.follows(op) {
		op.Since = 0
	}
	result, err := s.Session.Do(ctx, op)
	if p := result.Partial; p != nil {
		p.Come = slices.DeleteFunc(p.Come, func(name string) bool { return name == s.of.hidden })
	}
	return result, err
}

func (s *sieved) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}

// masterOf starts a master with an Env of its own.
func (w *world) masterOf(env zkapi.Env) *recipe.Master {
	w.t.Helper()
	master, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work.Go(func() { _ = master.Run(w.ctx) })
	return master
}

// resyncs counts the resyncs of a master: no client may cancel anything meanwhile.
type resyncs struct{ all, whole atomic.Int64 } // whole: lists that were asked for as a whole

func (w *world) resyncs() *resyncs {
	var seen resyncs
	w.env.Server.Observe(func(_ int64, op zkapi.Op) {
		if op.Kind == zkapi.KindGet && op.Path == "/tasks" && op.Watch {
			seen.all.Add(1)
		}
		if op.Follow && op.Since == 0 {
			seen.whole.Add(1)
		}
	})
	return &seen
}

// next waits for the next resync. After it there are almost two seconds without one.
func (r *resyncs) next() {
	for before := r.all.Load(); r.all.Load() == before; {
		time.Sleep(10 * time.Millisecond)
	}
}

// assigned lists what is assigned: worker, task and attempt.
func (w *world) assigned() (all []string) {
	w.t.Helper()
	for _, worker := range w.do(zkapi.Children("/assign")).Children {
		for _, task := range w.do(zkapi.Children("/assign/" + worker)).Children {
			all = append(all, fmt.Sprint(worker, " ", task, " ", w.tokenAt("/assign/"+worker+"/"+task).Attempt))
		}
	}
	return all
}

// TestMaster_TakesOverEachDifferenceAtOnce: a master whose session tells the differences does not
// need the next resync, or the next whole list, for any of them.
func TestMaster_TakesOverEachDifferenceAtOnce(t *testing.T) {
	create := func(path, data string) zkapi.Op { return zkapi.Create(path, []byte(data), zkapi.Persistent) }
	remove := func(path string) zkapi.Op { return zkapi.Delete(path, zkapi.AnyVersion) }
	task, cancelled := create("/tasks/t1", ""), create("/tasks/t1/status", `{"state":"cancelled"}`)
	for _, row := range []struct {
		says   string
		before []zkapi.Op
		act    []zkapi.Op
		after  []string
	}{
		{"a task comes", nil, []zkapi.Op{task}, []string{"w1 t1 1"}},
		{"a task goes", []zkapi.Op{task}, []zkapi.Op{remove("/tasks/t1")}, nil},
		{"a finished task is made again", []zkapi.Op{task, cancelled}, []zkapi.Op{remove("/tasks/t1/status"), remove("/tasks/t1"), task}, []string{"w1 t1 1"}},
		{"a task that is held is made again", []zkapi.Op{task}, []zkapi.Op{remove("/tasks/t1"), task}, []string{"w1 t1 1"}},
		{"a task is cancelled", []zkapi.Op{task}, []zkapi.Op{cancelled}, nil},
		{"a status comes and goes", []zkapi.Op{task}, []zkapi.Op{cancelled, remove("/tasks/t1/status")}, []string{"w1 t1 1"}},
		{"a task is given back", []zkapi.Op{task}, []zkapi.Op{
			remove("/assign/w1/t1"), create("/tasks/t1/attempt-1", `{"epoch":1,"attempt":1,"worker":"w1","reason":"it failed"}`),
		}, []string{"w1 t1 2"}},
		{"a task is assigned by hand", nil, []zkapi.Op{task, create("/assign/w2/t1", `{"epoch":1,"attempt":1}`)}, []string{"w2 t1 1"}},
	} {
		t.Run(row.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				seen := w.resyncs()
				w.master(recipe.MasterConfig{Name: "m1"})
				w.byHand("w1")
				w.byHand("w2")
				w.within(time.Second, "the inboxes are there", func() bool { return len(w.do(zkapi.Children("/assign")).Children) == 2 })
				for _, op := range row.before {
					w.do(op)
					time.Sleep(200 * time.Millisecond)
				}
				seen.next()
				all, whole := seen.all.Load(), seen.whole.Load()
				w.do(zkapi.Multi(row.act...))
				time.Sleep(time.Second)
				if now := w.assigned(); !slices.Equal(now, row.after) {
					t.Errorf("%q are assigned, not %q", now, row.after)
				}
				if all, whole := seen.all.Load()-all, seen.whole.Load()-whole; all > 0 || whole > 0 {
					t.Errorf("%d resyncs and %d whole lists meanwhile", all, whole)
				}
			})
		})
	}
}

// TestMaster_WatchesTheInboxOfAWorkerThatWasStray: a persistent /workers/<w> is replaced by that of a
// worker. From then on the master hears at once of what the worker does.
func TestMaster_WatchesTheInboxOfAWorkerThatWasStray(t *testing.T) {
	for _, follows := range []bool{true, false} {
		inBubble(t, func(w *world) {
			seen := w.resyncs()
			w.makes("/tasks", "/workers", "/assign", "/assign/w1", "/workers/w1")
			w.masterOf(&sieve{Env: w.env, whole: func(string) bool { return !follows }})
			time.Sleep(3 * time.Second)
			seen.next()
			all := seen.all.Load()
			w.do(zkapi.Multi(remove("/workers/w1"), zkapi.Create("/workers/w1", nil, zkapi.Ephemeral)))
			time.Sleep(200 * time.Millisecond)
			w.makes("/tasks/t1")
			w.within(time.Second, "t1 is assigned", func() bool { return slices.Equal(w.assigned(), []string{"w1 t1 1"}) })
			w.do(zkapi.Multi(remove("/assign/w1/t1"), create("/tasks/t1/attempt-1", `{"epoch":1,"attempt":1,"worker":"w1","reason":"it failed"}`)))
			time.Sleep(500 * time.Millisecond)
			if now := w.assigned(); !slices.Equal(now, []string{"w1 t1 2"}) || seen.all.Load() != all {
				t.Errorf("follows %v: %q are assigned, after %d resyncs", follows, now, seen.all.Load()-all)
			}
		})
	}
}

// TestMaster_HearsOfARenewedClaimWithTheNextWorker: the session follows the list of the inboxes,
// and may follow no single one. Then the master learns that a worker has registered again when
// it looks at the list for another worker, and not only at the next resync.
func TestMaster_HearsOfARenewedClaimWithTheNextWorker(t *testing.T) {
	inBubble(t, func(w *world) {
		seen := w.resyncs()
		master := w.masterOf(&sieve{Env: w.env, whole: func(path string) bool { return strings.HasPrefix(path, "/assign/") }})
		w.claims("w1", `{}`)
		w.within(time.Second, "w1 is known", func() bool { return alive(master, "w1").Incarnation == 1 })
		seen.next()
		before := seen.all.Load()
		w.do(zkapi.Set("/assign/w1", []byte(`{"retiring":true}`), 1))
		w.claims("w2", `{}`)
		w.within(time.Second, "w2 is known", func() bool { return alive(master, "w2").Incarnation == 1 })
		if now := alive(master, "w1"); now.Incarnation != 2 || !now.Retiring {
			t.Errorf("w1 has registered again and takes no more, and the master knows %+v", now)
		}
		if n := seen.all.Load() - before; n > 0 {
			t.Errorf("%d resyncs meanwhile", n)
		}
	})
}

// alive is a live worker as a master sees it.
func alive(m *recipe.Master, name string) recipe.WorkerInfo {
	now, _ := m.Snapshot()
	for _, worker := range now.Workers {
		if worker.Name == name && worker.Alive {
			return worker
		}
	}
	return recipe.WorkerInfo{}
}

// TestMaster_FindsInAWholeListWhatItIsNotTold: a server does not tell a session about a child that
// the session may not read.
func TestMaster_FindsInAWholeListWhatItIsNotTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.masterOf(&sieve{Env: w.env, hidden: "t1"})
		w.byHand("w1")
		time.Sleep(5 * time.Second)
		w.do(zkapi.Create("/tasks/t1", nil, zkapi.Persistent))
		w.within(30*time.Second, "t1 is assigned", func() bool { return len(w.assigned()) == 1 })
	})
}

// TestMaster_FindsEachCancelledTaskBesideAWholeList: the statuses of several cancelled tasks are
// no difference if the next list of the tasks is a whole one.
func TestMaster_FindsEachCancelledTaskBesideAWholeList(t *testing.T) {
	cancel := func(task string) []zkapi.Op {
		return []zkapi.Op{
			zkapi.Create("/tasks/"+task+"/status", []byte(`{"state":"cancelled"}`), zkapi.Persistent),
			zkapi.Set("/tasks", []byte(task), zkapi.AnyVersion),
		}
	}
	both := zkapi.Multi(append(cancel("t1"), cancel("t2")...)...)
	blip := zkapi.Multi(zkapi.Create("/tasks/t3", nil, zkapi.Persistent), zkapi.Delete("/tasks/t3", zkapi.AnyVersion))
	notice := func(op zkapi.Op) bool { return op.Kind == zkapi.KindGet && op.Path == "/tasks" }
	list := func(op zkapi.Op) bool { return op.Follow && op.Path == "/tasks" }
	for _, row := range []struct {
		says string
		act  zkapi.Op
		ends func(op zkapi.Op) bool
		then []zkapi.Op // before that read
	}{
		{"the notice is read first", both, notice, nil},
		{"the list is read first", blip, list, []zkapi.Op{both}},
	} {
		t.Run(row.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				seen := w.resyncs()
				var armed atomic.Bool
				w.masterOf(&sieve{
					Env: w.env, ends: func(op zkapi.Op) bool { return armed.Load() && row.ends(op) },
					before: func(op zkapi.Op) {
						if row.ends(op) && armed.Load() {
							for _, then := range row.then {
								w.do(then)
							}
							row.then = nil
						}
					},
				})
				w.byHand("w1")
				w.within(time.Second, "the inbox is there", func() bool { return len(w.do(zkapi.Children("/assign")).Children) == 1 })
				w.do(zkapi.Create("/tasks/t1", nil, zkapi.Persistent))
				w.do(zkapi.Create("/tasks/t2", nil, zkapi.Persistent))
				w.within(time.Second, "both are assigned", func() bool { return len(w.assigned()) == 2 })
				seen.next()
				time.Sleep(100 * time.Millisecond)
				armed.Store(true)
				w.do(row.act)
				time.Sleep(time.Second)
				if now := w.assigned(); len(now) > 0 {
					t.Errorf("%q are assigned, and were cancelled", now)
				}
			})
		})
	}
}

// TestMaster_ReadsTasksWithoutAnInboxFirst: a master whose term begins beside more assigned
// tasks than one pass reads gets to a new task at once.
func TestMaster_ReadsTasksWithoutAnInboxFirst(t *testing.T) {
	const assigned = 4500
	inBubble(t, func(w *world) {
		w.makes("/tasks", "/workers", "/assign", "/assign/w1")
		for n := range assigned {
			task := fmt.Sprintf("task-%04d", n)
			w.do(zkapi.Multi(zkapi.Create("/tasks/"+task, nil, zkapi.Persistent), zkapi.Create("/assign/w1/"+task, nil, zkapi.Persistent)))
		}
		w.do(zkapi.Create("/tasks/task-new", nil, zkapi.Persistent))
		var mu sync.Mutex
		before, seen := 0, false
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			mu.Lock()
			defer mu.Unlock()
			seen = seen || op.Path == "/tasks/task-new"
			if name := strings.TrimPrefix(op.Path, "/tasks/task-"); name != op.Path && !seen {
				before++
			}
		})
		w.master(recipe.MasterConfig{Name: "m1"})
		w.within(time.Minute, "the new task is read", func() bool { mu.Lock(); defer mu.Unlock(); return seen })
		if before > 0 {
			t.Errorf("%d others were read before", before)
		}
	})
}

// TestMaster_ReadsTasksInAnInboxBesideManyOthers: however many new tasks there are, a cancelled
// task that a worker has is found with the first of them.
func TestMaster_ReadsTasksInAnInboxBesideManyOthers(t *testing.T) {
	const waiting = 9000
	inBubble(t, func(w *world) {
		w.makes("/tasks", "/workers", "/assign", "/assign/w1", "/tasks/held", "/assign/w1/held")
		for n := range waiting {
			w.do(zkapi.Create(fmt.Sprintf("/tasks/task-%04d", n), nil, zkapi.Persistent))
		}
		var mu sync.Mutex
		before, seen := 0, false
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			mu.Lock()
			defer mu.Unlock()
			seen = seen || op.Path == "/tasks/held"
			if strings.HasPrefix(op.Path, "/tasks/task-") && !seen {
				before++
			}
		})
		w.master(recipe.MasterConfig{Name: "m1"})
		w.within(time.Minute, "the task that is held is read", func() bool { mu.Lock(); defer mu.Unlock(); return seen })
		if before >= 2000 {
			t.Errorf("%d others were read before", before)
		}
	})
}

// TestMaster_ReadsAFinishedTaskNoMore: a session that follows the tasks tells of a status, so the
// master reads a task once, when it is new.
func TestMaster_ReadsAFinishedTaskNoMore(t *testing.T) {
	const tasks = 500
	var mu sync.Mutex
	of := map[string]int{} // requests for tasks, by kind and whose session
	inBubble(t, func(w *world) {
		seen := w.resyncs()
		master := w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) { return nil, nil })
		w.within(time.Second, "w1 is known", func() bool { return alive(master, "w1").Incarnation == 1 })
		leader := w.do(zkapi.Exists("/master")).Stat.EphemeralOwner
		seen.next()
		w.env.Server.Observe(func(session int64, op zkapi.Op) {
			mu.Lock()
			defer mu.Unlock()
			if session == leader && strings.HasPrefix(op.Path, "/tasks/") {
				of[op.Kind.String()]++
			}
		})
		var ops []zkapi.Op
		for n := range tasks {
			ops = append(ops, zkapi.Create(fmt.Sprintf("/tasks/task-%03d", n), nil, zkapi.Persistent))
		}
		w.do(zkapi.Multi(ops...))
		w.within(time.Second, "all are finished", func() bool {
			now, _ := master.Snapshot()
			return !slices.ContainsFunc(now.Tasks, func(one recipe.TaskInfo) bool { return one.State != recipe.Finished }) && len(now.Tasks) == tasks
		})
	})
	if of["get"] != tasks || len(of) > 1 {
		t.Errorf("the master has asked for tasks: %v, and not for each of %d once", of, tasks)
	}
}

// TestMaster_ReadsATaskNoMoreThatEndsWithinAPass: a task ends when the master has looked at the
// inbox, and has not yet looked at the tasks. Then the inbox shows later that it was given back.
func TestMaster_ReadsATaskNoMoreThatEndsWithinAPass(t *testing.T) {
	var reads atomic.Int64
	inBubble(t, func(w *world) {
		seen := w.resyncs()
		var armed atomic.Bool
		master := w.masterOf(&sieve{Env: w.env, before: func(op zkapi.Op) {
			if op.Follow && op.Path == "/tasks" && armed.CompareAndSwap(true, false) {
				w.do(zkapi.Multi(zkapi.Delete("/assign/w1/t1", zkapi.AnyVersion), zkapi.Create("/tasks/t1/status", nil, zkapi.Persistent)))
			}
		}})
		w.byHand("w1")
		w.within(time.Second, "the inbox is there", func() bool { return len(w.do(zkapi.Children("/assign")).Children) == 1 })
		w.do(zkapi.Create("/tasks/t1", nil, zkapi.Persistent))
		w.within(time.Second, "t1 is assigned", func() bool { return len(w.assigned()) == 1 })
		seen.next()
		time.Sleep(100 * time.Millisecond)
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Path == "/tasks/t1" {
				reads.Add(1)
			}
		})
		armed.Store(true)
		w.do(zkapi.Create("/tasks/t2", nil, zkapi.Persistent))
		time.Sleep(time.Second)
		now, _ := master.Snapshot()
		if armed.Load() || len(now.Tasks) != 2 || now.Tasks[0].State != recipe.Finished || now.Tasks[0].Worker != "" {
			t.Errorf("the master knows %+v", now.Tasks)
		}
	})
	if n := reads.Load(); n > 0 {
		t.Errorf("the master has read it %d times", n)
	}
}
