package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readTaken checks which assignments the master wants back.
func (i *incarnation) readTaken() error {
	reads, held := i.suspects()
	for n, reply := range i.Session.DoAll(i.req, reads) {
		e := held[n]
		if zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err) {
			e.watch, i.hidden = i.resyncTimer, true // it is held as before; the next resync looks again
			continue
		}
		if reply.Err == nil && reply.Watch != nil {
			e.watch = reply.Watch
		}
		switch {
		case errors.Is(reply.Err, zkapi.ErrNoNode):
			i.missing(e)
			continue
		case reply.Err != nil:
			return reply.Err
		case i.follows() && reply.Stat.Czxid != e.stat.Czxid && e.stat.Czxid != 0: // 0: it could not be read
			i.missing(e)
			continue
		}
		var record assignmentRecord
		if json.Unmarshal(reply.Data, &record) != nil {
			continue
		}
		switch {
		case record.Taken:
			i.giveUp(e, record)
		case record.Revoked && e.task.Options.Resident:
			i.recall(e, ErrRevoked)
		}
	}
	i.notified = false
	return nil
}

// suspects lists the held executions whose assignments may have changed, with the reads of
// these: those of which the session tells; or, if it does not follow the inbox, the watched
// ones of resident tasks, and all of them after the master has set /workers/<w>.
func (i *incarnation) suspects() (reads []fence.Read, held []*execution) {
	var names []string
	if i.follows() {
		n := min(len(i.changed), maxReads)
		names, i.changed = i.changed[:n], i.changed[n:]
	} else {
		names = slices.Sorted(maps.Keys(i.held))
	}
	for _, t := range names {
		e := i.held[t]
		if e == nil {
			continue
		}
		read, watched := fence.Get(i.worker.layout.assignment(i.worker.config.Name, t)), false
		if !i.follows() {
			watched = e.task.Options.Resident && !fresh(e.watch)
			if !watched && !i.notified {
				continue
			}
		}
		if watched {
			read = read.Watched()
		}
		reads, held = append(reads, read), append(held, e)
	}
	return reads, held
}

// missing looks for the assignment of an execution again, because it does not exist, or is
// another one by now.
func (i *incarnation) missing(e *execution) {
	if !i.follows() {
		i.inbox = nil
		i.passAgain = true
		return
	}
	if t := e.task.Name; i.held[t] == e {
		i.drop(t)
		i.arrived = append(i.arrived, t)
	}
}

// stops reports whether the worker ends in good order, with its claim.
func (i *incarnation) stops() bool {
	cause := context.Cause(i.ctx)
	return cause != nil && !errors.Is(cause, ErrClaimLost) && !errors.Is(cause, ErrFenced)
}

// giveUp ends an execution that the master has taken away. It does not wait for the handler,
// which may hang, unless the task is resident. If the handler returned before, its result
// counts. If it returns because its context ended, its result does not count.
func (i *incarnation) giveUp(e *execution, record assignmentRecord) {
	if i.at(e, stageBlocked) { // only its assignment is known, and that can be deleted
		e.task.Token = record.Token
	}
	if record.Reason == "" {
		e.noRecord = true
	}
	i.quarantine.retry(subject{executionSubject, e.task.Name})
	if e.task.Options.Resident {
		i.recall(e, ErrAssignmentLost)
		return
	}
	if record.Reason != "" {
		i.worker.log.WarnContext(i.req, "the master takes a task back", "task", brief(e.task.Name), "attempt", e.task.Token.Attempt, "error", observe.Clip(record.Reason))
	}
	i.endAndCancel(e, errors.New(record.Reason), func() { e.cancel(ErrAssignmentLost) })
}
