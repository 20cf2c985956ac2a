package serve_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

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

// TestFault_LagsByATimeBehindACutOff has a server that is cut off while it lags. What it has
// missed comes as late as everything else.
func TestFault_LagsByATimeBehindACutOff(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c, other := join(t, e.Members()[0], 40*time.Second), join(t, e.Members()[1], 40*time.Second)
		inject(t, e, "lag member 1 by 1s")
		cut := inject(t, e, "isolate member 1")
		other.do(opCreate, persistent("/early"))
		time.Sleep(900 * time.Millisecond)
		other.do(opCreate, persistent("/late"))
		time.Sleep(200 * time.Millisecond)
		if c.do(opGet, reading("/early", false)) != noNode {
			t.Error("a server that is cut off learns of a write")
		}
		cut.Heal()
		if c.do(opGet, reading("/early", false)) != codeOK || c.do(opGet, reading("/late", false)) != noNode {
			t.Error("the server has not seen what is due, or does not lag any more")
		}
		time.Sleep(801 * time.Millisecond)
		if c.do(opGet, reading("/late", false)) != codeOK {
			t.Error("a second after a write the server has not seen it")
		}
	})
}

// TestSession_ThatHasEndedWritesNothing ends the session of a client whose server does not know
// yet. The client's next write lets the server know, and is not carried out.
func TestSession_ThatHasEndedWritesNothing(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[0], 40*time.Second)
		inject(t, e, "lag member 1")
		if err := e.Expire(c.id); err != nil {
			t.Fatal(err)
		}
		c.ask(1, opCreate, ephemeral("/e"))
		if !c.isClosed(time.Millisecond) || has(e, "/e") {
			t.Errorf("the write of a session that has ended: it was carried out: %v", has(e, "/e"))
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
