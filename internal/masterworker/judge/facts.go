package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a run read in the terms of the recipe.
type facts struct {
	*checker.Case
	leaders *leadership.Leaders

	submits, awaits, executions, leaves []record.Operation
	effects                             []*record.Event
	answered                            []bool // of submits: the client heard an answer

	records   []ending // writes of statuses
	tasks     map[string]*task
	created   map[string]string   // by id: name of the task that the submission was to make
	removals  []removal           // writes that collect a task
	collected map[string]removal  // by task: the removal that was applied
	byID      map[string][]string // names of the tasks in the tree with that id
}

// ending is a write that gives a task its status.
type ending struct {
	op      *record.Operation
	zxid    int64
	task    string
	status  status
	outcome record.Type // after resolution
}

// status is a task's status as it is stored.
type status struct {
	record.Entry
	raw string
}

// removal is a write that removes a finished task.
type removal struct {
	op   *record.Operation
	task string
	kept bool // by a master, when its retention was over, not by a client
}

// task is the state of a task in the final tree.
type task struct {
	id       string
	options  record.TaskOptions
	status   *status
	version  int32                  // of the status
	attempts map[int32]record.Token // attempts on record, by number
	left     map[int32]bool         // attempts that do not count, because their workers left
	assigned []string               // workers that still have it
	gone     bool                   // collected: known only from the writes about it
	unsure   bool                   // some of those may not have been applied
}

// gather reads a run.
func gather(c *checker.Case) *facts {
	f := &facts{
		Case: c, leaders: leadership.Of(c, assigns),
		tasks: map[string]*task{}, byID: map[string][]string{}, created: map[string]string{}, collected: map[string]removal{},
		submits: record.Operations(c.Events, record.Submit), awaits: record.Operations(c.Events, record.Await),
		executions: record.Operations(c.Events, record.Execute), leaves: record.Operations(c.Events, record.Leave),
	}
	for i := range c.Events {
		if e := &c.Events[i]; e.Kind == record.Effect {
			f.effects = append(f.effects, e)
		}
	}
	f.awaits = append(f.awaits, record.Operations(c.Events, record.Cancel)...)
	for _, s := range f.submits {
		f.answered = append(f.answered, s.Outcome() != record.Info)
	}
	f.readTree()
	f.settleSubmits()
	for i := range f.Writes {
		f.readWrite(&f.Writes[i])
	}
	f.resolve()
	f.restore()
	return f
}

// assigns reads the epoch that an assignment names. A broken recipe may assign without
// the check of the epoch.
func assigns(op record.Op) (epoch int32, claims bool) {
	if op.Kind != "create" || record.ParsePath(op.Path).Kind != record.Assignment {
		return 0, false
	}
	return record.ParseEntry(op.Data).Epoch, true
}

// settleSubmits settles submissions by the commits: a submission was accepted if a write
// that creates its task was applied.
func (f *facts) settleSubmits() {
	if !f.Ordered() {
		return
	}
	made := map[string]string{} // by id: the task
	for _, w := range f.Writes {
		if w.Outcome() != record.OK {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); z.Kind == record.Task && op.Kind == "create" {
				id, _ := record.ParseTask(op.Data)
				made[id] = z.Task
			}
		}
	}
	for i := range f.submits {
		s := &f.submits[i]
		if s.Outcome() != record.Info {
			continue
		}
		name, accepted := made[s.Invoke.ID()]
		s.Done.Type = record.Fail
		if accepted {
			s.Done.Type, s.Done.Of = record.OK, record.Submission{ID: s.Invoke.ID(), Task: name}
		}
		f.Resolved.ByOrder(s.Done.Type)
	}
}

// restore rebuilds the final state of collected tasks from their writes. An attempt
// whose record got no answer was on record if it was deleted with the task, or in a
// part before, because a task is collected exactly as it is.
func (f *facts) restore() {
	for name := range f.collected {
		if t := f.task(name); t.id == "" {
			t.gone = true
		}
	}
	deleted := f.deleted()
	restored := func(name string) *task {
		if t := f.tasks[name]; t != nil && t.gone {
			return t
		}
		return nil
	}
	for _, w := range f.Writes {
		if w.Outcome() == record.Fail {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			z := record.ParsePath(op.Path)
			t := restored(z.Task)
			if t == nil || op.Kind != "create" {
				continue
			}
			if z.Kind == record.Task && t.id == "" {
				t.id, t.options = record.ParseTask(op.Data)
				f.byID[t.id] = append(f.byID[t.id], z.Task)
			}
			unanswered := w.Outcome() == record.Info
			if z.Kind == record.Left && (!unanswered || deleted[op.Path]) {
				t.leaves(z.Number)
			}
			if z.Kind == record.Attempt && (!unanswered || deleted[op.Path]) {
				t.records(op.Data)
				t.unsure = t.unsure || unanswered
			}
		}
	}
	for _, r := range f.records {
		if t := restored(r.task); t != nil && r.outcome == record.OK {
			s := r.status
			t.status = &s
		}
	}
}

// deleted are the znodes of collected tasks that were deleted. A task is read before it
// is collected, so even a part without an answer names only znodes that existed.
func (f *facts) deleted() map[string]bool {
	deleted := map[string]bool{}
	for _, w := range f.Writes {
		if w.Outcome() == record.Fail {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); op.Kind == "delete" && (z.Kind == record.Task || z.BelowTask()) {
				if _, gone := f.collected[z.Task]; gone {
					deleted[op.Path] = true
				}
			}
		}
	}
	return deleted
}

func parseStatus(data string) status { return status{record.ParseStatus(data), data} }

func (f *facts) readTree() {
	if f.Evidence == nil {
		return
	}
	for _, node := range f.Evidence.Nodes {
		f.readNode(record.ParsePath(node.Path), node)
	}
}

func (f *facts) readNode(z record.Znode, node record.Node) {
	if z.Task == "" || z.Kind == record.Collection {
		return
	}
	t := f.task(z.Task)
	switch z.Kind {
	case record.Assignment:
		t.assigned = append(t.assigned, z.Worker)
	case record.Task:
		t.id, t.options = record.ParseTask(node.Data)
		f.byID[t.id] = append(f.byID[t.id], z.Task)
	case record.TaskStatus:
		s := parseStatus(node.Data)
		t.status, t.version = &s, node.Version
	case record.Left:
		t.leaves(z.Number)
	case record.Attempt:
		t.records(node.Data)
	}
}

func (f *facts) task(name string) *task {
	t := f.tasks[name]
	if t == nil {
		t = &task{}
		f.tasks[name] = t
	}
	return t
}

// records notes the record of an attempt.
func (t *task) records(data string) {
	token := record.ParseEntry(data).Token
	if t.attempts == nil { // most tasks have none
		t.attempts = map[int32]record.Token{}
	}
	t.attempts[token.Attempt] = token
}

// leaves notes that an attempt does not count.
func (t *task) leaves(attempt int32) {
	if t.left == nil {
		t.left = map[int32]bool{}
	}
	t.left[attempt] = true
}

// spent is how many of so many attempts of a task count.
func (f *facts) spent(t *task, attempts int) int {
	return attempts - min(len(t.left), f.Policy.MaxHandovers)
}

// recorded reports whether an attempt is on record.
func (t *task) recorded(attempt int32) bool {
	_, there := t.attempts[attempt]
	return there
}

// readWrite finds the meaning of a write by its shape.
func (f *facts) readWrite(w *checker.Write) {
	for _, op := range w.Invoke.Ops() {
		z := record.ParsePath(op.Path)
		switch {
		case op.Kind == "create" && z.Kind == record.Task:
			id, _ := record.ParseTask(op.Data)
			f.created[id] = z.Task
		case op.Kind == "delete" && z.Kind == record.Task:
			asked := slices.ContainsFunc(w.Invoke.Ops(), func(op record.Op) bool { // by a client
				return op.Kind == "delete" && record.ParsePath(op.Path) == record.Znode{Kind: record.Collection, Task: z.Task}
			})
			f.removals = append(f.removals, removal{op: w.Operation, task: z.Task, kept: w.Invoke.Ops()[0].Path == record.AssignPath && !asked})
		case op.Kind == "create" && z.Kind == record.TaskStatus:
			f.records = append(f.records, ending{op: w.Operation, zxid: w.Zxid, task: z.Task, status: parseStatus(op.Data), outcome: w.Outcome()})
		}
	}
}
