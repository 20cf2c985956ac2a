package recipe_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestNew_RefusesANilEnv, and a nil pointer that is one.
func TestNew_RefusesANilEnv(t *testing.T) {
	for _, env := range []zkapi.Env{nil, (*zk.Env)(nil)} {
		_, master := recipe.NewMaster(env, recipe.MasterConfig{Name: "m"})
		_, worker := recipe.NewWorker(env, recipe.WorkerConfig{Name: "w", Handler: echo})
		_, node := recipe.NewNode(env, recipe.NodeConfig{Master: recipe.MasterConfig{Name: "n"}, Worker: recipe.WorkerConfig{Handler: echo}})
		_, client := recipe.NewClient(env, recipe.ClientConfig{})
		for what, err := range map[string]error{"master": master, "worker": worker, "node": node, "client": client} {
			if !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("a %s with %T: %v, want %v", what, env, err, recipe.ErrInvalid)
			}
		}
	}
}

// TestZero_IsAnErrorNotAPanic of every method that returns an error.
func TestZero_IsAnErrorNotAPanic(t *testing.T) {
	c, m, w, n := &recipe.Client{}, &recipe.Master{}, &recipe.Worker{}, &recipe.Node{}
	of := func(_ any, err error) error { return err }
	for what, call := range map[string]func(ctx context.Context) error{
		"Do":           func(ctx context.Context) error { return of(c.Do(ctx, nil)) },
		"Submit":       func(ctx context.Context) error { return of(c.Submit(ctx, nil)) },
		"SubmitAll":    func(ctx context.Context) error { return of(c.SubmitAll(ctx, []recipe.Submission{{}})) },
		"Await":        func(ctx context.Context) error { return of(c.Await(ctx, "task-a")) },
		"Cancel":       func(ctx context.Context) error { return of(c.Cancel(ctx, "task-a")) },
		"Collect":      func(ctx context.Context) error { return c.Collect(ctx, "task-a") },
		"Inspect":      func(ctx context.Context) error { return of(c.Inspect(ctx, "task-a")) },
		"Overview":     func(ctx context.Context) error { return of(c.Overview(ctx)) },
		"Leader":       func(ctx context.Context) error { return of(c.Leader(ctx)) },
		"Client.Close": c.Close, "Master.Run": m.Run, "Master.Close": m.Close, "Worker.Run": w.Run, "Worker.Close": w.Close, "Node.Run": n.Run, "Node.Close": n.Close,
	} {
		t.Run(what, func(t *testing.T) {
			if err := call(t.Context()); !errors.Is(err, recipe.ErrInvalid) {
				t.Errorf("%v, want %v", err, recipe.ErrInvalid)
			}
		})
	}
}

// TestSubmit_RefusesANilOption names its place.
func TestSubmit_RefusesANilOption(t *testing.T) {
	inBubble(t, func(w *world) {
		if _, err := w.client().Submit(w.ctx, nil, recipe.ID("a"), nil); !errors.Is(err, recipe.ErrInvalid) || !strings.Contains(err.Error(), "option 2") {
			t.Errorf("%v, want %v", err, recipe.ErrInvalid)
		}
	})
}
