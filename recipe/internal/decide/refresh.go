package decide

import (
	"cmp"
	"slices"
)

// refresh brings the indexes up to date with what may have changed. Workers come first, because
// the facts of tasks depend on the standing of their workers.
func (v *View) refresh() {
	x := v.index
	for _, w := range x.markedWorkers {
		w.marked = false
		x.setStanding(w, w.worker.standing())
		x.unclaimed.set(w, w.worker.unclaimed())
	}
	x.markedWorkers = x.markedWorkers[:0]
	for _, t := range x.marked {
		t.marked = false
		v.refreshTask(t)
	}
	clear(x.marked)
	x.marked = x.marked[:0]
}

func (v *View) refreshTask(t *taskIndex) {
	for _, h := range t.holdings {
		v.index.setStake(h, v.stake(h))
	}
	v.index.setFacts(t, v.facts(t))
	if v.tasks[t.name] == nil && len(t.holdings) == 0 && !v.Wanted(t.name) {
		delete(v.index.tasks, t.name)
	}
}

// setStanding takes over the standing of a worker. If it has changed, all its assignments are
// looked at again.
func (x *index) setStanding(w *workerIndex, now standing) {
	if now == w.standing {
		return
	}
	at, taker := slices.BinarySearchFunc(x.takers, w.name, func(w *workerIndex, name string) int { return cmp.Compare(w.name, name) })
	switch {
	case now.bar == NoBar && !taker:
		x.takers = slices.Insert(x.takers, at, w)
	case now.bar != NoBar && taker:
		x.takers = slices.Delete(x.takers, at, at+1)
	}
	x.alive += count(now.alive) - count(w.standing.alive)
	x.inboxes.set(w, now.noInbox)
	x.even = false
	w.standing = now
	for _, h := range w.worker.tasks {
		x.markTask(h.task)
	}
}

// setStake takes over how an assignment counts.
func (x *index) setStake(h *holding, now stake) {
	before := h.stake
	if now == before {
		return
	}
	w := h.worker
	w.held += count(now.ordinary) - count(before.ordinary)
	w.spread += count(now.stays) - count(before.stays)
	w.look.set(h, now.look)
	w.movable.set(h, now.movable)
	x.lookers.set(w, w.look.len() > 0)
	x.even = x.even && now.stays == before.stays
	h.stake = now
}

// setFacts takes over the facts of a task, and sorts it into the queues.
func (x *index) setFacts(t *taskIndex, now facts) {
	before := t.facts
	if now == before {
		return
	}
	t.facts = now
	x.floats += now.floats - before.floats
	x.wary += count(now.wary) - count(before.wary)
	for q := range x.queues {
		if (now.in|before.in)>>q&1 == 1 {
			x.queues[q].set(t, now.has(taskQueue(q)))
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
