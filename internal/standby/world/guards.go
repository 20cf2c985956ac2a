package world

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guards returns the guards of an active-standby switch that can be taken out, in the order of its rules.
func Guards() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "take-in-one", Explain: "the lock is taken and the epoch raised in one multi",
			Split: takes,
		},
		{
			Name: "take-resolved", Explain: "a candidate whose answer was lost finds out whether it has the lock",
			Believe: believing(takes, zkapi.ErrBadVersion),
		},
		{
			Name: "take-leaves-breadcrumb", Explain: "the process that takes the lock leaves the breadcrumb as it is",
			Rewrite: worlds.OnlyOf(takes, func(op zkapi.Op) zkapi.Op {
				op.Ops = append(slices.Clone(op.Ops), zkapi.Set(layout.Breadcrumb, op.Ops[0].Data, zkapi.AnyVersion))
				return op
			}),
		},
		{
			Name: "breadcrumb-read", Explain: "the process that takes the lock reads the breadcrumb, and fences the one that it names",
			Rewrite: worlds.OnlyOf(marks, func(op zkapi.Op) zkapi.Op {
				op.Ops = slices.DeleteFunc(slices.Clone(op.Ops), func(o zkapi.Op) bool { return o.Kind == zkapi.KindCreate })
				return anyVersion(op, layout.Breadcrumb)
			}),
			Believe: func(op zkapi.Op, err error) error {
				if op.Kind == zkapi.KindGet && op.Path == layout.Breadcrumb && err == nil {
					return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrNoNode}
				}
				return err
			},
		},
		{
			Name: "breadcrumb-check", Explain: "the new breadcrumb is written under the epoch",
			Rewrite: worlds.OnlyOf(marks, func(op zkapi.Op) zkapi.Op { return anyVersion(unchecked(op), layout.Breadcrumb) }),
		},
		{
			Name: "breadcrumb-resolved", Explain: "an active whose answer was lost finds out whether its breadcrumb is left",
			Believe: believing(marks, zkapi.ErrBadVersion),
		},
		{
			Name: "write-check", Explain: "an active checks its epoch in every write to its own znodes",
			Rewrite: worlds.OnlyOf(written, unchecked),
		},
		{
			Name: "quit-in-one", Explain: "the lock and the breadcrumb are given up in one multi",
			Split: quits,
		},
		{
			Name: "quit-check", Explain: "the lock is given up under the epoch",
			Rewrite: worlds.OnlyOf(quits, func(op zkapi.Op) zkapi.Op { return anyVersion(unchecked(op), layout.Epoch) }),
		},
		{
			Name: "quit-confirmed", Explain: "an active gives the lock up again until the ensemble has confirmed it",
			Believe: believing(quits, zkapi.ErrNoAuth),
		},
		{
			Name: "failover-raises", Explain: "a failover raises the epoch, so that no attempt to take the lock that is under way succeeds",
			Rewrite: worlds.OnlyOf(accepts, inTheSameEpoch),
		},
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
	}
}

// takes, marks, quits, accepts and written tell the multis of a candidate apart.
func takes(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindCreate, layout.Lock) }

func marks(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindSet, layout.Breadcrumb) && !takes(op) }

func quits(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindDelete, layout.Lock) }

func accepts(op zkapi.Op) bool { return quits(op) && worlds.Has(op, zkapi.KindSet, layout.Failover) }

func written(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindCreate, ledger+"/") }

// unchecked takes the check of the epoch out of a multi.
var unchecked = worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == layout.Epoch })

// anyVersion sets a znode whatever its version is.
func anyVersion(op zkapi.Op, path string) zkapi.Op {
	op.Ops = slices.Clone(op.Ops)
	for i := range op.Ops {
		if op.Ops[i].Path == path {
			op.Ops[i].Version = zkapi.AnyVersion
		}
	}
	return op
}

// inTheSameEpoch accepts a request without a new epoch.
func inTheSameEpoch(op zkapi.Op) zkapi.Op {
	var epoch int32
	op.Ops = slices.DeleteFunc(slices.Clone(op.Ops), func(o zkapi.Op) bool {
		raises := o.Kind == zkapi.KindSet && o.Path == layout.Epoch
		if raises {
			epoch = o.Version
		}
		return raises
	})
	for i, o := range op.Ops {
		if o.Path == layout.Failover {
			op.Ops[i].Data = bytes.Replace(o.Data, fmt.Appendf(nil, `"epoch":%d`, epoch+1), fmt.Appendf(nil, `"epoch":%d`, epoch), 1)
		}
	}
	return op
}

// believing makes a process believe that a write whose answer was lost was not applied, for that reason.
func believing(which func(zkapi.Op) bool, reason error) func(zkapi.Op, error) error {
	return func(op zkapi.Op, err error) error {
		if !which(op) || zkapi.FateOf(err) != zkapi.Unknown || !errors.Is(err, zkapi.ErrConnectionLoss) {
			return err
		}
		return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: reason}
	}
}
