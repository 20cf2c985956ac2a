package serve_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// Requests of the tests.
const (
	opCreate  = 1
	opExists  = 3
	opGet     = 4
	opSync    = 9
	opPing    = 11
	codeOK    = 0
	noNode    = -101
	tick      = 2 * time.Second
	syncLimit = 5 * tick
	election  = 200 * time.Millisecond
)

// inBubble runs a test on an ensemble in virtual time.
func inBubble(t *testing.T, options serve.Options, do func(*testing.T, *serve.Ensemble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := serve.New(options)
		defer e.Close()
		do(t, e)
	})
}

// client is a rawConn with a session.
type client struct {
	rawConn
	id       int64
	password []byte
	timeout  time.Duration
	answers  chan *jute.Decoder // each frame; closed with the connection
}

// join connects, and asks for a new session.
func join(t *testing.T, m *serve.Member, timeout time.Duration) *client {
	t.Helper()
	c := &client{rawConn: raw(t, m)}
	c.timeout, c.id, c.password = c.greet(timeout, 0, nil)
	if c.id == 0 {
		t.Fatalf("member %d grants no session", m.ID())
	}
	c.listen()
	return c
}

// rejoin connects, asks for the session of another client, and reports whether it got it.
func rejoin(t *testing.T, m *serve.Member, old *client) (*client, bool) {
	t.Helper()
	c := &client{rawConn: raw(t, m), password: old.password}
	c.timeout, c.id, _ = c.greet(old.timeout, old.id, old.password)
	c.listen()
	return c, c.id == old.id
}

func (c *client) listen() {
	const most = 1000
	c.answers = make(chan *jute.Decoder, most)
	go func() {
		defer close(c.answers)
		for d := c.receive(); !d.Bad; d = c.receive() {
			c.answers <- d
		}
	}()
}

// ask sends a request, and does not wait for its answer.
func (c *client) ask(xid, op int32, fill func(*jute.Encoder)) {
	c.send(func(to *jute.Encoder) {
		to.Int32(xid)
		to.Int32(op)
		fill(to)
	})
}

// next is the next frame that comes within a time: its xid, zxid and code.
func (c *client) next(within time.Duration) (xid int32, zxid int64, code int32, came bool) {
	select {
	case d := <-c.answers:
		if d == nil {
			return 0, 0, 0, false
		}
		return d.Int32(), d.Int64(), d.Int32(), true
	case <-time.After(within):
		return 0, 0, 0, false
	}
}

// isClosed reports whether the connection ends within a time, without another frame.
func (c *client) isClosed(within time.Duration) bool {
	select {
	case d := <-c.answers:
		return d == nil
	case <-time.After(within):
		return false
	}
}

// do makes a request and returns the code of its answer, which must be the next frame and must
// come at once.
func (c *client) do(op int32, fill func(*jute.Encoder)) int32 {
	c.t.Helper()
	xid := int32(77)
	if op == opPing {
		xid = -2
	}
	c.ask(xid, op, fill)
	got, _, code, came := c.next(time.Millisecond)
	if !came || got != xid {
		c.t.Fatalf("the answer to a request of type %d did not come at once: xid %d, %v", op, got, came)
	}
	return code
}

// keep sends pings until the test ends.
func (c *client) keep() {
	go func() {
		var ping jute.Encoder
		ping.Int32(8)
		ping.Int32(-2)
		ping.Int32(opPing)
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for {
			select {
			case <-c.t.Context().Done():
				return
			case <-ticks.C:
			}
			if _, err := c.Write(ping.Bytes); err != nil {
				return
			}
		}
	}()
}

func nothing(*jute.Encoder) {}

func at(path string) func(*jute.Encoder) { return func(to *jute.Encoder) { to.String(path) } }

func reading(path string, watch bool) func(*jute.Encoder) {
	return func(to *jute.Encoder) { to.String(path); to.Bool(watch) }
}

func persistent(path string) func(*jute.Encoder) {
	return func(to *jute.Encoder) {
		ephemeral(path)(to)
		to.Bytes[len(to.Bytes)-1] = 0
	}
}

func has(e *serve.Ensemble, path string) bool {
	_, err := e.Tree().Node(path)
	return err == nil
}

// refuses reports whether a server closes a new connection instead of granting a session.
func refuses(t *testing.T, m *serve.Member) bool {
	c := raw(t, m)
	_, _ = c.Write([]byte{0, 0, 0, 29}) // a refusal may come before it is written
	_, _ = c.Write(make([]byte, 29))
	return c.receive().Bad
}

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

// drain drops the answers that have come.
func drain(c *client) {
	for {
		if _, _, _, came := c.next(time.Millisecond); !came {
			return
		}
	}
}

func (c *client) isOpen() bool { return c.do(opPing, nothing) == codeOK }

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
		c := join(t, e.Members()[0], 20*time.Second)
		cut, err := e.Inject(serve.Fault{Kind: serve.Isolate, On: serve.Target{Who: serve.TheLeader}})
		if err != nil {
			t.Fatal(err)
		}
		c.ask(1, opCreate, persistent("/a"))
		if !c.isClosed(syncLimit+time.Millisecond) || has(e, "/a") {
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

// TestMember_TellsItsRole has the commands of four letters, of the leader, a follower, and a
// server without a leader.
func TestMember_TellsItsRole(t *testing.T) {
	inBubble(t, serve.Options{Members: 3, Observers: 1}, func(t *testing.T, e *serve.Ensemble) {
		tells := func(m int, command string, want ...string) {
			t.Helper()
			c := raw(t, e.Members()[m-1])
			_, _ = c.Write([]byte(command)) // what it says is compared
			got, err := io.ReadAll(c)
			for _, line := range want {
				if err != nil || !strings.Contains(string(got), line) {
					t.Errorf("member %d answers %s with %q, %v; want %q", m, command, got, err, line)
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
		for _, command := range []string{"srvr", "stat", "mntr", "isro"} {
			tells(1, command, "not currently serving requests\n")
		}
	})
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

// TestMember_StartsOnANewListener stops a server that listens, and starts it on the same port.
func TestMember_StartsOnANewListener(t *testing.T) {
	e, address := start(t, serve.Options{})
	m := e.Members()[0]
	_, id, password := tcp(t, address).greet(10*time.Second, 0, nil)
	m.Stop()
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("a server that is stopped listens")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	m.Start()
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

// tcp is raw over TCP.
func tcp(t *testing.T, address string) rawConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return rawConn{t, c}
}
