package decide

import (
	"fmt"
	"reflect"
	"slices"
)

// CheckEachPass makes Decide and Explain check the indexes of their view first, and panic if
// they are wrong. That costs as much as there is in the view; it is for tests.
var CheckEachPass bool

// CheckIndexes computes all indexes anew, and returns an error that names the first difference.
// A difference means that a task or a worker was changed through a pointer that was older than
// the last question to the view: ask the view for the task or worker again before the change.
func (v *View) CheckIndexes() error {
	v.refresh()
	for name, w := range v.workers {
		if err := v.checkWorker(name, w); err != nil {
			return err
		}
	}
	for name := range v.tasks {
		if v.index.tasks[name] == nil {
			return fmt.Errorf("the index lacks task %q", name)
		}
	}
	for name := range v.asked {
		if v.index.tasks[name] == nil {
			return fmt.Errorf("the index lacks the request for task %q", name)
		}
	}
	x := v.index
	floats, wary := 0, 0
	for name, t := range x.tasks {
		if v.tasks[name] == nil && len(t.holdings) == 0 && !v.Wanted(name) {
			return fmt.Errorf("the index has task %q, which is nowhere", name)
		}
		if now := v.facts(t); now != t.facts {
			return fmt.Errorf("the index of task %q has %+v, but it is %+v", name, t.facts, now)
		}
		floats += t.facts.floats
		wary += count(t.facts.wary)
	}
	if floats != x.floats || wary != x.wary {
		return fmt.Errorf("the index counts %d and %d residents on the move, but it is %d and %d", x.floats, x.wary, floats, wary)
	}
	for q := range x.queues {
		if err := checkQueue(&x.queues[q], x.tasks, func(t *taskIndex) bool { return t.facts.has(taskQueue(q)) }); err != nil {
			return fmt.Errorf("queue %d of tasks: %w", q, err)
		}
	}
	return v.checkWorkers()
}

// checkWorker compares what the index has of one worker.
func (v *View) checkWorker(name string, w *workerView) error {
	x := w.index
	if v.index.workers[name] != x || x.worker != w || x.name != name {
		return fmt.Errorf("the index has another worker %q", name)
	}
	if now := w.standing(); now != x.standing {
		return fmt.Errorf("the index of worker %q has %+v, but it is %+v", name, x.standing, now)
	}
	held, spread := 0, 0
	for t, h := range w.tasks {
		if h.worker != x || h.task != v.index.tasks[t] || !slices.Contains(h.task.holdings, h) {
			return fmt.Errorf("the index has another assignment of task %q to worker %q", t, name)
		}
		if now := v.stake(h); now != h.stake {
			return fmt.Errorf("the index of task %q at worker %q has %+v, but it is %+v", t, name, h.stake, now)
		}
		held += count(h.stake.ordinary)
		spread += count(h.stake.stays)
	}
	if held != x.held || spread != x.spread {
		return fmt.Errorf("the index of worker %q counts %d tasks and %d residents, but it is %d and %d", name, x.held, x.spread, held, spread)
	}
	if err := checkQueue(&x.look, w.tasks, func(h *holding) bool { return h.stake.look }); err != nil {
		return fmt.Errorf("assignments to look at of worker %q: %w", name, err)
	}
	if err := checkQueue(&x.movable, w.tasks, func(h *holding) bool { return h.stake.movable }); err != nil {
		return fmt.Errorf("movable residents of worker %q: %w", name, err)
	}
	return nil
}

// checkWorkers compares what the index has of all workers together.
func (v *View) checkWorkers() error {
	x := v.index
	alive := 0
	var takers []*workerIndex
	for _, name := range v.WorkerNames() {
		w := v.workers[name]
		if alive += count(w.Alive); w.Bar() == NoBar {
			takers = append(takers, w.index)
		}
	}
	if alive != x.alive || !slices.Equal(takers, x.takers) || len(v.WorkerNames()) != len(v.workers) || len(x.workers) != len(v.workers) {
		return fmt.Errorf("the index has %d live workers and %d that take tasks of %d, but it is %d and %d of %d", x.alive, len(x.takers), len(x.workers), alive, len(takers), len(v.workers))
	}
	if x.even {
		spread := func(a, b *workerIndex) int { return a.spread - b.spread }
		if len(takers) > 0 && slices.MaxFunc(takers, spread).spread-slices.MinFunc(takers, spread).spread > 1 {
			return fmt.Errorf("the index says that residents are spread evenly, and they are not")
		}
	}
	if err := checkQueue(&x.lookers, x.workers, func(w *workerIndex) bool { return w.look.len() > 0 }); err != nil {
		return fmt.Errorf("workers to look at: %w", err)
	}
	if err := checkQueue(&x.unclaimed, x.workers, func(w *workerIndex) bool { return w.worker.unclaimed() }); err != nil {
		return fmt.Errorf("workers whose claims are to be read: %w", err)
	}
	if err := checkQueue(&x.inboxes, x.workers, func(w *workerIndex) bool { return w.standing.noInbox }); err != nil {
		return fmt.Errorf("workers without an inbox: %w", err)
	}
	return nil
}

// checkQueue checks that a queue has those of all that belong to it, and is in order.
func checkQueue[T any](q *queue[T], all map[string]T, belongs func(T) bool) error {
	members := 0
	for name, x := range all {
		if belongs(x) != q.has(x) {
			return fmt.Errorf("%q belongs there: %v, and is there: %v", name, belongs(x), q.has(x))
		}
		members += count(q.has(x))
	}
	if members != q.len() {
		return fmt.Errorf("%d belong there, and %d are", members, q.len())
	}
	for at, x := range q.members {
		if int(*q.place(x)) != at+1 || at > 0 && q.before(x, q.members[(at-1)/2]) {
			return fmt.Errorf("%+v is not at its place", reflect.ValueOf(x))
		}
	}
	return nil
}
