package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSubmit_UsesTheIDOfACancelledTask: the execution of a cancelled task does not look at
// its context and returns when another task has its id and runs on the same worker. What
// is recorded is of the task that is there.
func TestSubmit_UsesTheIDOfACancelledTask(t *testing.T) {
	for _, late := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 3 * time.Second} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			began := make(chan bool, 10)
			w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
				began <- true
				if string(task.Payload) == "first" {
					time.Sleep(late)
				} else {
					time.Sleep(5 * time.Second)
				}
				return recipe.Result(task.Payload), nil
			})
			c := w.client()
			submitted, err := c.Submit(w.ctx, []byte("first"), recipe.ID("job"))
			name := submitted.Task
			if err != nil {
				t.Fatal(err)
			}
			<-began
			status, err := c.Cancel(w.ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Collect(w.ctx, name); err != nil {
				t.Fatal(err)
			}
			result, err := c.Do(w.ctx, []byte("second"), recipe.ID("job"))
			if err != nil || string(result) != "second" {
				t.Errorf("%v late, after %s: %q, %v", late, status.State, result, err)
			}
			if got := w.do(zkapi.Children("/collect")).Children; len(got) > 0 {
				t.Errorf("%v late: %q is still asked for", late, got)
			}
		})
	}
}

// TestCollect_WaitsForAMaster: without a master a cancelled task is not removed, and
// Collect says why; the request stands, and the next master does it.
func TestCollect_WaitsForAMaster(t *testing.T) {
	inBubble(t, func(w *world) {
		name := w.submit()
		c := w.client()
		if _, err := c.Cancel(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(w.ctx, time.Minute)
		defer stop()
		err := c.Collect(ctx, name)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "a master removes it") {
			t.Errorf("%v", err)
		}
		if !w.do(zkapi.Exists("/tasks/" + name)).Found {
			t.Fatal("it is gone")
		}
		w.master(recipe.MasterConfig{Name: "m1"})
		w.within(time.Minute, "it is removed", func() bool { return !w.do(zkapi.Exists("/tasks/" + name)).Found })
		if err := c.Collect(w.ctx, name); err != nil {
			t.Error(err)
		}
	})
}

// TestRequests_ForMissingTasksAreDropped: what is asked for and is not there, or is not
// finished, is not removed later, when a task of that name is.
func TestRequests_ForMissingTasksAreDropped(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		open := w.submit(recipe.NotBefore(time.Now().Add(time.Minute)))
		w.within(time.Minute, "/collect is there", func() bool { return w.do(zkapi.Exists("/collect")).Found })
		for _, t := range []string{"task-nothing", open} {
			w.do(zkapi.Create("/collect/"+t, nil, zkapi.Persistent))
		}
		w.do(zkapi.Set("/tasks", []byte(open), zkapi.AnyVersion))
		w.within(5*time.Second, "they are taken down", func() bool { return len(w.do(zkapi.Children("/collect")).Children) == 0 })
		w.worker("w1", echo)
		if status := w.await(open); status.State != recipe.Done {
			t.Errorf("%+v", status)
		}
		time.Sleep(time.Minute)
		if !w.do(zkapi.Exists("/tasks/" + open)).Found {
			t.Error("the request was meant for an earlier task")
		}
	})
}

// TestRequests_ThatCannotBeRemoved: a master that cannot take a request down leaves that
// request alone, and takes down the others.
func TestRequests_ThatCannotBeRemoved(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.within(time.Minute, "/collect is there", func() bool { return w.do(zkapi.Exists("/collect")).Found })
		long := strings.Repeat("x", 400_000)
		w.makes("/collect/task-full", "/collect/task-full/child", "/collect/"+long)
		w.do(zkapi.Set("/tasks", nil, zkapi.AnyVersion))
		left := func(name string) bool {
			now, leads := m.Snapshot()
			return leads && slices.ContainsFunc(now.Quarantined, func(q recipe.Quarantined) bool { return q.Kind == "request" && q.Name == name })
		}
		w.within(time.Minute, "both are left alone", func() bool { return left("task-full") && left(long) })
		c := w.client()
		for range 5 {
			name := w.submit(recipe.NotBefore(time.Now().Add(time.Hour)))
			if _, err := c.Cancel(w.ctx, name); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(w.ctx, 5*time.Second)
			if err := c.Collect(ctx, name); err != nil {
				t.Error(err)
			}
			stop()
			w.await(w.submit())
		}
		w.do(zkapi.Delete("/collect/task-full/child", zkapi.AnyVersion))
		w.within(2*time.Minute, "it is taken down", func() bool { return !w.do(zkapi.Exists("/collect/task-full")).Found })
	})
}

// TestMaster_TakesTasksFromAnUnreadableWorker: a worker whose znode the master may not read is
// left alone, and not its tasks; what that znode says stays, although a master writes it.
func TestMaster_TakesTasksFromAnUnreadableWorker(t *testing.T) {
	inBubble(t, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Address: "here:1", Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		names := []string{w.submit(), w.submit(), w.submit()}
		for _, name := range names {
			w.within(time.Minute, name+" is with w1", func() bool { return w.holder(name) == "w1" })
		}
		var refuses atomic.Bool
		refuses.Store(true)
		master := w.ownerOf("/master").ID()
		w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
			if refuses.Load() && session == master && op.Kind == zkapi.KindGet && op.Path == "/workers/w1" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		var ops []zkapi.Op
		for _, name := range names {
			ops = append(ops, zkapi.Create("/tasks/"+name+"/status", []byte(`{"state":"cancelled"}`), zkapi.Persistent))
		}
		w.do(zkapi.Multi(append(ops, zkapi.Set("/tasks", nil, zkapi.AnyVersion))...))
		var left []recipe.Quarantined
		w.within(time.Minute, "something is left alone", func() bool {
			now, _ := m.Snapshot()
			left = now.Quarantined
			return len(left) > 0
		})
		if len(left) != 1 || left[0].Kind != "worker" || left[0].Name != "w1" {
			t.Errorf("%+v", left)
		}
		refuses.Store(false)
		w.within(2*time.Minute, "all is given back", func() bool { return len(w.do(zkapi.Children("/assign/w1")).Children) == 0 })
		if got := w.do(zkapi.Get("/workers/w1")).Data; string(got) != "here:1" {
			t.Errorf("the worker's znode says %q", got)
		}
	})
}

// occupied starts a master and the worker w1, which takes that long for a task whose
// payload is "long" and no time for others.
func (w *world) occupied(long time.Duration) {
	w.t.Helper()
	w.master(recipe.MasterConfig{Name: "m1"})
	w.worker("w1", func(_ context.Context, task recipe.Task) (recipe.Result, error) {
		if string(task.Payload) == "long" {
			time.Sleep(long)
		}
		return nil, nil
	})
	w.within(time.Minute, "w1 is there", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
}

// TestCancel_OfATaskInAWorkersQuarantine: a worker may not read a task, or not record how it
// has ended, and that task is cancelled. The worker gives it back at once, and keeps its
// claim and everything else that it holds.
func TestCancel_OfATaskInAWorkersQuarantine(t *testing.T) {
	for path, kind := range map[string]zkapi.Kind{"/tasks/task-bad": zkapi.KindGet, "/tasks/task-bad/status": zkapi.KindCreate} {
		inBubble(t, func(w *world) {
			w.occupied(10 * time.Minute)
			worker := w.ownerOf("/workers/w1").ID()
			w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
				if session == worker && op.Kind == kind && op.Path == path {
					return zkapi.ErrNoAuth
				}
				return nil
			})
			c := w.client()
			for _, id := range []string{"long", "bad"} {
				if _, err := c.Submit(w.ctx, []byte(id), recipe.ID(id)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(270 * time.Second) // it is tried again once a minute by now, and not soon
			if _, err := c.Cancel(w.ctx, "task-bad"); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(w.ctx, 5*time.Second)
			defer stop()
			if err := c.Collect(ctx, "task-bad"); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if status := w.await("task-long"); status.State != recipe.Done || status.Token.Attempt != 1 {
				t.Errorf("%s: the other task: %+v", path, status)
			}
		})
	}
}

// TestHeartbeatTimeout_OfARefusedEnd: the server refuses for a while what is to be recorded
// of the end of a task that must show progress. The worker goes on to show it, keeps its
// claim and everything else that it holds, and records the end when that is possible.
func TestHeartbeatTimeout_OfARefusedEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.occupied(5 * time.Minute)
		before := w.do(zkapi.Exists("/assign/w1")).Stat.Version
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/tasks/task-loud/") && op.Path != "/tasks/task-loud/progress" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		c := w.client()
		if _, err := c.Submit(w.ctx, []byte("long"), recipe.ID("long")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(w.ctx, []byte("loud"), recipe.ID("loud"), recipe.HeartbeatTimeout(2*time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if now := w.do(zkapi.Exists("/assign/w1")).Stat.Version; now != before {
			t.Errorf("the claim of the worker was taken: version %d, then %d", before, now)
		}
		w.env.Server.Refuse(nil)
		for _, id := range []string{"task-loud", "task-long"} {
			if status := w.await(id); status.State != recipe.Done || status.Token.Attempt != 1 {
				t.Errorf("%s: %+v", id, status)
			}
		}
	})
}

// TestCancel_StarvesNoWorker: a thousand tasks a second are cancelled that a worker has,
// for two seconds, and what it does meanwhile is recorded as soon as without that.
func TestCancel_StarvesNoWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestCancel_StarvesNoWorker: make test runs it, make quick does not")
	}
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1", TasksPerWorker: 5000})
		var cancelled atomic.Int32
		w.workerOf(recipe.WorkerConfig{Name: "w1", Concurrency: 5000, Capacity: 5000, Handler: func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			if string(task.Payload) == "endless" {
				<-ctx.Done()
				cancelled.Add(1)
				return nil, ctx.Err()
			}
			time.Sleep(100 * time.Millisecond)
			return nil, nil
		}})
		c := w.client()
		end := time.Now().Add(2 * time.Second)
		var work sync.WaitGroup
		work.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				work.Go(func() {
					submitted, err := c.Submit(w.ctx, []byte("endless"), recipe.ID(fmt.Sprint("endless-", n)))
					name := submitted.Task
					if err == nil {
						time.Sleep(50 * time.Millisecond)
						_, err = c.Cancel(w.ctx, name)
					}
					if err != nil {
						t.Error(err)
					}
				})
				time.Sleep(time.Millisecond)
			}
		})
		slowest := time.Duration(0)
		for time.Now().Before(end) {
			began := time.Now()
			if _, err := c.Do(w.ctx, []byte("x")); err != nil {
				t.Fatal(err)
			}
			slowest = max(slowest, time.Since(began))
		}
		work.Wait()
		if slowest > time.Second {
			t.Errorf("a task of 100 ms took %v", slowest)
		}
		w.within(time.Minute, "nothing is held", func() bool { return len(w.do(zkapi.Children("/assign/w1")).Children) == 0 })
		if cancelled.Load() < 1000 {
			t.Errorf("only %d executions were cancelled: the stream was none", cancelled.Load())
		}
	})
}

// claims registers a worker as a process would whose claim says this, and that never
// looks at what it is given.
func (w *world) claims(name, record string) (*zk.Session, int32) {
	w.t.Helper()
	hand := w.env.Server.Open()
	w.within(time.Second, "/assign is there", func() bool { return w.do(zkapi.Exists("/assign")).Found })
	w.do(zkapi.Create("/assign/"+name, nil, zkapi.Persistent))
	result, err := hand.Do(w.ctx, zkapi.Multi(zkapi.Create("/workers/"+name, []byte("address"), zkapi.Ephemeral), zkapi.Set("/assign/"+name, []byte(record), 0)))
	if err != nil {
		w.t.Fatal(err)
	}
	return hand, result.Results[1].Stat.Version
}

// TestMaster_FencesAWorkerThatDoesNotAnswer: what a worker is told to give back and does not
// goes to another, and whatever that worker may still write is refused.
func TestMaster_FencesAWorkerThatDoesNotAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		hand, incarnation := w.claims("w1", `{"holder":"w1","acks":true}`)
		name := w.submit(recipe.HeartbeatTimeout(time.Second))
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		w.within(3*time.Second, "it is told", func() bool { return strings.Contains(string(w.do(zkapi.Get("/assign/w1/"+name)).Data), `"taken":true`) })
		if got := w.do(zkapi.Get("/workers/w1")); got.Stat.Version != 1 || string(got.Data) != "address" {
			t.Errorf("/workers/w1 has version %d and says %q", got.Stat.Version, got.Data)
		}
		w.worker("w2", echo)
		time.Sleep(5 * time.Second)
		if !w.do(zkapi.Exists("/assign/w1/" + name)).Found {
			t.Error("it was taken from a worker that may still end it")
		}
		status := w.await(name)
		if status.Worker != "w2" || status.Token.Attempt != 2 {
			t.Errorf("%+v", status)
		}
		_, err := hand.Do(w.ctx, zkapi.Multi(zkapi.Check("/assign/w1", incarnation), zkapi.Create("/tasks/"+name+"/late", nil, zkapi.Persistent)))
		if !errors.Is(err, zkapi.ErrBadVersion) {
			t.Errorf("its late write: %v", err)
		}
		if got := w.holder(w.submit()); got == "w1" {
			t.Error("it is given more")
		}
	})
}

// TestMaster_DeletesAssignmentsOfEarlierBuilds: one whose claim does not say that it gives back
// loses a cancelled task at once, as ever.
func TestMaster_DeletesAssignmentsOfEarlierBuilds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.claims("w1", `{"holder":"w1"}`)
		name := w.submit()
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		if _, err := w.client().Cancel(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is dropped", func() bool { return !w.do(zkapi.Exists("/assign/w1/" + name)).Found })
		if err := w.client().Collect(w.ctx, name); err != nil {
			t.Error(err)
		}
	})
}

// TestMaster_CountsNoAttemptOfALeavingWorker: a task is longer than the patience of the
// workers that leave with it. It is not failed for that, until it has gone through more of
// them than is allowed.
func TestMaster_CountsNoAttemptOfALeavingWorker(t *testing.T) {
	for _, one := range []struct {
		handovers, deploys int
		want               recipe.State
		attempts           int
	}{{0, 10, recipe.Done, 10}, {3, 10, recipe.Failed, 5}, {-1, 10, recipe.Failed, 2}} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1", MaxAttempts: 2, MaxHandovers: one.handovers})
			c := w.client()
			name := w.submit(recipe.MaxAttempts(2))
			for n := range one.deploys {
				began := make(chan bool, 1)
				worker := w.worker(fmt.Sprint("w", n), func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
					began <- true
					<-ctx.Done()
					return nil, ctx.Err()
				})
				over := make(chan bool)
				go func() { _, _ = c.Await(w.ctx, name); close(over) }()
				select {
				case <-began:
				case <-over:
				}
				ctx, stop := context.WithTimeout(w.ctx, 5*time.Second)
				_ = worker.Close(ctx)
				stop()
			}
			w.worker("last", echo)
			status := w.await(name)
			detail, err := c.Inspect(w.ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			if status.State != one.want || len(detail.History) != one.attempts {
				t.Errorf("%+v: %s after %d attempts", one, status.State, len(detail.History))
			}
			for _, a := range detail.History {
				if !a.Left || !strings.HasPrefix(a.Reason, "worker left") {
					t.Errorf("%+v: attempt %d counts: %s", one, a.Token.Attempt, a.Reason)
				}
			}
		})
	}
}

// TestWorker_RecordsItsAttemptsWhenStopped: a worker whose context ends puts on record
// that it has left, so that the attempt does not count, and another goes on at once.
func TestWorker_RecordsItsAttemptsWhenStopped(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		ctx, stop := context.WithCancel(w.ctx)
		began := make(chan bool, 1)
		first, err := recipe.NewWorker(w.env, recipe.WorkerConfig{Name: "w1", Handler: func(ctx context.Context, _ recipe.Task) (recipe.Result, error) {
			began <- true
			<-ctx.Done()
			return nil, errors.New("stopped half way")
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = first.Run(ctx) })
		name := w.submit(recipe.MaxAttempts(1))
		<-began
		stop()
		w.worker("w2", echo)
		status := w.await(name)
		detail, err := w.client().Inspect(w.ctx, name)
		if err != nil || status.State != recipe.Done || status.Token.Attempt != 2 || len(detail.History) != 1 {
			t.Fatalf("%+v, %+v, %v", status, detail, err)
		}
		if a := detail.History[0]; !a.Left || a.Worker != "w1" || !strings.Contains(a.Reason, "stopped half way") {
			t.Errorf("%+v", a)
		}
	})
}

// TestWorker_RestartsUnderItsName: a worker that leaves is killed before its task has ended,
// by a service manager whose patience is shorter, and starts again under the same name.
// The new process has the name before a master has taken anything from the old one. Such
// an attempt does not count; that of a worker which was killed without a word does.
func TestWorker_RestartsUnderItsName(t *testing.T) {
	for told, want := range map[bool]recipe.State{true: recipe.Done, false: recipe.Failed} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			first, incarnation := w.claims("w1", `{"holder":"w1","acks":true}`)
			name := w.submit(recipe.MaxAttempts(1))
			w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/w1/" + name)).Found })
			if told {
				w.do(zkapi.Set("/assign/w1", []byte(`{"holder":"w1","acks":true,"retiring":true}`), incarnation))
			}
			w.worker("w1", echo)
			time.Sleep(3*time.Second + 37*time.Millisecond) // at which nobody else does anything
			master := w.ownerOf("/master")
			master.Lag()
			first.Expire()
			w.within(time.Second, "the new process has given it back", func() bool { return w.do(zkapi.Exists("/tasks/" + name + "/attempt-1")).Found })
			master.CatchUp()
			status := w.await(name)
			detail, err := w.client().Inspect(w.ctx, name)
			if err != nil || status.State != want || len(detail.History) != 1 {
				t.Fatalf("told %v: %+v, %+v, %v", told, status, detail.History, err)
			}
			if a := detail.History[0]; a.Left != told || !strings.HasSuffix(a.Reason, record.WorkerRestarted) {
				t.Errorf("told %v: %+v", told, a)
			}
		})
	}
}

// TestCollect_SparesALaterTask: a task is removed, and the answer to who has collected it
// is lost. When that is asked again, another task has the id and has ended: it stays.
func TestCollect_SparesALaterTask(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		inBubble(t, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			w.worker("w1", echo)
			c := w.client()
			wait := recipe.With(recipe.Options{})
			if cancelled {
				wait = recipe.NotBefore(time.Now().Add(time.Hour))
			}
			submitted, err := c.Submit(w.ctx, []byte("first"), recipe.ID("job"), wait)
			name := submitted.Task
			if err == nil && cancelled {
				_, err = c.Cancel(w.ctx, name)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.await(name)
			lost := w.loseOnce(zk.ReplyLost, func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindMulti && slices.Contains([]string{"/tasks/" + name + "/status", "/collect/" + name}, op.Ops[0].Path)
			})
			collected := make(chan error, 1)
			w.work.Go(func() { collected <- c.Collect(w.ctx, name) })
			for !lost.Load() || w.do(zkapi.Exists("/tasks/"+name)).Found {
				time.Sleep(time.Microsecond)
			}
			if _, err := w.client().Submit(w.ctx, []byte("second"), recipe.ID("job")); err != nil {
				t.Fatal(err)
			}
			if err := <-collected; err != nil {
				t.Errorf("cancelled %v: %v", cancelled, err)
			}
			if status := w.await(name); string(status.Result) != "did second" {
				t.Errorf("cancelled %v: %+v", cancelled, status)
			}
		})
	}
}

// TestCancel_SparesALaterTask: the answer to who has cancelled a task is lost. When that
// is tried again the task was collected, and another has its id: it is not cancelled.
func TestCancel_SparesALaterTask(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		submitted, err := w.client().Submit(w.ctx, []byte("first"), recipe.ID("job"))
		name := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		lost := w.loseOnce(zk.ReplyLost, func(op zkapi.Op) bool {
			return op.Kind == zkapi.KindMulti && op.Ops[0].Path == "/tasks/"+name+"/status"
		})
		cancelled := make(chan error, 1)
		w.work.Go(func() {
			_, err := w.client().Cancel(w.ctx, name)
			cancelled <- err
		})
		for !lost.Load() {
			time.Sleep(time.Microsecond)
		}
		other := w.client()
		if err := other.Collect(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Submit(w.ctx, []byte("second"), recipe.ID("job")); err != nil {
			t.Fatal(err)
		}
		if err := <-cancelled; !errors.Is(err, recipe.ErrNoTask) {
			t.Errorf("Cancel: %v", err)
		}
		w.worker("w1", echo)
		if status := w.await(name); string(status.Result) != "did second" {
			t.Errorf("%+v", status)
		}
	})
}

// TestCancel_OfAResidentInQuarantine: the server refuses what is to be recorded of a
// resident task, and it is cancelled. That needs no record: it is given back at once.
func TestCancel_OfAResidentInQuarantine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		w.worker("w1", echo)
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error {
			if op.Kind == zkapi.KindCreate && op.Path == "/tasks/task-bad/attempt-1" {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		w.submit(recipe.ID("bad"), recipe.Resident())
		time.Sleep(270 * time.Second) // it is tried again once a minute by now, and not soon
		c := w.client()
		if _, err := c.Cancel(w.ctx, "task-bad"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(w.ctx, 5*time.Second)
		defer stop()
		if err := c.Collect(ctx, "task-bad"); err != nil {
			t.Error(err)
		}
	})
}
