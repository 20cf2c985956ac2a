package record

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Type says what an event is to its operation, in Jepsen's terms.
type Type string

// An operation is an Invoke and at most one of the others. Without one, or with
// Info, its outcome is unknown. A Note stands alone.
const (
	Invoke Type = "invoke"
	OK     Type = "ok"   // it happened
	Fail   Type = "fail" // it did not happen
	Info   Type = "info" // nobody knows
	Note   Type = "note"
)

// Lapsed is the State of an execution that was told that the lease of its worker was
// over. If the claim turns out to be alive it begins again.
const Lapsed = "lapsed"

// Kind is what was done.
type Kind string

// The operations and notes of a run.
const (
	Submit  Kind = "submit"  // a client hands in a task
	Await   Kind = "await"   // a client waits for a task's status
	Cancel  Kind = "cancel"  // a client cancels a task, and is told its status
	Execute Kind = "execute" // a worker runs a handler
	Lead    Kind = "lead"    // a master believes to lead, from invoke to ok
	Leave   Kind = "leave"   // a participant leaves; ok means in time, and confirmed by the ensemble
	Write   Kind = "write"   // a participant writes to ZooKeeper
	Told    Kind = "told"    // note: the handler of a resident task was told to end, Text says why
	Effect  Kind = "effect"  // note of the sink: a handler acted on the outside
	Session Kind = "session" // note: a participant opened or lost a session
	Process Kind = "process" // note of the harness: a process started or ended
	Heard   Kind = "heard"   // note: a client was told who leads, by Text and Epoch
	Change  Kind = "change"  // note: a master told of a change of a task, State, or of a worker
	Fault   Kind = "fault"   // the nemesis acts, from invoke to ok; fail means that it could not
	Clock   Kind = "clock"   // note: what a wall clock showed, Wall, at the moment At
	Phase   Kind = "phase"   // note of the harness: the run goes on to its next part
)

// Token orders the executions of one task; see recipe.Token.
type Token struct {
	Epoch   int32 `json:"epoch,omitempty"`
	Attempt int32 `json:"attempt,omitempty"`
}

// Compare orders tokens: by epoch, then by attempt.
func (t Token) Compare(other Token) int {
	return cmp.Or(cmp.Compare(t.Epoch, other.Epoch), cmp.Compare(t.Attempt, other.Attempt))
}

// Event is one observation. Fields that do not apply are empty.
type Event struct {
	Seq     int           `json:"seq"`            // place in the merged history
	At      time.Duration `json:"at"`             // since the run began, in ns, by the machine's monotonic clock
	Process string        `json:"process"`        // master-1, worker-2, client-1, sink, nemesis, harness
	Life    int           `json:"life,omitempty"` // how many times the process has been started
	Type    Type          `json:"type"`
	Kind    Kind          `json:"kind"`
	Op      int64         `json:"op,omitempty"` // pairs Invoke with its completion, within one life

	Task     string        `json:"task,omitempty"` // name of the task's znode
	ID       string        `json:"id,omitempty"`   // of the submission, as the payload has it
	Token                  // of an execution; Epoch alone of a term
	Session  string        `json:"session,omitempty"`  // of a fault: all that it ended, comma-separated
	State    string        `json:"state,omitempty"`    // of a status; of an execution that has ended: Lapsed or nothing
	Result   string        `json:"result,omitempty"`   // of a status or a handler
	Accepted bool          `json:"accepted,omitempty"` // by the sink
	Text     string        `json:"text,omitempty"`     // error, cause or remark
	Due      time.Duration `json:"due,omitempty"`      // of a submission: when the task may begin, as At
	Ops      []Op          `json:"ops,omitempty"`      // of a write
	Wall     time.Time     `json:"wall,omitzero"`      // of a clock

	Fault     string `json:"fault,omitempty"`     // kind of a fault
	Target    string `json:"target,omitempty"`    // of a fault: participants or servers, comma-separated
	Effective bool   `json:"effective,omitempty"` // a fault's probe saw it bite
}

// Op is one part of a write to ZooKeeper; a single operation is a write with one
// part.
type Op struct {
	Kind      string `json:"kind"` // create, delete, set, check
	Path      string `json:"path"`
	Version   int32  `json:"version,omitempty"` // demanded, of delete, set and check
	Ephemeral bool   `json:"ephemeral,omitempty"`
	// Sequential says that the server completes the name with a number.
	Sequential bool   `json:"sequential,omitempty"`
	Data       string `json:"data,omitempty"`
	Got        int32  `json:"got,omitempty"` // version after a set
}

// Operation is an invocation with its completion, if there was one.
type Operation struct {
	Invoke Event
	Done   Event // zero Type when the process ended first
}

// Outcome is how the operation ended: OK, Fail or Info.
func (o Operation) Outcome() Type {
	if o.Done.Type == "" {
		return Info
	}
	return o.Done.Type
}

// Targets are those whom a fault has hit; some faults find out as they go.
func (o Operation) Targets() []string {
	return strings.Split(cmp.Or(o.Done.Target, o.Invoke.Target), ",")
}

// Return is when the operation ended, or forever.
func (o Operation) Return(forever time.Duration) time.Duration {
	if o.Done.Type == "" {
		return forever
	}
	return o.Done.At
}

// Operations pairs the events of one kind, in the order of their invocation.
func Operations(events []Event, kind Kind) []Operation {
	type key struct {
		process string
		life    int
		op      int64
	}
	count := 0
	for i := range events {
		if events[i].Kind == kind && events[i].Type == Invoke {
			count++
		}
	}
	open := map[key]int{}
	all := make([]Operation, 0, count)
	for i := range events {
		e := &events[i]
		if e.Kind != kind || e.Type == Note {
			continue
		}
		k := key{e.Process, e.Life, e.Op}
		if e.Type == Invoke {
			open[k] = len(all)
			all = append(all, Operation{Invoke: *e})
		} else if i, ok := open[k]; ok {
			all[i].Done = *e
			delete(open, k)
		}
	}
	return all
}

// Merge orders the events of several journals by time and numbers them. Events
// of one journal keep their order.
func Merge(journals ...[]Event) []Event {
	all := slices.Concat(journals...)
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	for i := range all {
		all[i].Seq = i + 1
	}
	return all
}
