package serve_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

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

// TestFault_LosesTheHandshake loses the answer to the handshake: there is a session that nobody
// knows of.
func TestFault_LosesTheHandshake(t *testing.T) {
	inBubble(t, serve.Options{}, func(t *testing.T, e *serve.Ensemble) {
		i := inject(t, e, "lose the 1st answer to connect")
		if !refuses(t, e.Members()[0]) || len(e.Sessions()) != 1 {
			t.Errorf("the handshake is answered, or there are the sessions %v", e.Sessions())
		}
		wantEffects(t, i, 1)
		join(t, e.Members()[0], tick)
	})
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
