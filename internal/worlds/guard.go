package worlds

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Guard is one precaution of a protocol that can be taken out at the port: the recipe's
// request is changed on its way, as if the code did not have the guard.
type Guard struct {
	Name    string
	Explain string // the effect of the guard

	Rewrite func(op zkapi.Op) zkapi.Op  // changes a request; nil leaves it alone
	Split   func(op zkapi.Op) bool      // send the parts of a multi one by one
	Believe func(zkapi.Op, error) error // the error that the recipe sees
	Watch   bool                        // set watches after the read instead of with it
	Again   func(op zkapi.Op) bool      // repeat it under another name
	Blind   bool                        // hide that the connection has changed
	Fence   bool                        // the system outside takes every token
	Still   bool                        // the clock that leases are measured by stands still

	// Lists changes the answers to followed reads. It is for worlds whose sessions follow.
	Lists func(told *Told, op zkapi.Op, answer zkapi.Result) zkapi.Result
}

// Told is what the session of a process remembers of its followed reads, for Guard.Lists.
type Told struct {
	Host zkapi.Env
	Last map[string]zkapi.Partial // the differences of the last answer, by path
	Once bool                     // something has been done that is to be done once
}

// Find finds a guard by name. An empty name is that of a Guard that changes nothing.
func Find(all []Guard, name string) (Guard, error) {
	if name == "" {
		return Guard{}, nil
	}
	var names []string
	for _, g := range all {
		if g.Name == name {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return Guard{}, fmt.Errorf("world: no guard has the name %q; use one of: %s", name, strings.Join(names, ", "))
}

// Listed are the guards as a subject shows them.
func Listed(all []Guard) []subject.Guard {
	var listed []subject.Guard
	for _, g := range all {
		listed = append(listed, subject.Guard{Name: g.Name, Explain: g.Explain})
	}
	return listed
}

// ElectionInOne, ElectionResolved, WatchWithRead, LookAfterReconnect and FencingToken are
// guards of every election.
var (
	ElectionInOne = Guard{
		Name: "election-in-one", Explain: "an election creates /master and raises the epoch in one multi",
		Split: func(op zkapi.Op) bool { return Has(op, zkapi.KindCreate, "/master") },
	}
	ElectionResolved = Guard{
		Name: "election-resolved", Explain: "a candidate whose answer was lost finds out whether it was elected",
		Believe: func(_ zkapi.Op, err error) error {
			if e, ok := errors.AsType[*zkapi.Error](err); ok && e.Kind == zkapi.KindMulti && e.Fate == zkapi.Unknown && errors.Is(err, zkapi.ErrConnectionLoss) {
				return &zkapi.Error{Kind: e.Kind, Path: e.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}
			}
			return err
		},
	}
	WatchWithRead      = Guard{Name: "watch-with-read", Explain: "the read itself sets the watch", Watch: true}
	LookAfterReconnect = Guard{Name: "look-after-reconnect", Explain: "a participant rereads everything after a reconnect", Blind: true}
	FencingToken       = Guard{Name: "fencing-token", Explain: "a system outside ZooKeeper refuses a token smaller than one it has seen", Fence: true}
)

// Has reports whether a multi has a part of that kind at or below a path.
func Has(op zkapi.Op, kind zkapi.Kind, path string) bool {
	return slices.ContainsFunc(op.Ops, func(o zkapi.Op) bool { return o.Kind == kind && strings.HasPrefix(o.Path, path) })
}

// Dropping takes parts out of a multi.
func Dropping(part func(zkapi.Op) bool) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		op.Ops = slices.DeleteFunc(slices.Clone(op.Ops), part)
		return op
	}
}

// OnlyOf rewrites some multis only.
func OnlyOf(which func(zkapi.Op) bool, rewrite func(zkapi.Op) zkapi.Op) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		if which(op) {
			return rewrite(op)
		}
		return op
	}
}

// Each rewrites the parts of a multi, or a single request.
func Each(rewrite func(zkapi.Op) zkapi.Op) func(zkapi.Op) zkapi.Op {
	return func(op zkapi.Op) zkapi.Op {
		op.Ops = slices.Clone(op.Ops)
		for i := range op.Ops {
			op.Ops[i] = rewrite(op.Ops[i])
		}
		return rewrite(op)
	}
}
