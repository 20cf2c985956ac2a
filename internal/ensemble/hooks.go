package ensemble

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Hooks are called with the traffic that a proxy reads. Each may be nil; none may block.
type Hooks struct {
	// Granted gets each new session that a server grants the participant, before the
	// participant gets it.
	Granted func(Session)
	// Wrote gets each write of the participant once: when its answer arrives, before the
	// participant gets it, or when its connection ends without an answer.
	Wrote func(Exchange)
	// Held, if it is set, is given each request of the participant, and each watch event,
	// and decides when it passes. Only the handshake, credentials and pings pass without
	// it.
	Held func(*Held)
}

// Exchange is one request of the participant that is a write, or ends the session, with
// the answer that the proxy has seen. A request that did not leave the proxy whole is
// not an exchange.
type Exchange struct {
	Session  int64
	Request  wire.Request
	Sent     time.Duration // when it left the proxy, by internal/clock
	Answered time.Duration // when the answer arrived; 0 when none did: it may have taken effect or not
	Zxid     int64         // its place in ZooKeeper's order, if it was answered
	Result   zkapi.Result
	Err      error // nil: it was applied
}

// flow is one TCP connection from the participant and its connection to the server,
// with the traffic that was read.
type flow struct {
	client, server net.Conn
	address        string // of the server
	life           int    // of the participant
	talk           wire.Conversation
	to, from       wire.Frames // the server; each is used by one goroutine
	handshaken     bool        // the first frame of the server has been seen

	ending sync.Once
	closed chan struct{}

	// These fields are under the proxy's mu.
	lost  bool    // bytes of it were swallowed
	traps []*Trap // that have caught an answer of it

	mu      sync.Mutex
	open    map[int32]Exchange      // writes without an answer, by xid
	swallow map[int32]chan struct{} // answers that are kept from the participant, by xid
}

func newFlow(client, server net.Conn, address string) *flow {
	return &flow{
		client: client, server: server, address: address, closed: make(chan struct{}),
		open: map[int32]Exchange{}, swallow: map[int32]chan struct{}{},
	}
}

func (f *flow) close() {
	f.ending.Do(func() {
		close(f.closed)
		_ = f.client.Close()
		_ = f.server.Close()
	})
}

// reset ends the connection; the participant sees a reset.
func (f *flow) reset() {
	f.ending.Do(func() {
		close(f.closed)
		hangUp(f.client)
		_ = f.server.Close()
	})
}

// await waits until c is closed, and returns false when the connection is over first.
func (f *flow) await(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-f.closed:
		return false
	}
}

// pause waits for d, and returns false when the connection is over first.
func (f *flow) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-f.closed:
		return false
	}
}

// sending reads the bytes that are about to be sent to the server.
func (p *Proxy) sending(f *flow, b []byte) {
	for _, body := range f.to.Feed(b) {
		request, ok := f.talk.Sent(body)
		if !ok {
			continue
		}
		p.requested(f, request)
		if request.Writes() {
			f.sent(request)
		}
	}
}

// receiving reads a frame of the server and decides its delivery.
func (p *Proxy) receiving(f *flow, body []byte) packet {
	reply, ok := f.talk.Received(body)
	if !ok && !f.handshaken {
		f.handshaken = true
		return p.handshake(f)
	}
	exchange, ok := p.reportWrite(f, reply, ok)
	if !ok {
		return packet{}
	}
	held, lost := p.trigger(f, exchange)
	return packet{held: held, ends: lost != nil, trap: lost}
}

// reportWrite passes the write that a reply answers to the hook, if it answers one.
func (p *Proxy) reportWrite(f *flow, reply wire.Reply, ok bool) (Exchange, bool) {
	if !ok {
		return Exchange{}, false
	}
	exchange, ok := f.answered(reply)
	if ok && p.hooks.Wrote != nil {
		p.hooks.Wrote(exchange)
	}
	return exchange, ok
}

// handshake decides the delivery of the server's answer to a handshake.
func (p *Proxy) handshake(f *flow) packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.impairment.New != CutHandshake {
		return packet{handshake: true}
	}
	if s, _ := f.talk.Session(); s.ID != 0 {
		p.tally.Unheard = append(p.tally.Unheard, s.ID)
	}
	p.tally.Resets++
	return packet{ends: true}
}

// recordGrant records a granted session just before the participant gets the answer. If
// the answer is lost, the session does not count as the participant's own.
func (p *Proxy) recordGrant(f *flow) {
	if s, ok := f.talk.Session(); ok && s.ID != 0 {
		p.remember(f, Session{ID: s.ID, Password: s.Password, Life: f.life})
	}
}

// sent notes a write that is about to leave the proxy.
func (f *flow) sent(request wire.Request) {
	session, _ := f.talk.Session()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[request.Xid] = Exchange{Session: session.ID, Request: request, Sent: clock.Now()}
}

// answered is the write that a reply answers, if it answers one.
func (f *flow) answered(reply wire.Reply) (Exchange, bool) {
	f.mu.Lock()
	exchange, ok := f.open[reply.Xid]
	delete(f.open, reply.Xid)
	f.mu.Unlock()
	if ok {
		exchange.Answered, exchange.Zxid = clock.Now(), reply.Zxid
		exchange.Result, exchange.Err = reply.Outcome()
	}
	return exchange, ok
}

// end passes the writes that will not be answered any more to the hook.
func (f *flow) end(wrote func(Exchange)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := slices.SortedFunc(maps.Values(f.open), func(a, b Exchange) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.Request.Xid, b.Request.Xid))
	})
	clear(f.open)
	for _, exchange := range left {
		if wrote != nil {
			wrote(exchange)
		}
	}
}
