package world

import (
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guards returns the guards of leader election that can be taken out, in the order of its
// rules.
func Guards() []worlds.Guard {
	return []worlds.Guard{
		{
			Name: "write-check", Explain: "a leader checks its epoch in every write to its own znodes",
			Rewrite: worlds.OnlyOf(written, unchecked),
		},
		{
			Name: "write-in-one", Explain: "a leader sends the writes of one call as one multi",
			Split: written,
		},
		{
			Name: "proclaim-check", Explain: "a leader checks its epoch when it writes what it proclaims",
			Rewrite: worlds.OnlyOf(proclaimed, unchecked),
		},
		{
			Name: "hand-over-check", Explain: "a leader that hands over checks its epoch when it deletes /master",
			Rewrite: worlds.OnlyOf(handedOver, unchecked),
		},
		worlds.ElectionInOne,
		resolved(),
		worlds.WatchWithRead,
		worlds.LookAfterReconnect,
		worlds.FencingToken,
	}
}

// resolved is the guard of elections alone: a leader itself finds out what became of its
// other writes.
func resolved() worlds.Guard {
	g := worlds.ElectionResolved
	believe := g.Believe
	g.Believe = func(op zkapi.Op, err error) error {
		if worlds.Has(op, zkapi.KindCreate, "/master") {
			return believe(op, err)
		}
		return err
	}
	return g
}

// written, proclaimed and handedOver tell the writes of a leader apart.
func written(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindCreate, ledger+"/") }

func proclaimed(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindSet, "/master") }

func handedOver(op zkapi.Op) bool { return worlds.Has(op, zkapi.KindDelete, "/master") }

// unchecked takes the check of the epoch out of a multi.
var unchecked = worlds.Dropping(func(op zkapi.Op) bool {
	return op.Kind == zkapi.KindCheck && strings.HasPrefix(op.Path, "/assign")
})
