package zkclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func TestNew_NamesTheWrongOption(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "no servers"},
		{Config{Servers: []string{"zk1", ""}}, `server ""`},
		{Config{Servers: []string{"zk1:x"}}, `"x" is no port`},
		{Config{Servers: []string{"zk1:1,zk2:1"}}, "ParseServers"},
		{Config{Servers: []string{"zk1:1", "zk2:1/billing"}}, "ParseServers"},
		{Config{Servers: []string{"zk://zk1:1"}}, "ParseServers"},
		{Config{Servers: []string{"zk1:1"}, SessionTimeout: time.Millisecond}, "timeout 1ms: give a time from 100ms to 24h"},
		{Config{Servers: []string{"zk1:1"}, SessionTimeout: -time.Second}, "timeout -1s: give a time from 100ms"},
		{Config{Servers: []string{"zk1:1"}, SessionTimeout: 24*time.Hour + 1}, "give a time from 100ms to 24h"},
		{Config{Servers: []string{"zk1:1"}, SessionTimeout: math.MaxInt64}, "give a time from 100ms to 24h"},
	} {
		if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
}

// TestFate_OfEachError holds every error that the library makes by itself against what may be
// concluded.
func TestFate_OfEachError(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch()}
	for err, want := range map[error]zkapi.Fate{
		nil: zkapi.Applied, zk.ErrNoServer: zkapi.NotApplied, zk.ErrInvalidPath: zkapi.NotApplied, zk.ErrSessionExpired: zkapi.NotApplied,
		zk.ErrConnectionClosed: zkapi.Unknown, zk.ErrShortBuffer: zkapi.Unknown, errors.New("write tcp: broken pipe"): zkapi.Unknown,
		errors.New("unknown error: x"): zkapi.Unknown,
	} {
		if got := zkapi.FateOf(s.translate(zkapi.Get("/x"), err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	s.finish(ErrClosed)
	if got := zkapi.FateOf(s.translate(zkapi.Get("/x"), zk.ErrClosing)); got != zkapi.Unknown {
		t.Errorf("the library's own end: %v", got)
	}
}

func TestRequest_TooLargeIsNotSent(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch(), up: true, config: Config{MaxRequest: 1000}}
	_, err := s.Do(t.Context(), zkapi.Create("/x", make([]byte, 1000), zkapi.Persistent))
	if !errors.Is(err, zkapi.ErrTooLarge) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("got %v", err)
	}
}

func TestWait_ReturnsTheLowestFiredSource(t *testing.T) {
	d, err := New(Config{Servers: []string{"x:1"}})
	if err != nil {
		t.Fatal(err)
	}
	never, raised, fired := newLatch(), d.Signal(), newLatch()
	raised.Raise()
	raised.Raise()
	fired.fire()
	many := slices.Repeat([]zkapi.Source{never}, zkapi.MostAtOnce+5) // more than a select takes
	many[len(many)-1] = d.Timer(time.Millisecond)
	for _, c := range []struct {
		sources []zkapi.Source
		want    int
	}{
		{many, len(many) - 1},
		{[]zkapi.Source{never, raised, fired}, 1},
		{[]zkapi.Source{never, raised, fired}, 2}, // raised twice counts once
		{[]zkapi.Source{never, fired, d.Timer(0)}, 1},
		{[]zkapi.Source{never, d.Timer(time.Millisecond)}, 1},
	} {
		if got, err := d.Wait(t.Context(), c.sources...); err != nil || got != c.want {
			t.Errorf("got %d, %v, want %d", got, err, c.want)
		}
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := d.Wait(ctx, never); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// TestWatch_IsReusedUntilItFires keeps a worker that reads the
// same list for days from piling up watches.
func TestWatch_IsReusedUntilItFires(t *testing.T) {
	s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch(), watches: map[watchKey]keptWatch{}}
	key := watchKey{"/tasks", zkapi.KindChildren}
	if s.kept(key) != nil {
		t.Error("a watch out of nothing")
	}
	events := make(chan zk.Event, 1)
	first := &watch{c: events}
	s.keep(key, keptWatch{first, 0})
	if s.kept(key) != first || s.kept(watchKey{"/tasks", zkapi.KindExists}) != nil {
		t.Error("the watch is not kept for its path and kind alone")
	}
	events <- zk.Event{}
	if s.kept(key) != nil {
		t.Error("a watch that has fired is used again")
	}
	s.keep(key, keptWatch{&watch{c: make(chan zk.Event)}, 0})
	s.setUp(true)
	if s.kept(key) != nil {
		t.Error("a watch of an earlier connection is used again")
	}
	for i := range 5000 {
		fired := make(chan zk.Event)
		close(fired)
		s.keep(watchKey{fmt.Sprint("/tasks/", i), zkapi.KindExists}, keptWatch{&watch{c: fired}, 1})
	}
	if len(s.watches) > 2000 {
		t.Errorf("%d watches are kept, nearly all have fired", len(s.watches))
	}
}

// TestClose_SaysWhetherTheServerConfirmed closes a session with and without an
// answer.
func TestClose_SaysWhetherTheServerConfirmed(t *testing.T) {
	for _, answers := range []bool{true, false} {
		server := newFake(t, func(_ int, c net.Conn) {
			if !greet(c, 0xA, 10000) {
				return
			}
			if answers {
				answer(c, func(int32) {})
			}
			_, _ = io.Copy(io.Discard, c)
		})
		s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := s.Close(ctx)
		cancel()
		if answers != (err == nil) {
			t.Errorf("the server answers is %v: %v", answers, err)
		}
	}
}

// TestWatch_StaysFired reads the library's channel as Wait does, and asks later.
func TestWatch_StaysFired(t *testing.T) {
	d, err := New(Config{Servers: []string{"x:1"}})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan zk.Event, 1)
	w := &watch{c: events}
	if w.Fired() {
		t.Error("fired before the event")
	}
	events <- zk.Event{}
	if got, err := d.Wait(t.Context(), w); got != 0 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if !w.Fired() {
		t.Error("a watch that was waited for has forgotten that it fired")
	}
}

// TestMulti_NamesTheRefusedPart has a server refuse the second of three parts:
// of the others it says that they would have gone, or that they were not looked at.
func TestMulti_NamesTheRefusedPart(t *testing.T) {
	const noneLooked = -2
	server := newFake(t, func(_ int, c net.Conn) {
		if !greet(c, 0xA, 10000) {
			return
		}
		serve(c, func(a asked) []byte {
			if a.opcode == opcodeMulti {
				return a.coded(codeNoErr, refusedParts(codeNoErr, noNode, noneLooked)...)
			}
			return a.usual()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 10 * time.Second})
	_, err := s.Do(t.Context(), zkapi.Multi(zkapi.Check("/a", 1), zkapi.Delete("/b", -1), zkapi.Delete("/c", -1)))
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Index != 1 || e.Path != "/b" || e.Fate != zkapi.NotApplied || !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("got %+v", err)
	}
}

// refusedParts is the answer to a multi that was refused.
func refusedParts(codes ...int32) []byte {
	var body []byte
	for _, code := range codes {
		body = append(partOf(body, -1, false, code), binary.BigEndian.AppendUint32(nil, uint32(code))...)
	}
	return partOf(body, -1, true, -1)
}

// partOf begins one part of the answer to a multi, or ends it.
func partOf(body []byte, opcode int32, done bool, code int32) []byte {
	end := byte(0)
	if done {
		end = 1
	}
	body = append(binary.BigEndian.AppendUint32(body, uint32(opcode)), end)
	return binary.BigEndian.AppendUint32(body, uint32(code))
}

// TestLease_CountsFromTheRequest: the lease is counted from when the request was
// sent that is answered, though others were sent since and the answer is late.
func TestLease_CountsFromTheRequest(t *testing.T) {
	for _, c := range []struct {
		what       string
		xid, later int32
		opcode     int32
	}{{"a ping", xidPing, xidPing, opcodePing}, {"a request", 5, 6, opcodeDelete}} {
		s := &session{past: &zxidMemory{}, done: newLatch(), next: newLatch()}
		w := &wire{session: s, sent: map[int32]*request{}, connectSent: true, ready: true}
		request := func(xid int32) []byte {
			packet := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, uint32(xid))
			return binary.BigEndian.AppendUint32(packet, uint32(c.opcode))
		}
		w.note(request(c.xid))
		sent := elapsed()
		time.Sleep(5 * time.Millisecond)
		w.note(request(c.later))
		answer := append(binary.BigEndian.AppendUint32(nil, uint32(c.xid)), make([]byte, headBytes-4)...)
		if pass, err := w.received(answer); !pass || err != nil {
			t.Errorf("%s: its answer is refused: %v", c.what, err)
		}
		if s.leaseStart == 0 || s.leaseStart > sent {
			t.Errorf("%s: the lease begins %v after that was sent", c.what, s.leaseStart-sent)
		}
	}
}
