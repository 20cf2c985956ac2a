package queue

import (
	"context"
	"errors"
	"path"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// besides is how many bytes a request has beside the data of its items, at most: those of the
	// claim of one item. So an item that could be put can be taken.
	besides = 4 << 10
	// firstPause and lastPause bound the pauses of a Put that waits for room.
	firstPause, lastPause = 50 * time.Millisecond, time.Second
)

// pending is one item until its outcome is known.
type pending struct {
	wish
	op   zkapi.Op
	id   string
	err  error
	done bool
}

// pending checks an item that is put.
func (q *Queue) pending(item Item) *pending {
	w, err := q.wish(item.Payload, item.Options)
	p := &pending{wish: w, err: err, done: err != nil}
	prefix := q.prefix(w.priority)
	if w.delay > 0 {
		prefix = q.delayedPrefix(q.env.Now().Add(w.delay+time.Millisecond-1), w.priority)
	}
	data := q.layout.encode(append([]byte(nil), w.payload...)) // the caller may use the slice for the next one
	p.op = zkapi.Create(prefix, data, zkapi.PersistentSequential).WithACL(q.config.ACL)
	return p
}

// settle notes the outcome.
func (p *pending) settle(id string, err error) {
	if _, ok := errors.AsType[*zkapi.Error](err); err != nil && !ok {
		err = &zkapi.Error{Kind: zkapi.KindMulti, Path: p.op.Path, Index: -1, Fate: zkapi.NotApplied, Err: err}
	}
	p.id, p.err, p.done = id, err, true
}

// batch is items that one call puts.
type batch struct {
	q     *Queue
	all   []*pending
	lanes *once.Lanes
	most  int // items in one write
	fails int // how often the queue was full
}

// putAll settles all of the items.
func (q *Queue) putAll(ctx context.Context, all []*pending) {
	b := &batch{q: q, all: all, most: MostAtOnce}
	for open := b.open(); len(open) > 0; open = b.open() {
		var part []*pending
		var err error
		if b.lanes, err = q.writer(ctx); err == nil {
			part, err = b.part(ctx, open)
		}
		switch {
		case err == nil && len(part) > 0:
			b.send(ctx, part)
		case err == nil, errors.Is(err, zkapi.ErrSessionEnded) && ctx.Err() == nil && q.life().Err() == nil:
		default:
			for _, p := range open {
				p.settle("", err)
			}
		}
	}
}

// open are the items whose outcome is not known.
func (b *batch) open() []*pending {
	var open []*pending
	for _, p := range b.all {
		if !p.done {
			open = append(open, p)
		}
	}
	return open
}

// part are the first items, as many as one write has room for, and as the queue has. It settles the first one if it
// fits in neither.
func (b *batch) part(ctx context.Context, open []*pending) ([]*pending, error) {
	room, err := b.room(ctx)
	if err != nil {
		return nil, err
	}
	bytes := b.lanes.Session.MaxRequest() - besides
	for n, p := range open {
		if p.delay == 0 {
			room--
		}
		bytes -= p.op.Size()
		switch {
		case n == 0 && bytes < 0:
			p.settle("", zkapi.ErrTooLarge)
			return nil, nil
		case n == 0 && room < 0 && p.waits:
			return nil, b.waitForRoom(ctx)
		case n == 0 && room < 0:
			p.settle("", ErrFull)
			return nil, nil
		case bytes < 0 || room < 0 || n == b.most:
			return open[:n], nil
		}
	}
	return open, nil
}

// room is how many items the queue has room for.
func (b *batch) room(ctx context.Context) (int, error) {
	q := b.q
	if q.config.Bound == 0 {
		return MostAtOnce, nil
	}
	room := 0
	again := retry.New(q.env, q.obs, "count the items of a queue")
	err := again.OnDisconnect(ctx, b.lanes.Session, func() error {
		zkapi.Checkpoint(q.env, "count the items", ctx, b)
		seen, err := fence.Look(ctx, b.lanes.Session, fence.Exists(q.entries))
		room = q.config.Bound - int(seen.Stat.NumChildren)
		return err
	})
	return max(room, 0), err
}

// waitForRoom waits a while.
func (b *batch) waitForRoom(ctx context.Context) error {
	b.fails++
	pause := b.q.env.Timer(zkapi.Pause(b.q.env, firstPause, lastPause, b.fails))
	zkapi.Checkpoint(b.q.env, "wait for room", ctx, b)
	if _, err := b.q.env.Wait(ctx, pause, b.lanes.Session.Done()); err != nil {
		return errors.Join(ErrFull, err)
	}
	return nil
}

// send puts items by one write, and settles them, or leaves them for the next write.
func (b *batch) send(ctx context.Context, part []*pending) {
	q := b.q
	var ops []zkapi.Op
	for _, p := range part {
		ops = append(ops, p.op)
	}
	sent, err := b.lanes.Send(ctx, once.Write{Ops: ops, State: b})
	switch {
	case errors.Is(err, once.ErrInDoubt):
	case zkapi.TooLarge(err) && len(part) > 1:
		b.most = len(part) / 2
		return
	case errors.Is(err, zkapi.ErrNoNode) && zkapi.FailedIndex(err) >= 0:
		if err = q.prepare(ctx, b.lanes.Session); err == nil || retry.Passing(err) {
			return
		}
	case (errors.Is(err, term.ErrFenced) || errors.Is(err, zkapi.ErrSessionEnded)) && ctx.Err() == nil && q.life().Err() == nil:
		return // the next session puts them
	}
	for i, p := range part {
		id := ""
		if i < len(sent.Results) {
			id = path.Base(sent.Results[i].Path)
		}
		p.settle(id, err)
	}
}
