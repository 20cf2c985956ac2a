package recipe

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// found takes over a new assignment from the inbox, with its task.
func (i *incarnation) found(t string, assignment, task zkapi.Reply) error {
	err := errors.Join(assignment.Err, task.Err)
	switch {
	case errors.Is(assignment.Err, zkapi.ErrNoNode):
		return nil // taken away
	case assignment.Err == nil && errors.Is(task.Err, zkapi.ErrNoNode):
		i.orphan(t, assignment.Result)
		return nil
	case err == nil && assignment.Stat.Owner() != zkapi.OwnerNone:
		err = &obstacle.Error{Problem: i.worker.layout.assignmentProblem(i.worker.config.Name, t, assignment.Stat)}
		i.block(t, assignment.Result, err)
		return nil
	case err == nil && task.Stat.Owner() != zkapi.OwnerNone: // its status could not be created, and it is no task
		i.block(t, assignment.Result, &obstacle.Error{Problem: i.worker.layout.taskProblem(t, task.Stat)})
		return nil
	case err == nil:
		err = i.accept(t, assignment.Result, task.Data)
	}
	if zkapi.Refused(err) || zkapi.TooLarge(err) { // or its name is too long for a request
		i.block(t, assignment.Result, err)
		return nil
	}
	if err == nil {
		i.quarantine.worked(i.req, subject{executionSubject, t}, true)
	}
	return err
}

// accept adds an assignment. If it was made for an earlier incarnation, it is given back at
// once, because that incarnation may still execute it under the same token. If it was made
// for a later incarnation, it was read after the claim was lost. If the claim was not lost,
// the assignment is from another tree or made by hand, and is given back. An assignment
// without a record is the next attempt.
//
// If a master of this recipe made it under a lower epoch than an earlier assignment, the tree
// has gone back in time.
func (i *incarnation) accept(t string, assignment zkapi.Result, data []byte) error {
	record := assignmentRecord{Incarnation: i.Version}
	unread := json.Unmarshal(assignment.Data, &record)
	i.doubtRecord(t, assignment, record)
	if unread != nil || !canBeAttempt(record.Attempt) {
		listed, err := i.Session.Do(i.req, fence.Children(i.worker.layout.task(t)))
		if err != nil {
			return err
		}
		record = assignmentRecord{Token: Token{Attempt: taskChildren(listed.Children).attempts + 1}, Incarnation: i.Version}
	}
	e := &execution{stat: assignment.Stat, accepted: i.env.Now(), cancel: func(error) {}}
	e.task = Task{Name: t, Token: record.Token, progress: func(p []byte) { i.report(e, p) }}
	var bad error
	e.task.Options, e.task.Payload, bad = decodeTask(data)
	if record.Incarnation > i.Version {
		claimed, err := fence.Look(i.req, i.Session, fence.Exists(i.Path))
		if err == nil && claimed.Stat.Version != i.Version {
			err = fmt.Errorf("%w: incarnation %d was followed by incarnation %d", ErrFenced, i.Version, record.Incarnation)
		}
		if err != nil {
			return err
		}
		i.reportAssignment(t, assignment, fmt.Sprintf("names incarnation %d, but the worker has had %d", record.Incarnation, i.Version))
	}
	i.hold(e)
	switch {
	case record.Taken:
		i.giveUp(e, record)
	case record.Incarnation < i.firstVersion:
		i.recall(e, errRestarted)
	case record.Incarnation > i.Version:
		i.recall(e, errForeign)
	case i.heard.contradicts(record.Epoch, assignment.Stat.Czxid):
		i.outdate(e)
	case e.task.Options.Resident && (record.Revoked || i.retired):
		i.recall(e, ErrRevoked)
	case bad != nil:
		i.block(t, assignment, &obstacle.Error{Problem: i.worker.layout.optionsProblem(t, bad)})
	}
	return nil
}

// doubtRecord reports an assignment whose record no master can have made. An assignment
// without a record is made by hand, and is the next attempt.
func (i *incarnation) doubtRecord(t string, assignment zkapi.Result, record assignmentRecord) {
	var what string
	switch err := decodeRecord(assignment.Data, new(assignmentRecord)); {
	case err != nil:
		what = fmt.Sprintf("has a record that cannot be read (%s)", observe.Clip(oneLine(err)))
	case len(assignment.Data) == 0 || record == assignmentRecord{Incarnation: i.Version}:
		return
	case record.Attempt < 0 || record.Attempt >= maxAttempt:
		what = fmt.Sprintf("names attempt %d", record.Attempt)
	case record.Epoch < 0:
		what = fmt.Sprintf("names epoch %d", record.Epoch)
	case !i.heard.plausible(record.Epoch):
		found, err := fence.Look(i.req, i.Session, fence.Exists(i.worker.layout.assign()))
		if err != nil || found.Stat.Version >= record.Epoch {
			return
		}
		what = fmt.Sprintf("names epoch %d, and there have been %d", record.Epoch, found.Stat.Version)
	default:
		return
	}
	i.reportAssignment(t, assignment, what)
}

func (i *incarnation) reportAssignment(t string, assignment zkapi.Result, what string) {
	i.worker.notices.Report(i.req, i.worker.log, i.worker.layout.assignmentRecordProblem(i.worker.config.Name, t, what), assignment.Stat)
}

// errForeign is the reason to give back an assignment of an incarnation that this worker
// never had.
var errForeign = errors.New("assigned to an incarnation that the worker has not had")

// errRestarted is the reason to give back an assignment of an earlier incarnation of this
// worker. If that incarnation was leaving in good order, and was killed before it had
// finished, the attempt ends because its worker left.
var errRestarted = errors.New("worker was restarted")

// block holds an assignment if the worker may not read it or its task, so that it is not read
// again and again. It is tried again later.
func (i *incarnation) block(t string, assignment zkapi.Result, err error) {
	i.quarantine.add(i.req, subject{executionSubject, t}, err, true)
	i.hold(&execution{task: Task{Name: t}, stat: assignment.Stat, stage: stageBlocked, cancel: func(error) {}})
}

// orphan gives back an assignment whose task was deleted by hand. Otherwise the master would
// have to take the claim for it, with all other tasks.
func (i *incarnation) orphan(t string, assignment zkapi.Result) {
	e := &execution{task: Task{Name: t}, stat: assignment.Stat, accepted: i.env.Now(), noRecord: true, cancel: func(error) {}}
	i.hold(e)
	i.finish(e, nil, ErrNoTask)
}
