package wire

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// decoder decodes the parts of requests and answers.
type decoder struct{ jute.Decoder }

// buffer copies the decoded bytes, because the next frame overwrites them.
func (d *decoder) buffer() []byte { return slices.Clone(d.Buffer()) }

func (d *decoder) stat() zkapi.Stat {
	var s zkapi.Stat
	s.Czxid, s.Mzxid = d.Int64(), d.Int64()
	d.Take(16) // times
	s.Version, s.Cversion = d.Int32(), d.Int32()
	d.Int32() // version of the ACL
	s.EphemeralOwner, s.DataLength, s.NumChildren, s.Pzxid = d.Int64(), d.Int32(), d.Int32(), d.Int64()
	return s
}

// Opcodes of requests (zookeeper.jute).
const (
	OpCreate        int32 = 1
	OpDelete        int32 = 2
	OpExists        int32 = 3
	OpGet           int32 = 4
	OpSet           int32 = 5
	OpChildren      int32 = 8
	OpSync          int32 = 9
	OpPing          int32 = 11
	OpChildren2     int32 = 12
	OpCheck         int32 = 13
	OpMulti         int32 = 14
	OpCreate2       int32 = 15
	OpRemoveWatches int32 = 18
	OpMultiRead     int32 = 22
	OpAuth          int32 = 100
	OpSetWatches    int32 = 101
	OpSetWatches2   int32 = 105
	OpAddWatch      int32 = 106
	OpClose         int32 = -11

	opError int32 = -1 // of a part of a multi or multiRead that was refused
)

// XidEvent is the xid of a frame that a server sends without a request.
const XidEvent int32 = -1

var kinds = map[int32]zkapi.Kind{
	OpCreate: zkapi.KindCreate, OpCreate2: zkapi.KindCreate, OpDelete: zkapi.KindDelete, OpExists: zkapi.KindExists, OpGet: zkapi.KindGet,
	OpSet: zkapi.KindSet, OpChildren: zkapi.KindChildren, OpChildren2: zkapi.KindChildren, OpSync: zkapi.KindSync,
	OpCheck: zkapi.KindCheck, OpMulti: zkapi.KindMulti,
}

// modes are the flags of a create. The port has no others (containers, lifetimes).
var modes = map[int32]zkapi.Mode{0: zkapi.Persistent, 1: zkapi.Ephemeral, 2: zkapi.PersistentSequential, 3: zkapi.EphemeralSequential}

// op decodes the operation of a request.
func (d *decoder) op(opcode int32) zkapi.Op {
	kind, known := kinds[opcode]
	if !known {
		return zkapi.Op{}
	}
	op := zkapi.Op{Kind: kind}
	if kind != zkapi.KindMulti {
		op.Path = d.String()
	}
	switch kind {
	case zkapi.KindCreate:
		op.Data, op.ACL = d.buffer(), d.acl()
		mode, ours := modes[d.Int32()]
		op.Mode, d.Bad = mode, d.Bad || !ours
	case zkapi.KindSet:
		op.Data, op.Version = d.buffer(), d.Int32()
	case zkapi.KindDelete, zkapi.KindCheck:
		op.Version = d.Int32()
	case zkapi.KindExists, zkapi.KindGet, zkapi.KindChildren:
		op.Watch = d.Bool()
	case zkapi.KindMulti:
		for part, more := d.part(); more; part, more = d.part() {
			if part == OpMulti { // a multi cannot contain another; otherwise nesting would have no limit
				d.Bad = true
				break
			}
			op.Ops = append(op.Ops, d.op(part))
		}
	}
	return op
}

// reads decodes the parts of a multiRead.
func (d *decoder) reads() (ops []zkapi.Op) {
	for part, more := d.part(); more; part, more = d.part() {
		if part != OpGet && part != OpChildren { // no other request can be in it
			d.Bad = true
			break
		}
		ops = append(ops, d.op(part))
	}
	return ops
}

// watches decodes the path of a request about watches.
func (d *decoder) watches() string {
	path := d.String()
	d.Int32() // the mode or the type
	return path
}

// readReplies decodes the answer to a multiRead of those operations. It has a result or an error
// for each of them that the answer has.
func (d *decoder) readReplies(ops []zkapi.Op) (replies []zkapi.Reply) {
	for _, op := range ops {
		opcode, more := d.part()
		if !more {
			break
		}
		var reply zkapi.Reply
		if opcode == opError {
			reply.Err = refusal(op, -1, op.Path, d.Int32())
		} else {
			reply.Result = d.result(opcode)
		}
		if d.Bad {
			break
		}
		replies = append(replies, reply)
	}
	return replies
}

// part decodes the header of a part of a multi or multiRead, or reports that there is no more.
func (d *decoder) part() (opcode int32, more bool) {
	opcode, done := d.Int32(), d.Bool()
	d.Int32() // an error, which a body repeats
	return opcode, !done && !d.Bad
}

// acl decodes an access control list; nil means that every user may do everything, as
// in the port.
func (d *decoder) acl() []zkapi.ACL {
	var all []zkapi.ACL
	for n := d.Int32(); n > 0 && !d.Bad; n-- {
		all = append(all, zkapi.ACL{Perms: zkapi.Perm(d.Int32()), Scheme: d.String(), ID: d.String()})
	}
	if slices.Equal(all, []zkapi.ACL{{Perms: zkapi.PermAll, Scheme: "world", ID: "anyone"}}) {
		return nil
	}
	return all
}

// result decodes the answer to an accepted request.
func (d *decoder) result(opcode int32) (r zkapi.Result) {
	switch opcode {
	case OpCreate:
		r.Path = d.String()
	case OpCreate2:
		r.Path, r.Stat = d.String(), d.stat()
	case OpSet:
		r.Stat = d.stat()
	case OpExists:
		r.Found, r.Stat = true, d.stat()
	case OpGet:
		r.Data, r.Stat = d.buffer(), d.stat()
	case OpChildren:
		r.Children = d.Strings()
	case OpChildren2:
		r.Children, r.Stat = d.Strings(), d.stat()
	}
	slices.Sort(r.Children)
	return r
}

// results decodes the answer to a multi of so many parts: a result for each, or which
// part was refused, and why. Parts before the refused one then say that nothing is
// wrong, and parts after it that they were not tried.
func (d *decoder) results(parts int) (r zkapi.Result, index int, code int32) {
	index = -1
	for at := 0; ; at++ {
		opcode, more := d.part()
		if !more || at == parts {
			return r, index, code
		}
		if opcode != opError {
			r.Results = append(r.Results, d.result(opcode))
			continue
		}
		if c := d.Int32(); c != 0 && index < 0 {
			index, code = at, c
		}
	}
}

// codeNoNode is a server's code for a missing znode.
const codeNoNode int32 = -101
