package serve

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// entry is one change of the ensemble's state: what a log must have to repeat it. A write that
// was refused is one, too, as it takes a zxid.
type entry struct {
	kind entryKind
	time int64 // of the tree, in milliseconds since 1970
	zxid int64 // of the tree after it

	parts   []zk.Part     // of entryWrite
	path    string        // of entryACL
	acl     []zkapi.ACL   // of entryACL
	epoch   int64         // of entryEpoch
	session int64         // of entryBegin and entryEnd
	secret  []byte        // of entryBegin: the password
	timeout time.Duration // of entryBegin
}

// entryKind is the kind of an entry. The numbers are in files.
type entryKind int32

const (
	entryRefused entryKind = 1 // only the zxid is taken
	entryWrite   entryKind = 2
	entryACL     entryKind = 3
	entryBegin   entryKind = 4 // of a session
	entryEnd     entryKind = 5 // of a session
	entryEpoch   entryKind = 6 // of a leader
)

// written is the entry of a write, which may have been refused.
func written(parts []zk.Part, refused *zk.PartError) entry {
	if refused != nil {
		return entry{kind: entryRefused}
	}
	return entry{kind: entryWrite, parts: parts}
}

// encode appends the entry.
func (en entry) encode(to *jute.Encoder) {
	to.Int32(int32(en.kind))
	to.Int64(en.time)
	to.Int64(en.zxid)
	switch en.kind {
	case entryWrite:
		to.Int32(int32(len(en.parts)))
		for _, p := range en.parts {
			to.Int32(int32(p.Kind))
			to.String(p.Path)
			to.Buffer(p.Data)
			to.Int32(p.Version)
			to.Int32(int32(p.Mode))
			to.Int64(p.Owner)
			storeACL(to, p.ACL)
		}
	case entryACL:
		to.String(en.path)
		storeACL(to, en.acl)
	case entryBegin:
		to.Int64(en.session)
		to.Buffer(en.secret)
		to.Int64(int64(en.timeout))
	case entryEnd:
		to.Int64(en.session)
	case entryEpoch:
		to.Int64(en.epoch)
	}
}

// errEntry is the error of an entry that cannot be decoded, or repeated.
var errEntry = errors.New("it cannot be understood")

// decodeEntry is the opposite of encode.
func decodeEntry(body []byte) (entry, error) {
	d := jute.Decoder{Rest: slices.Clone(body)}
	en := entry{kind: entryKind(d.Int32()), time: d.Int64(), zxid: d.Int64()}
	switch en.kind {
	case entryRefused:
	case entryWrite:
		const least = 32 // the numbers and lengths of a part
		for range d.Count(least) {
			op := zkapi.Op{Kind: zkapi.Kind(d.Int32()), Path: d.String(), Data: d.Buffer(), Version: d.Int32(), Mode: zkapi.Mode(d.Int32())}
			owner := d.Int64()
			op.ACL = loadACL(&d)
			en.parts = append(en.parts, zk.Part{Op: op, Owner: owner})
		}
	case entryACL:
		en.path, en.acl = d.String(), loadACL(&d)
	case entryBegin:
		en.session, en.secret, en.timeout = d.Int64(), d.Buffer(), time.Duration(d.Int64())
	case entryEnd:
		en.session = d.Int64()
	case entryEpoch:
		en.epoch = d.Int64()
	default:
		return en, fmt.Errorf("%w: an entry of the kind %d", errEntry, en.kind)
	}
	if d.Bad || len(d.Rest) > 0 {
		return en, fmt.Errorf("%w: its length is wrong", errEntry)
	}
	return en, nil
}

// storeACL encodes an ACL with the difference between none and one of no lines.
func storeACL(to *jute.Encoder, acl []zkapi.ACL) {
	if acl == nil {
		to.Int32(-1)
		return
	}
	to.Int32(int32(len(acl)))
	for _, a := range acl {
		to.Int32(int32(a.Perms))
		to.String(a.Scheme)
		to.String(a.ID)
	}
}

func loadACL(d *jute.Decoder) []zkapi.ACL {
	const least, length = 12, 4
	if len(d.Rest) >= length && int32(d.Rest[0])<<24 < 0 { // the count is negative
		d.Take(length)
		return nil
	}
	acl := []zkapi.ACL{}
	for range d.Count(least) {
		acl = append(acl, zkapi.ACL{Perms: zkapi.Perm(d.Int32()), Scheme: d.String(), ID: d.String()})
	}
	return acl
}
