package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These tests put znodes of another kind where ephemerals belong, as they are in a
// tree that was copied, or made without -e.

const (
	container = -1 << 63
	ttlZnode  = -1<<56 + 60_000
)

// journal keeps what a role logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) observers() recipe.Observers {
	return recipe.Observers{Logger: slog.New(slog.NewTextHandler(j, nil))}
}

// warnings counts the lines at warn level or above that tell of something.
func (j *journal) warnings(of string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for line := range strings.Lines(j.text.String()) {
		if (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) && strings.Contains(line, of) {
			n++
		}
	}
	return n
}

// lines are the lines with a text in them.
func (j *journal) lines(with string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

func leading(m *recipe.Master) func() bool { return func() bool { return leads(m) } }

func (w *world) parents() {
	w.t.Helper()
	for _, p := range []string{"/workers", "/tasks", "/assign", "/candidates"} {
		w.do(zkapi.Create(p, nil, zkapi.Persistent))
	}
}

func (w *world) plant(path, data string, owner int64) {
	w.t.Helper()
	if err := w.env.Server.CreateAs(path, []byte(data), owner); err != nil {
		w.t.Fatal(err)
	}
}

func TestQueue_PassesOverOtherZnodes(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.do(zkapi.Create("/candidates/foo", nil, zkapi.Persistent))
		w.do(zkapi.Create("/candidates/bar", nil, zkapi.Ephemeral))           // of a session that lives, but stands in no line
		w.do(zkapi.Create("/candidates/c-", nil, zkapi.PersistentSequential)) // with number 2
		w.plant("/candidates/c-0000000000", "", container)
		w.plant("/candidates/c-0000000001", "", ttlZnode)
		var log journal
		m1 := w.master(recipe.MasterConfig{Name: "m1", Queue: true, Observers: log.observers()})
		w.within(5*time.Second, "m1 leads", leading(m1))
		m2 := w.master(recipe.MasterConfig{Name: "m2", Queue: true, Observers: log.observers()})
		time.Sleep(time.Minute)
		if !leads(m1) || leads(m2) {
			t.Fatalf("m1 leads is %v, m2 leads is %v", leads(m1), leads(m2))
		}
		w.expireOwner("/master")
		w.within(time.Minute, "m2 leads", leading(m2))
		for _, stray := range []string{"foo", "bar", "c-0000000000", "c-0000000001", "c-0000000002"} {
			if n := log.warnings("znode=/candidates/" + stray + " "); n != 2 { // each master once
				t.Errorf("%s was told of %d times by two masters", stray, n)
			}
			w.do(zkapi.Get("/candidates/" + stray))
		}
	})
}

func TestQueue_WaitsForALiveCandidateMadeByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		hand := w.do(zkapi.Create("/candidates/by-hand-", nil, zkapi.EphemeralSequential)).Path
		m := w.master(recipe.MasterConfig{Name: "m1", Queue: true})
		time.Sleep(time.Minute)
		if leads(m) {
			t.Fatal("a master leads before the candidate in front of it has gone")
		}
		w.do(zkapi.Delete(hand, zkapi.AnyVersion))
		w.within(time.Minute, "m1 leads", leading(m))
	})
}

func TestElection_ReportsAMasterWithoutASession(t *testing.T) {
	for name, owner := range map[string]int64{"persistent": 0, "container": container, "TTL": ttlZnode} {
		inBubble(t, func(w *world) {
			w.parents()
			w.plant("/master", "m9:1", owner)
			var log journal
			m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
			c := w.client()
			time.Sleep(time.Minute)
			if leads(m) {
				t.Fatal("a master leads beside /master")
			}
			if n := log.warnings("znode=/master "); n != 1 || log.warnings("delete /master") != 1 || log.warnings(name) != 1 {
				t.Errorf("%d warnings:\n%s", n, log.text.String())
			}
			if leader, err := c.Leader(w.ctx); err != nil || leader != (recipe.Leader{}) {
				t.Errorf("the leader is %+v, %v", leader, err)
			}
			o, err := c.Overview(w.ctx)
			if err != nil || o.Leader.Exists() || len(o.Problems) != 1 || o.Problems[0].Path != "/master" {
				t.Errorf("%+v, %v", o, err)
			}
			w.do(zkapi.Delete("/master", zkapi.AnyVersion))
			w.within(time.Second, "a master leads when the znode is gone", leading(m))
		})
	}
}

func TestElection_LetsAPersonLeadByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.do(zkapi.Create("/master", []byte("m9:2223"), zkapi.Ephemeral))
		var log journal
		m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
		time.Sleep(time.Minute)
		leader, err := w.client().Leader(w.ctx)
		if leads(m) || log.warnings("") != 0 || err != nil || leader.Address != "m9:2223" {
			t.Fatalf("leads %v, leader %+v, %v\n%s", leads(m), leader, err, log.text.String())
		}
		w.do(zkapi.Delete("/master", zkapi.AnyVersion))
		w.within(time.Second, "m1 leads", leading(m))
	})
}

func TestMaster_AssignsNothingToAWorkerWithoutASession(t *testing.T) {
	for _, owner := range []int64{0, container, ttlZnode} {
		inBubble(t, func(w *world) {
			w.parents()
			w.plant("/workers/dead", "", owner)
			w.do(zkapi.Create("/assign/dead", nil, zkapi.Persistent))
			w.plant("/workers/new", "", owner) // that has no inbox
			var log journal
			m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
			w.worker("w1", echo)
			c := w.client()
			for range 9 {
				limited, cancel := context.WithTimeout(w.ctx, time.Second)
				if _, err := c.Do(limited, []byte("it")); err != nil {
					t.Fatal(err)
				}
				cancel()
			}
			time.Sleep(time.Minute)
			for _, path := range []string{"/workers/dead", "/workers/new"} {
				if n := log.warnings("znode=" + path + " "); n != 1 {
					t.Errorf("%s was told of %d times", path, n)
				}
			}
			if s, _ := m.Snapshot(); slices.ContainsFunc(s.Workers, func(i recipe.WorkerInfo) bool { return i.Alive != (i.Name == "w1") }) {
				t.Errorf("workers %+v", s.Workers)
			}
			o, err := c.Overview(w.ctx)
			if err != nil || len(o.Problems) != 2 || len(o.Workers) != 1 {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

// TestMaster_TakesTasksFromAWorkerThatABackupBroughtBack: a worker's znode is
// replaced by a persistent one at the moment of its death.
func TestMaster_TakesTasksFromAWorkerThatABackupBroughtBack(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var log journal
		hangs := func(ctx context.Context, _ recipe.Task) (recipe.Result, error) { <-ctx.Done(); return nil, ctx.Err() }
		w.worker("w1", hangs)
		c := w.client()
		submitted, err := c.Submit(w.ctx, []byte("it"))
		task := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		assigned := func(to string) func() bool {
			return func() bool { return w.holder(task) == to }
		}
		w.within(time.Second, "w1 holds it", assigned("w1"))
		again, err := recipe.NewWorker(w.env, recipe.WorkerConfig{Name: "w1", Handler: echo, Observers: log.observers()})
		if err != nil {
			t.Fatal(err)
		}
		w.expireOwner("/workers/w1")
		w.do(zkapi.Create("/workers/w1", nil, zkapi.Persistent))
		w.work.Go(func() { _ = again.Run(w.ctx) })
		w.within(time.Second, "w2 is there", func() bool { w.worker("w2", echo); return true })
		status, err := c.Await(w.ctx, task)
		if err != nil || status.Worker != "w2" {
			t.Fatalf("%+v, %v", status, err)
		}
		time.Sleep(time.Minute)
		if n := log.warnings("znode=/workers/w1 "); n != 1 {
			t.Errorf("the worker told of it %d times:\n%s", n, log.text.String())
		}
		if w.do(zkapi.Exists("/workers/w1")).Stat.EphemeralOwner != 0 {
			t.Fatal("a role has deleted the znode")
		}
		w.do(zkapi.Delete("/workers/w1", zkapi.AnyVersion))
		w.within(5*time.Second, "w1 is back", func() bool { return w.do(zkapi.Exists("/workers/w1")).Stat.Alive() })
	})
}

// TestMaster_GivesTasksToAWorkerByHandOnceItIsAlive: the znode was made without -e,
// is deleted, and is made again as it should be.
func TestMaster_GivesTasksToAWorkerByHandOnceItIsAlive(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.within(time.Second, "the parents are there", func() bool { return w.do(zkapi.Exists("/workers")).Found })
		w.do(zkapi.Create("/workers/w1", nil, zkapi.Persistent))
		if _, err := w.client().Submit(w.ctx, []byte("it"), recipe.ID("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		w.do(zkapi.Delete("/workers/w1", zkapi.AnyVersion))
		w.do(zkapi.Create("/workers/w1", nil, zkapi.Ephemeral))
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/task-x")).Found })
	})
}

func TestMaster_CountsNoProgressWithoutASession(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
		w.within(time.Second, "the parents are there", func() bool { return w.do(zkapi.Exists("/assign")).Found })
		w.do(zkapi.Create("/workers/hand", nil, zkapi.Ephemeral))
		c := w.client()
		submitted, err := c.Submit(w.ctx, []byte("it"), recipe.HeartbeatTimeout(10*time.Second))
		task := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/hand/" + task)).Found })
		w.do(zkapi.Create("/tasks/"+task+"/progress", nil, zkapi.Persistent))
		for range 15 {
			time.Sleep(time.Second)
			w.do(zkapi.Set("/tasks/"+task+"/progress", nil, zkapi.AnyVersion))
		}
		w.within(time.Second, "the attempt has ended", func() bool { return w.do(zkapi.Exists("/tasks/" + task + "/attempt-1")).Found })
		if log.warnings("/progress ") != 1 {
			t.Errorf("told:\n%s", log.text.String())
		}
		o, err := c.Overview(w.ctx)
		if err != nil || len(o.Problems) != 1 || o.Problems[0].Path != "/tasks/"+task+"/progress" {
			t.Errorf("%+v, %v", o.Problems, err)
		}
	})
}

// TestRoles_WaitUntilAClaimCanStay: what is a claim must not be deleted by the server.
func TestRoles_WaitUntilAClaimCanStay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.plant("/assign", "", container)
		w.plant("/workers", "", int64(w.direct.ID()))
		var log journal
		m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
		time.Sleep(10 * time.Second)
		if log.warnings("znode=/workers ") != 1 {
			t.Errorf("told:\n%s", log.text.String())
		}
		w.do(zkapi.Delete("/workers", zkapi.AnyVersion))
		time.Sleep(10 * time.Second)
		if leads(m) || log.warnings("znode=/assign ") != 1 {
			t.Errorf("leads %v, told:\n%s", leads(m), log.text.String())
		}
		w.do(zkapi.Delete("/assign", zkapi.AnyVersion))
		w.do(zkapi.Create("/assign", nil, zkapi.Persistent))
		w.within(5*time.Second, "m1 leads", leading(m))
	})
}

// TestStatus_EphemeralIsNoResult: nobody takes it for one, whoever executes the task
// holds its result back until it is gone, and no token is given out twice.
func TestStatus_EphemeralIsNoResult(t *testing.T) {
	for name, owner := range map[string]int64{"ephemeral": 0, "container": container, "TTL": ttlZnode} {
		for _, assigned := range []bool{true, false} {
			inBubble(t, func(w *world) {
				var log journal
				m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
				tokens := map[recipe.Token]int{}
				if !assigned {
					w.within(time.Second, "the parents are there", func() bool { return w.do(zkapi.Exists("/tasks")).Found })
				}
				works := func() {
					w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
						tokens[task.Token]++
						time.Sleep(5 * time.Second)
						return echo(ctx, task)
					})
				}
				if assigned {
					works()
				}
				w.submit(recipe.ID("x"))
				time.Sleep(time.Second)
				if owner == 0 {
					w.do(zkapi.Create("/tasks/task-x/status", []byte("squat"), zkapi.Ephemeral))
				} else {
					w.plant("/tasks/task-x/status", "squat", owner)
				}
				if !assigned {
					works()
				}
				c := w.client()
				limited, cancel := context.WithTimeout(w.ctx, 30*time.Second)
				if s, err := c.Await(limited, "task-x"); err == nil {
					t.Errorf("%s: it is taken for a result: %+v", name, s)
				}
				cancel()
				if _, err := c.Cancel(w.ctx, "task-x"); !errors.Is(err, recipe.ErrObstructed) {
					t.Errorf("%s: cancelling: %v", name, err)
				}
				if err := c.Collect(w.ctx, "task-x"); !errors.Is(err, recipe.ErrUnfinished) {
					t.Errorf("%s: collecting: %v", name, err)
				}
				o := w.overview()
				if len(o.Problems) != 1 || o.Problems[0].Path != "/tasks/task-x/status" || o.Tasks[0].State.Ended() {
					t.Errorf("%s: %+v %+v", name, o.Problems, o.Tasks)
				}
				if d, err := c.Inspect(w.ctx, "task-x"); err != nil || d.Status != nil || len(d.Problems) != 1 {
					t.Errorf("%s: %+v, %v", name, d, err)
				}
				if now, _ := m.Snapshot(); !assigned && len(now.Quarantined) != 1 || log.warnings("is quarantined") > 1 {
					t.Errorf("%s: %+v\n%s", name, now.Quarantined, log.text.String())
				}
				w.do(zkapi.Delete("/tasks/task-x/status", zkapi.AnyVersion))
				if s := w.await("task-x"); s.State != recipe.Done || string(s.Result) == "squat" {
					t.Errorf("%s: %+v", name, s)
				}
				for token, times := range tokens {
					if times != 1 {
						t.Errorf("%s: %+v was given out %d times", name, token, times)
					}
				}
			})
		}
	}
}

// TestSubmit_IgnoresAnEphemeralTask: a znode that goes with a session is none.
func TestSubmit_IgnoresAnEphemeralTask(t *testing.T) {
	for _, owner := range []int64{0, container, ttlZnode} {
		inBubble(t, func(w *world) {
			w.parents()
			if owner == 0 {
				w.do(zkapi.Create("/tasks/task-x", nil, zkapi.Ephemeral))
			} else {
				w.plant("/tasks/task-x", "", owner)
			}
			c := w.client()
			if got, err := c.Submit(w.ctx, nil, recipe.ID("x")); !errors.Is(err, recipe.ErrObstructed) || !strings.Contains(err.Error(), "deleteall /tasks/task-x") || errors.Is(err, recipe.ErrInDoubt) {
				t.Errorf("%+v, %v", got, err)
			}
			w.do(zkapi.Delete("/tasks/task-x", zkapi.AnyVersion))
			if _, err := c.Submit(w.ctx, nil, recipe.ID("x")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAssignment_EphemeralIsNotExecuted: the task would be given to others under the
// same token when it goes.
func TestAssignment_EphemeralIsNotExecuted(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		runs := 0
		w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: log.observers(), Handler: func(context.Context, recipe.Task) (recipe.Result, error) { runs++; return nil, nil }})
		w.registered("w1")
		w.submit(recipe.ID("x"))
		w.do(zkapi.Create("/assign/w1/task-x", nil, zkapi.Ephemeral))
		time.Sleep(time.Minute)
		if runs != 0 || log.warnings("/assign/w1/task-x is an ephemeral") != 1 {
			t.Errorf("it was executed %d times\n%s", runs, log.text.String())
		}
		w.do(zkapi.Delete("/assign/w1/task-x", zkapi.AnyVersion))
		w.master(recipe.MasterConfig{Name: "m1"})
		if w.await("task-x"); runs != 1 {
			t.Errorf("it was executed %d times", runs)
		}
	})
}

// TestParents_EphemeralStopOnlyTheRolesThatNeedThem: what a role can do without stops it not,
// and is told; status shows all of them.
func TestParents_EphemeralStopOnlyTheRolesThatNeedThem(t *testing.T) {
	for _, path := range []string{"/candidates", "/backlog", "/quarantine", "/format", "/collect"} {
		inBubble(t, func(w *world) {
			w.do(zkapi.Create(path, nil, zkapi.Ephemeral))
			var log journal
			m := w.master(recipe.MasterConfig{Name: "m1", Queue: true, MaxBacklog: 9, Observers: log.observers()})
			w.worker("w1", echo)
			w.within(10*time.Second, "m1 leads", leading(m))
			w.await(w.submit())
			o := w.overview()
			if len(o.Problems) != 1 || o.Problems[0].Path != path || log.warnings("znode="+path+" ") != 1 {
				t.Errorf("%s: %+v\n%s", path, o.Problems, log.text.String())
			}
		})
	}
	for _, path := range []string{"/candidates", "/backlog", "/quarantine", "/format", "/collect"} {
		inBubble(t, func(w *world) {
			w.plant(path, "", container)
			w.master(recipe.MasterConfig{Name: "m1"})
			w.worker("w1", echo)
			w.await(w.submit())
			if o := w.overview(); len(o.Problems) != 1 || o.Problems[0].Path != path {
				t.Errorf("%s: %+v", path, o.Problems)
			}
		})
	}
}
