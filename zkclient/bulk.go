package zkclient

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Bulk bounds the writes that DoAll has under way on one session, so that the ensemble stays quick
// for its other users. The write of a Do is never held back, so a lease is confirmed in time
// however much DoAll has to write. Each session has bounds of its own, because one that has lost its
// connection must not hold up another one.
//
// Within these bounds a session adapts. If its writes take more than twice as long as they did
// lately at their quickest, a queue has formed in the ensemble: then the session has less under
// way, until the queue is gone. The idea is that of TCP Vegas (Brakmo and Peterson, 1995). So
// several sessions with much to write share what the ensemble can do, and know nothing of each
// other.
type Bulk struct {
	Operations int // under way at once; a multi counts as its writes, and a larger one goes alone. Default 2400
	Bytes      int // of the requests under way. Default 4 MiB
	PerSecond  int // operations a second; 0 for no bound
	// Fixed keeps to the bounds and does not adapt, for a program that has the ensemble to itself.
	Fixed bool
}

// Defaults of Bulk.
const (
	defaultBulkOperations = 2400
	defaultBulkBytes      = 4 << 20
)

// lightWrites is how many operations a request may write that is not held back, if it is alone in
// its DoAll: a single task is assigned, or ends, beside any backlog.
const lightWrites = 2

// Constants by which the window adapts.
const (
	leastWindow = 300              // operations that may be under way in any case; at first, as many may
	windowStep  = 50               // operations that the window grows by while all of it is answered once
	slowFactor  = 2                // writes are slow that take so many times as long as the quickest
	smoothing   = 8                // a write counts for one part in so many of the latency
	quickFor    = 30 * time.Second // or half of it: how long the quickest latency is remembered
)

// latencies is how long writes of about one size take.
type latencies struct {
	smooth       time.Duration // lately
	least, older time.Duration // the least of this period and of the last one; 0 for none
	began        time.Duration // this period, by elapsed
}

// saw takes over a latency, and reports whether a queue has formed.
func (l *latencies) saw(took, now time.Duration) (slow bool) {
	if l.smooth == 0 {
		l.smooth, l.began = took, now
	}
	l.smooth += (took - l.smooth) / smoothing
	if now-l.began > quickFor/2 {
		l.older, l.least, l.began = l.least, 0, now
	}
	if l.least == 0 || took < l.least {
		l.least = took
	}
	quickest := l.least
	if l.older != 0 {
		quickest = min(quickest, l.older)
	}
	return l.smooth > slowFactor*quickest
}

// pacer holds writes back by the bounds of a Bulk.
type pacer struct {
	bounds Bulk

	mu      sync.Mutex
	window  float64 // operations
	ops     int     // under way
	bytes   int
	waiting []*pass // in the order of their coming
	of      [bits.UintSize]latencies
	due     time.Duration // when PerSecond allows the next one, by elapsed
	shrunk  time.Duration // when the window has shrunk last, by elapsed
}

// pass is for one write that is under way or waits for that.
type pass struct {
	ops, bytes int
	comes      chan struct{} // closed when it may go
	began      time.Duration
}

// check returns an error for bounds that cannot be kept.
func (b Bulk) check() error {
	if b.Operations < 0 || b.Bytes < 0 || b.PerSecond < 0 {
		return fmt.Errorf("zkclient: Bulk %+v: give no negative bound; 0 is the default", b)
	}
	return nil
}

func newPacer(b Bulk) *pacer {
	if b.Operations == 0 {
		b.Operations = defaultBulkOperations
	}
	if b.Bytes == 0 {
		b.Bytes = defaultBulkBytes
	}
	p := &pacer{bounds: b, window: float64(b.Operations)}
	if !b.Fixed {
		p.window = min(p.window, leastWindow)
	}
	return p
}

// written is the number of operations that a request writes.
func written(op zkapi.Op) int {
	switch op.Kind {
	case zkapi.KindMulti:
		n := 0
		for _, part := range op.Ops {
			n += written(part)
		}
		return n
	case zkapi.KindCreate, zkapi.KindDelete, zkapi.KindSet:
		return 1
	}
	return 0
}

// enter returns when a request may go, or when ctx or the session is over. The request of a nil
// pass does not count. Otherwise leave must follow.
func (p *pacer) enter(ctx context.Context, over <-chan struct{}, op zkapi.Op, now func() time.Duration) *pass {
	n := written(op)
	if n == 0 || given(ctx, over) || !p.metered(ctx, over, n, now()) {
		return nil
	}
	t := &pass{ops: n, bytes: op.Size(), comes: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, t)
	p.admit()
	p.mu.Unlock()
	select {
	case <-t.comes:
	case <-ctx.Done():
	case <-over:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting {
		if w == t { // it was given up
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			p.admit()
			return nil
		}
	}
	t.began = now()
	return t
}

// given reports whether a request is given up already, because ctx or the session is over.
func given(ctx context.Context, over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return ctx.Err() != nil
	}
}

// burst is how long the bound of operations a second may have been left unused for later.
const burst = 100 * time.Millisecond

// metered waits for the bound of operations a second. It returns false if ctx or the session is
// over before.
func (p *pacer) metered(ctx context.Context, over <-chan struct{}, n int, now time.Duration) bool {
	if p.bounds.PerSecond == 0 {
		return true
	}
	costs := time.Duration(n) * time.Second / time.Duration(p.bounds.PerSecond)
	p.mu.Lock()
	p.due = max(p.due, now-burst) + costs
	wait := time.NewTimer(p.due - now)
	p.mu.Unlock()
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
	case <-over:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due -= costs
	return false
}

// admit lets the first of those that wait go, as far as there is room. p.mu is held. A request
// that is larger than all bounds goes alone.
func (p *pacer) admit() {
	for len(p.waiting) > 0 {
		t := p.waiting[0]
		fits := float64(p.ops+t.ops) <= p.window && p.bytes+t.bytes <= p.bounds.Bytes
		if p.ops > 0 && !fits {
			return
		}
		p.waiting = p.waiting[1:]
		p.ops += t.ops
		p.bytes += t.bytes
		close(t.comes)
	}
}

// leave takes over that a request is over. Only one that the server has answered says how fast the
// server is; one that was not sent says nothing.
func (p *pacer) leave(t *pass, err error, now time.Duration) {
	if t == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	used := float64(p.ops)
	p.ops -= t.ops
	p.bytes -= t.bytes
	defer p.admit()
	lost := zkapi.FateOf(err) == zkapi.Unknown
	if p.bounds.Fixed || err != nil && !lost && zkapi.FailedIndex(err) < 0 {
		return
	}
	took := now - t.began
	switch slow := !lost && p.of[bits.Len(uint(t.ops))].saw(took, now); {
	case slow || lost:
		if now-p.shrunk >= took { // what is under way now was sent before
			p.window, p.shrunk = max(p.window*3/4, min(leastWindow, float64(p.bounds.Operations))), now
		}
	case used > p.window/2:
		p.window = min(p.window+windowStep*float64(t.ops)/p.window, float64(p.bounds.Operations))
	}
}
