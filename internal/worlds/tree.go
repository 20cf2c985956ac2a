package worlds

import (
	"math"
	"slices"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// parents are the znodes that everything else of the recipe hangs below.
var parents = []string{"/workers", "/tasks", "/assign", "/candidates", "/collect"}

// Notices are the znodes in which a master publishes something. In the worlds they always
// exist and are empty, so they are not in the tree.
var Notices = []string{"/backlog", "/quarantine", "/format"}

// Furnished is a tree with the parents that the first master makes.
func Furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, p := range parents {
		tree, _, _, _ = tree.Write(zkapi.Create(p, nil, zkapi.Persistent), 0)
	}
	return tree
}

// Constant answers the requests whose answers never change in a world. The parents exist and
// stay. Notices are empty. No znode has the version with which a candidate tests its
// permission. The epoch never goes back, so a comparison always finds it high enough. If
// no server lags, a sync does nothing.
func Constant(op zkapi.Op, lags bool) (zkapi.Result, error, bool) {
	const noVersion = -2
	switch {
	case op.Kind == zkapi.KindExists && !op.Watch && op.Path == "/assign":
		return zkapi.Result{Found: true, Stat: zkapi.Stat{Version: math.MaxInt32}}, nil, true
	case op.Kind == zkapi.KindExists && !op.Watch && slices.Contains(parents, op.Path):
		return zkapi.Result{Found: true}, nil, true
	case op.Kind == zkapi.KindExists && slices.Contains(Notices, op.Path):
		return zkapi.Result{Found: true}, nil, true
	case op.Kind == zkapi.KindSet && op.Version == noVersion:
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}, true
	case op.Kind == zkapi.KindSync && !lags:
		return zkapi.Result{}, nil, true
	}
	return zkapi.Result{}, nil, false
}

// Token is a recipe.Token as the system outside compares it.
func Token(epoch, attempt int32) int64 { return int64(epoch)<<32 | int64(attempt) }
