package zkclient

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// carriers are the requests of the library in whose place the wire writes others, such as a
// multiRead, which the library does not know. A carrier asks for the existence of a path that
// stands for one bundle. So the request of a bundle has the library's xid. It has its place in the
// library's queue, behind all earlier requests and credentials. The library fails it with the
// connection or the session.
//
// The path takes no znode away from users: no server takes U+FFFF in a path, and the secret is
// random. The library lets it pass. It is never sent: a carrier without a bundle is replaced,
// too.
type carriers struct {
	mu      sync.Mutex
	secret  string
	count   int
	bundles map[string]*bundle // by path
}

// add returns the path of the carrier of a bundle.
func (c *carriers) add(b *bundle) (path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret == "" {
		var bits [16]byte
		_, _ = rand.Read(bits[:]) // crypto/rand never fails: it ends the process instead
		c.secret, c.bundles = "/\uffff"+hex.EncodeToString(bits[:])+"-", map[string]*bundle{}
	}
	c.count++
	path = fmt.Sprintf("%s%d", c.secret, c.count)
	c.bundles[path] = b
	return path
}

// remove forgets a bundle whose carrier the library has given up.
func (c *carriers) remove(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.bundles, path)
}

// find reports whether a path is that of a carrier. Its bundle is nil if its caller waits no more.
func (c *carriers) find(path string) (b *bundle, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret == "" || !strings.HasPrefix(path, c.secret) {
		return nil, false
	}
	return c.bundles[path], true
}

// carried reports whether a packet is a carrier.
func (w *wire) carried(packet []byte) (b *bundle, is bool) {
	opcode, ok := opcodeOf(packet)
	w.mu.Lock()
	first := !w.connectSent
	w.mu.Unlock()
	if !ok || opcode != opcodeExists || first {
		return nil, false
	}
	d := jute.Decoder{Rest: packet[prefixBytes+8:]}
	return w.session.carriers.find(d.String())
}

// knowledge is what is known about an ability of the server of a connection.
type knowledge uint8

const (
	unknown knowledge = iota
	known
	lacking
)

// errLacking ends a connection whose server lacks an ability.
var errLacking = errors.New("the server does not know multiRead and addWatch (ZooKeeper 3.6 and later do)")

// carry writes the request of a bundle in place of its carrier.
//
// The first multiRead of a connection finds out whether the server knows multiRead, and the first
// addWatch finds out whether it knows addWatch. A server before 3.6 refuses such a request before it
// answers earlier ones, and then closes the connection, so the earlier ones would get no answer.
// Therefore carry first waits until everything is answered, and returns when this request is. Later requests wait in the library's queue
// meanwhile. If the connection has to end, carry returns an error, so that the library takes
// nothing from its queue before the next connection.
func (w *wire) carry(packet []byte, b *bundle) error {
	xid := int32(binary.BigEndian.Uint32(packet[prefixBytes:]))
	what := lacking
	if b != nil {
		what = w.has(b.ability)
	}
	switch {
	case what == lacking || what == known && b.goes != nil && !b.goes(w):
		w.send(existsRoot(xid), &request{opcode: opcodeExists, bundle: b, replaced: true})
		return nil
	case what == known:
		w.send(b.frame(xid), &request{opcode: b.opcode, parts: b.opcodes, bundle: b})
		return nil
	}
	if !w.await(func() bool { return len(w.sent) == 0 }) {
		return nil // as with each request of a lost connection
	}
	if b.goes != nil {
		b.goes(w)
	}
	w.send(b.frame(xid), &request{opcode: b.opcode, parts: b.opcodes, bundle: b, first: true})
	told := w.await(func() bool { return w.sent[xid] == nil })
	w.mu.Lock()
	closing, failed := w.unimplemented, w.failed != nil
	w.mu.Unlock()
	switch {
	case told && !closing || w.session.isOver():
		return nil
	case !told && !failed:
		w.session.lacks.of(b.ability).unanswered(w.target, w.session.now())
	}
	w.mu.Lock()
	w.closed, w.failed = true, errLacking
	w.mu.Unlock()
	_ = w.Conn.Close()
	return errLacking
}

// existsRoot asks for the root in place of a carrier: every server answers that.
func existsRoot(xid int32) []byte {
	var e jute.Encoder
	e.Int32(xid)
	e.Int32(opcodeExists)
	e.String("/")
	e.Bool(false)
	return prefixed(e.Bytes)
}

// has says whether the server of the connection has an ability. It is also lacking if it is not to
// be tried. A server that lacks multiRead lacks addWatch.
func (w *wire) has(a ability) knowledge {
	switch {
	case a == everyServer:
		return known
	case a == addWatch && w.has(multiRead) == lacking:
		return lacking
	}
	w.mu.Lock()
	what := w.knows[a]
	w.mu.Unlock()
	if what == unknown && w.session.lacks.of(a).avoids(w.target, w.session.now()) {
		return lacking
	}
	return what
}

// send writes one frame of a bundle.
func (w *wire) send(frame []byte, r *request) {
	w.mu.Lock()
	r.at, r.size = w.session.now(), len(frame)-prefixBytes
	if r.bundle != nil {
		r.bundle.seen = w.session.lastZxid.Load()
	}
	w.sent[int32(binary.BigEndian.Uint32(frame[prefixBytes:]))] = r
	w.mu.Unlock()
	w.put(frame)
}

// put writes a frame, with a deadline of its own if carry has waited. A failure ends the
// connection.
func (w *wire) put(frame []byte) {
	const part = 3 // of the session timeout, as in the library
	_ = w.Conn.SetWriteDeadline(time.Now().Add(2 * w.session.Timeout() / part))
	if _, err := w.Conn.Write(frame); err != nil {
		w.mu.Lock()
		w.failed = err
		w.mu.Unlock()
		_ = w.Conn.Close()
	}
}

// await waits until condition, which is called locked, holds. It returns false when the
// connection or the session is over. The library sends no pings meanwhile, so await does.
func (w *wire) await(condition func() bool) bool {
	const pings, shortest = 6, 10 * time.Millisecond
	ping := time.NewTicker(max(w.session.Timeout()/pings, shortest))
	defer ping.Stop()
	for {
		w.mu.Lock()
		holds, over := condition(), w.over
		w.mu.Unlock()
		if holds || over || w.session.isOver() {
			return holds
		}
		select {
		case <-w.news:
		case <-w.session.done.c:
		case <-ping.C:
			frame := pingFrame()
			w.note(frame)
			w.put(frame)
		}
	}
}

func pingFrame() []byte {
	var e jute.Encoder
	e.Int32(xidPing)
	e.Int32(opcodePing)
	return prefixed(e.Bytes)
}

// tell wakes await. w.mu is held, or the reader has ended.
func (w *wire) tell() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// skip passes over an answer that is too long, if it answers a multiRead, and keeps its head. A
// smaller one may fit, so it is no reason to end the connection.
func (w *wire) skip(length int) (bool, error) {
	start, err := w.reader.Peek(headBytes)
	if err != nil {
		return false, err
	}
	h, _ := readHead(start)
	w.mu.Lock()
	r := w.sent[h.xid]
	is := r != nil && r.opcode == opcodeMultiRead && h.code == 0
	if is {
		r.skipped = true
	}
	w.mu.Unlock()
	if !is {
		return false, nil
	}
	w.frame = append(w.frame, start...)
	_, err = w.reader.Discard(length)
	return true, err
}
