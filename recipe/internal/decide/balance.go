package decide

import (
	"cmp"
	"slices"
)

// residents spreads resident tasks evenly, and keeps their records short. It waits
// until every task has been read.
func (d *decider) residents() {
	if d.view.Counts[Unread] > 0 {
		return
	}
	d.balance()
	for t := range d.view.index.queues[longTasks].sorted() {
		if d.full() {
			return
		}
		d.add(Transition{Action: PruneAttempts, Task: t.name})
	}
}

// balance revokes resident tasks, as few as possible, from the workers that have the most,
// until all differ by one at most. A task is revoked only if it would move to another worker:
// a task that avoids all others would return to its worker and be revoked again, for ever.
//
// Residents on the move that avoid no worker only make the emptiest workers fuller. So there is
// nothing to do if no others are on the move, and the workers are even.
func (d *decider) balance() {
	x := d.view.index
	if len(x.takers) == 0 || x.even && x.wary == 0 && (d.places == nil || !d.places.spread) {
		return
	}
	l := d.loads()
	d.land(l)
	donors := l.donors() // workers that may have one to give
	movable := map[int]*cursor[*holding]{}
	for donors.len() > 0 && !d.full() {
		w, _ := donors.first()
		if emptiest, _ := l.byResidents().first(); l.residents[w]-l.residents[emptiest] < 2 {
			return
		}
		if movable[w] == nil {
			movable[w] = x.takers[w].movable.cursor()
		}
		h, ok := movable[w].peek()
		if !ok {
			donors.set(w, false)
			continue
		}
		movable[w].next()
		if d.settled[h.task.name] {
			continue
		}
		to := l.fewest(d.view.tasks[h.task.name].Avoid)
		if l.residents[w]-l.residents[to] < 2 {
			continue
		}
		l.count(w, -1)
		l.count(to, 1)
		donors.set(w, true)
		donors.set(to, donors.has(to))
		d.add(Transition{Action: RevokeTask, Task: h.task.name, Holder: x.takers[w].name})
	}
}

// land counts the residents on the move where they will be. In which order does not matter if
// none of them avoids a worker.
func (d *decider) land(l *loads) {
	x := d.view.index
	if x.wary == 0 {
		left := x.floats
		for t := range d.settled {
			if i := x.tasks[t]; i != nil {
				left -= i.facts.floats
			}
		}
		l.fill(left)
		return
	}
	for t := range x.queues[floatingTasks].sorted() {
		for range t.facts.floats {
			if !d.settled[t.name] {
				l.count(l.fewest(d.view.tasks[t.name].Avoid), 1)
			}
		}
	}
}

// fill counts so many more residents, each at the worker that has the fewest by then, the first
// by name of several. It costs as much as there are workers.
func (l *loads) fill(more int) {
	if more == 0 {
		return
	}
	order := make([]int, len(l.residents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l.residents[a], l.residents[b]) })
	low := 1 // so many workers have the fewest, when the loop ends
	for ; low < len(order); low++ {
		step := l.residents[order[low]] - l.residents[order[0]]
		if step*low > more {
			break
		}
		for _, i := range order[:low] {
			l.residents[i] += step
		}
		more -= step * low
	}
	order = order[:low]
	slices.Sort(order)
	for n, i := range order {
		l.residents[i] += more / low
		if n < more%low {
			l.residents[i]++
		}
	}
	l.emptiest = nil // its order is another now
}
