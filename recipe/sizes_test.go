package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestMaster_ExcludesNamesThatAreTooLong: a worker and a task made by hand whose names fill
// every write.
func TestMaster_ExcludesNamesThatAreTooLong(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.await(w.submit())
		long := strings.Repeat("x", 400_000)
		w.do(zkapi.Create("/workers/"+long, nil, zkapi.Ephemeral))
		w.do(zkapi.Create("/tasks/"+long, nil, zkapi.Persistent))
		for range 5 {
			w.await(w.submit())
		}
		kinds := func() (all string) {
			now, _ := m.Snapshot()
			for _, q := range now.Quarantined {
				if strings.Contains(q.Reason, "400000 bytes") {
					all += q.Kind + " "
				}
			}
			return all
		}
		w.within(time.Minute, "both are left alone", func() bool { return kinds() == "task worker " })
		w.do(zkapi.Delete("/workers/"+long, -1))
		w.do(zkapi.Delete("/tasks/"+long, -1))
		w.within(time.Minute, "they are forgotten when they are gone", func() bool { return kinds() == "" })
		if now, leads := m.Snapshot(); !leads || now.Epoch != 1 {
			t.Errorf("leads is %v, in epoch %d", leads, now.Epoch)
		}
	})
}

// TestWorker_RecordsWhatFitsASmallBuffer has servers whose jute.maxbuffer is 128 KiB and
// tells the roles nothing of it: results that fit are recorded, also when they end together
// with one that does not, whose attempts end with the reason.
func TestWorker_RecordsWhatFitsASmallBuffer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.env.Server.MaxBuffer(128 << 10)
		w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 2})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 16, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			time.Sleep(time.Second)
			if task.Options.Key == "large" {
				return make(recipe.Result, 200_000), nil
			}
			return make(recipe.Result, 50_000), nil
		}})
		time.Sleep(time.Second)
		large := w.submit(recipe.Key("large"))
		var fit []string
		for n := range 8 {
			fit = append(fit, w.submit(recipe.Key(fmt.Sprint(n))))
		}
		for _, task := range fit {
			if s := w.await(task); s.State != recipe.Done || s.Token.Attempt != 1 {
				t.Errorf("%s: %s, attempt %d", task, s.State, s.Token.Attempt)
			}
		}
		if s := w.await(large); s.State != recipe.Failed {
			t.Errorf("the large one: %s", s.State)
		}
		detail, err := w.client().Inspect(w.ctx, large)
		if err != nil || len(detail.History) != 2 || !strings.Contains(detail.History[0].Reason, "result too large for the ensemble") {
			t.Errorf("%+v, %v", detail.History, err)
		}
	})
}

// TestBacklog_BoundIsOnlyFromAMaster: a bound made by hand, with nonsense, or with an
// epoch that there has not been, keeps no client waiting; a master overwrites it.
func TestBacklog_BoundIsOnlyFromAMaster(t *testing.T) {
	for _, said := range []string{`{"limit":1}`, `{"limit":1,"epoch":99}`, `{"limit":-1,"epoch":1}`, `{"limit":1,"finished":-7,"epoch":1}`, `[nonsense`} {
		inBubble(t, func(w *world) {
			w.submit()
			w.do(zkapi.Set("/backlog", []byte(said), -1))
			c := w.client()
			for range 3 {
				if _, err := c.Submit(w.ctx, nil, recipe.NoWait()); err != nil {
					t.Errorf("%s: %v", said, err)
				}
			}
			w.master(recipe.MasterConfig{Name: "m1"})
			gone := func() bool { return len(w.do(zkapi.Get("/backlog")).Data) == 0 }
			w.within(5*time.Second, "a master without a bound takes it away", gone)
			w.do(zkapi.Set("/backlog", []byte(`{"limit":1,"epoch":1}`), -1))
			w.within(5*time.Second, "and again, when it is written while it leads", gone)
		})
	}
}

// TestSubmit_SaysThatItIsProbablyTooLarge: servers with a small jute.maxbuffer close the
// connection on a submission. It is refused, with what is probably the reason, once it is
// known that the task is not there, and in doubt, with the same reason, if that cannot be
// known. The client goes on.
func TestSubmit_SaysThatItIsProbablyTooLarge(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		inBubble(t, func(w *world) {
			w.env.Server.MaxBuffer(128 << 10)
			w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
				if hidden && op.Kind == zkapi.KindSync {
					return zkapi.ErrNoAuth
				}
				return nil
			})
			c := w.client()
			limited, cancel := context.WithTimeout(w.ctx, time.Minute)
			defer cancel()
			_, err := c.Submit(limited, make([]byte, 200_000), recipe.ID("large"))
			if limited.Err() != nil || !errors.Is(err, zkapi.ErrProbablyTooLarge) || errors.Is(err, recipe.ErrInDoubt) != hidden {
				t.Errorf("hidden is %v: %v", hidden, err)
			}
			if refused := zkapi.FateOf(err) == zkapi.NotApplied; refused == hidden {
				t.Errorf("hidden is %v, and the fate is %v", hidden, zkapi.FateOf(err))
			}
			if _, err := c.Submit(limited, make([]byte, 50_000), recipe.ID("small")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSubmit_FindsATaskThatIsTooLargeNow: a task that is there, because the limit was lowered
// after its first try had been applied, was accepted.
func TestSubmit_FindsATaskThatIsTooLargeNow(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		lost := false
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if lost || op.Path != "/tasks/task-large" {
				return zk.None
			}
			lost = true
			go w.env.Server.MaxBuffer(128 << 10)
			return zk.ReplyLost
		})
		got, err := w.client().Submit(w.ctx, make([]byte, 200_000), recipe.ID("large"))
		if want := (recipe.Submitted{Task: "task-large", ID: "large", Found: true, InDoubt: true}); err != nil || got != want || !lost {
			t.Errorf("%+v, %v; lost is %v", got, err, lost)
		}
	})
}
