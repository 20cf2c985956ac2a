package wire

import (
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Request is a frame of a client on a connection, after its first frame.
type Request struct {
	Xid    int32
	Opcode int32
	Op     zkapi.Op   // the operation; of no kind if the port has none for it
	Reads  []zkapi.Op // of a multiRead, which has no Op of its own: the operations in it
	Path   string     // of an addWatch or a removeWatches, which have no Op either
}

// Ends reports whether the request ends the session.
func (r Request) Ends() bool { return r.Opcode == OpClose }

// Writes reports whether the request takes a place in ZooKeeper's order.
func (r Request) Writes() bool { return r.Ends() || r.Op.Kind.Writes() }

// Event is a watch event.
type Event struct {
	Type int32 // 1 created, 2 deleted, 3 data changed, 4 children changed; -1 of the session
	Path string
}

// Reply is a frame of a server on a connection, after its first frame.
type Reply struct {
	Xid     int32
	Zxid    int64   // of a write its own place; otherwise the server's last zxid
	Code    int32   // of the header; 0 for success
	Request Request // the answered request; zero for an event, or if the request was not seen
	Event   Event   // of an event

	body []byte
}

// Outcome is the answer to a request of the port (that to a multiRead: Outcomes): a result, or an error that is an
// [zkapi.Error] as a session would return it. A znode that a KindExists does not find
// is a result.
func (r Reply) Outcome() (zkapi.Result, error) {
	op, index, code := r.Request.Op, -1, r.Code
	d := decoder{jute.Decoder{Rest: r.body}}
	var result zkapi.Result
	switch {
	case op.Kind == zkapi.KindExists && code == codeNoNode:
		return result, nil
	case op.Kind == zkapi.KindMulti && len(r.body) > 0:
		var of int32
		if result, index, of = d.results(len(op.Ops)); index >= 0 {
			code = of
		}
	case code == 0:
		result = d.result(r.Request.Opcode)
	}
	if code == 0 {
		return result, nil
	}
	path := op.Path
	if index >= 0 && index < len(op.Ops) {
		path = op.Ops[index].Path
	}
	return zkapi.Result{}, refusal(op, index, path, code)
}

func refusal(op zkapi.Op, index int, path string, code int32) error {
	return &zkapi.Error{Kind: op.Kind, Path: path, Index: index, Fate: zkapi.NotApplied, Err: zkapi.Answer(code)}
}

// Outcomes are the answers to the reads of a multiRead, in their order. If it was refused as a
// whole, each has that error. There are fewer of them if the answer does not have all.
func (r Reply) Outcomes() []zkapi.Reply {
	if r.Code == 0 {
		d := decoder{jute.Decoder{Rest: r.body}}
		return d.readReplies(r.Request.Reads)
	}
	replies := make([]zkapi.Reply, len(r.Request.Reads))
	for i, op := range r.Request.Reads {
		replies[i].Err = refusal(op, -1, op.Path, r.Code)
	}
	return replies
}

// Session is a session that a server has granted.
type Session struct {
	ID        int64 // 0: the requested session is over
	TimeoutMs int32
	Password  [16]byte
}

// Conversation is both directions of one connection. Two goroutines may use it, one for
// each direction.
type Conversation struct {
	mu      sync.Mutex
	greeted bool // the client has sent its first frame
	granted bool // the server has answered it
	session Session
	open    map[int32]Request // unanswered, by xid
}

// Sent takes the next frame of the client and returns the request in it, or false for
// the connect frame and for frames that cannot be read.
func (c *Conversation) Sent(body []byte) (Request, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.greeted {
		c.greeted = true
		return Request{}, false
	}
	d := decoder{jute.Decoder{Rest: body}}
	r := Request{Xid: d.Int32(), Opcode: d.Int32()}
	if d.Bad {
		return Request{}, false
	}
	switch r.Opcode {
	case OpMultiRead:
		if reads := d.reads(); !d.Bad {
			r.Reads = reads
		}
	case OpAddWatch, OpRemoveWatches:
		if path := d.watches(); !d.Bad {
			r.Path = path
		}
	default:
		if op := d.op(r.Opcode); !d.Bad {
			r.Op = op
		}
	}
	if r.Xid >= 0 {
		if c.open == nil {
			c.open = map[int32]Request{}
		}
		c.open[r.Xid] = r
	}
	return r, true
}

// Received takes the next frame of the server and returns the reply in it, or false for
// the frame that grants the session and for frames that cannot be read.
func (c *Conversation) Received(body []byte) (Reply, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := decoder{jute.Decoder{Rest: body}}
	if !c.granted {
		c.granted = true
		d.Int32() // version of the protocol
		s := Session{TimeoutMs: d.Int32(), ID: d.Int64()}
		copy(s.Password[:], d.buffer())
		if !d.Bad {
			c.session = s
		}
		return Reply{}, false
	}
	r := Reply{Xid: d.Int32(), Zxid: d.Int64(), Code: d.Int32()}
	if d.Bad {
		return Reply{}, false
	}
	r.body = slices.Clone(d.Rest)
	if r.Xid == XidEvent {
		r.Event.Type = d.Int32()
		d.Int32() // state of the session
		r.Event.Path = d.String()
		return r, !d.Bad
	}
	r.Request = c.open[r.Xid]
	delete(c.open, r.Xid)
	return r, true
}

// Session is the session that the server has granted; false before it has answered.
func (c *Conversation) Session() (Session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session, c.granted
}
