package checker

import (
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a history read in the terms of the protocol.
type facts struct {
	policy   record.Policy
	events   []record.Event
	evidence *record.Evidence
	ledger   *ledger // nil if the committed transactions are not known
	run      *record.Index
	seen     sync.Once
	places   map[int]int   // of writes in the run, by the number of their first event; filled when a violation is told
	end      time.Duration // later than every event

	submits, awaits, executions, terms, leaves, writes, faults []record.Operation
	effects                                                    []*record.Event
	processes, sessions                                        []record.Event
	answered                                                   []bool  // of submits: the client heard an answer
	zxids                                                      []int64 // of writes that were applied; 0 of others, and where it is not known

	elections []election
	acts      []act    // writes of masters
	records   []ending // writes of statuses
	tasks     map[string]*task
	created   map[string]string   // by id: name of the task that the submission was to make
	removals  []removal           // writes that collect a task
	collected map[string]removal  // by task: the removal that was applied
	byID      map[string][]string // names of the tasks in the tree with that id
	unknowns  resolution
}

// election is one try to become master.
type election struct {
	op    *record.Operation
	zxid  int64
	epoch int32 // the epoch that it begins, if it was won
	won   record.Type
}

// act is a write in the name of an epoch, as a master makes it.
type act struct {
	op    *record.Operation
	zxid  int64
	epoch int32
	tasks []string
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

// gather reads a history.
func gather(run record.Run) *facts {
	events, evidence, index := run.Events, run.Evidence, record.NewIndex(run, record.TaskObjects())
	f := &facts{
		run: index, end: index.End, ledger: newLedger(index),
		policy: run.Rules(), events: events, evidence: evidence, tasks: map[string]*task{}, byID: map[string][]string{},
		created: map[string]string{}, collected: map[string]removal{},
		submits: record.Operations(events, record.Submit), awaits: record.Operations(events, record.Await),
		executions: record.Operations(events, record.Execute), terms: record.Operations(events, record.Lead), leaves: record.Operations(events, record.Leave),
		faults: record.Operations(events, record.Fault),
	}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case record.Effect:
			f.effects = append(f.effects, e)
		case record.Process:
			f.processes = append(f.processes, *e)
		case record.Session:
			f.sessions = append(f.sessions, *e)
		}
	}
	f.awaits = append(f.awaits, record.Operations(events, record.Cancel)...)
	for _, s := range f.submits {
		f.answered = append(f.answered, s.Outcome() != record.Info)
	}
	f.readTree()
	f.settle()
	f.settleSubmits()
	for i := range f.writes {
		f.readWrite(&f.writes[i], f.zxids[i])
	}
	for _, e := range index.Elections {
		w := &f.writes[e.Write]
		f.elections = append(f.elections, election{op: w, zxid: f.zxids[e.Write], epoch: e.Epoch, won: w.Outcome()})
	}
	f.resolve()
	f.restore()
	return f
}

// enough bounds the events that are shown for a task.
const enough = 12

// at is the time of a write; see [record.Index.Moment].
func (f *facts) at(w *record.Operation) time.Duration {
	f.seen.Do(func() { // a valid run does not need it
		f.places = map[int]int{}
		for i := range f.run.Writes {
			f.places[f.run.Writes[i].Invoke.Seq] = i
		}
	})
	if i, known := f.places[w.Invoke.Seq]; known && w.Invoke.Seq > 0 {
		return f.run.Moment(i)
	}
	return w.Invoke.At
}

// about are the events that show the fate of a task, for a violation that rests on the
// final tree.
func (f *facts) about(task string) []record.Event { return f.run.About(task, enough) }

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
	for _, w := range f.writes {
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
				t.left[z.Number] = true
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
	for _, w := range f.writes {
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
	if f.evidence == nil {
		return
	}
	for _, node := range f.evidence.Nodes {
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
		t.left[z.Number] = true
	case record.Attempt:
		t.records(node.Data)
	}
}

func (f *facts) task(name string) *task {
	t := f.tasks[name]
	if t == nil {
		t = &task{attempts: map[int32]record.Token{}, left: map[int32]bool{}}
		f.tasks[name] = t
	}
	return t
}

// records notes the record of an attempt.
func (t *task) records(data string) {
	token := record.ParseEntry(data).Token
	t.attempts[token.Attempt] = token
}

// spent is how many of so many attempts of a task count.
func (f *facts) spent(t *task, attempts int) int {
	return attempts - min(len(t.left), f.policy.MaxHandovers)
}

// recorded reports whether an attempt is on record.
func (t *task) recorded(attempt int32) bool {
	_, there := t.attempts[attempt]
	return there
}

// readWrite finds the meaning of a write by its shape.
func (f *facts) readWrite(w *record.Operation, zxid int64) {
	var a act
	acts := false
	for _, op := range w.Invoke.Ops() {
		z := record.ParsePath(op.Path)
		switch {
		case op.Kind == "check" && z.Kind == record.Assign:
			a.epoch, acts = op.Version, true
		case op.Kind == "create" && z.Kind == record.Assignment:
			// A broken recipe may leave the check out. The assignment itself names the epoch.
			a.epoch, acts = record.ParseEntry(op.Data).Epoch, true
			a.tasks = append(a.tasks, z.Task)
		case op.Kind == "create" && z.Kind == record.Task:
			id, _ := record.ParseTask(op.Data)
			f.created[id] = z.Task
		case op.Kind == "delete" && z.Kind == record.Task:
			asked := slices.ContainsFunc(w.Invoke.Ops(), func(op record.Op) bool { // by a client
				return op.Kind == "delete" && record.ParsePath(op.Path) == record.Znode{Kind: record.Collection, Task: z.Task}
			})
			f.removals = append(f.removals, removal{op: w, task: z.Task, kept: w.Invoke.Ops()[0].Path == record.AssignPath && !asked})
		case op.Kind == "create" && z.Kind == record.TaskStatus:
			f.records = append(f.records, ending{op: w, zxid: zxid, task: z.Task, status: parseStatus(op.Data), outcome: w.Outcome()})
		}
	}
	if acts {
		a.op, a.zxid = w, zxid
		f.acts = append(f.acts, a)
	}
}
