package recipe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestFailedError_HasTheReasonOfTheLastAttempt: whoever has ended that.
func TestFailedError_HasTheReasonOfTheLastAttempt(t *testing.T) {
	const all = "all attempts ended without a result"
	for name, c := range map[string]struct {
		fails func(w *world) error // the second attempt
		want  string
		locks bool // the records are not shown
	}{
		"handler":   {fails: func(*world) error { return errors.New("disk still full") }, want: all + "; the last one: disk still full"},
		"worker":    {fails: func(w *world) error { w.expireOwner("/workers/w1"); return errors.New("late") }, want: all + "; the last one: worker lost"},
		"long":      {fails: func(*world) error { return errors.New(strings.Repeat("x", 5000)) }, want: all + "; the last one: " + strings.Repeat("x", 1024) + "..."},
		"not shown": {fails: func(*world) error { return errors.New("disk still full") }, want: all, locks: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 2})
				w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
					if task.Token.Attempt == 1 {
						return nil, errors.New("disk full")
					}
					return nil, c.fails(w)
				})
				if c.locks {
					w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
						if op.Kind == zkapi.KindGet && strings.Contains(op.Path, "/attempt-") {
							return zkapi.Answer(-125)
						}
						return nil
					})
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
				defer cancel()
				_, err := w.client().Do(ctx, nil, recipe.ID("a"))
				failed, ok := errors.AsType[*recipe.FailedError](err)
				if !ok || failed.Status.Reason != c.want || err.Error() != "task task-a is failed: "+c.want {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestWithReason_LeavesOtherStatusesAlone: a status that has no attempt on record, or has not
// failed.
func TestWithReason_LeavesOtherStatusesAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		task := w.submitted("a")
		w.do(zkapi.Create("/tasks/task-a/attempt-1", []byte(`{"epoch":1,"attempt":1,"reason":"disk full"}`), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-a/attempt-2", []byte("{}"), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-a/attempt-4", []byte("by hand"), zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-a/attempt-5", []byte(`{"reason":"`+strings.Repeat("x", 5000)+`"}`), zkapi.Persistent))
		first := recipe.Token{Epoch: 1, Attempt: 1}
		for _, status := range []recipe.Status{
			{State: recipe.Done, Token: first}, {State: recipe.Cancelled, Reason: "no", Token: first}, {State: recipe.Failed, Reason: "by hand"},
			{State: recipe.Failed, Token: recipe.Token{Epoch: 1, Attempt: 2}}, {State: recipe.Failed, Token: recipe.Token{Epoch: 1, Attempt: 3}},
			{State: recipe.Failed, Token: recipe.Token{Epoch: 1, Attempt: 4}},
		} {
			if got := w.client().WithReason(w.ctx, task, status); got.Reason != status.Reason {
				t.Errorf("%+v: %q", status, got.Reason)
			}
		}
		if got := w.client().WithReason(w.ctx, "no/task", recipe.Status{State: recipe.Failed, Token: first}); got.Reason != "" {
			t.Errorf("no task: %q", got.Reason)
		}
		if got := w.client().WithReason(w.ctx, task, recipe.Status{State: recipe.Failed, Token: recipe.Token{Attempt: 5}}); len(got.Reason) > 1100 {
			t.Errorf("a long one has %d bytes", len(got.Reason))
		}
		if got := w.client().WithReason(w.ctx, task, recipe.Status{State: recipe.Failed, Reason: "spent", Token: first}); got.Reason != "spent; the last one: disk full" {
			t.Errorf("a failed one: %q", got.Reason)
		}
	})
}
