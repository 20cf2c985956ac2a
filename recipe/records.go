package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
)

// checked returns what of the record cannot be true, and sets it to its default.
func (c *claimRecord) checked(err error) (what string) {
	if err != nil {
		what = fmt.Sprintf("has a record that cannot be read in full (%s)", observe.Clip(oneLine(err)))
	}
	if c.Capacity < 0 {
		what = fmt.Sprintf("says that its worker takes %d assignments at most: the bound of the master is used", c.Capacity)
		c.Capacity = 0
	}
	return what
}

// claimRecord is the data of /assign and of /assign/<w>: it names the holder of the claim.
type claimRecord struct {
	claims.Record
	Capacity int  `json:"capacity,omitempty"` // of a worker: the assignments it takes; 0 leaves it to the master
	Retiring bool `json:"retiring,omitempty"` // a worker that takes no more
	Acks     bool `json:"acks,omitempty"`     // the worker gives back tasks itself when they are taken from it
	Fenced   bool `json:"fenced,omitempty"`   // a master has taken the claim from a worker that did not answer
	// EpochSeen is the highest epoch that a worker has seen, when the tree shows a
	// lower one; see memory.
	EpochSeen int32 `json:"epoch_seen,omitempty"`
	Format    int   `json:"format,omitempty"` // the newest format that the holder knows; 0 is 1
}

// assignmentRecord is the data of /assign/<w>/<t>.
type assignmentRecord struct {
	Token
	Incarnation int32 `json:"incarnation"`       // of the worker that is to execute it
	Revoked     bool  `json:"revoked,omitempty"` // the worker is to give it back when its handler has returned
	Taken       bool  `json:"taken,omitempty"`   // the worker is to give it back at once
	// Reason is why a taken attempt ends; empty if the task has ended in another way.
	Reason string `json:"reason,omitempty"`
}

// attemptRecord is the data of /tasks/<t>/attempt-<n>.
type attemptRecord struct {
	Token
	Worker string    `json:"worker"`
	Reason string    `json:"reason"`
	Ended  time.Time `json:"ended,omitzero"` // by the writer's clock
}

// Status is the record of how a task ended, as /tasks/<t>/status has it. A task has at
// most one.
type Status struct {
	State  State // Done, Failed or Cancelled; a status made by hand may have another word
	Result Result
	Reason string    // why the task failed
	Worker string    // the worker that executed it
	Token  Token     // of the recorded execution
	Ended  time.Time // by the clock of the process that recorded it; zero if made by hand
}

// statusRecord is Status as stored, readable in zkCli.
type statusRecord struct {
	State  State  `json:"state"`
	Text   string `json:"result,omitempty"`   // when it is UTF-8
	Binary []byte `json:"result64,omitempty"` // when it is not
	Reason string `json:"reason,omitempty"`
	Worker string `json:"worker,omitempty"`
	Token
	Ended time.Time `json:"ended,omitzero"`
}

func (s Status) encode() []byte {
	record := statusRecord{State: s.State, Reason: s.Reason, Worker: s.Worker, Token: s.Token, Ended: s.Ended}
	if readable(s.Result) {
		record.Text = string(s.Result)
	} else {
		record.Binary = s.Result
	}
	return encode(record)
}

// readable reports whether a result is text that JSON holds as it is. JSON writes
// six bytes for a control character, so anything with those is stored as bytes: a
// result must not grow past what one write may hold.
func readable(result []byte) bool {
	return utf8.Valid(result) && !bytes.ContainsFunc(result, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' || r == '\u2028' || r == '\u2029'
	})
}

// decodeStatus reads a status. If another program wrote it, such as a plain "done" from
// zkCli, the data is the result of a finished task.
func decodeStatus(data []byte) Status {
	var record statusRecord
	if err := json.Unmarshal(data, &record); err != nil || record.State == "" {
		return Status{State: Done, Result: data}
	}
	result := Result(record.Binary)
	if result == nil {
		result = Result(record.Text)
	}
	return Status{
		State: record.State, Result: result, Reason: record.Reason, Worker: record.Worker, Token: record.Token, Ended: record.Ended,
	}
}

// decodeRecord reads a record that a process of the recipe writes as JSON. Other data, such as
// a word from zkCli, says nothing and is no error. An error means that a field cannot be read;
// the other fields are set all the same, as far as they can be read.
func decodeRecord(data []byte, record any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil
	}
	return json.Unmarshal(data, record)
}

func encode(record any) []byte { return claims.Encode(record) }

// requestRecord is the data of /collect/<t>: which task of that name a client wants to be
// removed.
type requestRecord struct {
	Czxid int64 `json:"czxid"` // of its znode
}

// meant is the czxid of the task that a request means, or decide.AnyLife.
func meant(data []byte) int64 {
	var r requestRecord
	if json.Unmarshal(data, &r) != nil {
		return decide.AnyLife
	}
	return r.Czxid
}
