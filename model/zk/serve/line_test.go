package serve_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// TestFault_OfALine has the faults that concern a client's connection, for 5 seconds: what they
// let through, and what is left of the connection when they are over.
func TestFault_OfALine(t *testing.T) {
	for _, test := range []struct {
		fault    string
		closed   bool // the connection ends at once
		applied  bool // a create takes effect
		answered bool // and is answered
		granted  bool // a new connection gets a session
		after    bool // the connection outlives the fault
		effects  int  // by the create, and by a new connection
	}{
		{"reset", true, false, false, true, false, 1},
		{"refuse for 5s", false, true, true, false, true, 1},
		{"cut for 5s", false, false, false, false, false, 2},
		{"mute for 5s", false, true, false, false, false, 2},
		{"deafen for 5s", false, false, false, false, false, 2},
	} {
		t.Run(test.fault, func(t *testing.T) {
			inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
				c := join(t, e.Members()[0], 40*time.Second)
				i := inject(t, e, test.fault)
				if closed := c.isClosed(time.Millisecond); closed != test.closed {
					t.Errorf("the connection is closed: %v", closed)
				}
				if !test.closed {
					c.ask(1, opCreate, persistent("/a"))
				}
				if _, _, _, came := c.next(time.Second); came != test.answered || has(e, "/a") != test.applied {
					t.Errorf("the create is answered: %v, applied: %v", came, has(e, "/a"))
				}
				late := raw(t, e.Members()[0])
				granted := make(chan bool, 1)
				go func() { granted <- late.tries() }()
				synctest.Wait()
				select {
				case got := <-granted:
					if got != test.granted {
						t.Errorf("a new connection gets a session: %v", got)
					}
				default:
					if test.granted {
						t.Error("a new connection waits")
					}
				}
				wantEffects(t, i, test.effects)
				time.Sleep(5 * time.Second)
				if test.after != !c.isClosed(time.Millisecond) {
					t.Error("what has become of the connection after the fault is wrong")
				}
				if join(t, e.Members()[0], tick).do(opCreate, persistent("/b")) != codeOK {
					t.Error("the server does not serve after the fault")
				}
			})
		})
	}
}

// TestFault_ResetIsOneOfTCP resets a connection over TCP, and one over TLS: the clients get a
// reset, and not an orderly end.
func TestFault_ResetIsOneOfTCP(t *testing.T) {
	e, address := start(t, serve.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewTLSServer(nil) // for its certificate
	defer issuer.Close()
	go e.Members()[0].Serve(tls.NewListener(l, &tls.Config{Certificates: issuer.TLS.Certificates})) // ends with the ensemble
	for _, over := range []func() net.Conn{
		func() net.Conn { return tcp(t, address) },
		func() net.Conn {
			return tls.Client(tcp(t, l.Addr().String()), &tls.Config{InsecureSkipVerify: true})
		},
	} {
		c := rawConn{t, over()}
		c.greet(10*time.Second, 0, nil)
		if _, err := e.Inject(serve.Fault{Kind: serve.Reset}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client gets %v", err)
		}
	}
}

// TestFault_CutOfASessionFollowsIt cuts a session whose client connects again: neither the old
// nor the new connection carries anything, other sessions are served, and the session expires.
func TestFault_CutOfASessionFollowsIt(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c, other := join(t, e.Members()[0], 10*time.Second), join(t, e.Members()[0], 40*time.Second)
		c.do(opCreate, ephemeral("/e"))
		i := inject(t, e, fmt.Sprintf("cut session 0x%x", c.id))
		time.Sleep(5 * time.Second)
		again := raw(t, e.Members()[1])
		got := make(chan int64, 1)
		go func() {
			_, id, _ := again.greet(10*time.Second, c.id, c.password)
			got <- id
		}()
		time.Sleep(5*time.Second - time.Millisecond)
		if !has(e, "/e") || !other.isOpen() {
			t.Error("the session ends too early, or another one suffers")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if has(e, "/e") {
			t.Error("the session does not expire")
		}
		i.Heal()
		if id := <-got; id != 0 {
			t.Errorf("session 0x%x is granted", id)
		}
	})
}

// TestFault_DelaysMessages sends two creates at once: both are late by the same time, and a
// request that is late takes effect late, an answer that is late does not.
func TestFault_DelaysMessages(t *testing.T) {
	for _, way := range []string{"requests", "answers"} {
		t.Run(way, func(t *testing.T) {
			inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
				c := join(t, e.Members()[0], 40*time.Second)
				i := inject(t, e, "delay "+way+" to create by 200ms")
				c.ask(1, opCreate, persistent("/a"))
				c.ask(2, opCreate, persistent("/b"))
				c.ask(3, opExists, reading("/b", false))
				if _, _, _, came := c.next(199 * time.Millisecond); came || has(e, "/b") != (way == "answers") {
					t.Errorf("an answer comes early: %v; the znode is there: %v", came, has(e, "/b"))
				}
				for xid := int32(1); xid <= 3; xid++ {
					if got, _, code, _ := c.next(2 * time.Millisecond); got != xid || code != codeOK {
						t.Errorf("xid %d, code %d, want the answer to %d", got, code, xid)
					}
				}
				wantEffects(t, i, 2)
			})
		})
	}
}

// TestFault_HoldsBackNoMoreThanItMay reads much data whose answers are late: the server stops to
// read from the client before it holds all of it.
func TestFault_HoldsBackNoMoreThanItMay(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		c.do(opCreate, func(to *jute.Encoder) {
			to.String("/a")
			to.Buffer(make([]byte, 500_000))
			to.Bytes = append(to.Bytes, acl()...)
		})
		i := inject(t, e, "delay answers to get by 10s")
		const asked = 100
		go func() {
			for xid := range int32(asked) {
				c.ask(xid, opGet, reading("/a", false))
			}
		}()
		synctest.Wait()
		if n := i.Effects(); n < 8 || n > 20 {
			t.Errorf("%d answers of 500000 bytes are held back", n)
		}
		for range asked {
			if _, _, code, came := c.next(11 * time.Second); !came || code != codeOK {
				t.Fatal("an answer is missing")
			}
		}
	})
}

// TestFault_DelaysARefusal has a handshake that is late, of a client that has seen too much.
func TestFault_DelaysARefusal(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		inject(t, e, "delay requests to connect by 200ms")
		begin := time.Now()
		if c := raw(t, e.Members()[0]); !c.refused(1<<40, 0, nil) || time.Since(begin) != 200*time.Millisecond {
			t.Errorf("it is refused after %v", time.Since(begin))
		}
	})
}

// TestFault_ThrottlesTheLine sets a znode of 1000 bytes over a line of 1000 bytes a second.
func TestFault_ThrottlesTheLine(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "throttle to 1kB/s")
		begin := time.Now()
		c.ask(1, opCreate, func(to *jute.Encoder) {
			to.String("/a")
			to.Buffer(make([]byte, 1000))
			ephemeral("")(&jute.Encoder{})
			to.Bytes = append(to.Bytes, acl()...)
		})
		_, _, code, came := c.next(10 * time.Second)
		took := time.Since(begin)
		// 1000 bytes of data, and 71 around them, there and back
		if !came || code != codeOK || took < 1050*time.Millisecond || took > 1150*time.Millisecond {
			t.Errorf("it took %v, code %d", took, code)
		}
		wantEffects(t, i, 2)
	})
}

// TestFault_CutsWhoIsConnected has a session without a connection, which no fault of a line
// chooses, and a fault that is injected when there is none to choose.
func TestFault_CutsWhoIsConnected(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		for range 5 {
			_ = join(t, e.Members()[0], 40*time.Second).Close()
		}
		synctest.Wait()
		wantEffects(t, inject(t, e, "reset a session"), 0)
		c := join(t, e.Members()[0], 40*time.Second)
		wantEffects(t, inject(t, e, "reset a session"), 1)
		if !c.isClosed(time.Millisecond) {
			t.Error("the connection is open")
		}
	})
}

// TestFault_LeavesFourLettersAlone cuts everybody off: the commands of four letters are answered.
func TestFault_LeavesFourLettersAlone(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		inject(t, e, "cut all")
		c := raw(t, e.Members()[0])
		_, _ = c.Write([]byte("ruok")) // the answer is compared
		if got, err := io.ReadAll(c); err != nil || string(got) != "imok" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestConf_HasTheLimitsOfSeveralServers: clients ask for them, and a server that is alone has none.
func TestConf_HasTheLimitsOfSeveralServers(t *testing.T) {
	for members, want := range map[int]string{1: "serverId=0\n", 3: "serverId=2\ninitLimit=10\nsyncLimit=7\npeerType=0\n"} {
		inBubble(t, serve.Options{Members: members, SyncLimit: 7}, func(t *testing.T, e *serve.Ensemble) {
			c := raw(t, e.Members()[members/2])
			_, _ = c.Write([]byte("conf")) // the answer is compared
			got, err := io.ReadAll(c)
			if _, last, _ := strings.Cut(string(got), "maxSessionTimeout=40000\n"); err != nil || last != want {
				t.Errorf("%d servers: %q, %v, want %q at its end", members, got, err, want)
			}
		})
	}
}
