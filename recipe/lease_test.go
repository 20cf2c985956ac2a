package recipe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// stay is one run of a handler of a resident task.
type stay struct {
	worker   string
	token    recipe.Token
	from, to time.Time // to is zero while it runs
	cause    error     // why its context ended
}

// stays notes who owned a resident task, and when.
type stays struct {
	mu  sync.Mutex
	all []*stay
}

// handler owns the task until its context ends, and until let has let it go if that is set.
func (s *stays) handler(worker string, let func(ctx context.Context, task recipe.Task)) recipe.Handler {
	return func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		mine := &stay{worker: worker, token: task.Token, from: time.Now()}
		s.mu.Lock()
		s.all = append(s.all, mine)
		s.mu.Unlock()
		<-ctx.Done()
		if let != nil {
			let(ctx, task)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		mine.to, mine.cause = time.Now(), context.Cause(ctx)
		return nil, nil
	}
}

// owners are those that own it now.
func (s *stays) owners() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, one := range s.all {
		if one.to.IsZero() {
			names = append(names, one.worker)
		}
	}
	slices.Sort(names)
	return names
}

// list is a copy of all stays, in the order of their beginnings.
func (s *stays) list() []stay {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []stay
	for _, one := range s.all {
		all = append(all, *one)
	}
	return all
}

// overlap is for how long two handlers ran at the same time, at most.
func (s *stays) overlap() time.Duration {
	var most time.Duration
	all := s.list()
	for n, one := range all {
		for _, other := range all[n+1:] {
			to, end := one.to, other.to
			if to.IsZero() {
				to = time.Now()
			}
			if end.IsZero() {
				end = time.Now()
			}
			if end.Before(to) {
				to = end
			}
			most = max(most, to.Sub(other.from))
		}
	}
	return most
}

// held submits a resident task and waits until it is owned. It returns its name and
// its owner's.
func (w *world) held(s *stays, options ...recipe.SubmitOption) (task, owner string) {
	w.t.Helper()
	task = w.submit(append(options, recipe.Resident())...)
	w.within(time.Minute, "it is owned", func() bool { return len(s.owners()) == 1 })
	return task, s.owners()[0]
}

// other is the one of two workers that is not this one.
func other(worker string) string { return map[string]string{"w1": "w2", "w2": "w1"}[worker] }

// sessionsOf is an Env that remembers the session that was opened last.
type sessionsOf struct {
	*zk.Env
	mu   sync.Mutex
	last zkapi.Session
}

func (e *sessionsOf) Open(ctx context.Context) (zkapi.Session, error) {
	session, err := e.Env.Open(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = session
	return session, err
}

// shipped are session timeouts on an ensemble with ZooKeeper's own settings, tickTime 2 s
// and syncLimit 5, and when a follower that is cut off from its leader drops its clients
// there: measured.
var shipped = []struct{ timeout, dropped time.Duration }{
	{10 * time.Second, 17700 * time.Millisecond},
	{5 * time.Second, 13800 * time.Millisecond},
}

// TestLease_EndsBehindAFollowerThatIsCutOff cuts the server of an owner off from its leader.
// The leader ends the session after its timeout and the next worker begins; the follower goes
// on to answer pings and reads for several seconds more. The old owner has let go by then.
// One that goes by its session alone would have owned the task beside the new one.
func TestLease_EndsBehindAFollowerThatIsCutOff(t *testing.T) {
	for _, setting := range shipped {
		for _, bySession := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/by session %v", setting.timeout, bySession), func(t *testing.T) {
				inBubbleOf(t, setting.timeout, func(w *world) {
					w.master(recipe.MasterConfig{Name: "m1"})
					s := &stays{}
					for _, name := range []string{"w1", "w2"} {
						env := &sessionsOf{Env: w.env}
						var let func(context.Context, recipe.Task)
						if bySession {
							let = func(context.Context, recipe.Task) { _, _ = env.Wait(context.Background(), env.last.Done()) }
						}
						worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: name, Handler: s.handler(name, let)})
						if err != nil {
							t.Fatal(err)
						}
						w.work.Go(func() { _ = worker.Run(w.ctx) })
					}
					time.Sleep(time.Second)
					_, owner := w.held(s)
					time.Sleep(time.Minute)
					session := w.ownerOf("/workers/" + owner)
					session.Strand()
					time.AfterFunc(setting.dropped, session.Unstrand)
					w.within(setting.dropped, "the next one begins", func() bool { return slices.Contains(s.owners(), other(owner)) })
					time.Sleep(setting.dropped)
					overlap := s.overlap()
					if want := setting.dropped - setting.timeout; bySession && overlap < want-time.Second {
						t.Errorf("two owned it for %v, it should be %v: nothing is tested here", overlap, want)
					} else if !bySession && overlap > 0 {
						t.Errorf("two owned it for %v", overlap)
					}
					if first := s.list()[0]; !errors.Is(first.cause, recipe.ErrLeaseLapsed) {
						t.Errorf("the first owner was told: %v", first.cause)
					}
					if bySession {
						w.direct.Expire() // nothing more is needed; the handlers wait for their sessions
						for _, one := range w.env.Server.Sessions() {
							one.Expire()
						}
					}
				})
			})
		}
	}
}

// TestLapse_BeginsAgainWhenTheClaimHolds holds up the writes of an owner for longer than its
// lease and shorter than its session lives: its handler is told, and the same owner begins
// again under the same token. Nothing is reassigned, and no attempt is spent.
func TestLapse_BeginsAgainWhenTheClaimHolds(t *testing.T) {
	inBubbleOf(t, 10*time.Second, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		s := &stays{}
		w.worker("w1", s.handler("w1", nil))
		w.worker("w2", s.handler("w2", nil))
		time.Sleep(time.Second)
		task, owner := w.held(s)
		time.Sleep(time.Minute)
		session := w.ownerOf("/workers/" + owner)
		session.Strand()
		time.Sleep(9500 * time.Millisecond)
		if len(s.owners()) > 0 {
			t.Errorf("%v still own it, and the lease is over", s.owners())
		}
		session.Unstrand()
		w.within(time.Second, "it is owned again", func() bool { return len(s.owners()) == 1 })
		all := s.list()
		if len(all) != 2 || all[1].worker != owner || all[1].token != all[0].token {
			t.Errorf("stays: %+v", all)
		}
		if children := w.do(zkapi.Children("/tasks/" + task)).Children; len(children) > 0 {
			t.Errorf("on record: %q", children)
		}
		time.Sleep(time.Minute)
		if n := len(s.list()); n != 2 {
			t.Errorf("%d stays after a minute", n)
		}
	})
}

// TestLapse_RecordsTheResultsOfOrdinaryTasks lets the lease of a worker lapse while it
// executes: a result that a handler returns all the same is recorded, and an error is no end
// of the attempt.
func TestLapse_RecordsTheResultsOfOrdinaryTasks(t *testing.T) {
	inBubbleOf(t, 10*time.Second, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		var mu sync.Mutex
		runs := map[string]int{}
		w.worker("w1", func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
			mu.Lock()
			runs[task.Name]++
			first := runs[task.Name] == 1
			mu.Unlock()
			if !first {
				return recipe.Result("again"), nil
			}
			<-ctx.Done()
			if task.Options.Key == "heeds" {
				return nil, context.Cause(ctx)
			}
			return recipe.Result("all the same"), nil
		})
		time.Sleep(time.Second)
		heeds, ignores := w.submit(recipe.Key("heeds")), w.submit(recipe.Key("ignores"))
		time.Sleep(time.Second)
		session := w.ownerOf("/workers/w1")
		session.Strand()
		time.AfterFunc(9500*time.Millisecond, session.Unstrand)
		for task, want := range map[string]string{heeds: "again", ignores: "all the same"} {
			status := w.await(task)
			if string(status.Result) != want || status.Token.Attempt != 1 {
				t.Errorf("%s: %q of attempt %d", task, status.Result, status.Token.Attempt)
			}
		}
		if runs[heeds] != 2 || runs[ignores] != 1 {
			t.Errorf("runs: %v", runs)
		}
	})
}

// TestLapse_WaitsForTheOldHandler lets a lease lapse under a handler that
// takes long to let go: the same owner begins again when it has, and not before. A task
// that is called back meanwhile is given back then.
func TestLapse_WaitsForTheOldHandler(t *testing.T) {
	for _, calledBack := range []bool{false, true} {
		inBubbleOf(t, 10*time.Second, func(w *world) {
			w.master(recipe.MasterConfig{Name: "m1"})
			s := &stays{}
			slow := func(context.Context, recipe.Task) { time.Sleep(20 * time.Second) }
			first := w.worker("w1", s.handler("w1", slow))
			time.Sleep(time.Second)
			task, _ := w.held(s)
			session := w.ownerOf("/workers/w1")
			session.Strand()
			time.Sleep(9500 * time.Millisecond)
			session.Unstrand()
			want := "w1"
			if calledBack {
				want = "w2"
				w.worker("w2", s.handler("w2", nil))
				w.work.Go(func() { _ = first.Close(context.Background()) })
			}
			time.Sleep(30 * time.Second)
			all := s.list()
			if len(all) != 2 || all[1].worker != want || s.overlap() > 0 {
				t.Errorf("called back %v: %+v", calledBack, all)
			}
			if found := w.do(zkapi.Exists("/tasks/" + task + "/attempt-1")).Found; found != calledBack {
				t.Errorf("called back %v: an attempt is on record: %v", calledBack, found)
			}
			w.stop()
		})
	}
}

// TestLease_StartsNothingWhenStale gives a resident task to a worker that has been idle for
// long and whose server is cut off right after it has seen the assignment: it begins
// nothing before a write was acknowledged, and so nothing at all.
func TestLease_StartsNothingWhenStale(t *testing.T) {
	inBubbleOf(t, 10*time.Second, func(w *world) {
		s := &stays{}
		w.worker("w1", s.handler("w1", nil))
		time.Sleep(time.Minute)
		session := w.ownerOf("/workers/w1")
		session.Lag()
		w.do(zkapi.Create("/tasks/task-1", []byte("#ringmaster {\"resident\":true}\n"), zkapi.Persistent))
		incarnation := w.do(zkapi.Exists("/assign/w1")).Stat.Version
		w.do(zkapi.Create("/assign/w1/task-1", fmt.Appendf(nil, `{"epoch":1,"attempt":1,"incarnation":%d}`, incarnation), zkapi.Persistent))
		session.Strand()
		session.Advance(2) // the last that its server hears of
		time.Sleep(9 * time.Second)
		if all := s.list(); len(all) > 0 {
			t.Errorf("it began on the word of a server that is cut off: %+v", all)
		}
		session.Unstrand()
		w.within(time.Second, "it begins when the claim is confirmed", func() bool { return len(s.owners()) == 1 })
	})
}

// TestHeartbeat_OnlyOfWorkersThatHoldATask counts writes: workers that hold nothing write
// nothing, and one that holds a task confirms its claim every sixth of the timeout.
func TestHeartbeat_OnlyOfWorkersThatHoldATask(t *testing.T) {
	inBubbleOf(t, 6*time.Second, func(w *world) {
		s := &stays{}
		for n := range 50 {
			name := fmt.Sprint("w", n)
			w.worker(name, s.handler(name, nil))
		}
		time.Sleep(10 * time.Second)
		count := func(d time.Duration) int {
			var mu sync.Mutex
			writes := 0
			w.env.Server.Record(func(zk.Write) {
				mu.Lock()
				writes++
				mu.Unlock()
			})
			time.Sleep(d)
			w.env.Server.Record(nil)
			mu.Lock()
			defer mu.Unlock()
			return writes
		}
		if writes := count(10 * time.Minute); writes > 0 {
			t.Errorf("50 idle workers have written %d times in ten minutes", writes)
		}
		incarnation := w.do(zkapi.Exists("/assign/w7")).Stat.Version
		w.do(zkapi.Create("/tasks/task-1", []byte("#ringmaster {\"resident\":true}\n"), zkapi.Persistent))
		w.do(zkapi.Create("/assign/w7/task-1", fmt.Appendf(nil, `{"epoch":1,"attempt":1,"incarnation":%d}`, incarnation), zkapi.Persistent))
		w.within(time.Second, "it is owned", func() bool { return len(s.owners()) == 1 })
		if writes := count(time.Minute); writes < 59 || writes > 61 {
			t.Errorf("an owner has written %d times in a minute, it should be once a second", writes)
		}
		if n := len(s.list()); n != 1 {
			t.Errorf("%d stays", n)
		}
	})
}

// TestLease_FollowsTheGrantedTimeout moves the connections of an owner and of the leading
// master to servers that grant a tenth of the timeout. Both confirm their claims more often
// from then on, and when their servers are cut off they let go before the sessions can end.
func TestLease_FollowsTheGrantedTimeout(t *testing.T) {
	const before, after = 40 * time.Second, 4 * time.Second
	inBubbleOf(t, before, func(w *world) {
		m := w.master(recipe.MasterConfig{Name: "m1"})
		s := &stays{}
		for _, name := range []string{"w1", "w2"} {
			w.worker(name, s.handler(name, nil))
		}
		time.Sleep(time.Second)
		_, owner := w.held(s)
		time.Sleep(time.Minute)
		owning, leading := w.ownerOf("/workers/"+owner), w.ownerOf("/master")
		for _, session := range []*zk.Session{owning, leading} {
			session.MoveTo(after)
		}
		time.Sleep(time.Minute)
		if n := len(s.list()); n != 1 || !leads(m) {
			t.Fatalf("%d stays; the master leads: %v", n, leads(m))
		}
		owning.Strand()
		time.AfterFunc(3*after, owning.Unstrand)
		time.Sleep(after - time.Second/10)
		if owners := s.owners(); len(owners) > 0 {
			t.Errorf("%v own it, and the lease is over", owners)
		}
		w.within(time.Second, "the next one begins", func() bool { return slices.Contains(s.owners(), other(owner)) })
		leading.Strand()
		time.AfterFunc(3*after, leading.Unstrand)
		time.Sleep(after - time.Second/10)
		if leads(m) {
			t.Error("the master leads, and the lease is over")
		}
		if overlap := s.overlap(); overlap > 0 {
			t.Errorf("two owned it for %v", overlap)
		}
	})
}

// sleepy is an Env whose machine has slept: timers have stood still, and the clock that
// leases are measured by has not.
type sleepy struct {
	*zk.Env
	slept atomic.Int64
}

func (s *sleepy) Elapsed() time.Duration { return s.Env.Elapsed() + time.Duration(s.slept.Load()) }

// TestLease_RunsWhileTheMachineSleeps has machines sleep for an hour at the worst moment,
// and cut off when they wake up: an owner is told at once, and a master is deposed.
// Timers that were set before would be late.
func TestLease_RunsWhileTheMachineSleeps(t *testing.T) {
	inBubbleOf(t, 10*time.Second, func(w *world) {
		s, masters, workers := &stays{}, &sleepy{Env: w.env}, &sleepy{Env: w.env}
		m, err := recipe.NewMaster(masters, recipe.MasterConfig{Name: "m1"})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = m.Run(w.ctx) })
		worker, err := recipe.NewWorker(workers, recipe.WorkerConfig{Name: "w1", Handler: s.handler("w1", nil)})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = worker.Run(w.ctx) })
		time.Sleep(time.Second)
		w.held(s)
		time.Sleep(time.Minute)
		for _, path := range []string{"/master", "/workers/w1"} {
			w.ownerOf(path).Strand()
		}
		masters.slept.Store(int64(time.Hour))
		workers.slept.Store(int64(time.Hour))
		time.Sleep(300 * time.Millisecond) // a tick is 250 ms
		if len(s.owners()) > 0 || leads(m) {
			t.Errorf("owners: %v; the master leads: %v", s.owners(), leads(m))
		}
	})
}
