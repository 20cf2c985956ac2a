package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// refuseWorker refuses requests to the session that holds /workers/<name>, as long as
// the returned value is true.
func (w *world) refuseWorker(name string, s scope, why error) *atomic.Bool {
	owner := w.do(zkapi.Exists("/workers/" + name)).Stat.EphemeralOwner
	refuses := new(atomic.Bool)
	refuses.Store(true)
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if refuses.Load() && session == owner && slices.Contains(s.kinds, op.Kind) && strings.HasPrefix(op.Path, s.path) {
			return why
		}
		return nil
	})
	return refuses
}

// ofOneTask are the reads and writes of a worker that concern one task, or a hint.
var ofOneTask = []scope{
	{says: "read an assignment", kinds: []zkapi.Kind{zkapi.KindGet}, path: "/assign/w1/task-bad"},
	{says: "read a task", kinds: []zkapi.Kind{zkapi.KindGet}, path: "/tasks/task-bad"},
	{says: "record a result", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/tasks/task-bad/status"},
	{says: "record an attempt", kinds: []zkapi.Kind{zkapi.KindCreate}, path: "/tasks/task-bad/attempt", options: []recipe.SubmitOption{recipe.Key("fails")}},
	{says: "look at progress", kinds: reads, path: "/tasks/task-bad/progress", options: []recipe.SubmitOption{recipe.HeartbeatTimeout(time.Minute)}},
	{says: "publish progress", kinds: writes, path: "/tasks/task-bad/progress", options: []recipe.SubmitOption{recipe.HeartbeatTimeout(time.Minute)}},
	{says: "list attempts", kinds: []zkapi.Kind{zkapi.KindChildren}, path: "/tasks/task-bad",
		before: func(w *world) {
			w.do(zkapi.Create("/tasks/task-bad", nil, zkapi.Persistent))
			w.do(zkapi.Create("/assign/w1/task-bad", nil, zkapi.Persistent))
		}},
	{says: "look who leads", kinds: reads, path: "/master"},
	{says: "read notices", kinds: all, path: "/backlog"},
}

// TestWorker_GoesOnWhenOneTaskIsRefused: the worker does other tasks under the same
// registration, and that one when the server refuses no longer.
func TestWorker_GoesOnWhenOneTaskIsRefused(t *testing.T) {
	for _, s := range ofOneTask {
		for _, why := range []error{zkapi.ErrNoAuth, zkapi.Answer(-125)} {
			t.Run(fmt.Sprintf("%s/%v", s.says, why), func(t *testing.T) {
				bothWays(t, func(w *world) {
					w.master(recipe.MasterConfig{Name: "m1"})
					var log journal
					w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: log.observers(), OnMaster: func(context.Context, recipe.Leader) {},
						Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
							if task.Options.Key == "fails" && task.Token.Attempt == 1 {
								return nil, errors.New("on purpose")
							}
							return echo(ctx, task)
						}})
					w.within(time.Second, "w1 has registered", func() bool {
						found, err := w.direct.Do(w.ctx, zkapi.Exists("/workers/w1"))
						return err == nil && found.Found
					})
					time.Sleep(time.Second)
					refuses := w.refuseWorker("w1", s, why)
					if s.before != nil {
						s.before(w)
					} else {
						w.submit(append(s.options, recipe.ID("bad"))...)
					}
					for range 20 {
						w.await(w.submit())
						time.Sleep(time.Second)
					}
					refuses.Store(false)
					w.within(2*time.Minute, "the task is done", func() bool { return w.do(zkapi.Exists("/tasks/task-bad/status")).Found })
					if v := w.do(zkapi.Exists("/assign/w1")).Stat.Version; v != 1 {
						t.Errorf("it has registered %d times", v)
					}
				})
			})
		}
	}
}

// TestWorker_LetsGoWhenItMayNotWrite refuses a worker what it needs to end any task, while
// it may read: after its session's timeout it gives up its registration, so that others
// are given what it held. It ends for good if no repetition cures that.
func TestWorker_LetsGoWhenItMayNotWrite(t *testing.T) {
	for _, why := range []error{zkapi.ErrNoAuth, zkapi.Answer(-127)} {
		for _, s := range []scope{
			{says: "take from the inbox", kinds: []zkapi.Kind{zkapi.KindDelete}, path: "/assign/w1/"},
			{says: "check the claim", kinds: []zkapi.Kind{zkapi.KindCheck}, path: "/assign/w1"},
		} {
			bothWays(t, func(w *world) {
				w.master(recipe.MasterConfig{Name: "m1"})
				worker, err := recipe.NewWorker(w.ofWorkers(), recipe.WorkerConfig{Name: "w1", Handler: echo})
				if err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				w.work.Go(func() { ended <- worker.Run(w.ctx) })
				time.Sleep(time.Second)
				refuses := w.refuseWorker("w1", s, why)
				task := w.submit()
				time.Sleep(timeout / 2)
				if w.holder(task) != "w1" {
					t.Errorf("%s: w1 has let go at once", s.says)
				}
				w.worker("w2", echo)
				if got := w.await(task); got.Worker != "w2" {
					t.Errorf("%s: done by %s", s.says, got.Worker)
				}
				if zkapi.Permanent(why) {
					if err := <-ended; !errors.Is(err, why) {
						t.Errorf("%s: Run: %v", s.says, err)
					}
					return
				}
				refuses.Store(false)
				w.within(time.Minute, "w1 is back", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
			})
		}
	}
}

// TestWorker_RetriesARefusedEnd refuses the end of an execution once.
func TestWorker_RetriesARefusedEnd(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		runs := new(atomic.Int32)
		w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			runs.Add(1)
			return echo(ctx, task)
		})
		once := new(atomic.Bool)
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate && strings.HasSuffix(op.Path, "/status") && once.CompareAndSwap(false, true) {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		began := time.Now()
		status := w.await(w.submit())
		if took := time.Since(began); !once.Load() || status.State != recipe.Done || status.Token.Attempt != 1 || runs.Load() != 1 || took > 5*time.Second {
			t.Errorf("%+v after %v and %d runs", status, took, runs.Load())
		}
	})
}
