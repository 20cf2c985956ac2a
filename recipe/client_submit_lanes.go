package recipe

import (
	"context"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// batchOps is how many tasks one write creates at most. More than a few hundred gain
	// nothing, and keep other clients of the servers waiting.
	batchOps = 250
	// batchesAtOnce is how many such writes one lane has under way at a time.
	batchesAtOnce = 2
	// lanesAtOnce is how many lanes there are, so that some write is under way while the answers
	// to others are dealt with.
	lanesAtOnce = 4
)

// lanes submits many tasks. It cuts them into parts, and settles each part in a lane of its own.
type lanes struct {
	client *Client
	parts  []lane // that are under way, in order
	sent   int    // how many submissions they have

	mu      sync.Mutex
	bounds  bounds
	bounded bool // the backlog is, or it is not known yet: there is one lane
}

// lane is a part that is under way.
type lane struct {
	part []*pending
	over zkapi.Source
}

// settle settles the first submissions, while those behind them are under way, too.
func (l *lanes) settle(ctx context.Context, all []*pending) int {
	for len(l.parts) < lanesAtOnce {
		part := l.next(all)
		if len(part) == 0 {
			break
		}
		b := batches{lanes: l, client: l.client}
		l.sent += len(part)
		if l.single() {
			b.settle(ctx, part)
			l.parts = append(l.parts, lane{part: part})
			break
		}
		l.parts = append(l.parts, lane{part, l.client.env.Spawn("submit", func() { b.settle(ctx, part) })})
	}
	first := l.parts[0]
	if first.over != nil { // it ends when ctx does
		_, _ = l.client.env.Wait(context.WithoutCancel(ctx), first.over)
	}
	l.parts, l.sent = l.parts[1:], l.sent-len(first.part)
	return len(first.part)
}

// end waits for the lanes that are still under way when the loop over the outcomes has ended.
func (l *lanes) end(ctx context.Context) {
	for _, one := range l.parts {
		if one.over != nil {
			_, _ = l.client.env.Wait(context.WithoutCancel(ctx), one.over)
		}
	}
}

// single reports whether there is one lane: others might take the same room in the backlog.
func (l *lanes) single() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bounded
}

// next is the next part: what has come, but nothing with an id that is under way, so that the
// first submission of an id is the first.
func (l *lanes) next(all []*pending) []*pending {
	part := all[l.sent:min(len(all), l.sent+batchesAtOnce*batchOps)]
	if l.sent == 0 || len(part) == 0 {
		return part
	}
	under := make(map[string]bool, l.sent)
	for _, p := range all[:l.sent] {
		under[p.id] = true
	}
	for n, p := range part {
		if under[p.id] {
			return part[:n]
		}
	}
	return part
}
