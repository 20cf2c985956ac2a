package decide

// waiting assigns pending tasks, by priority and then in the order of submission.
func (d *decider) waiting() {
	if d.holds != nil {
		for t := range d.view.index.queues[pendingTasks].sorted() {
			if !d.view.tasks[t.name].dirty { // otherwise it may have been cancelled
				d.wait(t.name)
			}
		}
		return
	}
	for _, q := range []taskQueue{delayedTasks, delayedByWall} {
		if t, ok := d.view.index.queues[q].first(); ok {
			d.WakeAt(t.facts.due)
		}
	}
	spent, ready, residents := d.view.index.queues[spentTasks].cursor(), d.view.index.queues[readyTasks].cursor(), d.view.index.queues[readyResidents].cursor()
	for !d.full() {
		// While no worker takes a task, or no worker has a free place, those that need one wait.
		takers := len(d.view.index.takers) > 0
		next := spent
		for _, other := range []struct {
			cursor *cursor[*taskIndex]
			some   func() bool
		}{{ready, func() bool { return takers && d.loads().free > 0 }}, {residents, func() bool { return takers }}} {
			b, ok := other.cursor.peek()
			if a, first := next.peek(); ok && (!first || inOrderOfAssignment(b, a)) && other.some() {
				next = other.cursor
			}
		}
		t, ok := next.peek()
		if !ok {
			return
		}
		d.wait(t.name)
		next.next()
	}
}

// wait decides about one task that waits.
func (d *decider) wait(t string) {
	task := d.view.tasks[t]
	switch {
	case d.limits.exhausted(task):
		d.add(Transition{Action: FailTask, Task: t, Ends: task.Attempts})
	case task.Due.After(d.now):
		d.hold(t, Hold{Why: NotDue, Until: task.Due})
		d.WakeAt(task.Due)
	default:
		to, why := d.loads().place(t, task)
		if to == "" {
			d.hold(t, why)
			return
		}
		d.add(Transition{Action: AssignTask, Task: t, To: to, Starts: task.Attempts + 1})
	}
}

// finished removes the tasks whose retention is over.
func (d *decider) finished() {
	if d.limits.Retention == 0 {
		return
	}
	for _, t := range d.view.Expired(d.limits.Retention, d.now) {
		if d.view.tasks[t].Leftover != nil && !d.view.Wanted(t) && !d.view.Held(t) {
			d.add(Transition{Action: CollectTask, Task: t})
		}
	}
	for _, e := range d.view.endings {
		if d.view.over(e) {
			continue
		}
		due := d.view.tasks[e.task].Done.Add(d.limits.Retention)
		if due.After(d.now) || !d.view.Held(e.task) { // its worker gives it back, and the master sees that
			d.WakeAt(due)
			break
		}
	}
}

// asked settles the requests of clients: a finished task is removed when no inbox holds it
// any more. Only this master could put it into an inbox.
func (d *decider) asked() {
	for i := range d.view.index.queues[requestedTasks].sorted() {
		if d.full() {
			return
		}
		task, czxid := d.view.tasks[i.name], d.view.asked[i.name]
		if task == nil || task.Phase != Finished || czxid != AnyLife && czxid != task.Czxid { // it was meant for an earlier task of that name
			d.add(Transition{Action: DropRequest, Task: i.name})
			continue
		}
		d.add(Transition{Action: CollectTask, Task: i.name})
	}
}
