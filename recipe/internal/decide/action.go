package decide

import (
	"cmp"
	"fmt"
	"time"
)

// Action is one kind of transition. A row of actionTable has the name of an action, its
// effect, and its change of the view. A row of the recipe's writeTable has its write. A test
// fails if a table has a gap. A new action also needs a place that decides it (decide.go says
// which file decides what), and the same rule in reference_test.go. And it is a new action of the protocol: the specification in spec/tla and the
// judges of what is on the wire do not know it yet, and refuse its write. docs/code.md lists
// the files.
type Action uint8

const (
	AssignTask Action = iota
	ReassignTask
	ReleaseTask
	RevokeTask
	DropTask
	TakeTask
	FenceWorker
	FailTask
	CollectTask
	DropRequest
	PruneAttempts
	OpenInbox
	Actions // how many there are
)

// actionRow describes one action for the decisions.
type actionRow struct {
	name    string // as the specification and the reports have it
	explain string
	// ends says that an attempt of the task ends with it, whose token goes on record.
	ends bool
	// apply changes the view as the action changes the tree, in that epoch. The removal from
	// the old worker's assignments is done for all actions by View.Apply.
	apply func(v *View, d Transition, epoch int32, now time.Time)
}

var actionTable = [Actions]actionRow{
	AssignTask:    {name: "AssignTask", explain: "create the assignment", apply: (*View).applyAssignment},
	ReassignTask:  {name: "ReassignTask", explain: "delete the assignment of one worker, record the attempt, create that of another", ends: true, apply: (*View).applyAssignment},
	ReleaseTask:   {name: "ReleaseTask", explain: "delete the assignment and record the attempt; the task waits", ends: true, apply: (*View).applyRelease},
	RevokeTask:    {name: "RevokeTask", explain: "tell the worker of a resident task to give it back", apply: (*View).applyRevocation},
	DropTask:      {name: "DropTask", explain: "delete the assignment: the task is finished or gone", apply: (*View).applyDrop},
	TakeTask:      {name: "TakeTask", explain: "tell a worker that lives to give the task back at once", apply: (*View).applyTaking},
	FenceWorker:   {name: "FenceWorker", explain: "take the claim from a worker that does not answer", apply: (*View).applyFence},
	FailTask:      {name: "FailTask", explain: "record the last attempt, if it was running, and the status", ends: true, apply: (*View).applyFailure},
	CollectTask:   {name: "CollectTask", explain: "delete a finished task", apply: (*View).applyCollection},
	DropRequest:   {name: "DropRequest", explain: "delete the request to remove a task that is gone or not finished", apply: (*View).applyDroppedRequest},
	PruneAttempts: {name: "PruneAttempts", explain: "delete the oldest records of a resident task", apply: (*View).applyPruning},
	OpenInbox:     {name: "OpenInbox", explain: "create the inbox of a worker made by hand", apply: (*View).applyInbox},
}

// checkActions returns an error if a row or a field is missing in a table of actions.
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

func (a Action) String() string { return actionTable[a].name }

// Explain describes the effect of the action on the tree.
func (a Action) Explain() string { return actionTable[a].explain }

// Ends reports whether an attempt of the task ends with the action.
func (a Action) Ends() bool { return actionTable[a].ends }

// Transition is one decision, to be written as part of one multi. Which of the workers
// and of the attempts are given depends on the action; all others are empty.
type Transition struct {
	Action Action
	Task   string
	From   string // worker whose assignment of the task is deleted
	To     string // worker that is given the task
	Holder string // worker whose inbox does not change yet: it must give the task back, or loses its claim; or its inbox is created
	Ends   int32  // attempt that ends; of a task that waits and fails, the last one
	Starts int32  // attempt that starts
	Token  Token  // of the attempt that ends, as its assignment has it
	Reason string // why the attempt ends
	Avoid  bool   // the worker that had it is not given the task again, as long as there are others
	Left   bool   // the attempt ends because its worker left
	Due    time.Time
}

// Workers returns the workers that the transition concerns.
func (d Transition) Workers() []string {
	var all []string
	for _, w := range []string{d.To, d.From, d.Holder} {
		if w != "" {
			all = append(all, w)
		}
	}
	return all
}

// SetToken sets the token of the attempt that ends. An assignment made by hand may have no
// token, or a token ahead of the record: its worker ran under that number.
func (d *Transition) SetToken(token Token) {
	if d.From != "" {
		d.Ends = max(d.Ends, token.Attempt)
	}
	if d.To != "" {
		d.Starts = d.Ends + 1
	}
	d.Token = Token{Epoch: token.Epoch, Attempt: d.Ends}
}

// String prints the new or present worker of the task behind the arrow.
func (d Transition) String() string {
	return fmt.Sprintf("%s %s %s->%s attempt %d", d.Action, d.Task, d.From, cmp.Or(d.To, d.Holder), cmp.Or(d.Ends, d.Starts))
}

// Apply changes the view as the transition changed the tree, in that epoch.
func (v *View) Apply(d Transition, epoch int32, now time.Time) {
	for _, w := range d.Workers() {
		v.TouchWorker(w)
	}
	if d.From != "" {
		v.DropAssignment(d.From, d.Task)
	}
	if d.From != "" && d.Action.Ends() {
		task := v.Task(d.Task)
		task.Records = append(task.Records, d.Ends)
		if d.Left && !task.Options.Resident {
			task.Left++
		}
	}
	actionTable[d.Action].apply(v, d, epoch, now)
}

func (v *View) applyAssignment(d Transition, epoch int32, now time.Time) {
	v.AddAssignment(d.To, d.Task)
	task := v.SetPhase(d.Task, Assigned, now)
	task.Attempts, task.Revoked = d.Starts-1, false
	task.Token = Token{Epoch: epoch, Attempt: d.Starts}
	task.SetHolder(d.To, now)
}

func (v *View) applyRelease(d Transition, _ int32, now time.Time) {
	task := v.SetPhase(d.Task, Pending, now)
	task.Attempts, task.Due = d.Ends, d.Due
	if d.Avoid {
		task.AvoidWorker(d.From)
	}
}

func (v *View) applyRevocation(d Transition, _ int32, _ time.Time) {
	task := v.Task(d.Task)
	task.Revoked = true
	if d.Avoid {
		task.AvoidWorker(d.Holder)
	}
}

func (v *View) applyTaking(d Transition, _ int32, now time.Time) {
	v.Worker(d.Holder).Taken[d.Task] = now
	if d.Avoid {
		v.Task(d.Task).AvoidWorker(d.Holder)
	}
}

func (v *View) applyFence(d Transition, _ int32, _ time.Time) {
	worker := v.Worker(d.Holder)
	worker.Fenced = true
	worker.Incarnation++
}

func (v *View) applyFailure(d Transition, _ int32, now time.Time) {
	v.SetPhase(d.Task, Finished, now).Attempts = d.Ends
}

func (v *View) applyCollection(d Transition, _ int32, _ time.Time) {
	v.Forget(d.Task)
	v.DropRequest(d.Task)
}

// applyDrop has nothing to do: a task that is finished or gone stays so.
func (v *View) applyDrop(Transition, int32, time.Time) {}

func (v *View) applyDroppedRequest(d Transition, _ int32, _ time.Time) { v.DropRequest(d.Task) }

func (v *View) applyPruning(d Transition, _ int32, _ time.Time) {
	task := v.Task(d.Task)
	task.Records = task.Records[len(task.Records)-KeptAttempts:]
}

func (v *View) applyInbox(d Transition, _ int32, _ time.Time) { v.Worker(d.Holder).Known = true }
