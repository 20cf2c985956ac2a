package recipe

import (
	"context"
	"iter"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// collectedAtOnce is how many tasks CollectAll reads and removes at a time. Their results
	// are read, so this bounds the answers, too.
	collectedAtOnce = 100
	// collectsAhead is how many names CollectAll reads ahead of the loop.
	collectsAhead = 10 * collectedAtOnce
)

// CollectAll is Collect for many tasks. Nothing happens until a loop ranges over what it
// returns. The loop gets each name with the error that Collect would have returned for it, in
// their order; the promises of Collect hold for each by itself.
//
//	for task, err := range client.CollectAll(ctx, slices.Values(tasks)) {
//
// Many removals are one write. A task that must be removed by a master (see Collect) holds up
// those behind it. The names are read while the loop runs, by another goroutine, at most 1,000
// of them ahead. While the body of the loop runs, nothing is sent. The loop ends only when the
// iterator of the tasks has returned; an iterator that waits for something must stop that when
// ctx ends. When ctx has ended, CollectAll reads one more task; that one and all before it
// without an outcome get an error.
func (c *Client) CollectAll(ctx context.Context, tasks iter.Seq[string]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		switch {
		case c.env == nil:
			yield("", errZero)
			return
		case tasks == nil:
			yield("", errNoTasks)
			return
		}
		named := func(context.Context) iter.Seq[*collecting] {
			return mapped(tasks, func(task string) *collecting {
				one := &collecting{removal: c.newRemoval(task), err: checkTask(task)}
				one.settled = one.err != nil
				return one
			})
		}
		r := &removals{client: c}
		inOrder(ctx, c.env, ahead{items: collectsAhead, bytes: collectsAhead}, named, func(*collecting) int { return 0 }, r.settle,
			func(one *collecting) bool { return yield(one.task, one.err) })
	}
}

// collecting is one task of CollectAll until its outcome is delivered.
type collecting struct {
	*removal
	settled bool
	err     error
}

// removals removes many tasks in multis.
type removals struct {
	client *Client
	bounds bounds
}

// settle removes the first tasks.
func (r *removals) settle(ctx context.Context, all []*collecting) int {
	all = all[:min(len(all), collectedAtOnce)]
	var open []*collecting
	for _, one := range all {
		if !one.settled {
			open = append(open, one)
		}
	}
	if len(open) > 1 {
		open = r.together(ctx, open)
	}
	eachAlone(r.client.env, ctx, "collect", open, func(one *collecting) {
		one.err = one.run(ctx)
		one.settled = true
	})
	return len(all)
}

// together removes those tasks that one write can remove as they were read, many in one multi,
// and returns the others. A multi is sent once. If it fails, or its answer is lost, each of its
// tasks is left to Collect, which knows what may have happened to it.
func (r *removals) together(ctx context.Context, open []*collecting) (others []*collecting) {
	session, err := r.client.shared.Connected(ctx)
	if err != nil {
		return open
	}
	if r.bounds.ops == 0 {
		r.bounds = newBounds(fence.Of(session))
	}
	var parts [][]*collecting
	var multis []zkapi.Op
	var part []*collecting
	var ops []zkapi.Op
	for i, left := range r.read(ctx, session, open) {
		switch {
		case open[i].done:
			open[i].settled = true
			continue
		case left == nil:
			others = append(others, open[i])
			continue
		}
		if len(ops) > 0 && (len(ops)+len(left) > batchOps || sizeOf(ops)+sizeOf(left) > r.bounds.bytes) {
			parts, multis = append(parts, part), append(multis, zkapi.Multi(ops...))
			part, ops = nil, nil
		}
		part, ops = append(part, open[i]), append(ops, left...)
	}
	if len(part) > 0 {
		parts, multis = append(parts, part), append(multis, zkapi.Multi(ops...))
	}
	for i, reply := range session.DoAll(ctx, multis) {
		if reply.Err != nil {
			r.bounds.lost(multis[i].Ops, reply.Err)
		} else {
			r.bounds.fitted()
		}
		for _, one := range parts[i] {
			if one.done = one.doubtful.after(reply.Err) == nil; !one.done {
				others = append(others, one)
			}
			one.settled = one.done
		}
	}
	return others
}

// read returns for each task the operations that remove it; nil if it must be left to Collect.
func (r *removals) read(ctx context.Context, session zkapi.Session, open []*collecting) [][]zkapi.Op {
	ops := make([][]zkapi.Op, len(open))
	if _, err := session.Do(ctx, zkapi.Sync(r.client.layout.tasks())); err != nil {
		return ops
	}
	var reads []zkapi.Op
	for _, one := range open {
		reads = append(reads, one.reads()...)
	}
	replies := session.DoAll(ctx, reads)
	each := len(reads) / len(open)
	for i, one := range open {
		left, what, err := one.judge(replies[i*each : (i+1)*each])
		if err != nil || one.done || what != finishedTask {
			continue
		}
		if whole, rest := r.client.layout.removal(one.task, left, r.bounds); rest == nil {
			ops[i] = whole
		}
	}
	return ops
}
