package queue

import (
	"context"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// tenure is the time in which a session holds items, from the first to the last. All of them share one
// lease: its heartbeat is one write, however many they are.
type tenure struct {
	q     *Queue
	lanes *once.Lanes
	term  *term.Term
	empty zkapi.Signal // raised when an item is held no longer

	held []*Taken // by the Queue's mutex
	over bool     // no item joins any more; the same
}

// present is the tenure of a session that holds items; nil if it holds none.
func (q *Queue) present(lanes *once.Lanes) *tenure {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.tenure; n != nil && n.lanes == lanes && !n.over && n.term.Holding.Err() == nil {
		return n
	}
	return nil
}

// hold begins to hold items that were claimed by a write that was sent then.
func (q *Queue) hold(lanes *once.Lanes, items []candidate, sent time.Duration) []*Taken {
	n := q.present(lanes)
	q.mu.Lock()
	defer q.mu.Unlock()
	fresh := n == nil || n.over
	if fresh {
		n = &tenure{q: q, lanes: lanes, empty: q.env.Signal()}
		n.term = term.Begin(q.life(), q.env, q.obs, lanes.Claim(), sent, term.Kind{Role: role, Over: ErrLost})
		q.tenure = n
	}
	var all []*Taken
	for _, c := range items {
		t := &Taken{q: q, lanes: lanes, tenure: n, name: c.name, data: c.data, payloads: c.payloads, token: c.version + 1}
		t.ctx, t.end = context.WithCancelCause(n.term.Active)
		q.tokens.Saw(t.name, t.token)
		n.held = append(n.held, t)
		all = append(all, t)
	}
	if fresh {
		q.env.Spawn(role, n.run)
	}
	return all
}

// run is a thread. It keeps the lease until nothing is held any more, or the lease is over. Then it deletes
// the claims that are left: the session may live on.
func (n *tenure) run() {
	zkapi.DependsOn(n.q.env, n)
	threads := []zkapi.Source{n.q.env.Spawn("lease", n.term.KeepLease), n.q.env.Spawn("heartbeat", n.term.Heartbeat)}
	for !n.done() {
		zkapi.Checkpoint(n.q.env, "hold")
		_, _ = n.q.env.Wait(n.term.Holding, n.empty)
	}
	n.term.End(ErrReleased)
	for _, t := range n.left() {
		_ = t.drop()
	}
	for _, thread := range threads {
		zkapi.Checkpoint(n.q.env, "end of a tenure", thread)
		_, _ = n.q.env.Wait(context.WithoutCancel(n.term.Holding), thread)
	}
}

// done reports whether nothing is held any more.
func (n *tenure) done() bool {
	n.q.mu.Lock()
	defer n.q.mu.Unlock()
	n.over = len(n.held) == 0 || n.term.Holding.Err() != nil
	if n.over && n.q.tenure == n {
		n.q.tenure = nil
	}
	return n.over
}

// left are the items that were held to the end.
func (n *tenure) left() []*Taken {
	n.q.mu.Lock()
	defer n.q.mu.Unlock()
	return slices.Clone(n.held)
}

// letGo notes that an item is held no longer, for that cause. The first cause counts.
func (t *Taken) letGo(cause error) {
	t.end(cause)
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	t.tenure.held = slices.DeleteFunc(t.tenure.held, func(o *Taken) bool { return o == t })
	t.tenure.empty.Raise()
}
