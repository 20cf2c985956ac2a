package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// waits counts what roles wait for.
type waits struct {
	recipe.NoMetrics
	mu  sync.Mutex
	now map[string]int
}

func (w *waits) change(what string, by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now == nil {
		w.now = map[string]int{}
	}
	if w.now[what] += by; w.now[what] == 0 {
		delete(w.now, what)
	}
}

func (w *waits) WaitBegan(what string) { w.change(what, 1) }
func (w *waits) WaitEnded(what string) { w.change(what, -1) }

func (w *waits) of() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.now)
}

// watchedBy has the observers whose log and waits a test looks at.
func watchedBy(j *journal, m *waits) recipe.Observers {
	o := j.observers()
	o.Metrics = m
	return o
}

// toldWait checks a wait while it lasts, and when what it is for has come.
type toldWait struct {
	what   string   // as the metric has it
	begins []string // what is in the line at its beginning
	start  func(w *world, o recipe.Observers)
	free   func(w *world) // ends what is waited for
}

func (c toldWait) check(t *testing.T) {
	t.Helper()
	inBubble(t, func(w *world) {
		t := w.t
		var j journal
		var m waits
		c.start(w, watchedBy(&j, &m))
		time.Sleep(5 * timeout)
		said := j.lines(c.begins[0])
		if len(said) != 1 || m.of()[c.what] != 1 || len(m.of()) != 1 {
			t.Fatalf("while it lasts: %q, %v", said, m.of())
		}
		for _, text := range append(c.begins, "level=INFO") {
			if !strings.Contains(said[0], text) {
				t.Errorf("%q is not in %q", text, said[0])
			}
		}
		if over := j.lines("the wait is over"); len(over) != 0 {
			t.Errorf("while it lasts: %q", over)
		}
		c.free(w)
		time.Sleep(5 * timeout)
		over := j.lines("the wait is over")
		if len(over) != 1 || !strings.Contains(over[0], "for="+c.what) || !strings.Contains(over[0], "after=2") || len(m.of()) != 0 || len(j.lines(c.begins[0])) != 1 {
			t.Errorf("when it is over: %q, %v", over, m.of())
		}
	})
}

func TestWorker_SaysThatItsNameIsTaken(t *testing.T) {
	toldWait{"name", []string{`"the name is in use: waiting until that session ends; if another process runs, give this one a name of its own"`, `held_by=0x`},
		func(w *world, o recipe.Observers) {
			w.parents()
			other := w.env.Server.Open()
			if _, err := other.Do(w.ctx, zkapi.Create("/workers/w1", nil, zkapi.Ephemeral)); err != nil {
				t.Fatal(err)
			}
			w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: echo, Observers: o})
		},
		func(w *world) { w.expireOwner("/workers/w1") },
	}.check(t)
}

func TestMaster_SaysThatAnotherLeads(t *testing.T) {
	toldWait{"leadership", []string{`"another master leads: standing by"`, `held_by=0x`},
		func(w *world, o recipe.Observers) {
			first := w.master(recipe.MasterConfig{Name: "m1"})
			w.within(time.Second, "m1 leads", leading(first))
			w.master(recipe.MasterConfig{Name: "m2", Observers: o})
		},
		func(w *world) {
			first := w.ownerOf("/master")
			w.env.Server.Refuse(func(session int64, op zkapi.Op) error { // it is not to lead again
				if session != first.ID() && op.Kind == zkapi.KindMulti && strings.Contains(fmt.Sprint(op), "m1") {
					return zkapi.Answer(-125)
				}
				return nil
			})
			first.Expire()
		},
	}.check(t)
}

func TestQueue_SaysWhoIsInFront(t *testing.T) {
	toldWait{"queue", []string{`"waiting in the queue of candidates"`, "behind=c-by-hand-0000000000"},
		func(w *world, o recipe.Observers) {
			w.parents()
			other := w.env.Server.Open()
			if _, err := other.Do(w.ctx, zkapi.Create("/candidates/c-by-hand-", []byte("m1"), zkapi.EphemeralSequential)); err != nil {
				t.Fatal(err)
			}
			w.master(recipe.MasterConfig{Name: "m2", Queue: true, Observers: o})
		},
		func(w *world) { w.expireOwner("/candidates/c-by-hand-0000000000") },
	}.check(t)
}

// TestSubmit_SaysThatTheBacklogIsFull: once for all submissions of a client.
func TestSubmit_SaysThatTheBacklogIsFull(t *testing.T) {
	toldWait{"backlog", []string{`"the backlog is full: waiting for room"`, "max_backlog=1"},
		func(w *world, o recipe.Observers) {
			m := w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 1})
			w.within(time.Second, "it leads", leading(m))
			w.within(time.Second, "the bound is set", func() bool { return w.do(zkapi.Exists("/backlog")).Stat.DataLength > 0 })
			w.submitted("first")
			c, err := recipe.NewClient(w.env, recipe.ClientConfig{Observers: o})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				w.work.Go(func() { _, _ = c.Submit(w.ctx, nil) })
			}
		},
		func(w *world) { w.worker("w1", echo) },
	}.check(t)
}

// TestSubmit_WaitsAnewAfterItGaveUp: a submission whose context ends waits no longer, and
// the next one that waits is told again.
func TestSubmit_WaitsAnewAfterItGaveUp(t *testing.T) {
	inBubble(t, func(w *world) {
		var j journal
		var m waits
		master := w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 1})
		w.within(time.Second, "it leads", leading(master))
		w.within(time.Second, "the bound is set", func() bool { return w.do(zkapi.Exists("/backlog")).Stat.DataLength > 0 })
		w.submitted("first")
		c, err := recipe.NewClient(w.env, recipe.ClientConfig{Observers: watchedBy(&j, &m)})
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			if _, err := c.Submit(ctx, nil); !errors.Is(err, recipe.ErrBacklogFull) {
				t.Error(err)
			}
			cancel()
			if said := j.lines("the backlog is full"); len(said) != n || len(m.of()) != 0 || len(j.lines("the wait is over")) != 0 {
				t.Errorf("%q, %v", said, m.of())
			}
		}
	})
}

func TestCollect_SaysThatAMasterIsNeeded(t *testing.T) {
	toldWait{"master", []string{`"waiting for a master to remove a task"`, "task=task-a"},
		func(w *world, o recipe.Observers) {
			w.submitted("a")
			c, err := recipe.NewClient(w.env, recipe.ClientConfig{Observers: o})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Cancel(w.ctx, "task-a"); err != nil {
				t.Fatal(err)
			}
			w.work.Go(func() { _ = c.Collect(w.ctx, "task-a") })
		},
		func(w *world) { w.master(recipe.MasterConfig{Name: "m1"}) },
	}.check(t)
}

func TestRoles_CountTheWaitForASession(t *testing.T) {
	inBubble(t, func(w *world) {
		var j journal
		var m waits
		env := cutOff{w.env}
		worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: echo, Observers: watchedBy(&j, &m)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := recipe.NewClient(env, recipe.ClientConfig{Observers: watchedBy(&j, &m)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.ctx)
		w.work.Go(func() { _ = worker.Run(ctx) })
		w.work.Go(func() { _, _ = c.Submit(ctx, nil) })
		time.Sleep(time.Second)
		if got := m.of(); got["session"] != 2 {
			t.Errorf("%v", got)
		}
		cancel()
		_ = c.Close(w.ctx)
		_ = worker.Close(w.ctx)
		if got := m.of(); len(got) != 0 {
			t.Errorf("at the end: %v", got)
		}
	})
}

func TestWorker_ThatStopsWaitsNoLonger(t *testing.T) {
	inBubble(t, func(w *world) {
		var j journal
		var m waits
		w.parents()
		w.do(zkapi.Create("/workers/w1", nil, zkapi.Ephemeral))
		worker := w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: echo, Observers: watchedBy(&j, &m)})
		w.within(time.Second, "it waits", func() bool { return m.of()["name"] == 1 })
		if err := worker.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if over := j.lines("the wait is over"); len(over) != 0 || len(m.of()) != 0 {
			t.Errorf("%q, %v", over, m.of())
		}
	})
}
