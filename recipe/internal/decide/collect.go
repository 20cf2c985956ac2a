package decide

import "time"

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

// Expired lists finished tasks whose retention is over, at most as many as one pass handles.
func (v *View) Expired(retention time.Duration, now time.Time) []string {
	const most = 100
	var names []string
	for _, e := range v.endings {
		if v.over(e) {
			continue
		}
		if len(names) == most || now.Sub(v.tasks[e.task].Done) < retention {
			break
		}
		names = append(names, e.task)
	}
	return names
}

// over reports whether an ending does not belong to a finished task any more.
func (v *View) over(e ending) bool {
	task := v.tasks[e.task]
	return task == nil || task.Phase != Finished || task.ending != e.number
}

// DropStaleEndings drops the entries in front that are over.
func (v *View) DropStaleEndings() {
	for len(v.endings) > 0 && v.over(v.endings[0]) {
		v.endings = v.endings[1:]
	}
}
