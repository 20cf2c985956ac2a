package bench

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// costPayload is the payload of each task and the data of each plain znode.
var costPayload = bytes.Repeat([]byte("payload-"), 12)

// costs is a series of measurements of one server.
type costs struct {
	*bed
	ctx   context.Context
	last  ensemble.Footprint
	plain ensemble.Footprint // of the plain znodes alone
}

// cost measures what znodes cost one server: plain ones, tasks that wait, the same tasks
// finished, and resident tasks that are assigned.
func cost(ctx context.Context, b *bed) error {
	c := &costs{bed: b, ctx: ctx}
	n := b.config.Tasks
	took, err := b.reload(ctx)
	if err != nil {
		return err
	}
	if c.last, err = c.tree(); err != nil {
		return err
	}
	b.says("a server without a tree", "heap %d MB, restarted in %.1f s", c.last.Heap>>20, took.Seconds())
	if _, err := b.inMultis(ctx, "/plain", "task-0123456789012345678901234-", costPayload, n, 300); err != nil {
		return err
	}
	if err := c.more("plain znodes", "/plain", &c.plain); err != nil {
		return err
	}
	before := c.last
	client, err := recipe.NewClient(b.driver, recipe.ClientConfig{})
	if err != nil {
		return err
	}
	err = handIn(ctx, client, n)
	client.Close(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if err := c.more("tasks that wait", "/tasks", nil); err != nil {
		return err
	}
	if err := c.finish(n); err != nil {
		return err
	}
	c.last = before
	if err := c.more("the same tasks, each with its status", "/tasks", nil); err != nil {
		return err
	}
	return c.own(n)
}

// handIn submits n tasks.
func handIn(ctx context.Context, client *recipe.Client, n int) error {
	for _, err := range client.SubmitAll(ctx, func(yield func(recipe.Submission) bool) {
		for i := 0; i < n && yield(recipe.Submission{Payload: costPayload}); i++ {
		}
	}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// finish runs a group until all tasks are done.
func (c *costs) finish(n int) error {
	g := c.group(c.ctx)
	defer g.stop()
	if _, err := g.workers(c.config.Workers, handlers); err != nil {
		return err
	}
	master, _, err := g.master("master-1", 0)
	if err != nil {
		return err
	}
	_, err = g.until("all tasks are done", func() bool {
		now, leads := master.Snapshot()
		return leads && g.executed.Load() >= int64(n) && assigned(now) == 0
	})
	return err
}

// own makes resident tasks, and measures while a group owns them.
func (c *costs) own(n int) error {
	if _, err := c.inMultis(c.ctx, "/tasks", "task-01234567890123456789-region.", append([]byte("#ringmaster {\"resident\":true}\n"), costPayload...), n, 300); err != nil {
		return err
	}
	g := c.group(c.ctx)
	defer g.stop()
	if _, err := g.workers(c.config.Workers, handlers); err != nil {
		return err
	}
	if _, _, err := g.master("master-1", 0); err != nil {
		return err
	}
	if _, err := g.until("all residents are owned", func() bool { return g.owned.Load() == int64(n) }); err != nil {
		return err
	}
	return c.more("resident tasks, each with its assignment", "/tasks", nil)
}

// more measures what has come since the last measurement, after a restart: so there is a
// snapshot of it, and the server holds nothing of the requests any more. The first
// measurement is the baseline of the later ones.
func (c *costs) more(what, parent string, plain *ensemble.Footprint) error {
	took, err := c.reload(c.ctx)
	if err != nil {
		return err
	}
	now, err := c.tree()
	if err != nil {
		return err
	}
	d, n := now, int64(c.config.Tasks)
	d.Heap, d.Data, d.Znodes = now.Heap-c.last.Heap, now.Data-c.last.Data, now.Znodes-c.last.Znodes
	d.Snapshot, d.Log = now.Snapshot-c.last.Snapshot, now.Log-c.last.Log
	if plain != nil {
		*plain = d
		c.says(what+": heap", "%d bytes for each", d.Heap/n)
		c.says(what+": snapshot, log", "%d, %d bytes for each", d.Snapshot/n, d.Log/n)
	} else {
		c.against(share(d.Heap, c.plain.Heap), "a plain znode", what+": heap", "%d bytes for each", d.Heap/n)
		c.against(share(d.Snapshot, c.plain.Snapshot), "a plain znode", what+": snapshot, log", "%d, %d bytes for each", d.Snapshot/n, d.Log/n)
	}
	c.says(what+": mntr", "%d znodes and %d bytes of data more; %d watches", d.Znodes, d.Data, now.Watches)
	c.says(what+": the server in all", "heap %d MB, snapshot %d MB, restarted in %.1f s", now.Heap>>20, now.Snapshot>>20, took.Seconds())
	c.last = now
	return c.list(parent)
}

// forgotten is more than the number of proposals that a server keeps in memory for
// followers that come back: 500 of them, however large each is.
const forgotten = 600

// tree measures a server that holds its tree and nothing else of any size: its last
// proposals are small ones.
func (c *costs) tree() (f ensemble.Footprint, err error) {
	err = c.with(c.ctx, func(session zkapi.Session) error {
		if err := make1(c.ctx, session, "/small"); err != nil {
			return err
		}
		return firstError(session.DoAll(c.ctx, slices.Repeat([]zkapi.Op{zkapi.Set("/small", nil, zkapi.AnyVersion)}, forgotten)))
	})
	if err != nil {
		return f, err
	}
	return c.footprint(c.ctx)
}

func share(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }

// list says how large the answer is that lists a znode's children: a length and a name for
// each, 68 bytes of the znode's own state, and the header.
func (c *costs) list(parent string) error {
	return c.with(c.ctx, func(session zkapi.Session) error {
		began := time.Now()
		result, err := session.Do(c.ctx, zkapi.Children(parent))
		if err != nil {
			return err
		}
		size := 16 + 4 + 68
		for _, name := range result.Children {
			size += 4 + len(name)
		}
		c.says("the list of "+parent, "%d names, an answer of %d bytes, in %v", len(result.Children), size, time.Since(began).Round(time.Millisecond))
		return nil
	})
}
