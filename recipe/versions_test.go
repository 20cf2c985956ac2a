package recipe_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// A version is a signed number of 32 bits. After 2147483647 comes -2147483648, and the check
// of -1 accepts every version.

// setVersion makes a znode look as if it had been written very often.
func (w *world) setVersion(path string, version int32) {
	w.t.Helper()
	if err := w.env.Server.SetVersion(path, version); err != nil {
		w.t.Fatal(err)
	}
}

// problems lists the paths of the problems that an overview shows.
func (w *world) problems() string {
	w.t.Helper()
	var paths []string
	for _, p := range w.overview().Problems {
		paths = append(paths, p.Path)
	}
	return strings.Join(paths, " ")
}

// TestElection_NobodyLeadsOnANegativeVersion: neither when the counter has passed the highest
// version, nor with the election that would make it do so. No candidate changes /assign.
func TestElection_NobodyLeadsOnANegativeVersion(t *testing.T) {
	for _, version := range []int32{math.MaxInt32, math.MinInt32, math.MinInt32 + 1, -1000, -3, -1} {
		for _, queue := range []bool{false, true} {
			t.Run(fmt.Sprint(version, " queue ", queue), func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.parents()
					w.setVersion("/assign", version)
					var log journal
					var led atomic.Int32   // how often
					var epoch atomic.Int32 // the latest
					m := w.master(recipe.MasterConfig{Name: "m1", Queue: queue, Observers: log.observers(), OnLead: func(ctx context.Context, lead recipe.Lead) {
						led.Add(1)
						epoch.Store(lead.Epoch())
						<-ctx.Done()
					}})
					w.worker("w1", echo)
					task := w.submit()
					requests := 0
					w.env.Server.Observe(func(int64, zkapi.Op) { requests++ })
					time.Sleep(time.Minute)
					w.env.Server.Observe(nil)
					if now := w.do(zkapi.Get("/assign")); now.Stat.Version != version || len(now.Data) > 0 {
						t.Errorf("/assign has version %d now, with %q", now.Stat.Version, now.Data)
					}
					if leads(m) || led.Load() > 0 || w.do(zkapi.Exists("/master")).Found {
						t.Errorf("it leads: %v, epoch %d", leads(m), epoch.Load())
					}
					if n := log.warnings("znode=/assign "); n != 1 || log.warnings("deleteall /assign") != 1 || log.warnings("gone back") > 0 || log.warnings("") != 1 {
						t.Errorf("%d lines name it:\n%s", n, log.text.String())
					}
					if requests > 1200 {
						t.Errorf("%d requests in a minute", requests)
					}
					if got := w.problems(); got != "/assign" {
						t.Errorf("problems %s", got)
					}
					w.removeAll("/assign") // its remedy, without a worker that is to be stopped
					w.do(zkapi.Create("/assign", nil, zkapi.Persistent))
					w.do(zkapi.Create("/assign/w1", nil, zkapi.Persistent))
					w.within(10*time.Second, "it leads, and knows it", func() bool { return leads(m) && epoch.Load() > 0 })
					if w.await(task); led.Load() != 1 || epoch.Load() != 1 || w.problems() != "" {
						t.Errorf("epoch %d, problems %s", epoch.Load(), w.problems())
					}
				})
			})
		}
	}
}

// TestElection_TheHighestVersionIsTheLastEpoch: a master leads with it. When somebody sets
// /assign once more, this master is fenced, and nobody leads any more.
func TestElection_TheHighestVersionIsTheLastEpoch(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.setVersion("/assign", math.MaxInt32-1)
		var log journal
		leads1 := make(chan recipe.Lead, 1)
		m1 := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers(), OnLead: func(ctx context.Context, l recipe.Lead) { leads1 <- l; <-ctx.Done() }})
		w.within(5*time.Second, "m1 leads", leading(m1))
		lead := <-leads1
		m2 := w.master(recipe.MasterConfig{Name: "m2", Observers: log.observers()})
		w.worker("w1", echo)
		if w.await(w.submit()); lead.Epoch() != math.MaxInt32 || log.warnings("") > 0 {
			t.Errorf("epoch %d:\n%s", lead.Epoch(), log.text.String())
		}
		if got := w.do(zkapi.Set("/assign", nil, zkapi.AnyVersion)).Stat.Version; got != math.MinInt32 {
			t.Fatalf("the version is %d", got)
		}
		if _, err := lead.Write(w.ctx, zkapi.Create("/mine", nil, zkapi.Persistent)); err == nil || w.do(zkapi.Exists("/mine")).Found {
			t.Errorf("a write under the last epoch: %v", err)
		}
		task := w.submit()
		time.Sleep(time.Minute)
		if leads(m1) || leads(m2) || w.do(zkapi.Exists("/tasks/"+task+"/status")).Found || w.do(zkapi.Get("/assign")).Stat.Version != math.MinInt32 {
			t.Errorf("m1 leads: %v, m2 leads: %v", leads(m1), leads(m2))
		}
		if n := log.warnings("znode=/assign "); n != 2 || log.warnings("gone back") > 0 { // each master once
			t.Errorf("%d lines name it:\n%s", n, log.text.String())
		}
	})
}

// TestWorker_RegistersOnNoVersionNearTheHighest: its claim could not be renewed. The tasks go
// to other workers, and the worker does not ask over and over.
func TestWorker_RegistersOnNoVersionNearTheHighest(t *testing.T) {
	for _, version := range []int32{math.MaxInt32 - 1000, math.MaxInt32, math.MinInt32, -2, -1} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.parents()
				w.do(zkapi.Create("/assign/bad", nil, zkapi.Persistent))
				w.setVersion("/assign/bad", version)
				var log, all journal
				m := w.master(recipe.MasterConfig{Name: "m1", Observers: all.observers()})
				w.workerOf(recipe.WorkerConfig{Name: "bad", Handler: echo, Observers: log.observers()})
				w.worker("w1", echo)
				time.Sleep(3 * time.Second)
				requests := 0
				w.env.Server.Observe(func(int64, zkapi.Op) { requests++ })
				time.Sleep(time.Minute)
				w.env.Server.Observe(nil)
				if s := w.await(w.submit()); s.Worker != "w1" || requests > 1200 {
					t.Errorf("%s did it, and there were %d requests in a minute", s.Worker, requests)
				}
				if now := w.do(zkapi.Get("/assign/bad")); now.Stat.Version != version || len(now.Data) > 0 || w.do(zkapi.Exists("/workers/bad")).Found {
					t.Errorf("the version is %d now, with %q", now.Stat.Version, now.Data)
				}
				if log.warnings("znode=/assign/bad ") != 1 || log.warnings("another name") != 1 || all.warnings("") > 0 {
					t.Errorf("told:\n%s\n%s", log.text.String(), all.text.String())
				}
				if got := w.problems(); got != "/assign/bad" {
					t.Errorf("problems %s", got)
				}
				if now, leads := m.Snapshot(); !leads || now.Epoch != 1 {
					t.Errorf("leads %v in epoch %d", leads, now.Epoch)
				}
			})
		})
	}
}

// TestWorker_RenewsItsClaimBelowTheHighestVersion: it says that it retires, and its last
// result counts.
func TestWorker_RenewsItsClaimBelowTheHighestVersion(t *testing.T) {
	inBubble(t, func(w *world) {
		w.parents()
		w.do(zkapi.Create("/assign/w1", nil, zkapi.Persistent))
		w.setVersion("/assign/w1", math.MaxInt32-1001)
		w.master(recipe.MasterConfig{Name: "m1"})
		begun := make(chan struct{})
		worker := w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) {
			close(begun)
			time.Sleep(5 * time.Second)
			return nil, nil
		})
		task := w.submit()
		<-begun
		if err := worker.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if s := w.await(task); s.State != recipe.Done || s.Token.Attempt != 1 || w.do(zkapi.Exists("/assign/w1")).Stat.Version != math.MaxInt32-999 {
			t.Errorf("%+v", s)
		}
	})
}

// TestMaster_GivesNothingUnderANegativeVersion: at -1, the check of the incarnation of a
// worker made by hand would accept every one. The worker's tasks go to others when it is gone.
func TestMaster_GivesNothingUnderANegativeVersion(t *testing.T) {
	for _, version := range []int32{math.MinInt32, -1} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.parents()
				w.do(zkapi.Create("/assign/bad", nil, zkapi.Persistent))
				w.do(zkapi.Create("/tasks/task-held", nil, zkapi.Persistent))
				w.do(zkapi.Create("/assign/bad/task-held", []byte(`{"epoch":1,"attempt":1,"incarnation":7}`), zkapi.Persistent))
				w.setVersion("/assign/bad", version)
				hand := w.byHand("bad")
				w.setVersion("/assign/bad", version)
				var log journal
				m := w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
				w.worker("w1", echo)
				for range 20 {
					if s := w.await(w.submit()); s.Worker != "w1" {
						t.Errorf("%s did it", s.Worker)
					}
				}
				if n := log.warnings("/assign/bad"); n != 1 || len(w.do(zkapi.Children("/assign/bad")).Children) != 1 {
					t.Errorf("%d lines name it:\n%s", n, log.text.String())
				}
				if now, leads := m.Snapshot(); !leads || len(now.Quarantined) > 0 {
					t.Errorf("leads %v, %+v", leads, now.Quarantined)
				}
				hand.Expire()
				if s := w.await("task-held"); s.Worker != "w1" || s.Token.Attempt != 2 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}
