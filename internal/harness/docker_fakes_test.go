package harness

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
)

// servers speak ZooKeeper's frames and know sessions, and nothing else: every request
// is applied.
type servers struct {
	addresses []string
	immortal  bool // no session ends

	mu       sync.Mutex
	sessions map[int64]bool
	zxid     int64
}

func startServers(t *testing.T, count int) *servers {
	t.Helper()
	s := &servers{sessions: map[int64]bool{}, zxid: 100}
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		s.addresses = append(s.addresses, listener.Addr().String())
		go func() {
			for c, err := listener.Accept(); err == nil; c, err = listener.Accept() {
				go s.serve(c)
			}
		}()
	}
	return s
}

// greet grants a session, renews one that lives, or says with 0 that it is over.
func (s *servers) greet(asked int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked == 0 {
		asked = int64(len(s.sessions)) + 0x1000
		s.sessions[asked] = true
	}
	if !s.sessions[asked] {
		return 0
	}
	return asked
}

func (s *servers) serve(c net.Conn) {
	defer c.Close()
	greeting, err := readFrame(c)
	if err != nil || len(greeting) < 24 {
		return
	}
	session := s.greet(int64(binary.BigEndian.Uint64(greeting[16:])))
	_, _ = c.Write(wire.Frame(append(words(0, 4000, 0, uint32(session), 16), make([]byte, 16)...)))
	for session != 0 {
		body, err := readFrame(c)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.zxid++
		reply := append(append([]byte(nil), body[:4]...), words(0, uint32(s.zxid), 0)...)
		ends := int32(binary.BigEndian.Uint32(body[4:])) == wire.OpClose
		if ends {
			s.sessions[session] = s.immortal
			session = 0
		}
		s.mu.Unlock()
		_, _ = c.Write(wire.Frame(reply))
	}
}

func words(all ...uint32) []byte {
	var b []byte
	for _, w := range all {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

func text(s string) []byte { return append(words(uint32(len(s))), s...) }

func readFrame(c net.Conn) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(c, prefix[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(prefix[:]))
	_, err := io.ReadFull(c, body)
	return body, err
}

// writer is a participant that writes without a pause, waits for no answer before the
// next request, and connects again, to the next server, when it has heard nothing for a
// while.
type writer struct {
	addresses []string
	answers   atomic.Int64
	session   uint32
	xid       uint32
}

// startWriter starts a writer behind a proxy; it ends with the test.
func startWriter(t *testing.T, proxy *ensemble.Proxy) *writer {
	p := &writer{addresses: proxy.Addresses()}
	over := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for i := 0; !closed(over); i++ {
			p.connect(p.addresses[i%len(p.addresses)], over)
		}
	})
	t.Cleanup(func() { close(over); work.Wait() })
	return p
}

const (
	patience = 200 * time.Millisecond // of a writer for a word of the server
	pace     = 5 * time.Millisecond   // between its requests
)

func (p *writer) connect(address string, over <-chan struct{}) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer c.Close()
	greeting := append(words(0, 0, 0, 4000, 0, p.session, 16), make([]byte, 16)...)
	_, _ = c.Write(wire.Frame(greeting))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	reply, err := readFrame(c)
	if err != nil {
		return
	}
	p.session = binary.BigEndian.Uint32(reply[12:])
	lost := make(chan struct{})
	work.Go(func() {
		defer close(lost)
		for {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			if _, err := readFrame(c); err != nil {
				return
			}
			p.answers.Add(1)
		}
	})
	for ticker := time.NewTicker(pace); ; {
		select {
		case <-over:
			return
		case <-lost:
			return
		case <-ticker.C:
			p.xid++
			_, _ = c.Write(wire.Frame(p.request()))
		}
	}
}

// request is by turns a create, a delete, and a multi that deletes.
func (p *writer) request() []byte {
	remove := append(text("/x"), words(1<<32-1)...)
	switch p.xid % 3 {
	case 0:
		return append(append(words(p.xid, uint32(wire.OpCreate)), text("/x")...), words(0, 0, 0)...)
	case 1:
		return append(words(p.xid, uint32(wire.OpDelete)), remove...)
	}
	part := append(append(words(uint32(wire.OpDelete)), 0), words(1<<32-1)...)
	end := append(append(words(1<<32-1), 1), words(1<<32-1)...)
	return append(append(append(words(p.xid, uint32(wire.OpMulti)), part...), remove...), end...)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
