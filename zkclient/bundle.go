package zkclient

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Requests and answers of multiRead, as far as bundle knows them.
const (
	opcodeList      = 8 // the children without the Stat
	opcodeMultiRead = 22
	opcodeRefused   = -1 // in an answer: of a read that was refused

	codeUnimplemented = -6
)

// outcome says what became of a bundle whose carrier was answered.
type outcome uint8

const (
	// bundleNotSent means that no multiRead went out, or that the server does not know it: the reads
	// have to be asked for one by one.
	bundleNotSent outcome = iota
	bundleAnswered
	bundleRefused // as a whole, with a code
	bundleTooLong // the answer is over maxAnswer
)

// bundle is what goes out in place of a carrier: several reads as one multiRead, or one request of
// a followed read.
//
// Its fields below heard are written by the wire, before the library gets the answer to the
// carrier; they may be read when the library has returned that answer.
type bundle struct {
	ops     []zkapi.Op // without watches: KindGet or KindChildren
	opcodes []int32    // of the reads in a multiRead
	opcode  int32      // of the request
	ability ability    // that the server needs
	fields  []byte     // of the request, if it is no multiRead

	// The wire calls both, in the order of its frames; they may be nil.
	goes  func(*wire) bool // before the request is written: whether it is still to go out
	heard func(*wire)      // with the answer, if that is not a refusal

	outcome outcome
	code    int32  // why it was refused
	seen    int64  // the session's last zxid before the frame was written
	body    []byte // of the answer
}

// readsOf are the reads that a multiRead has for an operation. The port's children have a Stat,
// which the request 8 lacks, so the data is asked for behind them: see exact.
func readsOf(op zkapi.Op) []int32 {
	if op.Kind == zkapi.KindChildren {
		return []int32{opcodeList, opcodeGet}
	}
	return []int32{opcodeGet}
}

// Bytes of a request: the head of a read, or of the end; and what a path has beside its text.
const (
	partBytes  = 9
	textBytes  = 4
	watchBytes = 1
)

// bundledBytes is what an operation adds to the frame of a multiRead.
func bundledBytes(op zkapi.Op) int {
	return len(readsOf(op)) * (partBytes + textBytes + len(op.Path) + watchBytes)
}

func newBundle(ops []zkapi.Op) *bundle {
	b := &bundle{ops: ops, opcode: opcodeMultiRead, ability: multiRead}
	for _, op := range ops {
		b.opcodes = append(b.opcodes, readsOf(op)...)
	}
	return b
}

// frame is the request with that xid, with the length in front.
func (b *bundle) frame(xid int32) []byte {
	var e jute.Encoder
	e.Int32(xid)
	e.Int32(b.opcode)
	if b.opcode != opcodeMultiRead {
		e.Bytes = append(e.Bytes, b.fields...)
		return prefixed(e.Bytes)
	}
	part := func(opcode int32, done bool) {
		e.Int32(opcode)
		e.Bool(done)
		e.Int32(-1)
	}
	for _, op := range b.ops {
		for _, opcode := range readsOf(op) {
			part(opcode, false)
			e.String(op.Path)
			e.Bool(false) // no watch
		}
	}
	part(-1, true)
	return prefixed(e.Bytes)
}

// prefixed is a frame with its length in front.
func prefixed(body []byte) []byte {
	var e jute.Encoder
	e.Buffer(body)
	return e.Bytes
}

// read is the answer to one read of a multiRead.
type read struct {
	code     int32 // of a refusal
	data     []byte
	children []string
	stat     zkapi.Stat
}

// nextRead decodes the answer to the next read. The wire has seen that it fits.
func nextRead(d *jute.Decoder) (r read) {
	opcode, _, _ := d.Int32(), d.Bool(), d.Int32()
	switch opcode {
	case opcodeRefused:
		r.code = d.Int32()
	case opcodeGet:
		if data := d.Buffer(); data != nil {
			r.data = append(make([]byte, 0, len(data)), data...) // the frame is larger, and must not stay
		}
		r.stat = decodeStat(d)
	case opcodeList:
		r.children = make([]string, 0)
		r.children = append(r.children, d.Strings()...)
		slices.Sort(r.children)
	}
	return r
}

func decodeStat(d *jute.Decoder) (s zkapi.Stat) {
	const times, aversion = 16, 4
	s.Czxid, s.Mzxid = d.Int64(), d.Int64()
	d.Take(times)
	s.Version, s.Cversion = d.Int32(), d.Int32()
	d.Take(aversion)
	s.EphemeralOwner, s.DataLength, s.NumChildren, s.Pzxid = d.Int64(), d.Int32(), d.Int32(), d.Int64()
	return s
}

// replies decodes the answers in the order of the operations. Those at again are not known: they
// have to be asked for alone.
func (b *bundle) replies() (replies []zkapi.Reply, again []int) {
	replies = make([]zkapi.Reply, len(b.ops))
	d := jute.Decoder{Rest: b.body}
	for i, op := range b.ops {
		first := nextRead(&d)
		switch {
		case op.Kind == zkapi.KindChildren:
			second := nextRead(&d)
			switch {
			case first.code != 0 && first.code == second.code:
				replies[i].Err = refusal(op, first.code)
			case first.code != 0 || second.code != 0 || !b.exact(first, second):
				again = append(again, i)
			default:
				replies[i].Result = zkapi.Result{Children: first.children, Stat: second.stat}
			}
		case first.code != 0:
			replies[i].Err = refusal(op, first.code)
		default:
			replies[i].Result = zkapi.Result{Data: first.data, Stat: first.stat}
		}
	}
	return replies, again
}

// exact reports whether a list and the Stat that was read behind it are of one moment. No server
// promises that nothing is written between two reads of a multiRead. But the server knew all
// writes up to b.seen before it read the list, because the session has seen that zxid. So if
// the last change of the children is not later, there was none between the two reads. Then the
// list belongs to the Stat.
func (b *bundle) exact(list, stat read) bool {
	return stat.stat.Pzxid <= b.seen && int(stat.stat.NumChildren) == len(list.children)
}
