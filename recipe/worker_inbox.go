package recipe

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file reads the list of the worker's assignments. A session that follows the list
// (zkapi.Op.Followed) answers with the differences, and tells of assignments whose data a
// master has set. Otherwise each answer is the whole list, and each assignment of a resident
// task has a watch of its own.

// follows reports whether the session tells of each change below the inbox.
func (i *incarnation) follows() bool { return i.cursor != 0 }

// manyHeld is how many held tasks a worker handles in one resyncInterval. A worker with more of
// them reads everything again after that many intervals more, so that it reads no more in a
// second.
const manyHeld = 1000

// refresh notes what is to be read again, now that the connection has changed so often.
func (i *incarnation) refresh(change int) {
	moved, due, listed := change != i.change, i.resyncTimer.Fired(), fired(i.inbox)
	switch {
	case moved:
		i.own = nil // its watch may have been lost with the connection
		i.readAll()
	case due && i.unsynced >= i.mayLeaveOut():
		i.readAll()
	case due:
		i.unsynced++
	}
	if listed {
		i.inbox = nil
	}
	if moved || due || listed && !i.follows() {
		i.change, i.resyncTimer = change, i.env.Timer(resyncInterval)
	}
}

// mayLeaveOut is how many resyncs may pass without a look at everything. A session that follows the
// inbox misses only what a server does not tell it, because the session may not read that.
func (i *incarnation) mayLeaveOut() int {
	many := len(i.held) / manyHeld
	if i.follows() && !i.hidden {
		many += resyncsPerList
	}
	return many
}

// readAll makes the next pass read the whole inbox, and all assignments of resident tasks.
func (i *incarnation) readAll() {
	i.relist()
	i.unsynced, i.hidden = 0, false
	for _, e := range i.held {
		e.watch = nil
	}
}

// relist makes the next pass read the whole inbox.
func (i *incarnation) relist() {
	i.inbox, i.cursor, i.arrived, i.changed = nil, 0, nil, nil
}

// readInbox reads the assignments: it adds the new ones, and stops the executions whose
// assignments were taken away.
func (i *incarnation) readInbox() error {
	if i.inbox == nil {
		if err := i.list(); err != nil || i.passAgain {
			return err // passAgain: a held one was another by now
		}
	}
	return i.readArrived()
}

// list reads the inbox, or how it has changed.
func (i *incarnation) list() error {
	read := fence.Children(i.worker.layout.inbox(i.worker.config.Name))
	listed, err := i.Session.Do(i.req, read.Followed(i.cursor))
	if err != nil {
		return err
	}
	if listed.Stat.Version != i.Version {
		return fmt.Errorf("%w: incarnation %d was followed by incarnation %d", ErrFenced, i.Version, listed.Stat.Version)
	}
	i.cursor = listed.Cursor
	if listed.Partial != nil {
		i.takeDifferences(*listed.Partial)
	} else if err := i.takeWhole(listed); err != nil || i.passAgain {
		i.arrived = nil
		return err
	}
	i.inbox = listed.Watch
	return nil
}

// takeWhole takes over a whole list.
func (i *incarnation) takeWhole(listed zkapi.Result) error {
	i.arrived, i.changed = nil, nil
	present := make(map[string]bool, len(listed.Children))
	for _, t := range listed.Children {
		present[t] = true
		if i.held[t] == nil {
			i.arrived = append(i.arrived, t)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(i.held)) {
		if !present[t] {
			i.drop(t)
		}
	}
	if err := i.verify(listed, present); err != nil || i.passAgain {
		return err
	}
	for _, t := range i.quarantine.names(executionSubject) {
		if !present[t] {
			i.quarantine.gone(i.req, subject{executionSubject, t})
		}
	}
	return nil
}

// takeDifferences takes over how the list has changed. A held name that has come, or has gone
// and come, may already be the new assignment: that was read after the list. So it is compared
// before it is dropped.
func (i *incarnation) takeDifferences(p zkapi.Partial) {
	came := make(map[string]bool, len(p.Come))
	for _, t := range p.Come {
		came[t] = true
	}
	for _, t := range p.Gone {
		switch {
		case came[t]:
		case i.held[t] != nil:
			i.drop(t)
		default:
			i.quarantine.gone(i.req, subject{executionSubject, t})
		}
	}
	for _, t := range p.Come {
		if i.held[t] == nil {
			i.arrived = append(i.arrived, t)
		} else {
			i.changed = append(i.changed, t)
		}
	}
	i.changed = append(i.changed, p.Changed...)
}

// verify makes sure that the held assignments are still the same znodes. If the session
// follows the list, readTaken compares each of them after a whole list, because that list does
// not say whose data was set. Otherwise verify compares the inbox's count of changes with the
// names that have come and gone since the last list: if there were more changes, an assignment
// may have been deleted and made again under the same name.
//
// What is held does not matter for that: an assignment that was in both lists, and is to be read
// yet, has neither come nor gone. If it counted as one that has come, the sum could hide that
// another one was made again.
func (i *incarnation) verify(listed zkapi.Result, present map[string]bool) error {
	if i.follows() {
		i.names = nil
		i.changed = slices.Sorted(maps.Keys(i.held))
		return nil
	}
	if !i.sameZnodes(listed.Stat.Cversion, present) {
		if err := i.compareHeld(); err != nil {
			return err
		}
	}
	i.cversion, i.names = listed.Stat.Cversion, present
	return nil
}

// sameZnodes reports whether each name in the last list and in this one must be the same znode
// in both. It is false if there is no last list.
func (i *incarnation) sameZnodes(cversion int32, present map[string]bool) bool {
	if i.names == nil {
		return false
	}
	kept := 0
	for t := range present {
		if i.names[t] {
			kept++
		}
	}
	return int(cversion-i.cversion) == len(present)+len(i.names)-2*kept
}

// compareHeld drops each held execution whose assignment is another znode by now. If an answer is
// lost it drops none, and all are compared again with the next list.
func (i *incarnation) compareHeld() error {
	names := slices.Sorted(maps.Keys(i.held))
	ops := make([]fence.Read, len(names))
	for n, t := range names {
		ops[n] = fence.Exists(i.worker.layout.assignment(i.worker.config.Name, t))
	}
	var others []string
	for n, reply := range i.Session.DoAll(i.req, ops) {
		if zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err) {
			continue // a hidden znode is taken to be unchanged
		}
		if reply.Err != nil {
			return reply.Err
		}
		if !reply.Found || reply.Stat.Czxid != i.held[names[n]].stat.Czxid {
			others = append(others, names[n])
		}
	}
	for _, t := range others {
		i.drop(t)
		i.passAgain = true
	}
	return nil
}

// readArrived reads the assignments that are in the inbox and not held, a part of them in each
// pass.
func (i *incarnation) readArrived() error {
	l, name := i.worker.layout, i.worker.config.Name
	n := min(len(i.arrived), maxReads)
	names := slices.Sorted(slices.Values(i.arrived[:n]))
	names = slices.DeleteFunc(slices.Compact(names), func(t string) bool { return i.held[t] != nil })
	i.arrived = i.arrived[n:]
	var ops []fence.Read
	for _, t := range names {
		ops = append(ops, fence.Get(l.assignment(name, t)), fence.Get(l.task(t)))
	}
	replies := i.Session.DoAll(i.req, ops)
	for n, t := range names {
		if err := i.found(t, replies[2*n], replies[2*n+1]); err != nil {
			return err
		}
	}
	for _, t := range names {
		if e := i.held[t]; e != nil && i.heard.plausible(e.task.Token.Epoch) {
			i.worker.memory.Saw(e.task.Token.Epoch, "this process")
			i.heard.saw(e.task.Token.Epoch, e.stat.Czxid)
		}
	}
	return nil
}

// unread reports whether the next pass has assignments to read, without another event.
func (i *incarnation) unread() bool { return len(i.arrived)+len(i.changed) > 0 }

// drop stops an execution whose assignment was taken away. Its end is not recorded: the
// attempt is settled, and a later attempt of the same task may be assigned to this worker.
func (i *incarnation) drop(t string) {
	e := i.held[t]
	i.enter(e, stageSettled)
	e.cancel(ErrAssignmentLost)
	i.forget(e)
	i.quarantine.gone(i.req, subject{executionSubject, t})
}
