package zkclient

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestSession_EndsWhenAnotherIsGranted: a server that does not have the session
// any more, and grants another one instead of saying so, ends the value like an expiry.
// No request of the old session is sent on the other.
func TestSession_EndsWhenAnotherIsGranted(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestSession_EndsWhenAnotherIsGranted: make test runs it, make quick does not")
	}
	other := bytes.Repeat([]byte{7}, passwordBytes)
	for what, again := range map[string][]byte{
		"another session":                     connectResponseOf(0xB, 4000, make([]byte, passwordBytes)),
		"another session and password":        connectResponseOf(0xB, 4000, other),
		"the same session, another password":  connectResponseOf(0xA, 4000, other),
		"a session of the sign of no session": connectResponseOf(-1, 4000, make([]byte, passwordBytes)),
	} {
		var crossed atomic.Int32
		drop := make(chan struct{})
		server := newFake(t, func(number int, c net.Conn) {
			if number == 1 {
				greet(c, 0xA, 4000)
				<-drop
				return
			}
			if _, err := readPacket(c); err != nil {
				return
			}
			writePacket(c, again)
			serve(c, func(a asked) []byte {
				if a.opcode != opcodePing && a.opcode != opcodeQuit {
					crossed.Add(1)
				}
				return a.usual()
			})
		})
		s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 4 * time.Second})
		done := make(chan error, 1)
		close(drop)
		down(t, s)
		go func() { // past the gate that Do has, as a request in the library's queue is
			_, err := s.perform(zkapi.Create("/master", nil, zkapi.Ephemeral))
			done <- err
		}()
		await(t, what+" ends the value", s.done.c)
		if cause := s.Cause(); !errors.Is(cause, ErrExpired) || !errors.Is(cause, zkapi.ErrSessionEnded) {
			t.Errorf("%s: cause %v", what, cause)
		}
		if err := <-done; err == nil || crossed.Load() > 0 {
			t.Errorf("%s: %d requests of the old session were sent on it: %v", what, crossed.Load(), err)
		}
		if s.ID() != 0xA {
			t.Errorf("%s: the session calls itself 0x%x now", what, s.ID())
		}
	}
}

// TestSession_KeepsTheSmallestTimeout: each connection negotiates the timeout anew. The lease
// and the library's pings follow the smallest, because that is when a server may give the
// session up.
func TestSession_KeepsTheSmallestTimeout(t *testing.T) {
	const id = 0xA
	s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch()}
	for _, c := range []struct{ granted, holds uint32 }{{4000, 4000}, {9000, 4000}, {2500, 2500}, {4000, 2500}} {
		w := &wire{session: s, sent: map[int32]*request{}, Conn: &pieces{}, connectSentAt: elapsed()}
		body := connectResponseOf(id, c.granted, make([]byte, passwordBytes))
		if err := w.connectAnswered(body); err != nil {
			t.Fatal(err)
		}
		if want := time.Duration(c.holds) * time.Millisecond; s.Timeout() != want {
			t.Errorf("the server granted %d ms: the lease has %v, want %v", c.granted, s.Timeout(), want)
		}
		if told := binary.BigEndian.Uint32(body[timeoutAt:]); told != c.holds {
			t.Errorf("the server granted %d ms: the library is told %d", c.granted, told)
		}
		if s.leaseStart != w.connectSentAt {
			t.Error("the lease does not begin with the connect request")
		}
	}
}

// TestLease_FollowsALaterTimeout lets a server grant less on reconnect, and
// fall silent: the session ends by what it granted last.
func TestLease_FollowsALaterTimeout(t *testing.T) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	server := newFake(t, func(number int, c net.Conn) {
		if number == 1 {
			greet(c, 0xA, 600_000)
			return
		}
		if number == 2 {
			greet(c, 0xA, 500)
		}
		<-over
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	await(t, "the lease of the second connection ends", s.done.c)
	if !errors.Is(s.Cause(), ErrLeaseEnded) || s.Timeout() != 500*time.Millisecond {
		t.Errorf("timeout %v, cause %v", s.Timeout(), s.Cause())
	}
}
