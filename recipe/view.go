package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// phase is what the master knows of a task.
type phase uint8

const (
	unread   phase = iota // seen by name only
	pending               // nobody is to execute it
	assigned              // there is an assignment for it
	finished              // it has its status
)

// taskView is one task in the master's view.
type taskView struct {
	phase    phase
	attempts int32  // that have ended
	worker   string // that it is assigned to
}

// workerView is one worker in the master's view: alive if /workers/<w> exists,
// known if /assign/<w> does.
type workerView struct {
	alive       bool
	known       bool
	incarnation int32
	tasks       map[string]bool // assigned to it
}

// view is the master's picture of the tree, read after its election and kept by
// its own writes and by reading again whatever may have changed. It is only ever
// a guess: the claim and the checks in each write make acting on it safe.
type view struct {
	workers map[string]*workerView
	tasks   map[string]*taskView
}

func newView() *view {
	return &view{workers: map[string]*workerView{}, tasks: map[string]*taskView{}}
}

func (v *view) worker(name string) *workerView {
	w := v.workers[name]
	if w == nil {
		w = &workerView{tasks: map[string]bool{}}
		v.workers[name] = w
	}
	return w
}

func (v *view) task(name string) *taskView {
	t := v.tasks[name]
	if t == nil {
		t = &taskView{}
		v.tasks[name] = t
	}
	return t
}

// action is one kind of transition, under the name that the specification and
// the reports use.
type action string

const (
	assignTask   action = "AssignTask"   // create the assignment
	reassignTask action = "ReassignTask" // delete it here, record the attempt, create it there
	releaseTask  action = "ReleaseTask"  // delete it, record the attempt; nobody can take it now
	dropTask     action = "DropTask"     // delete it: the task is finished or gone
	failTask     action = "FailTask"     // record the last attempt, if it was running, and the status
	openInbox    action = "OpenInbox"    // create /assign/<w> for a worker made by hand
)

// transition is one decision, to be written as part of one multi.
type transition struct {
	action  action
	task    string
	from    string // worker that had it
	to      string // worker that is to have it
	attempt int32  // that ends (from) or that starts (to only)
}

// limits are the master's policy.
type limits struct {
	perWorker   int   // assignments that one worker holds at a time
	maxAttempts int32 // of one task, before it fails
	batch       int   // decisions in one pass
}

// decide says what to do in this view: the same view gives the same decisions in
// the same order.
func decide(v *view, l limits) []transition {
	var out []transition
	load := newLoads(v, l.perWorker)
	for _, w := range slices.Sorted(maps.Keys(v.workers)) {
		if worker := v.workers[w]; worker.alive && !worker.known {
			out = append(out, transition{action: openInbox, to: w})
		}
	}
	for _, w := range slices.Sorted(maps.Keys(v.workers)) {
		worker := v.workers[w]
		for _, t := range slices.SortedFunc(maps.Keys(worker.tasks), byAge) {
			if len(out) >= l.batch {
				return out
			}
			if d, ok := settle(v.tasks[t], t, w, worker.alive, load, l); ok {
				out = append(out, d)
			}
		}
	}
	for _, t := range v.pending() {
		if len(out) >= l.batch {
			return out
		}
		task := v.tasks[t]
		if task.attempts >= l.maxAttempts {
			out = append(out, transition{action: failTask, task: t, attempt: task.attempts})
		} else if to, ok := load.least(); ok {
			out = append(out, transition{action: assignTask, task: t, to: to, attempt: task.attempts + 1})
		}
	}
	return out
}

// pending lists the tasks that wait for a worker, oldest first.
func (v *view) pending() []string {
	var names []string
	for t, task := range v.tasks {
		if task.phase == pending {
			names = append(names, t)
		}
	}
	age := make(map[string]int64, len(names)) // read each number once, not at each comparison
	for _, t := range names {
		age[t] = sequence(t)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(age[a], age[b]), cmp.Compare(a, b)) })
	return names
}

// settle decides about an assignment that exists.
func settle(task *taskView, t, w string, alive bool, load *loads, l limits) (transition, bool) {
	switch {
	case task == nil || task.phase == finished:
		return transition{action: dropTask, task: t, from: w}, true
	case alive || task.phase == unread:
		return transition{}, false
	}
	ending := task.attempts + 1
	if ending >= l.maxAttempts {
		return transition{action: failTask, task: t, from: w, attempt: ending}, true
	}
	if to, ok := load.least(); ok {
		return transition{action: reassignTask, task: t, from: w, to: to, attempt: ending}, true
	}
	return transition{action: releaseTask, task: t, from: w, attempt: ending}, true
}

// loads counts what each live worker holds.
type loads struct {
	names []string
	held  map[string]int
	limit int
}

func newLoads(v *view, limit int) *loads {
	l := &loads{held: map[string]int{}, limit: limit}
	for _, w := range slices.Sorted(maps.Keys(v.workers)) {
		if worker := v.workers[w]; worker.alive && worker.known {
			l.names = append(l.names, w)
			l.held[w] = len(worker.tasks)
		}
	}
	return l
}

// least takes a place at the least loaded worker that has one free.
func (l *loads) least() (string, bool) {
	if len(l.names) == 0 {
		return "", false
	}
	w := slices.MinFunc(l.names, func(a, b string) int { return cmp.Compare(l.held[a], l.held[b]) })
	if l.held[w] >= l.limit {
		return "", false
	}
	l.held[w]++
	return w, true
}

// apply changes the view as the transition changed the tree.
func (v *view) apply(d transition) {
	if d.from != "" {
		delete(v.worker(d.from).tasks, d.task)
	}
	switch d.action {
	case openInbox:
		v.worker(d.to).known = true
	case assignTask, reassignTask:
		v.worker(d.to).tasks[d.task] = true
		*v.task(d.task) = taskView{phase: assigned, attempts: d.attempt, worker: d.to}
		if d.action == assignTask {
			v.task(d.task).attempts = d.attempt - 1
		}
	case releaseTask:
		*v.task(d.task) = taskView{phase: pending, attempts: d.attempt}
	case failTask:
		*v.task(d.task) = taskView{phase: finished, attempts: d.attempt}
	case dropTask:
	}
}

func (d transition) String() string {
	return fmt.Sprintf("%s %s %s->%s attempt %d", d.action, d.task, d.from, d.to, d.attempt)
}
