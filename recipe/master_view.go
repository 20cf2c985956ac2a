package recipe

import (
	"maps"
	"slices"
	"time"
)

// phase is what the master knows of a task.
type phase uint8

const (
	unread   phase = iota // seen by name only
	pending               // nobody is to execute it
	assigned              // there is an assignment for it
	finished              // it has its status
	phases
)

// taskView is one task in the master's view. Everything but phase may be set
// directly; phase is changed by view.setPhase alone.
type taskView struct {
	phase    phase
	options  Options
	known    bool    // the options have been read; they never change
	czxid    int64   // of its znode: the order of submission
	attempts int32   // that have ended without a result
	records  []int32 // attempts that are on record, in order
	left     int32   // attempts that ended because their workers left
	worker   string  // that it is assigned to
	token    Token   // of the last assignment, if this master made it; otherwise zero
	revoked  bool    // the worker has been told to give it back

	due     time.Time // it is not assigned before
	waiting time.Time // since when it could have been
	avoid   []string  // workers that were silent about it, or lost with it

	watched progressSeen // of the execution that is assigned, if the task asks for it

	done      time.Time // when its status was first seen
	confirmed bool      // its status is there to stay
	ending    int       // its entry in view.endings
	leftover  *leftover // what to delete when its retention is over
}

// progressSeen is what the master has seen of the progress of one execution.
type progressSeen struct {
	worker    string
	attempt   int32
	mzxid     int64     // of the progress
	at        time.Time // when that, or the assignment, was first seen
	nextCheck time.Time // when to look again
}

// leftover is a finished task as it was when it was last read.
type leftover struct {
	version  int32 // of the task
	children []string
	status   int32 // version of the status
}

// workerView is one worker in the master's view: listed if /workers/<w> exists,
// alive if that is the ephemeral of a session, known if /assign/<w> exists.
type workerView struct {
	listed      bool
	stray       bool // /workers/<w> was seen to be no ephemeral of a session
	alive       bool
	known       bool
	quarantined bool // it is quarantined: it is given nothing, and nothing is taken from it
	incarnation int32
	claimed     bool // what follows is what this incarnation says
	heard       bool // it has been read what some incarnation says
	capacity    int  // that it claims; 0 for none
	retiring    bool
	outdated    bool                 // it knows less than the znodes have: it is given nothing
	acks        bool                 // it gives back itself what is taken from it
	fenced      bool                 // a master has taken its claim away
	format      int                  // the newest that it knows; 0 until its claim has been read
	tasks       map[string]bool      // assigned to it
	taken       map[string]time.Time // those of them that it was told to give back at once, and when
}

// ending is an entry of a finished task; it is over when the task has another.
type ending struct {
	task   string
	number int
}

// view is the master's picture of the tree, read after its election and kept by
// its own writes and by reading again whatever may have changed. It is only ever
// a guess: the claim and the checks in each write make acting on it safe.
type view struct {
	workers map[string]*workerView
	tasks   map[string]*taskView

	counts  [phases]int
	dirty   map[string]bool  // tasks that are to be read again
	waiting map[string]bool  // tasks that are pending
	special map[string]bool  // tasks that are resident or must show progress
	asked   map[string]int64 // tasks that clients want to be removed: czxid of the one that is meant, or anyLife
	endings []ending         // of tasks, first come first; some may be over
	ended   int              // endings so far

	touchedWorkers, touchedTasks map[string]bool // changed since publish
}

func newView() *view {
	return &view{
		workers: map[string]*workerView{}, tasks: map[string]*taskView{}, dirty: map[string]bool{}, waiting: map[string]bool{}, special: map[string]bool{}, asked: map[string]int64{},
		touchedWorkers: map[string]bool{}, touchedTasks: map[string]bool{},
	}
}

func (v *view) workerNames() []string { return slices.Sorted(maps.Keys(v.workers)) }

func (v *view) worker(name string) *workerView {
	w := v.workers[name]
	if w == nil {
		w = &workerView{tasks: map[string]bool{}, taken: map[string]time.Time{}}
		v.workers[name] = w
	}
	return w
}

func (v *view) task(name string) *taskView {
	t := v.tasks[name]
	if t == nil {
		t = &taskView{}
		v.tasks[name] = t
		v.counts[unread]++
	}
	return t
}

// setPhase brings a task into a phase.
func (v *view) setPhase(name string, p phase, now time.Time) *taskView {
	t := v.task(name)
	v.touchedTasks[name] = true
	v.counts[t.phase]--
	v.counts[p]++
	if p == pending {
		v.waiting[name] = true
	} else {
		delete(v.waiting, name)
	}
	if p == pending && t.phase != pending {
		t.waiting = now
	}
	if p == finished && t.phase != finished {
		v.ended++
		t.done, t.ending = now, v.ended
		v.endings = append(v.endings, ending{name, v.ended})
		t.token = Token{}
	}
	if p == pending || p == finished {
		t.worker, t.revoked = "", false
	}
	t.phase = p
	if len(v.endings) > 2*v.counts[finished]+spareEndings {
		v.endings = slices.DeleteFunc(v.endings, v.over)
	}
	return t
}

// spareEndings is how many endings that are over are kept, and as many as there are
// finished tasks: clients collect tasks in any order, for as long as a master leads.
const spareEndings = 1000

// forget removes a task that is gone.
func (v *view) forget(name string) {
	t := v.tasks[name]
	if t == nil {
		return
	}
	v.counts[t.phase]--
	delete(v.waiting, name)
	delete(v.special, name)
	delete(v.dirty, name)
	delete(v.tasks, name)
	v.touchedTasks[name] = true
}

// setOptions takes over the options of a task, once.
func (v *view) setOptions(name string, o Options, czxid int64) {
	t := v.task(name)
	t.known, t.options, t.czxid = true, o, czxid
	if o.Resident || o.HeartbeatTimeout > 0 {
		v.special[name] = true
	}
}

// setHolder notes who is to execute a task now: its silence counts anew for every
// execution, and only then.
func (t *taskView) setHolder(worker string, now time.Time) {
	t.worker = worker
	if t.watched.worker != worker || t.watched.attempt != t.attempts+1 {
		t.watched = progressSeen{worker: worker, attempt: t.attempts + 1, at: now, nextCheck: now}
	}
}

// unconfirmed lists finished tasks whose status has not been looked at, so many at most.
func (v *view) unconfirmed(most int) []string {
	var names []string
	for _, e := range v.endings {
		if len(names) == most {
			break
		}
		if !v.over(e) && !v.tasks[e.task].confirmed {
			names = append(names, e.task)
		}
	}
	return names
}
