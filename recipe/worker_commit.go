package recipe

import (
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// commit records finished executions, as many in one multi as fit, and several multis at a
// time. If an end cannot be recorded because the assignment or the task has changed, it is
// dropped: another process decides about it now.
func (i *incarnation) commit() error {
	for {
		ready := i.takeFinished()
		if len(ready) == 0 {
			return nil
		}
		zkapi.Checkpoint(i.env, "") // they are nowhere else
		for len(ready) > 0 {
			var batches [][]*execution
			for len(batches) < maxMultis && len(ready) > 0 && (len(batches) == 0 || !i.bounds.narrow()) {
				n := i.fitting(ready)
				batches, ready = append(batches, ready[:n:n]), ready[n:]
			}
			err := i.recordAll(batches)
			var open []*execution
			for _, batch := range batches {
				open = append(open, slices.DeleteFunc(batch, func(e *execution) bool { return i.at(e, stageSettled) })...)
			}
			if err != nil {
				i.putBack(append(open, ready...))
				return err
			}
			i.putBack(open)
		}
	}
}

// recordAll writes batches side by side. A batch that is refused, or that was in
// doubt before, is looked at by itself.
func (i *incarnation) recordAll(batches [][]*execution) error {
	var clear, unclear [][]*execution
	var writes [][]zkapi.Op
	for _, batch := range batches {
		if i.inDoubt(batch) {
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
			i.doubt(clear[n], len(clear) == 1, writes[n], reply.Err)
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

// takeFinished empties the queue of ended executions. Quarantined ones stay there.
func (i *incarnation) takeFinished() (ready []*execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var rest []*execution
	for _, e := range i.finished {
		switch {
		case e.stage == stageSettled:
		case i.quarantine.holds(subject{executionSubject, e.task.Name}):
			rest = append(rest, e)
		default:
			ready = append(ready, e)
		}
	}
	i.finished = rest
	return ready
}

// fitting returns how many of the next ends fit in one multi: at least one.
func (i *incarnation) fitting(ready []*execution) int {
	const most = 4 // operations of one ending
	ops, size := 0, 0
	for n, e := range ready {
		add := sizeOf(i.ending(e))
		if n > 0 && (ops+most > i.bounds.ops || size+add > i.bounds.bytes) {
			return n
		}
		ops, size = ops+most, size+add
	}
	return len(ready)
}

func (i *incarnation) putBack(batch []*execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.finished = append(batch, i.finished...)
}
