package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const timeout = 4 * time.Second

// world is a ZooKeeper in memory with the recipe's processes on it, in virtual
// time.
type world struct {
	t      *testing.T
	env    *zk.Env
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	direct *zk.Session // for the hands of the test

	follows bool // the sessions of workers follow their inboxes
}

// inBubble runs a test in virtual time and ends everything afterwards.
func inBubble(t *testing.T, test func(w *world)) { inBubbleOf(t, timeout, test) }

// inBubbleOf is inBubble with a session timeout of its own.
func inBubbleOf(t *testing.T, timeout time.Duration, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, env: &zk.Env{Server: zk.NewServer(timeout)}}
		w.ctx, w.stop = context.WithCancel(t.Context())
		w.direct = w.env.Server.Open()
		defer w.work.Wait()
		defer w.stop()
		test(w)
	})
}

func (w *world) do(op zkapi.Op) zkapi.Result {
	w.t.Helper()
	result, err := w.direct.Do(w.ctx, op)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// makes makes empty persistent znodes.
func (w *world) makes(paths ...string) {
	w.t.Helper()
	for _, path := range paths {
		w.do(zkapi.Create(path, nil, zkapi.Persistent))
	}
}

func (w *world) master(config recipe.MasterConfig) *recipe.Master {
	w.t.Helper()
	m, err := recipe.NewMaster(w.env, config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.work.Go(func() { _ = m.Run(w.ctx) })
	return m
}

func (w *world) worker(name string, handler recipe.Handler) *recipe.Worker {
	w.t.Helper()
	return w.workerOf(recipe.WorkerConfig{Name: name, Address: name + ":1", Handler: handler})
}

func (w *world) workerOf(config recipe.WorkerConfig) *recipe.Worker {
	w.t.Helper()
	worker, err := recipe.NewWorker(w.ofWorkers(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.work.Go(func() { _ = worker.Run(w.ctx) })
	return worker
}

// ofWorkers is the Env that workers get.
func (w *world) ofWorkers() zkapi.Env {
	if w.follows {
		return &following{Env: w.env, ctx: w.ctx, whole: 7}
	}
	return w.env
}

// expireOwner ends the session that holds an ephemeral.
func (w *world) expireOwner(path string) {
	w.t.Helper()
	w.ownerOf(path).Expire()
}

// ownerOf is the session that holds an ephemeral.
func (w *world) ownerOf(path string) *zk.Session {
	w.t.Helper()
	owner := w.do(zkapi.Exists(path)).Stat.EphemeralOwner
	for _, s := range w.env.Server.Sessions() {
		if s.ID() == owner {
			return s
		}
	}
	w.t.Fatalf("no session holds %s", path)
	return nil
}

func (w *world) client() *recipe.Client {
	w.t.Helper()
	c, err := recipe.NewClient(w.env, recipe.ClientConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// loseOnce loses the first request that fits, and says later whether there was one.
func (w *world) loseOnce(loss zk.Loss, fits func(zkapi.Op) bool) (lost *atomic.Bool) {
	lost = new(atomic.Bool)
	w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
		if lost.Load() || !fits(op) {
			return zk.None
		}
		lost.Store(true)
		return loss
	})
	return lost
}

// within waits for a condition in virtual time.
func (w *world) within(limit time.Duration, what string, condition func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func echo(_ context.Context, task recipe.Task) (recipe.Result, error) {
	return recipe.Result("did " + string(task.Payload)), nil
}

func TestClient_GetsTheResult(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Address: "m1:1"})
		w.worker("w1", echo)
		result, err := w.client().Do(w.ctx, []byte("it"))
		if err != nil || string(result) != "did it" {
			t.Fatalf("got %q, %v", result, err)
		}
	})
}

func TestElection_FailoverBeginsANewEpoch(t *testing.T) {
	inBubble(t, func(w *world) {
		var mu sync.Mutex
		var epochs []int32
		var causes []error
		for _, name := range []string{"m1", "m2"} {
			w.master(recipe.MasterConfig{Name: name, Address: name + ":1", OnLead: func(ctx context.Context, lead recipe.Lead) {
				epoch := lead.Epoch()
				mu.Lock()
				epochs = append(epochs, epoch)
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				causes = append(causes, context.Cause(ctx))
				mu.Unlock()
			}})
		}
		led := func(n int) func() bool {
			return func() bool { mu.Lock(); defer mu.Unlock(); return len(epochs) == n }
		}
		w.within(time.Second, "somebody leads", led(1))
		owner := w.do(zkapi.Exists("/master")).Stat.EphemeralOwner
		for _, s := range w.env.Server.Sessions() {
			if s.ID() == owner {
				s.Expire()
			}
		}
		w.within(time.Second, "the other leads", led(2))
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(epochs, []int32{1, 2}) {
			t.Errorf("epochs %v", epochs)
		}
		if len(causes) != 1 || !errors.Is(causes[0], recipe.ErrDeposed) || !errors.Is(causes[0], zkapi.ErrSessionEnded) {
			t.Errorf("causes %v", causes)
		}
	})
}

// TestElection_ResolvesALostAnswer loses the reply of the winning write, before and after it
// took effect: in the end exactly one leads, in an epoch that /assign shows.
func TestElection_ResolvesALostAnswer(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		inBubble(t, func(w *world) {
			w.loseOnce(loss, func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti })
			m1, m2 := w.master(recipe.MasterConfig{Name: "m1"}), w.master(recipe.MasterConfig{Name: "m2"})
			leads := func(m *recipe.Master) bool { _, ok := m.Snapshot(); return ok }
			w.within(time.Second, "somebody leads", func() bool { return leads(m1) || leads(m2) })
			time.Sleep(timeout)
			if leads(m1) == leads(m2) {
				t.Errorf("loss %d: m1 leads is %v, m2 leads is %v", loss, leads(m1), leads(m2))
			}
			for _, m := range []*recipe.Master{m1, m2} {
				if s, ok := m.Snapshot(); ok && s.Epoch != w.do(zkapi.Get("/assign")).Stat.Version {
					t.Errorf("loss %d: epoch %d, /assign has version %d", loss, s.Epoch, w.do(zkapi.Get("/assign")).Stat.Version)
				}
			}
		})
	}
}

// TestLease_EndsWithoutAcknowledgedWrites cuts the leader's writes off: it must
// step down by itself before its session could have expired.
func TestLease_EndsWithoutAcknowledgedWrites(t *testing.T) {
	inBubble(t, func(w *world) {
		deposed := make(chan time.Duration, 1)
		var cut time.Time
		w.master(recipe.MasterConfig{Name: "m1", OnLead: func(ctx context.Context, _ recipe.Lead) {
			<-ctx.Done()
			select {
			case deposed <- time.Since(cut):
			default:
			}
		}})
		w.within(time.Second, "it leads", func() bool { return w.do(zkapi.Exists("/master")).Found })
		cut = time.Now()
		w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.RequestLost })
		after := <-deposed
		w.env.Server.Lose(nil)
		if after > timeout-timeout/5 {
			t.Errorf("deposed after %v of a %v session", after, timeout)
		}
	})
}

// TestMaster_WritesNothingWhenFenced takes the epoch away behind a master's back.
func TestMaster_WritesNothingWhenFenced(t *testing.T) {
	inBubble(t, func(w *world) {
		cause := make(chan error, 1)
		w.master(recipe.MasterConfig{Name: "m1", OnLead: func(ctx context.Context, _ recipe.Lead) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
		}})
		w.within(time.Second, "it leads", func() bool { return w.do(zkapi.Exists("/master")).Found })
		w.do(zkapi.Create("/workers/hand", nil, zkapi.Ephemeral))
		w.within(time.Second, "the inbox", func() bool { return w.do(zkapi.Exists("/assign/hand")).Found })
		w.do(zkapi.Set("/assign", []byte("somebody else"), zkapi.AnyVersion))
		w.do(zkapi.Create("/tasks/task-", []byte("x"), zkapi.PersistentSequential))
		if err := <-cause; !errors.Is(err, recipe.ErrFenced) {
			t.Errorf("cause %v", err)
		}
	})
}

func TestElection_WaitsForAMasterMadeByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		hand := w.env.Server.Open()
		if _, err := hand.Do(w.ctx, zkapi.Create("/master", []byte("m9:2223"), zkapi.Ephemeral)); err != nil {
			t.Fatal(err)
		}
		m := w.master(recipe.MasterConfig{Name: "m1", Address: "m1:1"})
		time.Sleep(3 * timeout)
		if _, leads := m.Snapshot(); leads {
			t.Fatal("ours leads beside a master made by hand")
		}
		_ = hand.Close(w.ctx)
		w.within(time.Second, "ours leads", func() bool { _, leads := m.Snapshot(); return leads })
	})
}

func TestMaster_AssignsToAWorkerMadeByHand(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		c := w.client()
		w.do(zkapi.Create("/workers", nil, zkapi.Persistent))
		w.do(zkapi.Create("/workers/w9", []byte("w9:2224"), zkapi.Ephemeral))
		submitted, err := c.Submit(w.ctx, []byte("x"))
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w9/" + name)).Found })
		w.do(zkapi.Create("/tasks/"+name+"/status", []byte("done"), zkapi.Persistent))
		status, err := c.Await(w.ctx, name)
		if err != nil || status.State != recipe.Done || string(status.Result) != "done" {
			t.Fatalf("%+v, %v", status, err)
		}
		w.within(timeout, "the assignment goes", func() bool { return !w.do(zkapi.Exists("/assign/w9/" + name)).Found })
	})
}

func TestMaster_KeepsTheBudgetOfAttempts(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 3})
		var mu sync.Mutex
		var tokens []recipe.Token
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			if tokens = append(tokens, task.Token); len(tokens) == 2 {
				panic("boom")
			}
			return nil, errors.New("no")
		})
		_, err := w.client().Do(w.ctx, []byte("x"))
		failed, ok := errors.AsType[*recipe.FailedError](err)
		if !ok || failed.Status.State != recipe.Failed {
			t.Fatalf("got %v", err)
		}
		if want := []recipe.Token{{Epoch: 1, Attempt: 1}, {Epoch: 1, Attempt: 2}, {Epoch: 1, Attempt: 3}}; !slices.Equal(tokens, want) {
			t.Errorf("tokens %v, want %v", tokens, want)
		}
		if got := w.do(zkapi.Children("/tasks/" + failed.Task)).Children; !slices.Equal(got, []string{"attempt-1", "attempt-2", "attempt-3", "status"}) {
			t.Errorf("on record: %q", got)
		}
		if got := string(w.do(zkapi.Get("/tasks/" + failed.Task + "/attempt-2")).Data); !strings.Contains(got, "boom") {
			t.Errorf("attempt 2 says %s", got)
		}
	})
}

// TestMaster_ReassignsTheTaskOfALostWorker ends the session of a worker that holds a task: its
// handler is told, somebody else does the task, and the first result is refused.
func TestMaster_ReassignsTheTaskOfALostWorker(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		cause := make(chan error, 1)
		first := true
		w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			if !first {
				return recipe.Result(fmt.Sprint("second ", task.Token.Attempt)), nil
			}
			first = false
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return recipe.Result("first"), nil
		})
		c := w.client()
		submitted, err := c.Submit(w.ctx, nil)
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		owner := w.do(zkapi.Exists("/workers/w1")).Stat.EphemeralOwner
		for _, s := range w.env.Server.Sessions() {
			if s.ID() == owner {
				s.Expire()
			}
		}
		if err := <-cause; !errors.Is(err, recipe.ErrClaimLost) {
			t.Errorf("cause %v", err)
		}
		status, err := c.Await(w.ctx, name)
		if err != nil || string(status.Result) != "second 2" {
			t.Errorf("got %+v, %v", status, err)
		}
	})
}

func TestCancel_StopsTheHandler(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		cause := make(chan error, 1)
		w.worker("w1", func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return recipe.Result("too late"), nil
		})
		c := w.client()
		submitted, err := c.Submit(w.ctx, nil)
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		if status, err := c.Cancel(w.ctx, name); err != nil || status.State != recipe.Cancelled {
			t.Fatalf("%+v, %v", status, err)
		}
		if err := <-cause; !errors.Is(err, recipe.ErrAssignmentLost) {
			t.Errorf("cause %v", err)
		}
		if status, err := c.Await(w.ctx, name); err != nil || status.State != recipe.Cancelled {
			t.Errorf("%+v, %v", status, err)
		}
		if err := c.Collect(w.ctx, name); err != nil {
			t.Error(err)
		}
		if _, err := c.Await(w.ctx, name); !errors.Is(err, recipe.ErrNoTask) {
			t.Errorf("after Collect: %v", err)
		}
	})
}

// TestWorker_RegistersAgain deletes its znode by hand: the worker must notice.
func TestWorker_RegistersAgain(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		c := w.client()
		if _, err := c.Do(w.ctx, nil); err != nil {
			t.Fatal(err)
		}
		before := w.do(zkapi.Get("/assign/w1")).Stat.Version
		w.do(zkapi.Delete("/workers/w1", -1))
		if _, err := c.Do(w.ctx, nil); err != nil {
			t.Fatal(err)
		}
		if after := w.do(zkapi.Get("/assign/w1")).Stat.Version; after != before+1 {
			t.Errorf("incarnation %d, then %d", before, after)
		}
	})
}

func TestClient_StaysClosed(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		submitted, err := c.Submit(w.ctx, nil)
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Await(w.ctx, name)
			waiting <- err
		}()
		time.Sleep(time.Second)
		if err := c.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if err := <-waiting; !errors.Is(err, recipe.ErrClientClosed) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := c.Submit(w.ctx, nil); !errors.Is(err, recipe.ErrClientClosed) {
			t.Errorf("a submission afterwards got %v", err)
		}
		if n := len(w.env.Server.Sessions()); n != 1 { // the test's own
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestCollect_KeepsUnfinishedTasks(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		submitted, err := c.Submit(w.ctx, []byte("x"))
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Collect(w.ctx, name); !errors.Is(err, recipe.ErrUnfinished) {
			t.Errorf("got %v", err)
		}
		if !w.do(zkapi.Exists("/tasks/" + name)).Found {
			t.Error("the task is gone")
		}
	})
}

// TestSubmit_ResolvesALostAnswer loses the reply of the create, before and after: one task.
func TestSubmit_ResolvesALostAnswer(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		inBubble(t, func(w *world) {
			n := 0
			w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
				if !strings.HasPrefix(op.Path, "/tasks/task-") {
					return zk.None
				}
				if n++; n == 1 {
					return loss
				}
				return zk.None
			})
			submitted, err := w.client().Submit(w.ctx, []byte("x"))
			name := submitted.Task
			if err != nil {
				t.Fatal(err)
			}
			if got := w.do(zkapi.Children("/tasks")).Children; !slices.Equal(got, []string{name}) {
				t.Errorf("loss %d: tasks %q, submitted %q", loss, got, name)
			}
		})
	}
}

func TestSubmit_SaysWhenItIsInDoubt(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		if _, err := c.Submit(w.ctx, nil); err != nil { // makes /tasks
			t.Fatal(err)
		}
		w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.ReplyLost })
		ctx, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
		defer cancel()
		_, err := c.Submit(ctx, []byte("x"))
		ambiguous, ok := errors.AsType[*recipe.AmbiguousError](err)
		if !ok {
			t.Fatalf("got %v", err)
		}
		w.env.Server.Lose(nil)
		if _, err := c.Submit(w.ctx, []byte("x"), recipe.ID(ambiguous.ID)); err != nil {
			t.Fatal(err)
		}
		if got := w.do(zkapi.Children("/tasks")).Children; len(got) != 2 {
			t.Errorf("tasks %q, want two", got)
		}
	})
}

func TestRequest_TooLargeIsNotSent(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		if _, err := c.Submit(w.ctx, make([]byte, recipe.MaxPayload+1)); !errors.Is(err, zkapi.ErrTooLarge) {
			t.Errorf("payload: %v", err)
		}
		w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 2})
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			return make(recipe.Result, recipe.MaxResult+1), nil
		})
		_, err := c.Do(w.ctx, nil)
		if _, failed := errors.AsType[*recipe.FailedError](err); !failed {
			t.Errorf("result: %v", err)
		}
	})
}

// meddler calls before with each write of the processes that run on it.
type meddler struct {
	zkapi.Env
	before func(op zkapi.Op)
}

func (m *meddler) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := m.Env.Open(ctx)
	return &meddled{session, m.before}, err
}

type meddled struct {
	zkapi.Session
	before func(op zkapi.Op)
}

func (m *meddled) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	for _, op := range ops {
		m.before(op)
	}
	return m.Session.DoAll(ctx, ops)
}

// TestWorker_SparesALaterAssignmentWhenItGivesBack restarts a worker that held a task. Just
// before it gives the task back, the master has taken it away and assigned it
// anew, to the same worker: the give-back must not touch the new assignment.
func TestWorker_SparesALaterAssignmentWhenItGivesBack(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/assign", "/workers", "/tasks", "/assign/w1")
		w.do(zkapi.Create("/tasks/t", []byte("x"), zkapi.Persistent))
		w.do(zkapi.Create("/assign/w1/t", []byte(`{"epoch":1,"attempt":1,"incarnation":0}`), zkapi.Persistent))
		met := false
		env := &meddler{Env: w.env, before: func(op zkapi.Op) {
			if met || !slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == zkapi.KindDelete && o.Path == "/assign/w1/t" }) {
				return
			}
			met = true
			w.do(zkapi.Multi(
				zkapi.Delete("/assign/w1/t", -1),
				zkapi.Create("/tasks/t/attempt-1", []byte(`{"attempt":1}`), zkapi.Persistent),
				zkapi.Create("/assign/w1/t", []byte(`{"epoch":1,"attempt":2,"incarnation":1}`), zkapi.Persistent)))
		}}
		worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result(fmt.Sprint("attempt ", task.Token.Attempt)), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = worker.Run(w.ctx) })
		w.within(time.Minute, "the task has its status", func() bool { return w.do(zkapi.Exists("/tasks/t/status")).Found })
		if got := string(w.do(zkapi.Get("/tasks/t/status")).Data); !met || !strings.Contains(got, "attempt 2") {
			t.Errorf("met is %v, status %s", met, got)
		}
	})
}

// TestRecipe_KeepsItsPromisesInChaos draws losses and expiries while tasks are done, and
// checks what must hold at the end: every task has one status, every execution had an attempt
// number of its own, and every attempt without the result is on record.
func TestRecipe_KeepsItsPromisesInChaos(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		inBubble(t, func(w *world) {
			w.follows = seed%2 == 1
			chaos(w, seed)
		})
		if t.Failed() {
			rt.Fatalf("seed %d", seed)
		}
	})
}

func chaos(w *world, seed uint64) {
	rng, losses := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
	w.env.Server.Lose(func(zkapi.Op) zk.Loss { // one at a time: the server is locked
		if losses.IntN(5) > 0 {
			return zk.None
		}
		return zk.Loss(1 + losses.IntN(2))
	})
	var mu sync.Mutex
	executions := map[string]int{}
	handler := func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		mu.Lock()
		executions[fmt.Sprintf("%s/attempt-%d", task.Name, task.Token.Attempt)]++
		mu.Unlock()
		time.Sleep(time.Duration(len(task.Payload)) * 100 * time.Millisecond)
		if len(task.Payload) == 2 && task.Token.Attempt < 3 {
			return nil, errors.New("not yet")
		}
		return recipe.Result("ok"), nil
	}
	for i := range 3 {
		w.master(recipe.MasterConfig{Name: fmt.Sprint("m", i), MaxAttempts: 50})
		w.worker(fmt.Sprint("w", i), handler)
	}
	c := w.client()
	var names []string
	for i := range 12 {
		submitted, err := c.Submit(w.ctx, make([]byte, i%4))
		name := submitted.Task
		if err != nil {
			w.t.Error(err)
			return
		}
		names = append(names, name)
		time.Sleep(200 * time.Millisecond)
		if sessions := w.env.Server.Sessions(); rng.IntN(3) == 0 {
			if victim := sessions[rng.IntN(len(sessions))]; victim != w.direct {
				victim.Expire()
			}
		}
	}
	w.env.Server.Lose(func(zkapi.Op) zk.Loss { return zk.None })
	limited, cancel := context.WithTimeout(w.ctx, time.Hour)
	defer cancel()
	for _, name := range names {
		if status, err := c.Await(limited, name); err != nil || status.State != recipe.Done {
			w.t.Errorf("%s: %+v, %v", name, status, err)
		}
	}
	if got := w.do(zkapi.Children("/tasks")).Children; len(got) != len(names) {
		w.t.Errorf("%d tasks, %d were submitted", len(got), len(names))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, e := range slices.Sorted(maps.Keys(executions)) {
		if executions[e] > 1 {
			w.t.Errorf("%s was executed %d times", e, executions[e])
		}
		task, _, _ := strings.Cut(e, "/")
		status := string(w.do(zkapi.Get("/tasks/" + task + "/status")).Data)
		counts := strings.Contains(status, `"attempt":`+strings.TrimPrefix(e, task+"/attempt-")+",")
		if !counts && !w.do(zkapi.Exists("/tasks/"+e)).Found {
			w.t.Errorf("%s is not on record; the status is %s", e, status)
		}
	}
}
