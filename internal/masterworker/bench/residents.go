package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// residentPayload is the znode of a resident task, as Submit makes it.
var residentPayload = []byte("#ringmaster {\"resident\":true}\nregion")

// leastWorkers is the least number of workers of the suite residents: one is killed, and one
// leaves.
const leastWorkers = 3

// region is a group with resident tasks. Its first master and one of its workers are processes
// of their own.
type region struct {
	*group
	bed    *bed
	n      int // resident tasks
	lives  int // workers that live
	master *child
	killed *child
	leaver counter // the worker that leaves
}

// counter has a worker count the residents that are its.
type counter struct {
	has   atomic.Int64
	leave func()
}

// counted starts a worker that counts.
func (r *region) counted(name string, c *counter) (err error) {
	c.leave, err = r.workerOf(name, handlers, func(ctx context.Context, task recipe.Task) (recipe.Result, error) {
		if task.Options.Resident {
			c.has.Add(1)
			defer c.has.Add(-1)
		}
		return r.handle(ctx, task)
	})
	return err
}

// residents measures a group of resident tasks: all owned from nothing, an ordinary task beside
// them, the memory of a master, a failover of the master, a worker that is killed, one that
// leaves and one that joins.
func residents(ctx context.Context, b *bed) error {
	r := &region{group: b.group(ctx), bed: b, n: b.config.Tasks, lives: max(leastWorkers, b.config.Workers)}
	defer r.stop()
	_, err := r.workers(r.lives-2, handlers)
	if err != nil {
		return err
	}
	if err := r.counted("leaves", &r.leaver); err != nil {
		return err
	}
	if r.killed, err = b.child(roleWorker, "killed", b.config.Timeout); err != nil {
		return err
	}
	defer r.killed.stop()
	if r.master, err = b.child(roleMaster, "master-1", 10*time.Second); err != nil {
		return err
	}
	defer r.master.stop()
	for _, measure := range []func(context.Context) error{r.fromNothing, r.masterMemory, r.failover, r.kill, r.leaves, r.joins} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// allOwned reports whether each resident task has a handler that runs.
func (r *region) allOwned() bool { return r.owned.Load()+r.killed.held.Load() == int64(r.n) }

// fromNothing makes the residents, and measures an ordinary task without and beside them.
func (r *region) fromNothing(ctx context.Context) error {
	b, n := r.bed, r.n
	alone, err := b.oneAtATime(ctx, b.driver, b.lone/3, new(tape))
	if err != nil {
		return err
	}
	b.against(ratio(alone.tasks, alone.creates), "one create", "one ordinary task without residents", "%v", alone.tasks)
	multis, err := b.inMultis(ctx, "/tasks", "task-region.", residentPayload, n, 300)
	if err != nil {
		return err
	}
	made := time.Duration(float64(n) / multis * float64(time.Second))
	took, err := r.until("all residents are owned", r.allOwned)
	if err != nil {
		return err
	}
	b.against(took.Seconds()/made.Seconds(), "making their znodes in multis of 300", "all owned", "%.1f s after %d were there, %d workers", took.Seconds(), n, r.lives)
	beside, err := b.oneAtATime(ctx, b.driver, b.lone/3, new(tape))
	if err != nil {
		return err
	}
	b.against(ratio(beside.tasks, alone.tasks), "one without residents", "one ordinary task beside them", "%v", beside.tasks)
	return nil
}

// masterMemory asks the process of the master.
func (r *region) masterMemory(ctx context.Context) error {
	m, err := r.master.ask(ctx)
	if err != nil {
		return err
	}
	r.bed.says("memory of a process with a master alone", "%d MB of heap after a collection, %d MB before; resident %d MB, at most %d MB", m.Heap>>20, m.Before>>20, m.Resident>>20, m.Peak>>20)
	return nil
}

// failover ends the master in good order, and measures how long the next one takes to assign
// something, and to know everything.
func (r *region) failover(ctx context.Context) error {
	b := r.bed
	second, _, err := r.group.master("master-2", 0)
	if err != nil {
		return err
	}
	client, err := recipe.NewClient(b.driver, recipe.ClientConfig{})
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.Do(ctx, payload); err != nil {
		return err
	}
	r.master.leave()
	if _, err := r.until("the backup leads", func() bool { _, leads := second.Snapshot(); return leads }); err != nil {
		return err
	}
	began := clock.Now()
	if _, err := client.Do(ctx, payload); err != nil {
		return err
	}
	b.says("after a failover: the first new task is done", "%v", (clock.Now() - began).Round(time.Millisecond))
	if _, err := r.until("the view of the next master is complete", func() bool {
		now, leads := second.Snapshot()
		return leads && assigned(now) >= r.n
	}); err != nil {
		return err
	}
	b.says("after a failover: the view is complete", "%v", (clock.Now() - began).Round(time.Millisecond))
	return nil
}

func assigned(s recipe.Snapshot) int {
	n := 0
	for _, t := range s.Tasks {
		if t.State == recipe.Assigned {
			n++
		}
	}
	return n
}

// kill kills the worker that is a process of its own.
func (r *region) kill(ctx context.Context) error {
	b, its := r.bed, r.killed.held.Load()
	at, err := r.killed.kill()
	if err != nil {
		return err
	}
	end, err := b.sessionEnd(ctx, r.killed.name)
	if err != nil {
		return err
	}
	if _, err := r.until("all residents of the killed worker are owned", r.allOwned); err != nil {
		return err
	}
	owned := clock.Now()
	b.against((end-at).Seconds()/b.config.Timeout.Seconds(), "its session timeout", "a worker is killed: the ensemble ends its session", "%.1f s after", (end - at).Seconds())
	b.says("a worker is killed: all owned again", "%.1f s after the end of its session, %d were its", (owned - end).Seconds(), its)
	r.lives--
	return nil
}

// leaves ends a worker in good order.
func (r *region) leaves(context.Context) error {
	its := r.leaver.has.Load()
	began := clock.Now()
	r.leaver.leave()
	if _, err := r.until("the worker has let all of its residents go", func() bool { return r.leaver.has.Load() == 0 }); err != nil {
		return err
	}
	if _, err := r.until("all residents are owned again", r.allOwned); err != nil {
		return err
	}
	r.bed.says("a worker leaves: all owned again", "%.1f s after, %d were its", (clock.Now() - began).Seconds(), its)
	r.lives--
	return nil
}

// joins starts a worker, which gets its share.
func (r *region) joins(context.Context) error {
	var joined counter
	began := clock.Now()
	if err := r.counted("joins", &joined); err != nil {
		return err
	}
	r.lives++
	share := int64(r.n / r.lives)
	if _, err := r.until("the new worker has its share", func() bool { return joined.has.Load() >= share && r.allOwned() }); err != nil {
		return err
	}
	r.bed.says("a worker joins: it has its share, and all are owned", "%.1f s after, %d are its", (clock.Now() - began).Seconds(), share)
	return nil
}
