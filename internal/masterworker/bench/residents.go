package bench

import (
	"context"
	"runtime"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// residentPayload is the znode of a resident task, as Submit makes it.
var residentPayload = []byte("#ringmaster {\"resident\":true}\nregion")

// residents measures a group of resident tasks: all owned from nothing, an ordinary task beside
// them, a failover of the master, a worker that leaves and one that joins.
func residents(ctx context.Context, b *bed) error {
	n := b.config.Tasks
	g := b.group(ctx)
	defer g.stop()
	leave, err := g.workers(b.config.Workers, handlers)
	if err != nil {
		return err
	}
	_, leaveFirst, err := g.master("master-1", 0)
	if err != nil {
		return err
	}
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
	allOwned := func() bool { return g.owned.Load() == int64(n) }
	took, err := g.until("all residents are owned", allOwned)
	if err != nil {
		return err
	}
	b.against(took.Seconds()/made.Seconds(), "making their znodes in multis of 300", "all owned", "%.1f s after %d were there, %d workers", took.Seconds(), n, b.config.Workers)
	beside, err := b.oneAtATime(ctx, b.driver, b.lone/3, new(tape))
	if err != nil {
		return err
	}
	b.against(ratio(beside.tasks, alone.tasks), "one without residents", "one ordinary task beside them", "%v", beside.tasks)
	b.says("memory of all processes of the group", "%d MB of heap", heap()>>20)
	if err := b.failover(ctx, g, leaveFirst, n); err != nil {
		return err
	}
	leave[0]()
	if _, err := g.until("some are without an owner", func() bool { return !allOwned() }); err != nil {
		return err
	}
	if took, err = g.until("all residents are owned again", allOwned); err != nil {
		return err
	}
	b.says("a worker leaves: all owned again", "%.1f s after, %d were its", took.Seconds(), n/b.config.Workers)
	return nil
}

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// failover ends the master in good order, and measures how long the next one takes to assign
// something, and to know everything.
func (b *bed) failover(ctx context.Context, g *group, leaveFirst func(), n int) error {
	second, _, err := g.master("master-2", 0)
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
	leaveFirst()
	if _, err := g.until("the backup leads", func() bool { _, leads := second.Snapshot(); return leads }); err != nil {
		return err
	}
	began := time.Now()
	if _, err := client.Do(ctx, payload); err != nil {
		return err
	}
	b.says("after a failover: the first new task is done", "%v", time.Since(began).Round(time.Millisecond))
	if _, err := g.until("the view of the next master is complete", func() bool {
		now, leads := second.Snapshot()
		return leads && assigned(now) >= n
	}); err != nil {
		return err
	}
	b.says("after a failover: the view is complete", "%v", time.Since(began).Round(time.Millisecond))
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
