package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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

// TestOverview_ReadsOneZnodeOfATaskThatWaits: a large backlog costs one read for each task.
// A task that is removed between its two reads is not listed.
func TestOverview_ReadsOneZnodeOfATaskThatWaits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.submit(recipe.ID("waits"))
		w.submit(recipe.ID("ended"))
		w.submit(recipe.ID("removed"))
		w.do(zkapi.Create("/tasks/task-ended/status", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-removed/status", nil, zkapi.Persistent))
		read := map[string]int{}
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if task, below := strings.CutPrefix(op.Path, "/tasks/task-"); below {
				read[task]++
				if task == "removed/status" { // between the two reads
					return zkapi.ErrNoNode
				}
			}
			return nil
		})
		o := w.overview()
		if len(o.Tasks) != 2 || o.Tasks[0].State != recipe.Done || o.Tasks[1].State != recipe.Pending {
			t.Errorf("%+v", o.Tasks)
		}
		if len(read) != 5 || read["waits"] != 1 || read["ended"] != 1 || read["ended/status"] != 1 {
			t.Errorf("read %v", read)
		}
	})
}

// TestOverview_ShowsTheQuarantine: clients see what the master leaves alone, with the
// server's reason, since when, and when it is tried again; and see when that is over.
func TestOverview_ShowsTheQuarantine(t *testing.T) {
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

// TestQuarantine_MetricIsZeroAfterTheRole: the metric says 0 when the master is deposed, or
// the worker has gone.
func TestQuarantine_MetricIsZeroAfterTheRole(t *testing.T) {
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

// locks refuses requests for what begins with path, or with prefix "=" for that path
// alone, to everybody but the test.
func (w *world) locks(path string, why error) {
	alone, exactly := strings.CutPrefix(path, "=")
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if session != w.direct.ID() && (exactly && op.Path == alone || !exactly && strings.HasPrefix(op.Path, path)) {
			return why
		}
		return nil
	})
}

// inhabited is a tree with a master in line, a worker, and tasks in each phase.
func (w *world) inhabited() {
	w.master(recipe.MasterConfig{Name: "m1", Address: "m1:1", Queue: true, MaxBacklog: 9})
	w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		switch {
		case task.Options.Key == "fails" && task.Token.Attempt == 1:
			return nil, errors.New("on purpose")
		case task.Options.Key == "stays":
			_ = task.Progress([]byte("half"))
			<-ctx.Done()
		}
		return recipe.Result("done"), nil
	})
	w.await(w.submit(recipe.ID("good"), recipe.Key("fails")))
	w.await(w.submit(recipe.ID("bad"), recipe.Key("fails")))
	w.submit(recipe.ID("runs"), recipe.Key("stays"))
	w.submit(recipe.ID("waits"), recipe.NotBefore(time.Now().Add(time.Hour)))
	time.Sleep(5 * time.Second)
}

// told is an overview in a few words.
func told(o recipe.Overview) map[string]string {
	all := map[string]string{"master": o.Leader.Address, "line": fmt.Sprint(o.Candidates), "bound": fmt.Sprint(o.MaxBacklog), "worker": "none"}
	for _, worker := range o.Workers {
		all["worker"] = fmt.Sprint(worker.Alive, worker.Address, worker.Incarnation, worker.Assigned)
	}
	for _, task := range o.Tasks {
		all[task.Name] = fmt.Sprint(task.State, " ", task.Worker, " ", task.Attempts)
	}
	return all
}

// TestOverview_ShowsTheRest locks one znode after the other: what it says is not shown,
// or less of it, it is named with the server's reason, and everything else is as before.
func TestOverview_ShowsTheRest(t *testing.T) {
	for path, changed := range map[string]map[string]string{
		"/master":                   {"master": ""},
		"/backlog":                  {"bound": "0"},
		"/quarantine":               {},
		"/candidates":               {"line": "[]"},
		"/candidates/":              {"line": "[]"},
		"/workers":                  {"worker": "false1 [task-runs]"},
		"/workers/w1":               {"worker": "false1 [task-runs]"},
		"=/assign/w1":               {"worker": "truew1:10 []", "task-runs": "pending  0"},
		"=/assign":                  {"bound": "0"},
		"=/tasks":                   {"task-good": "", "task-bad": "", "task-runs": "", "task-waits": ""},
		"=/tasks/task-bad":          {"task-bad": "done  0"},
		"/tasks/task-bad":           {"task-bad": "finished  0"},
		"/tasks/task-bad/status":    {"task-bad": "finished  1"},
		"/tasks/task-runs/progress": {},
		"/workers/" + strings.Repeat("x", 400_000): {},
	} {
		for _, why := range []error{zkapi.ErrNoAuth, zkapi.ErrUnsupported} {
			inBubble(t, func(w *world) {
				w.inhabited()
				before := told(w.overview())
				if strings.Contains(path, "xxx") {
					w.do(zkapi.Create(path, nil, zkapi.Ephemeral))
				} else {
					w.locks(path, why)
				}
				o := w.overview()
				if !slices.ContainsFunc(o.Unreadable, func(u recipe.Unreadable) bool {
					return strings.HasPrefix(u.Path, strings.TrimPrefix(path[:min(len(path), 40)], "=")) && (strings.Contains(u.Reason, why.Error()) || strings.Contains(u.Reason, "400000 bytes"))
				}) {
					t.Errorf("%s: not shown: %+v", path, o.Unreadable)
				}
				now := told(o)
				for what, was := range before {
					want, changes := changed[what]
					if !changes {
						want = was
					}
					if now[what] != want && why == zkapi.ErrNoAuth {
						t.Errorf("%s: %s: %q, want %q", path, what, now[what], want)
					}
				}
			})
		}
	}
}

// TestOverview_FailsWhenNothingIsShown: the refusal is the answer then.
func TestOverview_FailsWhenNothingIsShown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.inhabited()
		w.locks("/", zkapi.ErrNoAuth)
		if o, err := w.client().Overview(w.ctx); !errors.Is(err, zkapi.ErrNoAuth) {
			t.Errorf("%+v, %v", o, err)
		}
		if d, err := w.client().Inspect(w.ctx, "task-bad"); !errors.Is(err, zkapi.ErrNoAuth) {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// TestInspect_ShowsTheRest is the same for one task.
func TestInspect_ShowsTheRest(t *testing.T) {
	for _, c := range []struct{ task, locked, path, want string }{
		{"task-bad", "nothing", "", "fails done done  [1] "},
		{"task-bad", "=/tasks/task-bad", "/tasks/task-bad", " done done  [] "},
		{"task-bad", "/tasks/task-bad/status", "/tasks/task-bad/status", "fails finished   [1] "},
		{"task-bad", "/tasks/task-bad/attempt-1", "/tasks/task-bad/attempt-1", "fails done done  [] "},
		{"task-bad", "=/assign", "/assign", "fails done done  [1] "},
		{"task-runs", "nothing", "", "stays assigned  w1 [] half"},
		{"task-runs", "/assign/w1/task-runs", "/assign/w1/task-runs", "stays assigned  w1 [] half"},
		{"task-runs", "/tasks/task-runs/progress", "/tasks/task-runs/progress", "stays assigned  w1 [] "},
	} {
		inBubble(t, func(w *world) {
			w.inhabited()
			w.locks(c.locked, zkapi.ErrNoAuth)
			d, err := w.client().Inspect(w.ctx, c.task)
			if err != nil {
				t.Fatal(c, err)
			}
			state, attempts := recipe.State(""), []int32{}
			if d.Status != nil {
				state = d.Status.State
			}
			for _, a := range d.History {
				attempts = append(attempts, a.Token.Attempt)
			}
			if got := fmt.Sprintf("%s %s %s %s %v %s", d.Options.Key, d.State, state, d.Worker, attempts, d.Progress); got != c.want {
				t.Errorf("%s: %q, want %q", c.locked, got, c.want)
			}
			hidden := slices.DeleteFunc(slices.Clone(d.Unreadable), func(u recipe.Unreadable) bool {
				return u.Path != c.path || !strings.Contains(u.Reason, zkapi.ErrNoAuth.Error())
			})
			if len(hidden) != len(d.Unreadable) || (len(hidden) == 1) != (c.path != "") {
				t.Errorf("%s: %+v", c.locked, d.Unreadable)
			}
		})
	}
}

// TestOverview_LooksOnceWhoLeads: where no master leads, too.
func TestOverview_LooksOnceWhoLeads(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		looks := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Path == "/master" {
				looks++
			}
		})
		if o := w.overview(); o.Leader.Exists() || looks != 1 {
			t.Errorf("%+v after %d looks at /master", o.Leader, looks)
		}
	})
}

// TestState_OfAStatusMadeByHand: a status is an end, whatever word it has.
func TestState_OfAStatusMadeByHand(t *testing.T) {
	for data, want := range map[string]recipe.State{
		`{"state":"failed"}`: recipe.Failed, `{"state":"skipped"}`: "skipped", `{"state":"pending"}`: recipe.Finished,
		`{"state":"assigned"}`: recipe.Finished, "by hand": recipe.Done,
	} {
		inBubble(t, func(w *world) {
			w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
			w.do(zkapi.Create("/tasks/task-x", nil, zkapi.Persistent))
			w.do(zkapi.Create("/tasks/task-x/status", []byte(data), zkapi.Persistent))
			d, err := w.client().Inspect(w.ctx, "task-x")
			if o := w.overview(); err != nil || d.State != want || !d.State.Ended() || len(o.Tasks) != 1 || o.Tasks[0] != d.TaskInfo || o.Backlog() != 0 {
				t.Errorf("%s: %+v and %+v, %v; want %s", data, d, o.Tasks, err, want)
			}
		})
	}
}
