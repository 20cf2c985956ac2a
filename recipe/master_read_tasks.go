package recipe

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readTasks reads which tasks have come and gone, and which were cancelled.
func (r *reconciler) readTasks() error {
	if err := r.listTasks(); err != nil {
		return err
	}
	r.findCancelled()
	return nil
}

// listTasks lists the tasks.
func (r *reconciler) listTasks() error {
	if fresh(r.listWatch[r.layout.tasks()]) {
		return nil
	}
	listed, err := r.do(r.followed(r.layout.tasks()))
	if err != nil {
		return err
	}
	r.listWatch[r.layout.tasks()] = listed.Watch
	r.taken(r.layout.tasks(), listed)
	if listed.Partial != nil {
		r.tasksChanged(listed)
		return nil
	}
	before := r.view.Len()
	there := make(map[string]bool, len(listed.Children))
	for _, t := range listed.Children {
		there[t] = true
		switch {
		case !r.fits(subject{taskSubject, t}) || r.quarantine.holdsTask(t):
			before++ // it was there, as far as is known
		case r.view.Phase(t) == decide.Unread:
			r.view.MarkDirty(t)
		}
	}
	r.vanished(taskSubject, func(t string) bool { return there[t] || r.quarantine.inboxOf(t) != "" })
	r.vanished(progressSubject, func(t string) bool { return there[t] })
	added, removed := len(listed.Children)-before, 0
	for t := range r.view.TaskNames() {
		if !there[t] {
			r.view.Forget(t) // collected; decide drops an assignment that is left
			removed++
		}
	}
	added += removed
	// The count has each child that came or went. If it is more than the visible changes, a
	// child may have gone and come again under the same name.
	if grown := int(listed.Stat.Cversion - r.tasksVersion); r.tasksVersion != 0 && grown != added+removed {
		r.recreated = true
		r.quarantine.retryAll(taskSubject)
	}
	r.tasksVersion = listed.Stat.Cversion
	return nil
}

// verified bounds the finished tasks that one resync looks at again.
const verified = 1000

// verify checks that finished tasks are still the same tasks: after a collect, the same id
// may have been submitted again. It checks some of them at each resync, in turns, and only
// when such a change is possible.
func (r *reconciler) verify() error {
	if len(r.unverified) == 0 && r.recreated {
		r.recreated = false
		for t := range r.view.TaskNames() {
			if r.view.Phase(t) == decide.Finished {
				r.unverified = append(r.unverified, t)
			}
		}
		slices.Sort(r.unverified)
	}
	if err := r.confirm(r.view.Unconfirmed(verified)); err != nil {
		return err
	}
	names := r.unverified[:min(len(r.unverified), verified)]
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Exists(r.layout.task(t))
	}
	for i, reply := range r.doAll(ops) {
		if zkapi.Refused(reply.Err) {
			r.quarantineTask(names[i], reply.Err, true)
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		if task := r.view.Find(names[i]); task != nil && (!reply.Found || reply.Stat.Czxid != task.Czxid) {
			r.reset(names[i])
		}
	}
	r.unverified = r.unverified[len(names):]
	return nil
}

// reset forgets a task's old state, because its id now stands for another task.
func (r *reconciler) reset(t string) {
	worker := r.view.Task(t).Worker
	r.view.Forget(t)
	r.view.Task(t).Worker = worker
	r.view.MarkDirty(t)
}

// readDirty reads the tasks that may have changed: the options of new tasks, and the children
// of tasks that have any.
func (r *reconciler) readDirty() error {
	names := r.view.Dirty(maxReads, heldReads)
	var fresh, parents []string
	var ops []fence.Read
	for _, t := range names {
		if r.view.Task(t).Known {
			parents = append(parents, t)
		} else {
			fresh, ops = append(fresh, t), append(ops, fence.Get(r.layout.task(t)))
		}
	}
	bad := map[string]error{}
	childless, more, err := r.readOptions(fresh, r.doAll(ops), bad)
	if err != nil {
		return err
	}
	parents = append(parents, more...)
	ops = ops[:0]
	for _, t := range parents {
		ops = append(ops, fence.Children(r.layout.task(t)))
	}
	replies := r.doAll(ops)
	for _, t := range childless {
		r.takeOver(t, below{}, bad[t])
	}
	for i, reply := range replies {
		if gone, err := r.unreadable(parents[i], reply.Err); err != nil {
			return err
		} else if !gone && reply.Stat.Czxid != r.view.Task(parents[i]).Czxid {
			r.reset(parents[i])
		} else if !gone {
			r.takeOver(parents[i], taskChildren(reply.Children), bad[parents[i]])
		}
	}
	return r.readReturned()
}

// heldReads is how many of the maxReads are left for tasks that are in an inbox, if there are more
// tasks to be read than one pass reads. The others come first, so a master that finds many assigned
// tasks when its term begins does not keep a new one waiting. But one of those in an inbox may have
// been cancelled, and must not wait until no new tasks come.
const heldReads = maxReads / 8

// readReturned reads why workers have given resident tasks back. An abandoned handler still
// runs at its worker, so that worker does not get the task again as long as there are others.
func (r *reconciler) readReturned() error {
	r.returned = slices.DeleteFunc(r.returned, func(t string) bool { return r.view.Find(t) == nil })
	names := r.returned
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Get(r.layout.attempt(t, r.view.Task(t).Attempts))
	}
	for i, reply := range r.doAll(ops) {
		if reply.Err != nil && !zkapi.Refused(reply.Err) && !errors.Is(reply.Err, zkapi.ErrNoNode) {
			return reply.Err
		}
		var record attemptRecord
		if json.Unmarshal(reply.Data, &record) == nil && abandons(record.Reason) {
			r.view.Task(names[i]).AvoidWorker(record.Worker)
		}
	}
	r.returned = nil
	return nil
}

// readOptions takes over the options of new tasks, and separates the few that have children.
// It notes the tasks whose options cannot be read in bad.
func (r *reconciler) readOptions(names []string, replies []zkapi.Reply, bad map[string]error) (childless, parents []string, err error) {
	for i, reply := range replies {
		gone, err := r.unreadable(names[i], reply.Err)
		if err != nil {
			return nil, nil, err
		}
		if gone {
			continue
		}
		if reply.Stat.Owner() != zkapi.OwnerNone { // it does not stay, or can have no children
			r.quarantineTask(names[i], &obstacle.Error{Problem: r.layout.taskProblem(names[i], reply.Stat)}, true)
			continue
		}
		options, _, err := decodeTask(reply.Data)
		if err != nil {
			bad[names[i]] = &obstacle.Error{Problem: r.layout.optionsProblem(names[i], err)}
		} else if what := mistyped(reply.Data); what != "" {
			r.notices.Report(r.term.Active, r.term.obs.Logger, r.layout.mistypedProblem(names[i], what), reply.Stat)
		}
		r.view.SetOptions(names[i], options, reply.Stat.Czxid)
		if reply.Stat.NumChildren == 0 {
			childless = append(childless, names[i])
		} else {
			parents = append(parents, names[i])
		}
	}
	return childless, parents, nil
}

// takeOver is update, unless the task has not ended and cannot be executed: then it is
// quarantined.
func (r *reconciler) takeOver(t string, b below, bad error) {
	if b.odd != "" {
		r.notices.Report(r.term.Active, r.term.obs.Logger, r.layout.numberProblem(t, b.odd), zkapi.Stat{})
	}
	if bad == nil && b.attempts >= maxAttempt-1 {
		bad = &obstacle.Error{Problem: r.layout.attemptsProblem(t, b.attempts)}
	}
	if bad != nil && !b.finished {
		r.quarantineTask(t, bad, true)
		return
	}
	r.update(t, b)
}

// update takes over the children of a task.
func (r *reconciler) update(t string, b below) {
	r.view.MarkClean(t)
	r.quarantine.worked(r.term.Active, subject{taskSubject, t}, true)
	task := r.view.Task(t)
	if b.finished && task.Worker != "" {
		r.stale[task.Worker] = true
	}
	ended := takeChildren(r.view, t, b, r.policy.Limits, r.now())
	if ended && !b.finished && task.Options.Resident && task.Worker == "" {
		r.returned = append(r.returned, t)
	}
}

// ended takes over that a task has its status.
func (r *reconciler) ended(t string) {
	r.view.MarkClean(t)
	r.quarantine.worked(r.term.Active, subject{taskSubject, t}, true)
	if w := r.view.Task(t).Worker; w != "" {
		r.stale[w] = true // as in update
	}
	r.view.SetPhase(t, decide.Finished, r.now())
}

// takeChildren takes over the children of a task into a view, as if they had been seen first
// at that time. A task that was given back waits before it is assigned again, unless it was
// revoked. takeChildren reports whether an attempt has ended without having been revoked.
func takeChildren(v *decide.View, t string, b below, l decide.Limits, seen time.Time) bool {
	task := v.Task(t)
	ended := b.attempts > task.Attempts && !task.Revoked
	task.Attempts, task.Records, task.Left = b.attempts, b.records, int32(len(b.left))
	task.Due = latest(task.Due, task.Options.NotBefore)
	if ended && !slices.Contains(b.left, b.attempts) {
		task.Due = latest(task.Due, seen.Add(l.Delay(task, l.Spent(b.attempts, task.Left))))
	}
	switch {
	case b.finished:
		v.SetPhase(t, decide.Finished, seen)
	case task.Worker != "":
		task.SetHolder(task.Worker, seen)
		v.SetPhase(t, decide.Assigned, seen)
	default:
		v.SetPhase(t, decide.Pending, seen)
	}
	return ended
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
