package recipe

import (
	"context"
	"iter"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Awaited is a task that has ended, with its status.
type Awaited struct {
	Task string
	Status
}

const (
	// awaitedAtOnce is how many tasks one AwaitAll reads ahead of the result that it waits for.
	awaitedAtOnce = 10_000
	// lookAhead is how many statuses are looked for at a time.
	lookAhead = 512
	// aheadBytes bounds the results that were read before it was their turn.
	aheadBytes = 4 << 20
)

// AwaitAll waits for many tasks. Nothing happens until a loop ranges over what it returns. The
// loop gets one outcome for each task, in their order: its status, or what Await would have
// returned as the error, with the task's name in both cases. An error of one task ends nothing.
//
//	for awaited, err := range client.AwaitAll(ctx, slices.Values(tasks)) {
//
// AwaitAll has one watch at a time, however many tasks there are: on the status of the task
// whose turn it is. When that has ended, it reads the statuses of the tasks behind it in bulk,
// more of them the more have ended. So a result is delivered a few round trips after all before
// it have been; a task that does not end holds up those behind it. If you want each result as
// soon as it is there, call Await for each task, which sets a watch for each.
//
// The names of the tasks are read while the loop runs, by another goroutine, at most 10,000 of
// them ahead of the loop, and about 4 MiB of results. So the tasks may be those of a SubmitAll
// that is under way. The loop ends only when the iterator of the tasks has returned; an iterator
// that waits for something must stop that when ctx ends. When ctx has ended, AwaitAll reads one
// more task; that one and all before it without an outcome get the cause as their error.
func (c *Client) AwaitAll(ctx context.Context, tasks iter.Seq[string]) iter.Seq2[Awaited, error] {
	return func(yield func(Awaited, error) bool) {
		switch {
		case c.env == nil:
			yield(Awaited{}, errZero)
			return
		case tasks == nil:
			yield(Awaited{}, errNoTasks)
			return
		}
		r := &results{client: c, next: 1}
		named := func(context.Context) iter.Seq[*awaiting] {
			return mapped(tasks, func(task string) *awaiting { return &awaiting{Awaited: Awaited{Task: task}} })
		}
		inOrder(ctx, c.env, ahead{items: awaitedAtOnce, bytes: awaitedAtOnce}, named, func(*awaiting) int { return 0 }, r.settle,
			func(a *awaiting) bool { return yield(a.Awaited, a.err) })
	}
}

// errNoTasks is the error of a nil iterator.
var errNoTasks = invalid("the iterator of the tasks is nil: give one, such as slices.Values(tasks)")

// awaiting is one task of AwaitAll until its outcome is delivered.
type awaiting struct {
	Awaited
	settled bool
	err     error
}

// results follows the statuses of many tasks.
type results struct {
	client *Client
	next   int // how many statuses to look for ahead of the first one
	held   int // bytes of the results that were read ahead and are not delivered
}

// settle waits for the first task, unless its status is known. Then it looks ahead.
func (r *results) settle(ctx context.Context, open []*awaiting) int {
	first := open[0]
	if !first.settled {
		first.Status, first.err = r.client.Await(ctx, first.Task)
		first.settled = true
		r.held += len(first.Result)
		r.look(ctx, open)
	}
	n := 0
	for n < len(open) && open[n].settled {
		r.held -= len(open[n].Result)
		n++
	}
	return n
}

// look reads ahead as long as all that it looks for have ended, up to twice lookAhead, so that
// results are delivered in between. What it cannot read for any reason is left to Await.
func (r *results) look(ctx context.Context, open []*awaiting) {
	for from := 0; from < 2*lookAhead && ctx.Err() == nil && r.held < aheadBytes; {
		var some []*awaiting
		for ; from < len(open) && len(some) < r.next; from++ {
			if !open[from].settled {
				some = append(some, open[from])
			}
		}
		if len(some) == 0 {
			return
		}
		ended := r.read(ctx, some)
		if ended < len(some) {
			r.next = max(ended, 1)
			return
		}
		r.next = min(2*r.next, lookAhead)
	}
}

// read settles those of the tasks that have ended, and returns how many. The sizes of the
// statuses are read first, so that the answers are bounded, too.
func (r *results) read(ctx context.Context, tasks []*awaiting) (ended int) {
	c := r.client
	session, err := c.shared.Connected(ctx)
	if err != nil {
		return 0
	}
	var valid []*awaiting
	var reads []zkapi.Op
	for _, a := range tasks {
		if checkTask(a.Task) == nil { // otherwise Await says what is wrong
			valid, reads = append(valid, a), append(reads, zkapi.Exists(c.layout.status(a.Task)))
		}
	}
	var there []*awaiting
	room := aheadBytes - r.held
	for i, reply := range session.DoAll(ctx, reads) {
		if reply.Err == nil && reply.Found && reply.Stat.Owner() == zkapi.OwnerNone && room > 0 {
			there = append(there, valid[i])
			room -= int(reply.Stat.DataLength)
		}
	}
	reads = reads[:0]
	for _, a := range there {
		reads = append(reads, zkapi.Get(c.layout.status(a.Task)))
	}
	for i, reply := range session.DoAll(ctx, reads) {
		if reply.Err == nil && reply.Stat.Owner() == zkapi.OwnerNone {
			r.found(ctx, there[i], reply.Result)
			ended++
		}
	}
	return ended
}

// found settles a task whose status was read ahead.
func (r *results) found(ctx context.Context, a *awaiting, got zkapi.Result) {
	c := r.client
	ctx, end := c.obs.Tracer(ctx, "await", slog.String("task", a.Task))
	defer end(nil)
	a.Status, a.settled = decodeStatus(got.Data), true
	r.held += len(a.Result)
	if problem, odd := c.layout.wordProblem(a.Task, a.Status); odd {
		c.notices.Report(ctx, c.obs.Logger, problem, got.Stat)
	}
}
