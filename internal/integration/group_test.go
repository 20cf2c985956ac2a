package integration

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// group is a master, a worker and a client on one ensemble, until the test ends.
type group struct {
	t         *testing.T
	env       zkapi.Env
	namespace string
	see       recipe.Observers
	handler   recipe.Handler // default: one that returns the payload

	client *recipe.Client
}

// start runs them.
func (g *group) start(master, worker string) {
	g.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(g.t.Context()))
	var work sync.WaitGroup
	g.t.Cleanup(func() { stop(); work.Wait() })
	if g.handler == nil {
		g.handler = func(_ context.Context, task recipe.Task) (recipe.Result, error) {
			return recipe.Result(task.Payload), nil
		}
	}
	m, err := recipe.NewMaster(g.env, recipe.MasterConfig{Namespace: g.namespace, Name: master, Observers: g.see})
	if err != nil {
		g.t.Fatal(err)
	}
	w, err := recipe.NewWorker(g.env, recipe.WorkerConfig{Namespace: g.namespace, Name: worker, Handler: g.handler, Observers: g.see})
	if err != nil {
		g.t.Fatal(err)
	}
	if g.client, err = recipe.NewClient(g.env, recipe.ClientConfig{Namespace: g.namespace, Observers: g.see}); err != nil {
		g.t.Fatal(err)
	}
	work.Go(func() { _ = m.Run(ctx) })
	work.Go(func() { _ = w.Run(ctx) })
	g.t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.client.Close(closing)
	})
}

// does has one task executed, within a limit.
func (g *group) does(payload string, limit time.Duration) recipe.Status {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), limit)
	defer cancel()
	submitted, err := g.client.Submit(ctx, []byte(payload))
	task := submitted.Task
	if err != nil {
		g.t.Fatalf("submit %s: %v", payload, err)
	}
	status, err := g.client.Await(ctx, task)
	if err != nil || status.State != recipe.Done {
		g.t.Fatalf("%s: %+v, %v", payload, status, err)
	}
	return status
}

// TestGroup_GoesOnWhileServersFail has tasks executed while a server of three does not run, or is
// cut off from the other two. No token is lower than one before it.
func TestGroup_GoesOnWhileServersFail(t *testing.T) {
	onBoth(t, ensemble.Config{Servers: 3}, func(t *testing.T, e driven) {
		env, err := zkclient.New(zkclient.Config{Servers: e.addresses(), SessionTimeout: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		var k tokens
		g := group{t: t, env: env, handler: k.handler}
		g.start("m1", "w1")
		g.does("before", 30*time.Second)
		for _, fault := range []struct {
			name string
			act  func(t *testing.T, leader int)
		}{
			{"the leader is stopped", func(t *testing.T, leader int) { e.stop(t, leader) }},
			{"a follower is stopped", func(t *testing.T, leader int) { e.stop(t, others(e, leader)[0]) }},
			{"the leader is cut off", e.cutOff},
			{"a follower is cut off", func(t *testing.T, leader int) { e.cutOff(t, others(e, leader)[0]) }},
		} {
			t.Run(fault.name, func(t *testing.T) {
				fault.act(t, e.leader(t))
				g.does(fault.name, time.Minute)
				e.healAll(t)
			})
		}
		g.does("after", 30*time.Second)
		if k.highest(t) < 1 || len(k.all) < 6 {
			t.Errorf("handlers have run with the tokens %v only", k.all)
		}
	})
}
