package recipe

import (
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// commit records what has finished, as much as fits in one multi at a time and
// several of those side by side. What cannot be recorded because the assignment
// or the task has changed is dropped: somebody else decides about it now.
func (i *incarnation) commit() error {
	for {
		var batches [][]*execution
		for len(batches) < maxMultis {
			batch := i.takeFinished()
			if len(batch) == 0 {
				break
			}
			batches = append(batches, batch)
		}
		if len(batches) == 0 {
			return nil
		}
		zkapi.Rest(i.env, "") // the batches are nowhere else
		if err := i.recordAll(batches); err != nil {
			for _, batch := range batches {
				i.putBack(batch)
			}
			return err
		}
	}
}

// recordAll writes batches side by side. A batch that is refused, or that was in
// doubt before, is looked at by itself.
func (i *incarnation) recordAll(batches [][]*execution) error {
	var clear, unclear [][]*execution
	var writes [][]zkapi.Op
	for _, batch := range batches {
		if slices.ContainsFunc(batch, func(e *execution) bool { return e.doubtful }) {
			unclear = append(unclear, batch)
			continue
		}
		clear = append(clear, batch)
		writes = append(writes, i.endings(batch))
	}
	var errs []error
	for n, reply := range i.writeAll(i.req, writes) {
		switch zkapi.FateOf(reply.Err) {
		case zkapi.Applied:
			i.settle(clear[n])
		case zkapi.Unknown:
			i.doubt(clear[n])
			errs = append(errs, reply.Err)
		default:
			unclear = append(unclear, clear[n])
		}
	}
	for _, batch := range unclear {
		errs = append(errs, i.record(batch))
	}
	return errors.Join(errs...)
}

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
	for _, e := range batch {
		i.release(e)
		switch {
		case e.moot:
		case e.err == nil:
			i.worker.config.Metrics.Finished(i.env.Now().Sub(e.accepted))
		default:
			i.worker.config.Metrics.AttemptEnded("worker")
		}
	}
}

// doubt marks a batch that may have been recorded.
func (i *incarnation) doubt(batch []*execution) {
	for _, e := range batch {
		e.doubtful = true
	}
}

// takeFinished removes the next batch from the queue.
func (i *incarnation) takeFinished() []*execution {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.finished = slices.DeleteFunc(i.finished, func(e *execution) bool { return e.settled })
	n, ops, size := 0, 0, 0
	for _, e := range i.finished {
		add := 0
		for _, op := range i.ending(e) {
			add += op.Size()
		}
		const most = 3 // operations of one ending
		if n > 0 && (ops+most > maxMultiOps || size+add > maxMultiBytes) {
			break
		}
		n, ops, size = n+1, ops+most, size+add
	}
	batch := i.finished[:n:n]
	i.finished = i.finished[n:]
	return batch
}

func (i *incarnation) putBack(batch []*execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.finished = append(batch, i.finished...)
}

// ending is how an execution ends: its assignment goes, and in the same multi the
// status or the record of the attempt comes. Its progress goes, too.
func (i *incarnation) ending(e *execution) []zkapi.Op {
	l, name, t := i.worker.layout, i.worker.config.Name, e.task.Name
	ops := []zkapi.Op{zkapi.Delete(l.assignment(name, t), zkapi.AnyVersion)}
	if e.shown.sure {
		ops = append(ops, zkapi.Delete(l.progress(t), zkapi.AnyVersion))
	}
	if e.moot {
		return ops
	}
	if e.err == nil {
		status := Status{State: Done, Result: e.result, Worker: name, Token: e.task.Token, Ended: e.endedAt}
		return append(ops, zkapi.Create(l.status(t), status.encode(), zkapi.Persistent).For(l.access.record()))
	}
	attempt := attemptRecord{Token: e.task.Token, Worker: name, Reason: clip(e.err.Error()), Ended: e.endedAt}
	return append(ops, zkapi.Create(l.attempt(t, e.task.Token.Attempt), encode(attempt), zkapi.Persistent).For(l.access.record()))
}

// record writes a batch. It returns an error only if the batch must be tried
// again.
//
// A refusal names the operation that failed. If the assignment is gone or the
// attempt is on record, somebody else has settled this execution, and there may
// be a later assignment under the same name, which must not be touched. If the
// task has its status or is gone, the end is moot: only the assignment goes.
func (i *incarnation) record(batch []*execution) error {
	batch, err := i.resolve(batch)
	for err == nil && len(batch) > 0 {
		var ops []zkapi.Op
		var owner []int
		for n, e := range batch {
			for _, op := range i.ending(e) {
				ops, owner = append(ops, op), append(owner, n)
			}
		}
		_, err = i.write(i.req, ops...)
		at := zkapi.FailedIndex(err)
		switch {
		case err == nil:
			i.settle(batch)
			return nil
		case zkapi.FateOf(err) == zkapi.Unknown:
			i.doubt(batch)
		case at >= 0 && (errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNodeExists)):
			e := batch[owner[at]]
			i.worker.log.InfoContext(i.req, "end of an execution was refused", "task", e.task.Name, "error", err)
			if ops[at].Path == i.worker.layout.progress(e.task.Name) { // not there, and not missed
				e.shown.sure = false
				err = nil
				break
			}
			onRecord := e.err != nil && errors.Is(err, zkapi.ErrNodeExists)
			err = nil
			if ops[at].Kind == zkapi.KindCreate && !onRecord {
				e.moot = true
				break
			}
			i.release(e)
			i.reread = true
			batch = slices.Delete(slices.Clone(batch), owner[at], owner[at]+1)
		case at >= 0:
			e := batch[owner[at]]
			i.worker.log.ErrorContext(i.req, "end of an execution cannot be recorded; the task is left alone", "task", e.task.Name, "error", err)
			e.settled = true // and held: only a person can help, with a permission perhaps
			err = nil
			batch = slices.Delete(slices.Clone(batch), owner[at], owner[at]+1)
		}
	}
	return err
}

// resolve finds out whether executions of unknown fate were recorded: then the
// very assignments are gone. It returns what is still to be recorded. Trying
// again without asking could end a later assignment of the same task.
func (i *incarnation) resolve(batch []*execution) ([]*execution, error) {
	if !slices.ContainsFunc(batch, func(e *execution) bool { return e.doubtful }) {
		return batch, nil
	}
	l, name := i.worker.layout, i.worker.config.Name
	if _, err := i.session.Do(i.req, zkapi.Sync(l.inbox(name))); err != nil {
		return nil, err
	}
	ops := make([]zkapi.Op, len(batch))
	for n, e := range batch {
		ops[n] = zkapi.Exists(l.assignment(name, e.task.Name))
	}
	var open []*execution
	for n, reply := range i.session.DoAll(i.req, ops) {
		e := batch[n]
		switch {
		case reply.Err != nil:
			return nil, reply.Err
		case !reply.Found || reply.Stat.Czxid != e.stat.Czxid:
			i.worker.config.Metrics.Unknown("end", zkapi.Applied)
			i.release(e)
			i.reread = true // there may be a later one under the same name
		default:
			i.worker.config.Metrics.Unknown("end", zkapi.NotApplied)
			e.doubtful = false
			open = append(open, e)
		}
	}
	return open, nil
}

// release forgets an execution whose end is settled.
func (i *incarnation) release(e *execution) {
	e.settled = true
	e.cancel(nil)
	if i.held[e.task.Name] == e {
		delete(i.held, e.task.Name)
	}
}
