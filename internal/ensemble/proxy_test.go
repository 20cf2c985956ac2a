package ensemble

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// listen serves each connection, and returns where.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for c, err := listener.Accept(); err == nil; c, err = listener.Accept() {
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return listener.Addr().String()
}

// echoServer greets like a ZooKeeper server and then echoes.
func echoServer(t *testing.T, hello []byte) string {
	return listen(t, func(c net.Conn) {
		_, _ = c.Write(hello)
		_, _ = io.Copy(c, c)
	})
}

func hello(session int64) []byte {
	var b bytes.Buffer
	_ = writePacket(&b, beInt32(0), beInt32(4000), beInt64(session), beInt32(16), []byte("0123456789abcdef"))
	return b.Bytes()
}

func dialProxy(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// exchange sends a word and reports whether it came back.
func exchange(c net.Conn, patience time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("ping")); err != nil {
		return false
	}
	got := make([]byte, 4)
	_, err := io.ReadFull(c, got)
	return err == nil && string(got) == "ping"
}

func TestProxy_CutsAndHeals(t *testing.T) {
	greeting := hello(0x77)
	granted := make(chan Session, 3)
	p, err := NewProxy([]string{echoServer(t, greeting)}, Hooks{Granted: func(s Session) { granted <- s }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dialProxy(t, p)
	if _, err := io.ReadFull(c, make([]byte, len(greeting))); err != nil {
		t.Fatal(err)
	}
	if s, ok := p.Session(); !ok || s.ID != 0x77 || string(s.Password[:]) != "0123456789abcdef" || (<-granted).ID != 0x77 {
		t.Errorf("session %+v, %v", s, ok)
	}
	if !exchange(c, 5*time.Second) {
		t.Fatal("nothing comes through an open proxy")
	}
	p.Cut()
	if exchange(c, 200*time.Millisecond) {
		t.Error("bytes came through a cut proxy")
	}
	if got := p.Tally().Swallowed; got != [2]int64{ToServers: 4} {
		t.Errorf("%d bytes were swallowed, 4 were sent", got)
	}
	fresh := dialProxy(t, p) // a new connection is accepted and stays silent
	_ = fresh.SetDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := fresh.Read(make([]byte, 1)); n > 0 || err == io.EOF {
		t.Errorf("a new connection got %d bytes, %v", n, err)
	}
	p.Heal()
	if exchange(c, 5*time.Second) {
		t.Error("a connection that lost bytes goes on after healing")
	}
	again := dialProxy(t, p)
	if _, err := io.ReadFull(again, make([]byte, len(greeting))); err != nil || !exchange(again, 5*time.Second) {
		t.Errorf("a new connection after healing does not work: %v", err)
	}
	if len(granted) > 0 {
		t.Error("the same session was granted twice")
	}
}

// TestProxy_GrantsToTheLifeThatConnected: a session that is granted late is that of the
// life that has asked for it, even if the next one has begun.
func TestProxy_GrantsToTheLifeThatConnected(t *testing.T) {
	greeting := hello(0x77)
	asked, answer := make(chan struct{}), make(chan struct{})
	granted := make(chan Session, 1)
	server := listen(t, func(c net.Conn) {
		close(asked)
		<-answer
		_, _ = c.Write(greeting)
		_, _ = io.Copy(c, c)
	})
	p, err := NewProxy([]string{server}, Hooks{Granted: func(s Session) { granted <- s }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SetLife(1)
	dialProxy(t, p)
	<-asked
	p.SetLife(2)
	close(answer)
	if s := <-granted; s.Life != 1 {
		t.Errorf("it was granted to life %d", s.Life)
	}
}

func TestProxy_CloseEndsConnections(t *testing.T) {
	p, err := NewProxy([]string{echoServer(t, nil)}, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	c := dialProxy(t, p)
	if !exchange(c, 5*time.Second) {
		t.Fatal("nothing comes through")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if exchange(c, 5*time.Second) {
		t.Error("a connection survived its proxy")
	}
}

// writes is a client's stream of creates, with the xids from 1.
func writes(n int) []byte {
	var b bytes.Buffer
	for xid := range int32(n) {
		_ = writePacket(&b, beInt32(xid+1), beInt32(1), beInt32(2), []byte("/x"), beInt32(0), beInt32(0), beInt32(0))
	}
	return b.Bytes()
}

// silentServer greets, reads, answers so many requests with their xid alone, and
// hangs up after the last one it is sent.
func silentServer(t *testing.T, answers, reads int) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = readPacket(c)
		_, _ = c.Write(hello(0x77))
		for i := range reads {
			body, err := readPacket(c)
			if err != nil {
				return
			}
			if i < answers {
				_ = writePacket(c, body[:4], beInt64(int64(100+i)), beInt32(-110))
			}
		}
	}()
	return listener.Addr().String()
}

// TestProxy_ReportsEachWriteOnce has a server that answers one of three writes, and a cut
// that swallows the second half of a fourth.
func TestProxy_ReportsEachWriteOnce(t *testing.T) {
	heard := make(chan Exchange, 8)
	p, err := NewProxy([]string{silentServer(t, 1, 4)}, Hooks{Wrote: func(x Exchange) { heard <- x }})
	if err != nil {
		t.Fatal(err)
	}
	c := dialProxy(t, p)
	_ = writePacket(c, []byte("connect"))
	if _, err := readPacket(c); err != nil {
		t.Fatal(err)
	}
	stream := writes(4)
	half := len(stream) - 10
	if _, err := c.Write(stream[:half]); err != nil {
		t.Fatal(err)
	}
	first := <-heard
	if first.Request.Xid != 1 || first.Session != 0x77 || first.Zxid != 100 || first.Answered < first.Sent || first.Err == nil {
		t.Errorf("the write that was answered: %+v", first)
	}
	p.Cut()
	_, _ = c.Write(stream[half:])
	for p.Tally().Swallowed[ToServers] < int64(len(stream)-half) {
		time.Sleep(time.Millisecond)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for xid := int32(2); xid <= 3; xid++ {
		if x := <-heard; x.Request.Xid != xid || x.Answered != 0 || x.Zxid != 0 || x.Sent < first.Sent {
			t.Errorf("write %d, which was not answered: %+v", xid, x)
		}
	}
	if len(heard) > 0 {
		t.Errorf("and %+v, which did not leave the proxy whole", <-heard)
	}
}

// TestProxy_HoldsFrames passes the second of three requests before the first, keeps the
// answer to the third, and drops a watch event.
func TestProxy_HoldsFrames(t *testing.T) {
	held, heard := make(chan *Held, 8), make(chan Exchange, 8)
	reads := make(chan int32, 8)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = readPacket(c)
		_, _ = c.Write(hello(0x77))
		_ = writePacket(c, beInt32(-1), beInt64(-1), beInt32(0), beInt32(2), beInt32(3), beInt32(2), []byte("/x"))
		for body, err := readPacket(c); err == nil; body, err = readPacket(c) {
			reads <- int32(body[3])
			_ = writePacket(c, body[:4], beInt64(int64(100+body[3])), beInt32(-110))
		}
	}()
	p, err := NewProxy([]string{listener.Addr().String()}, Hooks{Held: func(h *Held) { held <- h }, Wrote: func(x Exchange) { heard <- x }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dialProxy(t, p)
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_ = writePacket(c, []byte("connect"))
	if _, err := readPacket(c); err != nil {
		t.Fatal(err)
	}
	if event := <-held; event.Event.Type != 2 || event.Event.Path != "/x" {
		t.Errorf("the event is held as %+v", event.Event)
	}
	_, _ = c.Write(writes(3))
	first, second, third := <-held, <-held, <-held
	if len(reads) > 0 {
		t.Error("a request passed that is held")
	}
	for _, h := range []*Held{second, first} {
		if err := h.Pass(); err != nil {
			t.Fatal(err)
		}
		body, err := readPacket(c)
		if err != nil || int32(body[3]) != h.Request.Xid || <-reads != h.Request.Xid || (<-heard).Request.Xid != h.Request.Xid {
			t.Errorf("request %d was answered with % x, %v", h.Request.Xid, body, err)
		}
	}
	arrived, err := third.PassUnanswered()
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	if x := <-heard; x.Zxid != 103 || x.Answered == 0 {
		t.Errorf("the answer that was kept: %+v", x)
	}
	p.Break()
	if body, err := readPacket(c); err == nil {
		t.Errorf("after the break: % x, %v", body, err)
	}
}
