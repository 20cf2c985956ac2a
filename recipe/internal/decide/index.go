package decide

import (
	"cmp"
	"slices"
	"time"
)

// index has what decisions need to find without looking at everything. It is a function of the
// view, of the Limits and of the time of the last decision. facts, standing and stake are
// those functions, for one task, one worker and one assignment; CheckIndexes compares all.
type index struct {
	tasks     map[string]*taskIndex
	workers   map[string]*workerIndex
	queues    [taskQueues]queue[*taskIndex]
	lookers   queue[*workerIndex] // workers with assignments to look at, by name
	inboxes   queue[*workerIndex] // workers that need an inbox, by name
	unclaimed queue[*workerIndex] // workers whose claims are to be read, by name
	takers    []*workerIndex      // workers that take tasks, by name
	names     []string            // of all workers, in order; nil after a worker was added
	alive     int                 // workers that live

	floats int  // the sum of facts.floats
	wary   int  // the tasks with facts.wary
	even   bool // the takers are known to have the same number of residents, but for one

	limits Limits    // of the last decision
	now    time.Time // of the last decision

	marked        []*taskIndex // those that may have changed
	markedWorkers []*workerIndex
	touched       []string // tasks that were touched since TakeTouched, some more than once
	moved         []Moved  // assignments that have come or gone since TakeMoved, some more than once
}

// Derived says that an index needs no place in a snapshot of the master's state.
func (*index) Derived() {}

// taskQueue is one of the orders of tasks.
type taskQueue uint8

const (
	pendingTasks     taskQueue = iota // all that wait, in the order of assignment
	spentTasks                        // that wait and have no attempt left, in that order
	readyTasks                        // that wait and are due, in that order; residents are not among them
	readyResidents                    // the same of residents
	delayedTasks                      // that wait and are not due, by when they are
	delayedByWall                     // the same of those whose time is known by the wall clock only
	silentTasks                       // that must show progress to a worker that lives, by when that is too late
	watchedTasks                      // whose progress is read, by when
	dirtyFree                         // that are to be read again, and are in no inbox, by name
	dirtyHeld                         // that are to be read again, and are in an inbox, by name
	floatingTasks                     // residents that are to leave or wait, by name
	longTasks                         // residents with too many records, by name
	unconfirmedTasks                  // finished, without a look at their status, in the order of their ends
	doubtfulTasks                     // those of them that are in an inbox, by name
	requestedTasks                    // whose request for removal can be settled, by name
	unpreparedTasks                   // whose removal is asked for, and needs a look at what they have left, by name
	taskQueues
)

// taskOrders has the order of each queue.
var taskOrders = [taskQueues]func(a, b *taskIndex) bool{
	pendingTasks: inOrderOfAssignment, spentTasks: inOrderOfAssignment, readyTasks: inOrderOfAssignment, readyResidents: inOrderOfAssignment,
	delayedTasks: byTime(func(f *facts) time.Time { return f.due }), delayedByWall: byTime(func(f *facts) time.Time { return f.due }),
	silentTasks: byTime(func(f *facts) time.Time { return f.silent }), watchedTasks: byTime(func(f *facts) time.Time { return f.check }),
	dirtyFree: byName, dirtyHeld: byName, floatingTasks: byName, longTasks: byName, doubtfulTasks: byName, requestedTasks: byName, unpreparedTasks: byName,
	unconfirmedTasks: func(a, b *taskIndex) bool { return a.facts.ending < b.facts.ending },
}

func byName(a, b *taskIndex) bool { return a.name < b.name }

// inOrderOfAssignment is by priority, and then in the order of submission.
func inOrderOfAssignment(a, b *taskIndex) bool {
	return cmp.Or(cmp.Compare(b.facts.priority, a.facts.priority), cmp.Compare(a.facts.czxid, b.facts.czxid), cmp.Compare(a.name, b.name)) < 0
}

func byTime(of func(*facts) time.Time) func(a, b *taskIndex) bool {
	return func(a, b *taskIndex) bool {
		x, y := of(&a.facts), of(&b.facts)
		return x.Before(y) || !y.Before(x) && a.name < b.name
	}
}

// taskIndex is what the index has of one name of a task. The task may be gone, and still be in
// an inbox or be asked for.
type taskIndex struct {
	name     string
	holdings []*holding // in no order
	facts    facts
	places   [taskQueues]int32
	marked   bool
}

// facts are what the queues go by. They are a copy, because a queue must not change its order
// unnoticed.
type facts struct {
	in       uint32 // the queues that the task belongs to, a bit for each
	priority int
	czxid    int64
	ending   int
	due      time.Time
	silent   time.Time
	check    time.Time
	floats   int  // how often it counts as a resident that moves to the emptiest worker
	wary     bool // it counts, and avoids workers
}

func (f *facts) put(q taskQueue, in bool) {
	if in {
		f.in |= 1 << q
	}
}

func (f *facts) has(q taskQueue) bool { return f.in>>q&1 == 1 }

// workerIndex is what the index has of one worker.
type workerIndex struct {
	name     string
	worker   *workerView
	standing standing
	marked   bool

	held    int // assignments of tasks that are not resident
	spread  int // assignments of residents that are to stay
	look    queue[*holding]
	movable queue[*holding] // residents that may be revoked, the last name first

	lookers, inboxes, unclaimed int32 // places
}

func (*workerIndex) Derived() {}

// standing is what a worker's assignments depend on.
type standing struct {
	bar     Bar
	alive   bool
	lives   bool // alive, and has its claim
	noInbox bool // its inbox is to be created
}

// holding is one assignment.
type holding struct {
	task   *taskIndex
	worker *workerIndex
	stake  stake

	look, movable int32 // places
}

func (*holding) Derived() {}

// stake is how an assignment counts.
type stake struct {
	ordinary bool // it takes one of the worker's places
	stays    bool // it is of a resident that is not revoked
	look     bool // there is something to decide about it
	movable  bool // its resident may be revoked
}

func newIndex() *index {
	x := &index{
		tasks: map[string]*taskIndex{}, workers: map[string]*workerIndex{},
		lookers:   newQueue(workerByName, func(w *workerIndex) *int32 { return &w.lookers }),
		inboxes:   newQueue(workerByName, func(w *workerIndex) *int32 { return &w.inboxes }),
		unclaimed: newQueue(workerByName, func(w *workerIndex) *int32 { return &w.unclaimed }),
	}
	for q := range x.queues {
		x.queues[q] = newQueue(taskOrders[q], func(t *taskIndex) *int32 { return &t.places[q] })
	}
	return x
}

func workerByName(a, b *workerIndex) bool { return a.name < b.name }

func (x *index) newWorker(name string, w *workerView) *workerIndex {
	i := &workerIndex{name: name, worker: w, standing: standing{bar: BarLost}}
	i.look = newQueue(func(a, b *holding) bool { return a.task.name < b.task.name }, func(h *holding) *int32 { return &h.look })
	i.movable = newQueue(func(a, b *holding) bool { return a.task.name > b.task.name }, func(h *holding) *int32 { return &h.movable })
	x.workers[name] = i
	return i
}

func (x *index) markWorker(w *workerIndex) {
	if !w.marked {
		w.marked = true
		x.markedWorkers = append(x.markedWorkers, w)
	}
}

// mark notes that a task may have changed.
func (x *index) mark(name string) *taskIndex {
	t := x.tasks[name]
	if t == nil {
		t = &taskIndex{name: name}
		x.tasks[name] = t
	}
	x.markTask(t)
	return t
}

func (x *index) markTask(t *taskIndex) {
	if !t.marked {
		t.marked = true
		x.marked = append(x.marked, t)
	}
}

func (x *index) hold(w *workerIndex, task string) *holding {
	h := &holding{task: x.mark(task), worker: w}
	h.task.holdings = append(h.task.holdings, h)
	return h
}

func (x *index) letGo(h *holding) {
	x.setStake(h, stake{})
	h.task.holdings = slices.DeleteFunc(h.task.holdings, func(other *holding) bool { return other == h })
	x.markTask(h.task)
}
