package recipe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// hand is one change that the test makes as a master would.
type hand struct {
	task string
	does string
	then time.Duration // until the next one
}

// howInboxesAreRead has the Envs of workers whose sessions tell the differences, those of which
// some answers are whole lists without need, and those that only tell whole lists.
var howInboxesAreRead = map[string]func(w *world) zkapi.Env{
	"differences": func(w *world) zkapi.Env { return w.env },
	"both":        func(w *world) zkapi.Env { return &following{Env: w.env, ctx: w.ctx, whole: 7} },
	"whole lists": func(w *world) zkapi.Env { return &sieve{Env: w.env, whole: func(string) bool { return true }} },
}

// handled plays hands against one worker and returns what it executes at the end, and what the
// tree says that it should.
func handled(t *testing.T, reads string, hands []hand) (runs, should []string) {
	inBubble(t, func(w *world) {
		h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
		h.begin(howInboxesAreRead[reads](w))
		for _, hand := range hands {
			h.play(hand)
			time.Sleep(hand.then)
		}
		time.Sleep(10 * time.Second)
		for _, name := range w.do(zkapi.Children("/assign/w1")).Children {
			var record struct{ Attempt int }
			if err := json.Unmarshal(w.do(zkapi.Get("/assign/w1/"+name)).Data, &record); err != nil {
				t.Fatal(err)
			}
			should = append(should, fmt.Sprint(name, " ", record.Attempt))
		}
		runs = h.runs()
	})
	return runs, should
}

// handMaster plays the master of one worker, whose handlers return when they are told to.
type handMaster struct {
	*world
	attempts map[string]int // of each task

	mu      sync.Mutex
	running map[string]int // handlers, by task and attempt
}

// begin starts the worker.
func (h *handMaster) begin(env zkapi.Env) {
	h.t.Helper()
	for _, path := range []string{"/assign", "/workers", "/tasks"} {
		h.do(zkapi.Create(path, nil, zkapi.Persistent))
	}
	count := func(what string, n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.running[what] += n
	}
	worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		what := fmt.Sprint(task.Name, " ", task.Token.Attempt)
		count(what, 1)
		defer count(what, -1)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.work.Go(func() { _ = worker.Run(h.ctx) })
	h.within(time.Minute, "it is registered", func() bool { return h.do(zkapi.Exists("/workers/w1")).Found })
}

// runs lists the handlers that run.
func (h *handMaster) runs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for what, times := range h.running {
		all = append(all, slices.Repeat([]string{what}, times)...)
	}
	slices.Sort(all)
	return all
}

func (h *handMaster) play(one hand) {
	h.t.Helper()
	task, assignment := "/tasks/"+one.task, "/assign/w1/"+one.task
	there := h.do(zkapi.Exists(assignment)).Found
	record := func(extra string) []byte {
		return fmt.Appendf(nil, `{"epoch":1,"attempt":%d,"incarnation":1%s}`, h.attempts[one.task], extra)
	}
	var ops []zkapi.Op
	if !h.do(zkapi.Exists(task)).Found {
		data := []byte(nil)
		if strings.HasPrefix(one.task, "r") {
			data = []byte(`#ringmaster {"resident":true} x`)
		}
		mode := zkapi.Persistent
		if strings.HasPrefix(one.task, "e") {
			mode = zkapi.Ephemeral // which is no task
		}
		ops = append(ops, zkapi.Create(task, data, mode))
	}
	switch {
	case one.does == "assigns" && !there:
		h.attempts[one.task]++
		ops = append(ops, zkapi.Create(assignment, record(""), zkapi.Persistent))
	case one.does == "deletes" && there:
		ops = append(ops, zkapi.Delete(assignment, zkapi.AnyVersion))
	case one.does == "makes again" && there:
		ops = append(ops, zkapi.Delete(assignment, zkapi.AnyVersion))
		h.attempts[one.task]++
		ops = append(ops, zkapi.Create(assignment, record(""), zkapi.Persistent))
	case one.does == "revokes" && there:
		ops = append(ops, zkapi.Set(assignment, record(`,"revoked":true`), zkapi.AnyVersion))
	case one.does == "takes" && there:
		ops = append(ops, zkapi.Set(assignment, record(`,"taken":true,"reason":"it hangs"`), zkapi.AnyVersion),
			zkapi.Set("/workers/w1", nil, zkapi.AnyVersion))
	}
	if len(ops) == 0 {
		return
	}
	if _, err := h.direct.Do(h.ctx, zkapi.Multi(ops...)); err != nil && !there {
		h.t.Fatal(err) // otherwise the worker was faster
	}
}

// TestWorker_ExecutesWhatTheTreeSaysHoweverItReadsItsInbox: whatever a master does, in the end
// a worker executes what the tree says, whether its session tells the differences or whole
// lists. The two trees may differ, because a task can be given back just before or just after
// the master changes it.
func TestWorker_ExecutesWhatTheTreeSaysHoweverItReadsItsInbox(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		hands := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) hand {
			return hand{
				task: rapid.SampledFrom([]string{"o1", "o2", "r1", "r2"}).Draw(rt, "task"),
				does: rapid.SampledFrom([]string{"assigns", "assigns", "deletes", "makes again", "revokes", "takes"}).Draw(rt, "does"),
				then: rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 20 * time.Millisecond, 3 * time.Second}).Draw(rt, "then"),
			}
		}), 1, 20).Draw(rt, "hands")
		for _, reads := range slices.Sorted(maps.Keys(howInboxesAreRead)) {
			if runs, should := handled(t, reads, hands); !slices.Equal(runs, should) {
				rt.Fatalf("%s: it executes %q, not %q", reads, runs, should)
			}
		}
	})
}

// TestWorker_SeesEachAssignmentThatIsMadeAgain: a worker that reads whole lists has seen that an
// assignment was made again, and is about to read the new one. If another one is made again
// meanwhile, the worker sees that, too.
func TestWorker_SeesEachAssignmentThatIsMadeAgain(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond} {
		runs, should := handled(t, "whole lists", []hand{
			{"o1", "assigns", 0}, {"o2", "assigns", time.Second}, {"o1", "makes again", pause}, {"o2", "makes again", 0},
		})
		if !slices.Equal(runs, should) {
			t.Errorf("%v between the two: it executes %q, not %q", pause, runs, should)
		}
	}
}

// TestWorker_ComparesAgainAfterALostAnswer: the connection is lost while a worker compares the
// assignments that it holds, because the count of the inbox shows that one was made again.
func TestWorker_ComparesAgainAfterALostAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
		h.begin(howInboxesAreRead["whole lists"](w))
		h.play(hand{task: "o1", does: "assigns"})
		w.within(time.Second, "it runs", func() bool { return slices.Equal(h.runs(), []string{"o1 1"}) })
		lost := w.loseOnce(zk.ReplyLost, func(op zkapi.Op) bool { return op.Kind == zkapi.KindExists && op.Path == "/assign/w1/o1" })
		w.do(zkapi.Multi(remove("/assign/w1/o1"), create("/assign/w1/o1", `{"epoch":1,"attempt":2,"incarnation":1}`)))
		w.within(30*time.Second, "the new one runs", func() bool { return slices.Equal(h.runs(), []string{"o1 2"}) })
		if !lost.Load() {
			t.Error("no answer was lost")
		}
	})
}

// TestWorker_TakesOverEachDifferenceAtOnce: a worker whose session tells the differences does
// not need the next whole list for any of them.
func TestWorker_TakesOverEachDifferenceAtOnce(t *testing.T) {
	for _, row := range []struct {
		says   string
		before []hand
		act    func(h *handMaster)
		after  []string
	}{
		{"one is assigned", nil, func(h *handMaster) { h.play(hand{task: "o1", does: "assigns"}) }, []string{"o1 1"}},
		{"one is deleted", []hand{{task: "o1", does: "assigns"}, {task: "o2", does: "assigns"}}, func(h *handMaster) { h.play(hand{task: "o1", does: "deletes"}) }, []string{"o2 1"}},
		{"one is deleted and made again", []hand{{task: "o1", does: "assigns"}}, func(h *handMaster) { h.play(hand{task: "o1", does: "makes again"}) }, []string{"o1 2"}},
		{"a resident task is revoked", []hand{{task: "r1", does: "assigns"}, {task: "r2", does: "assigns"}}, func(h *handMaster) { h.play(hand{task: "r1", does: "revokes"}) }, []string{"r2 1"}},
		{"an ordinary task is taken", []hand{{task: "o1", does: "assigns"}, {task: "o2", does: "assigns"}}, func(h *handMaster) { h.play(hand{task: "o2", does: "takes"}) }, []string{"o1 1"}},
		{"a task that is none becomes one", []hand{{task: "e1", does: "assigns"}}, func(h *handMaster) {
			h.do(zkapi.Delete("/tasks/e1", zkapi.AnyVersion))
			h.do(zkapi.Create("/tasks/e1", nil, zkapi.Persistent))
		}, []string{"e1 1"}},
	} {
		t.Run(row.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
				env := &following{Env: w.env, ctx: w.ctx}
				h.begin(env)
				for before := env.resyncs.Load(); env.resyncs.Load() == before; {
					time.Sleep(10 * time.Millisecond)
				}
				for _, hand := range row.before {
					h.play(hand)
				}
				time.Sleep(200 * time.Millisecond)
				resyncs := env.resyncs.Load()
				row.act(&h)
				time.Sleep(1200 * time.Millisecond) // a quarantine lasts a second at first
				if runs := h.runs(); !slices.Equal(runs, row.after) {
					t.Errorf("it executes %q, not %q", runs, row.after)
				}
				if n := env.resyncs.Load() - resyncs; n > 0 {
					t.Errorf("it has read %d whole lists meanwhile", n)
				}
			})
		})
	}
}

// TestWorker_ReadsEverythingAgainAtABoundedRate: the more tasks a worker holds, the rarer are
// the resyncs in which it reads all of them.
func TestWorker_ReadsEverythingAgainAtABoundedRate(t *testing.T) {
	for tasks, resyncs := range map[int]int64{0: 3, 3: 3, 999: 3, 2500: 2} {
		t.Run(fmt.Sprint(tasks), func(t *testing.T) {
			inBubble(t, func(w *world) {
				h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
				env := &following{Env: w.env, ctx: w.ctx}
				h.begin(env)
				for n := range tasks {
					h.play(hand{task: fmt.Sprint("r", n), does: "assigns"})
				}
				h.within(time.Minute, "all run", func() bool { return len(h.runs()) == tasks })
				time.Sleep(10 * time.Second)
				before := env.resyncs.Load()
				time.Sleep(time.Minute)
				if n := env.resyncs.Load() - before; n < resyncs-1 || n > resyncs+1 {
					t.Errorf("%d in a minute, not %d", n, resyncs)
				}
			})
		})
	}
}

// TestWorker_FindsInAWholeListWhatItIsNotTold: a server does not tell a session about a child that the
// session may not read. A worker that holds nothing finds it within 22 seconds all the same.
func TestWorker_FindsInAWholeListWhatItIsNotTold(t *testing.T) {
	inBubble(t, func(w *world) {
		h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
		h.begin(&sieve{Env: w.env, hidden: "o1"})
		time.Sleep(5 * time.Second)
		h.play(hand{task: "o1", does: "assigns"})
		w.within(22*time.Second, "it runs", func() bool { return slices.Equal(h.runs(), []string{"o1 1"}) })
	})
}

// TestWorker_LooksSoonAtWhatWasRefused: a worker may not read for a moment what a master has changed. It
// looks again at the next resync.
func TestWorker_LooksSoonAtWhatWasRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		h := handMaster{world: w, attempts: map[string]int{}, running: map[string]int{}}
		h.begin(w.env)
		h.play(hand{task: "r1", does: "assigns"})
		w.within(time.Second, "it runs", func() bool { return slices.Equal(h.runs(), []string{"r1 1"}) })
		var refuses atomic.Bool
		refuses.Store(true)
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if refuses.Load() && session != w.direct.ID() && op.Kind == zkapi.KindGet && op.Path == "/assign/w1/r1" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		h.play(hand{task: "r1", does: "revokes"})
		time.Sleep(time.Second)
		refuses.Store(false)
		w.within(2*resync, "it is given back", func() bool { return len(h.runs()) == 0 })
	})
}

// resync is how often a worker or a master looks for what it may have missed.
const resync = 2 * time.Second
