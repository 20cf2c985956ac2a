package decide

import "time"

// standing is what decisions about the worker's assignments depend on.
func (w *workerView) standing() standing {
	return standing{
		bar: w.Bar(), alive: w.Alive, lives: w.Alive && !w.Fenced,
		noInbox: w.Alive && !w.Known && !w.Quarantined,
	}
}

// unclaimed reports whether the worker's claim is to be read: it lives, or it was lost with tasks
// before any of its claims was read.
func (w *workerView) unclaimed() bool {
	lost := !w.Listed && !w.Heard && w.Held() > 0
	return !w.Quarantined && !w.Claimed && (w.Listed || lost)
}

// underway reports whether a task is neither unread, nor finished, nor gone.
func (t *TaskView) underway() bool {
	return t != nil && (t.Phase == Pending || t.Phase == Assigned)
}

// settled reports whether each pass settles the assignment because of its worker: decider.settle
// takes the task from a worker that does not live, or waits until that worker is gone.
func (t *TaskView) settled(w standing) bool {
	return t.underway() && !w.lives && w.bar != BarQuarantined
}

// stake says how an assignment counts.
func (v *View) stake(h *holding) stake {
	t, w := v.tasks[h.task.name], h.worker.standing
	resident := t != nil && t.Options.Resident
	s := stake{ordinary: !resident, stays: resident && !t.Revoked}
	ended := t == nil || t.Phase == Finished
	s.look = w.bar != BarQuarantined && (ended || t.settled(w) && !(w.alive && resident))
	s.movable = s.stays && w.bar == NoBar && t.Phase == Assigned && !v.settled(h.task)
	return s
}

// settled reports whether each pass settles one of the task's assignments.
func (v *View) settled(i *taskIndex) bool {
	t := v.tasks[i.name]
	for _, h := range i.holdings {
		if t.settled(h.worker.standing) {
			return true
		}
	}
	return false
}

// facts says where a task belongs.
func (v *View) facts(i *taskIndex) facts {
	var f facts
	t := v.tasks[i.name]
	v.requestFacts(&f, i, t)
	if t == nil {
		return f
	}
	f.put(dirtyFree, t.dirty && len(i.holdings) == 0)
	f.put(dirtyHeld, t.dirty && len(i.holdings) > 0)
	f.put(longTasks, t.Options.Resident && t.Phase != Finished && len(t.Records) >= 2*KeptAttempts)
	switch t.Phase {
	case Pending:
		v.pendingFacts(&f, t)
	case Finished:
		f.ending = t.ending
		f.put(unconfirmedTasks, !t.Confirmed)
		f.put(doubtfulTasks, !t.Confirmed && len(i.holdings) > 0)
	}
	if silence := t.Options.HeartbeatTimeout; silence > 0 && t.underway() {
		f.check = t.Watched.NextCheck
		f.put(watchedTasks, t.Phase == Assigned)
		f.silent = t.Watched.At.Add(silence)
		for _, h := range i.holdings {
			f.put(silentTasks, h.worker.standing.lives && h.worker.standing.bar != BarQuarantined)
		}
	}
	v.floatFacts(&f, i, t)
	return f
}

// requestFacts is about the removal that a client asks for.
func (v *View) requestFacts(f *facts, i *taskIndex, t *TaskView) {
	czxid, asked := v.asked[i.name]
	if !asked {
		return
	}
	switch {
	case t == nil:
		f.put(requestedTasks, true)
	case t.Phase == Finished:
		f.put(unpreparedTasks, t.Leftover == nil && len(i.holdings) == 0)
		f.put(requestedTasks, !t.dirty && (czxid != AnyLife && czxid != t.Czxid || t.Leftover != nil && len(i.holdings) == 0))
	default:
		f.put(requestedTasks, !t.dirty && t.Phase != Unread)
	}
}

// pendingFacts is about a task that waits. A task that is to be read again may have been
// cancelled, so nothing is decided about it.
func (v *View) pendingFacts(f *facts, t *TaskView) {
	f.priority, f.czxid, f.due = t.Options.Priority, t.Czxid, t.Due
	f.put(pendingTasks, true)
	if t.dirty {
		return
	}
	switch late := t.Due.After(v.index.now); {
	case v.index.limits.exhausted(t):
		f.put(spentTasks, true)
	case late && byWall(t.Due):
		f.put(delayedByWall, true)
	case late:
		f.put(delayedTasks, true)
	default:
		f.put(readyTasks, !t.Options.Resident)
		f.put(readyResidents, t.Options.Resident)
	}
}

// byWall reports whether a time has no reading of the monotonic clock. Such times are compared
// by the wall clock, and two that have one are not: one queue must not have both.
func byWall(t time.Time) bool { return t == t.Round(0) }

// floatFacts counts how often balance adds a resident to the emptiest worker when it computes
// where the residents will be: once if the resident waits for its time, and once for each worker
// that it is to leave. A resident that each pass settles does not count.
func (v *View) floatFacts(f *facts, i *taskIndex, t *TaskView) {
	if !t.Options.Resident || v.settled(i) {
		return
	}
	f.floats = count(f.has(delayedTasks) || f.has(delayedByWall))
	for _, h := range i.holdings {
		switch h.worker.standing.bar {
		case BarQuarantined:
		case NoBar:
			f.floats += count(t.Revoked)
		default:
			f.floats++
		}
	}
	f.wary = f.floats > 0 && len(t.Avoid) > 0
	f.put(floatingTasks, f.floats > 0)
}
