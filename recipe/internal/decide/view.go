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

// TaskView is one task in the master's view. Everything but phase may be set
// directly; Phase is changed by View.SetPhase alone.
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
	Tasks       map[string]bool      // assigned to it
	Taken       map[string]time.Time // those of Tasks that the master wants back at once, and since when
}

// ending is an entry of a finished task; it is stale when the task has a later entry.
type ending struct {
	task   string
	number int
}

// View is the master's picture of the tree. The master reads it after its election, and
// updates it by its own writes and by reading again what may have changed. The View may be
// out of date: the claim and the checks in each write make decisions from it safe.
type View struct {
	Workers map[string]*workerView
	Tasks   map[string]*TaskView

	Counts  [phases]int
	Dirty   map[string]bool  // tasks that are to be read again
	Waiting map[string]bool  // tasks that are pending
	Special map[string]bool  // tasks that are resident or must show progress
	Asked   map[string]int64 // tasks that clients want to be removed: czxid of the task that is meant, or AnyLife
	endings []ending         // of tasks, first come first; some may be over
	ended   int              // endings so far

	TouchedWorkers, TouchedTasks map[string]bool // changed since publish
}

func NewView() *View {
	return &View{
		Workers: map[string]*workerView{}, Tasks: map[string]*TaskView{}, Dirty: map[string]bool{}, Waiting: map[string]bool{}, Special: map[string]bool{}, Asked: map[string]int64{},
		TouchedWorkers: map[string]bool{}, TouchedTasks: map[string]bool{},
	}
}

func (v *View) WorkerNames() []string { return slices.Sorted(maps.Keys(v.Workers)) }

func (v *View) Worker(name string) *workerView {
	w := v.Workers[name]
	if w == nil {
		w = &workerView{Tasks: map[string]bool{}, Taken: map[string]time.Time{}}
		v.Workers[name] = w
	}
	return w
}

func (v *View) Task(name string) *TaskView {
	t := v.Tasks[name]
	if t == nil {
		t = &TaskView{}
		v.Tasks[name] = t
		v.Counts[Unread]++
	}
	return t
}

// SetPhase brings a task into a phase.
func (v *View) SetPhase(name string, p TaskPhase, now time.Time) *TaskView {
	t := v.Task(name)
	v.TouchedTasks[name] = true
	v.Counts[t.Phase]--
	v.Counts[p]++
	if p == Pending {
		v.Waiting[name] = true
	} else {
		delete(v.Waiting, name)
	}
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
	t := v.Tasks[name]
	if t == nil {
		return
	}
	v.Counts[t.Phase]--
	delete(v.Waiting, name)
	delete(v.Special, name)
	delete(v.Dirty, name)
	delete(v.Tasks, name)
	v.TouchedTasks[name] = true
}

// SetOptions takes over the options of a task, once.
func (v *View) SetOptions(name string, o Options, czxid int64) {
	t := v.Task(name)
	t.Known, t.Options, t.Czxid = true, o, czxid
	if o.Resident || o.HeartbeatTimeout > 0 {
		v.Special[name] = true
	}
}

// SetHolder sets the worker of a task. Its heartbeat timeout starts again with every
// execution, and only then.
func (t *TaskView) SetHolder(worker string, now time.Time) {
	t.Worker = worker
	if t.Watched.Worker != worker || t.Watched.Attempt != t.Attempts+1 {
		t.Watched = progressSeen{Worker: worker, Attempt: t.Attempts + 1, At: now, NextCheck: now}
	}
}

// Unconfirmed lists at most so many finished tasks whose status has not been read.
func (v *View) Unconfirmed(most int) []string {
	var names []string
	for _, e := range v.endings {
		if len(names) == most {
			break
		}
		if !v.over(e) && !v.Tasks[e.task].Confirmed {
			names = append(names, e.task)
		}
	}
	return names
}

// DropStaleEndings drops the entries in front that are over.
func (v *View) DropStaleEndings() {
	for len(v.endings) > 0 && v.over(v.endings[0]) {
		v.endings = v.endings[1:]
	}
}

// AnyLife is the czxid of a request that names none: clients of earlier builds make such
// requests, and so do operators by hand.
const AnyLife = 0
