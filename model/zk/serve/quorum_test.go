package serve_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

func TestEnsemble_AnotherLeaderHasAnotherEpoch(t *testing.T) {
	inBubble(t, serve.Options{Members: 3, Observers: 1}, func(t *testing.T, e *serve.Ensemble) {
		var roles []string
		for _, m := range e.Members() {
			roles = append(roles, m.Role())
		}
		if got := strings.Join(roles, " "); got != "follower follower leader observer" || e.Tree().Zxid() != 1<<32 {
			t.Fatalf("the servers are %s, zxid 0x%x", got, e.Tree().Zxid())
		}
		c := join(t, e.Members()[0], 10*time.Second)
		c.do(opCreate, ephemeral("/e"))
		e.Members()[2].Stop()
		if !c.isClosed(time.Millisecond) || e.Leader() != nil || !refuses(t, e.Members()[0]) {
			t.Error("a server without a leader serves")
		}
		time.Sleep(election)
		synctest.Wait()
		if e.Leader() != e.Members()[1] || e.Tree().Zxid() != 2<<32 {
			t.Fatalf("the leader is %v, zxid 0x%x", e.Leader(), e.Tree().Zxid())
		}
		c, same := rejoin(t, e.Members()[3], c)
		if !same || c.do(opGet, reading("/e", false)) != codeOK {
			t.Error("the session and its ephemeral did not outlive the leader")
		}
		e.Members()[2].Start()
		if role := e.Members()[2].Role(); role != "follower" {
			t.Errorf("a server that comes back is a %s", role)
		}
	})
}

// TestEnsemble_WithoutAQuorumNothingExpires stops two of three servers for longer than the
// session timeout, and then gives the session its whole timeout.
func TestEnsemble_WithoutAQuorumNothingExpires(t *testing.T) {
	inBubble(t, serve.Options{Members: 3, Observers: 2}, func(t *testing.T, e *serve.Ensemble) {
		c := join(t, e.Members()[2], 10*time.Second)
		c.do(opCreate, ephemeral("/e"))
		time.Sleep(9 * time.Second)
		e.Members()[0].Stop()
		if c.do(opPing, nothing) != codeOK {
			t.Fatal("one of three servers is missed")
		}
		time.Sleep(9 * time.Second)
		e.Members()[1].Stop()
		if !c.isClosed(time.Millisecond) || !refuses(t, e.Members()[2]) || !refuses(t, e.Members()[3]) {
			t.Error("servers without a quorum serve")
		}
		if err := e.Expire(c.id); err == nil || !strings.Contains(err.Error(), "quorum") {
			t.Errorf("a session is expired without a quorum: %v", err)
		}
		time.Sleep(time.Hour)
		if !has(e, "/e") {
			t.Fatal("a session expires without a quorum")
		}
		e.Members()[0].Start()
		time.Sleep(election + 10*time.Second - time.Millisecond)
		synctest.Wait()
		if !has(e, "/e") {
			t.Fatal("the session did not get its whole timeout from the new leader")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if has(e, "/e") {
			t.Error("the session does not expire")
		}
	})
}

// TestMember_CutOffServesReadsUntilTheSyncLimit has the clients of a follower that is cut off:
// they read and ping, their writes and syncs hang, their session ends at the leader, and after
// syncLimit ticks they are closed.
func TestMember_CutOffServesReadsUntilTheSyncLimit(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		follower := e.Members()[0]
		reader, writer, syncer := join(t, follower, 7*time.Second), join(t, follower, 40*time.Second), join(t, follower, 40*time.Second)
		other := join(t, e.Members()[1], 40*time.Second)
		reader.do(opCreate, ephemeral("/e"))
		reader.keep()
		if _, err := e.Inject(serve.Fault{Kind: serve.Isolate, On: serve.Target{Who: serve.TheMember, ID: 1}}); err != nil {
			t.Fatal(err)
		}
		writer.ask(1, opCreate, persistent("/hangs"))
		syncer.ask(1, opSync, at("/"))
		if other.do(opCreate, persistent("/a")) != codeOK {
			t.Fatal("the others do not serve")
		}
		time.Sleep(syncLimit - 2*time.Second)
		if has(e, "/e") {
			t.Error("the leader hears a session whose server is cut off")
		}
		drain(reader)
		if reader.do(opGet, reading("/e", false)) != codeOK || reader.do(opGet, reading("/a", false)) != noNode {
			t.Error("the server that is cut off does not answer from its old state")
		}
		if _, _, _, came := writer.next(time.Second); came || has(e, "/hangs") {
			t.Error("a write is answered")
		}
		if _, _, _, came := syncer.next(time.Millisecond); came {
			t.Error("a sync is answered")
		}
		time.Sleep(time.Second)
		drain(reader)
		for _, c := range []*client{reader, writer, syncer} {
			if !c.isClosed(time.Millisecond) {
				t.Error("a client is connected after the sync limit")
			}
		}
		if has(e, "/hangs") || !refuses(t, follower) || follower.Role() != "looking" || !other.isOpen() {
			t.Error("the server that is cut off serves after the sync limit")
		}
	})
}

// TestMember_ThatIsReunitedInTimeGoesOn heals a cut before the sync limit: the write that hung
// is carried out, and a session that was heard meanwhile lives on.
func TestMember_ThatIsReunitedInTimeGoesOn(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		kept, gone, reader := join(t, e.Members()[0], 10*time.Second), join(t, e.Members()[0], 4*time.Second), join(t, e.Members()[0], 40*time.Second)
		kept.do(opExists, reading("/w", true))
		cut, err := e.Inject(serve.Fault{Kind: serve.Isolate, On: serve.Target{Who: serve.TheMember, ID: 1}})
		if err != nil {
			t.Fatal(err)
		}
		other := join(t, e.Members()[1], 40*time.Second)
		other.do(opCreate, persistent("/w"))
		time.Sleep(9 * time.Second)
		kept.ask(3, opCreate, ephemeral("/e"))
		if _, _, _, came := kept.next(time.Millisecond); came {
			t.Fatal("the server is not cut off")
		}
		cut.Heal()
		if reader.do(opGet, reading("/w", false)) != codeOK {
			t.Error("a reader does not see what was written meanwhile")
		}
		if xid, _, _, _ := kept.next(time.Millisecond); xid != -1 {
			t.Errorf("xid %d comes before the event that was missed", xid)
		}
		if xid, _, code, _ := kept.next(time.Millisecond); xid != 3 || code != codeOK {
			t.Errorf("the write that hung is answered by xid %d, code %d", xid, code)
		}
		if !gone.isClosed(time.Millisecond) {
			t.Error("the client of a session that has ended is connected")
		}
		time.Sleep(9 * time.Second)
		if !has(e, "/e") {
			t.Error("a session that was heard meanwhile has ended")
		}
	})
}

// TestMember_ThatIsCutOffKeepsASessionThatHasMoved moves a session to another server while its
// old one is cut off: the old connection goes on to read, and is closed when the cut is healed.
func TestMember_ThatIsCutOffKeepsASessionThatHasMoved(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		old := join(t, e.Members()[0], 10*time.Second)
		cut := inject(t, e, "isolate member 1")
		moved, same := rejoin(t, e.Members()[1], old)
		if !same || !old.isOpen() {
			t.Fatal("the session does not move, or its old server has heard of it")
		}
		old.keep()
		time.Sleep(9 * time.Second)
		drain(old)
		cut.Heal()
		if !old.isClosed(time.Millisecond) || !moved.isOpen() {
			t.Error("the session does not stay where it has moved to")
		}
	})
}

// TestEnsemble_LeaderThatIsCutOffLosesItsQuorum cuts the leader off: for the sync limit nobody
// can write, and then the others find another one.
func TestEnsemble_LeaderThatIsCutOffLosesItsQuorum(t *testing.T) {
	inBubble(t, serve.Options{Members: 3}, func(t *testing.T, e *serve.Ensemble) {
		c, led := join(t, e.Members()[0], 20*time.Second), join(t, e.Members()[2], 20*time.Second)
		cut := inject(t, e, "isolate the leader")
		c.ask(1, opCreate, persistent("/a"))
		led.ask(1, opSync, at("/"))
		if !led.isClosed(syncLimit+time.Millisecond) || !c.isClosed(syncLimit+time.Millisecond) || has(e, "/a") {
			t.Error("a write is carried out while the leader is cut off")
		}
		time.Sleep(election)
		synctest.Wait()
		if e.Leader() != e.Members()[1] || e.Members()[2].Role() != "looking" {
			t.Fatalf("the leader is %v; the old one is %s", e.Leader(), e.Members()[2].Role())
		}
		if c, same := rejoin(t, e.Members()[0], c); !same || c.do(opCreate, persistent("/b")) != codeOK {
			t.Error("the new leader does not serve")
		}
		cut.Heal()
		if e.Members()[2].Role() != "follower" || join(t, e.Members()[2], tick).do(opGet, reading("/b", false)) != codeOK {
			t.Errorf("the old leader comes back as %s", e.Members()[2].Role())
		}
	})
}
