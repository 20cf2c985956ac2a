package world

import (
	"errors"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guards returns the guards of a lock that can be taken out, in the order of its rules.
func Guards() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "write-check", Explain: "a holder checks its claim in every write to its own znodes",
			Rewrite: worlds.OnlyOf(written, unchecked),
		},
		{
			Name: "write-in-one", Explain: "a holder sends the writes of one call as one multi",
			Split: written,
		},
		{
			Name: "grant-check", Explain: "a contender checks in the write of its grant that its znode is there",
			Rewrite: worlds.OnlyOf(grants, unchecked),
		},
		{
			Name: "grant-in-one", Explain: "a grant marks the contender's znode and raises the version of the path in one multi",
			Split: grants,
		},
		{
			Name: "join-resolved", Explain: "a contender whose create was not answered looks for its znode before it makes another",
			Believe: believing(joins, zkapi.ErrNotSent),
		},
		{
			Name: "release-confirmed", Explain: "a contender deletes its znode again until the ensemble has confirmed it",
			Believe: believing(leaves, zkapi.ErrNoNode),
		},
		{
			Name: "sync-after-doubt", Explain: "a contender looks for its znode only after a sync",
			Rewrite: func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSync {
					return zkapi.Exists(ledger)
				}
				return op
			},
		},
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
		worlds.FencingToken,
	}
}

// written, grants, joins and leaves tell the writes of a contender apart.
func written(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindCreate, ledger+"/") }

func grants(op zkapi.Op) bool {
	return worlds.Has(op, zkapi.KindSet, path) && !leaves(op)
}

func joins(op zkapi.Op) bool {
	return op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, path+"/")
}

func leaves(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindDelete, path+"/") }

// unchecked takes the check of the claim out of a multi.
var unchecked = worlds.Dropping(func(op zkapi.Op) bool {
	return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, path)
})

// believing makes a contender believe that a write whose answer was lost was not applied, for that
// reason.
func believing(which func(zkapi.Op) bool, reason error) func(zkapi.Op, error) error {
	return func(op zkapi.Op, err error) error {
		if !which(op) || zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, zkapi.ErrConnectionLoss) {
			return err
		}
		return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: 0, Fate: zkapi.NotApplied, Err: reason}
	}
}
