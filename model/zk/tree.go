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
	now        int64 // in milliseconds since 1970: the time of the writes
	structural bool
}

// znode is one znode; it never changes once it is part of a Tree.
type znode struct {
	name     string
	data     []byte
	stat     Stat
	acl      []zkapi.ACL // nil: everybody may do everything
	created  int32       // children so far: the number of the next sequential one
	owned    int32       // znodes of it and below it that have an owner
	children children
}

// Stat is all that a server says of a znode.
type Stat struct {
	zkapi.Stat
	Ctime, Mtime int64 // of the creation and of the last set, in milliseconds since 1970
	Aversion     int32 // how often its ACL was set
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
	return Tree{root: &znode{stat: Stat{Stat: zkapi.Stat{Czxid: 1}}}, structural: true}
}

// NewServerTree makes a tree that has what a server makes by itself, without a write:
// /zookeeper, with the znodes of its quotas and of its configuration.
func NewServerTree() Tree {
	t := NewTree()
	readOnly := []zkapi.ACL{{Perms: zkapi.PermRead, Scheme: "world", ID: "anyone"}}
	t.root.data = []byte{}
	own := &znode{name: "zookeeper", data: []byte{}}
	for _, n := range []*znode{{name: "config", data: []byte{}, acl: readOnly, stat: Stat{Aversion: -1}}, {name: "quota", data: []byte{}}} {
		own.children = own.children.with(n)
	}
	// The counter of changes is twice the creations less the children, and these do not count
	// as created.
	own.stat.NumChildren, own.stat.Cversion = 2, -2
	t.root.children = t.root.children.with(own)
	t.root.stat.NumChildren, t.root.stat.Cversion = 1, -1
	return t
}

// Zxid is the number of the last write that was tried. Refused writes count, as
// they do in ZooKeeper.
func (t Tree) Zxid() int64 { return t.zxid }

// Change is the effect of a write on one znode, for the watches: the kind is KindCreate,
// KindDelete or KindSet.
type Change struct {
	Path string
	Kind zkapi.Kind

	acl, above []zkapi.ACL // of the znode, and of its parent
	grown      int         // by how many bytes its data is longer than before
}

// Grown is by how many bytes the data of the znode is longer than before: all of it, for one
// that was made.
func (c Change) Grown() int { return c.grown }

// parentOf is the path above p, which is that of a znode.
func parentOf(p string) string { return path.Dir(p) }

// update returns the tree with the existing znode at p replaced by an edited copy.
func (t Tree) update(p string, edit func(*znode)) Tree {
	t.root = t.root.update(strings.TrimPrefix(p, "/"), edit)
	return t
}

func (n *znode) update(p string, edit func(*znode)) *znode {
	changed := *n
	if p == "" {
		edit(&changed)
		return &changed
	}
	name, rest, _ := strings.Cut(p, "/")
	old := n.children.find(name)
	child := old.update(rest, edit)
	changed.children = n.children.with(child)
	changed.owned += child.owned - old.owned
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
	ops := []zkapi.Op{op}
	if op.Kind == zkapi.KindMulti {
		ops = op.Ops
	}
	parts := make([]Part, len(ops))
	for i := range ops {
		parts[i] = Part{Op: ops[i], Owner: session}
	}
	next, answers, changes, err := t.Apply(parts, nil)
	if err != nil {
		refused := &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: err.Err}
		if op.Kind == zkapi.KindMulti {
			refused.Path, refused.Index = op.Ops[err.Index].Path, err.Index
		}
		return next, zkapi.Result{}, nil, refused
	}
	var all zkapi.Result
	for i, a := range answers {
		result := zkapi.Result{Path: a.Path}
		if ops[i].Kind == zkapi.KindSet { // no client learns what a check has seen
			result.Stat = a.Stat.Stat
		}
		all.Results = append(all.Results, result)
	}
	if op.Kind != zkapi.KindMulti {
		all = all.Results[0]
	}
	return next, all, changes, nil
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

func (t Tree) create(op Part, permit Permit) (Tree, Answer, Change, error) {
	refuse := func(err error) (Tree, Answer, Change, error) { return t, Answer{}, Change{}, err }
	above, err := aboveOf(op.Path)
	if err != nil {
		return refuse(err)
	}
	if op.Mode > zkapi.EphemeralSequential {
		return refuse(zkapi.ErrBadArguments)
	}
	parent := t.find(above)
	if parent == nil {
		return refuse(zkapi.ErrNoNode)
	}
	if err := permit.check(parent, zkapi.PermCreate); err != nil {
		return refuse(err)
	}
	at := op.Path
	if op.Mode == zkapi.PersistentSequential || op.Mode == zkapi.EphemeralSequential {
		at += fmt.Sprintf("%010d", parent.created)
	}
	if zkapi.CheckPath(at) != nil {
		return refuse(zkapi.ErrBadArguments)
	}
	if t.find(at) != nil {
		return refuse(zkapi.ErrNodeExists)
	}
	if parent.stat.Alive() {
		return refuse(zkapi.ErrEphemeral)
	}
	n := &znode{name: path.Base(at), data: slices.Clone(op.Data), acl: slices.Clone(op.ACL)}
	n.stat.Czxid = t.born(parent, parent.stat.Cversion+1)
	n.stat.Mzxid, n.stat.Pzxid, n.stat.DataLength = n.stat.Czxid, n.stat.Czxid, int32(len(op.Data))
	n.stat.Ctime, n.stat.Mtime = t.now, t.now
	if op.Mode == zkapi.Ephemeral || op.Mode == zkapi.EphemeralSequential {
		n.stat.EphemeralOwner, n.owned = op.Owner, 1
	}
	next := t.update(parentOf(at), func(p *znode) {
		p.children = p.children.with(n)
		p.owned += n.owned
		p.created++
		t.countChild(p, 1)
	})
	return next, Answer{Path: at, Stat: n.stat}, Change{at, zkapi.KindCreate, n.acl, parent.acl, len(n.data)}, nil
}

// countChild keeps the parent's books when a child has come or gone.
func (t Tree) countChild(parent *znode, more int32) {
	parent.stat.Cversion++
	parent.stat.NumChildren += more
	parent.stat.Pzxid = t.changed(parent.stat.Czxid, parent.stat.Cversion)
}

func (t Tree) remove(p string, version int32, permit Permit) (Tree, Change, error) {
	refuse := func(err error) (Tree, Change, error) { return t, Change{}, err }
	above, err := aboveOf(p)
	if err != nil || special[p] {
		return refuse(zkapi.ErrBadArguments)
	}
	parent := t.find(above)
	if parent == nil {
		return refuse(zkapi.ErrNoNode)
	}
	if err := permit.check(parent, zkapi.PermDelete); err != nil {
		return refuse(err)
	}
	n := t.find(p)
	if err := n.hasVersion(version); err != nil {
		return refuse(err)
	}
	if n.stat.NumChildren > 0 {
		return refuse(zkapi.ErrNotEmpty)
	}
	next := t.update(parentOf(p), func(parent *znode) {
		parent.children = parent.children.without(n.name)
		parent.owned -= n.owned
		t.countChild(parent, -1)
	})
	return next, Change{p, zkapi.KindDelete, n.acl, parent.acl, -len(n.data)}, nil
}

func (t Tree) set(op zkapi.Op, permit Permit) (Tree, Answer, Change, error) {
	if err := t.check(op, permit, zkapi.PermWrite); err != nil {
		return t, Answer{}, Change{}, err
	}
	var result Answer
	next := t.update(op.Path, func(n *znode) {
		n.data = slices.Clone(op.Data)
		n.stat.Version++
		n.stat.Mzxid, n.stat.DataLength = t.changed(n.stat.Czxid, n.stat.Version), int32(len(op.Data))
		n.stat.Mtime = t.now
		result.Stat = n.stat
	})
	before := t.find(op.Path)
	return next, result, Change{Path: op.Path, Kind: zkapi.KindSet, acl: before.acl, grown: len(op.Data) - len(before.data)}, nil
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
	result := zkapi.Result{Found: true, Stat: n.stat.Stat}
	switch op.Kind {
	case zkapi.KindGet:
		result.Data = slices.Clone(n.data)
	case zkapi.KindChildren:
		result.Children = n.children.names()
	}
	return result, nil
}

// EndSession removes a session's ephemerals, as one write. No session has the number 0.
func (t Tree) EndSession(session int64) (Tree, []Change) {
	t.zxid++
	if session == 0 {
		return t, nil
	}
	var changes []Change
	next := t
	for _, p := range t.owned(session) {
		var change Change
		next, change, _ = next.remove(p, zkapi.AnyVersion, nil)
		changes = append(changes, change)
	}
	return next, changes
}

// owned lists the ephemerals of a session.
func (t Tree) owned(session int64) []string {
	var paths []string
	t.root.ephemerals("", func(p string, n *znode) {
		if n.stat.EphemeralOwner == session {
			paths = append(paths, p)
		}
	})
	return paths
}

// ephemerals visits the znodes that have an owner, in the order of All. It leaves out what has
// none of them below it.
func (n *znode) ephemerals(above string, visit func(path string, n *znode)) {
	if n.owned == 0 {
		return
	}
	at := above + "/" + n.name
	if n.stat.EphemeralOwner != 0 {
		visit(at, n)
	}
	if n.name == "" {
		at = ""
	}
	for c := range n.children.all() {
		c.ephemerals(at, visit)
	}
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
	if !yield(at, Entry{n.data, n.stat.Stat}) {
		return false
	}
	if n.name == "" {
		at = ""
	}
	for c := range n.children.all() {
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
	for c := range n.children.all() {
		to = c.encode(to, structural)
	}
	return to
}

func appendString(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}
