package ensemble

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// echoServer greets like a ZooKeeper server and then echoes.
func echoServer(t *testing.T, hello []byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Write(hello)
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return listener.Addr().String()
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

func TestProxyCutsAndHeals(t *testing.T) {
	greeting := hello(0x77)
	granted := make(chan Session, 3)
	p, err := NewProxy([]string{echoServer(t, greeting)}, func(s Session) { granted <- s })
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
	if p.Dropped() != 4 {
		t.Errorf("%d bytes were swallowed, 4 were sent", p.Dropped())
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

func TestProxyCloseEndsConnections(t *testing.T) {
	p, err := NewProxy([]string{echoServer(t, nil)}, nil)
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
		t.Error("a connection outlived its proxy")
	}
}
