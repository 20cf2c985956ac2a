package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func leads(m *recipe.Master) bool { _, ok := m.Snapshot(); return ok }

// TestMaster_HandsOver closes a master that leads: its OnLead is told and waited for, a
// backup leads at once, and nothing of the old master is left.
func TestMaster_HandsOver(t *testing.T) {
	inBubble(t, func(w *world) {
		returned, next := make(chan time.Time, 1), make(chan time.Time, 1)
		first := w.master(recipe.MasterConfig{Name: "m1", OnLead: func(ctx context.Context, _ recipe.Lead) {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), recipe.ErrClosed) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			time.Sleep(300 * time.Millisecond)
			returned <- time.Now()
		}})
		w.within(time.Second, "m1 leads", func() bool { return leads(first) })
		second := w.master(recipe.MasterConfig{Name: "m2", OnLead: func(ctx context.Context, _ recipe.Lead) {
			next <- time.Now()
			<-ctx.Done()
		}})
		time.Sleep(time.Second)
		if err := first.Close(w.ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		w.within(10*time.Millisecond, "m2 leads", func() bool { return leads(second) })
		if took := (<-next).Sub(<-returned); took < 0 || took > 10*time.Millisecond {
			t.Errorf("the backup led %v after the old leader's work had ended", took)
		}
		if err := first.Run(w.ctx); !errors.Is(err, recipe.ErrClosed) {
			t.Errorf("Run after Close: %v", err)
		}
	})
}

// TestMaster_HandsOverWithinTheLease has an OnLead that does not return: the lease
// ends, and a backup leads, before it does.
func TestMaster_HandsOverWithinTheLease(t *testing.T) {
	inBubble(t, func(w *world) {
		release := make(chan struct{})
		first := w.master(recipe.MasterConfig{Name: "m1", OnLead: func(context.Context, recipe.Lead) { <-release }})
		w.within(time.Second, "m1 leads", func() bool { return leads(first) })
		second := w.master(recipe.MasterConfig{Name: "m2"})
		closed := make(chan error, 1)
		go func() { closed <- first.Close(w.ctx) }()
		w.within(timeout, "m2 leads", func() bool { return leads(second) })
		close(release)
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// unclosableEnv is an Env whose sessions cannot be closed.
type unclosableEnv struct{ zkapi.Env }

type unclosableSession struct{ zkapi.Session }

func (l unclosableEnv) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := l.Env.Open(ctx)
	return unclosableSession{session}, err
}

func (l unclosableSession) Close(context.Context) error { return errors.New("not confirmed") }

// TestClose_SaysThatTheSessionMayLast closes a master whose session stays: it says
// so, and has given up /master all the same.
func TestClose_SaysThatTheSessionMayLast(t *testing.T) {
	inBubble(t, func(w *world) {
		m, err := recipe.NewMaster(unclosableEnv{w.env}, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = m.Run(w.ctx) })
		w.within(time.Second, "it leads", func() bool { return leads(m) })
		next := w.master(recipe.MasterConfig{Name: "m2"})
		time.Sleep(time.Second)
		if err := m.Close(w.ctx); !errors.Is(err, recipe.ErrCloseUnconfirmed) {
			t.Errorf("Close: %v", err)
		}
		w.within(10*time.Millisecond, "the next leads", func() bool { return leads(next) })
	})
}

// denying is an Env whose sessions are denied one kind of request.
type denying struct {
	zkapi.Env
	denied func(zkapi.Op) bool
}

type denied struct {
	zkapi.Session
	by *denying
}

func (d *denying) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := d.Env.Open(ctx)
	return &denied{session, d}, err
}

func (d *denied) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	for i, sub := range append([]zkapi.Op{op}, op.Ops...) {
		if d.by.denied(sub) {
			return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: sub.Path, Index: i - 1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoAuth}
		}
	}
	return d.Session.Do(ctx, op)
}

func (d *denied) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = d.Do(ctx, op)
	}
	return replies
}

// TestRun_EndsWithARefusal denies each role what it cannot do without: Run and Submit
// must say so instead of trying for ever.
func TestRun_EndsWithARefusal(t *testing.T) {
	inBubble(t, func(w *world) {
		deny := func(kind zkapi.Kind, prefix string) zkapi.Env {
			return &denying{w.env, func(op zkapi.Op) bool { return op.Kind == kind && strings.HasPrefix(op.Path, prefix) }}
		}
		for _, name := range []string{"bootstrap", "election", "epoch", "reading"} {
			env := map[string]zkapi.Env{
				"bootstrap": deny(zkapi.KindCreate, "/assign"), "election": deny(zkapi.KindCreate, "/master"), "epoch": deny(zkapi.KindSet, "/assign"),
				"reading": deny(zkapi.KindChildren, "/workers"),
			}[name]
			m, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
			if err := m.Run(ctx); !errors.Is(err, zkapi.ErrNoAuth) {
				t.Errorf("%s: Run of a master: %v", name, err)
			}
			cancel()
			if name == "bootstrap" {
				w.do(zkapi.Create("/assign", nil, zkapi.Persistent))
			}
		}
		worker, err := recipe.NewWorker(deny(zkapi.KindCreate, "/workers/"), recipe.WorkerConfig{Name: "w1", Handler: echo})
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Run(w.ctx); !errors.Is(err, zkapi.ErrNoAuth) {
			t.Errorf("Run of a worker: %v", err)
		}
		c, err := recipe.NewClient(deny(zkapi.KindCreate, "/tasks/"), recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(w.ctx, nil); !errors.Is(err, zkapi.ErrNoAuth) {
			t.Errorf("Submit: %v", err)
		}
	})
}

// TestMaster_GoesOnBesideADeniedTask lets the master do nothing to one task.
func TestMaster_GoesOnBesideADeniedTask(t *testing.T) {
	for _, kind := range []zkapi.Kind{zkapi.KindGet, zkapi.KindCreate} {
		inBubble(t, func(w *world) {
			c := w.client()
			submitted, err := c.Submit(w.ctx, nil, recipe.ID("bad"), recipe.MaxAttempts(1))
			bad := submitted.Task
			if err != nil {
				t.Fatal(err)
			}
			w.do(zkapi.Create("/tasks/"+bad+"/attempt-1", nil, zkapi.Persistent)) // it is to be failed
			m, err := recipe.NewMaster(&denying{w.env, func(op zkapi.Op) bool {
				return op.Kind == kind && strings.HasPrefix(op.Path, "/tasks/"+bad)
			}}, recipe.MasterConfig{Name: "m1"})
			if err != nil {
				t.Fatal(err)
			}
			w.work.Go(func() { _ = m.Run(w.ctx) })
			w.worker("w1", echo)
			if _, err := c.Do(w.ctx, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestQueue_WakesOneSuccessor has a thousand candidates. When the first is lost,
// the requests that follow come from its successor alone.
func TestQueue_WakesOneSuccessor(t *testing.T) {
	inBubble(t, func(w *world) {
		const candidates = 1000
		var mu sync.Mutex
		elected := 0
		for n := range candidates {
			w.master(recipe.MasterConfig{Name: fmt.Sprint("m", n), Queue: true, OnLead: func(ctx context.Context, _ recipe.Lead) {
				mu.Lock()
				elected++
				mu.Unlock()
				<-ctx.Done()
			}})
		}
		led := func(n int) func() bool { return func() bool { mu.Lock(); defer mu.Unlock(); return elected == n } }
		w.within(time.Second, "somebody leads", led(1))
		w.within(time.Second, "all are in line", func() bool { return len(w.do(zkapi.Children("/candidates")).Children) == candidates })
		time.Sleep(time.Second)
		asked := map[int64]int{}
		w.env.Server.Observe(func(session int64, _ zkapi.Op) { asked[session]++ })
		w.expireOwner("/master")
		w.within(time.Second, "the next leads", led(2))
		w.env.Server.Observe(nil)
		delete(asked, w.direct.ID())
		// The successor, and the loser's new session that goes to the end of the line.
		if len(asked) > 2 {
			t.Errorf("%d of %d candidates did something", len(asked), candidates)
		}
	})
}

// TestQueue_SurvivesDeletion deletes the znodes of those who wait by hand: they
// stand in line again.
func TestQueue_SurvivesDeletion(t *testing.T) {
	inBubble(t, func(w *world) {
		var all []*recipe.Master
		for n := range 3 {
			all = append(all, w.master(recipe.MasterConfig{Name: fmt.Sprint("m", n), Queue: true}))
		}
		w.within(time.Second, "all are in line", func() bool {
			found, err := w.direct.Do(w.ctx, zkapi.Children("/candidates"))
			return err == nil && len(found.Children) == 3 && slices.ContainsFunc(all, leads)
		})
		for _, c := range w.do(zkapi.Children("/candidates")).Children {
			w.do(zkapi.Delete("/candidates/"+c, -1))
		}
		w.expireOwner("/master")
		w.within(time.Minute, "somebody leads", func() bool { return slices.ContainsFunc(all, leads) })
	})
}

// TestNode_OneLeadsAndTheOthersWork: one leads and does not work, the others do; when the
// leader is lost a worker takes over.
func TestNode_OneLeadsAndTheOthersWork(t *testing.T) {
	inBubble(t, func(w *world) {
		var nodes []*recipe.Node
		for _, name := range []string{"n1", "n2", "n3"} {
			node, err := recipe.NewNode(w.env, recipe.NodeConfig{
				Master: recipe.MasterConfig{Name: name, Address: name + ":1"},
				Worker: recipe.WorkerConfig{Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
					return recipe.Result(name), nil
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, node)
			w.work.Go(func() { _ = node.Run(w.ctx) })
		}
		roles := func() (leader string, workers []string) {
			found, err := w.direct.Do(w.ctx, zkapi.Get("/master"))
			listed, _ := w.direct.Do(w.ctx, zkapi.Children("/workers"))
			if err != nil {
				return "", nil
			}
			leader, _, _ = strings.Cut(string(found.Data), ":")
			return leader, listed.Children
		}
		settled := func() bool {
			leader, workers := roles()
			return leader != "" && len(workers) == 2 && !slices.Contains(workers, leader)
		}
		w.within(5*time.Second, "one leads and two work", settled)
		before, _ := roles()
		c := w.client()
		if result, err := c.Do(w.ctx, nil); err != nil || string(result) == before {
			t.Errorf("done by %q, %v; %s leads", result, err, before)
		}
		w.expireOwner("/master")
		w.within(5*time.Second, "another leads", func() bool { leader, _ := roles(); return settled() && leader != before })
		if _, err := c.Do(w.ctx, nil); err != nil {
			t.Error(err)
		}
		for n, node := range nodes {
			if err := node.Close(w.ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
			if n == 1 {
				break
			}
		}
		w.within(5*time.Second, "the last one leads", func() bool { leader, workers := roles(); return leader != "" && len(workers) == 0 })
	})
}

func TestNode_AloneWorksIfAllowed(t *testing.T) {
	inBubble(t, func(w *world) {
		node, err := recipe.NewNode(w.env, recipe.NodeConfig{
			Master: recipe.MasterConfig{Name: "n1"}, Worker: recipe.WorkerConfig{Handler: echo}, LeaderWorks: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = node.Run(w.ctx) })
		if _, err := w.client().Do(w.ctx, nil); err != nil {
			t.Error(err)
		}
	})
}

// hearsOfLeaders starts a worker and a client that listen for who leads. It returns the
// client, and what asks whether both have heard exactly these, each as "name address epoch".
func (w *world) hearsOfLeaders() (c *recipe.Client, is func(want ...string) func() bool) {
	w.t.Helper()
	var mu sync.Mutex
	var worker, client []string
	note := func(list *[]string, l recipe.Leader) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, fmt.Sprintf("%s %s %d", l.Name, l.Address, l.Epoch))
	}
	w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: echo, OnMaster: func(_ context.Context, l recipe.Leader) { note(&worker, l) }})
	c = w.client()
	w.work.Go(func() {
		for l := range c.Leaders(w.ctx) {
			note(&client, l)
		}
	})
	return c, func(want ...string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Equal(worker, want) && slices.Equal(client, want)
		}
	}
}

// TestLeaders_ShowEachMaster: clients and workers learn who is master, made by hand or not.
func TestLeaders_ShowEachMaster(t *testing.T) {
	inBubble(t, func(w *world) {
		c, is := w.hearsOfLeaders()
		const nobody = "  0"
		w.within(time.Second, "no master leads", is(nobody))
		m := w.master(recipe.MasterConfig{Name: "m1", Address: "m1:9"})
		w.within(time.Second, "m1 leads", is(nobody, "m1 m1:9 1"))
		if err := m.Close(w.ctx); err != nil {
			t.Error(err)
		}
		w.within(time.Second, "no master leads", is(nobody, "m1 m1:9 1", nobody))
		w.do(zkapi.Create("/master", []byte("hand:1"), zkapi.Ephemeral))
		w.within(time.Second, "a hand leads", is(nobody, "m1 m1:9 1", nobody, " hand:1 0"))
		if l, err := c.Leader(w.ctx); err != nil || l.Address != "hand:1" || !l.Exists() {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// TestChanges_ReachEachReader: a quick reader is told every step, a slow one where things have
// got to; neither holds the master up.
func TestChanges_ReachEachReader(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		var quick, slow []string
		say := func(c recipe.Change) string {
			return strings.TrimSpace(fmt.Sprint(c.Kind, " ", c.Worker.Name, c.Task.Name))
		}
		w.work.Go(func() {
			for c := range m.Changes(w.ctx) {
				mu.Lock()
				quick = append(quick, say(c))
				mu.Unlock()
			}
		})
		open := make(chan struct{})
		w.work.Go(func() {
			for c := range m.Changes(w.ctx) {
				<-open
				mu.Lock()
				slow = append(slow, say(c))
				mu.Unlock()
			}
		})
		gate := make(chan struct{})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			<-gate
			time.Sleep(10 * time.Millisecond)
			if task.Token.Attempt == 1 {
				return nil, errors.New("no")
			}
			return nil, nil
		})
		time.Sleep(time.Second)
		c := w.client()
		submitted, err := c.Submit(w.ctx, nil, recipe.ID("x"))
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		close(gate)
		if _, err := c.Await(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := c.Collect(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.expireOwner("/workers/w1")
		time.Sleep(time.Second)
		close(open)
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		got := strings.Join(quick, "; ")
		if want := "joined w1; submitted task-x; assigned task-x; attempt ended task-x; assigned task-x; finished task-x; collected task-x; left w1; joined w1"; got != want {
			t.Errorf("the quick one was told\n%s, want\n%s", got, want)
		}
		// The slow one was held at "joined w1"; when it looks again the task has
		// come and gone, and the worker is another incarnation.
		if got, want := strings.Join(slow, "; "), "joined w1; new incarnation w1"; got != want {
			t.Errorf("the slow one was told\n%s, want\n%s", got, want)
		}
	})
}

// TestSnapshot_HasWhatIsAssigned: the tasks of each worker are those in its inbox, in a
// Snapshot and for a new reader of changes.
func TestSnapshot_HasWhatIsAssigned(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		for _, name := range []string{"w1", "w2"} {
			w.worker(name, func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
				<-ctx.Done()
				return nil, nil
			})
		}
		var tasks []string
		for range 5 {
			tasks = append(tasks, w.submit(recipe.Resident()))
		}
		same := func(most int) bool {
			now, _ := m.Snapshot()
			assigned := 0
			for _, worker := range now.Workers {
				there := w.do(zkapi.Children("/assign/" + worker.Name)).Children
				slices.Sort(there)
				if !slices.Equal(worker.Assigned, there) {
					return false
				}
				assigned += len(there)
			}
			return len(now.Workers) == 2 && assigned == most
		}
		w.within(time.Minute, "all are assigned", func() bool { return same(5) })
		if _, err := w.client().Cancel(w.ctx, tasks[0]); err != nil {
			t.Fatal(err)
		}
		w.within(time.Minute, "one is over", func() bool { return same(4) })
		now, _ := m.Snapshot()
		found := false
		for c := range m.Changes(w.ctx) { // a new reader is told of each worker as it is
			if c.Worker.Name == "w1" {
				found = true
				if !slices.Equal(c.Worker.Assigned, now.Workers[0].Assigned) {
					t.Errorf("a reader is told of %q, and the snapshot has %q", c.Worker.Assigned, now.Workers[0].Assigned)
				}
				break
			}
		}
		if !found {
			t.Error("no change of w1")
		}
	})
}

// TestChanges_AcrossTerms: when the master is elected again the reader hears what
// has become different meanwhile.
func TestChanges_AcrossTerms(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		var got []string
		w.work.Go(func() {
			for c := range m.Changes(w.ctx) {
				mu.Lock()
				got = append(got, strings.TrimSpace(fmt.Sprint(c.Kind, " ", c.Worker.Name, c.Task.Name)))
				mu.Unlock()
			}
		})
		w.within(time.Second, "it leads", func() bool { return leads(m) })
		c := w.client()
		for _, id := range []string{"a", "b"} {
			if _, err := c.Submit(w.ctx, nil, recipe.ID(id)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss { // no election yet
			if op.Kind == zkapi.KindMulti && op.Ops[0].Path == "/master" {
				return zk.RequestLost
			}
			return zk.None
		})
		w.expireOwner("/master")
		time.Sleep(time.Second)
		w.do(zkapi.Delete("/tasks/task-a", -1))
		w.env.Server.Lose(nil)
		w.within(time.Minute, "it leads again", func() bool { return leads(m) })
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"submitted task-a", "submitted task-b", "leadership over", "collected task-a"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestWorker_FinishesItsTasksWhenClosed closes a worker that works: it is given no
// more, finishes, and leaves.
func TestWorker_FinishesItsTasksWhenClosed(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		slow := w.worker("w1", func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(3 * time.Second):
				return recipe.Result("by w1"), nil
			}
		})
		c := w.client()
		submitted, err := c.Submit(w.ctx, nil)
		first := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + first)).Found })
		closed := make(chan error, 1)
		go func() { closed <- slow.Close(w.ctx) }()
		time.Sleep(100 * time.Millisecond)
		submitted, err = c.Submit(w.ctx, nil)
		second := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if w.do(zkapi.Exists("/assign/w1/" + second)).Found {
			t.Error("a worker that retires was given a task")
		}
		w.worker("w2", echo)
		if status, err := c.Await(w.ctx, first); err != nil || string(status.Result) != "by w1" || status.Token.Attempt != 1 {
			t.Errorf("the task that it held: %+v, %v", status, err)
		}
		if status, err := c.Await(w.ctx, second); err != nil || status.Worker != "w2" {
			t.Errorf("the other: %+v, %v", status, err)
		}
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		if w.do(zkapi.Exists("/workers/w1")).Found {
			t.Error("its znode is left")
		}
	})
}

// TestClose_EndsWithItsContext closes a worker whose handler goes on for ever.
func TestClose_EndsWithItsContext(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		worker := w.worker("w1", func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		submitted, err := w.client().Submit(w.ctx, nil)
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		began := time.Now()
		if err := worker.Close(ctx); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(began))
		}
		w.worker("w2", echo)
		w.within(time.Minute, "another does it", func() bool { return w.do(zkapi.Exists("/tasks/" + name + "/status")).Found })
	})
}

// TestTracer_GetsSpans runs one task under a tracer.
func TestTracer_GetsSpans(t *testing.T) {
	inBubble(t, func(w *world) {
		var mu sync.Mutex
		var ended []string
		type key struct{}
		see := recipe.Observers{Tracer: func(ctx context.Context, span string, attrs ...slog.Attr) (context.Context, func(error)) {
			return context.WithValue(ctx, key{}, span), func(err error) {
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, fmt.Sprint(span, " ", attrs, " ", err))
			}
		}}
		m := w.master(recipe.MasterConfig{Name: "m1", Observers: see, OnLead: func(ctx context.Context, _ recipe.Lead) {
			if ctx.Value(key{}) != "term" {
				t.Error("OnLead runs outside its span")
			}
			<-ctx.Done()
		}})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Observers: see, Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			if ctx.Value(key{}) != "execute" {
				t.Error("the handler runs outside its span")
			}
			return nil, nil
		}})
		c, err := recipe.NewClient(w.env, recipe.ClientConfig{Observers: see})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(w.ctx, nil, recipe.ID("x")); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		want := []string{"submit [id=x] <nil>", "execute [task=task-x attempt=1] <nil>", "await [task=task-x] <nil>", "term [epoch=1] closed"}
		if !slices.Equal(ended, want) {
			t.Errorf("spans %q, want %q", ended, want)
		}
	})
}

// TestNode_FinishesItsTasksWhenClosed closes a node that was elected while its
// worker was busy.
func TestNode_FinishesItsTasksWhenClosed(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m0"})
		w.within(time.Second, "m0 leads", func() bool { return leads(m) })
		started, ended := make(chan bool, 3), make(chan error, 3)
		n, err := recipe.NewNode(w.env, recipe.NodeConfig{Master: recipe.MasterConfig{Name: "n1"}, Worker: recipe.WorkerConfig{
			Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
				started <- true
				select {
				case <-ctx.Done():
					ended <- context.Cause(ctx)
				case <-time.After(10 * time.Second):
					ended <- nil
				}
				return nil, nil
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = n.Run(w.ctx) })
		name := w.submit()
		<-started
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.within(5*time.Second, "n1 leads", func() bool { return leads(n.Master()) })
		time.Sleep(time.Second)
		if err := n.Close(w.ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if cause := <-ended; cause != nil {
			t.Errorf("the handler was stopped: %v", cause)
		}
		if status := w.await(name); status.Token.Attempt != 1 {
			t.Errorf("%+v", status)
		}
	})
}

// unreachable is an Env on which no session can be opened.
type unreachable struct{ zkapi.Env }

func (unreachable) Open(context.Context) (zkapi.Session, error) {
	return nil, errors.New("nobody there")
}

// TestClose_WithoutAnEnsemble closes each role while there is none: there is nothing
// to finish, so nothing is waited for.
func TestClose_WithoutAnEnsemble(t *testing.T) {
	inBubble(t, func(w *world) {
		env := unreachable{w.env}
		m, err := recipe.NewMaster(env, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: echo})
		if err != nil {
			t.Fatal(err)
		}
		n, err := recipe.NewNode(env, recipe.NodeConfig{Master: recipe.MasterConfig{Name: "n1"}, Worker: recipe.WorkerConfig{Handler: echo}})
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []interface {
			Run(context.Context) error
			Close(context.Context) error
		}{m, worker, n} {
			w.work.Go(func() { _ = role.Run(w.ctx) })
			time.Sleep(time.Second)
			began := time.Now()
			if err := role.Close(w.ctx); err != nil || time.Since(began) > time.Second {
				t.Errorf("%T: %v after %v", role, err, time.Since(began))
			}
		}
	})
}

// TestRunUntil_ClosesTheRole ends a role by its context, and lets another end by itself.
func TestRunUntil_ClosesTheRole(t *testing.T) {
	inBubble(t, func(w *world) {
		m, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(w.ctx)
		ended := make(chan error, 1)
		go func() { ended <- recipe.RunUntil(ctx, w.env, m, time.Second) }()
		w.within(time.Second, "it leads", func() bool { return leads(m) })
		leave()
		if err := <-ended; err != nil || w.do(zkapi.Exists("/master")).Found {
			t.Errorf("%v, /master is left: %v", err, w.do(zkapi.Exists("/master")).Found)
		}
		denied := &denying{w.env, func(op zkapi.Op) bool { return op.Kind == zkapi.KindSet }}
		refused, err := recipe.NewMaster(denied, recipe.MasterConfig{Name: "m2"})
		if err != nil {
			t.Fatal(err)
		}
		if err := recipe.RunUntil(w.ctx, denied, refused, time.Second); !errors.Is(err, zkapi.ErrNoAuth) {
			t.Errorf("got %v", err)
		}
	})
}

// TestMaster_SparesAnotherMasterWhenItResigns closes a master whose /master somebody has
// replaced by hand: it stays.
func TestMaster_SparesAnotherMasterWhenItResigns(t *testing.T) {
	inBubble(t, func(w *world) {
		hand := w.env.Server.Open()
		m := w.master(recipe.MasterConfig{Name: "m1", OnLead: func(ctx context.Context, _ recipe.Lead) {
			<-ctx.Done()
			_, deleted := hand.Do(w.ctx, zkapi.Delete("/master", zkapi.AnyVersion))
			_, made := hand.Do(w.ctx, zkapi.Create("/master", []byte("m9:2223"), zkapi.Ephemeral))
			if err := errors.Join(deleted, made); err != nil {
				t.Error(err)
			}
		}})
		w.within(time.Second, "it leads", func() bool { return leads(m) })
		if err := m.Close(w.ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if seen := w.do(zkapi.Exists("/master")); seen.Stat.EphemeralOwner != hand.ID() {
			t.Errorf("/master: %+v", seen)
		}
	})
}

// TestQueue_HoldsACandidateOnce loses the answer to the creation of a candidate's
// znode: the candidate does not wait behind itself.
func TestQueue_HoldsACandidateOnce(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		inBubble(t, func(w *world) {
			lost := w.loseOnce(loss, func(op zkapi.Op) bool { return op.Mode == zkapi.EphemeralSequential })
			m := w.master(recipe.MasterConfig{Name: "m1", Queue: true})
			w.within(time.Second, "it leads", func() bool { return leads(m) })
			if line := w.do(zkapi.Children("/candidates")).Children; !lost.Load() || len(line) != 1 {
				t.Errorf("loss %d: in line are %q", loss, line)
			}
		})
	}
}

// TestWorker_WaitsForANameInUse starts a second process under a name that is in
// use: it waits until the session of the first is over.
func TestWorker_WaitsForANameInUse(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.await(w.submit())
		first := w.do(zkapi.Exists("/workers/w1")).Stat.EphemeralOwner
		w.worker("w1", echo)
		time.Sleep(3 * timeout)
		if now := w.do(zkapi.Exists("/workers/w1")).Stat.EphemeralOwner; now != first {
			t.Errorf("/workers/w1 was 0x%x's, who lives, and is 0x%x's", first, now)
		}
		w.expireOwner("/workers/w1")
		w.await(w.submit())
	})
}

// TestWorker_RecordsNoResultOfALostIncarnation ends the session of a worker whose handler
// does not look at its context, and returns when the worker has registered again and executes
// the next attempt: its result is not recorded.
func TestWorker_RecordsNoResultOfALostIncarnation(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			time.Sleep(5 * time.Second)
			return recipe.Result(fmt.Sprint("of attempt ", task.Token.Attempt)), nil
		})
		name := w.submit()
		w.within(time.Second, "it is assigned", func() bool { return w.holder(name) == "w1" })
		time.Sleep(3 * time.Second)
		w.expireOwner("/workers/w1")
		if status := w.await(name); status.Token.Attempt != 2 || string(status.Result) != "of attempt 2" {
			t.Errorf("%q of attempt %d", status.Result, status.Token.Attempt)
		}
	})
}
