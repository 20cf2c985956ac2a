package serve_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// lateListener fails when it is told to, and not when it is closed.
type lateListener struct {
	net.Listener
	fail chan struct{}
}

func (l lateListener) Accept() (net.Conn, error) { <-l.fail; return nil, net.ErrClosed }
func (l lateListener) Close() error              { return nil }

// TestMember_StartDoesNotReviveAListener starts a server before its listener knows that it was
// stopped.
func TestMember_StartDoesNotReviveAListener(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		l, served := lateListener{fail: make(chan struct{})}, make(chan error, 1)
		go func() { served <- e.Members()[0].Serve(l) }()
		synctest.Wait()
		e.Members()[0].Stop()
		e.Members()[0].Start()
		close(l.fail)
		if err := <-served; !errors.Is(err, serve.ErrStopped) {
			t.Errorf("Serve returned %v, want %v", err, serve.ErrStopped)
		}
	})
}

// TestMember_StartsOnANewListener stops a server that listens, and starts it on the same port.
func TestMember_StartsOnANewListener(t *testing.T) {
	e, address := start(t, serve.Options{})
	m := e.Members()[0]
	_, id, password := tcp(t, address).greet(10*time.Second, 0, nil)
	m.Stop()
	m.Start()
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("a server that was stopped listens again")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- m.Serve(l) }()
	if _, again, _ := tcp(t, address).greet(10*time.Second, id, password); again != id {
		t.Errorf("session 0x%x, want 0x%x", again, id)
	}
	e.Close()
	if err := <-served; !errors.Is(err, serve.ErrStopped) {
		t.Errorf("Serve returned %v, want %v", err, serve.ErrStopped)
	}
}

// TestMember_StopWaitsForNobody stops a server whose client does not read what comes, and one
// whose answers a fault holds back.
func TestMember_StopWaitsForNobody(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		inject(t, e, "delay answers to exists by 1h")
		unread, late := raw(t, e.Members()[0]), join(t, e.Members()[0], 10*time.Second)
		_, id, _ := unread.greet(10*time.Second, 0, nil)
		unread.send(func(to *jute.Encoder) { to.Int32(1); to.Int32(opGet); reading("/", false)(to) })
		late.ask(1, opExists, reading("/", false))
		synctest.Wait()
		if err := e.Expire(id); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		e.Members()[0].Stop()
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// TestMember_TellsItsRole has the commands of four letters, of the leader, a follower, and a
// server without a leader.
func TestMember_TellsItsRole(t *testing.T) {
	inBubble(t, serve.Options{Members: 3, Observers: 1}, func(t *testing.T, e *serve.Ensemble) {
		tells := func(m int, command string, want ...string) {
			t.Helper()
			got := word(t, e.Members()[m-1], command)
			for _, line := range want {
				if !strings.Contains(got, line) {
					t.Errorf("member %d answers %s with %q; want %q", m, command, got, line)
				}
			}
		}
		tells(3, "srvr", "Mode: leader\n", "Zxid: 0x100000000\n")
		tells(3, "mntr", "zk_server_state\tleader\n", "zk_synced_followers\t2\n", "zk_learners\t3\n", "zk_synced_observers\t1\n")
		tells(1, "stat", "Mode: follower\n")
		tells(4, "mntr", "zk_server_state\tobserver\n")
		e.Members()[1].Stop()
		tells(3, "mntr", "zk_synced_followers\t1\n")
		e.Members()[2].Stop()
		tells(1, "ruok", "imok")
		for _, command := range []string{"srvr", "stat", "mntr"} {
			tells(1, command, "not currently serving requests\n")
		}
		tells(1, "isro", "null")
	})
}

// word is the answer of a server to a command of four letters.
func word(t *testing.T, m *serve.Member, command string) string {
	t.Helper()
	c := raw(t, m)
	_, _ = c.Write([]byte(command)) // a failure shows when the answer is read
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("member %d, %s: %v", m.ID(), command, err)
	}
	return string(answer)
}

// exhausted is a listener whose process has no file descriptor left for a moment.
type exhausted struct {
	net.Listener
	refusals int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.refusals > 0 {
		l.refusals--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// TestServe_OutlivesAMomentWithoutDescriptors: the listener stays, and later clients are served.
func TestServe_OutlivesAMomentWithoutDescriptors(t *testing.T) {
	e := serve.New(serve.Options{})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.Members()[0].Serve(&exhausted{inner, 2}) }()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := make([]byte, 4)
	if _, err := c.Write([]byte("ruok")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "imok" {
		t.Errorf("%q, %v", answer, err)
	}
	e.Close()
	if err := <-served; !errors.Is(err, serve.ErrStopped) {
		t.Errorf("Serve returned %v", err)
	}
}

// TestConn_EndsWhenItsClientIsGone has a client that asks for much, reads nothing and goes. The
// server must not wait for room that nobody makes.
func TestConn_EndsWhenItsClientIsGone(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := raw(t, e.Members()[0])
		c.greet(40*time.Second, 0, nil)
		c.call(1, opCreate, func(to *jute.Encoder) {
			to.String("/big")
			to.Buffer(make([]byte, 900_000))
			to.Int32(1)
			to.Int32(31)
			to.String("world")
			to.String("anyone")
			to.Int32(0)
		})
		for xid := range int32(6) { // more than the server holds back for a client
			c.send(func(to *jute.Encoder) { to.Int32(xid + 2); to.Int32(opGet); to.String("/big"); to.Bool(false) })
		}
		time.Sleep(time.Second)
		_ = c.Close()
		time.Sleep(10 * time.Second)
		if s := e.Sessions(); len(s) != 1 || s[0].Member != 0 {
			t.Errorf("the connection of a client that is gone is there: %+v", s)
		}
	})
}
