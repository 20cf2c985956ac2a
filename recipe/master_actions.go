package recipe

import (
	"cmp"
	"fmt"
	"time"
)

// action is one kind of transition. What it is called, what it does and how it changes
// the view stands in actionTable; how it is written stands in writeTable. An action that
// is added needs a row in each, and nothing else: tests refuse a table with a gap.
type action uint8

const (
	assignTask action = iota
	reassignTask
	releaseTask
	revokeTask
	dropTask
	takeTask
	fenceWorker
	failTask
	collectTask
	dropRequest
	pruneAttempts
	openInbox
	actions // how many there are
)

// actionRow is what the decisions know of one action.
type actionRow struct {
	name    string // as the specification and the reports have it
	explain string
	// ends says that an attempt of the task ends with it, whose token goes on record.
	ends bool
	// apply changes the view as the action changes the tree, in that epoch. That the
	// worker from which the assignment is taken has it no longer is done for all.
	apply func(v *view, d transition, epoch int32, now time.Time)
}

var actionTable = [actions]actionRow{
	assignTask:    {name: "AssignTask", explain: "create the assignment", apply: (*view).applyAssignment},
	reassignTask:  {name: "ReassignTask", explain: "delete the assignment of one worker, record the attempt, create that of another", ends: true, apply: (*view).applyAssignment},
	releaseTask:   {name: "ReleaseTask", explain: "delete the assignment and record the attempt; the task waits", ends: true, apply: (*view).applyRelease},
	revokeTask:    {name: "RevokeTask", explain: "tell the worker of a resident task to give it back", apply: (*view).applyRevocation},
	dropTask:      {name: "DropTask", explain: "delete the assignment: the task is finished or gone", apply: (*view).applyDrop},
	takeTask:      {name: "TakeTask", explain: "tell a worker that lives to give the task back at once", apply: (*view).applyTaking},
	fenceWorker:   {name: "FenceWorker", explain: "take the claim from a worker that does not answer", apply: (*view).applyFence},
	failTask:      {name: "FailTask", explain: "record the last attempt, if it was running, and the status", ends: true, apply: (*view).applyFailure},
	collectTask:   {name: "CollectTask", explain: "delete a finished task", apply: (*view).applyCollection},
	dropRequest:   {name: "DropRequest", explain: "delete the request to remove a task that is gone or not finished", apply: (*view).applyDroppedRequest},
	pruneAttempts: {name: "PruneAttempts", explain: "delete the oldest records of a resident task", apply: (*view).applyPruning},
	openInbox:     {name: "OpenInbox", explain: "create the inbox of a worker made by hand", apply: (*view).applyInbox},
}

// checkActions says what is missing in a table of actions.
func checkActions(table []actionRow) error {
	named := map[string]bool{}
	for a, row := range table {
		if row.name == "" || row.explain == "" || row.apply == nil || named[row.name] {
			return fmt.Errorf("action %d, %q: it needs a name of its own, an explanation, and what it does to the view", a, row.name)
		}
		named[row.name] = true
	}
	return nil
}

func (a action) String() string { return actionTable[a].name }

// explain says what the action does to the tree.
func (a action) explain() string { return actionTable[a].explain }

// ends reports whether an attempt of the task ends with the action.
func (a action) ends() bool { return actionTable[a].ends }

// transition is one decision, to be written as part of one multi. Which of the workers
// and of the attempts are given depends on the action; all others are empty.
type transition struct {
	action action
	task   string
	from   string // worker whose assignment of the task is deleted
	to     string // worker that is given the task
	holder string // worker that keeps what it has for now: it is told to give the task back, or loses its claim; or its inbox is opened
	ends   int32  // attempt that ends; of a task that waits and fails, the last one
	starts int32  // attempt that starts
	token  Token  // of the attempt that ends: the very one that its assignment had
	reason string // why the attempt ends
	avoid  bool   // the worker that had it is not given the task again, as long as there are others
	left   bool   // the attempt ends because its worker left
	due    time.Time
}

// workers are those that the transition is about.
func (d transition) workers() []string {
	var all []string
	for _, w := range []string{d.to, d.from, d.holder} {
		if w != "" {
			all = append(all, w)
		}
	}
	return all
}

// setToken notes the token of the attempt that ends. An assignment made by hand may have
// none, or one that is ahead of the record: its worker ran under that number.
func (d *transition) setToken(token Token) {
	if d.from != "" {
		d.ends = max(d.ends, token.Attempt)
	}
	if d.to != "" {
		d.starts = d.ends + 1
	}
	d.token = Token{Epoch: token.Epoch, Attempt: d.ends}
}

// String has the worker that the task comes to, or stays with, behind the arrow.
func (d transition) String() string {
	return fmt.Sprintf("%s %s %s->%s attempt %d", d.action, d.task, d.from, cmp.Or(d.to, d.holder), cmp.Or(d.ends, d.starts))
}

// apply changes the view as the transition changed the tree, in that epoch.
func (v *view) apply(d transition, epoch int32, now time.Time) {
	for _, w := range d.workers() {
		v.touchedWorkers[w] = true
	}
	if d.from != "" {
		delete(v.worker(d.from).tasks, d.task)
	}
	if d.from != "" && d.action.ends() {
		task := v.task(d.task)
		task.records = append(task.records, d.ends)
		if d.left && !task.options.Resident {
			task.left++
		}
	}
	actionTable[d.action].apply(v, d, epoch, now)
}

func (v *view) applyAssignment(d transition, epoch int32, now time.Time) {
	v.worker(d.to).tasks[d.task] = true
	task := v.setPhase(d.task, assigned, now)
	task.attempts, task.revoked = d.starts-1, false
	task.token = Token{Epoch: epoch, Attempt: d.starts}
	task.setHolder(d.to, now)
}

func (v *view) applyRelease(d transition, _ int32, now time.Time) {
	task := v.setPhase(d.task, pending, now)
	task.attempts, task.due = d.ends, d.due
	if d.avoid {
		task.avoidWorker(d.from)
	}
}

func (v *view) applyRevocation(d transition, _ int32, _ time.Time) {
	task := v.task(d.task)
	task.revoked = true
	if d.avoid {
		task.avoidWorker(d.holder)
	}
}

func (v *view) applyTaking(d transition, _ int32, now time.Time) {
	v.worker(d.holder).taken[d.task] = now
	if d.avoid {
		v.task(d.task).avoidWorker(d.holder)
	}
}

func (v *view) applyFence(d transition, _ int32, _ time.Time) {
	worker := v.worker(d.holder)
	worker.fenced = true
	worker.incarnation++
}

func (v *view) applyFailure(d transition, _ int32, now time.Time) {
	v.setPhase(d.task, finished, now).attempts = d.ends
}

func (v *view) applyCollection(d transition, _ int32, _ time.Time) {
	v.forget(d.task)
	delete(v.asked, d.task)
}

// applyDrop has nothing to do: a task that is finished or gone stays so.
func (v *view) applyDrop(transition, int32, time.Time) {}

func (v *view) applyDroppedRequest(d transition, _ int32, _ time.Time) { delete(v.asked, d.task) }

func (v *view) applyPruning(d transition, _ int32, _ time.Time) {
	task := v.task(d.task)
	task.records = task.records[len(task.records)-keptAttempts:]
}

func (v *view) applyInbox(d transition, _ int32, _ time.Time) { v.worker(d.holder).known = true }
