package protocol

import "github.com/ringmaster-zk/ringmaster/record"

// Kind is the name of an action of Protocol.tla.
type Kind string

// The kinds of writes, and SessionOver, which a participant hears.
const (
	Close        Kind = "Close"
	SessionOver  Kind = "SessionOver"
	Elect        Kind = "Elect"
	Heartbeat    Kind = "Heartbeat"
	SignBacklog  Kind = "SignBacklog"
	Resign       Kind = "Resign"
	OpenInbox    Kind = "OpenInbox"
	AssignTask   Kind = "AssignTask"
	ReassignTask Kind = "ReassignTask"
	ReleaseTask  Kind = "ReleaseTask"
	RevokeTask   Kind = "RevokeTask"
	TakeTask     Kind = "TakeTask"
	FenceWorker  Kind = "FenceWorker"
	DropTask     Kind = "DropTask"
	FailTask     Kind = "FailTask"
	CollectTask  Kind = "CollectTask"
	// CollectTaskPart and CollectPart delete some of the znodes below a finished task that
	// is too large to be removed in one write. CollectTask or Collect comes after the last
	// part.
	CollectTaskPart Kind = "CollectTaskPart"
	PruneAttempts   Kind = "PruneAttempts"
	EnsureInbox     Kind = "EnsureInbox"
	Register        Kind = "Register"
	Retire          Kind = "Retire"
	Confirm         Kind = "Confirm"
	CompleteTask    Kind = "CompleteTask"
	GiveBack        Kind = "GiveBack"
	MootEnding      Kind = "MootEnding"
	ShowProgress    Kind = "ShowProgress"
	SubmitTask      Kind = "SubmitTask"
	CancelTask      Kind = "CancelTask"
	Collect         Kind = "Collect"
	CollectPart     Kind = "CollectPart"
	Other           Kind = "Other"
	Stranger        Kind = "Stranger" // a write that the recipe does not have
)

// Token is the token of an execution.
type Token struct {
	Epoch   int32 `json:"epoch"`
	Attempt int32 `json:"attempt"`
}

// Record is the content of an assignment.
type Record struct {
	Token
	Incarnation int32 `json:"incarnation"`
	Revoked     bool  `json:"revoked,omitempty"`
	Taken       bool  `json:"taken,omitempty"`
}

// Children of a task are called by number: n for attempt-n, -1 - n for left-n.
const (
	statusChild   = 0
	progressChild = -1
)

// Elsewhere is the error of a write that was refused because of another part of its
// multi. Index is then the number of its own demands before that part.
const Elsewhere record.Refusal = "elsewhere"

// Write is one write, or the part of a write that a trace is about, in the machine's
// terms. Sessions and workers are numbered from 1 within a trace; 0 is none. Fields
// that the kind does not need are empty.
type Write struct {
	Kind    Kind           `json:"kind"`
	Session int            `json:"session"`
	Error   record.Refusal `json:"error,omitempty"` // empty: it was applied
	Index   int            `json:"index"`           // of the demand that was not met, from 0; -1 for none

	Epoch       int32   `json:"epoch,omitempty"`       // the claim of a master
	Worker      int     `json:"worker,omitempty"`      // the worker that gets something, or that writes
	Incarnation int32   `json:"incarnation,omitempty"` // demanded of that worker
	Version     int32   `json:"version,omitempty"`     // of the claim that is taken, as it was read
	Got         int32   `json:"got,omitempty"`         // version of a claim that was written
	From        int     `json:"from,omitempty"`        // the worker that loses the assignment
	Record      Record  `json:"record,omitzero"`       // of the assignment that is written
	Token       Token   `json:"token,omitzero"`        // of the attempt that ends
	Left        bool    `json:"left,omitempty"`        // that attempt does not count: its worker left
	Acks        bool    `json:"acks,omitempty"`        // a registering worker itself returns revoked assignments; an elected master knows that
	Shown       bool    `json:"shown,omitempty"`       // the progress goes, too
	How         string  `json:"how,omitempty"`         // progress is shown: set, create or replace
	Children    []int32 `json:"children,omitempty"`    // that are deleted, in order
	Budget      int32   `json:"budget,omitempty"`      // of a task that is submitted
	Resident    bool    `json:"resident,omitempty"`

	Exchange int `json:"exchange,omitempty"` // the place of its exchange in the input of Split, from 1
}

// Float is a write without an answer. It may have been applied before the answered
// write at any place, counted from 1, of Since to Until, or never.
type Float struct {
	Write
	Since int `json:"since"`
	Until int `json:"until"`
}

// Trace is the part of a run that is about the claims, or about one task.
type Trace struct {
	Task     string   `json:"task,omitempty"` // empty: the claims
	Sessions []string `json:"sessions"`       // names; number n is Sessions[n-1]
	Workers  []string `json:"workers"`
	Writes   []Write  `json:"writes"` // in the order in which they took effect
	Floats   []Float  `json:"floats,omitempty"`
}

// Name names the subject of the trace.
func (t *Trace) Name() string {
	if t.Task == "" {
		return "the claims"
	}
	return t.Task
}
