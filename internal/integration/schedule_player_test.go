package integration

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
)

// rehearsal counts what was replayed.
type rehearsal struct {
	cases, disturbed, steps            atomic.Int64
	requests, refused, constants, acts atomic.Int64
	events, losses, breaks, expired    atomic.Int64
	closed, leaves, restarts, sweeps   atomic.Int64
	stops, crashes, late               atomic.Int64
	overtaking, znodes                 atomic.Int64
}

func (n *rehearsal) String() string {
	return fmt.Sprintf("%d cases (%d given up), %d steps: %d requests compared (%d of them refused, %d passed before earlier ones of their process), %d watch events, %d acts outside, %d ends of sessions; faults: %d requests or answers lost, %d connections broken, %d sessions expired, %d processes stopped, %d crashed (%d requests took effect later), %d asked to leave, %d started again, %d sweeps; %d requests with constant answers besides; %d znodes compared at the end",
		n.cases.Load(), n.disturbed.Load(), n.steps.Load(), n.requests.Load(), n.refused.Load(), n.overtaking.Load(), n.events.Load(), n.acts.Load(), n.closed.Load(),
		n.losses.Load(), n.breaks.Load(), n.expired.Load(), n.stops.Load(), n.crashes.Load(), n.late.Load(), n.leaves.Load(), n.restarts.Load(), n.sweeps.Load(), n.constants.Load(), n.znodes.Load())
}

// player is one process of the world on the real side.
type player struct {
	name  string
	host  *host
	proxy *ensemble.Proxy

	mu       sync.Mutex
	requests []*ensemble.Held
	events   []*ensemble.Held
	wrote    []ensemble.Exchange
	free     bool // everything passes
	opens    bool // a session is being opened: requests pass
	hurries  bool // a defect
	gone     bool // the process has crashed
	left     atomic.Bool
	patience time.Duration
	changed  chan struct{}
}

// held is called by the proxy. The watches of a connection are gone with it, as in
// the explorer: what the library asks for to set them again goes no further.
func (p *player) held(h *ensemble.Held) {
	p.update(func() {
		switch {
		case p.free:
			_ = h.Pass()
		case h.Event != (wire.Event{}):
			p.events = append(p.events, h)
		case p.opens: // the client library compares what the new session shows with earlier ones
			_ = h.Pass()
		case h.Request.Opcode != wire.OpSetWatches && h.Request.Opcode != wire.OpSetWatches2:
			p.requests = append(p.requests, h)
			if p.hurries {
				_ = h.Pass()
			}
		}
	})
}

func (p *player) update(change func()) {
	p.mu.Lock()
	change()
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// await waits until condition, which is called locked, holds.
func (p *player) await(condition func() bool) bool {
	limit := time.NewTimer(p.patience)
	defer limit.Stop()
	for {
		p.mu.Lock()
		holds := condition()
		p.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-p.changed:
		case <-time.After(time.Millisecond): // what the client library does it does not tell
		case <-limit.C:
			return false
		}
	}
}

// forget drops the events of a connection that is gone.
func (p *player) forget() { p.update(func() { p.events = nil }) }

// dismiss gives back what a process has had.
func (p *player) dismiss(ctx context.Context) {
	p.left.Store(true)
	p.host.discard()
	p.update(func() { p.free = true })
	if p.host.session != nil {
		_ = p.host.session.Session.Close(ctx)
	}
	_ = p.proxy.Close()
}
