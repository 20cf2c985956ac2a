package zk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Part is one operation of a write as a server carries it out: a Create, Delete, Set or Check.
type Part struct {
	zkapi.Op
	Owner int64 // of a Create with an ephemeral mode: the session, ContainerOwner, or a TTLOwner
}

// ContainerOwner is the owner of a container: a znode that the server deletes when it has had
// children and has none left.
const ContainerOwner int64 = -1 << 63

// TTLOwner is the owner of a znode that the server deletes when it has no children and has not
// changed for that time, in whole milliseconds.
func TTLOwner(ttl time.Duration) int64 {
	const mark = 0xFF << 56
	owner := uint64(mark) | uint64(ttl.Milliseconds())
	return int64(owner)
}

// Answer is the answer to one Part.
type Answer struct {
	Path string // of Create
	Stat Stat   // of Create, Set and Check, as it is then
}

// Permit says whether whoever writes has a permission on a znode with that ACL: nil, or
// zkapi.ErrNoAuth. A nil Permit permits everything.
type Permit func(acl []zkapi.ACL, need zkapi.Perm) error

func (p Permit) check(n *znode, need zkapi.Perm) error {
	if p == nil {
		return nil
	}
	return p(n.acl, need)
}

// PartError is the refusal of a write: which part was refused, and why.
type PartError struct {
	Index int
	Err   error
}

// Error describes the refusal.
func (e *PartError) Error() string { return fmt.Sprintf("part %d: %v", e.Index, e.Err) }

// Apply carries out the parts of one write, whole or not at all. As with Write, the tree that
// it returns has taken a zxid even when the write is refused.
func (t Tree) Apply(parts []Part, permit Permit) (Tree, []Answer, []Change, *PartError) {
	t.zxid++
	next := t
	answers := make([]Answer, len(parts))
	var changes []Change
	for i, part := range parts {
		var change Change
		var err error
		if next, answers[i], change, err = next.apply(part, permit); err != nil {
			return t, nil, nil, &PartError{i, err}
		}
		if part.Kind != zkapi.KindCheck {
			changes = append(changes, change)
		}
	}
	return next, answers, changes, nil
}

func (t Tree) apply(part Part, permit Permit) (Tree, Answer, Change, error) {
	switch part.Kind {
	case zkapi.KindCreate:
		return t.create(part, permit)
	case zkapi.KindDelete:
		next, change, err := t.remove(part.Path, part.Version, permit)
		return next, Answer{}, change, err
	case zkapi.KindSet:
		return t.set(part.Op, permit)
	case zkapi.KindCheck:
		if err := t.check(part.Op, permit, zkapi.PermRead); err != nil {
			return t, Answer{}, Change{}, err
		}
		return t, Answer{Stat: t.find(part.Path).stat}, Change{}, nil
	}
	return t, Answer{}, Change{}, fmt.Errorf("%w: %v in a write", zkapi.ErrBadArguments, part.Kind)
}

// check refuses an operation on a znode whose path is ill-formed, or that is missing, forbidden,
// or of another version.
func (t Tree) check(op zkapi.Op, permit Permit, need zkapi.Perm) error {
	if zkapi.CheckPath(op.Path) != nil {
		return zkapi.ErrBadArguments
	}
	n := t.find(op.Path)
	if n == nil {
		return zkapi.ErrNoNode
	}
	if err := permit.check(n, need); err != nil {
		return err
	}
	return n.hasVersion(op.Version)
}

// SetACL replaces the ACL of a znode whose ACL has that version (Stat.Aversion), or any version
// if it is zkapi.AnyVersion. It takes a zxid, whether or not it is refused. Watches do not fire.
func (t Tree) SetACL(path string, acl []zkapi.ACL, version int32, permit Permit) (Tree, Stat, error) {
	t.zxid++
	if zkapi.CheckPath(path) != nil {
		return t, Stat{}, zkapi.ErrBadArguments
	}
	n := t.find(path)
	if n == nil {
		return t, Stat{}, zkapi.ErrNoNode
	}
	if err := permit.check(n, zkapi.PermAdmin); err != nil {
		return t, Stat{}, err
	}
	if version != zkapi.AnyVersion && version != n.stat.Aversion {
		return t, Stat{}, zkapi.ErrBadVersion
	}
	next := t.update(path, func(n *znode) {
		n.acl = slices.Clone(acl)
		n.stat.Aversion++
	})
	return next, next.find(path).stat, nil
}

// At is the same tree at another time: later writes give znodes that time.
func (t Tree) At(now time.Time) Tree {
	t.now = now.UnixMilli()
	return t
}

// Spend takes a zxid without a write, as the begin of a session does.
func (t Tree) Spend() Tree {
	t.zxid++
	return t
}

// Begin is the same tree under a new leader: its zxids begin with the number of the leader's
// epoch, which must be greater than the last one.
func (t Tree) Begin(epoch int64) Tree {
	const epochAt = 32
	t.zxid = epoch << epochAt
	return t
}

// Note replaces the data of a znode as a server does that keeps notes of its own in it: without
// a zxid, a version or a time. There must be such a znode.
func (t Tree) Note(path string, data []byte) Tree {
	return t.update(path, func(n *znode) {
		n.data, n.stat.DataLength = data, int32(len(data))
	})
}

// Below goes through the znode at a path and all below it, parents first.
func (t Tree) Below(path string) func(yield func(string, Entry) bool) {
	return func(yield func(string, Entry) bool) {
		if n := t.find(path); n != nil {
			n.all(strings.TrimSuffix(parentOf(path), "/"), yield)
		}
	}
}

// Node is one znode with all that a server says of it.
type Node struct {
	Data []byte // not to be changed
	Stat Stat
	ACL  []zkapi.ACL // not to be changed; nil lets everybody do everything
	node *znode
}

// Children lists the names of the znode's children, sorted.
func (n Node) Children() []string { return n.node.children.names() }

// Node returns the znode at a path, or zkapi.ErrNoNode.
func (t Tree) Node(path string) (Node, error) {
	n := t.find(path)
	if n == nil {
		return Node{}, zkapi.ErrNoNode
	}
	return Node{n.data, n.stat, n.acl, n}, nil
}

// Count is the number of znodes, the root among them.
func (t Tree) Count() int {
	n := 0
	for range t.All() {
		n++
	}
	return n
}

// Owned visits the znodes that have an owner (zkapi.Stat.Owner), parents first. It does not
// visit the other znodes, however many there are.
func (t Tree) Owned(visit func(path string, stat Stat)) {
	t.root.ephemerals("", func(p string, n *znode) { visit(p, n.stat) })
}

// TTLOf is the time to live that a TTLOwner has.
func TTLOf(owner int64) time.Duration {
	const most = 0x00ff_ffff_ffff
	return time.Duration(owner&most) * time.Millisecond
}
