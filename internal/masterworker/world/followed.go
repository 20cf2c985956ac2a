package world

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file has what the recipe demands of the differences of a list (zkapi.Op.Followed), as guards
// that can be taken out: each of them is a session that breaks one promise.

// mayBeWithout returns an error if a guard cannot be taken out of this world.
func (c Config) mayBeWithout(g worlds.Guard) error {
	switch {
	case g.Lists != nil && !c.Follow:
		return fmt.Errorf("world: without %s: that is about the differences of lists; add --follow", g.Name)
	case g.Watch && c.Follow:
		return fmt.Errorf("world: without %s, follow: a list that is followed has its watch from the start; leave out --follow", g.Name)
	}
	return nil
}

// leavingOut is a session that leaves out one task that has come.
func leavingOut(told *worlds.Told, op zkapi.Op, answer zkapi.Result) zkapi.Result {
	if p := answer.Partial; p != nil && !told.Once && op.Path == "/tasks" && len(p.Come) > 0 {
		told.Once = true
		less := *p
		less.Come = less.Come[1:]
		answer.Partial = &less
	}
	return answer
}

// repeating is a session that tells the differences of the last answer again, behind the next ones.
func repeating(told *worlds.Told, op zkapi.Op, answer zkapi.Result) zkapi.Result {
	if answer.Partial == nil {
		delete(told.Last, op.Path)
		return answer
	}
	next := *answer.Partial
	var d zkapi.Differences
	d.AddAll(next)
	d.AddAll(told.Last[op.Path])
	told.Last[op.Path], answer.Partial = next, d.Partial()
	return answer
}

// goingOn is a session that takes a list of an earlier connection for the present one.
func goingOn(_ *worlds.Told, op zkapi.Op, answer zkapi.Result) zkapi.Result {
	if answer.Partial == nil && op.Since != 0 {
		answer.Children, answer.Partial = nil, &zkapi.Partial{}
	}
	return answer
}

// holdingBack is a session that has heard of changes and tells of them only when it is asked once
// more.
func holdingBack(told *worlds.Told, op zkapi.Op, answer zkapi.Result) zkapi.Result {
	_, held := told.Last[op.Path]
	delete(told.Last, op.Path)
	if p := answer.Partial; p == nil || held || len(p.Gone)+len(p.Come)+len(p.Changed)+len(p.Below) == 0 {
		return answer
	}
	told.Last[op.Path] = zkapi.Partial{}
	again := told.Host.Signal()
	again.Raise()
	answer.Partial, answer.Cursor, answer.Watch = &zkapi.Partial{}, op.Since, again
	return answer
}
