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

// Ears are told what a proxy reads along. Each may be nil; none may block.
type Ears struct {
	// Granted hears of each session that a server grants the participant and that it
	// did not have before, before the participant does.
	Granted func(Session)
	// Wrote hears of each write of the participant, once: when its answer arrives,
	// before the participant hears of it, or when its connection ends without one.
	Wrote func(Exchange)
	// Held, if it is set, is given each request of the participant, and each watch
	// event, to say what becomes of it. Only the handshake, credentials and pings
	// pass of themselves.
	Held func(*Held)
}

// Exchange is one request of the participant that is a write, or ends the session,
// and what the proxy has seen of the answer. A request that did not leave the proxy
// whole is none.
type Exchange struct {
	Session  int64
	Request  wire.Request
	Sent     time.Duration // when it left the proxy, by internal/clock
	Answered time.Duration // when the answer arrived; 0 when none did: it may have taken effect or not
	Zxid     int64         // its place in ZooKeeper's order, if it was answered
	Result   zkapi.Result
	Err      error // nil: it was applied
}

// flow is one TCP connection from the participant, and the one behind it, with what
// was read along.
type flow struct {
	client, server net.Conn
	address        string // of the server
	talk           wire.Conversation
	to, from       wire.Frames // the server; each is used by one pump
	greeted        bool        // the first frame of the server has been seen

	mu      sync.Mutex
	open    map[int32]Exchange      // writes without an answer, by xid
	swallow map[int32]chan struct{} // of answers that are to be kept, by xid
}

func newFlow(client, server net.Conn, address string) *flow {
	return &flow{client: client, server: server, address: address, open: map[int32]Exchange{}, swallow: map[int32]chan struct{}{}}
}

func (f *flow) close() {
	_ = f.client.Close()
	_ = f.server.Close()
}

// swallowed notes that bytes from the participant are lost: what follows on this
// connection reaches no server as a request.
func (f *flow) swallowed([]byte) { f.to.Break() }

// sending reads along what is about to be sent to the server.
func (p *Proxy) sending(f *flow) func([]byte) {
	return func(b []byte) {
		for _, body := range f.to.Feed(b) {
			if request, ok := f.talk.Sent(body); ok && request.Writes() {
				f.sent(request)
			}
		}
	}
}

// receiving reads along what has come from the server, also when it will be
// swallowed: what is known of a write does not depend on who else knows it.
func (p *Proxy) receiving(f *flow) func([]byte) {
	return func(b []byte) {
		for _, body := range f.from.Feed(b) {
			if reply, ok := f.talk.Received(body); ok {
				f.answered(reply, p.ears.Wrote)
			}
			p.welcome(f)
		}
	}
}

// welcome takes note of the session that a server has granted, once. One of which
// the participant does not hear is none of its own.
func (p *Proxy) welcome(f *flow) {
	if s, ok := f.talk.Session(); ok && !f.greeted {
		f.greeted = true
		if s.ID != 0 && !p.isCut() {
			p.saw(f, Session{ID: s.ID, Password: s.Password})
		}
	}
}

// sent notes a write that is about to leave the proxy.
func (f *flow) sent(request wire.Request) {
	session, _ := f.talk.Session()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[request.Xid] = Exchange{Session: session.ID, Request: request, Sent: clock.Now()}
}

// answered tells of the write that a reply is to, if it is to one.
func (f *flow) answered(reply wire.Reply, wrote func(Exchange)) {
	f.mu.Lock()
	exchange, ok := f.open[reply.Xid]
	delete(f.open, reply.Xid)
	f.mu.Unlock()
	if !ok || wrote == nil {
		return
	}
	exchange.Answered, exchange.Zxid = clock.Now(), reply.Zxid
	exchange.Result, exchange.Err = reply.Outcome()
	wrote(exchange)
}

// end tells of the writes that will not be answered any more.
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
