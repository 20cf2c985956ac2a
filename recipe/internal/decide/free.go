package decide

import (
	"slices"
	"time"
)

// An assignment is ended by its name, because a znode that is made anew looks the same.
// So what a worker that lives holds goes only by a write of that worker: otherwise the
// same task could be given to it again, and the result of the former execution, which is
// on its way, would be taken for that of the later. A master that wants an assignment
// back says so in it, sets /workers/<w>, at which the worker looks, and waits until the
// worker has deleted it. A worker whose session is over, or whose claim is, can write
// nothing any more: from such a one the master takes away by itself.

// takePatience bounds how long a master waits for a worker to give back a task that was taken
// from it. After that the master takes the worker's claim, which fences every later write of
// the worker.
const takePatience = 10 * time.Second

// LeftReason is why an attempt ended whose worker left in good order.
const LeftReason = "worker left"

// free reports whether the master may delete an assignment itself. If not, it decides
// what brings that about. An empty reason says that the task has ended without it.
//
// A resident task is given back when its handler has returned, as its worker has it
// (WorkerConfig.Unreturned): the master waits for that as long as the worker's session
// lives. The task's id could be used again otherwise, and the next owner would begin
// beside the handler.
func (d *decider) free(t, w string, worker *workerView, reason string) bool {
	task := d.view.Tasks[t]
	resident := task != nil && task.Options.Resident
	switch {
	case !worker.Alive || worker.Fenced && !resident:
		return true
	case worker.Fenced:
		return false
	case !worker.Claimed:
		d.WakeAt(d.now) // what it can is read in the next pass
		return false
	case !worker.Acks:
		return true // made by hand, or of a build that knows no better
	}
	told, waits := worker.Taken[t]
	switch due := told.Add(takePatience); {
	case !waits:
		d.add(Transition{Action: TakeTask, Task: t, Holder: w, Reason: reason, Avoid: reason != ""})
	case resident:
	case d.now.Before(due):
		d.WakeAt(due)
	case !d.fenced[w]:
		d.fenced[w] = true
		d.add(Transition{Action: FenceWorker, Holder: w})
	}
	return false
}

// Held reports whether a task is in an inbox.
func (v *View) Held(t string) bool {
	for _, w := range v.Workers {
		if w.Tasks[t] {
			return true
		}
	}
	return false
}

// AvoidWorker adds a worker that does not get the task again as long as there are others. The
// worker that was added last is the last in the list.
func (t *TaskView) AvoidWorker(worker string) {
	others := slices.DeleteFunc(slices.Clone(t.Avoid), func(w string) bool { return w == worker })
	t.Avoid = append(others, worker)
}
