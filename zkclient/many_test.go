package zkclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	inmemory "github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// observed notes the requests that go to servers, connection by connection, and how long their
// longest answer is.
type observed struct {
	mu      sync.Mutex
	opcodes [][]int32
	watches int // reads of data or existence that ask for a watch
	longest int
}

// dial connects to members of an ensemble in memory by their addresses, which are member-1:1,
// member-2:1 and so on.
func (o *observed) dial(e *inmemory.Ensemble) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, address string) (net.Conn, error) {
		for _, m := range e.Members() {
			if address == memberAddress(m) {
				mine, theirs := net.Pipe()
				go m.ServeConn(theirs)
				return o.connection(mine), nil
			}
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no such member")}
	}
}

func memberAddress(m *inmemory.Member) string { return fmt.Sprintf("member-%d:1", m.ID()) }

func (o *observed) connection(c net.Conn) net.Conn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opcodes = append(o.opcodes, nil)
	return &observedConn{Conn: c, observed: o, number: len(o.opcodes) - 1}
}

// count is how many requests with that opcode were sent on all connections.
func (o *observed) count(opcode int32) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.opcodes {
		for _, other := range one {
			if other == opcode {
				n++
			}
		}
	}
	return n
}

// connections is how many there were.
func (o *observed) connections() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.opcodes)
}

type observedConn struct {
	net.Conn
	observed *observed
	number   int
	greeted  bool
	left     int // bytes of the answer that is being read
	prefix   []byte
}

func (c *observedConn) Write(packet []byte) (int, error) {
	if opcode, ok := opcodeOf(packet); ok && c.greeted {
		c.observed.mu.Lock()
		c.observed.opcodes[c.number] = append(c.observed.opcodes[c.number], opcode)
		if (opcode == opcodeGet || opcode == opcodeExists) && packet[len(packet)-1] == 1 {
			c.observed.watches++
		}
		c.observed.mu.Unlock()
	}
	c.greeted = true
	return c.Conn.Write(packet)
}

func (c *observedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for rest := b[:n]; len(rest) > 0; {
		if c.left == 0 {
			take := min(prefixBytes-len(c.prefix), len(rest))
			c.prefix, rest = append(c.prefix, rest[:take]...), rest[take:]
			if len(c.prefix) < prefixBytes {
				break
			}
			d := jute.Decoder{Rest: c.prefix}
			c.left, c.prefix = int(d.Int32()), nil
			c.observed.mu.Lock()
			c.observed.longest = max(c.observed.longest, c.left)
			c.observed.mu.Unlock()
		}
		take := min(c.left, len(rest))
		c.left, rest = c.left-take, rest[take:]
	}
	return n, err
}

// onServe is a session on an ensemble in memory.
func onServe(t *testing.T, options inmemory.Options, config Config) (*session, *observed, *inmemory.Ensemble) {
	t.Helper()
	e := inmemory.New(options)
	t.Cleanup(e.Close)
	var o observed
	for _, m := range e.Members() {
		config.Servers = append(config.Servers, memberAddress(m))
	}
	config.Dial = o.dial(e)
	return open(t, config), &o, e
}

// must carries requests out.
func must(t *testing.T, s zkapi.Session, ops ...zkapi.Op) {
	t.Helper()
	for _, op := range ops {
		if _, err := s.Do(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
}

// odd are reads whose answers differ, and whose neighbours fail.
func odd(t *testing.T, s zkapi.Session) []zkapi.Op {
	t.Helper()
	must(t, s, zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Create("/a/empty", []byte{}, zkapi.Persistent),
		zkapi.Create("/closed", []byte("secret"), zkapi.Persistent).WithACL([]zkapi.ACL{{Perms: zkapi.PermCreate, Scheme: "world", ID: "anyone"}}))
	var ops []zkapi.Op
	for i := range 200 {
		path := fmt.Sprintf("/a/n-%03d", i)
		must(t, s, zkapi.Create(path, []byte(path), zkapi.Persistent))
		if i%3 == 0 {
			must(t, s, zkapi.Create(path+"/b", nil, zkapi.Ephemeral), zkapi.Create(path+"/a", nil, zkapi.Persistent))
		}
		ops = append(ops, zkapi.Get(path), zkapi.Children(path))
		if i%7 == 0 {
			ops = append(ops, zkapi.Get(path+"/missing"), zkapi.Children(path+"/missing"))
		}
	}
	return append(ops, zkapi.Get("/a"), zkapi.Children("/a"), zkapi.Get("/a/empty"), zkapi.Children("/a/empty"), zkapi.Get("/closed"), zkapi.Children("/closed"),
		zkapi.Exists("/a"), zkapi.Exists("/nothing"), zkapi.Sync("/a"), zkapi.Get("relative"), zkapi.Get("/a/\ufff0"), zkapi.Children("/a/"), zkapi.Children("/"), zkapi.Get("/"))
}

// sameReplies holds the replies of a DoAll against those of each request by itself.
func sameReplies(t *testing.T, s zkapi.Session, ops []zkapi.Op) {
	t.Helper()
	for i, got := range s.DoAll(t.Context(), ops) {
		result, err := s.Do(t.Context(), ops[i])
		if fmt.Sprint(got.Err) != fmt.Sprint(err) || zkapi.FateOf(got.Err) != zkapi.FateOf(err) {
			t.Errorf("%v %s: the error is %v, and by itself it is %v", ops[i].Kind, ops[i].Path, got.Err, err)
		}
		if !reflect.DeepEqual(got.Result, result) {
			t.Errorf("%v %s: the result is %+v, and by itself it is %+v", ops[i].Kind, ops[i].Path, got.Result, result)
		}
	}
}

// TestDoAll_ManyReadsAnswerAsEachByItself: results, errors and their places.
func TestDoAll_ManyReadsAnswerAsEachByItself(t *testing.T) {
	s, o, _ := onServe(t, inmemory.Options{}, Config{})
	ops := odd(t, s)
	before := o.count(opcodeGet) + o.count(opcodeChildren)
	sameReplies(t, s, ops)
	alone := o.count(opcodeGet) + o.count(opcodeChildren) - before
	if many := o.count(opcodeMultiRead); many == 0 || many > 40 || alone > len(ops)+10 || o.connections() != 1 {
		t.Errorf("%d multiReads and %d single reads on %d connections", many, alone-len(ops), o.connections())
	}
}

// TestDoAll_OneReadGoesAlone: who never asks for several reads at once pays for nothing.
func TestDoAll_OneReadGoesAlone(t *testing.T) {
	s, o, _ := onServe(t, inmemory.Options{}, Config{})
	must(t, s, zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Get("/a"), zkapi.Children("/a"))
	for _, r := range s.DoAll(t.Context(), []zkapi.Op{zkapi.Get("/a"), zkapi.Get("/a").Watched(), zkapi.Children("/a").Watched(), zkapi.Exists("/a"), zkapi.Sync("/a")}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if o.count(opcodeMultiRead) > 0 {
		t.Error("a multiRead was sent")
	}
}

// TestDoAll_SeesAnEarlierWrite: a write whose caller does not wait any more is still in the
// library's queue. Reads that are issued later take effect later.
func TestDoAll_SeesAnEarlierWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := inmemory.New(inmemory.Options{})
		t.Cleanup(e.Close)
		gate := make(chan struct{}, 1)
		gate <- struct{}{}
		s := open(t, Config{Servers: []string{"member-1:1"}, SessionTimeout: 30 * time.Second, Dial: func(context.Context, string, string) (net.Conn, error) {
			mine, theirs := net.Pipe()
			go e.Members()[0].ServeConn(theirs)
			return &gated{mine, gate}, nil
		}})
		must(t, s, zkapi.Create("/a", []byte("old"), zkapi.Persistent), zkapi.Create("/b", nil, zkapi.Persistent))
		for known := range 2 { // on a connection whose server is not known to know multiRead, and then on one where it is
			<-gate
			go func() { _, _ = s.Do(t.Context(), zkapi.Sync("/")) }() // it hangs in the socket
			synctest.Wait()
			ctx, leave := context.WithCancel(t.Context())
			new := []byte(fmt.Sprint("new ", known))
			go func() { _, _ = s.Do(ctx, zkapi.Set("/a", new, zkapi.AnyVersion)) }()
			synctest.Wait()
			leave()
			synctest.Wait()
			replies := make(chan []zkapi.Reply, 1)
			go func() { replies <- s.DoAll(t.Context(), []zkapi.Op{zkapi.Get("/b"), zkapi.Get("/a")}) }()
			synctest.Wait()
			gate <- struct{}{}
			if r := (<-replies)[1]; r.Err != nil || string(r.Data) != string(new) {
				t.Errorf("it reads %q, %v", r.Data, r.Err)
			}
		}
	})
}

// gated is a connection that writes while there is something in the gate.
type gated struct {
	net.Conn
	gate chan struct{}
}

func (g *gated) Write(b []byte) (int, error) {
	<-g.gate
	defer func() { g.gate <- struct{}{} }() // who has waited for it longest is next
	return g.Conn.Write(b)
}

// TestDoAll_WithServersBefore36: they refuse a multiRead and close the connection. Each server
// does so once; then everything is asked for by itself.
func TestDoAll_WithServersBefore36(t *testing.T) {
	for _, c := range []struct{ members, without, connections int }{{1, 1, 2}, {3, 3, 4}, {3, 2, 3}} {
		synctest.Test(t, func(t *testing.T) {
			s, o, e := onServe(t, inmemory.Options{Members: c.members, WithoutMultiRead: c.without}, Config{SessionTimeout: 30 * time.Second})
			ops := odd(t, s)
			for range 4 {
				sameReplies(t, s, ops)
				time.Sleep(3 * lackPause)
				if leader := e.Members()[0]; c.members > 1 { // the others have their turn, too
					leader.Stop()
					time.Sleep(time.Second) // a read that is under way when the connection ends is lost
					sameReplies(t, s, ops)
					leader.Start()
				}
			}
			if c.without == c.members && o.count(opcodeMultiRead) > c.members {
				t.Errorf("%d of %d servers lack it, and it was tried %d times", c.without, c.members, o.count(opcodeMultiRead))
			}
			if s.Done().Fired() {
				t.Error(s.Cause())
			}
			_ = s.Close(t.Context())
		})
	}
}

// TestDoAll_AnswersStaySmall: much data is asked for in small shares.
func TestDoAll_AnswersStaySmall(t *testing.T) {
	s, o, _ := onServe(t, inmemory.Options{}, Config{})
	const n, large = 40, 128 << 10
	var gets, lists []zkapi.Op
	for i := range n {
		path := fmt.Sprintf("/n-%d", i)
		must(t, s, zkapi.Create(path, make([]byte, large), zkapi.Persistent))
		gets, lists = append(gets, zkapi.Get(path)), append(lists, zkapi.Children(path))
	}
	for _, ops := range [][]zkapi.Op{gets, gets, lists, lists} {
		for i, r := range s.DoAll(t.Context(), ops) {
			if r.Err != nil || ops[i].Kind == zkapi.KindGet && len(r.Data) != large {
				t.Errorf("%d bytes, %v", len(r.Data), r.Err)
			}
		}
	}
	if most := firstReads*large + 4<<10; o.longest > most {
		t.Errorf("an answer has %d bytes, at most %d are allowed", o.longest, most)
	}
	lastly := o.longest
	o.longest = 0
	s.DoAll(t.Context(), lists)
	if o.longest > 4<<10 {
		t.Errorf("a list has %d bytes, %d before", o.longest, lastly)
	}
}

// TestDoAll_ChildrenAndStatAreOfOneMoment has one session take a child away and put another
// there, while others read the list. The version of the list says which child there was.
func TestDoAll_ChildrenAndStatAreOfOneMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestDoAll_ChildrenAndStatAreOfOneMoment: make test runs it, make quick does not")
	}
	s, o, e := onServe(t, inmemory.Options{}, Config{})
	var dials observed
	writer := open(t, Config{Servers: []string{"member-1:1"}, Dial: dials.dial(e)})
	listsAreWhole(t, writer, s, 1000)
	if o.count(opcodeMultiRead) == 0 {
		t.Error("no multiRead was sent")
	}
}

// listsAreWhole replaces a child so many times, and reads the lists meanwhile.
func listsAreWhole(t *testing.T, writer, reader zkapi.Session, times int) {
	t.Helper()
	must(t, writer, zkapi.Create("/list", nil, zkapi.Persistent), zkapi.Create("/other", nil, zkapi.Persistent), zkapi.Create("/list/n-0", nil, zkapi.Persistent))
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := range times {
			if _, err := writer.Do(t.Context(), zkapi.Multi(zkapi.Create(fmt.Sprint("/list/n-", i+1), nil, zkapi.Persistent), zkapi.Delete(fmt.Sprint("/list/n-", i), 0))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for left := true; left; {
		select {
		case <-over:
			left = false
		default:
		}
		r := reader.DoAll(t.Context(), []zkapi.Op{zkapi.Children("/list"), zkapi.Children("/other")})[0]
		const first, each = 1, 2 // versions of the list
		if want := fmt.Sprint("n-", (r.Stat.Cversion-first)/each); r.Err != nil || len(r.Children) != 1 || r.Children[0] != want {
			t.Fatalf("the list is %q, with the version %d, %v", r.Children, r.Stat.Cversion, r.Err)
		}
	}
}
