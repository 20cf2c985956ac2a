package ensemble

import (
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
)

// Reaction is the action of a trap when it triggers.
type Reaction int

// The reactions.
const (
	Notice       Reaction = iota // no action: the trap only records
	LoseAnswer                   // the answer is lost, and the connection is reset, because TCP never loses an answer alone
	HoldAnswer                   // the answer, and everything behind it, waits until the participant has sent another request
	HoldRequests                 // the answer passes, and later requests of the participant wait
)

// Trap intercepts the answer to one write of a participant. It triggers once.
type Trap struct {
	Triggered <-chan struct{} // closed when the trap has caught an exchange
	Opened    <-chan struct{} // closed when the trap holds nothing any more

	proxy     *Proxy
	on        func(Exchange) bool
	reaction  Reaction
	triggered chan struct{}
	opened    chan struct{}
	caught    Caught
}

// Caught describes the exchange that a trap has caught.
type Caught struct {
	Exchange               // the exchange whose answer triggered it; none if Answered is 0
	Lost     bool          // the connection was reset instead of the answer
	Followed bool          // another request was sent while the answer was held
	Held     time.Duration // until then, or so far
	Waiting  bool          // a request of the participant was held
	Passed   int           // requests that were sent on that connection while it held
}

// SetTrap sets a trap for the next answered write for which on is true. The function on
// must not block nor call the proxy. The trap must be opened at the end.
func (p *Proxy) SetTrap(on func(Exchange) bool, reaction Reaction) *Trap {
	t := &Trap{proxy: p, on: on, reaction: reaction, triggered: make(chan struct{}), opened: make(chan struct{})}
	t.Triggered, t.Opened = t.triggered, t.opened
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = append(p.traps, t)
	return t
}

// Open releases everything that the trap holds; it does not trigger again.
func (t *Trap) Open() {
	t.proxy.mu.Lock()
	defer t.proxy.mu.Unlock()
	t.open()
	t.proxy.traps = without(t.proxy.traps, t)
}

func (t *Trap) open() {
	if !fired(t.opened) {
		close(t.opened)
		t.caught.Held = t.held()
	}
}

// held is how long the trap has held a frame.
func (t *Trap) held() time.Duration {
	if t.caught.Answered == 0 || t.reaction < HoldAnswer {
		return 0
	}
	return clock.Now() - t.caught.Answered
}

// Caught is the exchange that the trap has caught so far.
func (t *Trap) Caught() Caught {
	t.proxy.mu.Lock()
	defer t.proxy.mu.Unlock()
	caught := t.caught
	if !fired(t.opened) {
		caught.Held = t.held()
	}
	return caught
}

// keepsRequests reports whether the trap makes the participant's requests wait.
func (t *Trap) keepsRequests() bool { return t.reaction == HoldRequests && !fired(t.opened) }

// trigger decides about the answer to a write: it waits until a channel is closed, or a
// trap loses it.
func (p *Proxy) trigger(f *flow, x Exchange) (held <-chan struct{}, lost *Trap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range slices.Clone(p.traps) {
		if !t.on(x) {
			continue
		}
		p.traps = without(p.traps, t)
		t.caught.Exchange = x
		close(t.triggered)
		switch t.reaction {
		case LoseAnswer:
			lost = t
		case HoldAnswer:
			f.traps, held = append(f.traps, t), t.opened
		case HoldRequests:
			f.traps = append(f.traps, t)
		}
	}
	return held, lost
}

// lost notes that a connection was reset instead of an answer.
func (t *Trap) lost() {
	t.proxy.mu.Lock()
	defer t.proxy.mu.Unlock()
	t.caught.Lost = true
	t.proxy.tally.Resets++
}

// requested notifies the traps of a request that is about to be sent. Pings do not count,
// because the library sends them by itself.
func (p *Proxy) requested(f *flow, r wire.Request) {
	if r.Opcode == wire.OpPing {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range f.traps {
		switch {
		case fired(t.opened):
		case t.reaction == HoldAnswer:
			t.caught.Followed = true
			t.open()
		default:
			t.caught.Passed++
		}
	}
}

func without(all []*Trap, t *Trap) []*Trap {
	return slices.DeleteFunc(slices.Clone(all), func(other *Trap) bool { return other == t })
}

func fired(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
