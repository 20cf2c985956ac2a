package serve

import (
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// created says how znodes with each flag of a create come to be. The port's modes are in it,
// and those that only servers know.
var created = map[int32]struct {
	mode zkapi.Mode
	kind zkapi.Owner
}{
	0: {zkapi.Persistent, zkapi.OwnerNone},
	1: {zkapi.Ephemeral, zkapi.OwnerSession},
	2: {zkapi.PersistentSequential, zkapi.OwnerNone},
	3: {zkapi.EphemeralSequential, zkapi.OwnerSession},
	4: {zkapi.Ephemeral, zkapi.OwnerContainer},
	5: {zkapi.Ephemeral, zkapi.OwnerTTL},
	6: {zkapi.EphemeralSequential, zkapi.OwnerTTL},
}

// longestTTL is the longest time to live that a server takes.
const longestTTL = 0x00ffffffffff * time.Millisecond

// decodePart decodes the body of a write. The error is that of a request that is understood,
// and refused.
func (c *conn) decodePart(op opcode, d *jute.Decoder) (zk.Part, error) {
	part := zk.Part{Op: zkapi.Op{Path: d.String()}}
	switch op {
	case opDelete:
		part.Kind, part.Version = zkapi.KindDelete, d.Int32()
	case opCheck:
		part.Kind, part.Version = zkapi.KindCheck, d.Int32()
	case opSet:
		part.Kind, part.Data, part.Version = zkapi.KindSet, slices.Clone(d.Buffer()), d.Int32()
	default:
		part.Kind, part.Data = zkapi.KindCreate, slices.Clone(d.Buffer())
		asked := decodeACL(d)
		flags := d.Int32()
		ttl := int64(0)
		if op == opCreateTTL {
			ttl = d.Int64()
		}
		if d.Bad {
			break
		}
		return part, c.complete(&part, op, asked, flags, ttl)
	}
	if d.Bad {
		return part, errMarshalling
	}
	return part, nil
}

// complete fills in what a create has besides path and data.
func (c *conn) complete(part *zk.Part, op opcode, asked []zkapi.ACL, flags int32, ttl int64) error {
	how, known := created[flags]
	isTTL := how.kind == zkapi.OwnerTTL
	if !known || isTTL != (op == opCreateTTL) || isTTL && (ttl <= 0 || ttl > longestTTL.Milliseconds()) {
		return zkapi.ErrBadArguments
	}
	acl, err := c.settle(asked)
	if err != nil {
		return err
	}
	part.Mode, part.ACL = how.mode, acl
	switch how.kind {
	case zkapi.OwnerSession:
		part.Owner = c.session.id
	case zkapi.OwnerContainer:
		part.Owner = zk.ContainerOwner
	case zkapi.OwnerTTL:
		part.Owner = zk.TTLOwner(time.Duration(ttl) * time.Millisecond)
	}
	return nil
}

func decodeACL(d *jute.Decoder) []zkapi.ACL {
	const least = 12 // the permissions and two lengths
	var acl []zkapi.ACL
	for range d.Count(least) {
		acl = append(acl, zkapi.ACL{Perms: zkapi.Perm(d.Int32()), Scheme: d.String(), ID: d.String()})
	}
	return acl
}

// write carries out a write of one part.
func write(op opcode) handler {
	return func(c *conn, d *jute.Decoder, to *jute.Encoder) error {
		part, err := c.decodePart(op, d)
		if err != nil {
			c.refuse()
			return err
		}
		answers, refused := c.apply([]zk.Part{part})
		if refused != nil {
			return refused.Err
		}
		c.encodeAnswer(op, answers[0], to)
		return nil
	}
}

// encodeAnswer encodes the answer to a write that was carried out.
func (c *conn) encodeAnswer(op opcode, answer zk.Answer, to *jute.Encoder) {
	switch op {
	case opCreate:
		to.String(answer.Path)
	case opCreate2, opCreateContainer, opCreateTTL:
		to.String(answer.Path)
		node, _ := c.member.tree.Node(answer.Path) // it was just made
		encodeStat(to, node.Stat)
	case opSet, opCheck:
		encodeStat(to, answer.Stat)
	}
}

// apply carries out a write, and tells everybody what has changed.
func (c *conn) apply(parts []zk.Part) ([]zk.Answer, *zk.PartError) {
	e := c.member.ensemble
	next, answers, changes, refused := e.present().Apply(parts, c.permit)
	e.commit(next, changes)
	return answers, refused
}

// refuse takes a zxid for a write that was refused before the tree was asked.
func (c *conn) refuse() {
	e := c.member.ensemble
	e.commit(e.present().Spend(), nil)
}

func (c *conn) setACL(d *jute.Decoder, to *jute.Encoder) error {
	path, asked, version := d.String(), decodeACL(d), d.Int32()
	if d.Bad {
		c.refuse()
		return errMarshalling
	}
	acl, err := c.settle(asked)
	if err != nil {
		c.refuse()
		return err
	}
	e := c.member.ensemble
	next, stat, err := e.present().SetACL(path, acl, version, c.permit)
	e.commit(next, nil)
	if err == nil {
		encodeStat(to, stat)
	}
	return err
}

// part decodes the header of a part of a multi, or reports that there is no more.
func part(d *jute.Decoder) (op opcode, more bool) {
	op = opcode(d.Int32())
	done := d.Bool()
	d.Int32() // an error, which is for answers
	return op, !done && !d.Bad
}

func partHeader(to *jute.Encoder, op opcode, code int32) {
	to.Int32(int32(op))
	to.Bool(false)
	to.Int32(code)
}

func partsEnd(to *jute.Encoder) {
	to.Int32(-1)
	to.Bool(true)
	to.Int32(-1)
}

// partsOfMulti are the requests that a multi can have.
var partsOfMulti = []opcode{opCreate, opCreate2, opCreateContainer, opCreateTTL, opDelete, opSet, opCheck}

// multi carries out several writes, all of them or none. If one is refused, the answer names
// it; those before it have the code 0 in the answer, and those behind it
// codeRuntimeInconsistency.
func (c *conn) multi(d *jute.Decoder, to *jute.Encoder) error {
	var ops []opcode
	var parts []zk.Part
	var refused *zk.PartError // of a part that the tree need not see
	for {
		op, more := part(d)
		if !more {
			break
		}
		if !slices.Contains(partsOfMulti, op) {
			d.Bad = true
			break
		}
		p, err := c.decodePart(op, d)
		if d.Bad {
			break
		}
		if err != nil && refused == nil {
			refused = &zk.PartError{Index: len(parts), Err: err}
		}
		ops, parts = append(ops, op), append(parts, p)
	}
	if d.Bad {
		c.refuse()
		return errMarshalling
	}
	answers, refused := c.applyUpTo(parts, refused)
	for i, op := range ops {
		code := int32(0)
		switch {
		case refused == nil:
			if op == opCreate2 {
				op = opCreate // as ZooKeeper answers it in a multi
			}
			partHeader(to, op, 0)
			if op != opCheck { // it has no body in a multi
				c.encodeAnswer(op, answers[i], to)
			}
			continue
		case i == refused.Index:
			code = codeOf(refused.Err)
		case i > refused.Index:
			code = codeRuntimeInconsistency
		}
		partHeader(to, opError, code)
		to.Int32(code)
	}
	partsEnd(to)
	return nil
}

// applyUpTo applies the parts, unless one was refused already: then the parts before it may be
// refused, too, and nothing is applied.
func (c *conn) applyUpTo(parts []zk.Part, known *zk.PartError) ([]zk.Answer, *zk.PartError) {
	if known == nil {
		return c.apply(parts)
	}
	c.refuse()
	if _, _, _, earlier := c.member.ensemble.tree.Apply(parts[:known.Index], c.permit); earlier != nil {
		return nil, earlier
	}
	return nil, known
}
