package ensemble

import (
	"encoding/binary"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

// converse speaks as a ZooKeeper server does: it grants a session, or renews the
// requested one, and answers each request with zxids that ascend from 100.
func converse(c net.Conn) {
	greeting, err := readPacket(c)
	if err != nil || len(greeting) < 24 {
		return
	}
	session := int64(binary.BigEndian.Uint64(greeting[16:]))
	if session == 0 {
		session = 0x77
	}
	_, _ = c.Write(hello(session))
	for zxid := int64(100); ; zxid++ {
		body, err := readPacket(c)
		if err != nil || writePacket(c, body[:4], beInt64(zxid), beInt32(0)) != nil {
			return
		}
	}
}

// bench is a proxy with frame servers behind it, and the participant in front.
type bench struct {
	*testing.T
	proxy *Proxy
	xid   int32
}

func newBench(t *testing.T, servers int, hooks Hooks) *bench {
	t.Helper()
	var addresses []string
	for range servers {
		addresses = append(addresses, listen(t, converse))
	}
	p, err := NewProxy(addresses, hooks)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "no more goroutines than before", func() bool { return runtime.NumGoroutine() <= before })
	})
	return &bench{T: t, proxy: p}
}

// dial connects to one of the servers, with a session or for one, and reports whether
// the handshake was answered in time.
func (c *bench) dial(server int, session int64, patience time.Duration) (net.Conn, bool) {
	c.Helper()
	conn, err := net.Dial("tcp", c.proxy.Addresses()[server])
	if err != nil {
		return nil, false // reset before the dialler looked
	}
	c.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	_ = writePacket(conn, beInt32(0), beInt64(0), beInt32(4000), beInt64(session), beInt32(16), []byte("0123456789abcdef"))
	_, err = readPacket(conn)
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return conn, err == nil
}

// connect is a connection that has a session.
func (c *bench) connect() net.Conn {
	c.Helper()
	conn, ok := c.dial(0, 0, soon)
	if !ok {
		c.Fatal("the handshake was not answered")
	}
	return conn
}

// create sends a create and returns its xid.
func (c *bench) create(conn net.Conn) int32 {
	c.xid++
	_ = writePacket(conn, beInt32(c.xid), beInt32(1), beInt32(2), []byte("/x"), beInt32(0), beInt32(0), beInt32(0))
	return c.xid
}

// answered reports whether the answer to a request arrives.
func answered(conn net.Conn, xid int32, patience time.Duration) bool {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	body, err := readPacket(conn)
	return err == nil && int32(binary.BigEndian.Uint32(body)) == xid
}

const (
	soon = 5 * time.Second        // for what must come
	long = 100 * time.Millisecond // for what must not
)

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never happened: %s", what)
		}
	}
}

// TestProxy_SwallowsOneWay swallows the requests, or the answers. The participant never
// gets an answer.
func TestProxy_SwallowsOneWay(t *testing.T) {
	for lost, reaches := range map[Direction]bool{ToServers: false, ToParticipant: true} {
		wrote := make(chan Exchange, 8)
		c := newBench(t, 1, Hooks{Wrote: func(x Exchange) { wrote <- x }})
		conn := c.connect()
		i := Impairment{}
		i.Swallow[lost] = true
		c.proxy.Impair(i)
		if answered(conn, c.create(conn), long) {
			t.Error("the answer came")
		}
		if reaches {
			eventually(t, "the write is answered", func() bool { return len(wrote) > 0 })
		} else if len(wrote) > 0 {
			t.Error("the swallowed write was answered")
		}
		eventually(t, "bytes are swallowed", func() bool { return c.proxy.Tally().Swallowed[lost] > 0 })
		got := c.proxy.Tally()
		if got.Swallowed[1-lost] != 0 || (got.Passed[ToServers] > 0) != reaches {
			t.Errorf("swallowing %d: %+v", lost, got)
		}
		c.proxy.Heal()
		if answered(conn, c.create(conn), soon) {
			t.Error("a connection that lost bytes goes on")
		}
		again := c.connect()
		if !answered(again, c.create(again), soon) {
			t.Error("a new connection does not work")
		}
	}
}

// TestProxy_CountsUnheardSessions swallows the answer that grants a session.
func TestProxy_CountsUnheardSessions(t *testing.T) {
	for _, i := range []Impairment{{New: CutHandshake}, {Swallow: [2]bool{ToParticipant: true}}} {
		c := newBench(t, 1, Hooks{Granted: func(s Session) { t.Errorf("0x%x was granted", s.ID) }})
		c.proxy.Impair(i)
		if _, ok := c.dial(0, 0, long); ok {
			t.Error("the handshake was answered")
		}
		if s, ok := c.proxy.Session(); ok {
			t.Errorf("the participant has %+v", s)
		}
		if got := c.proxy.Tally().Unheard; i.New == CutHandshake && !slices.Equal(got, []int64{0x77}) {
			t.Errorf("unheard: %x", got)
		}
	}
}

func TestProxy_DelayKeepsTheOrder(t *testing.T) {
	const least = 20 * time.Millisecond
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	c.proxy.Impair(Impairment{DelayMin: least, DelayMax: 2 * least, Seed: 1})
	sent := time.Now()
	first, second := c.create(conn), c.create(conn)
	if !answered(conn, first, soon) || !answered(conn, second, soon) {
		t.Error("the answers came in another order, or not")
	}
	if took := time.Since(sent); took < 2*least {
		t.Errorf("there and back took %v, each way %v at least", took, least)
	}
	eventually(t, "every packet is counted", func() bool { return c.proxy.Tally().Late >= 3 })
	if got := c.proxy.Tally(); got.LateMost < least || got.LateTotal < time.Duration(got.Late)*least {
		t.Errorf("%+v", got)
	}
}

// TestProxy_LimitsBandwidth sends more than passes in a tenth of a second.
func TestProxy_LimitsBandwidth(t *testing.T) {
	const rate = 4000
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	c.proxy.Impair(Impairment{BytesPerSecond: rate})
	sent, last := time.Now(), int32(0)
	for range 20 {
		last = c.create(conn)
	}
	for xid := int32(1); xid <= last; xid++ {
		if !answered(conn, xid, soon) {
			t.Fatalf("%d was not answered", xid)
		}
	}
	got := c.proxy.Tally()
	if least := time.Duration(got.Passed[ToServers]) * time.Second / rate; time.Since(sent) < least || got.Late == 0 || got.LateMost == 0 {
		t.Errorf("%d bytes passed in %v, least %v: %+v", got.Passed[ToServers], time.Since(sent), least, got)
	}
}

func TestProxy_SendsByteByByte(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	c.proxy.Impair(Impairment{BytePause: time.Millisecond})
	if !answered(conn, c.create(conn), soon) {
		t.Error("no answer")
	}
	eventually(t, "the frame of 20 bytes is counted", func() bool { return c.proxy.Tally().Pieces == 20 })
}

// TestProxy_HoldsBytes holds answers until the line is healed, and loses none of them.
func TestProxy_HoldsBytes(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	conn := c.connect()
	c.proxy.Impair(Impairment{Hold: [2]bool{ToParticipant: true}})
	xid := c.create(conn)
	if answered(conn, xid, long) || c.proxy.Tally().Passed[ToParticipant] != 0 {
		t.Error("an answer passed")
	}
	c.proxy.Heal()
	if !answered(conn, xid, soon) {
		t.Error("the answer is lost")
	}
}

func TestProxy_BreaksAndRefuses(t *testing.T) {
	c := newBench(t, 2, Hooks{})
	conn := c.connect()
	old, _ := c.proxy.Session()
	had, ok := c.proxy.ServerOf(old.ID)
	if !ok {
		t.Fatal("no server")
	}
	c.proxy.Impair(Impairment{Refuse: had})
	if !answered(conn, c.create(conn), soon) {
		t.Error("the connection does not stay")
	}
	if n := c.proxy.Break(); n != 1 || c.proxy.Tally().Resets != 1 {
		t.Errorf("%d connections were reset: %+v", n, c.proxy.Tally())
	}
	if answered(conn, c.create(conn), soon) {
		t.Error("the connection goes on")
	}
	if _, ok := c.dial(0, old.ID, soon); ok || c.proxy.Tally().Refused != 1 {
		t.Errorf("the server is not refused: %+v", c.proxy.Tally())
	}
	if _, ok := c.dial(1, old.ID, soon); !ok {
		t.Error("the other server is refused")
	}
	if now, ok := c.proxy.ServerOf(old.ID); !ok || now == had {
		t.Errorf("the session is at %q, %v; it was at %q", now, ok, had)
	}
	c.proxy.Heal()
	if _, ok := c.dial(0, old.ID, soon); !ok {
		t.Error("refused after healing")
	}
}

func TestProxy_FreezesNewConnections(t *testing.T) {
	c := newBench(t, 1, Hooks{})
	c.proxy.Impair(Impairment{New: Freeze})
	conn, ok := c.dial(0, 0, long)
	eventually(t, "the participant has spoken", func() bool { return c.proxy.Tally().Frozen == 1 })
	if got := c.proxy.Tally(); ok || got.Passed != [2]int64{} {
		t.Errorf("answered is %v: %+v", ok, got)
	}
	c.proxy.Heal()
	_ = conn.SetDeadline(time.Now().Add(soon))
	if _, err := readPacket(conn); err == nil {
		t.Error("a frozen connection goes on")
	}
	c.connect()
}

func creates(x Exchange) bool { return x.Err == nil && x.Request.Opcode == 1 }
