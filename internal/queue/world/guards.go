package world

import (
	"errors"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guards returns the guards of a queue that can be taken out, in the order of its rules.
func Guards() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "put-by-lane", Explain: "a put sets its lane from one version to the next",
			Rewrite: worlds.OnlyOf(puts, anyVersion(laneFolder)),
		},
		{
			Name: "put-resolved", Explain: "a producer whose answer was lost finds out whether its items were put",
			Believe: believing(puts),
		},
		{
			Name: "take-claims", Explain: "a take makes the claim, which there can be only once",
			Rewrite: worlds.OnlyOf(takes, worlds.Dropping(func(op zkapi.Op) bool { return strings.HasPrefix(op.Path, claimFolder+"/") })),
		},
		{
			Name: "take-by-version", Explain: "a take raises the version of the item that its consumer has read",
			Rewrite: worlds.OnlyOf(takes, anyVersion(lineFolder)),
		},
		{
			Name: "take-resolved", Explain: "a consumer whose answer was lost finds out whether it has the item",
			Believe: believing(takes),
		},
		{
			Name: "ack-in-one", Explain: "a consumption deletes the claim and the item, and makes the consumer's records, in one multi",
			Split: acks,
		},
		{
			Name: "ack-resolved", Explain: "a consumer whose answer was lost finds out whether its item is consumed",
			Believe: believing(acks),
		},
		{
			Name: "release-confirmed", Explain: "a consumer deletes its claim again until the ensemble has confirmed it",
			Believe: believing(releases),
		},
		{
			Name: "due-in-one", Explain: "a delayed item comes into line in one multi: it is deleted here and made there",
			Split: func(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindDelete, delayedFolder+"/") },
		},
		{
			Name: "write-check", Explain: "a consumer checks in every write about its item that its claim is there, and the version of the item",
			Rewrite: worlds.OnlyOf(works, worlds.Dropping(func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCheck && (strings.HasPrefix(op.Path, claimFolder) || strings.HasPrefix(op.Path, lineFolder))
			})),
		},
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
		worlds.FencingToken,
	}
}

// puts, takes, acks and releases tell the writes apart.
func puts(op zkapi.Op) bool {
	return (worlds.Has(op, zkapi.KindCreate, lineFolder+"/") || worlds.Has(op, zkapi.KindCreate, delayedFolder+"/")) && !worlds.Has(op, zkapi.KindDelete, path)
}

func takes(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindSet, lineFolder+"/") }

func acks(op zkapi.Op) bool {
	return worlds.Has(op, zkapi.KindDelete, lineFolder+"/") && worlds.Has(op, zkapi.KindCreate, ledger+"/")
}

func works(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindCreate, ledger+"/"+working) }

func releases(op zkapi.Op) bool {
	return worlds.Has(op, zkapi.KindDelete, claimFolder+"/") && !worlds.Has(op, zkapi.KindDelete, lineFolder+"/")
}

// anyVersion makes the sets below a folder demand no version.
func anyVersion(folder string) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		op.Ops = slices.Clone(op.Ops)
		for i := range op.Ops {
			if op.Ops[i].Kind == zkapi.KindSet && strings.HasPrefix(op.Ops[i].Path, folder+"/") {
				op.Ops[i].Version = zkapi.AnyVersion
			}
		}
		return op
	}
}

// believing makes a process believe that a write whose answer was lost was not applied, because a server has
// refused its last part.
func believing(which func(zkapi.Op) bool) func(zkapi.Op, error) error {
	return func(op zkapi.Op, err error) error {
		if !which(op) || zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, zkapi.ErrConnectionLoss) {
			return err
		}
		return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: len(op.Ops) - 1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoNode}
	}
}
