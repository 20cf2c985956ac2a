package serve_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// inject injects the one fault of a text.
func inject(t *testing.T, e *serve.Ensemble, text string) *serve.Injection {
	t.Helper()
	faults, err := serve.ParseFaults(text)
	if err != nil || len(faults) != 1 {
		t.Fatalf("%q: %v, %v", text, faults, err)
	}
	i, err := e.Inject(faults[0])
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wantEffects waits until nothing happens, and compares how often a fault took effect.
func wantEffects(t *testing.T, i *serve.Injection, want int) {
	t.Helper()
	synctest.Wait()
	if got := i.Effects(); got != want {
		t.Errorf("%s has taken effect %d times, want %d", i.Fault(), got, want)
	}
	select {
	case <-i.Effective():
	default:
		if want > 0 {
			t.Errorf("%s: Effective is not closed", i.Fault())
		}
	}
}

func TestFault_ExpireEndsASession(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		c.do(opCreate, ephemeral("/e"))
		i := inject(t, e, "expire every 30s")
		time.Sleep(30*time.Second - time.Millisecond)
		wantEffects(t, i, 0)
		if !c.isOpen() || !has(e, "/e") || len(e.Sessions()) != 1 {
			t.Fatal("it expires too early")
		}
		time.Sleep(time.Millisecond)
		wantEffects(t, i, 1)
		if !c.isClosed(time.Millisecond) || has(e, "/e") || len(e.Sessions()) != 0 {
			t.Error("the session goes on")
		}
		if _, same := rejoin(t, e.Members()[0], c); same {
			t.Error("the session is granted again")
		}
		join(t, e.Members()[0], 40*time.Second)
		time.Sleep(30 * time.Second)
		wantEffects(t, i, 2)
		i.Heal()
		join(t, e.Members()[0], 40*time.Second).keep()
		time.Sleep(time.Minute)
		wantEffects(t, i, 2)
	})
}

// TestFault_FollowsARequest expires the session that makes the third create below a znode. A
// create that is refused, one elsewhere, and other requests do not count; one in a multi does.
func TestFault_FollowsARequest(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		bystander, c := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "expire after the third create below /x")
		for _, path := range []string{"/x", "/x/1", "/x/1", "/xy", "/none/y"} {
			c.do(opCreate, persistent(path))
		}
		c.do(opExists, reading("/x/2", false))
		if code := c.do(opMulti, multi("/x/2", "/x/1")); code != codeOK || has(e, "/x/2") {
			t.Fatalf("a multi with a refused part: code %d", code)
		}
		bystander.do(opMulti, multi("/y", "/x/2"))
		wantEffects(t, i, 0)
		if c.do(opCreate, ephemeral("/x/3")) != codeOK {
			t.Error("the answer to the third create is lost")
		}
		if !c.isClosed(time.Millisecond) || has(e, "/x/3") || !bystander.isOpen() {
			t.Error("not the session that made the third create has ended")
		}
		wantEffects(t, i, 1)
	})
}

const opMulti = 14

// multi creates several znodes.
func multi(paths ...string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		for _, path := range paths {
			to.Int32(opCreate)
			to.Bool(false)
			to.Int32(-1)
			persistent(path)(to)
		}
		to.Int32(-1)
		to.Bool(true)
		to.Int32(-1)
	}
}

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

// tries reports whether a new connection gets a session; it waits if nothing comes.
func (c rawConn) tries() bool {
	var to jute.Encoder
	to.Int32(28)
	to.Int32(0)
	to.Int64(0)
	to.Int32(10000)
	to.Int64(0)
	to.Buffer(nil)
	_, _ = c.Write(to.Bytes) // a refusal may come first
	return !c.receive().Bad
}

// TestFault_ResetIsOneOfTCP resets a connection over TCP: its client gets a reset, and not an
// orderly end.
func TestFault_ResetIsOneOfTCP(t *testing.T) {
	e, address := start(t, serve.Options{})
	c := tcp(t, address)
	c.greet(10*time.Second, 0, nil)
	if _, err := e.Inject(serve.Fault{Kind: serve.Reset}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client gets %v", err)
	}
}

// TestFault_LogsItsLife compares the lines of a fault that loses one answer.
func TestFault_LogsItsLife(t *testing.T) {
	var text strings.Builder
	var logged string // before the ensemble is closed
	log := slog.New(slog.NewTextHandler(&text, nil))
	inBubble(t, serve.Options{Log: log}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		inject(t, e, "lose the 1st answer to create of /x")
		c.ask(1, opCreate, persistent("/x"))
		c.isClosed(time.Millisecond)
		logged = text.String()
	})
	var lines []string
	for line := range strings.Lines(logged) {
		if _, told, is := strings.Cut(line, "msg=\"a fault "); is {
			lines = append(lines, strings.TrimSpace(told))
		}
	}
	const fault = ` fault="lose the 1st answer to create of /x"`
	want := []string{`begins"` + fault, `takes effect"` + fault + ` effects=1 client=pipe message=answer request="create of /x"`, `is over"` + fault + ` effects=1`}
	if !slices.Equal(lines, want) {
		t.Errorf("the log has %q, want %q", lines, want)
	}
}

// TestFault_EndsWithTheEnsemble closes the ensemble before the moment of a fault.
func TestFault_EndsWithTheEnsemble(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "expire every 30s")
		e.Close()
		time.Sleep(time.Minute)
		wantEffects(t, i, 0)
		if len(e.Sessions()) != 1 {
			t.Error("the session has ended")
		}
	})
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

// TestFault_LosesOneMessage has the answer or the request of the second create below /x, or
// the event of a znode, lost with its connection.
func TestFault_LosesOneMessage(t *testing.T) {
	for _, test := range []struct {
		fault   string
		applied bool
	}{
		{"lose the second answer to create below /x", true},
		{"lose the second request to create below /x", false},
	} {
		t.Run(test.fault, func(t *testing.T) {
			inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
				c := join(t, e.Members()[0], 40*time.Second)
				i := inject(t, e, test.fault)
				c.do(opCreate, persistent("/x"))
				c.do(opCreate, persistent("/x/1"))
				c.ask(1, opExists, reading("/x", false))
				c.ask(2, opCreate, persistent("/x/2"))
				if xid, _, _, _ := c.next(time.Millisecond); xid != 1 {
					t.Errorf("xid %d is answered before the loss, want 1", xid)
				}
				if !c.isClosed(time.Millisecond) {
					t.Error("the connection is open after a loss")
				}
				if has(e, "/x/2") != test.applied {
					t.Errorf("the create is applied: %v", has(e, "/x/2"))
				}
				c, _ = rejoin(t, e.Members()[0], c)
				if c.do(opCreate, persistent("/x/3")) != codeOK {
					t.Error("the third one is lost, too")
				}
				wantEffects(t, i, 1)
			})
		})
	}
}

// TestFault_LeavesPingsAlone loses all answers: those to pings come, unless they are named.
func TestFault_LeavesPingsAlone(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		inject(t, e, "lose answers")
		if !c.isOpen() {
			t.Error("the answer to a ping is lost")
		}
		inject(t, e, "lose answers to ping")
		c.ask(-2, opPing, nothing)
		if !c.isClosed(time.Millisecond) {
			t.Error("the answer to a ping that is named is not lost")
		}
	})
}

func TestFault_LosesAnEvent(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		c, other := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[0], 40*time.Second)
		i := inject(t, e, "lose events of /x")
		c.do(opExists, reading("/x", true))
		c.do(opExists, reading("/y", true))
		other.do(opCreate, persistent("/y"))
		if xid, _, _, _ := c.next(time.Millisecond); xid != -1 {
			t.Errorf("xid %d comes instead of the other event", xid)
		}
		other.do(opCreate, persistent("/x"))
		if !c.isClosed(time.Millisecond) {
			t.Error("the event is not lost")
		}
		wantEffects(t, i, 1)
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

// acl is what a create has behind its data: everybody may do everything, and it is persistent.
func acl() []byte {
	var to jute.Encoder
	persistent("")(&to)
	return to.Bytes[8:] // the path and the data
}

// TestFault_LagsAMember has a server that does not learn of writes until its own client writes:
// it reads old data, watches fire late, and whoever has seen more is refused.
func TestFault_LagsAMember(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c, other := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[1], 40*time.Second)
		c.do(opExists, reading("/a", true))
		i := inject(t, e, "lag member 1")
		other.do(opCreate, persistent("/a"))
		if code := c.do(opGet, reading("/a", false)); code != noNode {
			t.Errorf("the server does not lag: code %d", code)
		}
		wantEffects(t, i, 1)
		seen := raw(t, e.Members()[0])
		if !seen.refused(e.Tree().Zxid(), other.id, other.password) {
			t.Error("a client that has seen more is served")
		}
		c.ask(5, opSync, at("/"))
		for _, want := range []int32{-1, 5} {
			if xid, _, _, _ := c.next(time.Millisecond); xid != want {
				t.Errorf("xid %d comes, want %d: the event, then the answer to the sync", xid, want)
			}
		}
		other.do(opCreate, persistent("/b"))
		if c.do(opGet, reading("/a", false)) != codeOK || c.do(opGet, reading("/b", false)) != noNode {
			t.Error("the server did not catch up, or does not lag again")
		}
		if c.do(opCreate, persistent("/c")) != codeOK || c.do(opGet, reading("/b", false)) != codeOK || c.do(opGet, reading("/c", false)) != codeOK {
			t.Error("a write does not make the server catch up")
		}
		other.do(opCreate, persistent("/d"))
		i.Heal()
		if c.do(opGet, reading("/d", false)) != codeOK {
			t.Error("the server lags when the fault is over")
		}
	})
}

// refused reports whether a client that has seen a zxid is refused.
func (c rawConn) refused(seen, id int64, password []byte) bool {
	c.send(func(to *jute.Encoder) {
		to.Int32(0)
		to.Int64(seen)
		to.Int32(10000)
		to.Int64(id)
		to.Buffer(password)
	})
	return c.receive().Bad
}

// TestFault_LagsByATime has a server that learns of each write a second late, of the end of a
// session, too.
func TestFault_LagsByATime(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c, other := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[1], 40*time.Second)
		c.do(opCreate, ephemeral("/e"))
		inject(t, e, "lag member 1 by 1s")
		other.do(opCreate, persistent("/a"))
		time.Sleep(500 * time.Millisecond)
		if err := e.Expire(c.id); err != nil {
			t.Fatal(err)
		}
		if c.do(opGet, reading("/a", false)) != noNode {
			t.Error("the server does not lag")
		}
		time.Sleep(501 * time.Millisecond)
		if c.do(opGet, reading("/a", false)) != codeOK || c.do(opGet, reading("/e", false)) != codeOK {
			t.Error("after a second the server has not seen the first write, or has seen the second one")
		}
		if !c.isClosed(500 * time.Millisecond) {
			t.Error("the server does not learn of its session's end")
		}
	})
}

// TestFault_StopsAMember stops the leader for five seconds.
func TestFault_StopsAMember(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[2], 40*time.Second)
		i := inject(t, e, "stop the leader for 5s")
		if !c.isClosed(time.Millisecond) || !refuses(t, e.Members()[2]) {
			t.Error("the server runs")
		}
		wantEffects(t, i, 1)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if _, same := rejoin(t, e.Members()[2], c); !same || e.Members()[2].Role() != "follower" {
			t.Errorf("the server does not run again: %s", e.Members()[2].Role())
		}
	})
}

// TestFault_IsTheSameForASeed loses some answers of many; which ones, the seed says.
func TestFault_IsTheSameForASeed(t *testing.T) {
	lost := func(seed uint64) (which []int) {
		inBubble(t, serve.Options{Seed: seed}, func(t *testing.T, e *serve.Ensemble) {
			c := join(t, e.Members()[0], 40*time.Second)
			i := inject(t, e, "lose 5% of answers to get")
			for n := range 400 {
				c.ask(1, opGet, reading("/", false))
				if _, _, _, came := c.next(time.Millisecond); !came {
					which = append(which, n)
					c, _ = rejoin(t, e.Members()[0], c)
				}
			}
			wantEffects(t, i, len(which))
		})
		return which
	}
	first := lost(1)
	if len(first) < 8 || len(first) > 40 {
		t.Errorf("of 400 answers %d were lost, want about 20", len(first))
	}
	if again := lost(1); !reflect.DeepEqual(again, first) {
		t.Errorf("lost %v, and again %v", first, again)
	}
	if other := lost(2); reflect.DeepEqual(other, first) {
		t.Errorf("another seed loses the same: %v", other)
	}
}

// TestInject_RefusesWhatCannotBe has faults that concern what the ensemble does not have.
func TestInject_RefusesWhatCannotBe(t *testing.T) {
	e := serve.New(serve.Options{})
	for text, want := range map[string]string{
		"stop member 2":      "1 to 1",
		"isolate":            "3 members",
		"lag":                "3 members",
		"mute a follower":    "3 members",
		"stop an observer":   "Options.Observers",
		"isolate the leader": "3 members",
	} {
		faults, err := serve.ParseFaults(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Inject(faults[0]); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want it to name the fault, and %q", text, err, want)
		}
	}
	if _, err := e.Inject(serve.Fault{Kind: "explode"}); err == nil || !strings.Contains(err.Error(), "expire") {
		t.Errorf("a fault that does not exist: %v", err)
	}
	e.Close()
	if _, err := e.Inject(serve.Fault{Kind: serve.Mute}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("an ensemble that is closed: %v", err)
	}
}

// TestSessions_SaysWhereEachIs lists a session with a connection, and one without.
func TestSessions_SaysWhereEachIs(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		gone, here := join(t, e.Members()[0], 8*time.Second), join(t, e.Members()[1], 10*time.Second)
		_ = gone.Close()
		synctest.Wait()
		want := []serve.Session{{ID: gone.id, Timeout: 8 * time.Second}, {ID: here.id, Timeout: 10 * time.Second, Member: 2, Client: "pipe"}}
		if got := e.Sessions(); !slices.Equal(got, want) {
			t.Errorf("the sessions are %+v, want %+v", got, want)
		}
		if err := e.Expire(123); err == nil || !strings.Contains(err.Error(), "0x7b") {
			t.Errorf("a session that does not exist: %v", err)
		}
	})
}
