package integration

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	model "github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// errDisturbed means that the real side lost a connection or an answer that the
// test has not taken from it: the sequence proves nothing.
var errDisturbed = errors.New("the real ensemble did not answer")

// patience is how long the real side may take for one step.
const patience = 15 * time.Second

// client is one session on a real ensemble. It is used by one goroutine.
type client struct {
	conn *zk.Conn

	mu      sync.Mutex
	address string
	gate    chan struct{} // closed while the client may connect
	tcp     net.Conn
	parked  bool // the library wants to connect, and may not
	state   zk.State
	expired bool
	over    bool // no connection is wanted any more
	session ensemble.Session
	heard   []model.Event
	armed   map[model.Watch]bool // as the library sets them again after a reconnect
	rearmed bool                 // they have been set again on this connection, if there were any
	quit    bool                 // the end of the session was confirmed
	wanted  int                  // connections that the test has asked for
	made    int                  // connections
	changed chan struct{}
}

func connect(address string) (*client, error) {
	c := &client{address: address, gate: make(chan struct{}), wanted: 1, armed: map[model.Watch]bool{}, changed: make(chan struct{}, 1)}
	close(c.gate)
	// The longest timeout that the servers grant: only the test ends sessions.
	conn, _, err := zk.Connect([]string{address}, 20*longTick, zk.WithDialer(c.dial), zk.WithHostProvider(c),
		zk.WithEventCallback(c.event), zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		return nil, err
	}
	c.conn = conn
	return c, c.await("a session", func() bool { return c.state == zk.StateHasSession })
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// await waits until condition, which is called locked, holds.
func (c *client) await(what string, condition func() bool) error {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.mu.Lock()
		holds := condition()
		c.mu.Unlock()
		if holds {
			return nil
		}
		select {
		case <-c.changed:
		case <-limit.C:
			return fmt.Errorf("%w: waiting for %s", errDisturbed, what)
		}
	}
}

// update changes what await looks at.
func (c *client) update(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// The methods of zk.HostProvider: there is one server at a time.

func (c *client) Init([]string) error { return nil }
func (c *client) Len() int            { return 1 }
func (c *client) Connected()          {}

// Next asks the library to pause once the session is over: that is where it finds
// out that it was closed.
func (c *client) Next() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address, c.over
}

func (c *client) dial(_, _ string, timeout time.Duration) (net.Conn, error) {
	c.mu.Lock()
	gate := c.gate
	c.mu.Unlock()
	c.update(func() { c.parked = true })
	<-gate
	c.mu.Lock()
	over, address := c.over, c.address
	c.mu.Unlock()
	if over {
		return nil, errors.New("the session is over")
	}
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		time.Sleep(10 * time.Millisecond) // the library tries again at once
		return nil, err
	}
	c.update(func() { c.tcp, c.parked, c.rearmed, c.made = conn, false, false, c.made+1 })
	return &tap{Conn: conn, client: c, asked: map[int32]asked{}}, nil
}

var eventTypes = map[zk.EventType]model.EventType{
	zk.EventNodeCreated: model.NodeCreated, zk.EventNodeDeleted: model.NodeDeleted,
	zk.EventNodeDataChanged: model.NodeDataChanged, zk.EventNodeChildrenChanged: model.NodeChildrenChanged,
}

// event is the library's callback.
func (c *client) event(e zk.Event) {
	c.update(func() {
		switch {
		case e.Type == zk.EventSession && e.State == zk.StateExpired:
			c.expired, c.over = true, true
		case e.Type == zk.EventSession:
			c.state = e.State
		case eventTypes[e.Type] != 0:
			c.heard = append(c.heard, model.Event{Type: eventTypes[e.Type], Path: e.Path})
		}
	})
}

// cut breaks the connection until mend.
func (c *client) cut() error {
	c.update(func() {
		c.gate = make(chan struct{})
		_ = c.tcp.Close()
	})
	return c.await("the connection to break", func() bool { return c.parked })
}

// mend lets the client connect to that server. It returns when the watches have
// been set again, so that all that was missed has been told; or when the session
// turned out to have expired.
func (c *client) mend(address string) error {
	c.update(func() { c.address, c.wanted = address, c.wanted+1; close(c.gate) })
	return c.await("the next connection", func() bool {
		return c.expired || c.state == zk.StateHasSession && c.rearmed
	})
}

// disturbed reports whether the client has lost a connection of itself.
func (c *client) disturbed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made > c.wanted
}

// hasExpired reports whether a server has said so.
func (c *client) hasExpired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expired
}

// end closes the session and waits for the server's word.
func (c *client) end() error {
	c.conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.quit {
		return fmt.Errorf("%w: the end of a session", errDisturbed)
	}
	return nil
}

// release gives everything back, whatever state it is in.
func (c *client) release() {
	c.mu.Lock()
	c.over = true
	select {
	case <-c.gate:
	default:
		close(c.gate)
	}
	c.mu.Unlock()
	c.conn.Close()
}

// takeHeard returns the first n events, and forgets them; or false when there are
// fewer.
func (c *client) takeHeard(n int) ([]model.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) < n {
		return slices.Clone(c.heard), false
	}
	events := slices.Clone(c.heard[:n])
	c.heard = c.heard[n:]
	return events, true
}

// rest is what was heard and not taken.
func (c *client) rest() []model.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard)
}

// Opcodes of ZooKeeper's protocol (zookeeper.jute).
const (
	opcodeExists     = 3
	opcodeGet        = 4
	opcodeChildren   = 12
	opcodeSetWatches = 101
	opcodeClose      = -11

	errorNoNode = -101
)

// asked is a request that was sent.
type asked struct {
	opcode int32
	watch  model.Watch // that it sets; none has an empty path
}

// tap reads along what a connection carries: the session's password, and which
// watches are set, for which the library has no words.
type tap struct {
	net.Conn
	client  *client
	greeted bool
	welcome bool
	pending []byte // of an incomplete packet from the server

	mu    sync.Mutex
	asked map[int32]asked // by xid, unanswered
}

// Write carries one packet: the library writes each with a single call.
func (w *tap) Write(p []byte) (int, error) {
	if !w.greeted {
		w.greeted = true
		return w.Conn.Write(p)
	}
	xid, a := int32(binary.BigEndian.Uint32(p[4:])), asked{opcode: int32(binary.BigEndian.Uint32(p[8:]))}
	if a.opcode == opcodeExists || a.opcode == opcodeGet || a.opcode == opcodeChildren {
		length := binary.BigEndian.Uint32(p[12:])
		if path := string(p[16 : 16+length]); p[16+length] == 1 {
			a.watch = model.Watch{Path: path, Table: model.DataWatches}
			if a.opcode == opcodeChildren {
				a.watch.Table = model.ChildWatches
			}
		}
	}
	w.mu.Lock()
	w.asked[xid] = a
	w.mu.Unlock()
	return w.Conn.Write(p)
}

func (w *tap) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.pending = append(w.pending, p[:n]...)
	for len(w.pending) >= 4 {
		end := 4 + int(binary.BigEndian.Uint32(w.pending))
		if len(w.pending) < end {
			break
		}
		w.client.update(func() { w.packet(w.pending[4:end]) })
		w.pending = w.pending[end:]
	}
	return n, err
}

// packet looks at one packet of the server before the library does; the client is
// locked. So what it finds is known no later than the answer, and when an answer
// is found the library has handled all that came before it.
func (w *tap) packet(p []byte) {
	c := w.client
	if !w.welcome {
		w.welcome = true
		c.rearmed = len(c.armed) == 0
		if id := int64(binary.BigEndian.Uint64(p[8:])); id != 0 {
			c.session.ID = id
			copy(c.session.Password[:], p[20:36])
		}
		return
	}
	xid, code := int32(binary.BigEndian.Uint32(p)), int32(binary.BigEndian.Uint32(p[12:]))
	if xid == -1 {
		c.disarm(zk.EventType(binary.BigEndian.Uint32(p[16:])), string(p[28:]))
		return
	}
	w.mu.Lock()
	a := w.asked[xid]
	delete(w.asked, xid)
	w.mu.Unlock()
	switch {
	case a.opcode == opcodeSetWatches:
		c.rearmed = true
	case a.opcode == opcodeClose:
		c.quit = code == 0
	case a.watch.Path != "" && (code == 0 || code == errorNoNode && a.opcode == opcodeExists):
		c.armed[a.watch] = true
	}
}

// disarm follows the library: an event takes away the watches that it may be the
// answer to.
func (c *client) disarm(t zk.EventType, path string) {
	if t == zk.EventNodeChildrenChanged || t == zk.EventNodeDeleted {
		delete(c.armed, model.Watch{Path: path, Table: model.ChildWatches})
	}
	if t != zk.EventNodeChildrenChanged {
		delete(c.armed, model.Watch{Path: path, Table: model.DataWatches})
	}
}

// do carries out one request and says what came of it in the port's words.
func (c *client) do(op zkapi.Op) (r zkapi.Result, err error) {
	var stat *zk.Stat
	switch op.Kind {
	case zkapi.KindCreate:
		r.Path, err = c.conn.Create(op.Path, op.Data, modes[op.Mode], zk.WorldACL(zk.PermAll))
	case zkapi.KindDelete:
		err = c.conn.Delete(op.Path, op.Version)
	case zkapi.KindSet:
		stat, err = c.conn.Set(op.Path, op.Data, op.Version)
	case zkapi.KindSync:
		_, err = c.conn.Sync(op.Path)
	case zkapi.KindMulti:
		return c.multi(op)
	default:
		r, stat, err = c.read(op)
	}
	if err != nil {
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: answer(err)}
	}
	r.Stat = portStat(stat)
	return r, nil
}

func (c *client) read(op zkapi.Op) (r zkapi.Result, stat *zk.Stat, err error) {
	r.Found = true
	switch {
	case op.Kind == zkapi.KindGet && op.Watch:
		r.Data, stat, _, err = c.conn.GetW(op.Path)
	case op.Kind == zkapi.KindGet:
		r.Data, stat, err = c.conn.Get(op.Path)
	case op.Kind == zkapi.KindChildren && op.Watch:
		r.Children, stat, _, err = c.conn.ChildrenW(op.Path)
	case op.Kind == zkapi.KindChildren:
		r.Children, stat, err = c.conn.Children(op.Path)
	case op.Kind == zkapi.KindExists && op.Watch:
		r.Found, stat, _, err = c.conn.ExistsW(op.Path)
	case op.Kind == zkapi.KindExists:
		r.Found, stat, err = c.conn.Exists(op.Path)
	}
	slices.Sort(r.Children)
	return r, stat, err
}

func (c *client) multi(op zkapi.Op) (zkapi.Result, error) {
	var requests []any
	for _, sub := range op.Ops {
		switch sub.Kind {
		case zkapi.KindCreate:
			requests = append(requests, &zk.CreateRequest{Path: sub.Path, Data: sub.Data, Acl: zk.WorldACL(zk.PermAll), Flags: modes[sub.Mode]})
		case zkapi.KindDelete:
			requests = append(requests, &zk.DeleteRequest{Path: sub.Path, Version: sub.Version})
		case zkapi.KindSet:
			requests = append(requests, &zk.SetDataRequest{Path: sub.Path, Data: sub.Data, Version: sub.Version})
		case zkapi.KindCheck:
			requests = append(requests, &zk.CheckVersionRequest{Path: sub.Path, Version: sub.Version})
		}
	}
	responses, err := c.conn.Multi(requests...)
	var r zkapi.Result
	for i, one := range responses {
		if one.Error != nil {
			return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Ops[i].Path, Index: i, Fate: zkapi.NotApplied, Err: answer(one.Error)}
		}
		r.Results = append(r.Results, zkapi.Result{Path: one.String, Stat: portStat(one.Stat)})
	}
	if err != nil {
		return zkapi.Result{}, answer(err)
	}
	return r, nil
}

var modes = map[zkapi.Mode]int32{
	zkapi.Persistent: 0, zkapi.Ephemeral: zk.FlagEphemeral,
	zkapi.PersistentSequential: zk.FlagSequence, zkapi.EphemeralSequential: zk.FlagEphemeral | zk.FlagSequence,
}

var answers = map[error]error{
	zk.ErrNoNode: zkapi.ErrNoNode, zk.ErrNodeExists: zkapi.ErrNodeExists, zk.ErrBadVersion: zkapi.ErrBadVersion,
	zk.ErrNotEmpty: zkapi.ErrNotEmpty, zk.ErrNoChildrenForEphemerals: zkapi.ErrEphemeral,
	zk.ErrBadArguments: zkapi.ErrBadArguments, zk.ErrInvalidPath: zkapi.ErrInvalidPath,
}

// answer is the port's name for a refusal.
func answer(err error) error {
	for theirs, ours := range answers {
		if errors.Is(err, theirs) {
			return ours
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrNoServer) || errors.Is(err, zk.ErrSessionExpired) {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	return err
}

func portStat(s *zk.Stat) zkapi.Stat {
	if s == nil {
		return zkapi.Stat{}
	}
	return zkapi.Stat{
		Czxid: s.Czxid, Mzxid: s.Mzxid, Pzxid: s.Pzxid, Version: s.Version, Cversion: s.Cversion,
		EphemeralOwner: s.EphemeralOwner, NumChildren: s.NumChildren, DataLength: s.DataLength,
	}
}

// expire ends the client's session at a server, as its timeout would.
func (c *client) expire(ctx context.Context, address string) error {
	if _, err := ensemble.Expire(ctx, address, c.session); err != nil {
		return fmt.Errorf("%w: %w", errDisturbed, err)
	}
	return nil
}
