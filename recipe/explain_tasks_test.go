package recipe_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// scenesOfTasks are about tasks that wait or have ended.
var scenesOfTasks = []scene{
	{says: "nobody leads", name: "task-x", bring: func(w *world) {
		w.worker("w1", echo)
		w.within(time.Second, "it is registered", func() bool { return w.do(zkapi.Exists("/workers/w1")).Found })
		w.tasks("x")
	}, want: []string{"nobody-leads #0", "next-look task-x AssignTask>w1"}},
	{says: "a master made by hand", name: "task-x", bring: func(w *world) {
		w.tasks("x")
		w.do(zkapi.Create("/master", nil, zkapi.Ephemeral))
	}, want: []string{"master-made-by-hand /master", "no-workers task-x"}},
	{says: "no worker", name: "task-x", bring: func(w *world) { w.leader(recipe.MasterConfig{}); w.tasks("x") }, want: []string{"no-workers task-x"}},
	{says: "the only worker leaves", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		only := w.worker("w1", keeps)
		w.tasks("a")
		w.heldBy("task-a", "w1")
		w.work.Go(func() { _ = only.Close(w.ctx) })
		time.Sleep(time.Second)
		w.tasks("x")
	}, want: []string{"no-worker-takes task-x #1", "leaving w1 #1"}},
	{says: "all are full", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.alone("w1", 1, keeps)
		w.tasks("a", "b", "x")
	}, want: []string{"all-full task-x #1/1", "not-its-turn task-x #1"}},
	{says: "all are full by the bound of the masters", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{TasksPerWorker: 2})
		w.worker("w1", keeps)
		w.tasks("a", "b", "x")
	}, masters: recipe.MasterConfig{TasksPerWorker: 2}, want: []string{"all-full task-x #2/2"}},
	{says: "all are full by the default", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", keeps)
		for range 64 {
			w.submit()
		}
		w.tasks("x")
	}, want: []string{"all-full task-x #64/64 assumed"}},
	{says: "the others are full", name: "task-x", bring: func(w *world) { w.silent("w1") }, want: []string{"others-full task-x w1"}},
	{says: "the others are full but for two", name: "task-x", bring: func(w *world) { w.silent("w1", "w2") }, want: []string{"others-full task-x w1"}},
	{says: "the strategy waits for a full worker", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{Strategy: recipe.StickyByKey})
		w.alone("w1", 1, keeps)
		w.alone("w2", 1, keeps)
		time.Sleep(time.Second)
		w.submit(recipe.Key("k"), recipe.ID("a"))
		w.submit(recipe.Key("k"), recipe.ID("x"))
		time.Sleep(time.Second)
	}, masters: recipe.MasterConfig{Strategy: recipe.StickyByKey}, want: []string{"strategy-waits task-x w2"}},
	{says: "not before", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", echo)
		w.submit(recipe.ID("x"), recipe.NotBefore(time.Now().Add(time.Hour)))
	}, want: []string{"not-before task-x until"}},
	{says: "back-off", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{Backoff: hourly})
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) { return nil, errors.New("no disk") })
		w.tasks("x")
		time.Sleep(time.Minute)
	}, masters: recipe.MasterConfig{Backoff: hourly}, want: []string{"back-off task-x w1 since until #1 (no disk)"}},
	{says: "done", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", echo)
		w.await(w.submit(recipe.ID("x")))
	}, want: []string{"ended task-x w1 done since"}},
	{says: "failed", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.worker("w1", func(context.Context, recipe.Task) (recipe.Result, error) { return nil, errors.New("no disk") })
		w.await(w.submit(recipe.ID("x"), recipe.MaxAttempts(1)))
	}, want: []string{"ended task-x failed since (all attempts ended without a result)", "last-attempt task-x w1 since #1 (no disk)"}},
	{says: "options that cannot be read", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.do(zkapi.Create("/tasks/task-x", []byte("#ringmaster {priority:9} cmd"), zkapi.Persistent))
		w.leaves("task", "task-x")
	}, want: []string{"znode-in-the-way /tasks/task-x", "quarantined task-x task since until"}},
	{says: "no number for the next attempt", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.do(zkapi.Create("/tasks/task-x", nil, zkapi.Persistent))
		w.do(zkapi.Create("/tasks/task-x/attempt-1073741823", nil, zkapi.Persistent))
		w.leaves("task", "task-x")
	}, want: []string{"znode-in-the-way /tasks/task-x/attempt-1073741823", "quarantined task-x task since until"}},
	{says: "a znode in the place of the master", name: "task-x", bring: func(w *world) {
		w.tasks("x")
		w.do(zkapi.Create("/master", nil, zkapi.Persistent))
	}, want: []string{"znode-in-the-way /master", "nobody-leads #0", "no-workers task-x"}},
	{says: "the server refuses the task", name: "task-x", bring: func(w *world) {
		w.leader(recipe.MasterConfig{})
		w.refuses("/tasks/task-x")
		w.tasks("x")
		w.leaves("task", "task-x")
	}, want: []string{"quarantined task-x task since until"}},
}

// silent has a task that showed no progress at some workers, one after the other. The last
// worker is full.
func (w *world) silent(workers ...string) {
	w.leader(recipe.MasterConfig{})
	w.alone("w9", 1, keeps)
	w.tasks("a")
	w.heldBy("task-a", "w9")
	for _, name := range workers {
		w.alone(name, 1, keeps)
	}
	time.Sleep(time.Second)
	w.submit(recipe.ID("x"), recipe.HeartbeatTimeout(time.Second))
	for _, name := range workers {
		w.heldBy("task-x", name)
	}
	time.Sleep(10 * time.Second)
}

func hourly(int) time.Duration { return time.Hour }

// scenesOfSecrets have znodes that the client may not read: what they have is not guessed.
func scenesOfSecrets() (all []scene) {
	for path, want := range map[string]map[string][]string{
		"=/master":        {"task-waits": {"not-before task-waits until"}},
		"=/workers":       {"task-runs": {"not-shown"}, "w1": {"not-shown"}},
		"=/workers/w1":    {"task-runs": {"not-shown"}, "w1": {"not-shown"}},
		"=/assign":        {"task-runs": {"not-shown"}},
		"=/assign/w1":     {"task-runs": {"not-shown"}, "w1": {"not-shown"}},
		"/tasks/task-bad": {"task-bad": {"ended task-bad finished", "not-shown"}, "task-runs": {"assigned task-runs w1 #1"}},
	} {
		for name, lines := range want {
			all = append(all, scene{says: path + " is not shown, " + name, name: name, want: lines, bring: func(w *world) {
				w.inhabited()
				roles := map[int64]bool{}
				for _, session := range w.env.Server.Sessions() {
					roles[session.ID()] = true
				}
				alone, exactly := strings.CutPrefix(path, "=")
				w.env.Server.Refuse(func(session int64, op zkapi.Op) error {
					if !roles[session] && (exactly && op.Path == alone || !exactly && strings.HasPrefix(op.Path, path)) {
						return zkapi.ErrNoAuth
					}
					return nil
				})
			}})
		}
	}
	return all
}
