package recipe_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// planted panics; its name is in the stack.
func planted() { panic("boom") }

// TestWorker_LogsWhyAnAttemptFails: once at level warn, with task, attempt and reason, and a
// panic with the stack of the handler.
func TestWorker_LogsWhyAnAttemptFails(t *testing.T) {
	fails := func(fail func(context.Context) error) recipe.Handler {
		return func(ctx context.Context, _ recipe.Task) (recipe.Result, error) { return nil, fail(ctx) }
	}
	for name, c := range map[string]struct {
		handler recipe.Handler
		options []recipe.SubmitOption
		want    []string // what is in the line
	}{
		"error": {fails(func(context.Context) error { return errors.New("disk is full") }), nil,
			[]string{`"a handler has failed"`, `error="disk is full"`}},
		"panic": {fails(func(context.Context) error { planted(); return nil }), nil,
			[]string{`"a handler has failed"`, `error="handler panicked: boom"`, "stack=", "recipe_test.planted"}},
		"exit": {fails(func(context.Context) error { runtime.Goexit(); return nil }), nil,
			[]string{`"a handler has failed"`, "ended its goroutine"}},
		"large": {func(context.Context, recipe.Task) (recipe.Result, error) {
			return make([]byte, recipe.MaxResult+1), nil
		}, nil,
			[]string{`"a handler has failed"`, "the result has 262145 bytes"}},
		"timeout": {fails(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }), []recipe.SubmitOption{recipe.Timeout(time.Second)},
			[]string{`"an attempt has timed out"`, "after 1s"}},
		"silent": {fails(func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }), []recipe.SubmitOption{recipe.HeartbeatTimeout(time.Second)},
			[]string{`"the master takes a task back"`, `error="no progress for 1s"`}},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(w *world) {
				var j journal
				w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 1})
				w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: c.handler, Observers: j.observers()})
				w.await(w.submitted("a", c.options...))
				synctest.Wait()
				said := j.lines("level=WARN")
				if len(said) != 1 {
					t.Fatalf("%q", said)
				}
				for _, text := range append(c.want, "worker=w1", "task=task-a", "attempt=1") {
					if !strings.Contains(said[0], text) {
						t.Errorf("%q is not in %q", text, said[0])
					}
				}
			})
		})
	}
}

// submitted hands in a task with that id, and returns its name.
func (w *world) submitted(id string, options ...recipe.SubmitOption) string {
	w.t.Helper()
	s, err := w.client().Submit(w.ctx, nil, append(options, recipe.ID(id))...)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Task
}

// TestWorker_LogsAPanicAfterItsAttempt: a handler that fails when its time is over is a
// defect that nothing else shows.
func TestWorker_LogsAPanicAfterItsAttempt(t *testing.T) {
	bothWays(t, func(w *world) {
		var j journal
		w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 1})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: j.observers(), Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			planted()
			return nil, nil
		}})
		if status := w.await(w.submitted("a", recipe.Timeout(time.Second))); status.State != recipe.Failed {
			t.Errorf("%+v", status)
		}
		synctest.Wait() // the handler panics at that moment
		if said := j.lines("boom"); len(said) != 1 || !strings.Contains(said[0], "recipe_test.planted") {
			t.Errorf("%q", said)
		}
	})
}

// TestWorker_DoesNotLogAHandlerThatObeys: handlers that end because the worker leaves, or the
// task is cancelled, have not failed.
func TestWorker_DoesNotLogAHandlerThatObeys(t *testing.T) {
	for _, own := range []bool{false, true} {
		bothWays(t, func(w *world) {
			var j journal
			w.master(recipe.MasterConfig{Name: "m1"})
			worker := w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: j.observers(), Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
				<-ctx.Done()
				if own {
					return nil, ctx.Err()
				}
				return nil, context.Cause(ctx)
			}})
			c := w.client()
			left, cancelled := w.submitted("left"), w.submitted("cancelled")
			w.within(time.Second, "both run", func() bool { return w.holder(left) == "w1" && w.holder(cancelled) == "w1" })
			if _, err := c.Cancel(w.ctx, cancelled); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			ctx, cancel := context.WithCancel(w.ctx)
			cancel()
			_ = worker.Close(ctx)
			synctest.Wait()
			if said := j.lines("level=WARN"); len(said) != 0 {
				t.Errorf("%q", said)
			}
		})
	}
}
