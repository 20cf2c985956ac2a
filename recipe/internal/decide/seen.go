package decide

import (
	"maps"
	"slices"
	"time"
)

// TaskPhase is the phase of a task in the master's view.
type TaskPhase uint8

const (
	Unread   TaskPhase = iota // seen by name only
	Pending                   // no worker is assigned
	Assigned                  // there is an assignment for it
	Finished                  // it has its status
	phases
)

// TaskView is one task in the master's view. Phase is changed by View.SetPhase alone. All
// else may be set directly, until the view is next asked for anything but a task or a worker:
// see View.
type TaskView struct {
	Phase    TaskPhase
	Options  Options
	Known    bool    // the options have been read; they never change
	Czxid    int64   // of its znode: the order of submission
	Attempts int32   // that have ended without a result
	Records  []int32 // attempts that are on record, in order
	Left     int32   // attempts that ended because their workers left
	Worker   string  // that it is assigned to
	Token    Token   // of the last assignment, if this master made it; otherwise zero
	Revoked  bool    // the master has asked the worker to give it back

	Due     time.Time // it is not assigned before
	Waiting time.Time // since when it could have been
	Avoid   []string  // workers that were silent about it, or lost with it

	Watched progressSeen // of the execution that is assigned, if the task asks for it

	Done      time.Time // when its status was first seen
	Confirmed bool      // its status is there to stay
	ending    int       // its entry in view.endings
	Leftover  *Leftover // what to delete when its retention is over

	dirty bool // it is to be read again
}

// progressSeen is the progress of one execution, as the master saw it last.
type progressSeen struct {
	Worker    string
	Attempt   int32
	Mzxid     int64     // of the progress
	At        time.Time // when that, or the assignment, was first seen
	NextCheck time.Time // when to look again
}

// Leftover is a finished task as it was when it was last read.
type Leftover struct {
	Version  int32 // of the task
	Children []string
	Status   int32 // version of the status
}

// workerView is one worker in the master's view: listed if /workers/<w> exists,
// alive if that is the ephemeral of a session, known if /assign/<w> exists.
type workerView struct {
	Listed      bool
	Stray       bool // /workers/<w> was seen to be no ephemeral of a session
	Alive       bool
	Known       bool
	Quarantined bool // it is quarantined: it is given nothing, and nothing is taken from it
	Incarnation int32
	Claimed     bool // the fields below are from the record of this incarnation
	Heard       bool // the record of some incarnation was read
	Capacity    int  // that it claims; 0 for none
	Retiring    bool
	Outdated    bool                 // it knows less than the znodes have, or its claim cannot be checked: it is given nothing
	Acks        bool                 // it gives back tasks itself when they are taken from it
	Fenced      bool                 // a master has taken its claim away
	Format      int                  // the newest that it knows; 0 until its claim has been read
	tasks       map[string]*holding  // assigned to it
	Taken       map[string]time.Time // those of its tasks that the master wants back at once, and since when

	index *workerIndex
}

// Has reports whether a task is assigned to the worker.
func (w *workerView) Has(task string) bool { return w.tasks[task] != nil }

// Tasks lists the tasks that are assigned to the worker, by name.
func (w *workerView) Tasks() []string { return slices.Sorted(maps.Keys(w.tasks)) }

// Held is how many tasks are assigned to the worker.
func (w *workerView) Held() int { return len(w.tasks) }

// SetHolder sets the worker of a task. Its heartbeat timeout starts again with every
// execution, and only then.
func (t *TaskView) SetHolder(worker string, now time.Time) {
	t.Worker = worker
	if t.Watched.Worker != worker || t.Watched.Attempt != t.Attempts+1 {
		t.Watched = progressSeen{Worker: worker, Attempt: t.Attempts + 1, At: now, NextCheck: now}
	}
}

// AvoidWorker adds a worker that does not get the task again as long as there are others. The
// worker that was added last is the last in the list.
func (t *TaskView) AvoidWorker(worker string) {
	others := slices.DeleteFunc(slices.Clone(t.Avoid), func(w string) bool { return w == worker })
	t.Avoid = append(others, worker)
}
