package serve_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

const notReadOnly = -119

// readOnly is an ensemble of three servers that may become read-only.
var readOnly = serve.Options{Members: 3, ReadOnlyMode: true}

// bereave stops the servers 2 and 3.
func bereave(e *serve.Ensemble) {
	for _, m := range e.Members()[1:] {
		m.Stop()
	}
}

// visit greets as a client that takes read-only servers, with a session or, if it is 0, for a
// new one. ok is false if the connection ends instead.
func visit(t *testing.T, m *serve.Member, id int64, password []byte) (c *client, isReadOnly, ok bool) {
	t.Helper()
	c = &client{rawConn: raw(t, m)}
	var to jute.Encoder
	to.Int32(0)
	to.Int32(0)
	to.Int64(0)
	to.Int32(10_000)
	to.Int64(id)
	to.Buffer(password)
	to.Bool(true)
	to.Bytes[3] = byte(len(to.Bytes) - 4)
	_, _ = c.Write(to.Bytes) // a refusal may come first
	d := c.receive()
	if d.Bad {
		return c, false, false
	}
	d.Int32()
	c.timeout, c.id, c.password = time.Duration(d.Int32())*time.Millisecond, d.Int64(), slices.Clone(d.Buffer())
	isReadOnly = d.Bool()
	c.listen()
	return c, isReadOnly, true
}

func TestReadOnlyMode_AServerWithoutALeaderAnswersReads(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone := e.Members()[0]
		before := join(t, alone, 40*time.Second)
		before.do(opCreate, persistent("/a"))
		bereave(e)
		if !before.isClosed(time.Millisecond) || alone.Role() != "looking" {
			t.Error("a server that has lost its leader goes on")
		}
		time.Sleep(tick - time.Millisecond)
		if _, _, ok := visit(t, alone, 0, nil); ok || alone.Role() != "looking" {
			t.Error("it does not look for a leader first")
		}
		time.Sleep(2 * time.Millisecond)
		if !refuses(t, alone) {
			t.Error("it serves a client that may write")
		}
		c, isReadOnly, ok := visit(t, alone, 0, nil)
		if !ok || !isReadOnly || c.id == 0 || alone.Role() != "read-only" {
			t.Fatalf("it takes no read-only client: session %d, read-only %v, role %s", c.id, isReadOnly, alone.Role())
		}
		zxid := e.Tree().Zxid()
		for op, fill := range map[int32]func(*jute.Encoder){opCreate: persistent("/b"), opSync: at("/"), opMulti: multi("/b"), 2: nothing, 5: nothing, 7: nothing, 15: nothing, 16: nothing, 19: nothing, 21: nothing} {
			if code := c.do(op, fill); code != notReadOnly {
				t.Errorf("request %d is answered with %d", op, code)
			}
		}
		if c.do(opGet, reading("/a", true)) != codeOK || c.do(opExists, reading("/b", true)) != noNode || !c.isOpen() {
			t.Error("a read or a ping is refused")
		}
		if odd, _, _ := visit(t, alone, 0, nil); odd.do(13, nothing) != -6 || !odd.isClosed(time.Millisecond) {
			t.Error("a check outside of a multi is known")
		}
		if e.Tree().Zxid() != zxid {
			t.Error("a read-only session takes zxids")
		}
		if _, _, ok := visit(t, alone, before.id, before.password); ok {
			t.Error("a session of the ensemble goes on at a read-only server")
		}
		again, _, ok := visit(t, alone, c.id, c.password)
		if !ok || again.id != c.id || !c.isClosed(time.Millisecond) {
			t.Error("a read-only session does not move to another connection")
		}
		if wrong, _, ok := visit(t, alone, again.id, make([]byte, 16)); !ok || wrong.id != 0 {
			t.Error("a wrong password does not end as the session does")
		}
	})
}

func TestReadOnlyMode_EndsWhenTheQuorumIsBack(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone := e.Members()[0]
		kept := join(t, alone, 40*time.Second)
		kept.do(opCreate, ephemeral("/kept"))
		bereave(e)
		time.Sleep(tick + time.Millisecond)
		c, _, _ := visit(t, alone, 0, nil)
		c.do(opExists, reading("/later", true))
		e.Members()[2].Start()
		time.Sleep(election - time.Millisecond)
		if !c.isOpen() {
			t.Error("it is closed before the election is over")
		}
		if !c.isClosed(2 * time.Millisecond) {
			t.Error("it is open when there is a leader")
		}
		if over, isReadOnly, ok := visit(t, alone, c.id, c.password); !ok || over.id != 0 || isReadOnly {
			t.Errorf("a read-only session goes on: %x, read-only %v", over.id, isReadOnly)
		}
		if back, ok := rejoin(t, alone, kept); !ok || back.do(opGet, reading("/kept", false)) != codeOK {
			t.Error("the session of the ensemble, or its ephemeral, is lost")
		}
		if len(e.Sessions()) != 1 {
			t.Errorf("the sessions are %v", e.Sessions())
		}
	})
}

func TestReadOnlyMode_SessionsExpire(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone := e.Members()[0]
		global := join(t, alone, 10*time.Second)
		bereave(e)
		time.Sleep(tick + time.Millisecond)
		silent, _, _ := visit(t, alone, 0, nil)
		heard, _, _ := visit(t, alone, 0, nil)
		forced, _, _ := visit(t, alone, 0, nil)
		faulty, _, _ := visit(t, alone, 0, nil)
		if n := len(e.Sessions()); n != 5 {
			t.Errorf("%d sessions", n)
		}
		if err := e.Expire(forced.id); err != nil || !forced.isClosed(time.Millisecond) {
			t.Errorf("a read-only session cannot be made to expire: %v", err)
		}
		if err := e.Expire(global.id); err == nil {
			t.Error("a session of the ensemble expires without a quorum")
		}
		if _, err := e.Inject(serve.Fault{Kind: serve.Expire, On: serve.Target{Who: serve.TheSession, ID: faulty.id}}); err != nil || !faulty.isClosed(time.Millisecond) {
			t.Errorf("a fault does not end a read-only session: %v", err)
		}
		heard.keep()
		time.Sleep(silent.timeout)
		synctest.Wait()
		drain(heard)
		if !silent.isClosed(time.Millisecond) || !heard.isOpen() {
			t.Error("a read-only session ends by another clock than its timeout")
		}
		if last, _, ok := visit(t, alone, silent.id, silent.password); !ok || last.id != 0 {
			t.Error("a session that has expired goes on")
		}
		if heard.do(-11, nothing) != codeOK || !heard.isClosed(time.Millisecond) {
			t.Error("it cannot be closed")
		}
	})
}

// TestReadOnlyMode_OfAServerThatIsCutOff has the others go on: it shows the tree as it was when
// it was cut off.
func TestReadOnlyMode_OfAServerThatIsCutOff(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		cut, other := e.Members()[0], join(t, e.Members()[2], 40*time.Second)
		other.keep()
		other.do(opCreate, persistent("/before"))
		injection, err := e.Inject(serve.Fault{Kind: serve.Isolate, On: serve.Target{Who: serve.TheMember, ID: 1}})
		if err != nil {
			t.Fatal(err)
		}
		other.do(opCreate, persistent("/after"))
		time.Sleep(syncLimit + tick + time.Millisecond)
		c, isReadOnly, ok := visit(t, cut, 0, nil)
		if !ok || !isReadOnly || c.do(opExists, reading("/before", false)) != codeOK || c.do(opExists, reading("/after", false)) != noNode {
			t.Error("it does not show the tree of then")
		}
		later := join(t, e.Members()[1], 40*time.Second)
		if gone, _, ok := visit(t, cut, later.id, later.password); !ok || gone.id != 0 {
			t.Error("it knows a session that began after the cut")
		}
		if _, _, ok := visit(t, cut, other.id, other.password); ok {
			t.Error("it does not know a session that began before the cut")
		}
		injection.Heal()
		if !c.isClosed(time.Millisecond) || cut.Role() != "follower" {
			t.Error("its read-only clients stay when it has a leader again")
		}
	})
}

// TestReadOnlyMode_OfAServerThatLagged: without a leader it learns of nothing that it has missed,
// even when it does not lag any more.
func TestReadOnlyMode_OfAServerThatLagged(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone, other := e.Members()[0], join(t, e.Members()[2], 40*time.Second)
		lag := inject(t, e, "lag member 1")
		other.do(opCreate, persistent("/missed"))
		bereave(e)
		time.Sleep(tick + time.Millisecond)
		c, isReadOnly, _ := visit(t, alone, 0, nil)
		lag.Heal()
		if !isReadOnly || c.do(opExists, reading("/missed", false)) != noNode {
			t.Errorf("read-only: %v; it has learned of a write that it had missed", isReadOnly)
		}
		e.Members()[2].Start()
		time.Sleep(election + time.Millisecond)
		if back := join(t, alone, 40*time.Second); back.do(opExists, reading("/missed", false)) != codeOK {
			t.Error("a leader does not give it what it had missed")
		}
	})
}

func TestReadOnlyMode_IsToldByCommandsOfFourLetters(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone := e.Members()[0]
		tells := func(command string, want ...string) {
			t.Helper()
			got := word(t, alone, command)
			for _, part := range want {
				if !strings.Contains(got, part) {
					t.Errorf("%s says %q, want %q", command, got, part)
				}
			}
		}
		tells("isro", "rw")
		bereave(e)
		tells("isro", "null")
		time.Sleep(tick + time.Millisecond)
		tells("isro", "ro")
		tells("srvr", "\nREAD-ONLY mode; serving only read-only clients\nLatency", "Mode: read-only\n")
		tells("stat", "\nREAD-ONLY mode; serving only read-only clients\nClients:\n", "Mode: read-only\n")
		tells("mntr", "zk_server_state\tread-only\n")
	})
}

func TestReadOnlyMode_IsOffUnlessItIsAskedFor(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		bereave(e)
		time.Sleep(time.Hour)
		if _, _, ok := visit(t, e.Members()[0], 0, nil); ok || e.Members()[0].Role() != "looking" {
			t.Error("a server without a leader serves")
		}
	})
}

// TestReadOnlyMode_OfAServerThatStartsAlone has no leader from its start.
func TestReadOnlyMode_OfAServerThatStartsAlone(t *testing.T) {
	inBubble(t, readOnly, func(t *testing.T, e *serve.Ensemble) {
		alone := e.Members()[0]
		alone.Stop()
		bereave(e)
		time.Sleep(time.Hour)
		if alone.Role() != "looking" {
			t.Error("a server that is stopped is read-only")
		}
		alone.Start()
		time.Sleep(tick + time.Millisecond)
		c, _, ok := visit(t, alone, 0, nil)
		if !ok || alone.Role() != "read-only" {
			t.Fatal("it does not become read-only")
		}
		alone.Stop()
		if !c.isClosed(time.Millisecond) || alone.Role() != "looking" || len(e.Sessions()) != 0 {
			t.Error("a read-only server that is stopped goes on")
		}
	})
}
