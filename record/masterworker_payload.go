package record

import (
	"strings"
	"time"
)

// This file has the kinds of events that only the master-worker recipe has, with their
// payloads.

// The operations and notes of the master-worker recipe.
const (
	Submit        Kind = "submit"  // a client submits a task
	Await         Kind = "await"   // a client waits for a task's status
	Cancel        Kind = "cancel"  // a client cancels a task, and is told its status
	Execute       Kind = "execute" // a worker runs a handler
	StopRequested Kind = "told"    // note: the handler of a resident task was asked to end; stored runs have that word, see [Kind.Label]
	Effect        Kind = "effect"  // note of the sink: a handler acted on the outside
	Change        Kind = "change"  // note: a master told of a change of a task
)

// Submission is the payload of [Submit].
type Submission struct {
	ID          string        `json:"id,omitempty"`           // of the submission, as the task's payload has it
	Task        string        `json:"task,omitempty"`         // name of the task's znode, when it was accepted
	Due         time.Duration `json:"due,omitempty"`          // when the task may begin, as At
	Created     bool          `json:"created,omitempty"`      // the client was told that this submission made the task; never set in older runs
	Found       bool          `json:"found,omitempty"`        // the client was told that the task existed already; never set in older runs
	InDoubt     bool          `json:"in_doubt,omitempty"`     // with Found: this submission may have made the task itself
	BacklogFull bool          `json:"backlog_full,omitempty"` // it was refused because too many tasks wait
	Problem     string        `json:"problem,omitempty"`
}

// Answer is the payload of [Await] and of [Cancel]: the status that a client was told.
type Answer struct {
	Task    string `json:"task,omitempty"`
	ID      string `json:"id,omitempty"`
	Token          // of the execution whose result it is
	State   string `json:"state,omitempty"`
	Result  string `json:"result,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Execution is the payload of [Execute].
type Execution struct {
	Task     string `json:"task,omitempty"`
	ID       string `json:"id,omitempty"`
	Token           // of this execution
	Resident bool   `json:"resident,omitempty"` // the task is to run until it is cancelled
	Result   string `json:"result,omitempty"`
	// Lapsed says that the handler was told that its worker's lease was over. If the claim
	// turns out to be alive, the execution begins again.
	Lapsed  bool   `json:"lapsed,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// StopRequest is the payload of [StopRequested].
type StopRequest struct {
	Task  string `json:"task,omitempty"`
	ID    string `json:"id,omitempty"`
	Token        // of the execution that is to end
	Cause string `json:"cause,omitempty"`
}

// Act is the payload of [Effect].
type Act struct {
	Task     string `json:"task,omitempty"`
	ID       string `json:"id,omitempty"`
	Token           // of the execution that acted
	Accepted bool   `json:"accepted"`
	Deed     string `json:"deed,omitempty"`
	By       Life   `json:"by,omitzero"` // the worker whose handler acted
}

// EffectRequest is what a participant asks of the world outside. Builds of all ages send
// it to each other, so the names of its fields stay: Task is the object.
type EffectRequest struct {
	Task, ID string
	Token    Token
	Process  string
	Life     int
	Text     string
}

// RequestEffect makes a request of a life of a participant, for an object.
func RequestEffect(by Life, object, id string, token Token, text string) EffectRequest {
	return EffectRequest{Task: object, ID: id, Token: token, Process: by.Process, Life: by.Number, Text: text}
}

// Object is the object that the effect concerns.
func (r EffectRequest) Object() string { return r.Task }

// Decided is the record of the request, when the world outside has decided.
func (r EffectRequest) Decided(accepted bool) Act {
	return Act{Task: r.Task, ID: r.ID, Token: r.Token, Accepted: accepted, Deed: r.Text, By: Life{Process: r.Process, Number: r.Life}}
}

// TaskFate says what happened to a task, as its master reports it. Masters report more
// fates than are named here.
type TaskFate string

// The fates that judges know.
const (
	Finished     TaskFate = "finished"
	Collected    TaskFate = "collected"
	AttemptEnded TaskFate = "attempt ended" // without a result
)

// TaskChange is the payload of [Change].
type TaskChange struct {
	Task   string   `json:"task,omitempty"`
	Fate   TaskFate `json:"fate"`
	Worker string   `json:"worker,omitempty"` // the worker that has it, or had it
}

// Task is the name of the task that the event is about; empty if it has none.
func (e Event) Task() string {
	if _, own := e.Of.(Own); own {
		return ""
	}
	return e.Object()
}

// Submission is the payload of [Submit].
func (e Event) Submission() Submission { return of[Submission](e) }

// Answer is the payload of [Await] and [Cancel].
func (e Event) Answer() Answer { return of[Answer](e) }

// Execution is the payload of [Execute].
func (e Event) Execution() Execution { return of[Execution](e) }

// Act is the payload of [Effect].
func (e Event) Act() Act { return of[Act](e) }

// TaskChange is the payload of [Change].
func (e Event) TaskChange() TaskChange { return of[TaskChange](e) }

func (p Submission) subject() subject  { return subject{object: p.Task, id: p.ID} }
func (p Answer) subject() subject      { return subject{object: p.Task, id: p.ID, token: p.Token} }
func (p Execution) subject() subject   { return subject{object: p.Task, id: p.ID, token: p.Token} }
func (p StopRequest) subject() subject { return subject{object: p.Task, id: p.ID, token: p.Token} }
func (p Act) subject() subject         { return subject{object: p.Task, id: p.ID, token: p.Token} }
func (p TaskChange) subject() subject  { return subject{object: p.Task} }

func (p Submission) remark() string  { return p.Problem }
func (p Answer) remark() string      { return p.Problem }
func (p Execution) remark() string   { return p.Problem }
func (p StopRequest) remark() string { return p.Cause }
func (p TaskChange) remark() string  { return "" }

func (p Act) remark() string {
	if p.By == (Life{}) {
		return p.Deed
	}
	return strings.TrimSpace(p.Deed + " by " + p.By.String())
}

func (p Submission) put(s *stored)  { s.Submission = &p }
func (p Answer) put(s *stored)      { s.Answer = &p }
func (p Execution) put(s *stored)   { s.Execution = &p }
func (p StopRequest) put(s *stored) { s.StopRequest = &p }
func (p Act) put(s *stored)         { s.Act = &p }
func (p TaskChange) put(s *stored)  { s.Task = &p }
