package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readTaken checks which assignments the master wants back: the watched ones of resident
// tasks, and all of them after the master has set /workers/<w>.
func (i *incarnation) readTaken() error {
	l, name := i.worker.layout, i.worker.config.Name
	var ops []fence.Read
	var held []*execution
	for _, t := range slices.Sorted(maps.Keys(i.held)) {
		e := i.held[t]
		watched := e.task.Options.Resident && !fresh(e.watch)
		if !watched && !i.notified {
			continue
		}
		op := fence.Get(l.assignment(name, t))
		if watched {
			op = op.Watched()
		}
		ops, held = append(ops, op), append(held, e)
	}
	for n, reply := range i.session.DoAll(i.req, ops) {
		e := held[n]
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			i.inbox = nil
			i.passAgain = true
			continue
		}
		if zkapi.Refused(reply.Err) || zkapi.TooLarge(reply.Err) {
			e.watch = i.resyncTimer // it is held as before; the next resync looks again
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		if reply.Watch != nil {
			e.watch = reply.Watch
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
		i.worker.log.WarnContext(i.req, "the master takes a task back", "task", brief(e.task.Name), "attempt", e.task.Token.Attempt, "error", clip(record.Reason))
	}
	i.endAndCancel(e, errors.New(record.Reason), func() { e.cancel(ErrAssignmentLost) })
}
