package recipe_test

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// scenesOfOwners are about tasks that a worker has.
var scenesOfOwners = []scene{
	{says: "a worker has it", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		w.tasks("x")
	}, want: []string{"assigned task-x w1 #1"}},
	{says: "its worker leaves", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w1 := w.worker("w1", keeps)
		w.tasks("x")
		w.work.Go(func() { _ = w1.Close(w.ctx) })
		time.Sleep(time.Second)
	}, want: []string{"assigned task-x w1 #1", "leaving w1 #1"}},
	{says: "its worker is lost, and nobody leads", name: "task-x", bring: func(w *world) {
		m := w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		w.tasks("x")
		_ = m.Close(w.ctx)
		w.env.Server.Refuse(func(_ int64, op zkapi.Op) error { // it cannot register again
			if op.Path == "/workers/w1" && op.Kind == zkapi.KindCreate {
				return zkapi.ErrNoAuth
			}
			return nil
		})
		w.expireOwner("/workers/w1")
		time.Sleep(time.Second)
	}, want: []string{"nobody-leads #0", "holder-lost task-x w1", "next-look task-x w1 ReleaseTask"}},
	{says: "an owner is to let go", name: "task-x", bring: owned, want: []string{"assigned task-x w1 #1", "owner-must-let-go task-x w1"}},
	{says: "the owner of a resident task leaves", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w1 := w.worker("w1", lets(time.Hour))
		w.submit(recipe.ID("x"), recipe.Resident())
		w.heldBy("task-x", "w1")
		w.work.Go(func() { _ = w1.Close(w.ctx) })
		time.Sleep(time.Second)
	}, want: []string{"assigned task-x w1 #1", "owner-must-let-go task-x w1", "leaving w1 #1"}},
	{says: "spread evenly", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		w.worker("w2", keeps)
		time.Sleep(time.Second)
		for _, id := range []string{"x", "y", "z"} {
			w.submit(recipe.ID(id), recipe.Resident())
			time.Sleep(time.Second)
		}
	}, want: []string{"assigned task-x w1 #1", "spread-evenly task-x w1 #2/1"}},
	{says: "a handler was abandoned", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.workerOf(recipe.WorkerConfig{Name: "w1", Handler: lets(30 * time.Second), Unreturned: recipe.Unreturned{After: time.Second}})
		w.submit(recipe.ID("a"), recipe.Resident())
		w.heldBy("task-a", "w1")
		w.submit(recipe.ID("x"), recipe.Resident())
		w.heldBy("task-x", "w1")
		w.worker("w2", keeps)
		w.work.Go(func() { time.Sleep(time.Minute) }) // until the abandoned handlers have returned
		w.heldBy("task-x", "w2")
	}, want: []string{"abandoned task-x w1 since", "assigned task-x w2 #2", "spread-evenly task-x w2 #1/1"}},
	{says: "a worker does not answer", name: "task-x", timeout: 40 * time.Second, bring: func(w *world) {
		w.stranded()
		time.Sleep(3 * time.Second)
	}, want: []string{"ended task-x cancelled since (cancelled by a client)", "asked-back task-x w1"}},
	{says: "a client waits for its removal", name: "task-x", timeout: 40 * time.Second, bring: func(w *world) {
		w.stranded()
		w.work.Go(func() { _ = w.client().Collect(w.ctx, "task-x") })
		time.Sleep(3 * time.Second)
	}, want: []string{"ended task-x cancelled since (cancelled by a client)", "removal-asked task-x", "asked-back task-x w1"}},
	{says: "the worker is quarantined that has it", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		w.tasks("x")
		w.heldBy("task-x", "w1")
		w.refuses("/assign/w1", zkapi.KindChildren)
		w.leaves("worker", "w1")
	}, want: []string{"assigned task-x w1 #1", "quarantined w1 worker since until"}},
	{says: "the master does not see progress", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.refuses("/tasks/task-x/progress")
		w.worker("w1", keeps)
		w.submit(recipe.ID("x"), recipe.HeartbeatTimeout(time.Minute))
		w.leaves("progress", "task-x")
	}, want: []string{"quarantined task-x progress since until", "assigned task-x w1 #1"}},
	{says: "the master may not see who wants its removal", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", echo)
		w.await(w.submit(recipe.ID("x")))
		w.refuses("/collect/")
		w.do(zkapi.Create("/collect/task-x", nil, zkapi.Persistent))
		w.do(zkapi.Set("/tasks", []byte("task-x"), zkapi.AnyVersion))
		w.leaves("request", "task-x")
	}, want: []string{"ended task-x w1 done since", "quarantined task-x request since until", "removal-asked task-x", "next-look task-x CollectTask"}},
}

// owned has an owner of two resident tasks that is to give one to a worker that has come.
func owned(w *world) {
	w.leader(recipe.MasterConfig{})
	w.worker("w1", lets(time.Hour))
	w.submit(recipe.ID("a"), recipe.Resident())
	w.heldBy("task-a", "w1")
	w.submit(recipe.ID("x"), recipe.Resident())
	w.heldBy("task-x", "w1")
	w.worker("w2", keeps)
	time.Sleep(5 * time.Second)
}

// stranded has a worker whose requests do not arrive, and that has a task that is cancelled.
func (w *world) stranded() {
	w.leader(recipe.MasterConfig{})
	w.worker("w1", keeps)
	w.tasks("x")
	w.heldBy("task-x", "w1")
	w.ownerOf("/workers/w1").Strand()
	if _, err := w.client().Cancel(w.ctx, "task-x"); err != nil {
		w.t.Fatal(err)
	}
}

// scenesOfWorkers are about workers.
var scenesOfWorkers = []scene{
	{says: "it has left", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w1 := w.worker("w1", echo)
		time.Sleep(time.Second)
		_ = w1.Close(w.ctx)
	}, want: []string{"not-registered w1 #0"}},
	{says: "it is full", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.alone("w1", 1, keeps)
		w.tasks("a", "b")
	}, want: []string{"full w1 #1/1"}},
	{says: "nothing waits", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.alone("w1", 9, keeps)
		w.tasks("a")
	}, want: []string{"has-room w1 #1/9", "nothing-waits w1"}},
	{says: "nothing is due", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		w.submit(recipe.NotBefore(time.Now().Add(2 * time.Hour)))
		w.submit(recipe.NotBefore(time.Now().Add(time.Hour)))
		time.Sleep(time.Second)
	}, want: []string{"has-room w1 #0/64 assumed", "waiting-not-due w1 until #2"}},
	{says: "the strategy wants another one", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{Strategy: recipe.StickyByKey})
		w.alone("w1", 1, keeps)
		w.alone("w2", 1, keeps)
		time.Sleep(time.Second)
		w.submit(recipe.Key("k"))
		w.submit(recipe.Key("k"))
		time.Sleep(time.Second)
	}, masters: recipe.MasterConfig{Strategy: recipe.StickyByKey}, want: []string{"has-room w1 #0/1", "waiting-for-others w1 #1"}},
	{says: "a task avoids it", name: "w1", bring: func(w *world) { w.silent("w1") }, want: []string{"has-room w1 #0/1", "waiting-for-others w1 #1"}},
	{says: "nobody leads, and a task waits", name: "w1", bring: func(w *world) {
		w.worker("w1", echo)
		w.within(time.Second, "it is registered", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		w.tasks("x")
	}, want: []string{"nobody-leads #0", "has-room w1 #0/64 assumed", "next-look task-x AssignTask>w1"}},
	{says: "it has no inbox", name: "hand", bring: func(w *world) {
		w.parents()
		w.byHand("hand")
	}, want: []string{"nobody-leads #0", "no-inbox hand #0", "next-look hand OpenInbox"}},
	{says: "it is to let a resident task go", name: "w1", bring: owned, want: []string{"owner-must-let-go task-x w1", "has-room w1 #0/64 assumed", "nothing-waits w1"}},
	{says: "it does not answer", name: "w1", timeout: 40 * time.Second, bring: func(w *world) {
		w.stranded()
		time.Sleep(3 * time.Second)
	}, want: []string{"asked-back task-x w1", "has-room w1 #1/64 assumed", "nothing-waits w1"}},
	{says: "its claim was taken", name: "w1", timeout: 40 * time.Second, bring: func(w *world) {
		w.stranded()
		time.Sleep(20 * time.Second)
	}, want: []string{"claim-taken w1 #0"}},
	{says: "it is quarantined", name: "w1", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		time.Sleep(time.Second)
		w.refuses("/assign/w1/", zkapi.KindCreate)
		w.tasks("x")
		w.leaves("worker", "w1")
	}, want: []string{"quarantined w1 worker since until"}},
	{says: "its inbox has a negative version", name: "bad", bring: func(w *world) {
		w.parents()
		w.do(zkapi.Create("/assign/bad", nil, zkapi.Persistent))
		w.setVersion("/assign/bad", -1)
		w.byHand("bad")
		w.setVersion("/assign/bad", -1)
		w.leader(recipe.MasterConfig{})
	}, want: []string{"outdated bad /assign/bad"}},
	{says: "a znode has its name", name: "w1", bring: func(w *world) {
		w.parents()
		w.leader(recipe.MasterConfig{})
		w.do(zkapi.Create("/workers/w1", nil, zkapi.Persistent))
		w.worker("w1", echo)
		time.Sleep(time.Second)
	}, want: []string{"znode-in-the-way /workers/w1", "not-registered w1 #0"}},
}
