package world

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Specified reports whether the specification in TLA+ has the guard: it knows no clock
// that stands still, no name is pruned there, and each list is whole.
func Specified(g worlds.Guard) bool {
	return !g.Still && g.Name != incarnationsRise && g.Name != inboxCheck && g.Lists == nil
}

// The names of guards that concern pruned names.
const (
	incarnationsRise = "incarnations-rise"
	inboxCheck       = "inbox-check"
)

// Guards returns the guards of the protocol, in the order of its rules.
func Guards() []worlds.Guard {
	return slices.Concat([]worlds.Guard{
		{
			Name: "epoch-check", Explain: "every write of a master begins with the check of its epoch",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && op.Path == "/assign" }),
		},
		{
			Name: "incarnation-check", Explain: "every write of a worker begins with the check of its incarnation",
			Rewrite: worlds.OnlyOf(ending, worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, "/assign/") })),
		},
		{
			Name: "worker-check", Explain: "an assignment checks that the worker's incarnation is still there",
			Rewrite: worlds.Dropping(func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCheck && (strings.HasPrefix(op.Path, "/workers/") || strings.HasPrefix(op.Path, "/assign/"))
			}),
		},
		worlds.ElectionInOne,
		{
			Name: "election-by-version", Explain: "an election raises the epoch only from the version that it read",
			Rewrite: worlds.Each(func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSet && op.Path == "/assign" && op.Version >= 0 { // no election: a candidate tests its permission with a version that no znode has
					op.Version = zkapi.AnyVersion
				}
				return op
			}),
		},
		worlds.ElectionResolved,
		{
			Name: "transition-in-one", Explain: "a task changes its state in one multi",
			Split: releasing,
		},
		{
			Name: "result-takes-assignment", Explain: "a result deletes its assignment in the same multi",
			Rewrite: worlds.OnlyOf(ending, worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindDelete && strings.HasPrefix(op.Path, "/assign/") })),
		},
		{
			Name: "submission-by-id", Explain: "a task is named after its id, so a repeated create finds the first one",
			Again: func(op zkapi.Op) bool {
				return op.Kind == zkapi.KindCreate && strings.HasPrefix(op.Path, "/tasks/") && strings.Count(op.Path, "/") == 2
			},
		},
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
		{
			Name: "sync-after-doubt", Explain: "a participant looks for a doubtful write only after a sync",
			Rewrite: func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindSync {
					return zkapi.Exists("/tasks")
				}
				return op
			},
		},
		{
			Name: incarnationsRise, Explain: "a worker begins above the incarnations of pruned workers",
			Rewrite: func(op zkapi.Op) zkapi.Op {
				if op.Kind == zkapi.KindGet && op.Path == "/pruned" {
					op.Path = "/nothing"
				}
				return op
			},
		},
		{
			Name: inboxCheck, Explain: "a master makes an inbox only while its worker is there",
			Rewrite: worlds.OnlyOf(opening, worlds.Dropping(func(op zkapi.Op) bool { return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, "/workers/") })),
		},
	}, followedGuards, []worlds.Guard{
		{Name: "lease-runs", Explain: "a lease runs from the last acknowledged write, also during sleep", Still: true},
		worlds.FencingToken,
	})
}

// followedGuards are the guards of lists that are followed.
var followedGuards = []worlds.Guard{
	{Name: "every-change-told", Explain: "the differences of a list have each change; needs --follow", Lists: leavingOut},
	{Name: "differences-once", Explain: "each difference of a list comes once; needs --follow", Lists: repeating},
	{Name: "whole-after-reconnect", Explain: "the first answer to a followed read on a new connection is a whole list; needs --follow", Lists: goingOn},
	{Name: "lists-in-order", Explain: "a list is as new as every answer before it; needs --follow", Lists: holdingBack},
}

// releasing reports whether a write removes an assignment, and ending whether it also records
// the end of the execution.
func releasing(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindDelete, "/assign/") }

func ending(op zkapi.Op) bool { return releasing(op) && worlds.Has(op, zkapi.KindCreate, "/tasks/") }

// opening reports whether a write of several operations makes an inbox.
func opening(op zkapi.Op) bool {
	return slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool {
		return o.Kind == zkapi.KindCreate && strings.HasPrefix(o.Path, "/assign/") && strings.Count(o.Path, "/") == 2
	})
}

// tampered is a host whose sessions act without the guard that is to be taken out.
func (c Config) tampered(host explore.Host) zkapi.Env {
	g, _ := worlds.Find(Guards(), c.Without) // World has checked it
	return g.Env(host)
}
