package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func (w *world) submit(options ...recipe.SubmitOption) string {
	w.t.Helper()
	submitted, err := w.client().Submit(w.ctx, []byte("x"), options...)
	name := submitted.Task
	if err != nil {
		w.t.Fatal(err)
	}
	return name
}

func (w *world) await(task string) recipe.Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Hour)
	defer cancel()
	status, err := w.client().Await(ctx, task)
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// holder is the worker whose inbox has the task, "" for none.
func (w *world) holder(task string) string {
	w.t.Helper()
	found, err := w.direct.Do(w.ctx, zkapi.Children("/assign"))
	if err != nil {
		return ""
	}
	for _, name := range found.Children {
		if w.do(zkapi.Exists("/assign/" + name + "/" + task)).Found {
			return name
		}
	}
	return ""
}

func TestOptions_ReachTheHandler(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		got := make(chan recipe.Task, 1)
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			got <- task
			return nil, nil
		})
		want := recipe.Options{
			MaxAttempts: 3, Timeout: time.Second, HeartbeatTimeout: time.Minute, NotBefore: time.Now().Add(time.Second).UTC().Round(0), Priority: -1, Key: "k",
		}
		w.await(w.submit(recipe.With(want)))
		if task := <-got; task.Options != want || string(task.Payload) != "x" {
			t.Errorf("%+v, %q", task.Options, task.Payload)
		}
		for _, bad := range []recipe.Options{
			{MaxAttempts: -1}, {Timeout: time.Millisecond}, {HeartbeatTimeout: -time.Second}, {Resident: true, MaxAttempts: 1}, {Resident: true, Timeout: time.Minute},
			{Key: strings.Repeat("k", 2000)},
		} {
			if _, err := w.client().Submit(w.ctx, nil, recipe.With(bad)); err == nil {
				t.Errorf("%+v was accepted", bad)
			}
		}
	})
}

// TestPayload_OfAnyBytes: what a client hands in is what the handler gets, byte
// for byte, also if it looks like options, and what was made by hand is a task.
func TestPayload_OfAnyBytes(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result(fmt.Sprint(string(task.Payload), "|", task.Options.Priority)), nil
		})
		c := w.client()
		for _, payload := range []string{"", "plain", "\x00\xff", `#ringmaster {"priority":5} x`, "#ringmaster nonsense"} {
			for _, options := range [][]recipe.SubmitOption{nil, {recipe.Priority(7)}} {
				want := fmt.Sprint(payload, "|", 7*len(options))
				if result, err := c.Do(w.ctx, []byte(payload), options...); err != nil || string(result) != want {
					t.Errorf("%q, %v, want %q", result, err, want)
				}
			}
		}
		for data, want := range map[string]string{
			"cmd": "cmd|0", `#ringmaster {"priority":9} cmd`: "cmd|9", "#ringmaster {\"priority\":9}\n cmd": " cmd|9",
			`#ringmaster {"attempts":1,"later":2} cmd`: "cmd|0", "#ringmaster": "#ringmaster|0", "#ringmasters": "#ringmasters|0",
		} {
			name := strings.TrimPrefix(w.do(zkapi.Create("/tasks/task-", []byte(data), zkapi.PersistentSequential)).Path, "/tasks/")
			if status := w.await(name); string(status.Result) != want {
				t.Errorf("%q gave %q, want %q", data, status.Result, want)
			}
		}
	})
}

// TestSubmit_SameIDIsOneTask submits one id from many clients at once.
func TestSubmit_SameIDIsOneTask(t *testing.T) {
	inBubble(t, func(w *world) {
		var work sync.WaitGroup
		for range 20 {
			work.Go(func() {
				if name := w.submit(recipe.ID("order.1")); name != "task-order.1" {
					t.Errorf("got %q", name)
				}
			})
		}
		work.Wait()
		if got := w.do(zkapi.Children("/tasks")).Children; len(got) != 1 {
			t.Errorf("tasks %q", got)
		}
	})
}

// TestOptions_PriorityAndNotBefore has one worker that takes one task at a time.
func TestOptions_PriorityAndNotBefore(t *testing.T) {
	inBubble(t, func(w *world) {
		began := time.Now()
		names := []string{
			w.submit(recipe.ID("first")), w.submit(recipe.ID("second")),
			w.submit(recipe.ID("urgent"), recipe.Priority(1)),
			w.submit(recipe.ID("later"), recipe.Priority(5), recipe.NotBefore(began.Add(10*time.Second))),
		}
		var mu sync.Mutex
		var order []string
		var late time.Duration
		w.workerOf(recipe.WorkerConfig{Name: "w1", Capacity: 1, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			order, late = append(order, task.Name), time.Since(began)
			return nil, nil
		}})
		time.Sleep(time.Second)
		w.master(recipe.MasterConfig{Name: "m1"})
		for _, name := range names {
			w.await(name)
		}
		if want := []string{"task-urgent", "task-first", "task-second", "task-later"}; !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
		if late < 10*time.Second || late > 10*time.Second+100*time.Millisecond {
			t.Errorf("the late one began after %v", late)
		}
	})
}

func TestWorker_KeepsItsCapacity(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		gate := make(chan struct{})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Capacity: 3, Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
			<-gate
			return nil, nil
		}})
		var names []string
		for range 10 {
			names = append(names, w.submit())
		}
		time.Sleep(3 * time.Second)
		if held := w.do(zkapi.Children("/assign/w1")).Children; len(held) != 3 {
			t.Errorf("it holds %d", len(held))
		}
		close(gate)
		for _, name := range names {
			w.await(name)
		}
	})
}

// TestStickyByKey_MovesOnlyTheKeysOfTheLost: tasks of one key go to one worker, and only the
// keys of a worker that is lost move.
func TestStickyByKey_MovesOnlyTheKeysOfTheLost(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Strategy: recipe.StickyByKey})
		leaves := w.worker("w0", echo)
		for n := range 3 {
			w.worker(fmt.Sprint("w", n+1), echo)
		}
		time.Sleep(time.Second)
		where := func() map[string]string {
			at := map[string]string{}
			for n := range 40 {
				key := fmt.Sprint("key", n%20)
				by := w.await(w.submit(recipe.Key(key))).Worker
				if at[key] != "" && at[key] != by {
					t.Errorf("%s was done by %s and by %s", key, at[key], by)
				}
				at[key] = by
			}
			return at
		}
		before := where()
		if err := leaves.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		moved, lost := 0, 0
		for key, by := range where() {
			if before[key] == "w0" {
				lost++
			} else if by != before[key] {
				moved++
			}
		}
		if moved > 0 || lost == 0 {
			t.Errorf("%d keys moved that need not; w0 had %d", moved, lost)
		}
	})
}

func TestMaster_BackoffGrows(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Backoff: func(n int) time.Duration { return time.Duration(n) * time.Second }})
		var mu sync.Mutex
		var at []time.Time
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return nil, errors.New("no")
		})
		if status := w.await(w.submit(recipe.MaxAttempts(4))); status.State != recipe.Failed {
			t.Errorf("%+v", status)
		}
		if len(at) != 4 {
			t.Fatalf("%d attempts", len(at))
		}
		for n := 1; n < 4; n++ {
			if got, want := at[n].Sub(at[n-1]), time.Duration(n)*time.Second; got < want || got > want+100*time.Millisecond {
				t.Errorf("attempt %d came after %v, want %v", n+1, got, want)
			}
		}
	})
}

// TestTimeout_EndsTheAttempt: the attempt ends, and the handler is told, whether or not it
// listens.
func TestTimeout_EndsTheAttempt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		release := make(chan struct{})
		causes := make(chan error, 10)
		w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			switch task.Token.Attempt {
			case 1:
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return nil, context.Cause(ctx)
			case 2:
				<-release
			}
			return recipe.Result("third"), nil
		})
		began := time.Now()
		name := w.submit(recipe.Timeout(time.Second))
		if status := w.await(name); string(status.Result) != "third" || time.Since(began) > 3*time.Second {
			t.Errorf("%+v after %v", status, time.Since(began))
		}
		if cause := <-causes; !errors.Is(cause, recipe.ErrTimedOut) {
			t.Errorf("cause %v", cause)
		}
		for n := range 2 {
			if got := string(w.do(zkapi.Get(fmt.Sprintf("/tasks/%s/attempt-%d", name, n+1))).Data); !strings.Contains(got, "timed out") {
				t.Errorf("attempt %d says %s", n+1, got)
			}
		}
		close(release)
	})
}

// TestProgress_IsPublished: what a handler reports is seen by clients and the master, not too
// often, and goes with the execution.
func TestProgress_IsPublished(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			for n := range 100 {
				if err := task.Progress(fmt.Appendf(nil, "%d%%", n)); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if err := task.Progress(make([]byte, recipe.MaxProgress+1)); !errors.Is(err, zkapi.ErrTooLarge) {
				t.Errorf("too large: %v", err)
			}
			return nil, nil
		})
		name := w.submit()
		writes := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return strings.HasSuffix(o.Path, "/progress") && o.Kind != zkapi.KindCheck }) {
				writes++
			}
		})
		var byMaster int
		w.within(time.Second, "it runs", func() bool { return w.do(zkapi.Exists("/tasks/" + name + "/progress")).Found })
		w.work.Go(func() {
			for range m.Progress(w.ctx, name) {
				byMaster++
			}
		})
		seen := 0
		for p := range w.client().Progress(w.ctx, name) {
			if seen++; p == nil {
				t.Error("it went while the task ran")
			}
		}
		w.await(name)
		if seen < 15 || seen > 21 || byMaster < 15 || writes > 22 {
			t.Errorf("a client saw %d, the master %d, %d were written", seen, byMaster, writes)
		}
		if got := w.do(zkapi.Children("/tasks/" + name)).Children; !slices.Equal(got, []string{"status"}) {
			t.Errorf("left below the task: %q", got)
		}
		if (recipe.Task{}).Progress(nil) != nil {
			t.Error("a task of nobody complains")
		}
	})
}

// TestProgress_TaskEndsBetweenTwoReads: a task that ends while its progress is looked at
// has not lost its worker.
func TestProgress_TaskEndsBetweenTwoReads(t *testing.T) {
	for _, path := range []string{"/tasks/task-t/status", "/tasks/task-t/progress"} {
		inBubble(t, func(w *world) {
			w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
			w.do(zkapi.Create("/tasks/task-t", nil, zkapi.Persistent))
			w.do(zkapi.Create("/tasks/task-t/progress", []byte("half"), zkapi.Ephemeral))
			reads := 0
			c, err := recipe.NewClient(&paused{Env: w.env, between: func(op zkapi.Op) {
				if op.Path != path || op.Kind != zkapi.KindExists {
					return
				}
				switch reads++; reads {
				case 1: // wakes the client up again
					w.do(zkapi.Set("/tasks/task-t/progress", []byte("more"), -1))
				case 2:
					w.do(zkapi.Multi(zkapi.Create("/tasks/task-t/status", []byte(`{"state":"done"}`), zkapi.Persistent), zkapi.Delete("/tasks/task-t/progress", -1)))
				}
			}}, recipe.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			for p := range c.Progress(w.ctx, "task-t") {
				if p == nil {
					t.Errorf("it ended after %s was read, and its worker is said to be lost", path)
				}
			}
			if reads < 2 {
				t.Errorf("%s was read %d times", path, reads)
			}
		})
	}
}

// TestHeartbeatTimeout_MovesTheTask: one worker hangs, one is the znode of a process
// that is gone; each loses the task, which is then done by the third. A worker
// that is only busy keeps its own.
func TestHeartbeatTimeout_MovesTheTask(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		lost := make(chan error, 10)
		w.worker("hangs", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			lost <- context.Cause(ctx)
			return recipe.Result("too late"), nil
		})
		time.Sleep(time.Second)
		first := w.submit(recipe.HeartbeatTimeout(4 * time.Second))
		w.within(time.Second, "it is assigned", func() bool { return w.holder(first) == "hangs" })
		w.do(zkapi.Create("/workers/dead", nil, zkapi.Ephemeral)) // its session is the test's own
		w.within(6*time.Second, "it is with the dead worker", func() bool { return w.holder(first) == "dead" })
		if cause := <-lost; !errors.Is(cause, recipe.ErrAssignmentLost) {
			t.Errorf("cause %v", cause)
		}
		w.workerOf(recipe.WorkerConfig{Name: "works", Concurrency: 1, Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			for range 10 {
				time.Sleep(time.Second)
				_ = task.Progress([]byte("on it"))
			}
			return recipe.Result("done"), nil
		}})
		status := w.await(first)
		if status.Worker != "works" || status.Token.Attempt < 3 {
			t.Errorf("%+v", status)
		}
		for _, n := range []string{"1", "2"} {
			if got := string(w.do(zkapi.Get("/tasks/" + first + "/attempt-" + n)).Data); !strings.Contains(got, "no progress") {
				t.Errorf("attempt %s: %s", n, got)
			}
		}
	})
}

// TestHeartbeatTimeout_CountsFromTheStart queues tasks that must show progress behind a slow
// one.
func TestHeartbeatTimeout_CountsFromTheStart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 1, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			for range 20 {
				time.Sleep(time.Second)
				_ = task.Progress([]byte("on it"))
			}
			return nil, nil
		}})
		names := []string{w.submit(recipe.HeartbeatTimeout(4 * time.Second)), w.submit(recipe.HeartbeatTimeout(4 * time.Second)), w.submit(recipe.HeartbeatTimeout(4 * time.Second))}
		for _, name := range names {
			if status := w.await(name); status.Token.Attempt != 1 {
				t.Errorf("%+v", status)
			}
		}
	})
}

// TestCancel_IsQuick: a task that waits ends at once, and one that runs is told
// without a resync, whether the session of the master follows its lists or not.
func TestCancel_IsQuick(t *testing.T) {
	for _, follows := range []bool{true, false} {
		t.Run(fmt.Sprintf("follows %v", follows), func(t *testing.T) { cancelsQuickly(t, follows) })
	}
}

func cancelsQuickly(t *testing.T, follows bool) {
	inBubble(t, func(w *world) {
		w.masterOf(&sieve{Env: w.env, whole: func(string) bool { return !follows }})
		causes := make(chan error, 10)
		w.workerOf(recipe.WorkerConfig{Name: "w1", Capacity: 2, Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return recipe.Result("too late"), nil
		}})
		running, also, waiting := w.submit(), w.submit(), w.submit()
		w.within(time.Second, "they run", func() bool { return w.holder(running) == "w1" && w.holder(also) == "w1" })
		time.Sleep(time.Second / 3)
		began := time.Now()
		c := w.client()
		for _, name := range []string{waiting, running, also} {
			if status, err := c.Cancel(w.ctx, name); err != nil || status.State != recipe.Cancelled {
				t.Errorf("%+v, %v", status, err)
			}
		}
		for range 2 {
			if cause := <-causes; !errors.Is(cause, recipe.ErrAssignmentLost) {
				t.Errorf("cause %v", cause)
			}
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("they were told after %v", took)
		}
		time.Sleep(3 * time.Second)
		for _, name := range []string{waiting, running, also} {
			if w.holder(name) != "" || w.await(name).State != recipe.Cancelled {
				t.Errorf("%s is with %q, %+v", name, w.holder(name), w.await(name))
			}
		}
	})
}

// TestRetention_RemovesFinishedTasks: a master removes what is finished when its time is
// over, not earlier, with all that is below it, and leaves what is not finished.
func TestRetention_RemovesFinishedTasks(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Retention: 10 * time.Second, MaxAttempts: 3})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return nil, errors.New("no")
		})
		done, open := w.submit(), w.submit(recipe.NotBefore(time.Now().Add(time.Hour)))
		if w.await(done).State != recipe.Failed {
			t.Fatal("not failed")
		}
		time.Sleep(9 * time.Second)
		if w.await(done).State != recipe.Failed {
			t.Error("gone too early")
		}
		time.Sleep(2 * time.Second)
		if _, err := w.client().Await(w.ctx, done); !errors.Is(err, recipe.ErrNoTask) {
			t.Errorf("after its retention: %v", err)
		}
		if got := w.do(zkapi.Children("/tasks")).Children; !slices.Equal(got, []string{open}) {
			t.Errorf("left: %q", got)
		}
	})
}

// TestCollect_SparesAChangedTask changes a status between the reading and the
// deleting: what is deleted must be what was read.
func TestCollect_SparesAChangedTask(t *testing.T) {
	inBubble(t, func(w *world) {
		name := w.submit()
		w.do(zkapi.Create("/tasks/"+name+"/status", []byte(`{"state":"done","result":"one","epoch":1,"attempt":1}`), zkapi.Persistent))
		changed := 0
		env := &denying{w.env, func(op zkapi.Op) bool {
			if op.Kind == zkapi.KindDelete && changed == 0 {
				changed++
				w.do(zkapi.Set("/tasks/"+name+"/status", []byte(`{"state":"done","result":"two","epoch":1,"attempt":1}`), zkapi.AnyVersion))
			}
			return false
		}}
		c, err := recipe.NewClient(env, recipe.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Kind == zkapi.KindMulti && op.Ops[0].Kind == zkapi.KindDelete {
				refused++
			}
		})
		if err := c.Collect(w.ctx, name); err != nil {
			t.Error(err)
		}
		if refused != 2 {
			t.Errorf("%d tries, want one that is refused and one that is not", refused)
		}
	})
}

// TestBacklog_BoundsSubmissions: with as many unfinished tasks as the masters allow, Submit
// waits or says so; finished ones that are still there do not count.
func TestBacklog_BoundsSubmissions(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 5})
		gate := make(chan struct{})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Options.Priority > 0 {
				<-gate
			}
			return nil, nil
		})
		time.Sleep(time.Second)
		for range 20 { // finished at once
			w.await(w.submit())
			time.Sleep(300 * time.Millisecond) // the masters tell now and then
		}
		for n := range 5 {
			w.submit(recipe.Priority(1), recipe.ID(fmt.Sprint("slow.", n)))
		}
		c := w.client()
		if _, err := c.Submit(w.ctx, nil, recipe.NoWait()); !errors.Is(err, recipe.ErrBacklogFull) {
			t.Errorf("NoWait: %v", err)
		}
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		if _, err := c.Submit(ctx, nil); !errors.Is(err, recipe.ErrBacklogFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Submit: %v", err)
		}
		if got, err := c.Submit(w.ctx, nil, recipe.ID("slow.1"), recipe.NoWait()); err != nil || got.Task != "task-slow.1" || !got.Found {
			t.Errorf("one that is there already: %+v, %v", got, err)
		}
		accepted := make(chan error, 1)
		go func() { _, err := c.Submit(w.ctx, nil); accepted <- err }()
		time.Sleep(time.Second)
		close(gate)
		if err := <-accepted; err != nil {
			t.Error(err)
		}
	})
}

// TestBacklog_BoundIsRemoved: a master without a limit lifts that of an earlier one.
func TestBacklog_BoundIsRemoved(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1", MaxBacklog: 1})
		time.Sleep(time.Second)
		w.submit()
		if _, err := w.client().Submit(w.ctx, nil, recipe.NoWait()); !errors.Is(err, recipe.ErrBacklogFull) {
			t.Errorf("got %v", err)
		}
		if err := m.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.master(recipe.MasterConfig{Name: "m2"})
		time.Sleep(time.Second)
		if _, err := w.client().Submit(w.ctx, nil, recipe.NoWait()); err != nil {
			t.Error(err)
		}
	})
}

// TestAwait_OnALaggingServer waits for a task that another client has submitted and
// that this one's server does not know yet: it is not taken for gone.
func TestAwait_OnALaggingServer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.do(zkapi.Create("/tasks", nil, zkapi.Persistent))
		c := w.client()
		if _, err := c.Leader(w.ctx); err != nil { // opens its session
			t.Fatal(err)
		}
		for _, s := range w.env.Server.Sessions() {
			if s.ID() != w.direct.ID() {
				s.Lag()
				time.AfterFunc(time.Minute, s.CatchUp)
			}
		}
		name := w.submit()
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		if status, err := c.Await(w.ctx, name); err != nil || string(status.Result) != "did x" {
			t.Errorf("%+v, %v", status, err)
		}
	})
}

// TestAwait_SharesOneWatch has a hundred callers wait for one task, some of
// whom give up.
func TestAwait_SharesOneWatch(t *testing.T) {
	inBubble(t, func(w *world) {
		name := w.submit()
		reads := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if op.Watch {
				reads++
			}
		})
		c := w.client()
		impatient, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		var work sync.WaitGroup
		for n := range 100 {
			work.Go(func() {
				ctx := w.ctx
				if n%2 == 0 {
					ctx = impatient
				}
				status, err := c.Await(ctx, name)
				if n%2 == 0 && !errors.Is(err, context.DeadlineExceeded) || n%2 == 1 && (err != nil || status.State != recipe.Cancelled) {
					t.Errorf("caller %d: %+v, %v", n, status, err)
				}
			})
		}
		time.Sleep(5 * time.Second)
		w.env.Server.Observe(nil)
		if reads != 1 {
			t.Errorf("%d watches for one task", reads)
		}
		if _, err := w.client().Cancel(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		work.Wait()
	})
}

// residency notes who runs which resident task, and complains when two do.
type residency struct {
	t           *testing.T
	mu          sync.Mutex
	owner       map[string]string
	causes      []error
	slow        time.Duration // to return after being told
	sessionsEnd bool          // sessions end without warning: two may run for a moment
}

func (r *residency) handler(worker string) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		r.mu.Lock()
		if other := r.owner[task.Name]; other != "" && !r.sessionsEnd {
			r.t.Errorf("%s begins at %s while %s runs it", task.Name, worker, other)
		}
		r.owner[task.Name] = worker
		r.mu.Unlock()
		<-ctx.Done()
		time.Sleep(r.slow)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.owner[task.Name] == worker {
			delete(r.owner, task.Name)
		}
		r.causes = append(r.causes, context.Cause(ctx))
		return nil, nil
	}
}

// spread counts the tasks of each worker, largest first.
func (r *residency) spread() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := map[string]int{}
	for _, w := range r.owner {
		count[w]++
	}
	var counts []int
	for _, n := range count {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	return counts
}

func (r *residency) is(want ...int) func() bool {
	return func() bool { return slices.Equal(r.spread(), want) }
}

// TestResident_IsSpreadAndMoves: they are spread, move when a worker joins, only as many as
// must and only after the old owner has let go, move when one is lost or leaves,
// and end by cancellation.
func TestResident_IsSpreadAndMoves(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &residency{t: t, owner: map[string]string{}, slow: 700 * time.Millisecond}
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", r.handler("w1"))
		w.worker("w2", r.handler("w2"))
		time.Sleep(time.Second)
		var names []string
		for n := range 9 {
			names = append(names, w.submit(recipe.Resident(), recipe.ID(fmt.Sprint("region.", n))))
		}
		w.within(time.Second, "they run", r.is(5, 4))
		third := w.worker("w3", r.handler("w3"))
		w.within(5*time.Second, "three each", r.is(3, 3, 3))
		r.mu.Lock()
		if len(r.causes) != 3 || slices.ContainsFunc(r.causes, func(err error) bool { return !errors.Is(err, recipe.ErrRevoked) }) {
			t.Errorf("%d moves: %v", len(r.causes), r.causes)
		}
		r.mu.Unlock()
		time.Sleep(10 * time.Second)
		if !r.is(3, 3, 3)() || len(r.causes) != 3 {
			t.Errorf("they go on moving: %v, %d", r.spread(), len(r.causes))
		}
		if err := third.Close(w.ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		w.within(5*time.Second, "they have moved away from one that leaves", r.is(5, 4))
		c := w.client()
		for _, name := range names {
			if status, err := c.Cancel(w.ctx, name); err != nil || status.State != recipe.Cancelled {
				t.Errorf("%+v, %v", status, err)
			}
		}
		w.within(5*time.Second, "nobody runs one", r.is())
	})
}

// TestResident_MovesFromALostWorker ends the session of one owner, whose handlers
// return at once: the tasks go on elsewhere, under a greater token, and the
// records of what has ended stay few.
func TestResident_MovesFromALostWorker(t *testing.T) {
	inBubble(t, func(w *world) {
		r := &residency{t: t, owner: map[string]string{}, sessionsEnd: true}
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", r.handler("w1"))
		w.worker("w2", r.handler("w2"))
		name := w.submit(recipe.Resident())
		for range 80 {
			w.within(time.Minute, "it runs", r.is(1))
			holder := w.holder(name)
			w.expireOwner("/workers/" + holder)
			time.Sleep(100 * time.Millisecond)
		}
		w.within(time.Minute, "it runs", r.is(1))
		records := w.do(zkapi.Children("/tasks/" + name)).Children
		if len(records) < 16 || len(records) > 40 {
			t.Errorf("%d records: %q", len(records), records)
		}
		if w.do(zkapi.Exists("/tasks/" + name + "/status")).Found {
			t.Error("it has a status")
		}
	})
}

// TestResident_IsCalledAgainAfterItReturns: a handler that returns by itself is called again,
// not at once.
func TestResident_IsCalledAgainAfterItReturns(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		calls := 0
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return recipe.Result("done?"), nil
		})
		w.submit(recipe.Resident())
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if calls < 5 || calls > 11 {
			t.Errorf("%d calls in ten seconds", calls)
		}
	})
}

// TestInspect_ShowsTheTree read what the tree shows.
func TestInspect_ShowsTheTree(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Address: "m1:9", Queue: true, MaxBacklog: 99})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Address: "w1:9", Capacity: 7, Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Token.Attempt == 1 {
				return nil, errors.New("no")
			}
			_ = task.Progress([]byte("half"))
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}})
		name := w.submit(recipe.ID("a"), recipe.Priority(3))
		waiting := w.submit(recipe.ID("b"), recipe.NotBefore(time.Now().Add(time.Hour)))
		time.Sleep(3 * time.Second)
		c := w.client()
		d, err := c.Inspect(w.ctx, name)
		if err != nil || string(d.Payload) != "x" || d.Options.Priority != 3 || d.State != recipe.Assigned || d.Worker != "w1" ||
			d.Token.Attempt != 2 || d.Attempts != 1 || len(d.History) != 1 || d.History[0].Reason != "no" || d.History[0].Ended.IsZero() || string(d.Progress) != "half" {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := c.Cancel(w.ctx, waiting); err != nil {
			t.Fatal(err)
		}
		o, err := c.Overview(w.ctx)
		if err != nil || o.Leader.Name != "m1" || !slices.Equal(o.Candidates, []string{"m1"}) || o.MaxBacklog != 99 || o.Backlog() != 1 {
			t.Errorf("%+v, %v", o, err)
		}
		if len(o.Workers) != 1 || o.Workers[0].Address != "w1:9" || o.Workers[0].Capacity != 7 || !slices.Equal(o.Workers[0].Assigned, []string{name}) {
			t.Errorf("%+v", o.Workers)
		}
		want := []recipe.TaskInfo{
			{Name: name, State: recipe.Assigned, Worker: "w1", Attempts: 1}, {Name: waiting, State: recipe.Cancelled},
		}
		if !slices.Equal(o.Tasks, want) {
			t.Errorf("%+v, want %+v", o.Tasks, want)
		}
		if _, err := c.Inspect(w.ctx, "nothing"); !errors.Is(err, recipe.ErrNoTask) {
			t.Errorf("got %v", err)
		}
	})
}

// TestWorker_ResolvesLostAnswers loses replies of every write while a
// worker shows progress and retires.
func TestWorker_ResolvesLostAnswers(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		worker := w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			for range 5 {
				_ = task.Progress([]byte("on it"))
				time.Sleep(600 * time.Millisecond)
			}
			return recipe.Result("ok"), nil
		})
		name := w.submit(recipe.HeartbeatTimeout(time.Minute))
		w.within(time.Second, "it runs", func() bool { return w.holder(name) == "w1" })
		n := 0
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if op.Kind != zkapi.KindMulti || !strings.HasPrefix(op.Ops[0].Path, "/assign/w1") {
				return zk.None
			}
			n++
			return zk.Loss(n % 3)
		})
		if err := worker.Close(w.ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		w.env.Server.Lose(nil)
		if status := w.await(name); string(status.Result) != "ok" || status.Token.Attempt != 1 {
			t.Errorf("%+v", status)
		}
	})
}

// TestSubmit_UsesACollectedID collects a task and submits its id anew, faster than the master
// looks: the new one is done, and others are.
func TestSubmit_UsesACollectedID(t *testing.T) {
	for _, retention := range []time.Duration{0, 10 * time.Second} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1", Retention: retention})
			w.worker("w1", echo)
			name := w.submit(recipe.ID("job"))
			w.await(name)
			time.Sleep(3 * time.Second)
			w.do(zkapi.Multi(
				zkapi.Delete("/tasks/"+name+"/status", -1), zkapi.Delete("/tasks/"+name, -1),
				zkapi.Create("/tasks/"+name, []byte("again"), zkapi.Persistent)))
			w.within(10*time.Second, "the new one is done", func() bool { return w.do(zkapi.Exists("/tasks/" + name + "/status")).Found })
			if status := w.await(name); string(status.Result) != "did again" {
				t.Errorf("%+v", status)
			}
			time.Sleep(20 * time.Second)
			w.await(w.submit())
		})
	}
}

// TestRetention_OfAReusedID has two endings under one name.
func TestRetention_OfAReusedID(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Retention: time.Minute})
		w.worker("w1", echo)
		w.await(w.submit(recipe.ID("a")))
		w.await(w.submit(recipe.ID("job")))
		time.Sleep(3 * time.Second)
		if err := w.client().Collect(w.ctx, "task-job"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		w.await(w.submit(recipe.ID("job")))
		time.Sleep(50 * time.Second)
		if !w.do(zkapi.Exists("/tasks/task-job")).Found {
			t.Error("it is gone before its retention was over")
		}
		time.Sleep(40 * time.Second)
		if w.do(zkapi.Exists("/tasks/task-job")).Found {
			t.Error("it is still there")
		}
		w.await(w.submit())
	})
}

// TestRetention_SparesAResubmission collects a task and submits its id anew just before
// the retention is over, faster than the master looks: the new one stays.
func TestRetention_SparesAResubmission(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", Retention: 10 * time.Second})
		w.worker("w1", echo)
		time.Sleep(500 * time.Millisecond)
		name := w.submit(recipe.ID("job"))
		w.await(name)
		time.Sleep(9*time.Second + 800*time.Millisecond)
		w.do(zkapi.Multi(
			zkapi.Delete("/tasks/"+name+"/status", -1), zkapi.Delete("/tasks/"+name, -1),
			zkapi.Create("/tasks/"+name, []byte("again"), zkapi.Persistent)))
		time.Sleep(5 * time.Second)
		if !w.do(zkapi.Exists("/tasks/" + name)).Found {
			t.Error("a task was collected that was not finished")
		}
	})
}

// TestCancel_ManyAtOnce cancels tasks far back in a long backlog: none is executed.
func TestCancel_ManyAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		c := w.client()
		var names []string
		for n := range 900 {
			names = append(names, w.submit(recipe.ID(fmt.Sprintf("t%04d", n))))
		}
		time.Sleep(5 * time.Second)
		var work sync.WaitGroup
		for _, name := range names[800:] {
			work.Go(func() {
				if _, err := c.Cancel(w.ctx, name); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		time.Sleep(time.Second)
		var mu sync.Mutex
		ran := 0
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 64, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			if task.Name >= "task-t0800" {
				ran++
			}
			return nil, nil
		}})
		for _, name := range names {
			w.await(name)
		}
		mu.Lock()
		defer mu.Unlock()
		if ran > 0 {
			t.Errorf("%d cancelled tasks were executed", ran)
		}
	})
}

// TestResident_MovesFromAWorkerWithoutProgress has workers that hang on a resident task which
// must show progress, and that abandon what hangs: each is asked once, and only one handler
// of it runs in each.
func TestResident_MovesFromAWorkerWithoutProgress(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		calls := map[string]int{}
		stop := make(chan struct{})
		defer close(stop)
		for _, name := range []string{"wa", "wb"} {
			w.workerOf(recipe.WorkerConfig{Name: name, Unreturned: recipe.Unreturned{After: time.Second}, Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
				mu.Lock()
				calls[name]++
				mu.Unlock()
				<-stop
				return nil, nil
			}})
		}
		time.Sleep(time.Second)
		name := w.submit(recipe.Resident(), recipe.HeartbeatTimeout(time.Second))
		time.Sleep(time.Minute)
		mu.Lock()
		if calls["wa"] != 1 || calls["wb"] != 1 {
			t.Errorf("handlers that run: %v", calls)
		}
		mu.Unlock()
		w.worker("wc", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			for ctx.Err() == nil {
				_ = task.Progress([]byte("mine"))
				time.Sleep(100 * time.Millisecond)
			}
			return nil, nil
		})
		w.within(time.Minute, "one that works has it", func() bool { return w.holder(name) == "wc" })
		time.Sleep(time.Minute)
		if w.holder(name) != "wc" {
			t.Errorf("it is with %q", w.holder(name))
		}
	})
}

// TestWorker_NoticesAReplacedAssignment takes a task from a worker and gives it back while the
// worker does not look: the old execution's result does not count.
func TestWorker_NoticesAReplacedAssignment(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		release := make(chan struct{})
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Token.Attempt == 1 {
				<-release
			}
			return recipe.Result(fmt.Sprint("attempt ", task.Token.Attempt)), nil
		})
		time.Sleep(time.Second)
		name := w.submit()
		time.Sleep(time.Second)
		incarnation := w.do(zkapi.Exists("/assign/w1")).Stat.Version
		w.do(zkapi.Multi(
			zkapi.Delete("/assign/w1/"+name, -1), zkapi.Create("/tasks/"+name+"/attempt-1", []byte("{}"), zkapi.Persistent),
			zkapi.Create("/assign/w1/"+name, fmt.Appendf(nil, `{"epoch":1,"attempt":2,"incarnation":%d}`, incarnation), zkapi.Persistent)))
		time.Sleep(3 * time.Second)
		close(release)
		if status := w.await(name); string(status.Result) != "attempt 2" || status.Token.Attempt != 2 {
			t.Errorf("%+v", status)
		}
	})
}

// TestProgress_EndsWithItsTask follows a task that is finished and collected
// between two looks, and one that never was.
func TestProgress_EndsWithItsTask(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		name := w.submit()
		c := w.client()
		work := make(chan struct{})
		go func() {
			defer close(work)
			for range c.Progress(w.ctx, name) {
			}
			for range c.Progress(w.ctx, "never") {
			}
		}()
		time.Sleep(time.Second)
		w.do(zkapi.Multi(
			zkapi.Create("/tasks/"+name+"/status", []byte("x"), zkapi.Persistent), zkapi.Delete("/tasks/"+name+"/status", -1), zkapi.Delete("/tasks/"+name, -1)))
		select {
		case <-work:
		case <-time.After(time.Minute):
			t.Error("it goes on")
		}
	})
}

// TestWorker_RecordsNothingOfATaskTakenAway: a handler that was silent for too long returns
// while a later attempt at the same task runs on the same worker. Its result is not
// recorded, and the later attempt is left alone.
func TestWorker_RecordsNothingOfATaskTakenAway(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 4, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			if task.Token.Attempt == 1 {
				time.Sleep(8 * time.Second) // and does not look at its context
				return recipe.Result("of the attempt that was given up"), nil
			}
			for range 10 {
				time.Sleep(time.Second)
				_ = task.Progress([]byte("on it"))
			}
			return recipe.Result("of the second"), nil
		}})
		status := w.await(w.submit(recipe.HeartbeatTimeout(4 * time.Second)))
		if string(status.Result) != "of the second" || status.Token.Attempt != 2 {
			t.Errorf("%q of attempt %d", status.Result, status.Token.Attempt)
		}
	})
}

// TestMaster_GoesOnBesideAnImpossibleTask makes tasks by hand that can never be settled:
// an ephemeral one, which can have no status, before and while it is assigned.
func TestMaster_GoesOnBesideAnImpossibleTask(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.await(w.submit())
		w.do(zkapi.Create("/tasks/fleeting", []byte("x"), zkapi.Ephemeral))
		time.Sleep(3 * time.Second)
		if by := w.holder("fleeting"); by != "" {
			t.Errorf("it is assigned to %s", by)
		}
		w.do(zkapi.Create("/tasks/ephemeral", []byte("x"), zkapi.Ephemeral))
		w.do(zkapi.Create("/assign/w1/ephemeral", nil, zkapi.Persistent))
		time.Sleep(3 * time.Second)
		for range 3 {
			w.await(w.submit())
			time.Sleep(time.Second)
		}
	})
}

func TestOptions_AreChecked(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		for _, bad := range []recipe.SubmitOption{
			recipe.NotBefore(time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)), recipe.MaxAttempts(1 << 31), recipe.MaxAttempts(1001),
		} {
			if _, err := c.Submit(w.ctx, nil, bad); !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			w.t.Errorf("%v %s was sent", op.Kind, op.Path)
			return nil
		})
		for _, bad := range []string{"", "task-a/status", "..", "task-\x00", "task-\xff", "../master"} {
			_, awaited := c.Await(w.ctx, bad)
			_, cancelled := c.Cancel(w.ctx, bad)
			_, inspected := c.Inspect(w.ctx, bad)
			for _, err := range []error{awaited, cancelled, inspected, c.Collect(w.ctx, bad)} {
				if !errors.Is(err, recipe.ErrInvalid) || !strings.Contains(err.Error(), strconv.Quote(bad)) {
					t.Errorf("%q: got %v", bad, err)
				}
			}
			for range c.Progress(w.ctx, bad) {
				t.Errorf("%q has progress", bad)
			}
		}
		w.env.Server.Refuse(nil)
		if _, err := recipe.NewClient(w.env, recipe.ClientConfig{Access: recipe.Access{Master: []string{"me"}}}); !errors.Is(err, recipe.ErrInvalid) {
			t.Errorf("half an Access: %v", err)
		}
	})
}

// TestMaster_CountsNoPrunedAttemptAgain has a resident task whose handler returns
// again and again: its oldest records are deleted, and no attempt is there twice.
func TestMaster_CountsNoPrunedAttemptAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		var attempts []int32
		w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, task.Token.Attempt)
			return nil, nil
		})
		name := w.submit(recipe.Resident())
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for n, attempt := range attempts {
			if int(attempt) != n+1 {
				t.Fatalf("attempts %v", attempts)
			}
		}
		if len(attempts) < 40 || w.do(zkapi.Exists("/tasks/"+name+"/attempt-1")).Found {
			t.Errorf("%d attempts, and the first is still on record", len(attempts))
		}
	})
}

// TestOptions_SurviveALostAnswer repeats a submission: it asks for the same.
func TestOptions_SurviveALostAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		lost := 0
		w.env.Server.Lose(func(op zkapi.Op) zk.Loss {
			if op.Kind != zkapi.KindCreate || !strings.HasPrefix(op.Path, "/tasks/task-") || lost > 0 {
				return zk.None
			}
			lost++
			return zk.RequestLost
		})
		want := recipe.Options{Priority: 7, MaxAttempts: 3, Key: "k"}
		name := w.submit(recipe.With(want))
		w.env.Server.Lose(nil)
		if got, err := w.client().Inspect(w.ctx, name); err != nil || got.Options != want || lost != 1 {
			t.Errorf("%+v, %v, after %d losses", got.Options, err, lost)
		}
	})
}

// TestSubmit_TwiceIsTwoTasks submits at one moment, on one client and on two.
func TestSubmit_TwiceIsTwoTasks(t *testing.T) {
	inBubble(t, func(w *world) {
		c := w.client()
		if _, err := c.Submit(w.ctx, nil); err != nil { // makes /tasks
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, c := range []*recipe.Client{c, c, w.client()} {
			submitted, err := c.Submit(w.ctx, nil)
			name := submitted.Task
			if err != nil {
				t.Fatal(err)
			}
			names[name] = true
		}
		if got := w.do(zkapi.Children("/tasks")).Children; len(names) != 3 || len(got) != 4 {
			t.Errorf("told of %v, made %q", names, got)
		}
	})
}

// TestMaster_EveryWriteFits lets executions with the largest results, and with errors that
// are larger, end together: no write is larger than what a server accepts.
func TestMaster_EveryWriteFits(t *testing.T) {
	inBubble(t, func(w *world) {
		const most, tasks = 1<<20 - 1, 16                           // jute.maxbuffer
		lost := w.loseOnce(zk.RequestLost, func(op zkapi.Op) bool { // the first end waits for the others
			return op.Kind == zkapi.KindMulti && slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == zkapi.KindDelete })
		})
		largest := 0
		w.env.Server.Observe(func(_ int64, op zkapi.Op) { largest = max(largest, op.Size()) })
		w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 1})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: tasks, Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			time.Sleep(time.Second)
			if task.Options.Key == "fails" {
				return nil, errors.New(strings.Repeat("no ", most))
			}
			return make(recipe.Result, recipe.MaxResult), nil
		}})
		time.Sleep(time.Second)
		for n := range tasks {
			w.submit(recipe.Key([]string{"ends", "fails"}[n%2]))
		}
		for _, name := range w.do(zkapi.Children("/tasks")).Children {
			w.await(name)
		}
		w.env.Server.Observe(nil)
		if !lost.Load() || largest > most {
			t.Errorf("an end was lost is %v; the largest write has %d bytes", lost.Load(), largest)
		}
	})
}

// TestHandler_ThatEndsItsGoroutine: a handler that calls runtime.Goexit ends its attempt as
// a panic does, and holds nothing afterwards.
func TestHandler_ThatEndsItsGoroutine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var once sync.Once
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 1, Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
			once.Do(runtime.Goexit)
			return nil, nil
		}})
		name := w.submit()
		status := w.await(name)
		record := string(w.do(zkapi.Get("/tasks/" + name + "/attempt-1")).Data)
		if status.State != recipe.Done || status.Token.Attempt != 2 || !strings.Contains(record, "did not return") {
			t.Errorf("%+v, and on record: %s", status, record)
		}
	})
}
