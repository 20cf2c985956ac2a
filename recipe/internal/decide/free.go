package decide

import (
	"strings"
	"time"
)

// An assignment is deleted by path, because a znode that is made again looks the same. So
// only a live worker itself deletes its assignments. Otherwise the same task could be
// assigned to it again, and the late result of the former execution would become the result
// of the later one. A master that wants an assignment back writes that into it, sets
// /workers/<w>, which the worker watches, and waits until the worker has deleted the
// assignment. A worker whose session or claim is over can write nothing any more, so the
// master deletes its assignments itself.

// takePatience bounds how long a master waits for a worker to give back a task that was taken
// from it. After that the master takes the worker's claim, which fences every later write of
// the worker.
const takePatience = 10 * time.Second

// Why attempts end that a master ends, as their records have it.
const (
	LeftReason   = "worker left" // in good order
	LostReason   = "worker lost"
	silentReason = "no progress for" // and how long
)

// Avoids reports whether an attempt that ended for that reason keeps the task from its worker,
// as long as there are others.
func Avoids(reason string, resident bool) bool {
	return strings.HasPrefix(reason, silentReason) || reason == LostReason && !resident
}

// free reports whether the master may delete an assignment itself. If not, it decides the
// step that leads there. An empty reason means that the task has ended in another way.
//
// A resident task is given back when its handler has returned, as its worker has it
// (WorkerConfig.Unreturned): the master waits for that as long as the worker's session
// lives. The task's id could be used again otherwise, and the next owner would begin
// beside the handler.
func (d *decider) free(t, w string, worker *workerView, reason string) bool {
	task := d.view.tasks[t]
	resident := task != nil && task.Options.Resident
	switch {
	case !worker.Alive || worker.Fenced && !resident:
		return true
	case worker.Fenced:
		d.hold(t, Hold{Why: HandlerRuns, Worker: w})
		return false
	case !worker.Claimed:
		d.WakeAt(d.now) // the format that it knows is read in the next pass
		return false
	case !worker.Acks:
		return true // made by hand, or of a build that knows no better
	}
	d.hold(t, Hold{Why: Returned, Worker: w})
	told, waits := worker.Taken[t]
	switch due := told.Add(takePatience); {
	case !waits:
		d.add(Transition{Action: TakeTask, Task: t, Holder: w, Reason: reason, Avoid: reason != ""})
	case resident:
		d.hold(t, Hold{Why: HandlerRuns, Worker: w})
	case d.now.Before(due):
		d.WakeAt(due)
	case !d.fenced[w]:
		d.fenced[w] = true
		d.add(Transition{Action: FenceWorker, Holder: w})
	}
	return false
}
