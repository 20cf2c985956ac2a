package integration

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// tutorial is an ensemble with zkCli.sh as the other hand.
type tutorial struct {
	t      *testing.T
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	driver *zkclient.Driver
	server driven
	typed  zkShell
}

func newTutorial(t *testing.T, e driven) *tutorial {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	driver, err := zkclient.New(zkclient.Config{Servers: e.addresses(), SessionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := &tutorial{t: t, ctx: ctx, stop: cancel, driver: driver, server: e, typed: e.zkCli(ctx, t)}
	t.Cleanup(func() { cancel(); w.work.Wait() })
	return w
}

// types one command and waits until zkCli.sh has printed what is wanted.
func (w *tutorial) types(command, want string) {
	w.t.Helper()
	before := len(w.typed.Output())
	if err := w.typed.Send(command); err != nil {
		w.t.Fatal(err)
	}
	w.within("after "+command+": "+want, func() bool { return strings.Contains(w.typed.Output()[before:], want) })
}

// sees types a command that changes nothing until it shows what is wanted.
func (w *tutorial) sees(command, want string) {
	w.t.Helper()
	before := len(w.typed.Output())
	w.within(command+" shows "+want, func() bool {
		if err := w.typed.Send(command); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		return strings.Contains(w.typed.Output()[before:], want)
	})
}

func (w *tutorial) within(what string, condition func() bool) {
	w.t.Helper()
	for ; !condition(); time.Sleep(50 * time.Millisecond) {
		if w.ctx.Err() != nil {
			w.t.Fatalf("never: %s; zkCli.sh printed:\n%s", what, w.typed.Output())
		}
	}
}

func (w *tutorial) master() *recipe.Master {
	w.t.Helper()
	m, err := recipe.NewMaster(w.driver, recipe.MasterConfig{Name: "m1", Address: "m1:2223"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work.Go(func() { _ = m.Run(w.ctx) })
	return m
}

// TestZkCli_Tutorial goes through the classic tutorial of the recipe, with zkCli.sh in
// one role after the other.
func TestZkCli_Tutorial(t *testing.T) {
	if testing.Short() {
		t.Skipf("skipped %s: make test runs it, make quick does not", t.Name()) // zkCli.sh takes seconds to start
	}
	onBoth(t, ensemble.Config{Servers: 1}, playTutorial)
}

func playTutorial(t *testing.T, e driven) {
	w := newTutorial(t, e)
	leads := func(m *recipe.Master) func() bool { return func() bool { _, ok := m.Snapshot(); return ok } }

	// A master made by hand makes ours a backup until it quits.
	hand := w.server.zkCli(w.ctx, t)
	if err := hand.Send(`create -e /master "m9:2223"`); err != nil {
		t.Fatal(err)
	}
	w.within("the master made by hand", func() bool { return strings.Contains(hand.Output(), "Created /master") })
	m := w.master()
	w.sees("ls /assign", "[]") // ours has prepared the tree, and waits
	time.Sleep(2 * time.Second)
	if leads(m)() {
		t.Error("ours leads beside a master made by hand")
	}
	if _, err := hand.Quit(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.within("ours leads", leads(m))
	w.sees("get /master", "m1:2223")

	// A task made by hand is executed, and its status shows the result.
	worker, err := recipe.NewWorker(w.driver, recipe.WorkerConfig{Name: "w1", Address: "w1:2224",
		Handler: func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result("ran " + string(task.Payload)), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	working, quit := context.WithCancel(w.ctx)
	w.work.Go(func() { _ = worker.Run(working) })
	w.types(`create -s /tasks/task- "cmd"`, "Created /tasks/task-0000000000")
	client, err := recipe.NewClient(w.driver, recipe.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := client.Await(w.ctx, "task-0000000000"); err != nil || string(status.Result) != "ran cmd" {
		t.Fatalf("%+v, %v", status, err)
	}
	w.sees("get /tasks/task-0000000000/status", `"result":"ran cmd"`)

	// So is one with options, of which the handler does not see the line.
	w.types(`create -s /tasks/task- '#ringmaster {"priority":9,"attempts":2} urgent'`, "Created /tasks/task-0000000001")
	if status, err := client.Await(w.ctx, "task-0000000001"); err != nil || string(status.Result) != "ran urgent" {
		t.Fatalf("%+v, %v", status, err)
	}

	// A worker made by hand is assigned tasks, and a status that it writes by
	// hand ends one.
	quit()
	w.within("w1 is gone", func() bool {
		s, _ := m.Snapshot()
		for _, worker := range s.Workers {
			if worker.Name == "w1" {
				return !worker.Alive
			}
		}
		return false
	})
	w.types(`create -e /workers/w9 "w9:2224"`, "Created /workers/w9")
	w.types(`create -s /tasks/task- "by hand"`, "Created /tasks/task-0000000002")
	assigned := func() int {
		s, _ := m.Snapshot()
		for _, worker := range s.Workers {
			if worker.Name == "w9" {
				return len(worker.Assigned)
			}
		}
		return -1
	}
	w.within("w9 has the task", func() bool { return assigned() == 1 })
	w.sees("ls /assign/w9", "[task-0000000002]")
	w.types(`create /tasks/task-0000000002/status "done"`, "Created /tasks/task-0000000002/status")
	if status, err := client.Await(w.ctx, "task-0000000002"); err != nil || status.State != recipe.Done || string(status.Result) != "done" {
		t.Errorf("%+v, %v", status, err)
	}
	w.within("the assignment is gone", func() bool { return assigned() == 0 })
	if err := client.Close(w.ctx); err != nil {
		t.Error(err)
	}
	if _, err := w.typed.Quit(w.ctx); err != nil {
		t.Error(err)
	}
}
