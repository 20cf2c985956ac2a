package serve

import (
	"errors"
	"slices"
	"strings"
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
	4: {zkapi.Persistent, zkapi.OwnerContainer},
	5: {zkapi.Persistent, zkapi.OwnerTTL},
	6: {zkapi.PersistentSequential, zkapi.OwnerTTL},
}

// owned is a mode with an owner in place of one without.
var owned = map[zkapi.Mode]zkapi.Mode{zkapi.Persistent: zkapi.Ephemeral, zkapi.PersistentSequential: zkapi.EphemeralSequential}

// longestTTL is the longest time to live that a server takes.
const longestTTL = 0x00ffffffffff * time.Millisecond

// creation is the body of a create.
type creation struct {
	path  string
	data  []byte
	acl   []zkapi.ACL
	flags int32
	ttl   int64 // in milliseconds
}

// decodePart decodes the body of a write. The decoder is bad if the body cannot be understood.
// The error is that of a request that is understood, and refused.
func (c *conn) decodePart(op opcode, d *jute.Decoder) (zk.Part, error) {
	return c.decodePartAs(func(int32) opcode { return op }, op, d)
}

func (c *conn) decodePartAs(kind func(flags int32) opcode, op opcode, d *jute.Decoder) (zk.Part, error) {
	part := zk.Part{Op: zkapi.Op{Path: text(d)}}
	switch op {
	case opDelete:
		part.Kind, part.Version = zkapi.KindDelete, d.Int32()
		if part.Path == null {
			return part, errMarshalling
		}
	case opCheck:
		part.Kind, part.Version = zkapi.KindCheck, d.Int32()
	case opSet:
		part.Kind, part.Data, part.Version = zkapi.KindSet, slices.Clone(d.Buffer()), d.Int32()
	default:
		asked := creation{path: part.Path, data: slices.Clone(d.Buffer()), acl: decodeACL(d), flags: d.Int32(), ttl: -1}
		if op == opCreateTTL {
			asked.ttl = d.Int64()
		}
		if !d.Bad {
			return c.create(kind(asked.flags), asked)
		}
	}
	return part, nil
}

// create is the part that a create asks for.
func (c *conn) create(op opcode, asked creation) (zk.Part, error) {
	part := zk.Part{Op: zkapi.Create(asked.path, asked.data, zkapi.Persistent)}
	how, known := created[asked.flags]
	isTTL := how.kind == zkapi.OwnerTTL
	switch {
	case !known, isTTL != (op == opCreateTTL), isTTL && (asked.ttl <= 0 || asked.ttl > longestTTL.Milliseconds()):
		return part, zkapi.ErrBadArguments
	case asked.path == null:
		return part, errMarshalling
	case !strings.Contains(asked.path, "/"), strings.IndexByte(asked.path, 0) >= 0:
		return part, zkapi.ErrBadArguments
	}
	acl, err := c.settle(asked.acl)
	if err != nil {
		return part, err
	}
	part.Mode, part.ACL = how.mode, acl
	switch {
	case op == opCreateContainer: // whatever the flags say
		part.Owner = zk.ContainerOwner
		if how.kind != zkapi.OwnerSession {
			part.Mode = owned[how.mode]
		}
	case how.kind == zkapi.OwnerSession:
		part.Owner = c.session.id
	case isTTL:
		part.Mode, part.Owner = owned[how.mode], zk.TTLOwner(time.Duration(asked.ttl)*time.Millisecond)
	}
	return part, nil
}

func decodeACL(d *jute.Decoder) []zkapi.ACL {
	const least = 12 // the permissions and two lengths
	var acl []zkapi.ACL
	for range d.Count(least) {
		acl = append(acl, zkapi.ACL{Perms: zkapi.Perm(d.Int32()), Scheme: text(d), ID: text(d)})
	}
	return acl
}

// write carries out a write of one part.
func write(op opcode) handler {
	return func(c *conn, d *jute.Decoder, to *jute.Encoder) error {
		part, err := c.decodePart(op, d)
		if d.Bad {
			return errMarshalling
		}
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
		encodeStat(to, answer.Stat)
	case opSet, opCheck:
		encodeStat(to, answer.Stat)
	}
}

// apply carries out a write, and tells everybody what has changed.
func (c *conn) apply(parts []zk.Part) ([]zk.Answer, *zk.PartError) {
	e := c.member.ensemble
	next, answers, changes, refused := e.present().Apply(parts, c.permit)
	e.commit(written(parts, refused), next, changes)
	return answers, refused
}

// refuse takes a zxid for a write that was refused before the tree was asked.
func (c *conn) refuse() {
	e := c.member.ensemble
	e.commit(entry{kind: entryRefused}, e.present().Spend(), nil)
}

// reconfig is refused as by a server that has it switched off, which is the default.
func reconfig(c *conn, d *jute.Decoder, _ *jute.Encoder) error {
	for range 3 {
		text(d) // the servers that come, those that leave, and the new list
	}
	if d.Int64(); d.Bad {
		return errMarshalling
	}
	c.refuse()
	return zkapi.Answer(codeReconfigDisabled)
}

func (c *conn) setACL(d *jute.Decoder, to *jute.Encoder) error {
	path, asked, version := text(d), decodeACL(d), d.Int32()
	if d.Bad {
		return errMarshalling
	}
	err := zkapi.CheckPath(path)
	var acl []zkapi.ACL
	if err == nil {
		acl, err = c.settle(asked)
	}
	if err != nil {
		c.refuse()
		return err
	}
	e := c.member.ensemble
	next, stat, err := e.present().SetACL(path, acl, version, c.permit)
	kept := entry{kind: entryRefused}
	if err == nil {
		kept = entry{kind: entryACL, path: path, acl: acl}
	}
	e.commit(kept, next, nil)
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

// createInMulti is the request that a create in a multi stands for. It is opError if the server
// does not understand it.
func createInMulti(op opcode, flags int32) opcode {
	how, known := created[flags]
	switch {
	case !known, how.kind == zkapi.OwnerTTL && op != opCreateTTL:
		return opError
	case how.kind == zkapi.OwnerContainer:
		return opCreateContainer
	}
	return op
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

// decodeParts decodes the parts of a multi. The error is that of a multi that is not
// understood; refused is the first part that the tree need not see, or nil.
func (c *conn) decodeParts(d *jute.Decoder) (ops []opcode, parts []zk.Part, refused *zk.PartError, err error) {
	for {
		op, more := part(d)
		if !more {
			break
		}
		if !slices.Contains(partsOfMulti, op) {
			return nil, nil, nil, errMarshalling
		}
		p, err := c.decodePartAs(func(flags int32) opcode {
			if op = createInMulti(op, flags); op == opError {
				d.Bad = true
			}
			return op
		}, op, d)
		if d.Bad || p.Path == null || errors.Is(err, errMarshalling) {
			return nil, nil, nil, errMarshalling
		}
		if err != nil && refused == nil {
			refused = &zk.PartError{Index: len(parts), Err: err}
		}
		ops, parts = append(ops, op), append(parts, p)
	}
	if d.Bad {
		err = errMarshalling
	}
	return ops, parts, refused, err
}

// multi carries out several writes, all of them or none. If one is refused, the answer names
// it; those before it have the code 0 in the answer, and those behind it
// codeRuntimeInconsistency.
func (c *conn) multi(d *jute.Decoder, to *jute.Encoder) error {
	ops, parts, refused, err := c.decodeParts(d)
	if err != nil {
		c.refuse()
		return err
	}
	answers, refused := c.applyUpTo(parts, refused)
	for i, op := range ops {
		code := int32(0)
		switch {
		case refused == nil:
			if op == opCreateContainer || op == opCreateTTL {
				op = opCreate2 // as ZooKeeper answers it in a multi
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
