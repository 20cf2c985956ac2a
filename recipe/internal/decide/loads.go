package decide

import (
	"cmp"
	"slices"
)

// loads has the load of each worker that takes tasks, while a pass decides. Workers are
// numbers here: their places in the order of their names.
type loads struct {
	workers   []Load // by name
	residents []int  // without those that are revoked
	free      int    // workers that take one more
	spread    bool   // a resident was placed
	strategy  Strategy

	emptiest *queue[int] // of byResidents, when it is needed
	idlest   *queue[int] // of byHeld, when it is needed
}

// newLoads costs as much as there are workers that take tasks.
func newLoads(v *View, limits Limits) *loads {
	takers := v.index.takers
	l := &loads{workers: make([]Load, len(takers)), residents: make([]int, len(takers)), strategy: limits.Strategy}
	most, fewest := 0, 0
	for i, w := range takers {
		load := Load{Worker: w.name, Held: w.held, Capacity: limits.PerWorker}
		if w.worker.Capacity > 0 {
			load.Capacity = min(load.Capacity, w.worker.Capacity)
		}
		l.workers[i], l.residents[i] = load, w.spread
		if load.Free() {
			l.free++
		}
		if i == 0 {
			most, fewest = w.spread, w.spread
		}
		most, fewest = max(most, w.spread), min(fewest, w.spread)
	}
	v.index.even = most-fewest < 2
	return l
}

// by is a queue of workers, by a number, and then by name.
func (l *loads) by(number func(i int) int, in func(i int) bool) *queue[int] {
	places := make([]int32, len(l.workers))
	q := newQueue(func(a, b int) bool { return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b)) < 0 },
		func(i int) *int32 { return &places[i] })
	for i := range l.workers {
		q.set(i, in(i))
	}
	return &q
}

// byResidents has the workers, those with the fewest residents first.
func (l *loads) byResidents() *queue[int] {
	if l.emptiest == nil {
		l.emptiest = l.by(func(i int) int { return l.residents[i] }, func(int) bool { return true })
	}
	return l.emptiest
}

// byHeld has the workers with a free place, those that hold the fewest tasks first.
func (l *loads) byHeld() *queue[int] {
	if l.idlest == nil {
		l.idlest = l.by(func(i int) int { return l.workers[i].Held }, func(i int) bool { return l.workers[i].Free() })
	}
	return l.idlest
}

// donors has the workers, those with the most residents first, then by name.
func (l *loads) donors() *queue[int] {
	return l.by(func(i int) int { return -l.residents[i] }, func(int) bool { return true })
}

// count changes how many residents a worker has.
func (l *loads) count(i, more int) {
	l.byResidents()
	l.residents[i] += more
	l.emptiest.set(i, true)
}

// place finds a worker for a task and takes the place there. "" means that it has to wait, for
// what the Hold says.
func (l *loads) place(name string, task *TaskView) (string, Hold) {
	if len(l.workers) == 0 {
		return "", Hold{Why: NoWorkerTakes}
	}
	if task.Options.Resident {
		w := l.fewest(task.Avoid)
		l.count(w, 1)
		l.spread = true
		return l.workers[w].Worker, Hold{}
	}
	if l.free == 0 {
		return "", Hold{Why: AllFull}
	}
	chosen, at, all := l.choose(name, task)
	switch {
	case chosen == "" && !all:
		return "", Hold{Why: OthersAreFull}
	case at < 0 || !l.workers[at].Free():
		return "", Hold{Why: StrategyWaits, Worker: chosen}
	}
	l.workers[at].Held++
	if l.idlest != nil {
		l.idlest.set(at, l.workers[at].Free())
	}
	if !l.workers[at].Free() {
		l.free--
	}
	return chosen, Hold{}
}

// choose asks the strategy for a worker. at is its number, or negative if there is no such
// worker; all says that the last choice was among all workers.
func (l *loads) choose(name string, task *TaskView) (chosen string, at int, all bool) {
	if l.strategy == nil {
		return l.leastLoaded(task.Avoid)
	}
	job := Job{Task: name, Options: task.Options, Attempts: int(task.Attempts)}
	for _, out := range l.offers(task.Avoid) {
		workers := l.workers
		if len(out) > 0 {
			workers = slices.DeleteFunc(slices.Clone(workers), func(w Load) bool { return slices.Contains(out, w.Worker) })
		}
		all = len(workers) == len(l.workers)
		if chosen = l.strategy(job, workers); chosen != "" || !slices.ContainsFunc(workers, Load.Free) {
			break // if none of these workers is free, the task waits rather than go to a worker that it avoids
		}
	}
	return chosen, l.number(chosen), all
}

// leastLoaded is choose for LeastLoaded: if that chooses no worker, none of those that it may
// choose from is free.
func (l *loads) leastLoaded(avoid []string) (chosen string, at int, all bool) {
	out := l.offers(avoid)[0]
	for i := range l.byHeld().sorted() {
		if w := l.workers[i].Worker; !slices.Contains(out, w) {
			return w, i, true
		}
	}
	return "", -1, false
}

// number is the number of a worker, or -1 if it takes no tasks.
func (l *loads) number(worker string) int {
	at, found := slices.BinarySearchFunc(l.workers, worker, func(w Load, name string) int { return cmp.Compare(w.Worker, name) })
	if !found {
		return -1
	}
	return at
}

// offers returns the workers that a task is not offered, the best offer first: those that it
// avoids; the one that it avoids since last; and none. There is at least one offer, and each
// leaves a worker if there is one.
func (l *loads) offers(avoid []string) [][]string {
	var offers [][]string
	for _, out := range [][]string{avoid, avoid[max(len(avoid)-1, 0):]} {
		if len(out) == 0 {
			break
		}
		if l.without(out) > 0 {
			offers = append(offers, out)
		}
	}
	return append(offers, nil)
}

// without is how many workers are left without some.
func (l *loads) without(out []string) int {
	left := len(l.workers)
	for i, name := range out {
		if l.number(name) >= 0 && !slices.Contains(out[:i], name) {
			left--
		}
	}
	return left
}

// fewest is the worker with the fewest resident tasks of the best offer. There is one if any
// worker takes tasks.
func (l *loads) fewest(avoid []string) int {
	out := l.offers(avoid)[0]
	for i := range l.byResidents().sorted() {
		if !slices.Contains(out, l.workers[i].Worker) {
			return i
		}
	}
	return -1
}
