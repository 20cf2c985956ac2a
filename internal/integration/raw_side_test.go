package integration

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// rawClients is how many clients a sequence has.
const rawClients = 3

// rawSide is one of the two servers, while a sequence is played on it.
type rawSide struct {
	address string
	root    string // in front of the paths; R in outcomes
	old     bool   // 3.8 is compared: what it lacks is left out
	takes   bool   // greetings that mention read-only servers say that they are welcome
	clients [rawClients]*rawClient
	guide   *rawClient

	base     int64            // the zxid before the root was made; later ones are counted from it
	changes  int32            // of the servers' root, before the sequence
	sessions map[int64]string // by id
	lines    []string         // of the outcome of this step
}

// rawClient is a client, which has or had a session.
type rawClient struct {
	side     *rawSide
	conn     net.Conn // nil: none
	broke    bool     // an earlier connection of the session was broken by the client
	read     *bufio.Reader
	ip       string // of the client, as the server sees it
	name     string
	session  int64
	password []byte
	seen     int64 // the last zxid
	xid      int32
}

// rawWait is how long an answer may take. A missing one is an outcome like another.
const rawWait = 5 * time.Second

func newRawSide(address, root string, old bool) (*rawSide, error) {
	s := &rawSide{address: address, root: root, old: old, sessions: map[int64]string{}}
	for i := range s.clients {
		s.clients[i] = &rawClient{side: s, name: fmt.Sprint("client ", i)}
	}
	s.guide = &rawClient{side: s, name: "guide"}
	s.greet(s.guide, rawGreeting{timeout: 40_000, readOnly: true})
	if s.guide.conn == nil {
		return nil, fmt.Errorf("no session: %s", s.outcome())
	}
	return s, s.makeRoot()
}

// makeRoot makes the znode that the paths are below. Zxids are counted from there.
func (s *rawSide) makeRoot() error {
	s.request(s.guide, rawCreate, func(to *jute.Encoder) {
		to.String(s.root)
		to.Buffer(nil)
		encodeACL(to, openToAll)
		to.Int32(0)
	})
	s.base = s.guide.seen - 1
	code, d := s.call(s.guide, rawExists, func(to *jute.Encoder) { to.String("/"); to.Bool(false) })
	if code != 0 {
		return fmt.Errorf("the root: %d", code)
	}
	d.Take(36)
	s.changes = d.Int32()
	return nil
}

// close ends all sessions that the sequence has had.
func (s *rawSide) close() {
	for id := range s.sessions {
		for _, c := range append(s.clients[:], s.guide) {
			if c.session == id {
				s.lines = nil
				c.drop()
				s.greet(c, rawGreeting{timeout: 40_000, session: id, password: c.password, readOnly: true})
				if c.conn != nil {
					s.request(c, rawClose, nil)
				}
				c.drop()
			}
		}
	}
}

func (s *rawSide) note(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// outcome is what this step has led to. Addresses differ between the servers.
func (s *rawSide) outcome() string {
	text := strings.ReplaceAll(strings.Join(s.lines, "\n  "), s.root, "R")
	return "  " + text + "\n"
}

// drop breaks the connection.
func (c *rawClient) drop() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn, c.broke = nil, true
	}
}

// rawGreeting is the first frame of a connection.
type rawGreeting struct {
	seen     int64
	timeout  int32
	session  int64
	password []byte
	readOnly bool // whether the frame says if a read-only server is welcome
}

func (g rawGreeting) encode(to *jute.Encoder, takes bool) {
	to.Int32(0)
	to.Int64(g.seen)
	to.Int32(g.timeout)
	to.Int64(g.session)
	to.Buffer(g.password)
	if g.readOnly {
		to.Bool(takes)
	}
}

// greet opens a connection for a client, and begins or resumes a session.
func (s *rawSide) greet(c *rawClient, g rawGreeting) {
	older, olderRead := c.conn, c.read
	conn, err := net.DialTimeout("tcp", s.address, rawWait)
	if err != nil {
		s.note("no connection: %v", err)
		return
	}
	c.conn, c.read = conn, bufio.NewReader(conn)
	c.ip = conn.LocalAddr().(*net.TCPAddr).IP.String()
	c.send(func(to *jute.Encoder) { g.encode(to, s.takes) })
	frame, err := c.frame()
	if err != nil {
		s.note("greeting: %v", err)
		c.drop()
		c.conn, c.read = older, olderRead
		return
	}
	d := jute.Decoder{Rest: frame}
	version, timeout, id, password := d.Int32(), d.Int32(), d.Int64(), slices.Clone(d.Buffer())
	s.note("greeting: version %d, timeout %d, session %v, a password of %d bytes, rest %x", version, timeout, id != 0, len(password), d.Rest)
	if id != c.session {
		c.broke = false
	}
	if g.session != 0 && id != 0 {
		s.note("the same session %v, the same password %v", id == c.session, slices.Equal(password, c.password))
	}
	if id == 0 {
		s.note("then %v", c.ended())
		c.drop()
	} else {
		c.session, c.password = id, password
		s.sessions[id] = c.name
	}
	if older == nil {
		return
	}
	past := rawClient{side: s, conn: older, read: olderRead}
	if !c.broke { // else ZooKeeper's late notice of the broken one can hide the older one from it
		s.note("the older connection: %v", past.ended())
	}
	past.drop()
}

func (c *rawClient) send(fill func(*jute.Encoder)) {
	frame := jute.Encoder{Bytes: make([]byte, 4)}
	if fill != nil {
		fill(&frame)
	}
	binary.BigEndian.PutUint32(frame.Bytes, uint32(len(frame.Bytes)-4))
	_, _ = c.conn.Write(frame.Bytes) // a failure shows when the answer is read
}

// errClosed is the end of a connection.
var errClosed = errors.New("the connection is closed")

// frame is the next frame that comes.
func (c *rawClient) frame() ([]byte, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(rawWait))
	prefix := make([]byte, 4)
	_, err := io.ReadFull(c.read, prefix)
	if err == nil {
		body := make([]byte, binary.BigEndian.Uint32(prefix))
		if _, err = io.ReadFull(c.read, body); err == nil {
			return body, nil
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errors.New("nothing came")
	}
	return nil, errClosed
}

// ended reads to the end of the connection. Events on the way are no outcome, because a
// server may drop them.
func (c *rawClient) ended() error {
	for {
		if _, err := c.frame(); err != nil {
			return err
		}
	}
}

// request makes a request, and notes what comes until its answer.
func (s *rawSide) request(c *rawClient, op int32, body func(*jute.Encoder)) {
	code, d := s.call(c, op, body)
	if c.conn == nil {
		return
	}
	s.note("code %d, %s", code, c.describe(op, code, d))
	if op == rawClose || op == rawAuth && code != 0 || code == -6 {
		s.note("then %v", c.ended())
		c.drop()
	}
}

// fence notes the events that are on their way to all clients.
func (s *rawSide) fence() {
	for _, c := range s.clients {
		if c.conn != nil {
			s.request(c, rawPing, nil)
		}
	}
}

// endSession has a client close its session. That deletes its ephemerals in an order of the
// server's own, so the events about them are compared as a set.
func (s *rawSide) endSession(c *rawClient) {
	s.fence()
	before := len(s.lines)
	s.request(c, rawClose, nil)
	s.fence()
	slices.Sort(s.lines[before:])
}

// call makes a request, notes the events until the answer, and returns its code and body.
func (s *rawSide) call(c *rawClient, op int32, body func(*jute.Encoder)) (int32, *jute.Decoder) {
	if c.conn == nil {
		s.note("not connected")
		return 0, nil
	}
	c.xid++
	xid := c.xid
	if op == rawPing {
		xid = -2
	}
	c.send(func(to *jute.Encoder) {
		to.Int32(xid)
		to.Int32(op)
		if body != nil {
			body(to)
		}
	})
	var events []string
	for {
		frame, err := c.frame()
		d := &jute.Decoder{Rest: frame}
		got, zxid := d.Int32(), d.Int64()
		if err == nil && got == -1 {
			events = append(events, c.event(zxid, d))
			continue
		}
		s.lines = append(s.lines, events...)
		if err != nil {
			s.note("%v", err)
			c.drop()
			return 0, nil
		}
		if zxid > 0 {
			c.seen = zxid
		}
		s.note("xid %d, zxid %s", got-xid, s.zxid(zxid))
		return d.Int32(), d
	}
}

// event describes the event of a watch.
func (c *rawClient) event(zxid int64, d *jute.Decoder) string {
	at := c.side.zxid(zxid)
	if c.side.old {
		at = "any" // 3.8 says -1
	}
	code, kind, state, path := d.Int32(), d.Int32(), d.Int32(), d.String()
	return fmt.Sprintf("event %d of %q, state %d, code %d, zxid %s, rest %x", kind, path, state, code, at, d.Rest)
}

// zxid is a zxid counted from the begin of the sequence.
func (s *rawSide) zxid(z int64) string {
	switch {
	case z <= 0:
		return fmt.Sprint(z)
	case z <= s.base:
		return "old"
	}
	return fmt.Sprintf("+%d", z-s.base)
}
