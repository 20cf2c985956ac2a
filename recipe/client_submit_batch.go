package recipe

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// batches is one lane. It submits in multis, and each multi is sent once. Then its submissions
// are accepted, or they are known not to be, or it is not known. In the second case those that
// are not to blame go into another multi. In the third each is resolved by itself: a repetition
// as a whole would not show which of them the lost multi has made.
type batches struct {
	*lanes
	client *Client
}

// settle sends rounds of multis until all submissions are settled.
func (b *batches) settle(ctx context.Context, all []*pending) {
	for {
		var open []*pending
		for _, p := range all {
			if !p.settled {
				open = append(open, p)
			}
		}
		if len(open) == 0 {
			return
		}
		b.round(ctx, open)
	}
}

// round settles at least one submission, or makes the next round's multis smaller.
func (b *batches) round(ctx context.Context, open []*pending) {
	if len(open) == 1 {
		b.alone(ctx, open)
		return
	}
	session, err := b.client.shared.Connected(ctx)
	var room int
	if err == nil {
		room, err = b.room(ctx, session, len(open))
	}
	switch {
	case err != nil:
		b.blame(ctx, open, 0)
		return
	case room == 0:
		b.withoutRoom(ctx, session, open)
		return
	}
	parts, multis := b.pack(b.bound(session), open, room)
	var unknown []*pending
	for i, reply := range session.DoAll(ctx, multis) {
		b.learn(multis[i].Ops, reply.Err)
		if zkapi.FateOf(reply.Err) == zkapi.Unknown {
			for _, p := range parts[i] {
				p.before = tries{doubtful: true, tried: session}
			}
			unknown = append(unknown, parts[i]...)
			continue
		}
		b.answered(ctx, session, parts[i], reply.Err)
	}
	b.alone(ctx, unknown)
}

// bound is what one multi may hold.
func (b *batches) bound(session zkapi.Session) bounds {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bounds.ops == 0 {
		b.bounds = newBounds(fence.Of(session))
		b.bounds.ops = batchOps
	}
	return b.bounds
}

// learn adapts the bound to what became of a multi.
func (b *batches) learn(ops []zkapi.Op, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.bounds.fitted()
		b.bounds.ops = batchOps
	case zkapi.FateOf(err) == zkapi.Unknown, zkapi.TooLarge(err), zkapi.Refused(err) && zkapi.FailedIndex(err) < 0:
		b.bounds.lost(ops, err)
	}
}

// pack makes multis of submissions, for as many tasks as there is room. Of those with the same
// id only the first is taken.
func (b *batches) pack(most bounds, open []*pending, room int) (parts [][]*pending, multis []zkapi.Op) {
	atOnce := batchesAtOnce
	if most.narrow() {
		atOnce = 1
	}
	var ops []zkapi.Op
	size, from := 0, 0
	taken := make(map[string]bool, len(open))
	var part []*pending
	for ; from < len(open) && room > 0; from++ {
		p := open[from]
		if taken[p.id] {
			continue
		}
		bytes := p.create.Size()
		if len(ops) > 0 && (len(ops) >= most.ops || size+bytes > most.bytes) {
			parts, multis = append(parts, part), append(multis, zkapi.Multi(ops...))
			part, ops, size = nil, nil, 0
			if len(parts) == atOnce {
				return parts, multis
			}
		}
		taken[p.id] = true
		part, ops, size = append(part, p), append(ops, p.create), size+bytes
		room--
	}
	return append(parts, part), append(multis, zkapi.Multi(ops...))
}

// answered settles the submissions of a multi whose fate is known, or leaves them for the next
// round.
func (b *batches) answered(ctx context.Context, session zkapi.Session, part []*pending, err error) {
	at := max(zkapi.FailedIndex(err), 0)
	switch {
	case err == nil:
		b.made(ctx, session, part)
	case errors.Is(err, zkapi.ErrTooLarge) && len(part) > 1: // the next ones are smaller
	case errors.Is(err, zkapi.ErrNodeExists) && len(part) > 1:
		// A read does not prove that a task is there, because it may be late. But one that
		// was there is not worth another multi.
		var there []*pending
		for i, reply := range session.DoAll(ctx, existing(part)) {
			if i == at || reply.Found || reply.Err != nil {
				there = append(there, part[i])
			}
		}
		b.alone(ctx, there)
	default:
		b.client.obs.Metrics.Retried("submission", zkapi.Refused(err))
		b.blame(ctx, part, at)
	}
}

// existing reads whether the tasks are there.
func existing(part []*pending) []zkapi.Op {
	reads := make([]zkapi.Op, len(part))
	for i, p := range part {
		reads[i] = zkapi.Exists(p.create.Path)
	}
	return reads
}

// made settles the submissions of a multi that was applied.
func (b *batches) made(ctx context.Context, session zkapi.Session, part []*pending) {
	for _, p := range part {
		if err := b.client.readable(ctx, session, p.create); err != nil {
			p.settle(Submitted{}, err)
			continue
		}
		p.settle(b.client.accepted(p.submission, false, false), nil)
	}
}

// blame settles one submission by itself, with the waits and errors of Submit. If it fails, so
// probably will the others: then each of them gets an error of its own. Otherwise they are left
// for the next round.
func (b *batches) blame(ctx context.Context, part []*pending, at int) {
	b.alone(ctx, part[at:at+1])
	if part[at].err != nil {
		b.alone(ctx, append(part[:at:at], part[at+1:]...))
	}
}

// alone settles each of the submissions by itself, as Submit does.
func (b *batches) alone(ctx context.Context, part []*pending) {
	eachAlone(b.client.env, ctx, "submit", part, func(p *pending) {
		p.settle(b.client.submit(p.ctx, p.submission, p.create, p.before))
	})
}

// room returns for how many tasks the backlog has room. If it is bounded, that is at most one
// multi, because other clients have seen the same room.
func (b *batches) room(ctx context.Context, session zkapi.Session, most int) (int, error) {
	free, _, bounded, err := b.client.free(ctx, session)
	if bounded {
		most = max(min(free, batchOps), 0)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.bounded = bounded
	}
	return most, err
}

// withoutRoom settles what a full backlog does not hold up: submissions that do not wait, and
// those of tasks that are there. If there are none, the first one waits for room.
func (b *batches) withoutRoom(ctx context.Context, session zkapi.Session, open []*pending) {
	open = open[:min(len(open), batchOps)]
	var free []*pending
	for i, reply := range session.DoAll(ctx, existing(open)) {
		if open[i].noWait || reply.Found {
			free = append(free, open[i])
		}
	}
	if len(free) == 0 {
		free = open[:1]
	}
	b.alone(ctx, free)
}
