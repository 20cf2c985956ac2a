package recipe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These tests let the tree go back in time while processes run.

// sink is a system outside that remembers the greatest token that it has seen.
type sink struct {
	t       *testing.T
	mu      sync.Mutex
	highest recipe.Token
	uses    int
}

// handler is one that shows its token to the sink.
func (s *sink) handler(_ context.Context, task recipe.Task) (recipe.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.highest.Epoch > task.Token.Epoch {
		s.t.Errorf("token %+v after %+v", task.Token, s.highest)
	}
	s.highest = task.Token
	s.uses++
	return recipe.Result("done"), nil
}

func (s *sink) epoch() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.highest.Epoch
}

// aged is a world whose tree shows epoch 1 in the backup and is at epoch 6 when it
// goes back. The masters and the worker have seen that.
type aged struct {
	*world
	sink    *sink
	log     *journal
	masters []*recipe.Master
	worker  *recipe.Worker
	backup  zk.Tree
}

func (w *world) age(masters int) *aged {
	w.t.Helper()
	a := &aged{world: w, sink: &sink{t: w.t}, log: &journal{}}
	for i := range masters {
		a.masters = append(a.masters, w.master(recipe.MasterConfig{Name: fmt.Sprintf("m%d", i), Observers: a.log.observers()}))
	}
	a.worker = w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: a.sink.handler, Observers: a.log.observers()})
	w.run()
	a.backup = w.env.Server.Tree()
	for range 5 {
		w.expireOwner("/master")
		w.run()
	}
	if a.sink.epoch() != 6 {
		w.t.Fatalf("epoch %d", a.sink.epoch())
	}
	return a
}

// run has one task executed.
func (w *world) run() {
	w.t.Helper()
	c := w.client()
	limited, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if _, err := c.Do(limited, []byte("it")); err != nil {
		w.t.Fatal(err)
	}
	_ = c.Close(w.ctx)
}

// restore makes the tree go back, and connects the hands of the test anew.
func (a *aged) restore(tree zk.Tree) {
	a.env.Server.Restore(tree)
	a.direct = a.env.Server.Open()
}

func (a *aged) close(roles ...recipe.Role) {
	a.t.Helper()
	for _, r := range roles {
		ctx, cancel := context.WithTimeout(a.ctx, time.Second)
		_ = r.Close(ctx)
		cancel()
	}
}

func TestRestored_TokensGrow(t *testing.T) {
	for name, older := range map[string]func(*aged) zk.Tree{
		"restored": func(a *aged) zk.Tree { return a.backup },
		"wiped":    func(*aged) zk.Tree { return zk.NewTree() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				a := w.age(2)
				a.restore(older(a))
				w.run()
				once := a.sink.epoch()
				if once <= 6 {
					t.Errorf("epoch %d, and 6 was seen", once)
				}
				if a.log.warnings("gone back in time") == 0 {
					t.Errorf("told:\n%s", a.log.text.String())
				}
				a.restore(older(a)) // and once more
				w.run()
				if a.sink.epoch() <= once {
					t.Errorf("epoch %d the second time, %d the first time", a.sink.epoch(), once)
				}
			})
		})
	}
}

// TestRestored_AWorkerRemembers: all masters are new. The worker's claim tells
// them, before anything is assigned.
func TestRestored_AWorkerRemembers(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.age(1)
		a.close(a.masters[0])
		a.restore(a.backup)
		w.within(time.Minute, "the worker is back", func() bool {
			return strings.Contains(string(a.do(zkapi.Get("/assign/w1")).Data), `"epoch_seen":6`)
		})
		lowest := int32(1 << 30)
		w.env.Server.Record(func(write zk.Write) {
			for _, op := range write.Op.Ops {
				var token recipe.Token
				if op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/assign/w1/") && json.Unmarshal(op.Data, &token) == nil {
					lowest = min(lowest, token.Epoch)
				}
			}
		})
		var log journal
		w.master(recipe.MasterConfig{Name: "new", Observers: log.observers()})
		w.run()
		if a.sink.epoch() <= 6 || lowest <= 6 {
			t.Errorf("the task ran in epoch %d, the lowest epoch of an assignment is %d", a.sink.epoch(), lowest)
		}
		if log.warnings("worker w1 has seen epoch 6") != 1 {
			t.Errorf("told:\n%s", log.text.String())
		}
	})
}

// TestRestored_AMasterRemembers: the workers are new, and so is the master that
// is elected first. The other one stands by, and lifts.
func TestRestored_AMasterRemembers(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.age(1)
		a.close(a.worker)
		a.restore(zk.NewTree())
		fresh := w.master(recipe.MasterConfig{Name: "new"})
		w.within(time.Minute, "the new one leads", func() bool { return leads(fresh) })
		w.within(time.Minute, "the epoch is raised", func() bool { return a.do(zkapi.Get("/assign")).Stat.Version > 6 })
		w.worker("w2", a.sink.handler)
		w.run()
		if a.sink.epoch() < 7 {
			t.Errorf("epoch %d", a.sink.epoch())
		}
	})
}

// TestRestored_ABackupRemembers: who has only stood by knows the epoch as well.
func TestRestored_ABackupRemembers(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.age(1)
		w.master(recipe.MasterConfig{Name: "backup"})
		time.Sleep(10 * time.Second)
		a.close(a.masters[0], a.worker)
		a.restore(zk.NewTree())
		w.worker("w2", a.sink.handler)
		w.run()
		if a.sink.epoch() <= 6 {
			t.Errorf("epoch %d", a.sink.epoch())
		}
	})
}

// TestRestored_AWorkerRefusesAnOldToken: a master that knows nothing of this, made
// by hand, assigns a task under an epoch that is over.
func TestRestored_AWorkerRefusesAnOldToken(t *testing.T) {
	inBubble(t, func(w *world) {
		a := w.age(1)
		a.close(a.masters[0])
		uses := a.sink.uses
		version := a.do(zkapi.Get("/assign/w1")).Stat.Version
		a.do(zkapi.Create("/tasks/task-x", []byte("x"), zkapi.Persistent))
		a.do(zkapi.Create("/assign/w1/task-x", fmt.Appendf(nil, `{"epoch":3,"attempt":1,"incarnation":%d}`, version), zkapi.Persistent))
		time.Sleep(time.Minute)
		claim := a.do(zkapi.Get("/assign/w1"))
		if a.sink.uses != uses || !a.do(zkapi.Exists("/assign/w1/task-x")).Found || !strings.Contains(string(claim.Data), `"epoch_seen":6`) {
			t.Fatalf("used %d times, the claim is %s", a.sink.uses-uses, claim.Data)
		}
		if claim.Stat.Version != version+1 {
			t.Errorf("the claim was renewed %d times", claim.Stat.Version-version)
		}
		w.master(recipe.MasterConfig{Name: "new"})
		w.within(time.Minute, "it is done", func() bool { return a.do(zkapi.Exists("/tasks/task-x/status")).Found })
		if a.sink.epoch() < 7 || len(a.do(zkapi.Children("/tasks/task-x")).Children) != 1 {
			t.Errorf("epoch %d, below the task: %v", a.sink.epoch(), a.do(zkapi.Children("/tasks/task-x")).Children)
		}
	})
}

// TestEpochAtLeast_RaisesTheEpoch: nothing remembers but the operator.
func TestEpochAtLeast_RaisesTheEpoch(t *testing.T) {
	inBubble(t, func(w *world) {
		s := &sink{t: t}
		w.worker("w1", s.handler)
		var log journal
		m := w.master(recipe.MasterConfig{Name: "m1", EpochAtLeast: 5000, Observers: log.observers()})
		w.run()
		if s.epoch() != 5000 || log.warnings("gone back") != 0 {
			t.Errorf("epoch %d, told:\n%s", s.epoch(), log.text.String())
		}
		w.expireOwner("/master")
		w.within(time.Minute, "it leads again", func() bool { now, ok := m.Snapshot(); return ok && now.Epoch == 5001 })
	})
}

func TestEpochAtLeast_IsChecked(t *testing.T) {
	for _, n := range []int32{-1, 1 << 30} {
		if _, err := recipe.NewMaster(&zk.Env{}, recipe.MasterConfig{Name: "m", EpochAtLeast: n}); err == nil {
			t.Errorf("%d is accepted", n)
		}
	}
}

// TestEpochSeen_IgnoresImpossibleEpochs: a claim made by hand must not use up the epochs.
func TestEpochSeen_IgnoresImpossibleEpochs(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		s := &sink{t: t}
		w.master(recipe.MasterConfig{Name: "m1", Observers: log.observers()})
		w.worker("w1", s.handler)
		w.run()
		w.do(zkapi.Create("/assign/hand", []byte(`{"epoch_seen":2147483647}`), zkapi.Persistent))
		w.do(zkapi.Create("/workers/hand", nil, zkapi.Ephemeral))
		time.Sleep(time.Minute)
		if epoch := w.do(zkapi.Get("/assign")).Stat.Version; epoch != 1 || log.warnings("znode=/assign/hand ") != 1 {
			t.Errorf("epoch %d, told:\n%s", epoch, log.text.String())
		}
	})
}

// These have a node whose sessions are on different servers, one of which lags. Nothing
// has gone back.

// lagging is a node that stands in line behind two masters, and does what they assign.
// It returns the node's candidate, too.
func (w *world) lagging(log *journal) (s *sink, candidate *zk.Session) {
	w.t.Helper()
	line := func(length int) {
		w.t.Helper()
		w.within(time.Second, "the line", func() bool {
			return int(w.do(zkapi.Exists("/candidates")).Stat.NumChildren) == length
		})
	}
	for i, name := range []string{"m1", "m2"} {
		w.master(recipe.MasterConfig{Name: name, Address: name + ":1", Queue: true, Observers: log.observers()})
		line(i + 1)
	}
	s = &sink{t: w.t}
	n, err := recipe.NewNode(w.env, recipe.NodeConfig{
		Master: recipe.MasterConfig{Name: "n1", Observers: log.observers()}, Worker: recipe.WorkerConfig{Handler: s.handler, Observers: log.observers()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work.Go(func() { _ = n.Run(w.ctx) })
	line(3)
	w.within(time.Second, "the node works", func() bool { return w.do(zkapi.Exists("/workers/n1")).Found })
	for _, c := range w.do(zkapi.Children("/candidates")).Children {
		if string(w.do(zkapi.Get("/candidates/"+c)).Data) == "n1" {
			candidate = w.ownerOf("/candidates/" + c)
		}
	}
	return s, candidate
}

// elect has the second master elected.
func (w *world) elect() {
	w.t.Helper()
	w.expireOwner("/master")
	w.within(10*time.Second, "m2 leads", func() bool {
		return w.do(zkapi.Exists("/master")).Found && strings.HasPrefix(string(w.do(zkapi.Get("/master")).Data), "m2")
	})
}

// TestNode_ItsWorkerLagsBehindItsCandidate: the candidate has seen an election before the
// worker sees what was assigned before that.
func TestNode_ItsWorkerLagsBehindItsCandidate(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		s, _ := w.lagging(&log)
		worker := w.ownerOf("/workers/n1")
		worker.Lag()
		c := w.client()
		submitted, err := c.Submit(w.ctx, []byte("it"))
		task := submitted.Task
		if err != nil {
			t.Fatal(err)
		}
		w.within(time.Second, "it is assigned", func() bool { return w.do(zkapi.Exists("/assign/n1/" + task)).Found })
		w.elect()
		time.Sleep(time.Minute) // the candidate looks now and then
		if s.uses != 0 {
			t.Fatal("the worker does not lag")
		}
		worker.CatchUp()
		limited, cancel := context.WithTimeout(w.ctx, 20*time.Second)
		defer cancel()
		if _, err := c.Await(limited, task); err != nil {
			t.Error(err)
		}
		w.nothingWentBack(&log, 2)
	})
}

// TestNode_ItsCandidateLagsBehindItsWorker: the worker has a task of an epoch of which the
// candidate's server has not heard.
func TestNode_ItsCandidateLagsBehindItsWorker(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		s, candidate := w.lagging(&log)
		candidate.Lag()
		w.elect()
		w.run()
		if s.epoch() != 2 {
			t.Fatalf("it ran under epoch %d", s.epoch())
		}
		time.Sleep(time.Minute)
		w.nothingWentBack(&log, 2)
	})
}

func (w *world) nothingWentBack(log *journal, epoch int32) {
	w.t.Helper()
	if now := w.do(zkapi.Exists("/assign")).Stat.Version; now != epoch || log.warnings("gone back in time")+log.warnings("lifted") > 0 {
		w.t.Errorf("epoch %d, told:\n%s", now, log.text.String())
	}
}
