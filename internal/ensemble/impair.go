package ensemble

import (
	"math/rand/v2"
	"net"
	"slices"
	"time"
)

// Direction is one of the two ways of a connection.
type Direction int

// The directions.
const (
	ToServers Direction = iota
	ToParticipant
)

// Admission says how a proxy treats a new connection.
type Admission int

// The admissions.
const (
	Admit        Admission = iota
	Freeze                 // it is accepted and then silent, and it reaches no server
	CutHandshake           // it is reset when the server has answered the handshake
)

// Impairment is the set of defects of a participant's line, on old and new connections.
// The zero value is a good line. A proxy with [Hooks.Held] has none.
type Impairment struct {
	Swallow [2]bool // by Direction: bytes in that direction are lost
	Hold    [2]bool // by Direction: bytes in that direction wait until the impairment changes

	// DelayMin to DelayMax is the delay of each packet, both ways. Packets keep their
	// order. Bytes from a server are delayed frame by frame.
	DelayMin, DelayMax time.Duration
	BytesPerSecond     int           // bytes each way; 0: no limit
	BytePause          time.Duration // before each single byte to the participant

	New    Admission
	Refuse string // the server to which connections are reset as soon as they are accepted

	Seed uint64 // of the delays
}

// Tally counts the effects of a proxy since its last impairment.
type Tally struct {
	Passed, Swallowed [2]int64 // bytes, by Direction

	Late                int // packets that the impairment delayed
	LateTotal, LateMost time.Duration
	Pieces              int // the most pieces in which one frame reached the participant

	Resets  int     // connections that were reset
	Refused int     // new connections to the refused server
	Frozen  int     // new connections on which the participant sent bytes and got no answer
	Unheard []int64 // sessions that a server granted or renewed, and whose answer did not reach the participant
}

// Impair replaces the defects of the line, and begins a new tally. Connections stay;
// see [Proxy.Break].
func (p *Proxy) Impair(i Impairment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.impair(i)
	p.tally = Tally{}
}

func (p *Proxy) impair(i Impairment) {
	p.impairment, p.jitter = i, rand.New(rand.NewPCG(i.Seed, 0))
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut swallows everything in both directions, on old and new connections.
func (p *Proxy) Cut() { p.Impair(Impairment{Swallow: [2]bool{true, true}}) }

// Heal makes the line good. It closes connections that lost bytes, because they cannot
// be continued, and frozen ones. Held bytes go on.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.impair(Impairment{})
	for f := range p.flows {
		if f.lost {
			f.close()
		}
	}
	p.thaw()
}

// thaw closes the connections that are frozen.
func (p *Proxy) thaw() {
	for c := range p.frozen {
		_ = c.Close()
	}
}

// Break resets all connections of the participant and returns how many had reached a
// server. It may connect again at once.
func (p *Proxy) Break() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for f := range p.flows {
		f.reset()
	}
	p.thaw()
	p.tally.Resets += len(p.flows)
	return len(p.flows)
}

// Tally counts the effects of the proxy since its last impairment, or since it was
// made.
func (p *Proxy) Tally() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tally
	t.Unheard = slices.Clone(t.Unheard)
	return t
}

// admit reports whether a new connection may go on to its server. If not, admit has
// already handled it.
func (p *Proxy) admit(client net.Conn, server string) bool {
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		_ = client.Close()
	case p.impairment.Refuse == server:
		p.tally.Refused++
		p.mu.Unlock()
		hangUp(client)
	case p.impairment.New == Freeze:
		p.frozen[client] = true
		p.mu.Unlock()
		p.freeze(client)
	default:
		p.mu.Unlock()
		return true
	}
	return false
}

// freeze listens to a participant and says nothing, until it or the proxy hangs up.
func (p *Proxy) freeze(client net.Conn) {
	defer client.Close()
	buffer := make([]byte, 1<<10)
	for spoken := false; ; {
		n, err := client.Read(buffer)
		p.mu.Lock()
		if n > 0 && !spoken {
			spoken = true
			p.tally.Frozen++
		}
		if err != nil {
			delete(p.frozen, client)
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hangUp ends a connection with a reset.
func hangUp(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// delay draws the delay of a packet that arrives now.
func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.impairment
	if i.DelayMax <= 0 {
		return 0
	}
	return i.DelayMin + time.Duration(p.jitter.Int64N(int64(max(i.DelayMax-i.DelayMin, 1))))
}

// slice is the number of the next bytes that go together, and how long they take.
func (p *Proxy) slice(to Direction, size int) (n int, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.impairment
	if rate := i.BytesPerSecond; rate > 0 {
		const perSecond = 20 // slices of a busy line
		size = min(size, max(rate/perSecond, 1))
		takes = time.Duration(size) * time.Second / time.Duration(rate)
	}
	if i.BytePause > 0 && to == ToParticipant {
		size, takes = 1, takes+i.BytePause
	}
	return size, takes
}

// leave decides about n bytes that are about to leave the proxy: they pass, they are
// lost, or they wait until a channel is closed and ask again.
func (p *Proxy) leave(f *flow, to Direction, n int) (pass bool, wait <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if to == ToServers {
		for _, t := range f.traps {
			if t.keepsRequests() {
				t.caught.Waiting = true
				return false, t.opened
			}
		}
	}
	switch {
	case p.impairment.Swallow[to]:
		p.tally.Swallowed[to] += int64(n)
		f.lost = true
		return false, nil
	case p.impairment.Hold[to]:
		return false, p.changed
	}
	p.tally.Passed[to] += int64(n)
	return true, nil
}

// late counts a packet that the impairment has delayed, and the pieces in which it
// left.
func (p *Proxy) late(by time.Duration, to Direction, pieces int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.Late++
	p.tally.LateTotal += by
	p.tally.LateMost = max(p.tally.LateMost, by)
	if to == ToParticipant {
		p.tally.Pieces = max(p.tally.Pieces, pieces)
	}
}
