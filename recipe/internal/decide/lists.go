package decide

import (
	"maps"
	"slices"
	"time"
)

// at brings the view up to date for a decision by these limits at this time.
func (v *View) at(l Limits, now time.Time) {
	x := v.index
	if l.MaxAttempts != x.limits.MaxAttempts || l.MaxHandovers != x.limits.MaxHandovers {
		for _, t := range x.queues[pendingTasks].members {
			x.markTask(t)
		}
	}
	back := now.Before(x.now) || now.Round(0).Before(x.now.Round(0)) // by one clock or the other
	x.limits, x.now = l, now
	v.refresh()
	if back {
		for _, q := range []taskQueue{readyTasks, readyResidents} {
			for _, t := range x.queues[q].members {
				x.markTask(t)
			}
		}
		v.refresh()
	}
	for _, q := range []taskQueue{delayedTasks, delayedByWall} {
		for t, ok := x.queues[q].first(); ok && !t.facts.due.After(now); t, ok = x.queues[q].first() {
			v.refreshTask(t)
		}
	}
	if CheckEachPass {
		if err := v.CheckIndexes(); err != nil {
			panic(err)
		}
	}
}

// list lists the first of a queue.
func (v *View) list(q taskQueue, most int) []string {
	v.refresh()
	if most <= 0 {
		return nil
	}
	var names []string
	for t := range v.index.queues[q].sorted() {
		if names = append(names, t.name); len(names) == most {
			break
		}
	}
	return names
}

// Pending lists at most so many tasks that wait for a worker, in the order of assignment.
func (v *View) Pending(most int) []string { return v.list(pendingTasks, most) }

// Dirty lists the tasks that are to be read again, by name. If there are more than most, it lists so
// many of them: first those in no inbox, and then at least so many others, as far as there are any.
func (v *View) Dirty(most, others int) []string {
	v.refresh()
	free, held := v.index.queues[dirtyFree].len(), v.index.queues[dirtyHeld].len()
	if free+held <= most {
		names := slices.Concat(v.list(dirtyFree, free), v.list(dirtyHeld, held))
		slices.Sort(names)
		return names
	}
	others = min(held, max(others, most-free))
	return slices.Concat(v.list(dirtyFree, most-others), v.list(dirtyHeld, others))
}

// AnyDirty reports whether a task is to be read again.
func (v *View) AnyDirty() bool {
	v.refresh()
	return v.index.queues[dirtyFree].len()+v.index.queues[dirtyHeld].len() > 0
}

// Unclaimed lists the workers whose claims are to be read, by name.
func (v *View) Unclaimed() []string {
	v.refresh()
	var names []string
	for w := range v.index.unclaimed.sorted() {
		names = append(names, w.name)
	}
	return names
}

// Unconfirmed lists at most so many finished tasks whose status has not been read, in the
// order of their ends.
func (v *View) Unconfirmed(most int) []string { return v.list(unconfirmedTasks, most) }

// Doubtful lists the finished tasks that are in an inbox, and whose status has not been read,
// by name.
func (v *View) Doubtful() []string {
	v.refresh()
	return v.list(doubtfulTasks, v.index.queues[doubtfulTasks].len())
}

// Unprepared lists at most so many finished tasks that clients want to be removed, that are in
// no inbox and have no Leftover, by name.
func (v *View) Unprepared(most int) []string { return v.list(unpreparedTasks, most) }

// Watched has the executions whose progress is to be read, by when, up to the first that is
// not due and that skip does not skip. It returns those that are due, by name, and when the
// next one is; zero for never.
func (v *View) Watched(now time.Time, skip func(task string) bool) (due []string, next time.Time) {
	v.refresh()
	for t := range v.index.queues[watchedTasks].sorted() {
		if skip(t.name) {
			continue
		}
		if t.facts.check.After(now) {
			next = t.facts.check
			break
		}
		due = append(due, t.name)
	}
	slices.Sort(due)
	return due, next
}

// Held reports whether a task is in an inbox.
func (v *View) Held(task string) bool {
	t := v.index.tasks[task]
	return t != nil && len(t.holdings) > 0
}

// Holders lists the workers whose inboxes have a task, by name.
func (v *View) Holders(task string) []string {
	var names []string
	if t := v.index.tasks[task]; t != nil {
		for _, h := range t.holdings {
			names = append(names, h.worker.name)
		}
	}
	slices.Sort(names)
	return names
}

// TouchWorker notes that a worker has changed for those who look at the view from outside.
func (v *View) TouchWorker(name string) { v.touchedWorkers[name] = true }

func (v *View) touchTask(name string) {
	v.touchedTasks[name] = true
	v.index.touched = append(v.index.touched, name)
	if len(v.index.touched) > 2*len(v.touchedTasks)+spareTouches {
		v.index.touched = slices.AppendSeq(v.index.touched[:0], maps.Keys(v.touchedTasks))
	}
}

// spareTouches is how many repeated names index.touched may have, in addition to one for each
// touched task. TakeTouched is not called while all passes fail, and each of these touches all tasks.
const spareTouches = 1000

// TakeTouched returns the workers and tasks that have changed since it was last called. A task
// that is unread is left for later: it is touched again when it has been read.
func (v *View) TakeTouched() (workers, tasks map[string]bool) {
	workers, tasks = v.touchedWorkers, map[string]bool{}
	v.touchedWorkers = map[string]bool{}
	for _, name := range v.index.touched {
		if t := v.tasks[name]; t == nil || t.Phase != Unread {
			tasks[name] = true
			delete(v.touchedTasks, name)
		}
	}
	v.index.touched = v.index.touched[:0]
	return workers, tasks
}

// Moved is an assignment that was added or dropped.
type Moved struct{ Worker, Task string }

// TakeMoved returns the assignments that were added or dropped since it was last called, some
// more than once.
func (v *View) TakeMoved() []Moved {
	moved := v.index.moved
	v.index.moved = nil
	return moved
}
