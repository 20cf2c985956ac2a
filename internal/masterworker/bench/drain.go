package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/workload"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Settings of a drain: how many handlers run at a worker, and how many tasks one holds.
const (
	handlers       = 256
	tasksPerWorker = 1024
)

// drainedRow is the row that builds of all ages have.
const drainedRow = "tasks done"

// drain makes a backlog, and measures how fast the tasks get their statuses from the start of a
// master on; then the same with a larger backlog. There are two baselines for each: as many
// znodes created one by one, before and after, because a machine is not as fast at one moment as
// at the next; and the three writes of a task (create the assignment, delete it,
// create the status) in multis of 300 alone.
func drain(ctx context.Context, b *bed) error {
	first, err := b.drainOf(ctx, "", b.config.Tasks, "")
	if err != nil || b.config.Larger == 0 || b.config.Larger == b.config.Tasks {
		return err
	}
	second, err := b.drainOf(ctx, "/larger", b.config.Larger, "the larger backlog: ")
	if err != nil {
		return err
	}
	b.sayBoth(first, second)
	return nil
}

// sayBoth compares the ratio of the larger backlog with that of the other one.
func (b *bed) sayBoth(first, second float64) {
	b.against(second/first, fmt.Sprintf("that of the backlog of %d", b.config.Tasks), "the larger backlog: its ratio to znodes one by one", "%.2f", second)
}

// drainOf measures one backlog in a namespace, and returns the tasks done for each znode of the
// baseline.
func (b *bed) drainOf(ctx context.Context, namespace string, n int, which string) (ratio float64, err error) {
	if err := b.with(ctx, func(session zkapi.Session) error { return makeNamespace(ctx, session, namespace) }); err != nil {
		return 0, err
	}
	before, err := b.creates(ctx, namespace+"/baseline", n)
	if err != nil {
		return 0, err
	}
	floor, err := b.threeWrites(ctx, namespace+"/floor", n)
	if err != nil {
		return 0, err
	}
	b.says(which+"three writes for each of as many tasks, in multis of 300", "%.0f tasks/s", floor)
	if _, err := b.inMultis(ctx, namespace+"/tasks", "task-", payload, n, 300); err != nil {
		return 0, err
	}
	drained, err := b.drained(ctx, namespace, n)
	if err != nil {
		return 0, err
	}
	after, err := b.creates(ctx, namespace+"/baseline-after", n)
	if err != nil {
		return 0, err
	}
	creates := meanRate(before, after)
	b.says(which+"znodes created one by one, 128 in flight", "%.0f/s; %.0f/s before the drain, %.0f/s after it", creates, before, after)
	b.against(drained/creates, "znodes one by one", which+drainedRow, "%.0f/s of %d, %d workers", drained, n, b.config.Workers)
	b.against(drained/floor, "three writes in multis", which+"the same", "%.0f/s", drained)
	return drained / creates, nil
}

// meanRate is the rate of as much work at one rate as at the other.
func meanRate(a, b float64) float64 { return 2 / (1/a + 1/b) }

// makeNamespace makes a namespace of one part; the empty one is there.
func makeNamespace(ctx context.Context, session zkapi.Session, namespace string) error {
	if namespace == "" {
		return nil
	}
	return make1(ctx, session, namespace)
}

// threeWrites makes the writes of n tasks without a recipe, below a parent.
func (b *bed) threeWrites(ctx context.Context, parent string, n int) (perSecond float64, err error) {
	const each = 300
	err = b.with(ctx, func(session zkapi.Session) error {
		for _, path := range []string{parent, parent + "/a", parent + "/s"} {
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
					first = append(first, zkapi.Create(numbered(parent+"/a/", i), payload, zkapi.Persistent))
					second = append(second, zkapi.Delete(numbered(parent+"/a/", i), zkapi.AnyVersion), zkapi.Create(numbered(parent+"/s/", i), payload, zkapi.Persistent))
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

// drained runs a master and workers until each of n tasks of a namespace has a status, and
// returns the number of tasks per second.
func (b *bed) drained(ctx context.Context, namespace string, n int) (perSecond float64, err error) {
	g := b.group(ctx)
	g.namespace = namespace
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
		perSecond, err = allRecorded(ctx, below{session, namespace}, n, began)
		return err
	})
	return perSecond, err
}

// allRecorded waits until there is no assignment left and each task has a status, and returns
// the number of tasks per second since began.
//
// The assignment of a task goes in the write that makes its status. So the lists of assignments
// say when that is over. They are few and short, but the look at all tasks takes seconds beside
// 100,000 of them: it follows once, and what it takes is not counted.
func allRecorded(ctx context.Context, z below, n int, began time.Duration) (perSecond float64, err error) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		left, err := assignmentsLeft(ctx, z)
		if err == nil && left == 0 {
			perSecond = rate(n, began)
			open, err := workload.Open(ctx, z)
			if err == nil && open.Items == 0 {
				return perSecond, nil
			}
		}
		if z.Done().Fired() {
			return 0, errors.Join(z.Cause(), err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, errors.Join(context.Cause(ctx), err)
		}
	}
}

// assignmentsLeft counts the assignments of all workers.
func assignmentsLeft(ctx context.Context, z below) (left int, err error) {
	inboxes, err := z.Do(ctx, zkapi.Children("/assign"))
	if err != nil {
		return 0, err
	}
	for _, worker := range inboxes.Children {
		inbox, err := z.Do(ctx, zkapi.Exists("/assign/"+worker))
		if err != nil {
			return 0, err
		}
		left += int(inbox.Stat.NumChildren)
	}
	return left, nil
}

// below is a session whose reads are below a namespace.
type below struct {
	zkapi.Session
	namespace string
}

// Do implements zkapi.Session.
func (z below) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	op.Path = z.namespace + op.Path
	return z.Session.Do(ctx, op)
}

// DoAll implements zkapi.Session.
func (z below) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	for i := range ops {
		ops[i].Path = z.namespace + ops[i].Path
	}
	return z.Session.DoAll(ctx, ops)
}
