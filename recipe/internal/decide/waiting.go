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
	// The tasks of the first list fail, with or without a worker that takes tasks. Each of the
	// other lists waits while no worker takes its tasks.
	lists := [...]struct {
		tasks *cursor[*taskIndex]
		taken func() bool
	}{
		{d.view.index.queues[spentTasks].cursor(), func() bool { return true }},
		{d.view.index.queues[readyTasks].cursor(), func() bool { return d.loads().free > 0 }},
		{d.view.index.queues[readyResidents].cursor(), func() bool { return len(d.view.index.takers) > 0 }},
	}
	for !d.full() {
		var first *taskIndex
		var of *cursor[*taskIndex]
		for _, list := range lists {
			if t, ok := list.tasks.peek(); ok && list.taken() && (first == nil || inOrderOfAssignment(t, first)) {
				first, of = t, list.tasks
			}
		}
		if first == nil {
			return
		}
		d.wait(first.name)
		of.next()
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
