package zkclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// strict is a server that closes the connection on a request of more than most bytes, as
// ZooKeeper does beyond jute.maxbuffer. It counts the requests that it took.
func strict(t testing.TB, most *atomic.Int32) (*fakeServer, *atomic.Int32) {
	taken := new(atomic.Int32)
	server := newFake(t, func(_ int, c net.Conn) {
		if greet(c, 0xA, 30000) {
			serve(c, func(a asked) []byte {
				if a.size > int(most.Load()) {
					return nil
				}
				if a.opcode == opcodeCreate {
					taken.Add(1)
				}
				return a.usual()
			})
		}
	})
	return server, taken
}

// limit is a jute.maxbuffer.
func limit(bytes int32) *atomic.Int32 {
	var l atomic.Int32
	l.Store(bytes)
	return &l
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

func create(bytes int) zkapi.Op { return zkapi.Create("/x", make([]byte, bytes), zkapi.Persistent) }

// TestOversize_IsReportedTheThirdTime: its fate is unknown each time, as that of
// every request without an answer. From the third time on its error says what is probably
// the matter, with both numbers, and the log says it once.
func TestOversize_IsReportedTheThirdTime(t *testing.T) {
	most := limit(128 << 10)
	server, taken := strict(t, most)
	var log lines
	s := open(t, Config{
		Servers: []string{server.address(), server.address()}, SessionTimeout: 30 * time.Second,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	const large = 200 << 10
	for try := 1; try <= sureTimes+2; try++ {
		_, err := s.Do(t.Context(), create(large))
		if zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, zkapi.ErrConnectionLoss) || errors.Is(err, zkapi.ErrTooLarge) {
			t.Fatalf("try %d: %v", try, err)
		}
		if told := errors.Is(err, zkapi.ErrProbablyTooLarge); told != (try >= sureTimes) || told != zkapi.TooLarge(err) {
			t.Errorf("try %d: %v", try, err)
		}
		if try == sureTimes && (!strings.Contains(err.Error(), "3 times") || !strings.Contains(err.Error(), "2048") || !strings.Contains(err.Error(), "MaxRequest")) {
			t.Errorf("the error does not say enough: %v", err)
		}
		if _, err := s.Do(t.Context(), create(100<<10)); err != nil {
			t.Errorf("what the server takes: %v", err)
		}
	}
	if told := strings.Count(log.String(), "jute.maxbuffer"); told != 1 {
		t.Errorf("it is told %d times in the log: %s", told, log.String())
	}
	if taken.Load() != sureTimes+2 || s.Cause() != nil {
		t.Errorf("%d small requests arrived; the session: %v", taken.Load(), s.Cause())
	}
	most.Store(1 << 20)
	if _, err := s.Do(t.Context(), create(large)); err != nil {
		t.Errorf("the server takes more now: %v", err)
	}
	most.Store(128 << 10)
	if _, err := s.Do(t.Context(), create(large)); zkapi.TooLarge(err) {
		t.Errorf("the suspicion is not given up: %v", err)
	}
}

// TestOversize_IgnoresLostConnections: connections end by chance, with small requests
// under way, or with large ones now and then.
func TestOversize_IgnoresLostConnections(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch(), config: Config{Logger: slog.New(slog.DiscardHandler)}}
	told := func() bool {
		return zkapi.TooLarge(s.translate(create(200<<10), errors.New("lost")))
	}
	large := ending{byPeer: true, largest: 200 << 10}
	for what, c := range map[string]func(){
		"small requests": func() { s.lost(ending{byPeer: true, largest: largeRequest}) },
		"no request":     func() { s.lost(ending{byPeer: true}) },
		"a timeout":      func() { s.lost(ending{largest: 200 << 10}) },
		"a large request that is answered in between": func() { s.lost(large); s.lost(large); s.fitted(200 << 10) },
		"a small one that is lost in between":         func() { s.lost(large); s.lost(large); s.lost(ending{byPeer: true}) },
	} {
		s.large = oversize{}
		for range 2 * sureTimes {
			if c(); told() {
				t.Errorf("%s: it is told", what)
			}
		}
	}
	for range sureTimes {
		s.lost(large)
	}
	if !told() || zkapi.TooLarge(s.translate(create(100<<10), errors.New("lost"))) {
		t.Error("it is not told of those that it holds for, and no others")
	}
}

// TestOversize_SuspectsAReset breaks the connection while the request is
// still being written, as a server does that does not read it to its end.
func TestOversize_SuspectsAReset(t *testing.T) {
	server := newFake(t, func(_ int, c net.Conn) {
		if !greet(c, 0xA, 30000) {
			return
		}
		var prefix [4]byte
		for {
			if _, err := io.ReadFull(c, prefix[:]); err != nil {
				return
			}
			length := binary.BigEndian.Uint32(prefix[:])
			if length > 128<<10 {
				_ = c.(*net.TCPConn).SetLinger(0) // what is unread becomes a reset anyway
				return
			}
			if _, err := io.ReadFull(c, make([]byte, length)); err != nil {
				return
			}
		}
	})
	s := open(t, Config{Servers: []string{server.address(), server.address()}, SessionTimeout: 30 * time.Second})
	for try := 1; try <= sureTimes; try++ {
		if _, err := s.Do(t.Context(), create(900<<10)); zkapi.FateOf(err) != zkapi.Unknown || zkapi.TooLarge(err) != (try == sureTimes) {
			t.Errorf("try %d: %v", try, err)
		}
	}
}

// TestMaxRequest_BoundsEachRequest: what is larger is not sent, in a batch like alone, and
// what is not larger is, even over the library's own bound of 1.5 MiB.
func TestMaxRequest_BoundsEachRequest(t *testing.T) {
	server, taken := strict(t, limit(64<<20))
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 30 * time.Second, MaxRequest: 4 << 20})
	replies := s.DoAll(t.Context(), []zkapi.Op{create(10), create(5 << 20), create(3 << 20), zkapi.Multi(create(2<<20), create(2<<20))})
	for i, tooLarge := range []bool{false, true, false, true} {
		err := replies[i].Err
		if tooLarge != errors.Is(err, zkapi.ErrTooLarge) || tooLarge != (err != nil) || tooLarge && zkapi.FateOf(err) != zkapi.NotApplied {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if taken.Load() != 2 || server.accepted.Load() != 1 {
		t.Errorf("%d requests on %d connections", taken.Load(), server.accepted.Load())
	}
	for _, wrong := range []int{-1, 1, leastMaxRequest - 1, mostMaxRequest + 1} {
		if _, err := New(Config{Servers: []string{"x:1"}, MaxRequest: wrong}); err == nil || !strings.Contains(err.Error(), "jute.maxbuffer") {
			t.Errorf("a limit of %d: %v", wrong, err)
		}
	}
}

// TestMaxRequest_FitsTheLibrary: the library takes the process down when a request
// ends within a byte of its buffer. No request that may be sent comes near.
func TestMaxRequest_FitsTheLibrary(t *testing.T) {
	const most = leastMaxRequest
	server, _ := strict(t, limit(64<<20))
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 30 * time.Second, MaxRequest: most})
	rapid.Check(t, func(t *rapid.T) {
		ops := make([]zkapi.Op, rapid.IntRange(1, 30).Draw(t, "parts"))
		for i := range ops {
			ops[i] = zkapi.Create("/"+strings.Repeat("x", rapid.IntRange(1, 20).Draw(t, "name")), nil, zkapi.Persistent)
		}
		op := zkapi.Multi(ops...)
		op.Ops[0].Data = make([]byte, most-op.Size()-rapid.IntRange(0, 3).Draw(t, "short"))
		if _, err := s.Do(context.Background(), op); zkapi.FateOf(err) != zkapi.NotApplied || zkapi.TooLarge(err) {
			t.Fatalf("%d bytes of %d: %v", op.Size(), most, err)
		}
	})
}

// pathsIn counts the paths in a request that sets watches.
func pathsIn(body []byte) (n int32) {
	d := jute.Decoder{Rest: body[8:]} // behind the zxid
	for range 3 {
		n += int32(len(d.Strings()))
	}
	return n
}

// TestWatch_IsSetAgainInSmallPackets: on reconnect the library sets its watches in
// packets of 128 KiB and some bytes. A server with that limit would close each connection.
func TestWatch_IsSetAgainInSmallPackets(t *testing.T) {
	const watches = 3000
	var set, packets atomic.Int32
	drop := make(chan struct{})
	again := make(chan struct{})
	server := newFake(t, func(number int, c net.Conn) {
		if !greet(c, 0xA, 30000) {
			return
		}
		serve(c, func(a asked) []byte {
			select {
			case <-drop:
				if number == 1 {
					return nil
				}
			default:
			}
			if a.size > 128<<10 {
				t.Errorf("a packet of %d bytes for opcode %d", a.size, a.opcode)
				return nil
			}
			if a.opcode == opcodeWatches {
				packets.Add(1)
				if set.Add(pathsIn(a.body)) == watches {
					close(again)
				}
			}
			return a.usual()
		})
	})
	s := open(t, Config{Servers: []string{server.address(), server.address()}, SessionTimeout: 30 * time.Second})
	ops := make([]zkapi.Op, watches)
	for i := range ops {
		ops[i] = zkapi.Exists(fmt.Sprintf("/%s/%06d", strings.Repeat("x", 60), i)).Watched()
	}
	for i, reply := range s.DoAll(t.Context(), ops) {
		if reply.Err != nil {
			t.Fatalf("watch %d: %v", i, reply.Err)
		}
	}
	close(drop)
	if _, err := s.Do(t.Context(), create(1)); zkapi.FateOf(err) != zkapi.Unknown {
		t.Errorf("on the connection that is lost: %v", err)
	}
	await(t, "all watches are set again", again)
	if _, err := s.Do(t.Context(), create(1)); err != nil || server.accepted.Load() != 2 || packets.Load() < 3 {
		t.Errorf("%d packets, %d connections: %v", packets.Load(), server.accepted.Load(), err)
	}
}
