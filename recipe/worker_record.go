package recipe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// endings are the operations of a whole batch.
func (i *incarnation) endings(batch []*execution) []zkapi.Op {
	var ops []zkapi.Op
	for _, e := range batch {
		ops = append(ops, i.ending(e)...)
	}
	return ops
}

// settle releases a batch that was recorded.
func (i *incarnation) settle(batch []*execution) {
	i.bounds.fitted()
	for _, e := range batch {
		i.release(e)
		i.quarantine.worked(i.req, subject{executionSubject, e.task.Name}, false)
		switch {
		case e.noRecord:
		case e.err == nil:
			i.worker.config.Metrics.Finished(i.env.Now().Sub(e.accepted))
		default:
			i.worker.config.Metrics.AttemptEnded("worker")
		}
	}
}

// doubt marks a batch that may have been recorded. It is tried again in smaller parts,
// because a batch that is too large is lost each time, with all others in flight. If it was
// alone in flight and has one execution, that execution is too large.
func (i *incarnation) doubt(batch []*execution, alone bool, ops []zkapi.Op, err error) {
	i.bounds.lost(ops, err)
	for _, e := range batch {
		i.enter(e, stageUnresolved)
		e.tooLarge = e.tooLarge || alone && len(batch) == 1 && zkapi.TooLarge(err)
	}
}

// inDoubt reports whether one of a batch may have been recorded.
func (i *incarnation) inDoubt(batch []*execution) bool {
	return slices.ContainsFunc(batch, func(e *execution) bool { return i.at(e, stageUnresolved) })
}

// shorten replaces the end of an execution that is too large for the ensemble by a small one:
// the attempt ends without a result, for that reason. The caller must know that the end was
// not recorded. shorten returns false if it cannot make the end smaller.
func (i *incarnation) shorten(e *execution, cause error) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	e.tooLarge = false
	if e.noRecord || e.err != nil {
		return false
	}
	e.err = fmt.Errorf("%w: the result has %d bytes (%w)", errTooLarge, len(e.result), cause)
	e.result = nil
	i.worker.log.WarnContext(i.req, "an attempt ends without its result, because the result is too large", "task", brief(e.task.Name), "error", observe.Clip(e.err.Error()))
	return true
}

// errTooLarge is how an attempt ends whose result the ensemble does not take.
var errTooLarge = errors.New("result too large for the ensemble")

// ending returns the operations that end an execution: in one multi they delete its
// assignment and its progress, and create the status or the record of the attempt.
func (i *incarnation) ending(e *execution) []zkapi.Op {
	l, name, t := i.worker.layout, i.worker.config.Name, e.task.Name
	ops := []zkapi.Op{zkapi.Delete(l.assignment(name, t), zkapi.AnyVersion)}
	if e.shown.sure {
		ops = append(ops, zkapi.Delete(l.progress(t), zkapi.AnyVersion))
	}
	if e.noRecord {
		return ops
	}
	if e.err == nil {
		status := Status{State: Done, Result: e.result, Worker: name, Token: e.task.Token, Ended: e.endedAt}
		return append(ops, zkapi.Create(l.status(t), status.encode(), zkapi.Persistent).WithACL(l.access.record()))
	}
	attempt := attemptRecord{Token: e.task.Token, Worker: name, Reason: observe.Clip(e.err.Error()), Ended: e.endedAt}
	if e.left {
		attempt.Reason = observe.Clip(decide.LeftReason + ": " + e.err.Error())
	}
	ops = append(ops, zkapi.Create(l.attempt(t, e.task.Token.Attempt), encode(attempt), zkapi.Persistent).WithACL(l.access.record()))
	if e.left { // the mark beside the record says that it does not count
		ops = append(ops, zkapi.Create(l.left(t, e.task.Token.Attempt), nil, zkapi.Persistent).WithACL(l.access.record()))
	}
	return ops
}

// record writes a batch. It returns an error only if the batch must be tried
// again.
func (i *incarnation) record(batch []*execution) error {
	batch, err := i.resolve(batch)
	for err == nil {
		batch = slices.DeleteFunc(slices.Clone(batch), i.tooLargeForGood)
		if len(batch) == 0 {
			return nil
		}
		var ops []zkapi.Op
		var of []*execution
		for _, e := range batch {
			for _, op := range i.ending(e) {
				ops, of = append(ops, op), append(of, e)
			}
		}
		_, err = i.write(i.req, ops...)
		at := zkapi.FailedIndex(err)
		switch {
		case err == nil:
			i.settle(batch)
			return nil
		case zkapi.FateOf(err) == zkapi.Unknown:
			i.doubt(batch, true, ops, err)
		case zkapi.TooLarge(err):
			batch, err = i.smaller(batch, ops, err)
		case at >= 0:
			var again bool
			if again, err = i.failed(of[at], ops[at], err); !again {
				batch = slices.DeleteFunc(batch, func(e *execution) bool { return e == of[at] })
			}
		}
	}
	return err
}

// tooLargeForGood reports whether the end of an execution is too large and cannot be made smaller.
// Then the execution is quarantined.
func (i *incarnation) tooLargeForGood(e *execution) bool {
	if !e.tooLarge || i.shorten(e, zkapi.ErrProbablyTooLarge) {
		return false
	}
	i.leave(e, zkapi.ErrProbablyTooLarge)
	return true
}

// smaller handles a batch that is too large, and returns the executions that are still to be
// recorded. Of several executions the first is recorded by itself. The end of a single
// execution is made smaller, or the execution is quarantined.
func (i *incarnation) smaller(batch []*execution, ops []zkapi.Op, err error) ([]*execution, error) {
	if len(batch) > 1 {
		i.bounds.lost(ops, err)
		if err := i.record(batch[:1]); err != nil {
			return batch, err
		}
		return batch[1:], nil
	}
	if i.shorten(batch[0], err) {
		return batch, nil
	}
	i.leave(batch[0], err)
	return nil, nil
}

// failed handles the refused end of an execution, with the operation that failed. It returns
// whether the end, which it may have replaced, is to be tried again at once, or an error that
// concerns all executions.
//
// If the assignment is gone or the attempt is on record, another process has settled this
// execution. A later assignment may have the same name, and must not be touched. If the task
// has its status or is gone, the end is superseded: only the assignment is deleted. Any other
// refusal concerns the worker if it is about its own inbox. Otherwise it concerns only this
// task, which is tried again later.
func (i *incarnation) failed(e *execution, op zkapi.Op, err error) (again bool, _ error) {
	l := i.worker.layout
	ofTree := errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNodeExists)
	switch {
	case op.Path == l.progress(e.task.Name) && (ofTree || zkapi.Refused(err)): // not there, or not ours, and not missed
		e.shown.sure = false
		return true, nil
	case op.Path == l.status(e.task.Name) && errors.Is(err, zkapi.ErrNodeExists) && i.passes(e):
		return false, nil
	case ofTree && op.Kind == zkapi.KindCreate && (e.err == nil || !errors.Is(err, zkapi.ErrNodeExists)):
		i.worker.log.InfoContext(i.req, "end of an execution was refused", "task", brief(e.task.Name), "error", err)
		e.noRecord = true
		return true, nil
	case ofTree:
		i.worker.log.InfoContext(i.req, "end of an execution was refused", "task", brief(e.task.Name), "error", err)
		i.release(e)
		i.passAgain = true
		return false, nil
	case op.Kind == zkapi.KindDelete && zkapi.Refused(err):
		return true, err
	}
	i.leave(e, err)
	return false, nil
}

// passes reports whether the existing status is not persistent. Then it is no result, and the
// end of the execution is quarantined until that status is gone.
func (i *incarnation) passes(e *execution) bool {
	path := i.worker.layout.status(e.task.Name)
	seen, err := fence.Look(i.req, i.Session, fence.Exists(path))
	if err != nil || !seen.Found || seen.Stat.Owner() == zkapi.OwnerNone {
		return false
	}
	i.leave(e, &obstacle.Error{Problem: i.worker.layout.statusProblem(e.task.Name, seen.Stat)})
	return true
}

// leave quarantines the end of an execution for a while; the execution is held until then.
func (i *incarnation) leave(e *execution, err error) {
	i.quarantine.add(i.req, subject{executionSubject, e.task.Name}, err, false)
}

// resolve finds out whether executions of unknown fate were recorded: if so, their
// assignments are gone. It returns the executions that are still to be recorded. A second
// write without this check could end a later assignment of the same task.
func (i *incarnation) resolve(batch []*execution) ([]*execution, error) {
	if !i.inDoubt(batch) {
		return batch, nil
	}
	l, name := i.worker.layout, i.worker.config.Name
	if _, err := i.Session.Do(i.req, fence.Sync(l.inbox(name))); err != nil {
		return nil, err
	}
	ops := make([]fence.Read, len(batch))
	for n, e := range batch {
		ops[n] = fence.Exists(l.assignment(name, e.task.Name))
	}
	var open []*execution
	for n, reply := range i.Session.DoAll(i.req, ops) {
		e := batch[n]
		switch {
		case reply.Err != nil:
			return nil, reply.Err
		case !reply.Found || reply.Stat.Czxid != e.stat.Czxid:
			i.worker.config.Metrics.Unknown("end", zkapi.Applied)
			i.release(e)
			i.passAgain = true // there may be a later one under the same name
		default:
			i.worker.config.Metrics.Unknown("end", zkapi.NotApplied)
			i.enter(e, stageEnded)
			open = append(open, e)
		}
	}
	return open, nil
}

// release forgets an execution whose end is settled.
func (i *incarnation) release(e *execution) {
	i.enter(e, stageSettled)
	e.cancel(nil)
	i.forget(e)
}
