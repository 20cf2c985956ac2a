package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ran gives a task the status of an execution.
func (w *world) ran(task string) {
	w.t.Helper()
	w.do(zkapi.Create("/tasks/"+task+"/status", []byte(`{"state":"done","epoch":1,"attempt":1}`), zkapi.Persistent))
}

// TestCollectAll_HasOneOutcomeForEach, in order, whichever of its writes is lost.
func TestCollectAll_HasOneOutcomeForEach(t *testing.T) {
	const session = zk.Loss(99) // it ends, and the request with it
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost, session} {
		for at, reached := 0, true; reached; at++ {
			inBubble(t, func(w *world) {
				names := w.manyTasks(230)
				for n, task := range names {
					if n != 7 {
						w.ran(task)
					}
				}
				w.do(zkapi.Create("/tasks/task-n.009/attempt-000000001", nil, zkapi.Persistent))
				names[20], names[30], names[40] = "no/task", "task-none", names[10]
				lost := w.loseNth(at, loss, session)
				n := 0
				for task, err := range w.client().CollectAll(w.ctx, slices.Values(names)) {
					var want error
					switch n {
					case 7:
						want = recipe.ErrUnfinished
					case 20:
						want = recipe.ErrInvalid
					}
					if task != names[n] || !errors.Is(err, want) {
						t.Errorf("loss %d at %d: number %d, %s: %v", loss, at, n, task, err)
					}
					n++
				}
				left := w.do(zkapi.Children("/tasks")).Children
				want := []string{"task-n.007", "task-n.020", "task-n.030", "task-n.040"}
				if reached = lost.Load(); n != len(names) || !slices.Equal(left, want) {
					t.Errorf("loss %d at %d: %d outcomes, %v are left", loss, at, n, left)
				}
			})
		}
	}
}

// TestCollectAll_SparesALaterTask: the answer to the removal of many is lost. Meanwhile another
// task was submitted under the id of one of them. It stays.
func TestCollectAll_SparesALaterTask(t *testing.T) {
	inBubble(t, func(w *world) {
		names := w.manyTasks(10)
		for _, task := range names {
			w.ran(task)
		}
		lost, paused := false, false
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			switch {
			case !lost && op.Kind == zkapi.KindMulti:
				lost = true
				w.work.Go(func() {
					w.do(zkapi.Create("/tasks/"+names[3], []byte("later"), zkapi.Persistent))
					w.ran(names[3])
				})
				return zk.ReplyLost
			case lost && !paused && op.Kind == zkapi.KindSync: // so that it looks later than that
				paused = op.Path == "/tasks/"+names[3]
				return zk.RequestLost
			}
			return zk.None
		})
		for task, err := range w.client().CollectAll(w.ctx, slices.Values(names)) {
			if err != nil {
				t.Errorf("%s: %v", task, err)
			}
		}
		if left := w.do(zkapi.Children("/tasks")).Children; !lost || !paused || !slices.Equal(left, names[3:4]) {
			t.Errorf("lost is %v, %v are left", lost, left)
		}
	})
}

// TestCollectAll_AsksAMaster for tasks that may still run, and says so when none came.
func TestCollectAll_AsksAMaster(t *testing.T) {
	inBubble(t, func(w *world) {
		names := w.manyTasks(5)
		w.finish(0, 1, 2, 3, 4) // by hand
		limited, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		for task, err := range w.client().CollectAll(limited, slices.Values(names)) {
			if !errors.Is(err, recipe.ErrInDoubt) {
				t.Errorf("%s: %v", task, err)
			}
		}
		w.master(recipe.MasterConfig{Name: "m1"})
		for task, err := range w.client().CollectAll(w.ctx, slices.Values(names)) {
			if err != nil {
				t.Errorf("%s: %v", task, fmt.Errorf("with a master: %w", err))
			}
		}
	})
}
