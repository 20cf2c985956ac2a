package recipe

import (
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// A status that is not persistent is no result: it disappears with a session, or when a
// server deletes it. The names below a task do not show its kind. So the master reads each
// status once: before it takes a task from a worker because of it, or else at the next
// resync. A task whose status is not persistent is quarantined until that status is gone.

// confirmHeld looks at the status of finished tasks that are still in an inbox.
func (r *reconciler) confirmHeld() error {
	return r.confirm(r.view.Doubtful())
}

// confirm checks the status znodes of tasks. A hidden status is taken to be persistent. If a
// status has gone since, the task is unfinished.
func (r *reconciler) confirm(names []string) error {
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Exists(r.layout.status(t))
	}
	for i, reply := range r.doAll(ops) {
		t := names[i]
		switch {
		case reply.Err != nil && !zkapi.Refused(reply.Err):
			return reply.Err
		case reply.Err == nil && !reply.Found:
			r.reset(t)
		case reply.Stat.Owner() != zkapi.OwnerNone:
			r.quarantineForStatus(t, reply.Stat)
		default:
			r.view.Task(t).Confirmed = true
		}
	}
	return nil
}

// quarantineForStatus quarantines a task whose status is not persistent.
func (r *reconciler) quarantineForStatus(t string, stat zkapi.Stat) {
	r.quarantineTask(t, &obstacle.Error{Problem: r.layout.statusProblem(t, stat)}, true)
	r.quarantine.entries[subject{taskSubject, t}].byStatus = true
}

// statusStillNotPersistent reports whether the status that caused a task's quarantine still exists.
func (r *reconciler) statusStillNotPersistent(t string) (bool, error) {
	seen, err := fence.Look(r.term.Active, r.term.Session, fence.Exists(r.layout.status(t)))
	switch {
	case zkapi.Refused(err):
		r.quarantineTask(t, err, true)
		return true, nil
	case err != nil || !seen.Found || seen.Stat.Owner() == zkapi.OwnerNone:
		return false, err
	}
	r.quarantineForStatus(t, seen.Stat)
	return true, nil
}
