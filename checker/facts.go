package checker

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// facts is a history read in the terms of the protocol.
type facts struct {
	policy   record.Policy
	events   []record.Event
	evidence *record.Evidence
	ledger   *ledger       // nil where it is not known what was committed
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
	created   map[string]string   // name of the task that a submission of that id was to make
	removals  []removal           // writes that collect a task
	collected map[string]removal  // by task: the one that was applied
	byID      map[string][]string // names of the tasks in the tree with that id
	unknowns  resolution
	index     index
}

// election is one try to become master.
type election struct {
	op    *record.Operation
	zxid  int64
	epoch int32 // that it begins, if it was won
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
	State  string `json:"state"`
	Result string `json:"result"`
	Worker string `json:"worker"`
	record.Token
	raw string
}

// removal is a write that removes a finished task.
type removal struct {
	op   *record.Operation
	task string
	kept bool // by a master, when its retention was over, not by a client
}

// options are what a task asks for, as far as judges care.
type options struct {
	Attempts int  `json:"attempts"`
	Resident bool `json:"resident"`
}

// task is what the final tree has of a task.
type task struct {
	id       string
	options  options
	status   *status
	version  int32                  // of the status
	attempts map[int32]record.Token // that are on record, by number
	left     map[int32]bool         // those that do not count, because their workers left
	assigned []string               // workers that still have it
	gone     bool                   // collected: known by the writes that made it what it was
	unsure   bool                   // not all of those are known to have been applied
}

// gather reads a history.
func gather(run record.Run) *facts {
	events, evidence := run.Events, run.Evidence
	f := &facts{
		policy: run.Rules(), events: events, evidence: evidence, tasks: map[string]*task{}, byID: map[string][]string{},
		created: map[string]string{}, collected: map[string]removal{},
		submits: record.Operations(events, record.Submit), awaits: record.Operations(events, record.Await),
		executions: record.Operations(events, record.Execute), terms: record.Operations(events, record.Lead), leaves: record.Operations(events, record.Leave),
		writes: record.Operations(events, record.Write), faults: record.Operations(events, record.Fault),
	}
	for i := range events {
		e := &events[i]
		f.end = max(f.end, e.At+1)
		switch e.Kind {
		case record.Effect:
			f.effects = append(f.effects, e)
		case record.Process:
			f.processes = append(f.processes, *e)
			f.index.noteEnd(e)
		case record.Session:
			f.sessions = append(f.sessions, *e)
		}
	}
	f.awaits = append(f.awaits, record.Operations(events, record.Cancel)...)
	for _, s := range f.submits {
		f.answered = append(f.answered, s.Outcome() != record.Info)
	}
	f.readTree()
	f.ledger = newLedger(f.writes, evidence, run.Exchanges, run.Commits)
	f.settle()
	f.settleSubmits()
	for i := range f.writes {
		f.readWrite(&f.writes[i], f.zxids[i])
	}
	f.resolve()
	f.restore()
	return f
}

// restore tells of collected tasks what the tree would have told, from the writes
// that made them. An attempt whose record nobody answered was on record if it was
// deleted with the task, or in a part before: a task is collected exactly as it is.
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
			name, rest, ok := element(op.Path, "/tasks")
			t := restored(name)
			if !ok || t == nil || op.Kind != "create" {
				continue
			}
			if rest == "" && t.id == "" {
				t.id, t.options = parseTask(op.Data)
				f.byID[t.id] = append(f.byID[t.id], name)
			}
			unanswered := w.Outcome() == record.Info
			if strings.HasPrefix(rest, leftPrefix) && (!unanswered || deleted[op.Path]) {
				t.marks(rest)
			}
			if strings.HasPrefix(rest, "attempt-") && (!unanswered || deleted[op.Path]) {
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

// deleted are the znodes that were deleted of collected tasks. Who collects has read what
// there is: a part without an answer, too, names only what was there.
func (f *facts) deleted() map[string]bool {
	deleted := map[string]bool{}
	for _, w := range f.writes {
		if w.Outcome() == record.Fail {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if name, _, ok := element(op.Path, "/tasks"); ok && op.Kind == "delete" {
				if _, gone := f.collected[name]; gone {
					deleted[op.Path] = true
				}
			}
		}
	}
	return deleted
}

// element splits a path below a parent: element("/tasks/t/status", "/tasks")
// is t, status.
func element(p, parent string) (first, rest string, ok bool) {
	tail, ok := strings.CutPrefix(p, parent+"/")
	if !ok || tail == "" {
		return "", "", false
	}
	first, rest, _ = strings.Cut(tail, "/")
	return first, rest, true
}

func parseStatus(data string) status {
	var s status
	if json.Unmarshal([]byte(data), &s) != nil || s.State == "" {
		s = status{State: "done", Result: data}
	}
	s.raw = data
	return s
}

func parseToken(data string) record.Token {
	var t record.Token
	_ = json.Unmarshal([]byte(data), &t)
	return t
}

// parseTask reads a task's znode: what it asks for, if it says so in front of its
// payload, and the payload's id.
func parseTask(data string) (id string, o options) {
	var payload struct{ ID string }
	if rest, marked := strings.CutPrefix(data, "#ringmaster "); marked {
		decoder := json.NewDecoder(strings.NewReader(rest))
		if decoder.Decode(&o) == nil {
			data = rest[decoder.InputOffset():]
		}
	}
	_ = json.Unmarshal([]byte(strings.TrimSpace(data)), &payload)
	return payload.ID, o
}

func (f *facts) readTree() {
	if f.evidence == nil {
		return
	}
	for _, node := range f.evidence.Nodes {
		if name, rest, ok := element(node.Path, "/tasks"); ok {
			f.readTaskNode(name, rest, node)
		}
		if w, name, ok := element(node.Path, "/assign"); ok && name != "" {
			f.task(name).assigned = append(f.task(name).assigned, w)
		}
	}
}

func (f *facts) readTaskNode(name, rest string, node record.Node) {
	t := f.task(name)
	switch {
	case rest == "":
		t.id, t.options = parseTask(node.Data)
		f.byID[t.id] = append(f.byID[t.id], name)
	case rest == "status":
		s := parseStatus(node.Data)
		t.status, t.version = &s, node.Version
	case strings.HasPrefix(rest, leftPrefix):
		t.marks(rest)
	case strings.HasPrefix(rest, "attempt-"):
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
	token := parseToken(data)
	t.attempts[token.Attempt] = token
}

// leftPrefix begins the name of the mark that an attempt does not count.
const leftPrefix = "left-"

// marks notes that an attempt does not count.
func (t *task) marks(name string) {
	if n, err := strconv.ParseInt(strings.TrimPrefix(name, leftPrefix), 10, 32); err == nil {
		t.left[int32(n)] = true
	}
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

// readWrite understands a write by its shape.
func (f *facts) readWrite(w *record.Operation, zxid int64) {
	var a act
	acts := false
	takesMaster := slices.ContainsFunc(w.Invoke.Ops(), func(op record.Op) bool { return op.Kind == "create" && op.Path == "/master" })
	for _, op := range w.Invoke.Ops() {
		switch _, rest, below := element(op.Path, "/assign"); {
		case op.Kind == "set" && op.Path == "/assign" && takesMaster:
			f.elections = append(f.elections, election{op: w, zxid: zxid, epoch: op.Version + 1, won: w.Outcome()})
		case op.Kind == "check" && op.Path == "/assign":
			a.epoch, acts = op.Version, true
		case op.Kind == "create" && below && rest != "":
			// A broken recipe may leave the check out; the assignment itself
			// says in whose name it is made.
			a.epoch, acts = parseToken(op.Data).Epoch, true
			a.tasks = append(a.tasks, rest)
		}
		name, rest, ok := element(op.Path, "/tasks")
		switch {
		case ok && rest == "" && op.Kind == "create":
			id, _ := parseTask(op.Data)
			f.created[id] = name
		case ok && rest == "" && op.Kind == "delete":
			asked := slices.ContainsFunc(w.Invoke.Ops(), func(op record.Op) bool { return op.Kind == "delete" && op.Path == "/collect/"+name }) // by a client
			f.removals = append(f.removals, removal{op: w, task: name, kept: w.Invoke.Ops()[0].Path == "/assign" && !asked})
		}
		if ok && rest == "status" && op.Kind == "create" {
			f.records = append(f.records, ending{op: w, zxid: zxid, task: name, status: parseStatus(op.Data), outcome: w.Outcome()})
		}
	}
	if acts {
		a.op, a.zxid = w, zxid
		f.acts = append(f.acts, a)
	}
}
