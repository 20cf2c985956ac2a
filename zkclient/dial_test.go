package zkclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ensembleOf has servers in memory, by their address. Each serves its connections with a
// script; an address without one drops what is sent to it. Time is virtual, so that a test can
// hold the times of connections against the lease.
type ensembleOf struct {
	serves map[string]func(net.Conn)

	mu      sync.Mutex
	dialled []string
}

func (e *ensembleOf) dial(ctx context.Context, _, address string) (net.Conn, error) {
	e.mu.Lock()
	serve := e.serves[address]
	e.dialled = append(e.dialled, address)
	e.mu.Unlock()
	if serve == nil {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	return inMemory(serve)(ctx, "tcp", address)
}

func (e *ensembleOf) tried() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.dialled)
}

// driver makes one for these servers, with a lookup of names.
func (e *ensembleOf) driver(t *testing.T, config Config, lookup func(context.Context, string) ([]string, error)) *Driver {
	t.Helper()
	origin := time.Now()
	config.clock = func() time.Duration { return time.Since(origin) }
	d, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	d.config.Dial, d.names.lookup = e.dial, lookup
	return d
}

// refused calls Open, which fails, and waits until nothing of it is left.
func refused(ctx context.Context, d *Driver) error {
	_, err := d.Open(ctx)
	time.Sleep(patience) // of virtual time
	return err
}

// openIn opens a session that ends with the test. It reports how long that took.
func openIn(t *testing.T, d *Driver) (*session, time.Duration) {
	t.Helper()
	began := time.Now()
	s, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !s.Done().Fired() {
			_ = s.Close(context.Background())
		}
		time.Sleep(time.Minute) // until the last script has ended
	})
	return s.(*session), time.Since(began)
}

// Scripts of servers.
func serves(timeoutMs uint32) func(net.Conn) {
	return func(c net.Conn) {
		if greet(c, 0xA, timeoutMs) {
			answer(c, func(int32) {})
		}
	}
}

func endsConnections(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)) }

func isFrozen(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func readsNothing(net.Conn) { time.Sleep(time.Minute) } // of virtual time

func hangs(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// three is a lookup of a name with three addresses.
func three(context.Context, string) ([]string, error) {
	return []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, nil
}

// TestDial_EachAddressHasItsTurn: whatever is wrong with the first addresses of a name, the
// last one gives the session, and it costs at most a try for each. A handshake without an answer
// doubles the time of the next one.
func TestDial_EachAddressHasItsTurn(t *testing.T) {
	const wish = 10 * time.Second
	for what, c := range map[string]struct {
		bad  func(net.Conn)
		most time.Duration
	}{"end connections": {endsConnections, 0}, "are frozen": {isFrozen, 3 * wish / tryPart}, "drop what is sent": {nil, 2 * wish / tryPart}, "read nothing": {readsNothing, 3 * wish / tryPart}} {
		synctest.Test(t, func(t *testing.T) {
			e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": c.bad, "10.0.0.2:2181": c.bad, "10.0.0.3:2181": serves(4000)}}
			_, took := openIn(t, e.driver(t, Config{Servers: []string{"zk"}, SessionTimeout: wish}, three))
			want := []string{"10.0.0.1:2181", "10.0.0.2:2181", "10.0.0.3:2181"}
			if got := e.tried(); !slices.Equal(got, want) || took > c.most {
				t.Errorf("the first addresses %s: tried %q in %v", what, got, took)
			}
		})
	}
}

// TestDial_EachAddressHasItsTurnOverTLS: an address that is silent in the handshake of TLS
// leaves time for the others.
func TestDial_EachAddressHasItsTurnOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": isFrozen, "10.0.0.2:2181": isFrozen, "10.0.0.3:2181": isFrozen}}
		err := refused(t.Context(), e.driver(t, Config{Servers: []string{"zk"}, SessionTimeout: time.Minute, TLS: &tls.Config{}}, three))
		want := []string{"10.0.0.1:2181", "10.0.0.2:2181", "10.0.0.3:2181"}
		if got := e.tried(); err == nil || len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("tried %q: %v", got, err)
		}
	})
}

// TestDial_LookupHasItsOwnTime: one name service that does not answer costs neither the other
// servers their turn, nor a session of a server whose address was known.
func TestDial_LookupHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wish = 10 * time.Second
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": serves(4000)}}
		d := e.driver(t, Config{Servers: []string{"zk", "10.0.0.1"}, SessionTimeout: wish}, hangs)
		for range 20 { // each begins with another server
			s, took := openIn(t, d)
			if took > wish/tryPart {
				t.Errorf("another server had its turn after %v", took)
			}
			_ = s.Close(t.Context())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var drop func()
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": func(c net.Conn) {
			drop = func() { _ = c.Close() }
			serves(4000)(c)
		}}}
		d := e.driver(t, Config{Servers: []string{"zk"}, SessionTimeout: time.Minute}, found("10.0.0.1"))
		s, _ := openIn(t, d)
		d.names.lookup = hangs
		drop()
		synctest.Wait()
		if _, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
			t.Errorf("the name service has no answer any more: %v", err)
		}
	})
}

// TestDial_NamesTheAddress: the error has the name, the address, and what happened there.
func TestDial_NamesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": isFrozen, "10.0.0.2:2181": nil}}
		d := e.driver(t, Config{Servers: []string{"zk", "zoo:2182"}}, func(ctx context.Context, host string) ([]string, error) {
			if host == "zoo" {
				return hangs(ctx, host)
			}
			return []string{"10.0.0.1", "10.0.0.2"}, nil
		})
		err := refused(t.Context(), d)
		for _, want := range []string{"zk:2181 (10.0.0.1): no answer to the handshake", "zk:2181 (10.0.0.2): no connection within", "zoo:2182: no answer of the name service within"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %q", err, want)
			}
		}
	})
}

// freezing makes five servers of which the first one that grants a session freezes when it is
// told so. The next three that are asked accept connections and are silent.
func freezing(e *ensembleOf, granted time.Duration, freeze <-chan struct{}) {
	const frozen = 4
	var mu sync.Mutex
	var turns []string // addresses, in the order in which they had their turn
	for _, address := range five {
		e.serves[address+":2181"] = func(c net.Conn) {
			mu.Lock()
			if !slices.Contains(turns, address) {
				turns = append(turns, address)
			}
			rank := slices.Index(turns, address)
			mu.Unlock()
			if rank > 0 && rank < frozen {
				isFrozen(c)
				return
			}
			if !greet(c, 0xA, uint32(granted.Milliseconds())) {
				return
			}
			serve(c, func(a asked) []byte {
				select {
				case <-freeze:
					if rank == 0 {
						return []byte{}
					}
				default:
				}
				return a.usual()
			})
		}
	}
}

var five = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"}

// TestDial_FrozenNeighboursCostNoSession: the server of a session freezes, and so have the
// servers that are tried next. The timeout that was granted is much shorter than the wish. The
// session finds the last server before its lease ends.
func TestDial_FrozenNeighboursCostNoSession(t *testing.T) {
	for _, servers := range [][]string{five, {"zk"}} {
		synctest.Test(t, func(t *testing.T) {
			const granted = 4 * time.Second
			e, freeze := &ensembleOf{serves: map[string]func(net.Conn){}}, make(chan struct{})
			freezing(e, granted, freeze)
			s, _ := openIn(t, e.driver(t, Config{Servers: servers, SessionTimeout: time.Minute}, found(five...)))
			close(freeze)
			time.Sleep(10 * granted) // of virtual time
			if _, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent)); err != nil || s.Done().Fired() {
				t.Errorf("%q: tried %q: %v", servers, e.tried(), err)
			}
		})
	}
}

// TestDial_PausesBeforeASecondTurn: no address is asked again without a pause, and a pause is
// shorter than a short session.
func TestDial_PausesBeforeASecondTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": endsConnections, "10.0.0.2:2181": endsConnections}}
		d := e.driver(t, Config{Servers: []string{"10.0.0.1", "10.0.0.2"}, SessionTimeout: 10 * time.Second}, nil)
		if err := refused(t.Context(), d); !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
		if n, most := len(e.tried()), 2*int(patience/longestPause)+8; n > most || n < most/2 {
			t.Errorf("%d connections in %v", n, patience)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var drop func()
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": func(c net.Conn) {
			drop = func() { _ = c.Close() }
			serves(800)(c)
		}}}
		s, _ := openIn(t, e.driver(t, Config{Servers: []string{"10.0.0.1"}}, nil))
		drop()
		synctest.Wait()
		if _, err := s.Do(t.Context(), zkapi.Create("/x", nil, zkapi.Persistent)); err != nil {
			t.Errorf("a session of 800ms did not survive the end of a connection: %v", err)
		}
	})
}
