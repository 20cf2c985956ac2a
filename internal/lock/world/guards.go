package world

import (
	"errors"
	"slices"
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
		{
			Name: allChecked, Explain: "a holder of two locks checks in every write that it has both",
			Rewrite: worlds.OnlyOf(written, worlds.Dropping(func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, path+"/")
			})),
		},
		{Name: inOneOrder, Explain: "all processes take two locks in the same order, whatever order they name them in"},
		{Name: delayWaited, Explain: "after an unclean end of a holder with a delay, the next one waits for the delay"},
		{
			Name: releaseNoted, Explain: "a holder with a delay notes in its release that the next one need not wait",
			Rewrite: worlds.OnlyOf(leaves, worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindSet && op.Path == path })),
		},
		{
			Name: requestKept, Explain: "a grant that marks the contender's znode does not overwrite a request to release",
			Rewrite: worlds.OnlyOf(grants, worlds.Each(func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSet && strings.HasPrefix(op.Path, path+"/") {
					op.Version = zkapi.AnyVersion
				}
				return op
			})),
		},
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
		worlds.FencingToken,
	}
}

// The names of guards that concern several locks, delays, and requests to release.
const (
	allChecked   = "all-checked"
	inOneOrder   = "in-one-order"
	delayWaited  = "delay-waited"
	releaseNoted = "release-noted"
	requestKept  = "request-kept"
)

// Specified reports whether the specification in TLA+ has the guard: it has one lock, no delays, and
// no requests to release.
func Specified(g worlds.Guard) bool {
	return !slices.Contains([]string{allChecked, inOneOrder, delayWaited, releaseNoted, requestKept}, g.Name)
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
