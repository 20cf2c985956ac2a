package world

import (
	"maps"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// properties lists the judged properties with their meanings. They have the harness's names
// if the harness judges them too.
var properties = []subject.Property{
	{Name: "SingleMaster", Says: "what a master writes carries the epoch that is the highest; no two masters lead whose sessions live"},
	{Name: "NoLostTask", Says: "a task that was accepted is there until it is collected with its status"},
	{Name: "NoDoubleResult", Says: "a status is never changed"},
	{Name: "NoPhantomTask", Says: "every task was submitted, and one submission makes one task"},
	{Name: "NoOrphan", Says: "nothing is assigned to a worker that is not there, and no master makes an inbox for it"},
	{Name: "ResultFromItsAttempt", Says: "a result comes from the assignment and the incarnation that it is of; what is recorded of an attempt has the token of its assignment"},
	{Name: "UniqueAttempts", Says: "no two executions of a task have the same token, and later ones have greater ones"},
	{Name: "AtomicTransitions", Says: "no task is between two states: assigned twice, or assigned and ended, or removed in part and not ended; an assignment goes only in one write with what comes instead"},
	{Name: "GivenBack", Says: "what a worker holds that is there goes only by a write of that worker, and a task only when nobody holds it"},
	{Name: "NobodyStarves", Says: "whatever is cancelled or taken, the claim of a worker that is there changes only by a write of that worker, so none of its writes is refused for that, where no process is stopped"},
	{Name: "BudgetKept", Says: "a task fails after the attempts that it is allowed, not before, and none comes after"},
	{Name: "LeavesNothing", Says: "a worker that has said that it leaves finishes what it holds first, where no process dies and no session is lost"},
	{Name: "ResidentExclusive", Says: "no two handlers of a resident task run at the same time, but for those of workers whose sessions were ended by force"},
	{Name: "ConcurrencyKept", Says: "no worker runs more handlers of ordinary tasks at a time than it may"},
	{Name: "NoEarlyStart", Says: "no task is assigned before its time by the clock of a master"},
	{Name: "RetentionKept", Says: "no finished task is gone before its retention is over by the clock of a master"},
	{Name: "StaleEffectsFenced", Says: "outside ZooKeeper no smaller token acts after a greater one"},
	{Name: "ToldTruly", Says: "the status that a client is told is the one that is recorded"},
	{Name: "GoalStaysReachable", Says: "from every state each task can still end and its client can hear of it, or come to where it stays, without another fault"},
	{Name: "NoCrash", Says: "no program panics"},
}

// judge holds the properties.
type judge struct{ config Config }

// Write implements explore.Judge.
func (j judge) Write(w explore.Write) []explore.Violation {
	if w.Err != nil {
		return nil
	}
	var f worlds.Findings
	before, after := look(w.Before), look(w.After)
	for _, name := range slices.Sorted(maps.Keys(after.tasks)) {
		was, is := before.tasks[name], after.tasks[name]
		if was == nil {
			was = &task{}
		}
		j.assigned(&f, w, name, was, is, before)
		j.ended(&f, w, name, was, is, before)
		j.shape(&f, name, is, after.tasks)
	}
	for _, name := range slices.Sorted(maps.Keys(before.tasks)) {
		was, is := before.tasks[name], after.tasks[name]
		if is == nil {
			is = &task{}
		}
		if was.exists && was.status == nil && !is.exists {
			f.Violate("NoLostTask", "%s is deleted without a status", name)
		}
		j.released(&f, w, name, was, is)
		j.parted(&f, w, name, was, is)
		j.givenBack(&f, w, name, was, is, before)
	}
	j.starved(&f, w, before, after)
	j.opened(&f, w, before, after)
	return f
}

// opened judges inboxes that masters make. Each worker makes its own before it registers.
func (j judge) opened(f *worlds.Findings, w explore.Write, before, after picture) {
	for _, worker := range slices.Sorted(maps.Keys(after.inbox)) {
		_, old := before.inbox[worker]
		if _, there := before.worker[worker]; !old && !there && strings.HasPrefix(w.Process, "master") {
			f.Violate("NoOrphan", "%s makes an inbox for %s, which is not there", w.Process, worker)
		}
	}
}

// starved judges changes of workers' claims. A write of a worker checks only its claim and
// the znodes that it ends. So cancelled tasks refuse no other write of the worker, as long as
// no claim changes because of them. A stopped worker does not answer, and is fenced.
func (j judge) starved(f *worlds.Findings, w explore.Write, before, after picture) {
	if j.config.Bounds.Stops > 0 || j.config.Bounds.Sweeps > 0 {
		return
	}
	for _, worker := range slices.Sorted(maps.Keys(before.worker)) {
		was, is := before.inbox[worker].version, after.inbox[worker].version
		if was != is && workerName(w.Process) != worker {
			f.Violate("NobodyStarves", "%s changes the claim of %s, which is there, from version %d to %d: what it has under way is refused", w.Process, worker, was, is)
		}
	}
}

// givenBack judges assignments that are gone: an assignment is ended by its name, so
// that a worker which does not know that one was taken from it could end a later one.
func (j judge) givenBack(f *worlds.Findings, w explore.Write, name string, was, is *task, before picture) {
	for _, worker := range slices.Sorted(maps.Keys(was.assigned)) {
		r, in := was.assigned[worker], before.inbox[worker]
		_, there := before.worker[worker]
		own := r.Incarnation == in.version || in.Retiring && r.Incarnation == in.version-1
		if _, still := is.assigned[worker]; !still && there && own && workerName(w.Process) != worker {
			f.Violate("GivenBack", "%s takes %s from %s, which is there and may still record how attempt %d has ended", w.Process, name, worker, r.Attempt)
		}
	}
	if was.exists && !is.exists {
		for _, worker := range slices.Sorted(maps.Keys(is.assigned)) {
			f.Violate("GivenBack", "%s removes %s, which is assigned to %s", w.Process, name, worker)
		}
	}
}

// assigned judges assignments that are new.
func (j judge) assigned(f *worlds.Findings, w explore.Write, name string, was, is *task, before picture) {
	for _, worker := range slices.Sorted(maps.Keys(is.assigned)) {
		r := is.assigned[worker]
		if old, there := was.assigned[worker]; there && old == r {
			continue
		}
		if r.Epoch != before.epoch {
			f.Violate("SingleMaster", "%s assigns %s to %s in epoch %d, but epoch %d has begun", w.Process, name, worker, r.Epoch, before.epoch)
		}
		if newest := was.newest(); r.token() <= newest {
			f.Violate("UniqueAttempts", "%s is assigned with token %d.%d, and %d.%d was there before", name, r.Epoch, r.Attempt, newest>>32, newest&0xffffffff)
		}
		if _, alive := before.worker[worker]; !alive {
			f.Violate("NoOrphan", "%s is assigned to %s, which is not there", name, worker)
		}
	}
}

// ended judges statuses and records of attempts that are new.
func (j judge) ended(f *worlds.Findings, w explore.Write, name string, was, is *task, before picture) {
	if was.status != nil && is.exists && was.raw != is.raw {
		f.Violate("NoDoubleResult", "%s had the status %s and gets another: %s", name, was.raw, is.raw)
	}
	if is.status != nil && was.status == nil {
		j.result(f, w, name, was, is, before)
	}
	for _, n := range slices.Sorted(maps.Keys(is.attempts)) {
		if _, there := was.attempts[n]; there {
			continue
		}
		r := is.attempts[n]
		if given, ended := was.given(n); ended && given.token() != r.token() {
			f.Violate("ResultFromItsAttempt", "%s records attempt %d of %s with token %d.%d, which was assigned with %d.%d",
				w.Process, n, name, r.Epoch, r.Attempt, given.Epoch, given.Attempt)
		}
	}
}

// given is the assignment of an attempt.
func (t *task) given(attempt int32) (record, bool) {
	for _, r := range t.assigned {
		if r.Attempt == attempt {
			return r, true
		}
	}
	return record{}, false
}

// released judges removed assignments and new records of attempts. The write that removes an
// assignment also records the end of the attempt, or the task has a status from then on. Only
// an assignment of a task that is finished or gone may be removed alone.
func (j judge) released(f *worlds.Findings, w explore.Write, name string, was, is *task) {
	recorded := map[int32]bool{}
	for _, n := range slices.Sorted(maps.Keys(is.attempts)) {
		if _, before := was.attempts[n]; before {
			continue
		}
		recorded[n] = true
		_, had := was.given(n)
		if _, has := is.given(n); !had || has {
			f.Violate("AtomicTransitions", "%s records attempt %d of %s and takes no assignment of it away", w.Process, n, name)
		}
	}
	over := !was.exists || was.status != nil || is.status != nil
	for _, worker := range slices.Sorted(maps.Keys(was.assigned)) {
		r := was.assigned[worker]
		if now, there := is.assigned[worker]; there && now == r || over || recorded[r.Attempt] {
			continue
		}
		f.Violate("AtomicTransitions", "%s takes the assignment of %s from %s and puts nothing in its place", w.Process, name, worker)
	}
}

// removed lists the records of attempts that are gone.
func (t *task) removed(now *task) []int32 {
	var gone []int32
	for _, n := range slices.Sorted(maps.Keys(t.attempts)) {
		if _, there := now.attempts[n]; !there {
			gone = append(gone, n)
		}
	}
	return gone
}

// parted judges records removed from an existing task: the task must have ended, and no
// worker may hold it.
func (j judge) parted(f *worlds.Findings, w explore.Write, name string, was, is *task) {
	gone := was.removed(is)
	switch {
	case !is.exists || len(gone) == 0 || j.resident(name):
	case was.status == nil || is.status == nil:
		f.Violate("AtomicTransitions", "%s removes attempt %d of %s, which has no status or loses it", w.Process, gone[0], name)
	case len(was.assigned) > 0:
		f.Violate("AtomicTransitions", "%s removes attempt %d of %s, which is assigned to %v", w.Process, gone[0], name, slices.Sorted(maps.Keys(was.assigned)))
	}
}

// own is the assignment of the process that writes.
func (j judge) own(w explore.Write, name string, was *task) *record {
	if r, there := was.assigned[workerName(w.Process)]; there {
		return &r
	}
	return nil
}

// result judges a new status.
func (j judge) result(f *worlds.Findings, w explore.Write, name string, was, is *task, before picture) {
	switch is.status.State {
	case "done":
		own := j.own(w, name, was)
		if own == nil || own.token() != is.status.token() {
			f.Violate("ResultFromItsAttempt", "%s records a result of %s with token %d.%d, which is not assigned to it", w.Process, name, is.status.Epoch, is.status.Attempt)
		}
		if in := before.inbox[workerName(w.Process)]; own != nil && own.Incarnation < in.version && !in.Retiring {
			f.Violate("ResultFromItsAttempt", "%s records a result of %s, which was assigned to incarnation %d, but incarnation %d has begun",
				w.Process, name, own.Incarnation, in.version)
		}
		if is.status.Result != taskOf(is.payload) {
			f.Violate("ResultFromItsAttempt", "%s records %q as the result of %s, whose payload is %q", w.Process, is.status.Result, name, is.payload)
		}
	case "failed":
		if last := is.attempts[is.status.Attempt]; last.token() != is.status.token() {
			f.Violate("ResultFromItsAttempt", "%s fails %s with token %d.%d, but its last attempt had %d.%d",
				w.Process, name, is.status.Epoch, is.status.Attempt, last.Epoch, last.Attempt)
		}
		if spent := is.spent(len(is.attempts), j.config.Attempts); spent < j.config.Attempts {
			f.Violate("BudgetKept", "%s fails after %d attempts that count, %d are allowed", name, spent, j.config.Attempts)
		}
	}
}

// shape judges one task by itself: a crash between two writes would leave a wrong shape
// behind.
func (j judge) shape(f *worlds.Findings, name string, is *task, after map[string]*task) {
	if len(is.assigned) > 1 {
		f.Violate("AtomicTransitions", "%s is assigned to %v at the same time", name, slices.Sorted(maps.Keys(is.assigned)))
	}
	for _, worker := range slices.Sorted(maps.Keys(is.assigned)) {
		r := is.assigned[worker]
		if _, ended := is.attempts[r.Attempt]; ended {
			f.Violate("AtomicTransitions", "attempt %d of %s has ended, and it is still assigned to %s", r.Attempt, name, worker)
		}
		if is.status != nil && is.status.State != "cancelled" {
			f.Violate("AtomicTransitions", "%s is %s, and it is still assigned to %s", name, is.status.State, worker)
		}
		if spent := is.spent(int(r.Attempt), j.config.Attempts); spent > j.config.Attempts && !j.resident(name) {
			f.Violate("BudgetKept", "%s is assigned for attempt %d, the %dth that counts, and %d are allowed", name, r.Attempt, spent, j.config.Attempts)
		}
	}
	if is.exists && !j.wanted(name) {
		f.Violate("NoPhantomTask", "%s was never submitted", name)
	}
	if again := after[name+worlds.SecondTry]; is.exists && again != nil && again.exists {
		f.Violate("NoPhantomTask", "one submission has made two tasks, %s and %s", name, name+worlds.SecondTry)
	}
}

func (j judge) wanted(name string) bool {
	for n := 1; n <= j.config.Tasks; n++ {
		if strings.TrimSuffix(name, worlds.SecondTry) == taskName(n) {
			return true
		}
	}
	return false
}
