package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// finish gives tasks their statuses in the order of numbers: the task n.007 gets the result 7.
func (w *world) finish(numbers ...int) {
	w.t.Helper()
	for _, n := range numbers {
		w.do(zkapi.Create(fmt.Sprintf("/tasks/task-n.%03d/status", n), fmt.Append(nil, "result ", n), zkapi.Persistent))
	}
}

// manyTasks are tasks of numbered, by their names.
func (w *world) manyTasks(n int) (names []string) {
	w.t.Helper()
	w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
	for i := range n {
		names = append(names, fmt.Sprintf("task-n.%03d", i))
		w.do(zkapi.Create("/tasks/"+names[i], nil, zkapi.Persistent))
	}
	return names
}

// TestAwaitAll_NeedsOneWatch: the results are in the order of the tasks, whatever the order in
// which they end, with one watch at a time and a bounded number of reads.
func TestAwaitAll_NeedsOneWatch(t *testing.T) {
	const n = 3000
	inOrder, backwards, mixed := make([]int, n), make([]int, n), make([]int, n)
	for i := range n {
		inOrder[i], backwards[i], mixed[i] = i, n-1-i, i*7%n
	}
	for what, order := range map[string][]int{"there before": nil, "in order": inOrder, "backwards": backwards, "mixed": mixed} {
		inBubble(t, func(w *world) {
			names := w.manyTasks(n)
			if order == nil {
				w.finish(inOrder...)
			}
			var mu sync.Mutex
			watches, reads := 0, 0
			w.env.Server.Observe(func(session int64, op zkapi.Op) {
				mu.Lock()
				defer mu.Unlock()
				if session == w.direct.ID() {
					return
				}
				reads++
				if op.Watch {
					watches++
				}
			})
			w.work.Go(func() {
				for _, i := range order {
					w.finish(i)
					time.Sleep(time.Millisecond)
				}
			})
			ended := 0
			for awaited, err := range w.client().AwaitAll(w.ctx, slices.Values(names)) {
				if err != nil || awaited.Task != names[ended] || string(awaited.Result) != fmt.Sprint("result ", ended) || awaited.State != recipe.Done {
					t.Fatalf("%s: number %d: %+v, %v", what, ended, awaited, err)
				}
				ended++
			}
			mu.Lock()
			defer mu.Unlock()
			if ended != n || reads > 6*n || order == nil && watches > 10 {
				t.Errorf("%s: %d results, %d reads, %d watches", what, ended, reads, watches)
			}
		})
	}
}

// TestAwaitAll_HasOneOutcomeForEach: a task that is not there, a name that is none, a status that
// is in the way, and lost answers concern no other task.
func TestAwaitAll_HasOneOutcomeForEach(t *testing.T) {
	inBubble(t, func(w *world) {
		names := w.manyTasks(200)
		names[50], names[60] = "no/task", "task-none"
		for n := range 200 {
			if n != 70 && n != 150 {
				w.finish(n)
			}
		}
		w.do(zkapi.Create("/tasks/task-n.070/status", []byte("fleeting"), zkapi.Ephemeral))
		lost := 0
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if lost++; lost%17 == 0 && strings.HasSuffix(op.Path, "/status") {
				return zk.ReplyLost
			}
			return zk.None
		})
		w.work.Go(func() {
			time.Sleep(time.Minute)
			w.do(zkapi.Delete("/tasks/task-n.070/status", -1))
			w.finish(70)
		})
		ctx, cancel := context.WithTimeoutCause(w.ctx, time.Hour, errors.New("late"))
		defer cancel()
		n := 0
		for awaited, err := range w.client().AwaitAll(ctx, slices.Values(names)) {
			switch {
			case n == 50:
				if !errors.Is(err, recipe.ErrInvalid) {
					t.Errorf("number %d: %v", n, err)
				}
			case n == 60:
				if !errors.Is(err, recipe.ErrNoTask) {
					t.Errorf("number %d: %v", n, err)
				}
			case n == 150:
				if err == nil || err.Error() != "late" {
					t.Errorf("number %d: %v", n, err)
				}
			case n < 150 && (err != nil || string(awaited.Result) != fmt.Sprint("result ", n)):
				t.Errorf("number %d: %+v, %v", n, awaited, err)
			}
			if awaited.Task != names[n] {
				t.Errorf("number %d: %+v", n, awaited)
			}
			n++
		}
		if n != len(names) {
			t.Errorf("%d outcomes", n)
		}
	})
}

// TestAll_AreOnePipeline: tasks are submitted, awaited and collected while the input is still
// read, and a bounded number of them is in between.
func TestAll_AreOnePipeline(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 64, Handler: echo})
		c := w.client()
		const n = 2000
		accepted := func(yield func(string) bool) {
			for submitted, err := range c.SubmitAll(w.ctx, slices.Values(numbered(n))) {
				if err != nil || !yield(submitted.Task) {
					t.Errorf("%+v, %v", submitted, err)
					return
				}
			}
		}
		results := 0
		ended := func(yield func(string) bool) {
			for awaited, err := range c.AwaitAll(w.ctx, accepted) {
				if err != nil || string(awaited.Result) != fmt.Sprint("did ", results) || !yield(awaited.Task) {
					t.Errorf("%+v, %v", awaited, err)
					return
				}
				results++
			}
		}
		collected := 0
		for task, err := range c.CollectAll(w.ctx, ended) {
			if err != nil || task != fmt.Sprintf("task-n.%03d", collected) {
				t.Fatalf("%s: %v", task, err)
			}
			collected++
		}
		if left := w.do(zkapi.Children("/tasks")).Children; collected != n || len(left) != 0 {
			t.Errorf("%d were collected, %d are left", collected, len(left))
		}
	})
}
