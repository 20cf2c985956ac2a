package bench

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// exchange is a request and its answer on a connection, or an event that a server sent.
type exchange struct {
	who    string
	what   string
	at     time.Duration // when it was asked, or came, since the tape was started
	took   time.Duration
	event  bool
	write  bool
	answer bool // has come
}

// tape notes what passes on the connections of several roles, in the time from start to stop.
type tape struct {
	mu      sync.Mutex
	running bool
	began   time.Duration
	all     []*exchange
}

// start forgets what was noted.
func (t *tape) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running, t.began, t.all = true, clock.Now(), nil
}

// stop returns what was noted, in the order of the requests.
func (t *tape) stop() (noted []exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	for _, e := range t.all {
		noted = append(noted, *e)
	}
	slices.SortStableFunc(noted, func(a, b exchange) int { return cmp.Compare(a.at, b.at) })
	return noted
}

// note adds what happens now, if the tape runs.
func (t *tape) note(e exchange) *exchange {
	now := clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running {
		return nil
	}
	e.at = now - t.began
	t.all = append(t.all, &e)
	return &e
}

// answered notes that the answer to a request has come. An answer that comes after the tape was
// stopped, or started again, is not noted.
func (t *tape) answered(e *exchange) {
	now := clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running && slices.Contains(t.all, e) {
		e.took, e.answer = now-t.began-e.at, true
	}
}

// dial makes connections for a role whose frames are noted.
func (t *tape) dial(who string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &taped{Conn: conn, tape: t, who: who, open: map[int32]*exchange{}}, nil
	}
}

// driver is another process of that name, as the ensemble sees it, on the tape.
func (t *tape) driver(b *bed, who string) (*zkclient.Driver, error) {
	return zkclient.New(zkclient.Config{Servers: b.servers, SessionTimeout: 10 * time.Second, Dial: t.dial(who)})
}

// taped is a connection whose frames are noted.
type taped struct {
	net.Conn
	tape *tape
	who  string

	talk        wire.Conversation
	mu          sync.Mutex
	sent, heard wire.Frames
	open        map[int32]*exchange // by xid
}

// Write implements net.Conn. It notes the requests first, so that no answer is earlier.
func (c *taped) Write(bytes []byte) (int, error) {
	c.mu.Lock()
	for _, frame := range c.sent.Feed(bytes) {
		r, ok := c.talk.Sent(frame)
		if !ok || r.Xid < 0 { // pings, credentials and watches that are set again belong to no task
			continue
		}
		if e := c.tape.note(exchange{who: c.who, what: describe(r), write: r.Writes()}); e != nil {
			c.open[r.Xid] = e
		}
	}
	c.mu.Unlock()
	return c.Conn.Write(bytes)
}

// Read implements net.Conn.
func (c *taped) Read(bytes []byte) (int, error) {
	n, err := c.Conn.Read(bytes)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, frame := range c.heard.Feed(bytes[:n]) {
		r, ok := c.talk.Received(frame)
		switch {
		case !ok:
		case r.Xid == wire.XidEvent:
			c.tape.note(exchange{who: c.who, what: describeEvent(r.Event), event: true})
		case c.open[r.Xid] != nil:
			c.tape.answered(c.open[r.Xid])
			delete(c.open, r.Xid)
		}
	}
	return n, err
}
