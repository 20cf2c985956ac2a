package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

// heldTasks is how many tasks run at the worker that is killed.
const heldTasks = 8

// pingsPerTimeout is how often a session at rest tells its server that it lives, in the time of a
// session timeout. What the server heard last before a kill decides when the session ends.
const pingsPerTimeout = 3

// kill measures how long the running tasks of a worker wait for another one when the worker's
// process is killed with SIGKILL. Nothing tells the ensemble of that: the session ends when its
// timeout has passed since the server heard from it for the last time, rounded up to the next
// tick. The kills are spread over the time between two pings.
func kill(ctx context.Context, b *bed) error {
	g := b.group(ctx)
	defer g.stop()
	master, _, err := g.master("master-1", 0)
	if err != nil {
		return err
	}
	client, err := recipe.NewClient(b.driver, recipe.ClientConfig{})
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	var all []killed
	for i := range b.config.Kills {
		spread := b.config.Timeout / pingsPerTimeout * time.Duration(i) / time.Duration(b.config.Kills)
		k, err := b.killOne(g, client, master, fmt.Sprintf("killed-%d", i+1), spread)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "kill %d of %d: the session ended after %v, the tasks ran elsewhere after %v\n", i+1, b.config.Kills, short(k.end), short(k.moved))
		all = append(all, k)
	}
	b.sayKilled(all)
	return nil
}

// sayKilled adds the figures of all kills.
func (b *bed) sayKilled(kills []killed) {
	var all, ends, after times
	for _, k := range kills {
		all, ends, after = append(all, k.moved), append(ends, k.end), append(after, k.moved-k.end)
	}
	timeout := b.config.Timeout
	part := func(t times) float64 { return float64(t.at(50)) / float64(timeout) }
	b.against(part(all), fmt.Sprintf("its session timeout of %v (tick %v)", timeout, b.config.TickTime), fmt.Sprintf("a worker is killed: its %d tasks run elsewhere", heldTasks), "%s after the kill", all.longest())
	b.against(part(ends), "its session timeout", "a worker is killed: the ensemble ends its session", "%s after the kill", ends.longest())
	b.says("a worker is killed: from the end of its session until its tasks run elsewhere", "%s", after.longest())
}

// longest says the median, the longest, and of how many.
func (t times) longest() string {
	return fmt.Sprintf("median %v, longest %v of %d", short(t.at(50)), short(slices.Max(t)), len(t))
}

// killed is how long something took, since the kill.
type killed struct{ end, moved time.Duration }

// killOne has tasks run at a worker in a process of its own, kills that, and waits until all of
// the tasks have run at another worker.
func (b *bed) killOne(g *group, client *recipe.Client, master *recipe.Master, name string, spread time.Duration) (k killed, err error) {
	worker, err := b.child(roleWorker, name, b.config.Timeout)
	if err != nil {
		return k, err
	}
	defer worker.stop()
	for range heldTasks {
		if _, err := client.Submit(g.ctx, heldPayload); err != nil {
			return k, err
		}
	}
	if _, err := g.until("the worker runs the tasks", func() bool { return worker.held.Load() == heldTasks }); err != nil {
		return k, err
	}
	other := "beside-" + name
	leave, err := g.worker(other, handlers)
	if err != nil {
		return k, err
	}
	defer leave()
	if _, err := g.until("the other worker has registered", func() bool { return alive(master, other) }); err != nil {
		return k, err
	}
	select {
	case <-time.After(spread):
	case <-g.ctx.Done():
		return k, context.Cause(g.ctx)
	}
	g.executed.Store(0)
	at, err := worker.kill()
	if err != nil {
		return k, err
	}
	over := b.whenOver(g.ctx, name)
	if _, err = g.until("its tasks have run elsewhere", func() bool { return g.executed.Load() >= heldTasks }); err != nil {
		return k, err
	}
	k.moved = time.Duration(g.latest.Load()) - at
	end := <-over
	if k.end = end.at - at; end.err != nil {
		return k, end.err
	}
	leave()
	_, err = g.until("the other worker has left", func() bool { return !alive(master, other) })
	return k, err
}

// alive reports whether the master knows a worker of that name that lives.
func alive(master *recipe.Master, name string) bool {
	now, _ := master.Snapshot()
	return slices.ContainsFunc(now.Workers, func(w recipe.WorkerInfo) bool { return w.Name == name && w.Alive })
}
