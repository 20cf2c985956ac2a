package world

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// withoutEpoch makes the check of the epoch take every epoch.
var withoutEpoch = worlds.Each(func(op zkapi.Op) zkapi.Op {
	if op.Kind == zkapi.KindCheck && op.Path == epoch {
		op.Version = zkapi.AnyVersion
	}
	return op
})

// asks reports whether a multi changes nothing, and asks for a record.
func asks(op zkapi.Op) bool {
	return op.Kind == zkapi.KindMulti && len(op.Ops) == 2 && op.Ops[1].Kind == zkapi.KindCheck && op.Ops[1].Path == sum
}

// Guards returns the guards of the store that can be taken out.
func Guards() []worlds.Guard {
	return []worlds.Guard{
		{Name: "epoch-check", Explain: "a write checks that no other process has raised the epoch", Rewrite: withoutEpoch},
		{
			Name: "epoch-version", Explain: "the epoch is raised only as it was read",
			Rewrite: worlds.Each(func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSet && op.Path == epoch {
					op.Version = zkapi.AnyVersion
				}
				return op
			}),
		},
		{
			Name: "write-resolved", Explain: "an active whose answer was lost finds out whether its write was applied",
			Believe: func(op zkapi.Op, err error) error {
				if !worlds.Has(op, zkapi.KindSet, sum) || zkapi.FateOf(err) != zkapi.Unknown {
					return err
				}
				return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNotSent}
			},
		},
		{
			Name: "resolved-in-epoch", Explain: "a record tells whether a write was applied only while no other process has raised the epoch",
			Rewrite: worlds.OnlyOf(asks, withoutEpoch),
		},
		{
			Name: "load-confirmed", Explain: "after a load, an active asks whether another one has raised the epoch meanwhile",
			Believe: func(op zkapi.Op, err error) error {
				if op.Kind == zkapi.KindMulti && len(op.Ops) == 1 && op.Ops[0].Kind == zkapi.KindCheck {
					return nil
				}
				return err
			},
		},
		{
			Name: "batch-in-one", Explain: "all changes of a batch are one multi",
			Split: func(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindSet, sum) },
		},
		{
			Name: "parts-first", Explain: "a record points to parts only when it is known that they are written",
			Believe: func(op zkapi.Op, err error) error {
				part := slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool {
					return o.Kind == zkapi.KindCreate && strings.HasPrefix(o.Path, parts) && strings.HasSuffix(o.Path, "/0001")
				})
				if part && zkapi.FateOf(err) == zkapi.Unknown {
					return nil
				}
				return err
			},
		},
	}
}
