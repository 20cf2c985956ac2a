package zk

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// node is one znode.
type node struct {
	data     []byte
	stat     zkapi.Stat
	children map[string]bool
	created  int32 // names given out to sequential children
}

// tree is the state that requests change. It is a value as far as apply is
// concerned: a multi that fails leaves it as it was.
type tree struct {
	nodes map[string]*node
	zxid  int64
}

func newTree() *tree {
	return &tree{nodes: map[string]*node{"/": {children: map[string]bool{}}}}
}

// change is one thing that happened to a znode, for the watches.
type change struct {
	path string
	kind zkapi.Kind // create, delete, set
}

// undo restores what one operation changed.
type undo func()

func (t *tree) apply(op zkapi.Op, session int64) (zkapi.Result, change, undo, error) {
	switch op.Kind {
	case zkapi.KindCreate:
		return t.create(op, session)
	case zkapi.KindDelete:
		return t.remove(op)
	case zkapi.KindSet:
		return t.set(op)
	case zkapi.KindCheck:
		n := t.nodes[op.Path]
		return zkapi.Result{}, change{}, func() {}, checkVersion(n, op.Version)
	}
	return zkapi.Result{}, change{}, nil, fmt.Errorf("%w: %v in a write", zkapi.ErrRefused, op.Kind)
}

func checkVersion(n *node, version int32) error {
	switch {
	case n == nil:
		return zkapi.ErrNoNode
	case version != zkapi.AnyVersion && version != n.stat.Version:
		return zkapi.ErrBadVersion
	}
	return nil
}

func parentOf(p string) string { return path.Dir(p) }

func (t *tree) create(op zkapi.Op, session int64) (zkapi.Result, change, undo, error) {
	fail := func(err error) (zkapi.Result, change, undo, error) { return zkapi.Result{}, change{}, nil, err }
	sequential := op.Mode == zkapi.PersistentSequential || op.Mode == zkapi.EphemeralSequential
	if !strings.HasPrefix(op.Path, "/") || (!sequential && path.Clean(op.Path) != op.Path) {
		return fail(zkapi.ErrInvalidPath)
	}
	above := t.nodes[parentOf(op.Path)]
	if above == nil {
		return fail(zkapi.ErrNoNode)
	}
	if above.stat.EphemeralOwner != 0 {
		return fail(zkapi.ErrEphemeral)
	}
	at := op.Path
	if sequential {
		at += fmt.Sprintf("%010d", above.created)
	}
	if t.nodes[at] != nil {
		return fail(zkapi.ErrNodeExists)
	}
	old, created := above.stat, above.created
	n := &node{data: slices.Clone(op.Data), children: map[string]bool{}}
	n.stat = zkapi.Stat{Czxid: t.zxid, Mzxid: t.zxid, Pzxid: t.zxid, DataLength: int32(len(op.Data))}
	if op.Mode == zkapi.Ephemeral || op.Mode == zkapi.EphemeralSequential {
		n.stat.EphemeralOwner = session
	}
	t.nodes[at] = n
	above.children[path.Base(at)] = true
	above.created++
	above.stat.Pzxid, above.stat.Cversion, above.stat.NumChildren = t.zxid, old.Cversion+1, old.NumChildren+1
	return zkapi.Result{Path: at}, change{at, zkapi.KindCreate}, func() {
		delete(t.nodes, at)
		delete(above.children, path.Base(at))
		above.stat, above.created = old, created
	}, nil
}

func (t *tree) remove(op zkapi.Op) (zkapi.Result, change, undo, error) {
	n := t.nodes[op.Path]
	err := checkVersion(n, op.Version)
	if err == nil && len(n.children) > 0 {
		err = zkapi.ErrNotEmpty
	}
	if err != nil {
		return zkapi.Result{}, change{}, nil, err
	}
	above := t.nodes[parentOf(op.Path)]
	old := above.stat
	delete(t.nodes, op.Path)
	delete(above.children, path.Base(op.Path))
	above.stat.Pzxid, above.stat.Cversion, above.stat.NumChildren = t.zxid, old.Cversion+1, old.NumChildren-1
	return zkapi.Result{}, change{op.Path, zkapi.KindDelete}, func() {
		t.nodes[op.Path] = n
		above.children[path.Base(op.Path)] = true
		above.stat = old
	}, nil
}

func (t *tree) set(op zkapi.Op) (zkapi.Result, change, undo, error) {
	n := t.nodes[op.Path]
	if err := checkVersion(n, op.Version); err != nil {
		return zkapi.Result{}, change{}, nil, err
	}
	data, stat := n.data, n.stat
	n.data = slices.Clone(op.Data)
	n.stat.Mzxid, n.stat.Version, n.stat.DataLength = t.zxid, stat.Version+1, int32(len(op.Data))
	return zkapi.Result{Stat: n.stat}, change{op.Path, zkapi.KindSet}, func() { n.data, n.stat = data, stat }, nil
}

// write applies a request whole or not at all.
func (t *tree) write(op zkapi.Op, session int64) (zkapi.Result, []change, error) {
	t.zxid++
	if op.Kind != zkapi.KindMulti {
		result, c, _, err := t.apply(op, session)
		if err != nil {
			return zkapi.Result{}, nil, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: err}
		}
		return result, []change{c}, nil
	}
	var all zkapi.Result
	var changes []change
	var undos []undo
	for i, sub := range op.Ops {
		result, c, back, err := t.apply(sub, session)
		if err != nil {
			for _, back := range slices.Backward(undos) {
				back()
			}
			return zkapi.Result{}, nil, &zkapi.Error{Kind: op.Kind, Path: sub.Path, Index: i, Fate: zkapi.NotApplied, Err: err}
		}
		all.Results = append(all.Results, result)
		undos = append(undos, back)
		if c.path != "" {
			changes = append(changes, c)
		}
	}
	return all, changes, nil
}

// read answers a read from the present state.
func (t *tree) read(op zkapi.Op) (zkapi.Result, error) {
	n := t.nodes[op.Path]
	if n == nil && op.Kind != zkapi.KindExists && op.Kind != zkapi.KindSync {
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoNode}
	}
	result := zkapi.Result{Found: n != nil}
	if n == nil || op.Kind == zkapi.KindSync {
		return result, nil
	}
	result.Stat = n.stat
	switch op.Kind {
	case zkapi.KindGet:
		result.Data = slices.Clone(n.data)
	case zkapi.KindChildren:
		result.Children = slices.Sorted(maps.Keys(n.children))
	}
	return result, nil
}

// ownedBy lists the ephemerals of a session.
func (t *tree) ownedBy(session int64) []string {
	var paths []string
	for p, n := range t.nodes {
		if n.stat.EphemeralOwner == session {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}
