package serve

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// prefixBytes is the length in front of each frame.
const prefixBytes = 4

// unsentMost is how many bytes may wait for a client that does not read. The server then stops
// to read from that client.
const unsentMost = 4 << 20

// readAhead is how much is read from a connection before it is looked at. Each connection has a
// buffer of that size.
const readAhead = 4 << 10

// lastWords is how long a connection that ends may take to send its last answers.
const lastWords = 5 * time.Second

// conn is one connection of a client.
type conn struct {
	member *Member
	net    net.Conn
	name   string // of the client: its address

	// Guarded by the ensemble's lock:
	session *session // nil before the handshake
	ids     []identity
	heard   time.Time     // when the client was heard last
	asked   *message      // the request that is being carried out
	refused bool          // that request was refused
	held    []heldMessage // what a fault holds back, and what came behind it
	bytes   int           // of what is held
	taking  bool          // what was held is being carried out
	asks    int64         // the session that its handshake asks for; 0 is a new one
	lossy   bool          // a fault has swallowed a message
	free    [2]time.Time  // when a line that a fault throttles has carried what it has, to the server and from it

	out       sync.Mutex // guards what follows
	unsent    []byte
	lateBytes int
	late      []parcel  // what a fault holds back; it is sent after all that is unsent
	changed   sync.Cond // of out
	line      net.Conn  // what is closed first at the end: of a connection that is aborted, what is below TLS
	ending    bool      // nothing more is added; what is there is still sent
}

func newConn(m *Member, nc net.Conn) *conn {
	c := &conn{member: m, net: nc, line: nc, name: "?"}
	if addr := nc.RemoteAddr(); addr != nil {
		c.name = addr.String()
	}
	c.changed.L = &c.out
	host, _, err := net.SplitHostPort(c.name)
	if err != nil {
		host = c.name
	}
	c.ids = []identity{{"ip", host}}
	return c
}

// run serves the connection until it ends.
func (c *conn) run() {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.send()
	}()
	left := c.receive(bufio.NewReaderSize(c.net, readAhead))
	e := c.member.ensemble
	e.mu.Lock()
	c.leave()
	e.mu.Unlock()
	if left {
		c.discardLate()
	}
	c.endOutput()
	<-sent
	e.mu.Lock()
	delete(c.member.leaving, c)
	e.mu.Unlock()
}

// receive reads what the client sends, one frame after the other, until the connection ends. It
// reports whether it was the client who left.
func (c *conn) receive(from *bufio.Reader) (left bool) {
	first, err := from.Peek(prefixBytes)
	if err != nil {
		c.tellHandshake(err)
		return true
	}
	if answer, known := c.member.fourLetters(string(first)); known {
		c.queue([]byte(answer))
		return false
	}
	var frame []byte
	for greeted := false; ; {
		if frame, err = c.frame(from, frame[:0]); err != nil {
			return true
		}
		became, more := c.arrive(readMessage(frame, greeted))
		if !more || !c.waitForRoom() {
			return false
		}
		greeted = greeted || became != swallowed
	}
}

// frame reads the next frame, into a buffer that it may grow.
func (c *conn) frame(from *bufio.Reader, into []byte) ([]byte, error) {
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(from, prefix[:]); err != nil {
		return nil, err
	}
	length := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if length < 0 || length > c.member.ensemble.options.MaxBuffer {
		c.member.ensemble.options.Log.Warn("a request has an impossible length, so its connection is closed", "client", c.name, "bytes", length)
		return nil, fmt.Errorf("serve: a frame of %d bytes", length)
	}
	// In steps, so that memory is used for bytes that came, not for those that were announced.
	const step = 64 << 10
	for len(into) < length {
		at := len(into)
		into = append(into, make([]byte, min(step, length-at))...)
		if _, err := io.ReadFull(from, into[at:]); err != nil {
			return nil, err
		}
	}
	return into, nil
}

// send writes what is queued, until the connection ends, and closes it.
func (c *conn) send() {
	defer func() {
		c.endOutput() // there will be no more room, so a wait for it ends
		c.shut()
	}()
	var sending []byte
	for {
		c.out.Lock()
		for len(c.unsent) == 0 && !(c.ending && len(c.late) == 0) {
			c.changed.Wait()
		}
		sending, c.unsent = c.unsent, sending[:0]
		c.changed.Broadcast()
		c.out.Unlock()
		if len(sending) == 0 {
			return
		}
		if !c.member.ensemble.durable() {
			return
		}
		if _, err := c.net.Write(sending); err != nil {
			return
		}
	}
}

// queue adds bytes to what is to be sent.
func (c *conn) queue(b []byte) { c.queueAfter(b, 0) }

// reply queues one frame, unless a fault takes it. The ensemble is locked.
func (c *conn) reply(body []byte) {
	wait, fate := c.departs(body)
	switch fate {
	case swallowed:
		return
	case lost:
		c.retire()
		return
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, prefixBytes+len(body)), uint32(len(body)))
	c.queueAfter(append(framed, body...), wait)
}

// endOutput lets the sender close the connection when it has sent everything.
func (c *conn) endOutput() {
	c.out.Lock()
	defer c.out.Unlock()
	if c.ending {
		return
	}
	c.ending = true
	c.changed.Broadcast()
	if len(c.late) == 0 {
		c.limitWrites()
	}
}

// limitWrites keeps the sender from waiting for ever for a client that does not read.
func (c *conn) limitWrites() { _ = c.net.SetWriteDeadline(time.Now().Add(lastWords)) }

// open reports whether the connection has not been dropped.
func (c *conn) open() bool { return c.member.conns[c] }

// waitForRoom waits while too much is unsent, and reports whether the connection goes on.
func (c *conn) waitForRoom() bool {
	c.out.Lock()
	defer c.out.Unlock()
	for len(c.unsent)+c.lateBytes > unsentMost && !c.ending {
		c.changed.Wait()
	}
	return !c.ending
}

// leave takes the connection out of the tables: its session goes on without it, and its
// watches go with it. The ensemble is locked.
func (c *conn) leave() {
	delete(c.member.conns, c)
	c.member.leaving[c] = true
	c.member.view.Watches.Drop(c)
	if c.session != nil && c.session.conn == c {
		c.session.conn = nil
	}
	c.member.ensemble.moved.Broadcast()
}

// retire closes the connection when what is queued has been sent. The ensemble is locked.
func (c *conn) retire() {
	c.leave()
	c.endOutput()
}

// drop closes the connection at once. The ensemble is locked.
func (c *conn) drop() {
	c.leave()
	c.discardLate()
	c.endOutput()
	c.shut()
}

// abort lets the end of the connection be a reset, where there is such a thing. The ensemble is
// locked.
func (c *conn) abort() {
	line := c.net
	if secure, is := line.(interface{ NetConn() net.Conn }); is {
		line = secure.NetConn()
	}
	if tcp, is := line.(interface{ SetLinger(seconds int) error }); is {
		_ = tcp.SetLinger(0) // without it the client gets an orderly end
	}
	c.out.Lock()
	defer c.out.Unlock()
	c.line = line
}

// shut closes the connection.
func (c *conn) shut() {
	c.out.Lock()
	line := c.line
	c.out.Unlock()
	_ = line.Close()  // if it is aborted, before TLS can say goodbye
	_ = c.net.Close() // it ends either way
}

func (c *conn) sessionID() int64 {
	if c.session == nil {
		return 0
	}
	return c.session.id
}

// pathOfEvent is the path of a frame that has an event.
func pathOfEvent(body []byte) string {
	d := jute.Decoder{Rest: body}
	d.Take(4 + 8 + 4 + 4 + 4) // the header, the type, the state
	return d.String()
}

// Numbers of the messages that have none of a request.
const (
	xidEvent int32 = -1
	xidPing  int32 = -2

	noZxid int64 = -1 // of a message that is about no moment

	stateConnected int32 = 3
)

// sendEvent queues the event of a watch, with the zxid of the change. The ensemble is locked.
func (c *conn) sendEvent(event zk.Event, zxid int64) {
	var to jute.Encoder
	header(&to, xidEvent, zxid, 0)
	to.Int32(int32(event.Type))
	to.Int32(stateConnected)
	encodeText(&to, event.Path)
	c.reply(to.Bytes)
}

// header encodes what every answer begins with.
func header(to *jute.Encoder, xid int32, zxid int64, code int32) {
	to.Int32(xid)
	to.Int64(zxid)
	to.Int32(code)
}

func hex(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }
