package serve

import (
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// opConnect stands for the handshake, as the number of a session's begin does in ZooKeeper's log.
const opConnect opcode = -10

// kindsOfRequest says of each request what a fault calls it, and how the server carries it out.
var kindsOfRequest = map[opcode]struct {
	name   string
	leader bool // it needs the leader
	writes bool // the server has seen all writes before its answer
}{
	opConnect: {"connect", true, false},
	opCreate:  {"create", true, true}, opCreate2: {"create", true, true}, opCreateContainer: {"create", true, true}, opCreateTTL: {"create", true, true},
	opDelete: {"delete", true, true}, opSet: {"set", true, true}, opSetACL: {"setACL", true, true}, opCheck: {"check", true, true},
	opMulti: {"multi", true, true}, opSync: {"sync", true, true}, opReconfig: {"reconfig", true, true}, opClose: {"close", true, true},
	opExists: {"exists", false, false}, opGet: {"get", false, false}, opGetACL: {"getACL", false, false},
	opChildren: {"children", false, false}, opChildren2: {"children", false, false}, opCountChildren: {"countChildren", false, false},
	opGetEphemerals: {"getEphemerals", false, false}, opMultiRead: {"multiRead", false, false}, opWhoAmI: {"whoAmI", false, false},
	opSetWatches: {"setWatches", false, false}, opSetWatches2: {"setWatches", false, false}, opAddWatch: {"addWatch", false, false},
	opCheckWatches: {"checkWatches", false, false}, opRemoveWatches: {"removeWatches", false, false},
	opAuth: {"auth", false, false}, opPing: {"ping", false, false},
}

// message is one frame of a client.
type message struct {
	frame []byte
	xid   int32
	op    opcode
}

// readMessage reads what kind of request a frame has; the first one of a connection is the
// handshake.
func readMessage(frame []byte, greeted bool) message {
	if !greeted {
		return message{frame: frame, op: opConnect}
	}
	d := jute.Decoder{Rest: frame}
	m := message{frame: frame, xid: d.Int32(), op: opcode(d.Int32())}
	switch m.op {
	case opConnect: // there is no second handshake, so the request is unknown
		m.op = opError
	case opPing:
		m.xid = xidPing // its answer has no other
	}
	return m
}

func (m message) needsLeader() bool { return kindsOfRequest[m.op].leader }

// writes reports whether the answer comes after all earlier writes. The handshake does if it
// begins a session.
func (m message) writes() bool {
	return kindsOfRequest[m.op].writes || m.op == opConnect && m.session() == 0
}

// session is the session that a handshake asks for.
func (m message) session() int64 {
	d := jute.Decoder{Rest: m.frame}
	d.Take(4 + 8 + 4) // the protocol's version, the zxid, the timeout
	return d.Int64()
}

// requests lists what the message asks for, as faults name it: a multi or multiRead, and each of its parts.
func (m message) requests() []Request {
	all := []Request{{Op: kindsOfRequest[m.op].name}}
	d := jute.Decoder{Rest: m.frame}
	d.Take(4 + 4) // the xid and the opcode
	switch m.op {
	case opConnect, opPing, opClose, opAuth, opSetWatches, opSetWatches2, opWhoAmI, opReconfig:
	case opMultiRead:
		for {
			op, more := part(&d)
			if !more || op != opGet && op != opChildren {
				return all
			}
			all = append(all, Request{Op: kindsOfRequest[op].name, Path: d.String()})
			d.Bool() // whether a watch is wished
		}
	case opMulti:
		for {
			op, more := part(&d)
			if !more || !slices.Contains(partsOfMulti, op) {
				return all
			}
			all = append(all, Request{Op: kindsOfRequest[op].name, Path: d.String()})
			skipPart(op, &d)
		}
	default:
		all[0].Path = d.String()
	}
	return all
}

// skipPart skips what a part of a multi has behind its path.
func skipPart(op opcode, d *jute.Decoder) {
	switch op {
	case opDelete, opCheck:
		d.Int32()
	case opSet:
		d.Buffer()
		d.Int32()
	default:
		d.Buffer()
		decodeACL(d)
		d.Int32()
		if op == opCreateTTL {
			d.Int64()
		}
	}
}

// take carries out one request, or the handshake, and reports whether the connection goes on.
// The ensemble is locked.
func (c *conn) take(m message) bool {
	e := c.member.ensemble
	if c.open() {
		c.hear()
	}
	for c.open() && m.needsLeader() && c.member.joined && !c.member.serves() {
		e.moved.Wait() // it hangs until the server knows better, or the client leaves
	}
	if !c.open() || !c.member.serving() {
		return false
	}
	c.asked, c.refused = &m, false
	do := c.request
	if m.op == opConnect {
		do = c.greet
	}
	more := false
	if m.writes() && c.member.joined { // a read-only server asks no leader
		c.member.view.Prompt(func() { more = c.open() && do(m.frame) }) // it may have learned of the session's end
	} else {
		more = do(m.frame)
	}
	if c.asked = nil; c.session != nil && !c.refused {
		e.happened(c, m)
	}
	return more && c.open()
}

// hear notes that the client was heard. The leader learns of it, unless the server is cut off.
// The ensemble is locked.
func (c *conn) hear() {
	c.heard = time.Now()
	if c.session != nil && (c.session.home != nil || c.member.reaches()) {
		c.session.expiry.Hear(c.heard)
	}
}
