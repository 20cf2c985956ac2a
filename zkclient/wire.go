package zkclient

import (
	"bufio"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Fields of ZooKeeper's wire protocol (zookeeper.jute) that the wire looks at.
const (
	xidPing    = -2
	xidEvent   = -1
	opcodeQuit = -11
	opcodeAuth = 100
	// opcodeWatches sets the watches of an earlier connection again.
	opcodeWatches = 101
)

// wire is one TCP connection of a session. It passes bytes through and reads
// along: the connect response for the negotiated timeout, and the xids of
// requests and replies, because the lease starts when a request is sent, which
// only the connection knows. And it keeps the last zxid of the session in the
// library's place, which does so without a lock: replies reach it without theirs,
// and where it tells a server its last zxid, the session's is put in.
type wire struct {
	net.Conn
	reader  *bufio.Reader // many small packets for one system call; used by Read alone
	session *session
	address string
	limit   time.Time // the handshake must be complete by then

	mu        sync.Mutex
	greeted   bool // the connect request has been written
	told      bool // and completed
	greetedAt time.Time
	ready     bool                // the connect response has been read
	quitXid   int32               // of the request to close the session; 0 before it
	authXids  map[int32]bool      // of requests that show credentials
	sent      map[int32]time.Time // by xid, unanswered
	pings     []time.Time         // unanswered, oldest first: they all have the xid -2
	frame     frame
}

func newWire(conn net.Conn, s *session, address string, handshake time.Duration) *wire {
	w := &wire{Conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), session: s, address: address, limit: time.Now().Add(handshake), sent: map[int32]time.Time{}}
	_ = conn.SetReadDeadline(w.limit)
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

// Write sends one packet: the library writes each with a single call. A failure
// closes the socket and is reported as success, so that the reader finds it.
func (w *wire) Write(packet []byte) (int, error) {
	if w.session.isOver() && !isQuit(packet) {
		return len(packet), nil // swallowed; its caller hears of the session's end
	}
	w.note(packet)
	w.tellZxid(packet)
	if _, err := w.Conn.Write(packet); err != nil {
		_ = w.Conn.Close()
	}
	return len(packet), nil
}

func isQuit(packet []byte) bool {
	return len(packet) >= 12 && int32(binary.BigEndian.Uint32(packet[8:12])) == opcodeQuit
}

// note remembers when a packet was sent, before it is sent: a lease may start
// too early, never too late.
func (w *wire) note(packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	switch {
	case !w.greeted:
		w.greeted, w.greetedAt = true, now
	case len(packet) < 8:
	default:
		xid := int32(binary.BigEndian.Uint32(packet[4:8]))
		switch {
		case xid == xidPing:
			w.pings = append(w.pings, now)
		case isQuit(packet):
			w.quitXid = xid
		case len(packet) >= 12 && int32(binary.BigEndian.Uint32(packet[8:12])) == opcodeAuth:
			if w.authXids == nil {
				w.authXids = map[int32]bool{}
			}
			w.authXids[xid] = true
		default:
			w.sent[xid] = now
		}
	}
}

// tellZxid completes a packet that says what the session has seen: the first one of
// a connection, with which a server that lags behind refuses it, and the one that
// sets its watches again.
func (w *wire) tellZxid(packet []byte) {
	const connectAt, watchesAt = 8, 12
	at := watchesAt
	w.mu.Lock()
	first := !w.told
	w.told = true
	w.mu.Unlock()
	switch {
	case first:
		at = connectAt
	case len(packet) < watchesAt || binary.BigEndian.Uint32(packet[8:12]) != opcodeWatches:
		return
	}
	if len(packet) >= at+8 {
		binary.BigEndian.PutUint64(packet[at:], uint64(w.session.lastZxid.Load()))
	}
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.reader.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && !w.ready {
		w.session.broken(w.address, err)
	}
	for rest := b[:n]; len(rest) > 0; {
		var whole bool
		if rest, whole = w.frame.feed(rest, w.ready); whole {
			w.received(w.frame.head, w.frame.length)
			w.frame = frame{}
		}
	}
	return n, err
}

// received looks at one packet from the server.
func (w *wire) received(head []byte, length int) {
	if !w.ready {
		w.ready = true
		_ = w.Conn.SetReadDeadline(time.Time{})
		if length >= 16 {
			timeout := time.Duration(int32(binary.BigEndian.Uint32(head[4:8]))) * time.Millisecond
			if id := int64(binary.BigEndian.Uint64(head[8:16])); id != 0 {
				w.session.greeted(timeout, w.greetedAt)
			}
		}
		return
	}
	if length < headBytes {
		return
	}
	if zxid := int64(binary.BigEndian.Uint64(head[zxidAt:zxidEnd])); zxid > 0 && int32(binary.BigEndian.Uint32(head[:4])) >= 0 {
		w.session.lastZxid.Store(zxid)
		w.session.past.saw(zxid)
	}
	switch xid := int32(binary.BigEndian.Uint32(head[:4])); xid {
	case xidEvent:
	case w.quitXid:
		w.session.quit.fire()
	case xidPing:
		if len(w.pings) > 0 {
			w.session.acknowledged(w.pings[0])
			w.pings = w.pings[1:]
		}
	default:
		if w.authXids[xid] && length >= headBytes && binary.BigEndian.Uint32(head[12:16]) != 0 {
			// The library would connect again for ever, and each connection would
			// prolong the lease.
			w.session.finish(zkapi.ErrAuthFailed)
			return
		}
		if at, ok := w.sent[xid]; ok {
			delete(w.sent, xid)
			w.session.acknowledged(at)
		}
	}
}

// frame collects a packet: its length, and of its body no more than the head.
type frame struct {
	prefix []byte // the 4 bytes of the length
	head   []byte // the first bytes of the body
	length int
	seen   int // bytes of the body
}

// The head of a reply: xid, zxid, error.
const (
	headBytes = 16
	zxidAt    = 4
	zxidEnd   = 12
)

// feed takes bytes of one packet and returns what is left for the next, and
// whether the packet is whole. The zxid is kept in the head, and blanked in b if
// that is wanted.
func (f *frame) feed(b []byte, blank bool) (rest []byte, whole bool) {
	if need := 4 - len(f.prefix); need > 0 {
		n := min(need, len(b))
		f.prefix = append(f.prefix, b[:n]...)
		if len(f.prefix) < 4 {
			return nil, false
		}
		f.length = int(binary.BigEndian.Uint32(f.prefix))
		b = b[n:]
	}
	n := min(f.length-f.seen, len(b))
	if want := headBytes - len(f.head); want > 0 {
		f.head = append(f.head, b[:min(want, n)]...)
	}
	if from, to := max(zxidAt-f.seen, 0), min(zxidEnd-f.seen, n); blank && from < to {
		clear(b[from:to])
	}
	f.seen += n
	return b[n:], f.seen == f.length
}
