package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// idleMaxRequest is the largest request of an idle worker: each session has a buffer of that
// size, and a thousand of them are in this process.
const idleMaxRequest = 64 << 10

// idle measures what a group at rest asks of the ensemble: a master beside the names of many
// lost workers, and then many live workers.
func idle(ctx context.Context, b *bed) error {
	if err := b.with(ctx, func(session zkapi.Session) error {
		for _, path := range []string{"/tasks", "/workers"} {
			if err := make1(ctx, session, path); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if _, err := b.inMultis(ctx, "/assign", "lost-", nil, b.config.Tasks, 300); err != nil {
		return err
	}
	g := b.group(ctx)
	defer g.stop()
	master, _, err := g.master("master-1", 0)
	if err != nil {
		return err
	}
	if _, err := g.until("the master leads", func() bool { _, leads := master.Snapshot(); return leads }); err != nil {
		return err
	}
	if err := b.restAsks(ctx, fmt.Sprintf("a master beside %d names of lost workers", b.config.Tasks)); err != nil {
		return err
	}
	small, err := zkclient.New(zkclient.Config{Servers: b.servers, SessionTimeout: 10 * time.Second, MaxRequest: idleMaxRequest})
	if err != nil {
		return err
	}
	g.env = func(string) (zkapi.Env, error) { return small, nil }
	running := 0
	for _, n := range b.idle {
		for ; running < n; running++ {
			if _, err := g.worker(fmt.Sprintf("idle-%d", running+1), 1); err != nil {
				return err
			}
		}
		if _, err := g.until("the workers have registered", func() bool { return living(master) == n }); err != nil {
			return err
		}
		if err := b.restAsks(ctx, fmt.Sprintf("the same, and %d idle workers", n)); err != nil {
			return err
		}
	}
	return nil
}

// restAsks waits until the group is at rest, and adds what it asks then.
func (b *bed) restAsks(ctx context.Context, what string) error {
	if err := b.atRest(ctx); err != nil {
		return err
	}
	all, writes, err := b.requests(ctx, b.watchFor)
	if err != nil {
		return err
	}
	b.says(what, "%.1f requests/s, %.1f of them writes", all, writes)
	return nil
}

// living is how many live workers the master knows.
func living(master *recipe.Master) (n int) {
	now, _ := master.Snapshot()
	for _, w := range now.Workers {
		if w.Alive {
			n++
		}
	}
	return n
}
