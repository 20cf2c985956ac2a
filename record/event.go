package record

import (
	"cmp"
	"slices"
	"time"
)

// Type is the role of an event in its operation, in Jepsen's terms.
type Type string

// An operation is an Invoke and at most one of OK, Fail and Info. Its outcome is
// unknown if it has none of them, or Info. A Note stands alone.
const (
	Invoke Type = "invoke"
	OK     Type = "ok"   // it happened
	Fail   Type = "fail" // it did not happen
	Info   Type = "info" // the outcome is unknown
	Note   Type = "note"
)

// Kind is the kind of an operation or a note.
type Kind string

// The operations and notes that runs of all recipes may have. The kinds of the
// master-worker recipe are in masterworker_payload.go. A recipe may have others: their
// payload is [Own].
const (
	Lead    Kind = "lead"    // a master believes to lead, from invoke to ok
	Leave   Kind = "leave"   // a participant leaves; ok means in time, and confirmed by the ensemble
	Write   Kind = "write"   // a participant writes to ZooKeeper
	Session Kind = "session" // note: a participant opened or lost a session
	Process Kind = "process" // note of the harness: a process started or ended
	Heard   Kind = "heard"   // note: a client was told who leads
	Fault   Kind = "fault"   // the nemesis acts, from invoke to ok; fail means that it could not
	Clock   Kind = "clock"   // note: the time that a wall clock showed at the moment At
	Phase   Kind = "phase"   // note of the harness: the run goes on to its next part
	// PowerOff is an operation of the harness: a participant asks the power switch of the run
	// to end a life of another one. ok means that the life is over by then. fail means that the
	// switch has done nothing, and info that it did not say what it has done.
	PowerOff Kind = "power-off"
)

// Label is the kind in words, for people. It is the kind itself, unless stored runs have
// a word that says too little.
func (k Kind) Label() string {
	if k == StopRequested {
		return "stop requested"
	}
	return string(k)
}

// Common reports whether runs of all recipes may have events of the kind; other kinds
// belong to one recipe.
func (k Kind) Common() bool {
	switch k {
	case Lead, Leave, Write, Session, Process, Heard, Fault, Clock, Phase, PowerOff:
		return true
	}
	return false
}

// Token orders what is done with one object, such as the executions of a task; see
// recipe.Token.
type Token struct {
	Epoch   int32 `json:"epoch,omitempty"`
	Attempt int32 `json:"attempt,omitempty"`
}

// Compare orders tokens: by epoch, then by attempt.
func (t Token) Compare(other Token) int {
	return cmp.Or(cmp.Compare(t.Epoch, other.Epoch), cmp.Compare(t.Attempt, other.Attempt))
}

// Event is one observation.
type Event struct {
	Seq     int           // place in the merged history
	At      time.Duration // since the run began, by the machine's monotonic clock
	Process string        // master-1, worker-2, client-1, sink, nemesis, harness
	Life    int           // how many times the process has been started
	Type    Type
	Kind    Kind
	Op      int64   // pairs Invoke with its completion, within one life
	Of      Payload // the observation itself; the kind decides its type
}

// Alive is the life of the event's process.
func (e Event) Alive() Life { return Life{e.Process, e.Life} }

// The subject of an event of any kind: empty if it has none.

// Object is the name of the thing that the event is about: a task, a lock, an election.
func (e Event) Object() string { return e.subject().object }

// ID is the id of the submission that the event is about.
func (e Event) ID() string { return e.subject().id }

// Token is the token of the execution that the event is about; for a term only its
// epoch is set.
func (e Event) Token() Token { return e.subject().token }

// Session is the session that the event is about, or the session that made a write.
func (e Event) Session() string { return e.subject().session }

// Remark is the event in words, or an error or cause. It is for people; judges never
// compare it.
func (e Event) Remark() string {
	if e.Of == nil {
		return ""
	}
	return e.Of.remark()
}

func (e Event) subject() subject {
	if e.Of == nil {
		return subject{}
	}
	return e.Of.subject()
}

// The payload of an event, by its type: empty if the event has another type.

// Request is the payload of [Write].
func (e Event) Request() Request { return of[Request](e) }

// Ops are the parts of a write.
func (e Event) Ops() []Op { return of[Request](e).Ops }

// SessionChange is the payload of [Session].
func (e Event) SessionChange() SessionChange { return of[SessionChange](e) }

// ProcessChange is the payload of [Process].
func (e Event) ProcessChange() ProcessChange { return of[ProcessChange](e) }

// Leader is the payload of [Heard].
func (e Event) Leader() Leader { return of[Leader](e) }

// Injection is the payload of [Fault].
func (e Event) Injection() Injection { return of[Injection](e) }

// Reading is the payload of [Clock].
func (e Event) Reading() Reading { return of[Reading](e) }

// PowerCut is the payload of [PowerOff].
func (e Event) PowerCut() PowerCut { return of[PowerCut](e) }

// PhaseChange is the payload of [Phase].
func (e Event) PhaseChange() PhaseChange { return of[PhaseChange](e) }

func of[P Payload](e Event) P {
	p, _ := e.Of.(P)
	return p
}

// Op is one part of a write to ZooKeeper; a single operation is a write with one
// part.
type Op struct {
	Kind      string `json:"kind"` // create, delete, set, check
	Path      string `json:"path"`
	Version   int32  `json:"version,omitempty"` // of delete, set and check: the demanded version
	Ephemeral bool   `json:"ephemeral,omitempty"`
	// Sequential says that the server appends a number to the name.
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

// Targets are the participants and servers that a fault has hit; some faults choose
// them while they run.
func (o Operation) Targets() []string {
	if targets := o.Done.Injection().Targets; targets != nil {
		return targets
	}
	return o.Invoke.Injection().Targets
}

// Fault describes a fault and its effects, as known when it is over.
func (o Operation) Fault() Injection {
	i := o.Done.Injection()
	begun := o.Invoke.Injection()
	i.Fault, i.Does, i.Did, i.Targets = begun.Fault, begun.Does, begun.Did, o.Targets()
	return i
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

// Merge orders the events of several journals by time and numbers them. The events of
// one journal keep their order. Events at the same time are in the order of the numbers
// that their journals have given them; see [Journal.NumberBy].
func Merge(journals ...[]Event) []Event {
	all := slices.Concat(journals...)
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq)) })
	for i := range all {
		all[i].Seq = i + 1
	}
	return all
}
