package bench

import (
	"context"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// idleWorkers is how many live workers do nothing.
const idleWorkers = 200

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
	if err := b.atRest(ctx); err != nil {
		return err
	}
	all, writes, err := b.requests(ctx, b.watchFor)
	if err != nil {
		return err
	}
	b.says(fmt.Sprintf("a master beside %d names of lost workers", b.config.Tasks), "%.1f requests/s, %.1f of them writes", all, writes)
	if _, err := g.workers(idleWorkers, 1); err != nil {
		return err
	}
	if _, err := g.until("the workers have registered", func() bool {
		now, _ := master.Snapshot()
		alive := 0
		for _, w := range now.Workers {
			if w.Alive {
				alive++
			}
		}
		return alive == idleWorkers
	}); err != nil {
		return err
	}
	if err := b.atRest(ctx); err != nil {
		return err
	}
	if all, writes, err = b.requests(ctx, b.watchFor); err != nil {
		return err
	}
	b.says(fmt.Sprintf("the same, and %d idle workers", idleWorkers), "%.1f requests/s, %.1f of them writes", all, writes)
	return nil
}
