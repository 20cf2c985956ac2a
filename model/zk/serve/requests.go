package serve

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// opcode is the number of a request in ZooKeeper's protocol.
type opcode int32

const (
	opCreate          opcode = 1
	opDelete          opcode = 2
	opExists          opcode = 3
	opGet             opcode = 4
	opSet             opcode = 5
	opGetACL          opcode = 6
	opSetACL          opcode = 7
	opChildren        opcode = 8
	opSync            opcode = 9
	opPing            opcode = 11
	opChildren2       opcode = 12
	opCheck           opcode = 13
	opMulti           opcode = 14
	opCreate2         opcode = 15
	opReconfig        opcode = 16
	opCheckWatches    opcode = 17
	opRemoveWatches   opcode = 18
	opCreateContainer opcode = 19
	opCreateTTL       opcode = 21
	opMultiRead       opcode = 22
	opAuth            opcode = 100
	opSetWatches      opcode = 101
	opGetEphemerals   opcode = 103
	opCountChildren   opcode = 104
	opSetWatches2     opcode = 105
	opAddWatch        opcode = 106
	opWhoAmI          opcode = 107
	opClose           opcode = -11

	opError opcode = -1 // of a part that was refused
)

// Codes that have no error of their own in zkapi.
const (
	codeRuntimeInconsistency int32 = -2 // of a part of a multi behind the one that was refused
	codeMarshalling          int32 = -5
	codeUnimplemented        int32 = -6
	codeAuthFailed           int32 = -115
	codeNotReadOnly          int32 = -119
	codeNoWatcher            int32 = -121
	codeReconfigDisabled     int32 = -123
)

// codes are ZooKeeper's codes for the errors of the tree.
var codes = []struct {
	err  error
	code int32
}{
	{zkapi.ErrBadArguments, -8}, {zkapi.ErrInvalidPath, -8}, {zkapi.ErrNoNode, -101}, {zkapi.ErrNoAuth, -102},
	{zkapi.ErrBadVersion, -103}, {zkapi.ErrEphemeral, -108}, {zkapi.ErrNodeExists, -110}, {zkapi.ErrNotEmpty, -111},
	{zkapi.ErrInvalidACL, -114}, {zkapi.ErrAuthFailed, codeAuthFailed},
}

// codeOf is the code for an error: 0 for none.
func codeOf(err error) int32 {
	if err == nil {
		return 0
	}
	var answer zkapi.ServerError
	if errors.As(err, &answer) {
		return answer.Code
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return codeMarshalling
}

// handler carries out one request, whose body it decodes, and encodes the body of its answer.
// An error is answered by its code alone.
type handler func(c *conn, d *jute.Decoder, to *jute.Encoder) error

// handlers has a row for each request that a client can make. Those that only leaders and
// followers send each other are refused as unknown.
var handlers map[opcode]handler

func init() {
	handlers = map[opcode]handler{
		opPing:   func(*conn, *jute.Decoder, *jute.Encoder) error { return nil },
		opCreate: write(opCreate), opCreate2: write(opCreate2), opCreateContainer: write(opCreateContainer), opCreateTTL: write(opCreateTTL),
		opDelete: write(opDelete), opSet: write(opSet),
		opMulti: (*conn).multi, opMultiRead: (*conn).multiRead,
		opExists: (*conn).exists, opGet: (*conn).get, opChildren: children(false), opChildren2: children(true),
		opGetACL: (*conn).getACL, opSetACL: (*conn).setACL,
		opSync:          (*conn).sync,
		opSetWatches:    setWatches(false),
		opSetWatches2:   setWatches(true),
		opAddWatch:      (*conn).addWatch,
		opCheckWatches:  watching((*conn).checkWatch),
		opRemoveWatches: watching((*conn).removeWatch),
		opGetEphemerals: (*conn).getEphemerals, opCountChildren: (*conn).countChildren,
		opWhoAmI:   (*conn).whoAmI,
		opReconfig: reconfig,
	}
}

// request answers one request, and reports whether the connection goes on. The ensemble is
// locked.
func (c *conn) request(frame []byte) bool {
	d := jute.Decoder{Rest: frame}
	xid, op := d.Int32(), opcode(d.Int32())
	if d.Bad {
		return false
	}
	handle := handlers[op]
	if c.member.readOnly && kindsOfRequest[op].writes && handle != nil {
		c.answer(xid, nil, codeNotReadOnly) // whatever its body is
		return true
	}
	switch op {
	case opAuth:
		return c.auth(xid, &d)
	case opClose:
		c.session.end(closedByClient)
		c.answer(xid, nil, 0)
		c.endOutput()
		return false
	}
	var body jute.Encoder
	if handle == nil || (op == opMultiRead || op == opAddWatch) && c.member.lacksMultiRead() {
		c.answerAt(xid, noZxid, codeUnimplemented)
		c.endOutput()
		return false
	}
	if op == opPing {
		xid = xidPing
	}
	err := handle(c, &d, &body)
	c.answer(xid, body.Bytes, codeOf(err))
	return true
}

// answer queues an answer. The ensemble is locked.
func (c *conn) answer(xid int32, body []byte, code int32) {
	var to jute.Encoder
	header(&to, xid, c.member.view.Tree().Zxid(), code)
	to.Bytes = append(to.Bytes, body...)
	c.reply(to.Bytes)
}

// answerAt queues an answer without a body that has a zxid of its own.
func (c *conn) answerAt(xid int32, zxid int64, code int32) {
	var to jute.Encoder
	header(&to, xid, zxid, code)
	c.reply(to.Bytes)
}

// auth takes the credentials of a client. If they are refused, the connection ends.
func (c *conn) auth(xid int32, d *jute.Decoder) bool {
	_ = d.Int32() // the type, which no server reads
	scheme, credentials := text(d), d.Buffer()
	if d.Bad {
		return false
	}
	if c.authenticate(scheme, credentials) != nil {
		c.answerAt(xid, 0, codeAuthFailed)
		c.endOutput()
		return false
	}
	c.answerAt(xid, 0, 0)
	return true
}

// errMarshalling refuses a request whose body cannot be decoded.
var errMarshalling = zkapi.ServerError{Code: codeMarshalling}
