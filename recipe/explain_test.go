package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// scene is a state of the world that real roles have brought about, and what is said of it.
type scene struct {
	says    string
	timeout time.Duration // of sessions, if it is not the usual one
	bring   func(w *world)
	name    string
	masters recipe.MasterConfig
	want    []string // the reasons: the kind, what is typed, and the sentence, as line has it
}

// keeps is a handler that runs until its context ends.
func keeps(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// lets is a resident's handler that takes its time to let go.
func lets(slow time.Duration) recipe.Handler {
	return func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
		<-ctx.Done()
		time.Sleep(slow)
		return nil, nil
	}
}

// alone is a worker of a capacity.
func (w *world) alone(name string, capacity int, handler recipe.Handler) *recipe.Worker {
	return w.workerOf(recipe.WorkerConfig{Name: name, Capacity: capacity, Handler: handler})
}

// leader is a master that leads.
func (w *world) leader(config recipe.MasterConfig) *recipe.Master {
	config.Name = "m1"
	m := w.master(config)
	w.within(time.Second, "it leads", func() bool { return leads(m) })
	return m
}

// held waits until a worker has a task.
func (w *world) heldBy(task, worker string) {
	w.t.Helper()
	w.within(time.Minute, worker+" has "+task, func() bool { return w.holder(task) == worker })
}

// tasks submits tasks under ids, one after the other.
func (w *world) tasks(ids ...string) {
	for _, id := range ids {
		w.submit(recipe.ID(id))
		time.Sleep(100 * time.Millisecond)
	}
}

// refuses lets the server refuse what the present master asks for below a path.
func (w *world) refuses(path string, kinds ...zkapi.Kind) {
	master := w.ownerOf("/master").ID()
	w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
		if session == master && strings.HasPrefix(op.Path, path) && (len(kinds) == 0 || slices.Contains(kinds, op.Kind)) {
			return zkapi.ErrNoAuth
		}
		return nil
	})
}

// leaves waits until the master's notice names a subject.
func (w *world) leaves(kind, name string) {
	w.t.Helper()
	w.within(time.Minute, name+" is quarantined", func() bool {
		return slices.ContainsFunc(w.overview().Quarantined, func(q recipe.Quarantined) bool { return q.Kind == kind && q.Name == name })
	})
}

// line is what is typed in a reason: the words and numbers of a row of a table.
func line(r recipe.Reason) string {
	var b strings.Builder
	b.WriteString(string(r.Kind))
	for _, word := range []string{r.Task, r.Worker, r.Znode, r.Subject, string(r.State), r.Action} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	if r.To != "" {
		b.WriteString(">" + r.To)
	}
	if !r.Since.IsZero() {
		b.WriteString(" since")
	}
	if !r.Until.IsZero() {
		b.WriteString(" until")
	}
	switch {
	case r.Limit != 0:
		fmt.Fprintf(&b, " #%d/%d", r.Count, r.Limit)
	case r.Kind == recipe.BecauseNotShown:
	case r.Count != 0 || slices.Contains([]recipe.ReasonKind{recipe.BecauseNobodyLeads, recipe.BecauseLost, recipe.BecauseFenced, recipe.BecauseNoInbox}, r.Kind):
		if r.Kind != recipe.BecauseQuarantined {
			fmt.Fprintf(&b, " #%d", r.Count)
		}
	}
	if r.Assumed {
		b.WriteString(" assumed")
	}
	if r.Detail != "" && slices.Contains([]recipe.ReasonKind{recipe.BecauseBackoff, recipe.BecauseEnded, recipe.BecauseLastAttempt}, r.Kind) {
		b.WriteString(" (" + r.Detail + ")")
	}
	return b.String()
}

// reader is a client that may write nothing.
func (w *world) reader() *recipe.Client {
	w.t.Helper()
	c, err := recipe.NewClient(&denying{w.env, func(op zkapi.Op) bool { return op.Kind.Writes() }}, recipe.ClientConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// TestExplain_SaysWhy: each reason, brought about by real roles, for a client that may read
// only.
func TestExplain_SaysWhy(t *testing.T) {
	seen := map[recipe.ReasonKind]string{}
	for _, s := range slices.Concat(scenesOfTasks, scenesOfOwners, scenesOfWorkers, scenesOfSecrets()) {
		t.Run(s.says, func(t *testing.T) {
			inBubbleOf(t, max(s.timeout, timeout), func(w *world) {
				s.bring(w)
				time.Sleep(time.Second)
				found, err := w.reader().Explain(w.ctx, s.name, s.masters)
				if err != nil || len(found) != 1 {
					t.Fatal(found, err)
				}
				var lines []string
				for _, r := range found[0].Reasons {
					lines = append(lines, line(r))
					seen[r.Kind] = r.String()
					t.Log(line(r), "|", r)
				}
				if secret := strings.Contains(s.says, "is not shown"); secret != (len(found[0].Unreadable) > 0) {
					t.Errorf("not shown: %v", found[0].Unreadable)
				}
				if !slices.Equal(lines, s.want) {
					t.Errorf("%q, want %q", lines, s.want)
				}
			})
		})
	}
	for _, kind := range recipe.ReasonKinds() {
		if seen[kind] == "" || seen[kind] == string(kind) {
			t.Errorf("no scene has %s, or it has no sentence: %q", kind, seen[kind])
		}
	}
}

// TestExplain_SaysWhen: times are those on record.
func TestExplain_SaysWhen(t *testing.T) {
	inBubble(t, func(w *world) {
		w.leader(recipe.MasterConfig{Backoff: hourly})
		var failed time.Time
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			failed = time.Now()
			return nil, errors.New("no")
		})
		w.tasks("x")
		time.Sleep(time.Minute)
		of := func(name string) recipe.Reason {
			found, err := w.reader().Explain(w.ctx, name, recipe.MasterConfig{Backoff: hourly})
			if err != nil || len(found) != 1 || len(found[0].Reasons) != 1 {
				t.Fatal(found, err)
			}
			return found[0].Reasons[0]
		}
		if r := of("task-x"); !r.Since.Equal(failed) || !r.Until.Equal(failed.Add(time.Hour)) {
			t.Errorf("since %v until %v, and it failed at %v", r.Since, r.Until, failed)
		}
		w.refuses("/tasks/task-y")
		w.tasks("y")
		w.leaves("task", "task-y")
		q := w.overview().Quarantined[0]
		if r := of("task-y"); !r.Since.Equal(q.Since) || !r.Until.Equal(q.Retry) || r.Count != q.Refused || r.Detail != q.Reason {
			t.Errorf("%+v, and the overview has %+v", r, q)
		}
		at := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		w.submit(recipe.ID("z"), recipe.NotBefore(at))
		if r := of("task-z"); !r.Until.Equal(at) {
			t.Errorf("until %v, want %v", r.Until, at)
		}
	})
}

// TestExplain_KnowsNames: of a task, of a worker, of both, and of nothing.
func TestExplain_KnowsNames(t *testing.T) {
	inBubble(t, func(w *world) {
		w.leader(recipe.MasterConfig{MaxBacklog: 3})
		w.worker("w1", keeps)
		w.worker("both", keeps)
		w.tasks("x")
		w.do(zkapi.Create("/tasks/both", nil, zkapi.Persistent))
		time.Sleep(time.Second)
		explain := func(name string) (string, error) {
			found, err := w.reader().Explain(w.ctx, name, recipe.MasterConfig{})
			var all []string
			for _, e := range found {
				if len(e.Reasons) == 0 {
					t.Errorf("%s: %s %s has no reason", name, e.Kind, e.Name)
				}
				all = append(all, fmt.Sprint(e.Kind, " ", e.Name, " ", e.State))
			}
			return strings.Join(all, ", "), err
		}
		for name, want := range map[string]string{
			"task-x": "task task-x assigned", "w1": "worker w1 ", "both": "task both assigned, worker both ", "task/both": "task both assigned",
			"worker/both": "worker both ",
		} {
			if got, err := explain(name); got != want || err != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		w.tasks("full")
		time.Sleep(time.Second)
		for name, want := range map[string]string{
			"nothing":     "no such task or worker: nothing; the backlog is full (3 of 3 unfinished tasks): a client that submits it waits until there is room",
			"x":           "no such task or worker: x; there is a task of the name task-x; the backlog is full (3 of 3 unfinished tasks): a client that submits it waits until there is room",
			"task/w1":     "no such task: w1; the backlog is full (3 of 3 unfinished tasks): a client that submits it waits until there is room",
			"worker/none": "no such worker: none",
		} {
			_, err := explain(name)
			if err == nil || err.Error() != want || errors.Is(err, recipe.ErrNoTask) == strings.HasPrefix(name, "worker/") || errors.Is(err, recipe.ErrNoWorker) == strings.HasPrefix(name, "task/") {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"", "a/b", "task/", "worker/a/b", "a\x00"} {
			if _, err := explain(name); !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, err := w.reader().Explain(w.ctx, "w1", recipe.MasterConfig{MaxAttempts: -1}); !errors.Is(err, recipe.ErrInvalid) {
			t.Errorf("settings that no master takes: %v", err)
		}
	})
}

// TestExplain_DecidesWhatTheMasterDoes: when a master has nothing to do, explain finds nothing
// that it would do next, and each task that waits has another reason.
func TestExplain_DecidesWhatTheMasterDoes(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, func(w *world) {
			draw := rand.New(rand.NewPCG(seed, 0))
			config := recipe.MasterConfig{Name: "m1", TasksPerWorker: 1 + draw.IntN(4), MaxAttempts: 2, Backoff: hourly}
			if draw.IntN(2) == 0 {
				config.Strategy = recipe.StickyByKey
			}
			w.master(config)
			names := []string{"w1", "w2", "w3", "w4"}
			for _, name := range names {
				worker := w.workerOf(recipe.WorkerConfig{Name: name, Capacity: draw.IntN(3), Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
					if strings.HasSuffix(task.Name, "7") {
						return nil, errors.New("no")
					}
					return keeps(ctx, task)
				}})
				if draw.IntN(4) == 0 {
					w.work.Go(func() { time.Sleep(20 * time.Second); _ = worker.Close(w.ctx) })
				}
			}
			for n := range 30 {
				options := recipe.Options{Key: fmt.Sprint(draw.IntN(3)), Priority: draw.IntN(3), Resident: n%5 == 0}
				if n%9 == 1 {
					options.NotBefore = time.Now().Add(time.Hour)
				}
				if n%11 == 1 {
					options.HeartbeatTimeout = 10 * time.Second
				}
				names = append(names, w.submit(recipe.With(options), recipe.ID(fmt.Sprint(n))))
			}
			time.Sleep(time.Minute)
			for _, name := range names {
				found, err := w.reader().Explain(w.ctx, name, config)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range found[0].Reasons {
					if r.Kind == recipe.BecauseNextLook {
						t.Errorf("seed %d: %s: %s", seed, name, r)
					}
				}
				if len(found[0].Reasons) == 0 {
					t.Errorf("seed %d: %s, %s, has no reason", seed, name, found[0].State)
				}
			}
		})
	}
}

// TestExplain_HasWordsForEachKind: sentences for each action of a master, and a row for each
// kind of reason in the page for operators.
func TestExplain_HasWordsForEachKind(t *testing.T) {
	said := map[string]bool{}
	for a := range decide.Actions {
		r := recipe.Reason{Kind: recipe.BecauseNextLook, Task: "x", Worker: "w1", To: "w2", Action: a.String()}
		said[r.String()] = !strings.Contains(r.String(), a.String())
	}
	for text, own := range said {
		if !own || len(said) != int(decide.Actions) {
			t.Errorf("%d sentences for %d actions: %s", len(said), decide.Actions, text)
		}
	}
	page, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## It is not running")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, kind := range recipe.ReasonKinds() {
		if !strings.Contains(section, "`"+string(kind)+"`") {
			t.Errorf("docs/operators.md does not say what to do about %s", kind)
		}
	}
}
