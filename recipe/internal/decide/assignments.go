package decide

import (
	"slices"
	"time"
)

// assignments decides about the existing assignments, by worker and task: those whose task has
// ended or is gone, those of lost workers, and those that are silent. About any other there is
// nothing to decide.
func (d *decider) assignments() {
	silent := d.silent()
	for _, w := range d.lookers(silent) {
		worker := d.view.workers[w]
		if worker.Quarantined {
			for t := range worker.tasks {
				d.hold(t, Hold{Why: HolderQuarantined, Worker: w})
			}
			continue
		}
		if !d.inbox(w, worker, silent[w]) {
			return
		}
	}
}

// inbox decides about the assignments of one worker that the index lists, and about others,
// unless the pass has all the decisions that it may have.
func (d *decider) inbox(w string, worker *workerView, others []string) bool {
	for look := worker.index.look.cursor(); ; {
		h, ok := look.peek()
		if !ok && len(others) == 0 {
			return true
		}
		if d.full() {
			return false
		}
		if !ok || len(others) > 0 && others[0] < h.task.name {
			d.settle(others[0], w, worker)
			others = others[1:]
			continue
		}
		d.settle(h.task.name, w, worker)
		look.next()
	}
}

// lookers lists the workers with assignments to look at, by name. The others are those with
// silent tasks.
func (d *decider) lookers(others map[string][]string) []string {
	if d.holds != nil {
		return d.view.WorkerNames()
	}
	var names []string
	for _, w := range d.view.index.lookers.members {
		names = append(names, w.name)
	}
	for w := range others {
		if !d.view.index.lookers.has(d.view.workers[w].index) {
			names = append(names, w)
		}
	}
	slices.Sort(names)
	return names
}

// silent lists by worker the tasks that have shown no progress for too long, each list by name,
// and asks for another look when the next one is. If the caller asks why a task stays,
// it lists all tasks that no worker's index lists.
func (d *decider) silent() map[string][]string {
	names := map[string][]string{}
	if d.holds != nil {
		for w, worker := range d.view.workers {
			for t, h := range worker.tasks {
				if !h.stake.look {
					names[w] = append(names[w], t)
				}
			}
		}
	}
	for t := range d.view.index.queues[silentTasks].sorted() {
		if !d.now.After(t.facts.silent) {
			d.WakeAt(t.facts.silent.Add(time.Millisecond))
			break
		}
		for _, h := range t.holdings {
			if d.holds == nil && !h.stake.look && h.worker.standing.bar != BarQuarantined {
				names[h.worker.name] = append(names[h.worker.name], t.name)
			}
		}
	}
	for _, list := range names {
		slices.Sort(list)
	}
	return names
}
