package zkclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func be32(values ...int32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// strangers are what listens at ports that somebody took for ZooKeeper's, and servers
// that answer nonsense, with the reported part of their answer.
var strangers = map[string]struct{ answer, reported string }{
	"HTTP":                         {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 Bad Request"},
	"SSH":                          {"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0"},
	"SMTP":                         {"220 mx.example.org ESMTP\r\n", "220 mx"},
	"Redis":                        {"-ERR unknown command\r\n", "-ERR unknown"},
	"a TLS alert":                  {"\x15\x03\x03\x00\x02\x02\x32", "wants TLS"},
	"HTTP/2":                       {"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + strings.Repeat("\x00\x03", 40), "4612 bytes"},
	"a MySQL greeting":             {"\x4a\x00\x00\x00\x0a8.0.33\x00", "8.0.33"},
	"a length of -1":               {string(be32(-1)), "-1 bytes"},
	"a length of -2^31":            {string(be32(-1 << 31)), "-2147483648 bytes"},
	"a length of 2^31-1":           {string(be32(1<<31 - 1)), "2147483647 bytes"},
	"a length of 257":              {string(be32(257)), "257 bytes"},
	"a frame of no bytes":          {string(be32(0)), "0 bytes"},
	"a frame of 3 bytes":           {string(framed(make([]byte, 3))), "3 bytes"},
	"a frame without the password": {string(framed(connectResponseOf(0xA, 4000, nil)[:16])), "16 bytes"},
	"an empty password":            {string(framed(connectResponseOf(0xA, 4000, nil))), "20 bytes"},
	"a password of 200 bytes":      {string(framed(connectResponseOf(0xA, 4000, make([]byte, 200)))), "220 bytes"},
	"a password of -1":             {string(framed(append(connectResponseOf(0xA, 4000, nil)[:16], append(be32(-1), make([]byte, 16)...)...))), "36 bytes"},
	"a password of 2^31-1":         {string(framed(append(connectResponseOf(0xA, 4000, nil)[:16], append(be32(1<<31-1), make([]byte, 16)...)...))), "36 bytes"},
	"a timeout of 0":               {string(framed(connectResponseOf(0xA, 0, make([]byte, 16)))), "timeout of 0s"},
	"a timeout of -1":              {string(framed(connectResponseOf(0xA, 1<<32-1, make([]byte, 16)))), "timeout of -1ms"},
	"a timeout of 1 ms":            {string(framed(connectResponseOf(0xA, 1, make([]byte, 16)))), "timeout of 1ms"},
	"a timeout of 24 days":         {string(framed(connectResponseOf(0xA, 1<<31-1, make([]byte, 16)))), "timeout of 596h"},
	"another protocol":             {string(framed(append(be32(42), connectResponseOf(0xA, 4000, make([]byte, 16))[4:]...))), "version 42"},
}

// allocated runs f and says how many bytes it has allocated, whether they are free
// again or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestOpen_RefusesOtherServices: who listens there and is no ZooKeeper costs neither
// memory nor patience, and Open says where it is and what it answers.
func TestOpen_RefusesOtherServices(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestOpen_RefusesOtherServices: make test runs it, make quick does not")
	}
	tell := func(t *testing.T, answer, told string) {
		t.Parallel() // an end without a session takes the library a second
		server := newFake(t, func(_ int, c net.Conn) {
			if _, err := readPacket(c); err == nil {
				_, _ = c.Write([]byte(answer))
				_, _ = readPacket(c) // until it is closed
			}
		})
		err := openAt(t, patience, server.address(), server.address())
		if !errors.Is(err, zkapi.ErrNotZooKeeper) || !zkapi.Permanent(err) || !strings.Contains(err.Error(), server.address()) || !strings.Contains(err.Error(), told) {
			t.Errorf("Open says %v", err)
		}
		if tries := server.accepted.Load(); tries > 2 {
			t.Errorf("it was tried %d times", tries)
		}
	}
	most := uint64(len(strangers)) * (4 << 20)
	if spent := allocated(func() {
		t.Run("all", func(t *testing.T) {
			for name, stranger := range strangers {
				t.Run(name, func(t *testing.T) { tell(t, stranger.answer, stranger.reported) })
			}
		})
	}); spent > most {
		t.Errorf("%d bytes were allocated, %d are allowed", spent, most)
	}
}

// openAt tries for a while to get a session from servers, and closes it.
func openAt(t *testing.T, while time.Duration, servers ...string) error {
	t.Helper()
	d, err := New(Config{Servers: servers, SessionTimeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), while)
	defer cancel()
	s, err := d.Open(ctx)
	if err == nil {
		_ = s.Close(t.Context())
	}
	return err
}

// TestOpen_PassesOverAnotherService: one address of several is wrong. It is told,
// and the session comes from another.
func TestOpen_PassesOverAnotherService(t *testing.T) {
	stranger := newFake(t, func(_ int, c net.Conn) { _, _ = c.Write([]byte(strangers["HTTP"].answer)) })
	server := newFake(t, func(_ int, c net.Conn) {
		if greet(c, 0xA, 4000) {
			answer(c, func(int32) {})
		}
	})
	for range 4 { // the library begins with any
		if err := openAt(t, patience, stranger.address(), server.address()); err != nil {
			t.Error(err)
		}
	}
}

// TestOpen_TriesAgainWhenAServerIsAway: the other address is no ZooKeeper. Open tells it, but
// trying again may help.
func TestOpen_TriesAgainWhenAServerIsAway(t *testing.T) {
	stranger := newFake(t, func(_ int, c net.Conn) { _, _ = c.Write([]byte(strangers["HTTP"].answer)) })
	away := newFake(t, func(int, net.Conn) {})
	_ = away.listener.Close()
	err := openAt(t, time.Second, stranger.address(), away.address())
	if err == nil || zkapi.Permanent(err) || !strings.Contains(err.Error(), zkapi.ErrNotZooKeeper.Error()) || !strings.Contains(err.Error(), away.address()) {
		t.Errorf("got %v", err)
	}
}

// stat is what a server sends as the Stat of a znode.
var stat = make([]byte, 68)

// part is one part of the answer to a multi.
func part(opcode int32, result ...byte) []byte {
	return append(partOf(nil, opcode, false, 0), result...)
}

// badAnswers are answers to a request of that kind that no ZooKeeper gives.
var badAnswers = []struct {
	name string
	op   zkapi.Op
	say  func(asked) []byte
}{
	{"a length of -1", zkapi.Get("/x"), func(asked) []byte { return be32(-1) }},
	{"a length of 2^31-1", zkapi.Get("/x"), func(asked) []byte { return be32(1<<31 - 1) }},
	{"HTTP", zkapi.Get("/x"), func(asked) []byte { return []byte(strangers["HTTP"].answer) }},
	{"an empty frame", zkapi.Get("/x"), func(asked) []byte { return be32(0) }},
	{"half a head", zkapi.Get("/x"), func(a asked) []byte { return framed(a.coded(0)[4:12]) }},
	{"a request that was not sent", zkapi.Get("/x"), func(a asked) []byte { return asked{xid: a.xid + 1}.coded(0, append(be32(0), stat...)...) }},
	{"an xid of -4", zkapi.Get("/x"), func(asked) []byte { return asked{xid: -4}.coded(0) }},
	{"an xid of -8", zkapi.Get("/x"), func(asked) []byte { return asked{xid: -8}.coded(0) }},
	{"a ping that was not sent", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidPing}.coded(0) }},
	{"an event of no bytes", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidEvent}.coded(0) }},
	{"an event that expires the session", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidEvent}.coded(0, be32(-1, -112, 0)...) }},
	{"an event that takes the connection down", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidEvent}.coded(0, be32(-1, 0, 0)...) }},
	{"an event with a path of -1", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidEvent}.coded(0, be32(3, 3, -1)...) }},
	{"an event with a path of 2^31-1", zkapi.Get("/x"), func(asked) []byte { return asked{xid: xidEvent}.coded(0, be32(3, 3, 1<<31-1)...) }},
	{"no path for a create", zkapi.Create("/x", nil, zkapi.Persistent), func(a asked) []byte { return a.coded(0) }},
	{"a path of -1 for a create", zkapi.Create("/x", nil, zkapi.Persistent), func(a asked) []byte { return a.coded(0, be32(-1)...) }},
	{"a path of 2^31-1 for a create", zkapi.Create("/x", nil, zkapi.Persistent), func(a asked) []byte { return a.coded(0, be32(1<<31-1)...) }},
	{"half a Stat for a set", zkapi.Set("/x", nil, 1), func(a asked) []byte { return a.coded(0, stat[:30]...) }},
	{"no Stat for an exists", zkapi.Exists("/x"), func(a asked) []byte { return a.coded(0) }},
	{"no data", zkapi.Get("/x"), func(a asked) []byte { return a.coded(0) }},
	{"data of 2^31-1", zkapi.Get("/x"), func(a asked) []byte { return a.coded(0, append(be32(1<<31-1), stat...)...) }},
	{"data of -2", zkapi.Get("/x"), func(a asked) []byte { return a.coded(0, append(be32(-2), stat...)...) }},
	{"data without a Stat", zkapi.Get("/x"), func(a asked) []byte { return a.coded(0, append(be32(2), 'a', 'b')...) }},
	{"children of -1", zkapi.Children("/x"), func(a asked) []byte { return a.coded(0, append(be32(-1), stat...)...) }},
	{"2^31-1 children", zkapi.Children("/x"), func(a asked) []byte { return a.coded(0, append(be32(1<<31-1), stat...)...) }},
	{"2^24 children", zkapi.Children("/x"), func(a asked) []byte { return a.coded(0, append(be32(1<<24), stat...)...) }},
	{"a child of -1", zkapi.Children("/x"), func(a asked) []byte { return a.coded(0, append(be32(1, -1), stat...)...) }},
	{"children without a Stat", zkapi.Children("/x"), func(a asked) []byte { return a.coded(0, be32(1, 0)...) }},
	{"no path for a sync", zkapi.Sync("/x"), func(a asked) []byte { return a.coded(0) }},
	{"a multi of no bytes", twoParts, func(a asked) []byte { return a.coded(0) }},
	{"a multi that never ends", twoParts, func(a asked) []byte { return a.coded(0, append(part(opcodeCheck), part(opcodeDelete)...)...) }},
	{"a multi of one part", twoParts, func(a asked) []byte { return a.coded(0, partOf(part(opcodeCheck), -1, true, -1)...) }},
	{"a multi of three parts", twoParts, func(a asked) []byte {
		return a.coded(0, partOf(bytes.Join([][]byte{part(opcodeCheck), part(opcodeDelete), part(opcodeDelete)}, nil), -1, true, -1)...)
	}},
	{"a multi of other parts", twoParts, func(a asked) []byte {
		return a.coded(0, partOf(append(part(opcodeCheck), part(opcodeSet, stat...)...), -1, true, -1)...)
	}},
	{"a multi of parts that there are not", twoParts, func(a asked) []byte {
		return a.coded(0, partOf(append(part(opcodeCheck), part(99)...), -1, true, -1)...)
	}},
	{"a multi that is half applied", twoParts, func(a asked) []byte {
		return a.coded(0, partOf(append(part(opcodeCheck), part(-1, be32(noNode)...)...), -1, true, -1)...)
	}},
	{"a multi that is refused for nothing", twoParts, func(a asked) []byte { return a.coded(0, refusedParts(0, 0)...) }},
	{"a multi with more refusals than parts", twoParts, func(a asked) []byte { return a.coded(0, refusedParts(0, 0, noNode)...) }},
}

var twoParts = zkapi.Multi(zkapi.Check("/x", 1), zkapi.Delete("/y", 1))

// TestWire_KeepsNonsenseFromTheLibrary has a server answer one request with what no
// ZooKeeper answers. The library would take the process down, with memory or with a
// panic; or it would believe it. Instead the connection is lost, and the next one serves.
func TestWire_KeepsNonsenseFromTheLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestWire_KeepsNonsenseFromTheLibrary: make test runs it, make quick does not")
	}
	for _, bad := range badAnswers {
		t.Run(bad.name, func(t *testing.T) {
			server := newFake(t, func(number int, c net.Conn) {
				if !greet(c, 0xA, 10000) {
					return
				}
				serve(c, func(a asked) []byte {
					if number == 1 && a.opcode != opcodePing && a.opcode != opcodeQuit {
						return bad.say(a)
					}
					return a.usual()
				})
			})
			s := open(t, Config{Servers: []string{server.address(), server.address()}, SessionTimeout: 10 * time.Second})
			const most = 16 << 20
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var err error
			spent := allocated(func() { _, err = s.Do(ctx, bad.op) })
			if zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, zkapi.ErrConnectionLoss) || zkapi.Refused(err) ||
				!strings.Contains(err.Error(), zkapi.ErrNotZooKeeper.Error()) || !strings.Contains(err.Error(), server.address()) {
				t.Errorf("got %v", err)
			}
			if spent > most {
				t.Errorf("%d bytes were allocated", spent)
			}
			if _, err := s.Do(ctx, zkapi.Create("/x", nil, zkapi.Persistent)); err != nil || server.accepted.Load() != 2 {
				t.Errorf("on connection %d: %v", server.accepted.Load(), err)
			}
		})
	}
}

// TestWire_AllocatesOnlyReceivedBytes: a length that is allowed, and little behind it.
func TestWire_AllocatesOnlyReceivedBytes(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch()}
	begun := append(be32(maxAnswer), make([]byte, 100)...)
	w := newWire(&pieces{left: [][]byte{begun}}, s, target{}, time.Now().Add(time.Hour))
	w.ready = true
	const most = 1 << 20
	if spent := allocated(func() {
		if _, err := w.Read(make([]byte, 10)); err == nil {
			t.Error("half a frame was handed on")
		}
	}); spent > most {
		t.Errorf("%d bytes were allocated for 100", spent)
	}
}
