package bench

import (
	"context"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/workload"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Settings of a drain: how many handlers run at a worker, and how many tasks one holds.
const (
	handlers       = 64
	tasksPerWorker = 256
)

// drain makes a backlog, and measures how fast the tasks get their statuses from the start of a
// master on. There are two baselines: as many znodes created one by one, and the three writes of
// a task (create the assignment, delete it, create the status) in multis of 300 alone.
func drain(ctx context.Context, b *bed) error {
	n := b.config.Tasks
	creates, err := b.creates(ctx, "/baseline", n)
	if err != nil {
		return err
	}
	b.says("znodes created one by one, 128 in flight", "%.0f/s", creates)
	floor, err := b.threeWrites(ctx, n)
	if err != nil {
		return err
	}
	b.says("three writes for each of as many tasks, in multis of 300", "%.0f tasks/s", floor)
	if _, err := b.inMultis(ctx, "/tasks", "task-", payload, n, 300); err != nil {
		return err
	}
	drained, err := b.drained(ctx, n)
	if err != nil {
		return err
	}
	b.against(drained/creates, "znodes one by one", "tasks done", "%.0f/s of %d, %d workers", drained, n, b.config.Workers)
	b.against(drained/floor, "three writes in multis", "the same", "%.0f/s", drained)
	return nil
}

// threeWrites makes the writes of n tasks without a recipe.
func (b *bed) threeWrites(ctx context.Context, n int) (perSecond float64, err error) {
	const each = 300
	err = b.with(ctx, func(session zkapi.Session) error {
		for _, path := range []string{"/floor", "/floor/a", "/floor/s"} {
			if err := make1(ctx, session, path); err != nil {
				return err
			}
		}
		began := clock.Now()
		for from := 0; from < n; from += 8 * each {
			var assign, end []zkapi.Op
			for at := from; at < min(from+8*each, n); at += each {
				var first, second []zkapi.Op
				for i := at; i < min(at+each, n); i++ {
					first = append(first, zkapi.Create(numbered("/floor/a/", i), payload, zkapi.Persistent))
					second = append(second, zkapi.Delete(numbered("/floor/a/", i), zkapi.AnyVersion), zkapi.Create(numbered("/floor/s/", i), payload, zkapi.Persistent))
				}
				assign, end = append(assign, zkapi.Multi(first...)), append(end, zkapi.Multi(second...))
			}
			if err := errors.Join(firstError(session.DoAll(ctx, assign)), firstError(session.DoAll(ctx, end))); err != nil {
				return err
			}
		}
		perSecond = rate(n, began)
		return nil
	})
	return perSecond, err
}

// drained runs a master and workers until each of n tasks has a status, and returns the number
// of tasks per second.
func (b *bed) drained(ctx context.Context, n int) (perSecond float64, err error) {
	g := b.group(ctx)
	defer g.stop()
	if _, err := g.workers(b.config.Workers, handlers); err != nil {
		return 0, err
	}
	began := clock.Now()
	if _, _, err := g.master("master-1", tasksPerWorker); err != nil {
		return 0, err
	}
	if _, err := g.until("all tasks are executed", func() bool { return g.executed.Load() >= int64(n) }); err != nil {
		return 0, err
	}
	err = b.with(ctx, func(session zkapi.Session) error {
		look := time.NewTicker(20 * time.Millisecond)
		defer look.Stop()
		for {
			open, err := workload.Open(ctx, session)
			if err == nil && open.Items == 0 {
				perSecond = rate(n, began)
				return nil
			}
			if session.Done().Fired() {
				return errors.Join(session.Cause(), err)
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return errors.Join(context.Cause(ctx), err)
			}
		}
	})
	return perSecond, err
}
