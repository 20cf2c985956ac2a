package decide

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// ending is an entry of a finished task; it is stale when the task has a later entry.
type ending struct {
	task   string
	number int
}

// View is the master's picture of the tree. The master reads it after its election, and
// updates it by its own writes and by reading again what may have changed. The View may be
// out of date: the claim and the checks in each write make decisions from it safe.
//
// A view keeps indexes, so that a decision costs as much as has changed. A caller that asks for
// a task or a worker gets a pointer, and may change what it points to. The view looks at those
// tasks and workers again before its next answer to a question for a decision or a list. After
// such a question the caller must ask for the pointer again before it changes anything.
// CheckIndexes finds the changes that were made through an older pointer.
type View struct {
	workers map[string]*workerView
	tasks   map[string]*TaskView

	Counts  [phases]int
	asked   map[string]int64 // tasks that clients want to be removed: czxid of the task that is meant, or AnyLife
	endings []ending         // of tasks, first come first; some may be over
	ended   int              // endings so far

	touchedWorkers, touchedTasks map[string]bool // changed since TakeTouched

	index *index
}

// NewView returns a view of an empty tree.
func NewView() *View {
	return &View{
		workers: map[string]*workerView{}, tasks: map[string]*TaskView{}, asked: map[string]int64{},
		touchedWorkers: map[string]bool{}, touchedTasks: map[string]bool{}, index: newIndex(),
	}
}

// WorkerNames lists all workers by name. The list must not be changed.
func (v *View) WorkerNames() []string {
	if v.index.names == nil {
		v.index.names = slices.Sorted(maps.Keys(v.workers))
	}
	return v.index.names
}

// Worker returns a worker, to be read or changed. A worker that is not there is added.
func (v *View) Worker(name string) *workerView {
	w := v.workers[name]
	if w == nil {
		w = &workerView{tasks: map[string]*holding{}, Taken: map[string]time.Time{}}
		w.index = v.index.newWorker(name, w)
		v.workers[name] = w
		v.index.names = nil
	}
	v.index.markWorker(w.index)
	return w
}

// FindWorker returns a worker, to be read or changed, or nil.
func (v *View) FindWorker(name string) *workerView {
	if v.workers[name] == nil {
		return nil
	}
	return v.Worker(name)
}

// ForgetWorker removes a worker to which no task is assigned, and that does not live.
func (v *View) ForgetWorker(name string) {
	w := v.workers[name]
	if w == nil || len(w.tasks) > 0 || w.Alive {
		return
	}
	v.refresh() // the index notes that it does not live
	delete(v.workers, name)
	delete(v.index.workers, name)
	v.index.names = nil
	v.TouchWorker(name)
}

// Workers has all workers, to be read or changed, in no order.
func (v *View) Workers() iter.Seq2[string, *workerView] {
	return func(yield func(string, *workerView) bool) {
		for name, w := range v.workers {
			v.index.markWorker(w.index)
			if !yield(name, w) {
				return
			}
		}
	}
}

// Alive is how many workers live.
func (v *View) Alive() int {
	v.refresh()
	return v.index.alive
}

// Task returns a task, to be read or changed. A task that is not there is added.
func (v *View) Task(name string) *TaskView {
	t := v.tasks[name]
	if t == nil {
		t = &TaskView{}
		v.tasks[name] = t
		v.Counts[Unread]++
	}
	v.index.mark(name)
	return t
}

// Find returns a task, to be read or changed, or nil.
func (v *View) Find(name string) *TaskView {
	if v.tasks[name] == nil {
		return nil
	}
	return v.Task(name)
}

// Tasks has all tasks, to be read or changed, in no order.
func (v *View) Tasks() iter.Seq2[string, *TaskView] {
	return func(yield func(string, *TaskView) bool) {
		for name, t := range v.tasks {
			v.index.mark(name)
			if !yield(name, t) {
				return
			}
		}
	}
}

// TaskNames has the names of all tasks, in no order.
func (v *View) TaskNames() iter.Seq[string] { return maps.Keys(v.tasks) }

// Phase is the phase of a task; Unread if it is not there.
func (v *View) Phase(name string) TaskPhase {
	if t := v.tasks[name]; t != nil {
		return t.Phase
	}
	return Unread
}

// Len is how many tasks there are.
func (v *View) Len() int { return len(v.tasks) }

// SetPhase brings a task into a phase.
func (v *View) SetPhase(name string, p TaskPhase, now time.Time) *TaskView {
	t := v.Task(name)
	v.touchTask(name)
	v.Counts[t.Phase]--
	v.Counts[p]++
	if p == Pending && t.Phase != Pending {
		t.Waiting = now
	}
	if p == Finished && t.Phase != Finished {
		v.ended++
		t.Done, t.ending = now, v.ended
		v.endings = append(v.endings, ending{name, v.ended})
		t.Token = Token{}
	}
	if p == Pending || p == Finished {
		t.Worker, t.Revoked = "", false
	}
	t.Phase = p
	if len(v.endings) > 2*v.Counts[Finished]+spareEndings {
		v.endings = slices.DeleteFunc(v.endings, v.over)
	}
	return t
}

// spareEndings is how many stale endings are kept, in addition to one for each finished task:
// clients collect tasks in any order, for as long as a master leads.
const spareEndings = 1000

// Forget removes a task that is gone.
func (v *View) Forget(name string) {
	t := v.tasks[name]
	if t == nil {
		return
	}
	v.Counts[t.Phase]--
	delete(v.tasks, name)
	v.index.mark(name)
	v.touchTask(name)
}

// SetOptions takes over the options of a task, once.
func (v *View) SetOptions(name string, o Options, czxid int64) {
	t := v.Task(name)
	t.Known, t.Options, t.Czxid = true, o, czxid
}

// AddAssignment notes that the inbox of a worker has a task.
func (v *View) AddAssignment(worker, task string) {
	w := v.Worker(worker)
	if w.tasks[task] == nil {
		w.tasks[task] = v.index.hold(w.index, task)
		v.index.moved = append(v.index.moved, Moved{worker, task})
	}
}

// DropAssignment notes that the inbox of a worker does not have a task.
func (v *View) DropAssignment(worker, task string) {
	w := v.Worker(worker)
	if h := w.tasks[task]; h != nil {
		delete(w.tasks, task)
		v.index.letGo(h)
		v.index.moved = append(v.index.moved, Moved{worker, task})
	}
}

// MarkDirty notes that a task is to be read again. Nothing is decided about a task that waits
// before that.
func (v *View) MarkDirty(task string) { v.Task(task).dirty = true }

// MarkClean notes that a task has been read.
func (v *View) MarkClean(task string) {
	if t := v.Find(task); t != nil {
		t.dirty = false
	}
}

// Ask notes that a client wants a task to be removed, and which one of that name.
func (v *View) Ask(task string, czxid int64) {
	v.asked[task] = czxid
	v.index.mark(task)
}

// DropRequest notes that no client wants a task to be removed.
func (v *View) DropRequest(task string) {
	delete(v.asked, task)
	v.index.mark(task)
}

// DropRequests does that for all tasks. It returns what was wanted.
func (v *View) DropRequests() map[string]int64 {
	for task := range v.asked {
		v.index.mark(task)
	}
	asked := v.asked
	v.asked = map[string]int64{}
	return asked
}

// Wanted reports whether a client has asked for a task to be removed.
func (v *View) Wanted(t string) bool {
	_, asked := v.asked[t]
	return asked
}

// Requests is how many tasks clients want to be removed.
func (v *View) Requests() int { return len(v.asked) }

// AnyLife is the czxid of a request that names none: clients of earlier builds make such
// requests, and so do operators by hand.
const AnyLife = 0
