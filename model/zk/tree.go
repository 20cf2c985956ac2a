package zk

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Tree is the znodes at one moment. It is a value: a write makes another Tree
// that shares with this one whatever it has not changed, so a server that lags
// is a Tree that was kept.
type Tree struct {
	root       *znode
	zxid       int64
	structural bool
}

// znode is one znode; it never changes once it is part of a Tree.
type znode struct {
	name     string
	data     []byte
	stat     zkapi.Stat
	created  int32    // children so far: the number of the next sequential one
	children []*znode // by name
}

// NewTree makes a tree that has only its root.
func NewTree() Tree { return Tree{root: &znode{}} }

// NewStructuralTree makes a tree whose zxids follow from its structure instead of from the
// order of all writes. Comparisons give the same answers: of two znodes below one parent the
// later has the greater czxid, two znodes that the same path has had differ in theirs, and so
// do two states of one znode in mzxid and pzxid. Writes elsewhere leave no trace, so more
// histories lead to the same tree. This holds for trees with up to a few thousand changes
// below one znode.
func NewStructuralTree() Tree {
	return Tree{root: &znode{stat: zkapi.Stat{Czxid: 1}}, structural: true}
}

// Zxid is the number of the last write that was tried. Refused writes count, as
// they do in ZooKeeper.
func (t Tree) Zxid() int64 { return t.zxid }

// Change is the effect of a write on one znode, for the watches: the kind is KindCreate,
// KindDelete or KindSet.
type Change struct {
	Path string
	Kind zkapi.Kind
}

// parentOf is the path above p. The last element of a sequential name may be empty: /a/ makes
// a child of /a whose name is only a number.
func parentOf(p string) string { return path.Dir(p) }

// find returns the znode at p, or nil.
func (t Tree) find(p string) *znode {
	n := t.root
	for name := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if name == "" {
			return n
		}
		at, found := n.index(name)
		if !found {
			return nil
		}
		n = n.children[at]
	}
	return n
}

// index is where the child of that name is, or belongs.
func (n *znode) index(name string) (int, bool) {
	return slices.BinarySearchFunc(n.children, name, func(c *znode, name string) int { return strings.Compare(c.name, name) })
}

// update returns the tree with the existing znode at p replaced by an edited copy.
func (t Tree) update(p string, edit func(*znode)) Tree {
	t.root = t.root.update(strings.Trim(p, "/"), edit)
	return t
}

func (n *znode) update(p string, edit func(*znode)) *znode {
	changed := *n
	if p == "" {
		edit(&changed)
		return &changed
	}
	name, rest, _ := strings.Cut(p, "/")
	at, _ := n.index(name)
	changed.children = slices.Clone(n.children)
	changed.children[at] = n.children[at].update(rest, edit)
	return &changed
}

// Structural zxids: a czxid has the places among siblings of all znodes on the
// path, the others add the number of changes in the highest bits.
const (
	siblingBits = 12
	changesAt   = 56
)

// born is the czxid of a child that is the n-th change below its parent.
func (t Tree) born(parent *znode, n int32) int64 {
	if !t.structural {
		return t.zxid
	}
	return parent.stat.Czxid<<siblingBits | int64(n)
}

// changed is the mzxid or pzxid of a znode after its n-th change.
func (t Tree) changed(czxid int64, n int32) int64 {
	if !t.structural {
		return t.zxid
	}
	return czxid | int64(n)<<changesAt
}

// Write applies one request, whole or not at all, in the name of a session. The
// Tree that it returns differs from t even when the request is refused: that has
// taken a zxid.
func (t Tree) Write(op zkapi.Op, session int64) (Tree, zkapi.Result, []Change, error) {
	t.zxid++
	if op.Kind != zkapi.KindMulti {
		next, result, change, err := t.apply(op, session)
		if err != nil {
			return t, zkapi.Result{}, nil, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: err}
		}
		return next, result, []Change{change}, nil
	}
	next := t
	var all zkapi.Result
	var changes []Change
	for i, sub := range op.Ops {
		var result zkapi.Result
		var change Change
		var err error
		next, result, change, err = next.apply(sub, session)
		if err != nil {
			return t, zkapi.Result{}, nil, &zkapi.Error{Kind: op.Kind, Path: sub.Path, Index: i, Fate: zkapi.NotApplied, Err: err}
		}
		all.Results = append(all.Results, result)
		if sub.Kind != zkapi.KindCheck {
			changes = append(changes, change)
		}
	}
	return next, all, changes, nil
}

func (t Tree) apply(op zkapi.Op, session int64) (Tree, zkapi.Result, Change, error) {
	switch op.Kind {
	case zkapi.KindCreate:
		return t.create(op, session)
	case zkapi.KindDelete:
		next, err := t.remove(op.Path, op.Version)
		return next, zkapi.Result{}, Change{op.Path, zkapi.KindDelete}, err
	case zkapi.KindSet:
		return t.set(op)
	case zkapi.KindCheck:
		return t, zkapi.Result{}, Change{}, t.find(op.Path).hasVersion(op.Version)
	}
	return t, zkapi.Result{}, Change{}, fmt.Errorf("%w: %v in a write", zkapi.ErrBadArguments, op.Kind)
}

// hasVersion is the server's check of a version; n may be nil.
func (n *znode) hasVersion(version int32) error {
	switch {
	case n == nil:
		return zkapi.ErrNoNode
	case version != zkapi.AnyVersion && version != n.stat.Version:
		return zkapi.ErrBadVersion
	}
	return nil
}

func (t Tree) create(op zkapi.Op, session int64) (Tree, zkapi.Result, Change, error) {
	refuse := func(err error) (Tree, zkapi.Result, Change, error) { return t, zkapi.Result{}, Change{}, err }
	sequential := op.Mode == zkapi.PersistentSequential || op.Mode == zkapi.EphemeralSequential
	if !strings.HasPrefix(op.Path, "/") || (!sequential && path.Clean(op.Path) != op.Path) {
		return refuse(zkapi.ErrInvalidPath)
	}
	parent := t.find(parentOf(op.Path))
	if parent == nil {
		return refuse(zkapi.ErrNoNode)
	}
	at := op.Path
	if sequential {
		at += fmt.Sprintf("%010d", parent.created)
	}
	if t.find(at) != nil {
		return refuse(zkapi.ErrNodeExists)
	}
	if parent.stat.EphemeralOwner != 0 {
		return refuse(zkapi.ErrEphemeral)
	}
	n := &znode{name: path.Base(at), data: slices.Clone(op.Data)}
	n.stat.Czxid = t.born(parent, parent.stat.Cversion+1)
	n.stat.Mzxid, n.stat.Pzxid, n.stat.DataLength = n.stat.Czxid, n.stat.Czxid, int32(len(op.Data))
	if op.Mode == zkapi.Ephemeral || op.Mode == zkapi.EphemeralSequential {
		n.stat.EphemeralOwner = session
	}
	next := t.update(parentOf(at), func(p *znode) {
		i, _ := p.index(n.name)
		p.children = slices.Insert(slices.Clone(p.children), i, n)
		p.created++
		t.countChild(p, 1)
	})
	return next, zkapi.Result{Path: at}, Change{at, zkapi.KindCreate}, nil
}

// countChild keeps the parent's books when a child has come or gone.
func (t Tree) countChild(parent *znode, more int32) {
	parent.stat.Cversion++
	parent.stat.NumChildren += more
	parent.stat.Pzxid = t.changed(parent.stat.Czxid, parent.stat.Cversion)
}

func (t Tree) remove(p string, version int32) (Tree, error) {
	if p == "/" {
		return t, zkapi.ErrBadArguments
	}
	n := t.find(p)
	if err := n.hasVersion(version); err != nil {
		return t, err
	}
	if len(n.children) > 0 {
		return t, zkapi.ErrNotEmpty
	}
	return t.update(parentOf(p), func(parent *znode) {
		i, _ := parent.index(n.name)
		parent.children = slices.Delete(slices.Clone(parent.children), i, i+1)
		t.countChild(parent, -1)
	}), nil
}

func (t Tree) set(op zkapi.Op) (Tree, zkapi.Result, Change, error) {
	if err := t.find(op.Path).hasVersion(op.Version); err != nil {
		return t, zkapi.Result{}, Change{}, err
	}
	var result zkapi.Result
	next := t.update(op.Path, func(n *znode) {
		n.data = slices.Clone(op.Data)
		n.stat.Version++
		n.stat.Mzxid, n.stat.DataLength = t.changed(n.stat.Czxid, n.stat.Version), int32(len(op.Data))
		result.Stat = n.stat
	})
	return next, result, Change{op.Path, zkapi.KindSet}, nil
}

// Read answers a read; Result.Watch is not set.
func (t Tree) Read(op zkapi.Op) (zkapi.Result, error) {
	if op.Kind == zkapi.KindSync {
		return zkapi.Result{}, nil
	}
	n := t.find(op.Path)
	if n == nil && op.Kind != zkapi.KindExists {
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoNode}
	}
	if n == nil {
		return zkapi.Result{}, nil
	}
	result := zkapi.Result{Found: true, Stat: n.stat}
	switch op.Kind {
	case zkapi.KindGet:
		result.Data = slices.Clone(n.data)
	case zkapi.KindChildren:
		for _, c := range n.children {
			result.Children = append(result.Children, c.name)
		}
	}
	return result, nil
}

// EndSession removes a session's ephemerals, as one write.
func (t Tree) EndSession(session int64) (Tree, []Change) {
	t.zxid++
	var changes []Change
	next := t
	for _, p := range t.owned(session) {
		next, _ = next.remove(p, zkapi.AnyVersion)
		changes = append(changes, Change{p, zkapi.KindDelete})
	}
	return next, changes
}

// owned lists the ephemerals of a session.
func (t Tree) owned(session int64) []string {
	var paths []string
	for p, n := range t.All() {
		if n.Stat.EphemeralOwner == session {
			paths = append(paths, p)
		}
	}
	return paths
}

// Entry is one znode in the output of All.
type Entry struct {
	Data []byte
	Stat zkapi.Stat
}

// All goes through the znodes, parents first, by name; the root's path is "/".
func (t Tree) All() func(yield func(string, Entry) bool) {
	return func(yield func(string, Entry) bool) { t.root.all("", yield) }
}

func (n *znode) all(above string, yield func(string, Entry) bool) bool {
	at := above + "/" + n.name
	if !yield(at, Entry{n.data, n.stat}) {
		return false
	}
	if n.name == "" {
		at = ""
	}
	for _, c := range n.children {
		if !c.all(at, yield) {
			return false
		}
	}
	return true
}

// Encode appends all data by which a later request can distinguish two trees. Two structural
// trees with the same encoding are the same state.
func (t Tree) Encode(to []byte) []byte {
	if !t.structural {
		to = binary.AppendVarint(to, t.zxid)
	}
	return t.root.encode(to, t.structural)
}

func (n *znode) encode(to []byte, structural bool) []byte {
	to = appendString(to, n.name)
	to = appendString(to, string(n.data))
	to = binary.AppendVarint(to, n.stat.Czxid)
	to = binary.AppendVarint(to, n.stat.EphemeralOwner)
	for _, number := range []int32{n.stat.Version, n.stat.Cversion, n.created, n.stat.NumChildren} {
		to = binary.AppendVarint(to, int64(number))
	}
	if !structural {
		to = binary.AppendVarint(to, n.stat.Mzxid)
		to = binary.AppendVarint(to, n.stat.Pzxid)
	}
	for _, c := range n.children {
		to = c.encode(to, structural)
	}
	return to
}

func appendString(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}
