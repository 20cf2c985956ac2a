package serve_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// Requests of the tests.
const (
	opCreate  = 1
	opExists  = 3
	opGet     = 4
	opSync    = 9
	opPing    = 11
	codeOK    = 0
	noNode    = -101
	tick      = 2 * time.Second
	syncLimit = 5 * tick
	election  = 200 * time.Millisecond
)

// inBubble runs a test on an ensemble in virtual time.
func inBubble(t *testing.T, options serve.Options, do func(*testing.T, *serve.Ensemble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(options)
		defer e.Close()
		do(t, e)
	})
}

// client is a rawConn with a session.
type client struct {
	rawConn
	id       int64
	password []byte
	timeout  time.Duration
	answers  chan *jute.Decoder // each frame; closed with the connection
}

// join connects, and asks for a new session.
func join(t *testing.T, m *serve.Member, timeout time.Duration) *client {
	t.Helper()
	c := &client{rawConn: raw(t, m)}
	c.timeout, c.id, c.password = c.greet(timeout, 0, nil)
	if c.id == 0 {
		t.Fatalf("member %d grants no session", m.ID())
	}
	c.listen()
	return c
}

// rejoin connects, asks for the session of another client, and reports whether it got it.
func rejoin(t *testing.T, m *serve.Member, old *client) (*client, bool) {
	t.Helper()
	c := &client{rawConn: raw(t, m), password: old.password}
	c.timeout, c.id, _ = c.greet(old.timeout, old.id, old.password)
	c.listen()
	return c, c.id == old.id
}

func (c *client) listen() {
	const most = 1000
	c.answers = make(chan *jute.Decoder, most)
	go func() {
		defer close(c.answers)
		for d := c.receive(); !d.Bad; d = c.receive() {
			c.answers <- d
		}
	}()
}

// ask sends a request, and does not wait for its answer.
func (c *client) ask(xid, op int32, fill func(*jute.Encoder)) {
	c.send(func(to *jute.Encoder) {
		to.Int32(xid)
		to.Int32(op)
		fill(to)
	})
}

// next is the next frame that comes within a time: its xid, zxid and code.
func (c *client) next(within time.Duration) (xid int32, zxid int64, code int32, came bool) {
	select {
	case d := <-c.answers:
		if d == nil {
			return 0, 0, 0, false
		}
		return d.Int32(), d.Int64(), d.Int32(), true
	case <-time.After(within):
		return 0, 0, 0, false
	}
}

// isClosed reports whether the connection ends within a time, without another frame.
func (c *client) isClosed(within time.Duration) bool {
	select {
	case d := <-c.answers:
		return d == nil
	case <-time.After(within):
		return false
	}
}

// do makes a request and returns the code of its answer, which must be the next frame and must
// come at once.
func (c *client) do(op int32, fill func(*jute.Encoder)) int32 {
	c.t.Helper()
	xid := int32(77)
	if op == opPing {
		xid = -2 // of every ping
	}
	c.ask(xid, op, fill)
	got, _, code, came := c.next(time.Millisecond)
	if !came || got != xid {
		c.t.Fatalf("the answer to a request of type %d did not come at once: xid %d, %v", op, got, came)
	}
	return code
}

// keep sends pings until the test ends.
func (c *client) keep() {
	go func() {
		var ping jute.Encoder
		ping.Int32(8)
		ping.Int32(-2)
		ping.Int32(opPing)
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for {
			select {
			case <-c.t.Context().Done():
				return
			case <-ticks.C:
			}
			if _, err := c.Write(ping.Bytes); err != nil {
				return
			}
		}
	}()
}

func nothing(*jute.Encoder) {}

func at(path string) func(*jute.Encoder) { return func(to *jute.Encoder) { to.String(path) } }

func reading(path string, watch bool) func(*jute.Encoder) {
	return func(to *jute.Encoder) { to.String(path); to.Bool(watch) }
}

func persistent(path string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		ephemeral(path)(to)
		to.Bytes[len(to.Bytes)-1] = 0
	}
}

func has(e *serve.Ensemble, path string) bool {
	_, err := e.Tree().Node(path)
	return err == nil
}

// refuses reports whether a server closes a new connection instead of granting a session.
func refuses(t *testing.T, m *serve.Member) bool {
	c := raw(t, m)
	_, _ = c.Write([]byte{0, 0, 0, 29}) // a refusal may come before it is written
	_, _ = c.Write(make([]byte, 29))
	return c.receive().Bad
}

func (c *client) isOpen() bool { return c.do(opPing, nothing) == codeOK }

// drain drops the answers that have come.
func drain(c *client) {
	for {
		if _, _, _, came := c.next(time.Millisecond); !came {
			return
		}
	}
}

// tcp is raw over TCP.
func tcp(t *testing.T, address string) rawConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return rawConn{t, c}
}

// acl is what a create has behind its data: everybody may do everything, and it is persistent.
func acl() []byte {
	var to jute.Encoder
	persistent("")(&to)
	return to.Bytes[8:] // the path and the data
}

const opMulti = 14

// multi creates several znodes.
func multi(paths ...string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		for _, path := range paths {
			to.Int32(opCreate)
			to.Bool(false)
			to.Int32(-1)
			persistent(path)(to)
		}
		to.Int32(-1)
		to.Bool(true)
		to.Int32(-1)
	}
}

// tries reports whether a new connection gets a session; it waits if nothing comes.
func (c rawConn) tries() bool {
	var to jute.Encoder
	to.Int32(28)
	to.Int32(0)
	to.Int64(0)
	to.Int32(10000)
	to.Int64(0)
	to.Buffer(nil)
	_, _ = c.Write(to.Bytes) // a refusal may come first
	return !c.receive().Bad
}

// refused reports whether a client that has seen a zxid is refused.
func (c rawConn) refused(seen, id int64, password []byte) bool {
	c.send(func(to *jute.Encoder) {
		to.Int32(0)
		to.Int64(seen)
		to.Int32(10000)
		to.Int64(id)
		to.Buffer(password)
	})
	return c.receive().Bad
}
