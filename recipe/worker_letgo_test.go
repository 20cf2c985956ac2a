package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// hanging is a test of two workers whose handlers let go of a resident task when slow
// is over, or when the test releases them.
type hanging struct {
	*world
	stays
	release chan struct{}

	log logged
	met counted
}

// logged keeps the messages of warnings and errors.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// counted keeps the last figure of handlers that do not return.
type counted struct {
	recipe.NoMetrics
	mu         sync.Mutex
	unreturned int
}

func (c *counted) Unreturned(handlers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unreturned = handlers
}

func (c *counted) hung() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unreturned
}

// process is one worker and how its Run is ended.
type process struct {
	*recipe.Worker
	stop context.CancelFunc
	ran  chan error
}

func (h *hanging) start(name string, slow time.Duration, policy recipe.Unreturned) *process {
	h.t.Helper()
	let := func(context.Context, recipe.Task) {
		select {
		case <-time.After(slow):
		case <-h.release:
		}
	}
	w, err := recipe.NewWorker(h.ofWorkers(), recipe.WorkerConfig{
		Name: name, Handler: h.handler(name, let), Unreturned: policy,
		Observers: recipe.Observers{Logger: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelWarn})), Metrics: &h.met},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(h.ctx)
	p := &process{w, stop, make(chan error, 1)}
	h.work.Go(func() { p.ran <- w.Run(ctx) })
	return p
}

// hangs runs a test with a master, an owner that is slow to let go, and one more worker.
func hangs(t *testing.T, slow time.Duration, policy recipe.Unreturned, options []recipe.SubmitOption, test func(h *hanging, owner *process, task string)) {
	bothWays(t, func(w *world) {
		h := &hanging{world: w, release: make(chan struct{})}
		defer func() { close(h.release) }()
		w.master(recipe.MasterConfig{Name: "m1"})
		owner := h.start("w1", slow, policy)
		time.Sleep(time.Second)
		task, _ := w.held(&h.stays, options...)
		h.start("w2", 0, recipe.Unreturned{})
		time.Sleep(time.Second)
		test(h, owner, task)
	})
}

// hanging is what the overview says of a task whose handler has not returned.
func (h *hanging) hanging(task string) recipe.Hanging {
	h.t.Helper()
	o, err := h.client().Overview(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, one := range o.Hanging {
		if one.Task == task {
			return one
		}
	}
	return recipe.Hanging{}
}

// stops are the ways in which an owner is stopped that has no time.
var stops = map[string]func(h *hanging, owner *process){
	"its context ends": func(_ *hanging, owner *process) { owner.stop() },
	"Close has no patience left": func(h *hanging, owner *process) {
		ctx, cancel := context.WithTimeout(h.ctx, time.Millisecond)
		h.work.Go(func() {
			defer cancel()
			_ = owner.Close(ctx)
		})
	},
}

// TestWorker_StopsAfterItsHandlersHaveReturned stops an owner whose handler takes longer to
// return than any timeout: the next owner begins when it has, and not before.
func TestWorker_StopsAfterItsHandlersHaveReturned(t *testing.T) {
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			hangs(t, 20*time.Second, recipe.Unreturned{}, nil, func(h *hanging, owner *process, task string) {
				stop(h, owner)
				time.Sleep(15 * time.Second)
				if all := h.list(); len(all) != 1 {
					t.Errorf("another one has begun: %+v", all)
				}
				if n := h.log.count("does not return"); n < 3 || n > 6 {
					t.Errorf("%d warnings in 15 s: at once, and then with growing pauses", n)
				}
				if h.met.hung() != 1 {
					t.Errorf("%d handlers are said not to return", h.met.hung())
				}
				h.within(10*time.Second, "w2 owns it", func() bool { return fmt.Sprint(h.owners()) == "[w2]" })
				if overlap := h.overlap(); overlap > 0 {
					t.Errorf("two owned it for %v", overlap)
				}
				if err := <-owner.ran; err == nil || h.met.hung() != 0 {
					t.Errorf("Run: %v, and %d handlers are said not to return", err, h.met.hung())
				}
			})
		})
	}
}

// TestWorker_GivesBackAllButTheHangingTask stops a worker that holds an ordinary task and one
// that waits beside a resident one that hangs: the others go to another worker meanwhile, and
// it is given nothing more.
func TestWorker_GivesBackAllButTheHangingTask(t *testing.T) {
	bothWays(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		release := make(chan struct{})
		var mu sync.Mutex
		var began []string
		worker, err := recipe.NewWorker(w.ofWorkers(), recipe.WorkerConfig{Name: "w1", Concurrency: 1, Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			began = append(began, task.Options.Key)
			mu.Unlock()
			<-ctx.Done()
			if task.Options.Resident {
				<-release
			}
			return nil, context.Cause(ctx)
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(w.ctx)
		w.work.Go(func() { _ = worker.Run(ctx) })
		time.Sleep(time.Second)
		resident := w.submit(recipe.Resident(), recipe.Key("resident"))
		runs, waits := w.submit(recipe.Key("runs")), w.submit(recipe.Key("waits"))
		time.Sleep(time.Second)
		stop()
		time.Sleep(time.Second / 2)
		w.worker("w2", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Options.Resident {
				<-ctx.Done()
			}
			return nil, nil
		})
		for _, task := range []string{runs, waits, w.submit()} {
			if status := w.await(task); status.Worker != "w2" {
				t.Errorf("%s was done by %s", task, status.Worker)
			}
		}
		if w.holder(resident) != "w1" {
			t.Errorf("the resident task is with %q", w.holder(resident))
		}
		close(release)
		w.within(3*time.Second, "it moves", func() bool { return w.holder(resident) == "w2" })
		mu.Lock()
		defer mu.Unlock()
		if len(began) != 2 {
			t.Errorf("begun: %q", began)
		}
	})
}

// TestAbandon_MovesTheTask gives handlers that hang a time: the task moves then, and it is on
// record that the old handler may still run. The same process does not begin it again.
func TestAbandon_MovesTheTask(t *testing.T) {
	type tells func(h *hanging, owner *process, task string)
	for name, tell := range map[string]tells{
		"its context ends":     func(_ *hanging, owner *process, _ string) { owner.stop() },
		"it shows no progress": func(*hanging, *process, string) {},
		"it is to leave":       func(h *hanging, owner *process, _ string) { h.work.Go(func() { _ = owner.Close(h.ctx) }) },
	} {
		for _, after := range []time.Duration{300 * time.Millisecond, 3 * time.Second} {
			t.Run(fmt.Sprint(name, after), func(t *testing.T) {
				options := []recipe.SubmitOption{recipe.ID("r")}
				if name == "it shows no progress" {
					options = append(options, recipe.HeartbeatTimeout(5*time.Second))
				}
				hangs(t, time.Hour, recipe.Unreturned{After: after}, options, func(h *hanging, owner *process, task string) {
					tell(h, owner, task)
					h.within(15*time.Second, "w2 owns it too", func() bool { return fmt.Sprint(h.owners()) == "[w1 w2]" })
					if hanging := h.hanging(task); hanging.Worker != "w1" || hanging.Token != h.list()[0].token || hanging.Abandoned.IsZero() {
						t.Errorf("the overview has %+v", hanging)
					}
					record := string(h.do(zkapi.Get("/tasks/" + task + "/attempt-1")).Data)
					if !strings.Contains(record, "handler was abandoned") || !strings.Contains(record, after.String()) {
						t.Errorf("on record: %s", record)
					}
					all := h.list()
					if all[0].token.Compare(all[1].token) >= 0 {
						t.Errorf("the token is not greater: %+v", all)
					}
					if name != "it shows no progress" {
						h.within(10*time.Second, "Run returns, although the handler has not", func() bool { return len(owner.ran) == 1 })
					}
				})
			})
		}
	}
}

// TestUnreturned_EndsTheProcess: a handler that hangs ends its process, if that is what is
// wanted.
func TestUnreturned_EndsTheProcess(t *testing.T) {
	ended := make(chan error, 1)
	policy := recipe.Unreturned{After: 2 * time.Second}
	policy.End = func(reason error) { ended <- reason }
	hangs(t, time.Hour, policy, nil, func(h *hanging, owner *process, task string) {
		owner.stop()
		time.Sleep(1900 * time.Millisecond)
		select {
		case reason := <-ended:
			t.Errorf("too early: %v", reason)
		default:
		}
		time.Sleep(200 * time.Millisecond)
		select {
		case reason := <-ended:
			if !errors.Is(reason, recipe.ErrAbandoned) || !strings.Contains(reason.Error(), task) {
				t.Errorf("%v", reason)
			}
		default:
			t.Error("the process is not ended")
		}
	})
}

// TestAbandon_EndsTheWait: who closes a worker whose handler hangs has a last resort.
func TestAbandon_EndsTheWait(t *testing.T) {
	hangs(t, time.Hour, recipe.Unreturned{}, nil, func(h *hanging, owner *process, task string) {
		closed := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(h.ctx, time.Second)
			defer cancel()
			closed <- owner.Close(ctx)
		}()
		time.Sleep(time.Minute)
		select {
		case err := <-closed:
			t.Errorf("Close has returned: %v", err)
		default:
		}
		owner.Abandon()
		h.within(5*time.Second, "Close returns", func() bool { return len(closed) == 1 })
		h.within(5*time.Second, "the next one begins", func() bool { return fmt.Sprint(h.owners()) == "[w1 w2]" })
		if h.hanging(task).Abandoned.IsZero() {
			t.Error("it is not on record")
		}
		if err := <-owner.ran; !errors.Is(err, recipe.ErrAbandoned) && !errors.Is(err, recipe.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestWorker_LogsARefusedGiveBackOnce: a worker that stops may not write under its claim.
// It says so once, and does not give up.
func TestWorker_LogsARefusedGiveBackOnce(t *testing.T) {
	hangs(t, 20*time.Second, recipe.Unreturned{}, nil, func(h *hanging, owner *process, _ string) {
		worker := h.ownerOf("/workers/w1").ID()
		h.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if session == worker && op.Kind == zkapi.KindSet && op.Path == "/assign/w1" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		owner.stop()
		time.Sleep(10 * time.Second)
		if n := h.log.count("cannot give back its tasks"); n != 1 {
			t.Errorf("it is told %d times", n)
		}
		h.env.Server.Refuse(nil)
		h.within(30*time.Second, "w2 owns it", func() bool { return fmt.Sprint(h.owners()) == "[w2]" })
		if overlap := h.overlap(); overlap > 0 {
			t.Errorf("two owned it for %v", overlap)
		}
	})
}

// TestAbandon_AtOnceIsOnRecord: who has no patience at all still says that the handler may
// run on.
func TestAbandon_AtOnceIsOnRecord(t *testing.T) {
	hangs(t, time.Hour, recipe.Unreturned{}, nil, func(h *hanging, owner *process, task string) {
		owner.Abandon()
		h.within(5*time.Second, "the next one begins", func() bool { return fmt.Sprint(h.owners()) == "[w1 w2]" })
		if hanging := h.hanging(task); hanging.Worker != "w1" || hanging.Abandoned.IsZero() {
			t.Errorf("the overview has %+v", hanging)
		}
	})
}

// TestResident_IsRevokedWithoutProgress: a resident task that shows no progress is taken from
// its worker only when the handler has returned, and does not go back there.
func TestResident_IsRevokedWithoutProgress(t *testing.T) {
	hangs(t, 10*time.Second, recipe.Unreturned{}, []recipe.SubmitOption{recipe.HeartbeatTimeout(3 * time.Second)}, func(h *hanging, owner *process, task string) {
		h.within(10*time.Second, "it is called back", func() bool { return h.hanging(task).Task == task })
		if hanging := h.hanging(task); hanging.Worker != "w1" || hanging.Token != h.list()[0].token || !hanging.Abandoned.IsZero() {
			t.Errorf("the overview has %+v", hanging)
		}
		h.within(30*time.Second, "w2 owns it", func() bool { return len(h.list()) > 1 })
		if hanging := h.hanging(task); hanging != (recipe.Hanging{}) {
			t.Errorf("it has returned, and the overview has %+v", hanging)
		}
		all := h.list()
		if h.overlap() > 0 || all[1].worker != "w2" || !errors.Is(all[0].cause, recipe.ErrRevoked) {
			t.Errorf("overlap %v: %+v", h.overlap(), all)
		}
		if h.log.count("does not return") == 0 {
			t.Error("it is told to none that the handler did not return")
		}
	})
}

// TestWorker_WaitsForTheHandlersOfItsLastIncarnation ends the session of an owner whose
// handler hangs while no master leads: the worker registers again, finds what its last
// incarnation was given, and gives it back only when the handler of that has returned.
func TestWorker_WaitsForTheHandlersOfItsLastIncarnation(t *testing.T) {
	bothWays(t, func(w *world) {
		h := &hanging{world: w, release: make(chan struct{})}
		m := w.master(recipe.MasterConfig{Name: "m1"})
		h.start("w1", 20*time.Second, recipe.Unreturned{})
		time.Sleep(time.Second)
		w.held(&h.stays)
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.expireOwner("/workers/w1")
		w.within(time.Second, "it registers again", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		h.start("another", 0, recipe.Unreturned{}) // the first by name
		w.master(recipe.MasterConfig{Name: "m2"})
		time.Sleep(15 * time.Second)
		if all := h.list(); len(all) != 1 {
			t.Errorf("another one has begun: %+v", all)
		}
		w.within(20*time.Second, "it is owned again", func() bool { return len(h.list()) == 2 })
		if h.overlap() > 0 {
			t.Errorf("two owned it for %v", h.overlap())
		}
	})
}

// TestUnreturned_IsChecked: a policy that cannot be meant is refused.
func TestUnreturned_IsChecked(t *testing.T) {
	for _, policy := range []recipe.Unreturned{{After: -1}, {End: func(error) {}}} {
		if _, err := recipe.NewWorker(&zk.Env{}, recipe.WorkerConfig{Name: "w", Handler: echo, Unreturned: policy}); err == nil || !strings.Contains(err.Error(), "Unreturned.After") {
			t.Errorf("%+v: %v", policy, err)
		}
	}
}

// TestNode_HandsOverWhileAHandlerHangs closes a node that leads and whose worker has a
// handler that does not return: the leadership goes when the patience ends, the resident
// task when the handler has returned. A node that is elected keeps what hangs, too.
func TestNode_HandsOverWhileAHandlerHangs(t *testing.T) {
	bothWays(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m0"})
		w.within(time.Second, "m0 leads", func() bool { return leads(m) })
		s := &stays{}
		release := make(chan struct{})
		n, err := recipe.NewNode(w.env, recipe.NodeConfig{
			Master: recipe.MasterConfig{Name: "n1"}, Drain: time.Second,
			Worker: recipe.WorkerConfig{Handler: s.handler("n1", func(context.Context, recipe.Task) { <-release })},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = n.Run(w.ctx) })
		time.Sleep(time.Second)
		w.held(s)
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.within(10*time.Second, "n1 leads", func() bool { return leads(n.Master()) })
		w.worker("w2", s.handler("w2", nil))
		time.Sleep(20 * time.Second)
		if all := s.list(); len(all) != 1 {
			t.Errorf("another one has begun: %+v", all)
		}
		closed := make(chan error, 1)
		w.work.Go(func() {
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			closed <- n.Close(ctx)
		})
		w.master(recipe.MasterConfig{Name: "m1"})
		w.within(5*time.Second, "it has handed over", func() bool { return string(w.do(zkapi.Get("/master")).Data) == "" && !leads(n.Master()) })
		if len(closed) > 0 || len(s.list()) != 1 {
			t.Errorf("Close has returned: %v; %+v", len(closed) > 0, s.list())
		}
		close(release)
		w.within(10*time.Second, "w2 owns it, and Close returns", func() bool { return len(s.list()) == 2 && len(closed) == 1 })
		if s.overlap() > 0 {
			t.Errorf("two owned it for %v", s.overlap())
		}
	})
}

// TestAbandon_WhileTheHandlerReturns: a handler of a resident task returns at the very
// moment at which its worker gives it up. The worker can have the task again, and has no
// handler that has not returned.
func TestAbandon_WhileTheHandlerReturns(t *testing.T) {
	const limit = 5 * time.Second
	for range 100 {
		bothWays(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			counts := &counted{}
			began := make(chan bool, 2)
			w.workerOf(recipe.WorkerConfig{
				Name: "w1", Unreturned: recipe.Unreturned{After: limit}, Observers: recipe.Observers{Metrics: counts},
				Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
					began <- true
					<-ctx.Done()
					time.Sleep(limit)
					return nil, ctx.Err()
				},
			})
			c := w.client()
			for range 2 {
				name := w.submit(recipe.ID("job"), recipe.Resident())
				w.within(time.Minute, "it begins", func() bool { return len(began) > 0 })
				<-began
				if _, err := c.Cancel(w.ctx, name); err != nil {
					t.Fatal(err)
				}
				time.Sleep(4 * limit)
				if n := counts.hung(); n != 0 {
					t.Errorf("%d handlers have not returned", n)
				}
				if err := c.Collect(w.ctx, name); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestWorker_FencedKeepsItsSessionUntilHandlersReturn: a worker does not give a cancelled
// task back in time, so a master takes its claim away. It owns a resident task, too, and may
// not know yet that its claim is gone: the next owner begins when the session is over, and
// the session is kept until the handler has returned.
func TestWorker_FencedKeepsItsSessionUntilHandlersReturn(t *testing.T) {
	const timeout = 40 * time.Second
	for _, one := range []struct{ cutOff, slow time.Duration }{{timeout, 0}, {15 * time.Second, 20 * time.Second}} {
		t.Run(fmt.Sprint(one), func(t *testing.T) {
			inBubbleOf(t, timeout, func(w *world) {
				w.master(recipe.MasterConfig{Name: "m1"})
				s := &stays{}
				own := s.handler("w1", func(context.Context, recipe.Task) { time.Sleep(one.slow) })
				w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
					if task.Options.Resident {
						return own(ctx, task)
					}
					<-ctx.Done()
					return nil, ctx.Err()
				})
				time.Sleep(time.Second)
				w.held(s)
				ordinary := w.submit()
				time.Sleep(time.Second)
				w.worker("w2", s.handler("w2", nil))
				time.Sleep(time.Second)
				claim := w.do(zkapi.Exists("/assign/w1")).Stat.Version
				session := w.ownerOf("/workers/w1")
				session.Strand()
				time.AfterFunc(one.cutOff, session.Unstrand)
				if _, err := w.client().Cancel(w.ctx, ordinary); err != nil {
					t.Fatal(err)
				}
				w.within(15*time.Second, "the claim is taken", func() bool { return w.do(zkapi.Exists("/assign/w1")).Stat.Version > claim })
				w.within(time.Minute, "w2 owns it", func() bool { return fmt.Sprint(s.owners()) == "[w2]" || len(s.owners()) > 1 })
				if overlap := s.overlap(); overlap > 0 {
					t.Errorf("two owned it for %v", overlap)
				}
			})
		})
	}
}

// TestResident_CancelledIsGivenBackAfterItsHandler: a resident task is cancelled,
// collected and submitted again under its id. Its new owner begins when the handler of the
// cancelled one has returned, however long that takes, and not before; meanwhile the
// worker keeps its claim.
func TestResident_CancelledIsGivenBackAfterItsHandler(t *testing.T) {
	hangs(t, 30*time.Second, recipe.Unreturned{}, []recipe.SubmitOption{recipe.ID("r")}, func(h *hanging, owner *process, task string) {
		claim := h.do(zkapi.Exists("/assign/w1")).Stat.Version
		c := h.client()
		if status, err := c.Cancel(h.ctx, task); err != nil || status.State != recipe.Cancelled {
			t.Fatal(status, err)
		}
		time.Sleep(20 * time.Second)
		if hanging := h.hanging(task); hanging.Worker != "w1" {
			t.Errorf("the overview has %+v", hanging)
		}
		if err := c.Collect(h.ctx, task); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(h.ctx, nil, recipe.ID("r"), recipe.Resident()); err != nil {
			t.Fatal(err)
		}
		h.within(20*time.Second, "it is owned again", func() bool { return len(h.list()) == 2 })
		if overlap := h.overlap(); overlap > 0 {
			t.Errorf("two owned it for %v", overlap)
		}
		if now := h.do(zkapi.Exists("/assign/w1")).Stat.Version; now != claim {
			t.Errorf("the claim of the worker was taken: version %d, then %d", claim, now)
		}
	})
}

// TestAbandon_LetsOtherWorkersGoOn: a worker lets a resident task go whose
// handler does not return, and would be given it again. Others are, also after a failover;
// where there are none it is held longer each time, and begun when the handler returns.
func TestAbandon_LetsOtherWorkersGoOn(t *testing.T) {
	abandoned := func(t *testing.T, others bool, test func(h *hanging, task string)) {
		inBubbleOf(t, 10*time.Second, func(w *world) {
			h := &hanging{world: w, release: make(chan struct{}, 1)}
			defer close(h.release)
			w.master(recipe.MasterConfig{Name: "m1"})
			w.master(recipe.MasterConfig{Name: "m2"})
			h.start("w1", time.Hour, recipe.Unreturned{After: 500 * time.Millisecond})
			time.Sleep(time.Second)
			task, _ := w.held(&h.stays)
			if others {
				h.start("w2", 0, recipe.Unreturned{})
				time.Sleep(time.Second)
			}
			session := w.ownerOf("/workers/w1")
			session.Strand() // for longer than the lease
			time.Sleep(9 * time.Second)
			session.Unstrand()
			test(h, task)
		})
	}
	t.Run("there is another", func(t *testing.T) {
		abandoned(t, true, func(h *hanging, task string) {
			h.within(15*time.Second, "w2 owns it too", func() bool { return fmt.Sprint(h.owners()) == "[w1 w2]" })
			attempts := len(h.do(zkapi.Children("/tasks/" + task)).Children)
			h.expireOwner("/master")
			time.Sleep(time.Second)
			h.expireOwner("/workers/w2")
			time.Sleep(time.Minute)
			if fmt.Sprint(h.owners()) != "[w1 w2]" {
				t.Errorf("owned by %v", h.owners())
			}
			if now := len(h.do(zkapi.Children("/tasks/" + task)).Children); now > attempts+3 {
				t.Errorf("%d attempts on record, then %d", attempts, now)
			}
		})
	})
	t.Run("there is no other", func(t *testing.T) {
		abandoned(t, false, func(h *hanging, task string) {
			time.Sleep(10 * time.Minute)
			if n := h.log.count("is given back"); n < 5 || n > 30 {
				t.Errorf("it was given back %d times in 10 minutes", n)
			}
			h.release <- struct{}{}
			h.within(time.Minute, "it is begun again", func() bool { return len(h.list()) == 2 && len(h.owners()) == 1 })
			if overlap := h.overlap(); overlap > 0 {
				t.Errorf("two owned it for %v", overlap)
			}
		})
	})
}

// TestWorker_KeepsItsClaimWhileItRetires: the answer to the write with which a worker retires
// is slow, and its claim is to be confirmed meanwhile. It does not take its own renewal for
// somebody else's: what it has begun ends with a result, in the first attempt.
func TestWorker_KeepsItsClaimWhileItRetires(t *testing.T) {
	for _, late := range []time.Duration{0, time.Second, 4 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			inBubbleOf(t, 10*time.Second, func(w *world) {
				w.master(recipe.MasterConfig{Name: "m1"})
				renewals := 0
				env := &paused{Env: w.env, between: func(op zkapi.Op) { // the answer to a renewal of the claim is late
					fenced := len(op.Ops) > 0 && op.Ops[0].Kind == zkapi.KindCheck // the write that registers is not
					if fenced && slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == zkapi.KindSet && o.Path == "/assign/w1" }) {
						renewals++
						time.Sleep(late)
					}
				}}
				worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
					select {
					case <-time.After(30 * time.Second):
						return recipe.Result("done"), nil
					case <-ctx.Done():
						return nil, context.Cause(ctx)
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				w.work.Go(func() { _ = worker.Run(w.ctx) })
				name := w.submit()
				w.within(time.Minute, "it runs", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
				time.Sleep(10*time.Second - 500*time.Millisecond) // so that a confirmation is due soon
				if err := worker.Close(w.ctx); err != nil {
					t.Error(err)
				}
				if s := w.await(name); s.State != recipe.Done || s.Token.Attempt != 1 {
					t.Errorf("it ended as %+v", s)
				}
				if renewals != 1 {
					t.Errorf("the claim was renewed %d times", renewals)
				}
			})
		})
	}
}

// TestWorker_GivesBackUnseenAssignmentsWhenItLeaves: a task is assigned to an idle worker in
// the moment in which that leaves. The attempt is on record as that of a worker that left,
// which does not spend the budget of the task; a worker that is lost would.
func TestWorker_GivesBackUnseenAssignmentsWhenItLeaves(t *testing.T) {
	bothWays(t, func(w *world) {
		w.makes("/assign", "/workers", "/tasks", "/tasks/task-t")
		worker, err := recipe.NewWorker(w.ofWorkers(), recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(w.ctx)
		left := make(chan error)
		go func() { left <- worker.Run(ctx) }()
		w.within(time.Minute, "it is registered", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		time.Sleep(time.Second)
		w.ownerOf("/workers/w1").Lag()
		w.do(zkapi.Create("/assign/w1/task-t", []byte(`{"epoch":1,"attempt":1,"incarnation":1}`), zkapi.Persistent))
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		if w.do(zkapi.Exists("/assign/w1/task-t")).Found {
			t.Error("the task is still assigned to it")
		}
		if got := w.do(zkapi.Children("/tasks/task-t")).Children; !slices.Equal(got, []string{"attempt-1", "left-1"}) {
			t.Errorf("below the task: %q", got)
		}
	})
}

// TestWorker_GivesManyTasksBackWhenItLeaves: a worker with 2,000 resident tasks stops. The
// ensemble needs longer for so many than it has for a few, and each of them is given back.
func TestWorker_GivesManyTasksBackWhenItLeaves(t *testing.T) {
	const tasks = 2000
	inBubble(t, func(w *world) {
		w.makes("/assign", "/workers", "/tasks", "/assign/w1")
		var running atomic.Int64
		slow := &paused{Env: w.env, before: func(op zkapi.Op) {
			if op.Kind == zkapi.KindMulti {
				time.Sleep(25 * time.Millisecond)
			}
		}}
		worker, err := recipe.NewWorker(slow, recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			running.Add(1)
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(w.ctx)
		left := make(chan error)
		go func() { left <- worker.Run(ctx) }()
		w.within(time.Minute, "it is registered", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		for n := range tasks {
			w.do(zkapi.Multi(
				zkapi.Create(fmt.Sprint("/tasks/t", n), []byte(`#ringmaster {"resident":true} x`), zkapi.Persistent),
				zkapi.Create(fmt.Sprint("/assign/w1/t", n), []byte(`{"epoch":1,"attempt":1,"incarnation":1}`), zkapi.Persistent)))
		}
		w.within(time.Minute, "it executes all", func() bool { return running.Load() == tasks })
		leave()
		<-left
		if n := w.do(zkapi.Children("/assign/w1")).Stat.NumChildren; n > 0 {
			t.Errorf("%d tasks were not given back", n)
		}
	})
}
