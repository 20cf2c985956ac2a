package zk

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrNotATree is the error of LoadTree for bytes that Save has not made.
var ErrNotATree = errors.New("zk: not a tree that Save has encoded")

// Time is the time of the writes: what At has set, in whole milliseconds.
func (t Tree) Time() time.Time { return time.UnixMilli(t.now) }

// Save appends all that the tree has. Of two trees with the same encoding every later request
// gets the same answer. LoadTree reads it.
func (t Tree) Save(to []byte) []byte {
	to = binary.AppendVarint(to, t.zxid)
	to = binary.AppendVarint(to, t.now)
	to = appendCount(to, 0, !t.structural)
	return t.root.save(to)
}

func (n *znode) save(to []byte) []byte {
	to = appendString(to, n.name)
	to = appendCount(to, len(n.data), n.data == nil)
	to = append(to, n.data...)
	to = appendCount(to, len(n.acl), n.acl == nil)
	for _, a := range n.acl {
		to = binary.AppendVarint(to, int64(a.Perms))
		to = appendString(to, a.Scheme)
		to = appendString(to, a.ID)
	}
	s := n.stat
	for _, number := range []int64{s.Czxid, s.Mzxid, s.Pzxid, s.EphemeralOwner, s.Ctime, s.Mtime,
		int64(s.Version), int64(s.Cversion), int64(s.Aversion), int64(s.DataLength), int64(n.created)} {
		to = binary.AppendVarint(to, number)
	}
	to = binary.AppendUvarint(to, uint64(s.NumChildren))
	for c := range n.children.all() {
		to = c.save(to)
	}
	return to
}

// appendCount appends a count of what may be nil, too.
func appendCount(to []byte, n int, none bool) []byte {
	if none {
		n = -1
	}
	return binary.AppendVarint(to, int64(n))
}

// LoadTree reads what Save has encoded. It fails with ErrNotATree if that is not all of the
// bytes. The tree shares no memory with them.
func LoadTree(from []byte) (Tree, error) {
	r := reader{rest: from}
	t := Tree{zxid: r.varint(), now: r.varint()}
	_, isServer := r.count()
	t.structural = !isServer
	t.root = r.znode()
	if r.bad || len(r.rest) > 0 || t.root.name != "" {
		return Tree{}, ErrNotATree
	}
	return t, nil
}

// reader takes values off the front of rest. After the first that is impossible it is bad.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) znode() *znode {
	n := &znode{name: r.text()}
	if size, none := r.count(); !none {
		n.data = append([]byte{}, r.take(size)...)
	}
	if size, none := r.count(); !none {
		n.acl = []zkapi.ACL{}
		for range size {
			n.acl = append(n.acl, zkapi.ACL{Perms: zkapi.Perm(r.varint()), Scheme: r.text(), ID: r.text()})
		}
	}
	s := &n.stat
	for _, number := range []*int64{&s.Czxid, &s.Mzxid, &s.Pzxid, &s.EphemeralOwner, &s.Ctime, &s.Mtime} {
		*number = r.varint()
	}
	for _, number := range []*int32{&s.Version, &s.Cversion, &s.Aversion, &s.DataLength, &n.created} {
		*number = int32(r.varint())
	}
	if s.EphemeralOwner != 0 {
		n.owned = 1
	}
	n.readChildren(r)
	return n
}

// readChildren reads the children of a znode, which must be sorted.
func (n *znode) readChildren(r *reader) {
	count, size := binary.Uvarint(r.rest)
	if r.skip(size); count > uint64(len(r.rest)) { // each takes a byte or more
		r.bad = true
	}
	var all []*znode
	last := ""
	for ; count > 0 && !r.bad; count-- {
		child := r.znode()
		if child.name <= last {
			r.bad = true
		}
		last = child.name
		all = append(all, child)
		n.owned += child.owned
	}
	n.stat.NumChildren = int32(len(all))
	for piece := range slices.Chunk(all, pieceMost) {
		n.children.pieces = append(n.children.pieces, piece)
	}
}

func (r *reader) skip(size int) {
	if size <= 0 || r.bad {
		r.rest, r.bad = nil, true
		return
	}
	r.rest = r.rest[size:]
}

func (r *reader) varint() int64 {
	v, size := binary.Varint(r.rest)
	r.skip(size)
	return v
}

// count is a count of elements that take a byte or more each; none stands for nil.
func (r *reader) count() (n int, none bool) {
	v := r.varint()
	if v < -1 || v > int64(len(r.rest)) {
		r.bad = true
	}
	if r.bad || v == -1 {
		return 0, true
	}
	return int(v), false
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) text() string {
	n, size := binary.Uvarint(r.rest)
	if r.skip(size); n > uint64(len(r.rest)) {
		r.bad = true
	}
	if r.bad {
		return ""
	}
	return string(r.take(int(n)))
}
