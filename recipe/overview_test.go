package recipe_test

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// gauge keeps what Metrics.Quarantined was told last, by kind.
type gauge struct {
	recipe.NoMetrics
	mu  sync.Mutex
	now map[string]int
}

func (g *gauge) Quarantined(kind string, now int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == nil {
		g.now = map[string]int{}
	}
	g.now[kind] = now
}

// left is what is left alone by now, of all kinds.
func (g *gauge) left() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for of := range maps.Values(g.now) {
		n += of
	}
	return n
}

// refuseAll refuses every request for what begins with path to everybody but the test.
func (w *world) refuseAll(path string, why error) {
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if session != w.direct.ID() && strings.HasPrefix(op.Path, path) {
			return why
		}
		return nil
	})
}

func (w *world) overview() recipe.Overview {
	w.t.Helper()
	c := w.client()
	defer func() { _ = c.Close(w.ctx) }()
	o, err := c.Overview(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// TestOverview_ShowsWhatIsLeftAlone: clients see what the master leaves alone, with the
// server's reason, since when, and when it is tried again; and see when that is over.
func TestOverview_ShowsWhatIsLeftAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		began := time.Now()
		w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 9})
		w.worker("w1", echo)
		w.await(w.submit())
		w.do(zkapi.Create("/workers/"+strings.Repeat("x", 400_000), nil, zkapi.Ephemeral))
		of := w.ownerOf("/master").ID()
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session == of && strings.HasPrefix(op.Path, "/tasks/task-bad") {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		w.submit(recipe.ID("bad"))
		time.Sleep(10 * time.Second)
		o := w.overview()
		if len(o.Quarantined) != 2 || o.MaxBacklog != 9 || len(o.Problems) != 0 {
			t.Fatalf("%+v", o)
		}
		task, worker := o.Quarantined[0], o.Quarantined[1]
		if task.Kind != "task" || task.Name != "task-bad" || !strings.Contains(task.Reason, zkapi.ErrNoAuth.Error()) || task.Refused < 2 {
			t.Errorf("%+v", task)
		}
		if task.Since.Before(began) || task.Since.After(time.Now()) || !task.Retry.After(time.Now()) {
			t.Errorf("since %v, until %v, and it is %v", task.Since, task.Retry, time.Now())
		}
		if worker.Kind != "worker" || !strings.Contains(worker.Reason, "400000 bytes") || !worker.Retry.IsZero() {
			t.Errorf("%+v", worker)
		}
		w.env.Server.Refuse(nil)
		w.await("task-bad")
		w.do(zkapi.Delete("/workers/"+strings.Repeat("x", 400_000), -1))
		w.within(time.Minute, "nothing is left alone", func() bool { return len(w.overview().Quarantined) == 0 })
	})
}

// TestOverview_BelievesOnlyMasters: what no master has written is a problem, and says
// neither a bound nor what is left alone.
func TestOverview_BelievesOnlyMasters(t *testing.T) {
	for _, said := range []string{`{"limit":1,"left":[{"kind":"task","name":"x"}]}`, `{"limit":1,"epoch":99,"left":[{"kind":"task","name":"x"}]}`, `[nonsense`} {
		inBubble(t, func(w *world) {
			w.submit()
			w.do(zkapi.Set("/backlog", []byte(said), -1))
			w.do(zkapi.Set("/quarantine", []byte(said), -1))
			o := w.overview()
			if o.MaxBacklog != 0 || len(o.Quarantined) != 0 || len(o.Problems) != 2 || o.Problems[0].Path != "/backlog" || o.Problems[1].Path != "/quarantine" {
				t.Errorf("%s: %+v", said, o)
			}
		})
	}
}

// TestNothingIsLeftAloneByWhoHasLeft: the metric says 0 when the master is deposed, or
// the worker has gone.
func TestNothingIsLeftAloneByWhoHasLeft(t *testing.T) {
	inBubble(t, func(w *world) {
		var master, worker gauge
		w.master(recipe.MasterConfig{Name: "m1", Observers: recipe.Observers{Metrics: &master}})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: echo, Observers: recipe.Observers{Metrics: &worker}})
		w.await(w.submit())
		of := w.ownerOf("/workers/w1").ID()
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session != w.direct.ID() && strings.HasPrefix(op.Path, "/tasks/task-bad") || session == of && strings.HasPrefix(op.Path, "/tasks/task-mine") {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		w.do(zkapi.Create("/tasks/task-bad", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-mine", nil, zkapi.Persistent))
		w.within(time.Minute, "each leaves one alone", func() bool { return master.left() == 1 && worker.left() == 1 })
		w.expireOwner("/master")
		w.within(time.Second, "a master that is deposed leaves nothing alone", func() bool { return master.left() == 0 })
		w.expireOwner("/workers/w1")
		w.within(time.Second, "a worker that has gone leaves nothing alone", func() bool { return worker.left() == 0 })
	})
}
