package zkclient

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Bounds of a server's answers. The library itself has none.
const (
	// maxConnectResponse bounds the answer to the connect request: it has 37 bytes.
	maxConnectResponse = 256
	// maxAnswer bounds every later frame: a list of some three million names. Servers
	// themselves do not bound their answers.
	maxAnswer = 64 << 20
	// passwordBytes is the length of a session's password.
	passwordBytes = 16
	// Session timeouts that no ensemble grants: the library needs a positive one.
	shortestTimeout, longestTimeout = 10 * time.Millisecond, 24 * time.Hour
)

// The head of a frame: xid, zxid, code.
const (
	headBytes = 16
	zxidAt    = 4
	zxidEnd   = 12
)

type head struct {
	xid  int32
	zxid int64
	code int32
}

func readHead(body []byte) (head, bool) {
	d := jute.Decoder{Rest: body}
	h := head{xid: d.Int32(), zxid: d.Int64(), code: d.Int32()}
	return h, !d.Bad
}

// connectResponse is the answer to a connect request.
type connectResponse struct {
	version  int32
	timeout  time.Duration
	session  int64 // 0: the session that was asked for is over
	password string
}

// timeoutAt is the offset of the timeout in the answer to the connect request.
const timeoutAt = 4

func readConnectResponse(body []byte) (connectResponse, bool) {
	d := jute.Decoder{Rest: body}
	g := connectResponse{version: d.Int32(), timeout: time.Duration(d.Int32()) * time.Millisecond, session: d.Int64()}
	g.password = d.String()
	return g, !d.Bad && len(g.password) == passwordBytes
}

// readEvent reads a watch event, and reports whether a body is one. Events of the session, of
// type -1, are made by client libraries; the library here would take the server's word for them.
func readEvent(body []byte) (kind int32, path []byte, ok bool) {
	const first, last = 1, 7
	d := jute.Decoder{Rest: body}
	kind = d.Int32()
	d.Int32() // state of the session
	path = d.Take(int(d.Int32()))
	return kind, path, !d.Bad && kind >= first && kind <= last
}

// fits reports whether a body is an answer to r that the library can decode. More bytes may
// follow, because a later server may send more.
func fits(r *request, body []byte) bool {
	b := shape{jute.Decoder{Rest: body}}
	switch r.opcode {
	case opcodeMulti:
		return b.results(r.parts)
	case opcodeMultiRead:
		return b.reads(r.parts)
	}
	return b.result(r.opcode) && !b.Bad
}

// shape checks values without building them. It is stricter than its Decoder, and as strict
// as the library needs: that takes a length or count of -1 for four billion, except that of a
// buffer.
type shape struct{ jute.Decoder }

func (b *shape) text() { b.Take(int(b.Int32())) }

func (b *shape) buffer() {
	if n := b.Int32(); n != -1 {
		b.Take(int(n))
	}
}

func (b *shape) stat() {
	const size = 68
	b.Take(size)
}

func (b *shape) texts() {
	const smallest = 4
	n := int(b.Int32())
	if n < 0 || n > len(b.Rest)/smallest {
		b.Bad = true
	}
	for ; n > 0 && !b.Bad; n-- {
		b.text()
	}
}

// result checks the answer to a request that was carried out, and reports whether it knows
// the request. A request that this package is to send has a line here.
func (b *shape) result(opcode int32) bool {
	switch opcode {
	case opcodeCreate, opcodeSync:
		b.text()
	case opcodeExists, opcodeSet:
		b.stat()
	case opcodeGet:
		b.buffer()
		b.stat()
	case opcodeChildren:
		b.texts()
		b.stat()
	case opcodeList:
		b.texts()
	case opcodeAddWatch:
		b.Int32()
	case opcodeDelete, opcodeCheck, opcodeQuit, opcodeAuth, opcodeWatches, opcodeRemoveWatches:
	default:
		return false
	}
	return !b.Bad
}

// results reads the answer to a multi of those parts: a result for each part, or an error for
// each part, at least one of them not 0.
func (b *shape) results(parts []int32) bool {
	refusals, codes := 0, 0
	for i := 0; ; i++ {
		opcode, done := b.part()
		switch {
		case b.Bad:
			return false
		case done:
			return i == len(parts) && (refusals == 0 || refusals == i && codes > 0)
		case i == len(parts):
			return false
		case opcode == opcodeRefused:
			refusals++
			if b.Int32() != 0 {
				codes++
			}
		case opcode != parts[i] || !b.result(opcode):
			return false
		}
	}
}

// reads reads the answer to a multiRead of those parts: in their order a result or an error for
// each of them.
func (b *shape) reads(parts []int32) bool {
	for i := 0; ; i++ {
		opcode, done := b.part()
		switch {
		case b.Bad:
			return false
		case done:
			return i == len(parts)
		case i == len(parts):
			return false
		case opcode == opcodeRefused:
			if b.Int32() == 0 {
				return false
			}
		case opcode != parts[i] || !b.result(opcode):
			return false
		}
	}
}

// part walks over the header of a part of a multi.
func (b *shape) part() (opcode int32, done bool) {
	opcode, done = b.Int32(), b.Bool()
	b.Int32() // an error, which the body repeats
	return opcode, done
}

// partsOf are the opcodes of the parts of a multi that the library sends.
func partsOf(packet []byte) []int32 {
	const header = prefixBytes + 8
	b := shape{jute.Decoder{Rest: packet[header:]}}
	var parts []int32
	for {
		opcode, done := b.part()
		if done || b.Bad {
			return parts
		}
		parts = append(parts, opcode)
		b.text()
		switch opcode {
		case opcodeCreate:
			b.buffer()
			for n := b.Int32(); n > 0 && !b.Bad; n-- {
				b.Int32() // permissions
				b.text()
				b.text()
			}
			b.Int32() // flags
		case opcodeSet:
			b.buffer()
			b.Int32()
		case opcodeDelete, opcodeCheck:
			b.Int32()
		}
	}
}

// alive are the refusals that a server gives only to a session that it counts as alive:
// it looks at the session before it looks at the tree.
var alive = []error{
	zkapi.ErrNoNode, zkapi.ErrNodeExists, zkapi.ErrBadVersion, zkapi.ErrNotEmpty, zkapi.ErrEphemeral,
	zkapi.ErrNoAuth, zkapi.ErrInvalidACL, zkapi.ErrBadArguments, zkapi.ErrQuota,
}

// provesLife reports whether an answer with that code may prolong the lease. A server that is
// too busy, cannot write, wants other credentials, or gives an answer without meaning, may
// not have asked its leader.
func provesLife(code int32) bool {
	answer := zkapi.ServerError{Code: code}
	return code == 0 || slices.ContainsFunc(alive, func(one error) bool { return errors.Is(answer, one) })
}

// watchesBytes bounds a packet that sets watches again. The library's own bound is
// 128 KiB and some bytes, which a server whose jute.maxbuffer is 128 KiB does not take:
// it would close each connection that follows a lost one.
const watchesBytes = 64 << 10

// split cuts a packet that sets watches, and is larger than most, into several that set
// the same watches, with the same xid. Every other packet stays as it is.
func split(packet []byte, most int) [][]byte {
	const header = prefixBytes + 16 // length, xid, opcode, zxid
	opcode, ok := opcodeOf(packet)
	if !ok || opcode != opcodeWatches || len(packet) <= most || len(packet) < header {
		return [][]byte{packet}
	}
	const kinds = 3 // watches on data, on missing znodes, and on children
	var all [][]byte
	var lists [kinds][]byte
	var counts [kinds]int
	size := 0
	flush := func() {
		one := slices.Clone(packet[:header])
		for i := range lists {
			one = append(binary.BigEndian.AppendUint32(one, uint32(counts[i])), lists[i]...)
		}
		binary.BigEndian.PutUint32(one, uint32(len(one)-prefixBytes))
		all = append(all, one)
		lists, counts, size = [kinds][]byte{}, [kinds]int{}, 0
	}
	d := jute.Decoder{Rest: packet[header:]}
	for kind := range kinds {
		for range d.Count(4) {
			path := d.Buffer()
			if size > 0 && header+4*kinds+size+4+len(path) > most {
				flush()
			}
			lists[kind] = append(binary.BigEndian.AppendUint32(lists[kind], uint32(len(path))), path...)
			counts[kind]++
			size += 4 + len(path)
		}
	}
	if d.Bad {
		return [][]byte{packet}
	}
	flush()
	return all
}
