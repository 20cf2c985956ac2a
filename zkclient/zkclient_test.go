package zkclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "no servers"},
		{Config{Servers: []string{"zk1"}}, `"zk1"`},
		{Config{Servers: []string{"zk1:1"}, SessionTimeout: time.Millisecond}, "1ms"},
	} {
		if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
}

// TestFrames cuts a stream of packets into arbitrary pieces.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []int
		for range rapid.IntRange(1, 6).Draw(t, "packets") {
			length := rapid.IntRange(0, 40).Draw(t, "length")
			want = append(want, length)
			stream = append(binary.BigEndian.AppendUint32(stream, uint32(length)), make([]byte, length)...)
		}
		var got []int
		var f frame
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
			for rest := stream[:n]; len(rest) > 0; {
				var whole bool
				if rest, whole = f.feed(rest, false); whole {
					got = append(got, f.length)
					f = frame{}
				}
			}
			stream = stream[n:]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got packets of %v, want %v", got, want)
		}
	})
}

// TestFates holds every error of the library against what may be concluded.
func TestFates(t *testing.T) {
	s := &session{done: newLatch()}
	for err, want := range map[error]zkapi.Fate{
		nil: zkapi.Applied, zk.ErrNoNode: zkapi.NotApplied, zk.ErrNodeExists: zkapi.NotApplied, zk.ErrBadVersion: zkapi.NotApplied,
		zk.ErrNoServer: zkapi.NotApplied, zk.ErrSessionExpired: zkapi.NotApplied, zk.ErrSessionMoved: zkapi.NotApplied,
		zk.ErrConnectionClosed: zkapi.Unknown, zk.ErrClosing: zkapi.Unknown, errors.New("write tcp: broken pipe"): zkapi.Unknown,
		errors.New("unknown error: -4"): zkapi.Unknown,
	} {
		if got := zkapi.FateOf(s.translate(zkapi.Get("/x"), err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

func TestOversizeIsRefusedBeforeItIsSent(t *testing.T) {
	s := &session{done: newLatch(), next: newLatch(), up: true, config: Config{MaxRequest: 1000}}
	_, err := s.Do(t.Context(), zkapi.Create("/x", make([]byte, 1000), zkapi.Persistent))
	if !errors.Is(err, zkapi.ErrTooLarge) || zkapi.FateOf(err) != zkapi.NotApplied {
		t.Errorf("got %v", err)
	}
}

func TestWait(t *testing.T) {
	d, err := New(Config{Servers: []string{"x:1"}})
	if err != nil {
		t.Fatal(err)
	}
	never, raised, fired := newLatch(), d.Signal(), newLatch()
	raised.Raise()
	raised.Raise()
	fired.fire()
	for _, c := range []struct {
		sources []zkapi.Source
		want    int
	}{
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

// TestWatchIsReusedUntilItFiresOrTheConnectionChanges keeps a worker that reads the
// same list for days from piling up watches.
func TestWatchIsReusedUntilItFiresOrTheConnectionChanges(t *testing.T) {
	s := &session{done: newLatch(), next: newLatch(), watches: map[watchKey]keptWatch{}}
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

// TestCloseSaysWhetherTheServerConfirmed closes a session with and without an
// answer.
func TestCloseSaysWhetherTheServerConfirmed(t *testing.T) {
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

// TestWatchStaysFired reads the library's channel as Wait does, and asks later.
func TestWatchStaysFired(t *testing.T) {
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
