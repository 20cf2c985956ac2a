package zkclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-zookeeper/zk"
	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func open(t *testing.T, config Config) *session {
	t.Helper()
	d, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := d.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s.(*session)
}

// await waits for a source or fails the test.
func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("never: %s", what)
	}
}

// down waits until the session has noticed that its connection is gone.
func down(t *testing.T, s *session) {
	t.Helper()
	for {
		_, up, next := s.Connection()
		if !up {
			return
		}
		await(t, "connection down", next.(*latch).c)
	}
}

// crossing plays the trap of the first cure: a session is granted and cut off, a
// create is queued, and the next connection learns that the session has expired.
// It reports whether the create ran on the session that the library made then.
func crossing(t *testing.T, keepOnExpiry bool) (leaked bool, s *session, result error) {
	gate := make(chan struct{})
	crossed := make(chan struct{})
	server := newFake(t, func(number int, c net.Conn) {
		switch number {
		case 1:
			greet(c, 0xA, 4000)
		case 2:
			<-gate
			greet(c, 0, 4000)
		default:
			if greet(c, 0xB, 4000) {
				answer(c, func(opcode int32) {
					if opcode == opcodeCreate {
						close(crossed)
					}
				})
			}
		}
	})
	// Several addresses: after a round of all of them the library drops its queue.
	servers := []string{server.address(), server.address(), server.address(), server.address()}
	s = open(t, Config{Servers: servers, SessionTimeout: 4 * time.Second, keepOnExpiry: keepOnExpiry})
	down(t, s)
	done := make(chan error, 1)
	go func() { // past the gate that Do has, as a request in the library's queue is
		_, err := s.perform(zkapi.Create("/master", nil, zkapi.Ephemeral))
		done <- err
	}()
	for len(done) == 0 && server.accepted.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	close(gate)
	result = <-done
	select {
	case <-crossed:
		leaked = true
	default:
	}
	return leaked, s, result
}

func TestCure_QueuedRequestsDoNotCrossSessions(t *testing.T) {
	leaked, s, err := crossing(t, false)
	if leaked || err == nil {
		t.Errorf("a request of the old session ran on the new one: %v", err)
	}
	await(t, "the session ends", s.done.c)
	if cause := s.Cause(); !errors.Is(cause, ErrExpired) || !errors.Is(cause, zkapi.ErrSessionEnded) {
		t.Errorf("cause %v", cause)
	}
	if _, err := s.Do(t.Context(), zkapi.Get("/x")); zkapi.FateOf(err) != zkapi.NotApplied || !errors.Is(err, zkapi.ErrSessionEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// TestTrap_QueuedRequestsCrossSessions shows that the trap is there and that the
// test above would see it.
func TestTrap_QueuedRequestsCrossSessions(t *testing.T) {
	if leaked, _, err := crossing(t, true); !leaked || err != nil {
		t.Errorf("without the cure nothing crossed (%v): the test of the cure proves nothing", err)
	}
}

// TestCure_FrozenHandshake lets two servers in a row accept TCP and fall silent,
// one at once and one in the middle of its answer: the session must survive.
func TestCure_FrozenHandshake(t *testing.T) {
	frozen := make(chan struct{})
	t.Cleanup(func() { close(frozen) })
	server := newFake(t, func(number int, c net.Conn) {
		switch number {
		case 1:
			greet(c, 0xA, 2345)
		case 2:
			_, _ = readPacket(c)
			<-frozen
		case 3:
			_, _ = readPacket(c)
			_, _ = c.Write([]byte{0, 0, 0, 36, 0, 0})
			<-frozen
		default:
			if greet(c, 0xA, 9000) {
				answer(c, func(int32) {})
			}
		}
	})
	// The lease is long, so that only a handshake without a cap can outlast it.
	s := open(t, Config{Servers: []string{server.address(), server.address(), server.address()}, SessionTimeout: 3 * time.Second})
	if got := s.Timeout(); got != 2345*time.Millisecond {
		t.Errorf("negotiated timeout %v, the server said 2.345s", got)
	}
	s.mu.Lock()
	s.timeout = 10 * time.Second
	s.mu.Unlock()
	down(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // 6.67 T are 20 s
	defer cancel()
	if _, err := s.Do(ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
		t.Errorf("the frozen handshakes were not given up: %v", err)
	}
	if s.ID() != 0xA || server.accepted.Load() < 4 {
		t.Errorf("session 0x%x after %d connections", s.ID(), server.accepted.Load())
	}
}

// brokenConn fails every write while broken is set.
type brokenConn struct {
	net.Conn
	broken *atomic.Bool
}

func (c brokenConn) Write(b []byte) (int, error) {
	if c.broken.Load() {
		return 0, errors.New("network is down")
	}
	return c.Conn.Write(b)
}

// failedWrite breaks a connection under a request and returns what that surfaced
// as, and what a request got when the network was back.
func failedWrite(t *testing.T, rawConn bool) (broke, later error) {
	t.Helper()
	server := newFake(t, func(_ int, c net.Conn) {
		if greet(c, 0xA, 10000) {
			answer(c, func(int32) {})
		}
	})
	var broken atomic.Bool
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second, rawConn: rawConn,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return brokenConn{c, &broken}, err
		}})
	broken.Store(true)
	_, broke = s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent))
	broken.Store(false)
	_, later = s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent))
	return broke, later
}

func TestCure_WriteErrorsAreConnectionLoss(t *testing.T) {
	broke, later := failedWrite(t, false)
	if !errors.Is(broke, zkapi.ErrConnectionLoss) || !errors.Is(broke, zk.ErrConnectionClosed) || zkapi.FateOf(broke) != zkapi.Unknown {
		t.Errorf("a failed write surfaced as %v", broke)
	}
	if later != nil {
		t.Errorf("the session did not recover: %v", later)
	}
}

// TestTrap_WriteErrorsAreRaw shows that the test above would see the trap. The
// Fate is right even so, because what cannot be named is Unknown.
func TestTrap_WriteErrorsAreRaw(t *testing.T) {
	broke, _ := failedWrite(t, true)
	if errors.Is(broke, zk.ErrConnectionClosed) || zkapi.FateOf(broke) != zkapi.Unknown {
		t.Errorf("without the cure a failed write surfaced as %v: the test of the cure proves nothing", broke)
	}
}

// TestLease_EndsWithoutAnswers lets the server fall silent: the session ends by
// itself, and nothing but the request to close is sent afterwards.
func TestLease_EndsWithoutAnswers(t *testing.T) {
	var over atomic.Bool
	var late atomic.Int32
	server := newFake(t, func(number int, c net.Conn) {
		if number == 1 && !greet(c, 0xA, 1000) {
			return
		}
		for {
			b, err := readPacket(c)
			if err != nil {
				return
			}
			if over.Load() && len(b) >= 8 && b[7] != byte(0xf5) { // not -11, the request to close
				late.Add(1)
			}
		}
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: time.Second})
	await(t, "the lease ends", s.done.c)
	over.Store(true)
	if !errors.Is(s.Cause(), ErrLeaseEnded) && !errors.Is(s.Cause(), ErrExpired) {
		t.Errorf("cause %v", s.Cause())
	}
	_, _ = s.perform(zkapi.Create("/x", nil, zkapi.Persistent))
	if late.Load() > 0 {
		t.Errorf("%d requests were sent after the end", late.Load())
	}
}

// TestLease_OnlyAnswersProlongIt: it counts from when the last request was sent that
// has been answered, whatever the connection does, and is as long as was granted.
func TestLease_OnlyAnswersProlongIt(t *testing.T) {
	s := &session{past: &zxidMemory{}, config: Config{SessionTimeout: time.Hour, Logger: slog.New(slog.DiscardHandler)}, next: newLatch()}
	sent := elapsed() - time.Second
	if _, err := s.connectGranted(target{}, connectResponse{session: 0xA, timeout: 10 * time.Second}, sent); err != nil {
		t.Fatal(err)
	}
	s.setUp(true)
	s.setUp(false)
	s.acknowledged(sent - time.Second) // of an earlier one, late
	if s.leaseStart != sent || s.Timeout() != 10*time.Second {
		t.Errorf("the lease of %v counts from %v after the request", s.Timeout(), s.leaseStart-sent)
	}
	s.acknowledged(sent + time.Millisecond)
	if s.leaseStart != sent+time.Millisecond {
		t.Error("an answer has not prolonged the lease")
	}
}

// TestCure_LastZxidIsThatOfTheSession breaks a connection and looks at what the next one tells
// the server: the last zxid of the session, which the library never got to know.
func TestCure_LastZxidIsThatOfTheSession(t *testing.T) {
	const first, last = 7, 9 // first is that of every reply of the fake
	told := make(chan uint64, 2)
	drop := make(chan struct{})
	server := newFake(t, func(number int, c net.Conn) {
		if number == 1 {
			greet(c, 0xA, 4000)
			b, err := readPacket(c)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = c.Write(asked{xid: int32(binary.BigEndian.Uint32(b[:4]))}.coded(noNode))
			<-drop
			return
		}
		hello, err := readPacket(c)
		if err != nil {
			return
		}
		told <- binary.BigEndian.Uint64(hello[4:12])
		welcome(c, 0xA, 4000)
		for {
			b, err := readPacket(c)
			if err != nil {
				return
			}
			if binary.BigEndian.Uint32(b[4:8]) == opcodeWatches {
				told <- binary.BigEndian.Uint64(b[8:16])
				return
			}
		}
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 4 * time.Second})
	if _, err := s.Do(t.Context(), zkapi.Exists("/x").Watched()); err != nil {
		t.Fatal(err)
	}
	if got := s.lastZxid.Load(); got != first {
		t.Errorf("the session has seen %d, want %d", got, first)
	}
	s.lastZxid.Store(last) // which the library cannot know
	close(drop)
	if hello, watches := <-told, <-told; hello != last || watches != last {
		t.Errorf("the connect request says %d, the request for watches %d; want %d", hello, watches, last)
	}
}

// pieces is the server's side of a connection, cut in pieces.
type pieces struct {
	net.Conn
	left [][]byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[0])
	if p.left[0] = p.left[0][n:]; len(p.left[0]) == 0 {
		p.left = p.left[1:]
	}
	return n, nil
}

func (p *pieces) SetDeadline(time.Time) error     { return nil }
func (p *pieces) SetReadDeadline(time.Time) error { return nil }

// TestWire_PassesWholeFrames cuts a stream into pieces anywhere: the library gets each frame,
// without its zxid, and everything else as it was.
func TestWire_PassesWholeFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch()}
		var stream, want []byte
		w := newWire(&pieces{}, s, target{}, time.Now().Add(time.Hour))
		w.ready = true
		for xid := range rapid.Int32Range(1, 5).Draw(t, "packets") {
			w.sent[xid] = &request{opcode: opcodeDelete}
			body := binary.BigEndian.AppendUint32(nil, uint32(xid))
			body = binary.BigEndian.AppendUint64(body, rapid.Uint64().Draw(t, "zxid"))
			body = append(body, 0, 0, 0, 0)
			body = append(body, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "more")...)
			stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(body))), body...)
			clear(body[zxidAt:zxidEnd])
			want = append(binary.BigEndian.AppendUint32(want, uint32(len(body))), body...)
		}
		var cut [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
			cut, stream = append(cut, stream[:n]), stream[n:]
		}
		w.reader.Reset(&pieces{left: cut})
		got, err := io.ReadAll(iotest.OneByteReader(w))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %x, %v\nwant %x", got, err, want)
		}
	})
}
