package zkclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Fields of ZooKeeper's wire protocol (zookeeper.jute) that the wire looks at.
const (
	xidPing  = -2
	xidEvent = -1

	opcodeCreate   = 1
	opcodeDelete   = 2
	opcodeExists   = 3
	opcodeGet      = 4
	opcodeSet      = 5
	opcodeSync     = 9
	opcodePing     = 11
	opcodeChildren = 12 // with the Stat
	opcodeCheck    = 13
	opcodeMulti    = 14
	opcodeQuit     = -11
	opcodeAuth     = 100
	// opcodeWatches sets the watches of an earlier connection again.
	opcodeWatches = 101

	codeSessionMoved = -118
)

// prefixBytes is the length in front of each frame.
const prefixBytes = 4

// wire is one TCP connection of a session, between the library and the socket.
//
// Requests pass unchanged; the wire notes when each was sent, because the lease starts then.
// The wire passes only whole frames from the server to the library, and only if they answer a
// request of this connection and their lengths and counts fit: the library trusts these
// numbers, and crashes the process when it reads past a frame (frames.go). The wire also
// keeps the last zxid of the session, because the library does so without a lock. It removes
// the zxids from replies, and puts the session's zxid into each packet in which the library
// sends its last zxid.
type wire struct {
	net.Conn
	session *session
	target  target
	limit   time.Time // the handshake must be complete by then

	// Of Read alone.
	reader *bufio.Reader // many small frames for one system call
	frame  []byte        // inspected
	taken  int           // bytes of frame that the library has

	mu            sync.Mutex
	connectSent   bool                 // the connect request has been written
	written       bool                 // and completed
	connectSentAt time.Duration        // by elapsed
	ready         bool                 // the server has granted or resumed the session
	sent          map[int32]*request   // by xid, unanswered
	pings         []time.Duration      // by elapsed, of unanswered pings, oldest first: they all have the xid -2
	closed        bool                 // from this side
	failed        error                // of the write that closed it
	moved         bool                 // the server has said that the session is elsewhere
	over          bool                 // there is nothing more to read
	knows         [abilities]knowledge // of the server
	unimplemented bool                 // the server has said that it lacks an ability, and closes the connection

	news chan struct{} // wakes carry when something has changed
}

// request describes a request that was sent.
type request struct {
	at      time.Duration // by elapsed
	opcode  int32
	size    int     // without the length in front
	parts   []int32 // of a multi or multiRead: the opcodes
	answers int     // that come before the answer for the library

	// Of a carrier, see carry:
	bundle   *bundle // what it carries; nil if its caller waits no more
	replaced bool    // another request was written in its place
	first    bool    // it finds out whether the server has an ability
	skipped  bool    // the answer was too long
}

func newWire(conn net.Conn, s *session, t target, limit time.Time) *wire {
	w := &wire{
		Conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), session: s, target: t,
		limit: limit, sent: map[int32]*request{}, news: make(chan struct{}, 1),
	}
	_ = conn.SetDeadline(w.limit)
	return w
}

// SetReadDeadline keeps the library from lifting the deadline of the handshake.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	ready := w.ready
	w.mu.Unlock()
	if !ready {
		t = w.limit
	}
	return w.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does the same for the connect request.
func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	ready := w.ready
	w.mu.Unlock()
	if !ready {
		t = w.limit
	}
	return w.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	return w.Conn.Close() // the reader finds it
}

// Write sends one packet: the library writes each with a single call. A failure
// closes the socket and is reported as success, so that the reader finds it.
func (w *wire) Write(packet []byte) (int, error) {
	if w.session.isOver() && !isQuit(packet) {
		return len(packet), nil // swallowed; its caller hears of the session's end
	}
	if b, is := w.carried(packet); is {
		return len(packet), w.carry(packet, b)
	}
	w.session.feeds.protect(w, packet)
	for _, one := range split(packet, watchesBytes) {
		w.setLastZxid(one)
		w.note(one)
		if _, err := w.Conn.Write(one); err != nil {
			w.mu.Lock()
			w.failed = err
			w.mu.Unlock()
			_ = w.Conn.Close()
			break
		}
	}
	return len(packet), nil
}

// opcodeOf is the opcode of a packet that is not the first of its connection.
func opcodeOf(packet []byte) (opcode int32, ok bool) {
	const at, end = 8, 12
	if len(packet) < end {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(packet[at:end])), true
}

func isQuit(packet []byte) bool {
	opcode, ok := opcodeOf(packet)
	return ok && opcode == opcodeQuit
}

// note remembers when a packet was sent, before it is sent: a lease may start
// too early, never too late.
func (w *wire) note(packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.session.now()
	if !w.connectSent {
		w.connectSent, w.connectSentAt = true, now
		return
	}
	opcode, ok := opcodeOf(packet)
	if !ok {
		return
	}
	xid := int32(binary.BigEndian.Uint32(packet[prefixBytes:]))
	if xid == xidPing {
		w.pings = append(w.pings, now)
		return
	}
	if earlier := w.sent[xid]; earlier != nil { // one request in several packets
		earlier.answers++
		return
	}
	r := &request{at: now, opcode: opcode, size: len(packet) - prefixBytes}
	if opcode == opcodeMulti {
		r.parts = partsOf(packet)
	}
	w.sent[xid] = r
}

// setLastZxid puts the session's last zxid into a packet: into the first packet of a connection,
// so that a lagging server refuses it, and into the packet that sets the watches again.
func (w *wire) setLastZxid(packet []byte) {
	const connectAt, watchesAt = 8, 12
	at := watchesAt
	w.mu.Lock()
	first := !w.written
	w.written = true
	w.mu.Unlock()
	if opcode, ok := opcodeOf(packet); first {
		at = connectAt
	} else if !ok || opcode != opcodeWatches {
		return
	}
	if len(packet) >= at+8 {
		binary.BigEndian.PutUint64(packet[at:], uint64(w.session.lastZxid.Load()))
	}
}

// Read passes on inspected frames. After an error there are no more.
func (w *wire) Read(b []byte) (int, error) {
	for w.taken == len(w.frame) {
		pass, err := w.next()
		if err != nil {
			w.ended(err)
			return 0, err
		}
		if !pass {
			w.taken = len(w.frame)
		}
	}
	n := copy(b, w.frame[w.taken:])
	w.taken += n
	return n, nil
}

// next reads one frame and inspects it. It reports whether the library is to have it.
func (w *wire) next() (pass bool, err error) {
	w.mu.Lock()
	ready, moved := w.ready, w.moved
	w.mu.Unlock()
	if moved {
		return false, errMoved
	}
	most := maxAnswer
	if !ready {
		most = maxConnectResponse
	}
	if err := w.fill(most); err != nil {
		return false, err
	}
	w.taken = 0
	w.mu.Lock()
	defer w.mu.Unlock()
	if !ready {
		return true, w.connectAnswered(w.frame[prefixBytes:])
	}
	return w.received(w.frame[prefixBytes:])
}

// errMoved ends a connection that the server does not count as the session's: the next one
// claims the session again.
var errMoved = errors.New("the session has moved to another connection")

// fill reads one whole frame. Memory grows with the received bytes, not with the announced
// length.
func (w *wire) fill(most int) error {
	const chunk, keep = 64 << 10, 1 << 20
	if cap(w.frame) > keep {
		w.frame = nil
	}
	w.frame = slices.Grow(w.frame[:0], prefixBytes)[:prefixBytes]
	w.taken = prefixBytes // nothing, if it is not completed
	if _, err := io.ReadFull(w.reader, w.frame); err != nil {
		return err
	}
	length := int(int32(binary.BigEndian.Uint32(w.frame)))
	if length > maxAnswer && most == maxAnswer {
		if skipped, err := w.skip(length); skipped || err != nil {
			return err
		}
	}
	if length < 0 || length > most {
		if isAlert := w.frame[0] == 0x15 && w.frame[1] == 3; isAlert {
			return w.protocolError("%s, an alert of TLS: the port wants TLS, zkclient.Config.TLS or --tls-ca", w.beginning())
		}
		return w.protocolError("%s, which as a length is %d bytes", w.beginning(), length)
	}
	for left := length; left > 0; {
		from := len(w.frame)
		n := min(left, max(chunk, from))
		w.frame = slices.Grow(w.frame, n)[:from+n]
		if _, err := io.ReadFull(w.reader, w.frame[from:]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// beginning is what there is of a frame that has no length, for a message.
func (w *wire) beginning() string {
	const most = 32
	more, _ := w.reader.Peek(min(w.reader.Buffered(), most-prefixBytes))
	return fmt.Sprintf("%q", append(slices.Clone(w.frame[:prefixBytes]), more...))
}

// protocolError returns the error for an answer that no ZooKeeper gives.
func (w *wire) protocolError(format string, args ...any) error {
	return fmt.Errorf("%w (answered "+format+")", append([]any{zkapi.ErrNotZooKeeper}, args...)...)
}

// ended tells the session why there is nothing more to read.
func (w *wire) ended(err error) {
	w.mu.Lock()
	ready := w.ready
	w.over = true
	w.tell()
	if w.failed != nil && errors.Is(err, net.ErrClosed) {
		err = w.failed // of the write that closed it
	}
	end := ending{target: w.target, err: err}
	end.byPeer = !w.closed && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, zkapi.ErrNotZooKeeper) &&
		!errors.Is(err, errMoved) && !errors.Is(err, errUnresponsive) &&
		(w.failed == nil || !errors.Is(w.failed, os.ErrDeadlineExceeded))
	for _, r := range w.sent {
		end.largest = max(end.largest, r.size)
	}
	w.mu.Unlock()
	w.session.feeds.lose(w)
	switch {
	case ready:
		w.session.lost(end)
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.session.slow.isSilent()
		w.session.broken(w.target, fmt.Errorf("no answer to the handshake in time; is this a client port of ZooKeeper? %w", err))
	default:
		w.session.broken(w.target, err)
	}
}

// connectAnswered looks at the answer to the connect request.
func (w *wire) connectAnswered(body []byte) error {
	g, ok := readConnectResponse(body)
	switch known := w.session.ID() != 0; {
	case !ok:
		return w.protocolError("the handshake with %d bytes that are not such an answer", len(body))
	case g.session == 0 && (!known || g.version != 0):
		return errNoSession
	case g.session == 0:
		w.ready = true // the library learns that the session is over
		return nil
	case g.version != 0:
		return w.protocolError("the handshake with version %d of the protocol", g.version)
	}
	if g.timeout < shortestTimeout || g.timeout > longestTimeout {
		return w.protocolError("the handshake with a session timeout of %v", g.timeout)
	}
	timeout, err := w.session.connectGranted(w.target, g, w.connectSentAt)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(body[timeoutAt:], uint32(timeout.Milliseconds()))
	w.ready = true
	w.session.establish(w)
	_ = w.Conn.SetDeadline(time.Time{})
	return nil
}

// errNoSession ends a connection to a server that accepts no clients, for example because it
// has no leader.
var errNoSession = errors.New("the server grants no session now")

// received looks at one frame after the handshake.
func (w *wire) received(body []byte) (pass bool, err error) {
	head, ok := readHead(body)
	if !ok {
		return false, w.protocolError("with a frame of %d bytes", len(body))
	}
	clear(body[zxidAt:zxidEnd])
	switch head.xid {
	case xidEvent:
		return true, w.event(body)
	case xidPing:
		if len(w.pings) == 0 {
			return false, w.protocolError("a ping that was not sent")
		}
		at := w.pings[0]
		w.pings = w.pings[1:]
		w.answered(&request{at: at, opcode: opcodePing}, head)
		return true, w.overtaken(at)
	}
	r := w.sent[head.xid]
	if r == nil {
		return false, w.protocolError("request %d, which was not sent", head.xid)
	}
	fit := head.code != 0 || r.skipped || fits(r, body[headBytes:])
	if !fit && !r.first {
		return false, w.protocolError("request %d (opcode %d) with %d bytes that do not fit it", head.xid, r.opcode, len(body))
	}
	if fit && head.zxid > 0 {
		w.session.lastZxid.Store(head.zxid)
		w.session.past.saw(head.zxid)
	}
	if fit {
		w.answered(r, head)
	}
	if r.answers > 0 {
		r.answers--
		return false, nil
	}
	delete(w.sent, head.xid)
	w.tell()
	if r.bundle != nil || r.replaced {
		w.unpack(r, head, body[headBytes:], fit)
	}
	return true, nil
}

// event looks at a watch event. The library has it, too, because the server tells a connection of
// a change once, whatever watches it has.
func (w *wire) event(body []byte) error {
	kind, path, ok := readEvent(body[headBytes:])
	if !ok {
		return w.protocolError("with %d bytes that are not an event", len(body))
	}
	for _, l := range w.session.feeds.hear(w, kind, string(path)) {
		w.session.begin(func() { w.session.unwatch(l) }) // ends with the connection
	}
	return nil
}

// errUnresponsive ends a connection whose server is there, and does not work.
var errUnresponsive = errors.New("the server answers pings, but not requests")

// overtaken returns the error if a ping is answered although a request that was sent long
// before it is not. A server answers in order, so this one does not process requests, and the
// client would wait for ever.
func (w *wire) overtaken(ping time.Duration) error {
	timeout := max(w.session.Timeout(), time.Second)
	for _, r := range w.sent {
		if waits := ping - r.at; waits > timeout {
			return fmt.Errorf("%w: a request (opcode %d) has waited for %v", errUnresponsive, r.opcode, waits.Round(time.Millisecond))
		}
	}
	return nil
}

// answered draws the conclusions from the answer to a request.
func (w *wire) answered(r *request, head head) {
	answer := zkapi.ServerError{Code: head.code}
	over := head.code != 0 && answer.EndsSession()
	switch {
	case r.opcode == opcodeQuit && (head.code == 0 || errors.Is(answer, zkapi.ErrSessionEnded)):
		w.session.quit.fire()
	case r.opcode == opcodeAuth && head.code != 0:
		// The library would connect again for ever, and each connection would
		// prolong the lease.
		w.session.finish(answer)
	case errors.Is(answer, zkapi.ErrSessionEnded) && over:
		w.session.deny(fmt.Errorf("%w: %w", ErrExpired, answer))
	case over:
		w.session.deny(answer)
	case head.code == codeSessionMoved:
		w.moved = true
	case provesLife(head.code):
		w.session.acknowledged(r.at)
		w.session.fitted(r.size)
	}
}
