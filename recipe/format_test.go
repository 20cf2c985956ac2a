package recipe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// These tests run builds beside each other that know different formats of the znodes.

// build makes what create creates one that knows formats up to newest.
func build[T any](newest int, create func() T) T {
	defer recipe.KnowNewest(newest)()
	return create()
}

func (w *world) mark() string { return string(w.do(zkapi.Get("/format")).Data) }

func (w *world) raised() bool { return strings.Contains(w.mark(), `"format":2`) }

// registered waits until workers are there.
func (w *world) registered(names ...string) {
	w.t.Helper()
	for _, name := range names {
		w.within(time.Second, name+" has registered", func() bool {
			found, err := w.direct.Do(w.ctx, zkapi.Exists("/workers/"+name))
			return err == nil && found.Found
		})
	}
}

// refused runs a role, which must give up and say why.
func (w *world) refused(role recipe.Role) {
	w.t.Helper()
	var err error
	over := make(chan struct{})
	w.work.Go(func() { defer close(over); err = role.Run(w.ctx) })
	select {
	case <-over:
	case <-time.After(time.Minute):
		w.t.Fatal("the role does not give up")
	}
	if !errors.Is(err, zkapi.ErrIncompatible) || !zkapi.Permanent(err) || !strings.Contains(err.Error(), "/format says that the znodes have format 2") ||
		!strings.Contains(err.Error(), "up to 1") || !strings.Contains(err.Error(), "--format-at-most 1") {
		w.t.Errorf("it says: %v", err)
	}
}

func TestFormat_IsRaisedWhenAllKnowIt(t *testing.T) {
	inBubble(t, func(w *world) {
		old := build(1, func() *recipe.Worker { return w.worker("old", echo) })
		w.within(time.Second, "the old one is registered", func() bool { return w.do(zkapi.Exists("/workers/old")).Found })
		build(2, func() *recipe.Worker { return w.worker("new", echo) })
		w.registered("old", "new") // one that comes later would be refused
		m := build(2, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "m1"}) })
		w.run()
		time.Sleep(time.Minute)
		if w.raised() {
			t.Fatalf("the mark is %s beside a worker that does not know that", w.mark())
		}
		if err := old.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.within(10*time.Second, "the mark is raised", w.raised)
		if _, err := build(2, w.client).Do(w.ctx, []byte("it")); err != nil || !leads(m) {
			t.Errorf("leads %v, %v", leads(m), err)
		}
	})
}

func TestFormat_OfANewerBuildIsRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		backup := build(1, func() *recipe.Master {
			m, err := recipe.NewMaster(w.env, recipe.MasterConfig{Name: "old"})
			if err != nil {
				t.Fatal(err)
			}
			return m
		})
		worker := build(1, func() *recipe.Worker {
			worker, err := recipe.NewWorker(w.env, recipe.WorkerConfig{Name: "old", Handler: echo})
			if err != nil {
				t.Fatal(err)
			}
			return worker
		})
		client := build(1, w.client)
		build(2, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "new"}) })
		w.within(10*time.Second, "the mark is raised", func() bool { return w.do(zkapi.Exists("/format")).Found && w.raised() })
		w.refused(backup)
		w.refused(worker)
		if _, err := client.Submit(w.ctx, []byte("it")); !errors.Is(err, zkapi.ErrIncompatible) {
			t.Errorf("submitting: %v", err)
		}
		if names := w.do(zkapi.Children("/workers")).Children; len(names) != 0 {
			t.Errorf("registered: %v", names)
		}
	})
}

// TestFormat_AnOlderWorkerGetsNoTasks: a build of before there were formats
// does not look at the mark, and registers.
func TestFormat_AnOlderWorkerGetsNoTasks(t *testing.T) {
	inBubble(t, func(w *world) {
		var log journal
		build(2, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "new", Observers: log.observers()}) })
		w.within(10*time.Second, "the mark is raised", func() bool { return w.do(zkapi.Exists("/format")).Found && w.raised() })
		w.do(zkapi.Create("/assign/old", []byte(`{"holder":"old"}`), zkapi.Persistent))
		w.do(zkapi.Create("/workers/old", nil, zkapi.Ephemeral))
		c := build(2, w.client)
		if _, err := c.Submit(w.ctx, []byte("it"), recipe.ID("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if w.do(zkapi.Exists("/assign/old/task-x")).Found || log.warnings("znode=/workers/old ") != 1 {
			t.Errorf("assigned, or not told:\n%s", log.text.String())
		}
		build(2, func() *recipe.Worker { return w.worker("new", echo) })
		w.within(time.Second, "another one does it", func() bool { return w.do(zkapi.Exists("/tasks/task-x/status")).Found })
	})
}

func TestFormat_IsLoweredForARollback(t *testing.T) {
	inBubble(t, func(w *world) {
		first := build(2, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "new"}) })
		w.within(10*time.Second, "the mark is raised", func() bool { return w.do(zkapi.Exists("/format")).Found && w.raised() })
		_ = first.Close(w.ctx)
		second := build(2, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "back", FormatAtMost: 1}) })
		w.within(10*time.Second, "the mark is lowered", func() bool { return !w.raised() })
		_ = second.Close(w.ctx)
		build(1, func() *recipe.Master { return w.master(recipe.MasterConfig{Name: "old"}) })
		build(1, func() *recipe.Worker { return w.worker("old", echo) })
		if result, err := build(1, w.client).Do(w.ctx, []byte("it")); err != nil || string(result) != "did it" {
			t.Errorf("%q, %v", result, err)
		}
	})
}

// TestFormat_IgnoresNonsense: without an Access anybody can write into the mark.
func TestFormat_IgnoresNonsense(t *testing.T) {
	for _, data := range []string{"", "nonsense", `{"format":-3}`, `{"format":"2"}`, "\x00"} {
		inBubble(t, func(w *world) {
			w.do(zkapi.Create("/format", []byte(data), zkapi.Persistent))
			w.master(recipe.MasterConfig{Name: "m1"})
			w.worker("w1", echo)
			w.run()
		})
	}
}
