package world

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guards returns the guards of the primitives that can be taken out.
func Guards() []worlds.Guard {
	return append(append(ofValues(), ofBarriers()...), worlds.WatchWithRead, worlds.LookAfterReconnect)
}

// ofValues are the guards of counters and transactions.
func ofValues() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "write-by-lane", Explain: "a write sets the lane of its user from one version to the next",
			Rewrite: setAnyway(func(path string) bool { return strings.Contains(path, "/lane-") }),
		},
		{
			Name: "write-resolved", Explain: "a user whose answer was lost finds out whether its write was applied",
			Believe: func(op zkapi.Op, err error) error {
				if !worlds.Has(op, zkapi.KindSet, counter) || zkapi.FateOf(err) != zkapi.Unknown {
					return err
				}
				return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: len(op.Ops) - 1, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}
			},
		},
		{
			Name: "counter-version", Explain: "an addition is applied only to the number that was read",
			Rewrite: setAnyway(func(path string) bool { return path == counter }),
		},
		{
			Name: "read-check", Explain: "a transaction checks the versions of all znodes that it has read",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, bank+"/") }),
		},
		{
			Name: "absence-check", Explain: "a transaction checks that what it did not find is still absent",
			Rewrite: withoutAbsence,
		},
		{
			Name: "deletions-check", Explain: "a transaction checks that no other one has deleted a znode meanwhile",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Path == bank }),
		},
	}
}

// ofBarriers are the guards of barriers and leases.
func ofBarriers() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "begin-check", Explain: "a round begins with a check that each of its participants is there",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, barred+"/") }),
		},
		{
			Name: "round-number", Explain: "a round is ended by its number",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == barred }),
		},
		{
			Name: "join-resolved", Explain: "a user whose create was not answered looks for its znode before it makes another",
			Believe: func(op zkapi.Op, err error) error {
				if !worlds.Has(op, zkapi.KindCreate, barred+"/") || zkapi.FateOf(err) != zkapi.Unknown {
					return err
				}
				return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNotSent}
			},
		},
		{
			Name: "gate-looked-at", Explain: "a wait for a barrier is over when its znode is not there",
			Rewrite: func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindExists && op.Path == gate {
					op.Path = counter + "/none"
				}
				return op
			},
		},
		{
			Name: "join-check", Explain: "a user joins a barrier only in the version that it has compared with the rounds it was in",
			Rewrite: worlds.OnlyOf(joins, worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == barred })),
		},
		{Name: tokensRemembered, Explain: "a process remembers the tokens that it has seen, for when versions begin again"},
		{
			Name: "lease-version", Explain: "a lease is taken only as it was read",
			Rewrite: setAnyway(func(path string) bool { return path == leased }),
		},
		{
			Name: "lease-check", Explain: "a holder's write checks that no other has taken the lease",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == leased }),
		},
	}
}

// tokensRemembered is the name of a guard that the users take out themselves.
const tokensRemembered = "tokens-remembered"

// joins tells whether a write makes the znode of a participant.
func joins(op zkapi.Op) bool {
	return slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == zkapi.KindCreate && o.Mode == zkapi.EphemeralSequential })
}

// setAnyway makes sets of some znodes demand no version.
func setAnyway(which func(path string) bool) func(zkapi.Op) zkapi.Op {
	return worlds.Each(func(op zkapi.Op) zkapi.Op {
		if op.Kind == zkapi.KindSet && which(op.Path) {
			op.Version = zkapi.AnyVersion
		}
		return op
	})
}

// withoutAbsence takes out the creates that the same multi deletes, with their deletes.
func withoutAbsence(op zkapi.Op) zkapi.Op {
	both := func(part zkapi.Op) bool {
		has := func(kind zkapi.Kind) bool {
			return slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == kind && o.Path == part.Path })
		}
		return has(zkapi.KindCreate) && has(zkapi.KindDelete)
	}
	return worlds.Dropping(both)(op)
}
