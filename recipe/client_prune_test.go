package recipe_test

import (
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
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// pruned prunes, and returns the names that were removed and why others were kept.
func (w *world) pruned(p recipe.Prune) (removed []string, kept map[string]string) {
	w.t.Helper()
	all, err := w.client().PruneWorkers(w.ctx, p)
	if err != nil {
		w.t.Fatal(err)
	}
	kept = map[string]string{}
	for _, one := range all {
		if one.Kept == "" {
			removed = append(removed, one.Worker)
		} else {
			kept[one.Worker] = one.Kept
		}
	}
	return removed, kept
}

// deadNames makes the inboxes of lost workers.
func (w *world) deadNames(n int) (names []string) {
	w.t.Helper()
	w.makes("/tasks", "/workers", "/assign")
	for i := range n {
		names = append(names, fmt.Sprintf("lost-%04d", i))
		w.do(zkapi.Create("/assign/"+names[i], nil, zkapi.Persistent))
	}
	return names
}

// TestPrune_RemovesOnlyWhatNobodyUses: what is alive, holds something, was registered too often
// or does not exist is kept, and PruneWorkers says why.
func TestPrune_RemovesOnlyWhatNobodyUses(t *testing.T) {
	inBubble(t, func(w *world) {
		w.deadNames(2)
		w.makes("/assign/holds", "/assign/holds/t1", "/assign/often")
		w.setVersion("/assign/often", 200)
		w.byHand("alive")
		w.makes("/assign/alive")
		removed, kept := w.pruned(recipe.Prune{})
		if !slices.Equal(removed, []string{"lost-0000", "lost-0001"}) {
			t.Errorf("%q are removed", removed)
		}
		for name, why := range map[string]string{"holds": "1 assignments are left", "often": "has version 200"} {
			if !strings.Contains(kept[name], why) {
				t.Errorf("%s: %q, not %q", name, kept[name], why)
			}
		}
		if _, kept := w.pruned(recipe.Prune{Names: []string{"alive", "none"}}); kept["alive"] != "it is alive" || kept["none"] != "there is no such worker" {
			t.Errorf("%q", kept)
		}
		if left := w.do(zkapi.Children("/assign")).Children; !slices.Equal(left, []string{"alive", "holds", "often"}) {
			t.Errorf("%q are left", left)
		}
	})
}

// TestPrune_KeepsWhatChangesMeanwhile: a worker registers, or is given something, between the look and
// the removal.
func TestPrune_KeepsWhatChangesMeanwhile(t *testing.T) {
	for _, row := range []struct {
		says string
		act  []zkapi.Op
		kept string
	}{
		{"it registers", []zkapi.Op{zkapi.Create("/workers/lost-0001", nil, zkapi.Ephemeral)}, "it is alive"},
		{"it has registered, and is lost again", []zkapi.Op{zkapi.Set("/assign/lost-0001", nil, zkapi.AnyVersion)}, "a worker has registered under it"},
		{"it is given something", []zkapi.Op{create("/assign/lost-0001/t1", "")}, "assignments are left in its list"},
		{"it is removed", []zkapi.Op{remove("/assign/lost-0001")}, "it is gone: another client has removed it"},
	} {
		t.Run(row.says, func(t *testing.T) {
			inBubble(t, func(w *world) {
				names := w.deadNames(3)
				w.work.Go(func() {
					time.Sleep(time.Minute)
					w.do(zkapi.Multi(row.act...))
				})
				removed, kept := w.pruned(recipe.Prune{Names: names, UnusedFor: 2 * time.Minute})
				if !slices.Equal(removed, []string{names[0], names[2]}) || kept[names[1]] != row.kept {
					t.Errorf("%q are removed, and %q is kept because %q", removed, names[1], kept[names[1]])
				}
			})
		})
	}
}

// TestPrune_LastsAlthoughAMasterHasSeenTheWorker: a worker ends and is pruned between the last look of
// a master, which found it without an inbox, and the write of the master that makes the inbox.
func TestPrune_LastsAlthoughAMasterHasSeenTheWorker(t *testing.T) {
	for _, follows := range []bool{true, false} {
		inBubble(t, func(w *world) {
			w.makes("/tasks", "/workers", "/assign")
			var once sync.Once
			opens := func(op zkapi.Op) bool { return op.Kind == zkapi.KindCreate && op.Path == "/assign/w1" }
			w.masterOf(&sieve{Env: w.env, whole: func(string) bool { return !follows }, before: func(op zkapi.Op) {
				if !slices.ContainsFunc(op.Ops, opens) {
					return
				}
				once.Do(func() {
					w.do(create("/assign/w1", "")) // the worker made it before it ended
					w.do(remove("/workers/w1"))
					if removed, kept := w.pruned(recipe.Prune{}); !slices.Equal(removed, []string{"w1"}) {
						t.Errorf("%q are removed, %q are kept", removed, kept)
					}
				})
			}})
			w.byHand("w1")
			time.Sleep(time.Minute)
			once.Do(func() { t.Error("the master makes no inbox") })
			if left := w.do(zkapi.Children("/assign")).Children; len(left) > 0 {
				t.Errorf("follows %v: %q are there again", follows, left)
			}
		})
	}
}

// TestPrune_IncarnationsNeverComeTwice: a worker that is pruned and comes again begins above its
// earlier incarnations, and so does a new one.
func TestPrune_IncarnationsNeverComeTwice(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		incarnation := func(name string) int32 { return w.do(zkapi.Exists("/assign/" + name)).Stat.Version }
		run := func(name string) {
			worker := w.worker(name, echo)
			w.within(time.Minute, name+" is registered", func() bool { return w.do(zkapi.Exists("/workers/" + name)).Found })
			w.await(w.submit())
			if err := worker.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[int32]bool{}
		for range 5 {
			before := incarnation("w1")
			run("w1")
			if now := incarnation("w1"); seen[now] || now <= before {
				t.Errorf("incarnation %d comes again after %v", now, seen)
			}
			for n := range incarnation("w1") {
				seen[n+1] = true
			}
			if removed, kept := w.pruned(recipe.Prune{}); !slices.Equal(removed, []string{"w1"}) {
				t.Fatalf("%q are removed, and %q", removed, kept)
			}
		}
	})
}

// TestPrune_RaisesTheFloorToTheHighest: of several prunes of a name, in any order, the highest version
// counts, and other names begin with their first incarnation.
func TestPrune_RaisesTheFloorToTheHighest(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/tasks", "/workers", "/assign")
		for _, version := range []int32{7, 3} {
			w.makes("/assign/lost-0000")
			w.setVersion("/assign/lost-0000", version)
			w.pruned(recipe.Prune{})
		}
		for name, first := range map[string]int32{"lost-0000": 9, "new": 1} {
			w.worker(name, echo)
			w.within(time.Second, name+" is registered", func() bool { return w.do(zkapi.Exists("/workers/" + name)).Found })
			if now := w.do(zkapi.Exists("/assign/" + name)).Stat.Version; now != first {
				t.Errorf("%s begins with incarnation %d, not %d", name, now, first)
			}
		}
	})
}

// TestPrune_OfNewNamesGoesOn: however often a worker comes under a new name, leaves and is pruned, the
// next one can be pruned, too.
func TestPrune_OfNewNamesGoesOn(t *testing.T) {
	inBubble(t, func(w *world) {
		w.master(recipe.MasterConfig{Name: "m1"})
		for n := range 100 {
			name := fmt.Sprint("pod-", n)
			worker := w.worker(name, echo)
			w.within(time.Minute, name+" is registered", func() bool { return w.do(zkapi.Exists("/workers/" + name)).Found })
			if err := worker.Close(w.ctx); err != nil {
				t.Fatal(err)
			}
			if removed, kept := w.pruned(recipe.Prune{Names: []string{name}}); len(removed) != 1 {
				t.Fatalf("%q", kept)
			}
		}
	})
}

// TestPrune_KeepsThatAWorkerWasLeaving: a worker begins above the floor, and the attempt of its last
// process, which was leaving, does not count.
func TestPrune_KeepsThatAWorkerWasLeaving(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/tasks", "/workers", "/assign", "/assign/w1")
		w.setVersion("/assign/w1", 7)
		w.pruned(recipe.Prune{})
		w.makes("/tasks/task-t", "/assign/w1")
		w.do(zkapi.Set("/assign/w1", []byte(`{"holder":"w1","acks":true,"retiring":true}`), 0))
		w.do(create("/assign/w1/task-t", `{"epoch":1,"attempt":1,"incarnation":1}`))
		w.worker("w1", echo)
		w.within(5*time.Second, "the attempt does not count", func() bool {
			return slices.Equal(w.do(zkapi.Children("/tasks/task-t")).Children, []string{"attempt-1", "left-1"})
		})
	})
}

// TestMaster_PruneInFrontOfAClaimCostsNothing: a name is pruned between the list of an inbox and the
// read of its claim. The master does not read everything again for that, which begins with a sync.
func TestMaster_PruneInFrontOfAClaimCostsNothing(t *testing.T) {
	var armed, done atomic.Bool
	var syncs atomic.Int32
	inBubble(t, func(w *world) {
		master := w.masterOf(&sieve{Env: w.env, before: func(op zkapi.Op) {
			if armed.Load() && op.Kind == zkapi.KindGet && op.Path == "/assign/x" && !done.Swap(true) {
				w.do(remove("/workers/x"))
				w.pruned(recipe.Prune{Names: []string{"x"}})
			}
			if done.Load() && op.Kind == zkapi.KindSync {
				syncs.Add(1)
			}
		}})
		w.byHand("x")
		w.byHand("y")
		w.within(time.Minute, "both are known", func() bool { now, _ := master.Snapshot(); return len(now.Workers) == 2 })
		time.Sleep(5 * time.Second)
		armed.Store(true)
		w.within(time.Minute, "it is pruned", done.Load)
		time.Sleep(1500 * time.Millisecond)
	})
	if n := syncs.Load(); n > 0 {
		t.Errorf("the master reads everything again, %d times", n)
	}
}

// TestPrune_ByTwoAtOnce: two clients prune the same names, and each name is removed once.
func TestPrune_ByTwoAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.deadNames(350)
		var work sync.WaitGroup
		for range 2 {
			work.Go(func() {
				if _, err := w.client().PruneWorkers(w.ctx, recipe.Prune{}); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if left := w.do(zkapi.Children("/assign")).Children; len(left) > 0 {
			t.Errorf("%q are left", left)
		}
	})
}

// TestPrune_OfVeryLongNames: so many of them as one request may have.
func TestPrune_OfVeryLongNames(t *testing.T) {
	inBubble(t, func(w *world) {
		w.deadNames(0)
		w.env.Server.Observe(func(_ int64, op zkapi.Op) {
			if size := op.Size(); size > 1<<20-1 {
				t.Errorf("a request has %d bytes", size)
			}
		})
		for n := range 40 {
			w.makes(fmt.Sprintf("/assign/%d-%s", n, strings.Repeat("x", 20<<10)))
		}
		if removed, kept := w.pruned(recipe.Prune{}); len(removed) != 40 {
			t.Errorf("%d are removed, and %d kept", len(removed), len(kept))
		}
	})
}

// TestPrune_ResolvesALostAnswer: a removal whose answer is lost is looked for, and not reported as
// a name that never was.
func TestPrune_ResolvesALostAnswer(t *testing.T) {
	for _, loss := range []zk.Loss{zk.RequestLost, zk.ReplyLost} {
		inBubble(t, func(w *world) {
			names := w.deadNames(3)
			lost := w.loseOnce(loss, func(op zkapi.Op) bool { return op.Kind == zkapi.KindMulti })
			if removed, kept := w.pruned(recipe.Prune{}); !slices.Equal(removed, names) || !lost.Load() {
				t.Errorf("%v: %q are removed, and %q are kept", loss, removed, kept)
			}
		})
	}
}

// TestWorker_GivesUpAClaimThatWasPruned: the name is pruned between the worker's look at the floor and its
// write, by which it takes a claim that another process may have had.
func TestWorker_GivesUpAClaimThatWasPruned(t *testing.T) {
	inBubble(t, func(w *world) {
		w.makes("/tasks", "/workers", "/assign", "/assign/w1")
		var once sync.Once
		env := &sieve{Env: w.env, before: func(op zkapi.Op) {
			if op.Kind == zkapi.KindMulti && op.Ops[0].Path == "/workers/w1" {
				once.Do(func() {
					w.setVersion("/assign/w1", 1)
					w.pruned(recipe.Prune{})
					w.makes("/assign/w1")
				})
			}
		}}
		worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w1", Handler: echo})
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() { _ = worker.Run(w.ctx) })
		w.within(10*time.Second, "it has registered above the floor", func() bool {
			return w.do(zkapi.Exists("/workers/w1")).Found && w.do(zkapi.Exists("/assign/w1")).Stat.Version > 2
		})
	})
}

// TestMaster_ForgetsPrunedWorkers: a master that leads for long has no trace of them, whether its session
// tells it of the removals or not.
func TestMaster_ForgetsPrunedWorkers(t *testing.T) {
	for _, follows := range []bool{true, false} {
		inBubble(t, func(w *world) {
			w.deadNames(100)
			master := w.masterOf(&sieve{Env: w.env, whole: func(string) bool { return !follows }})
			w.byHand("w1")
			w.within(5*time.Second, "all are known", func() bool { now, _ := master.Snapshot(); return len(now.Workers) == 101 })
			if removed, kept := w.pruned(recipe.Prune{}); len(removed) != 100 {
				t.Fatalf("%d are removed: %q", len(removed), kept)
			}
			w.within(5*time.Second, "they are forgotten", func() bool { now, _ := master.Snapshot(); return len(now.Workers) == 1 })
			w.do(zkapi.Create("/tasks/t1", nil, zkapi.Persistent))
			w.within(time.Second, "w1 gets tasks", func() bool { return slices.Equal(w.assigned(), []string{"w1 t1 1"}) })
		})
	}
}

// TestPrune_RefusesWrongArguments before anything is sent.
func TestPrune_RefusesWrongArguments(t *testing.T) {
	inBubble(t, func(w *world) {
		for _, p := range []recipe.Prune{{Names: []string{"a/b"}}, {Names: []string{""}}, {UnusedFor: -time.Second}} {
			if _, err := w.client().PruneWorkers(w.ctx, p); !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("%+v: %v", p, err)
			}
		}
	})
}
