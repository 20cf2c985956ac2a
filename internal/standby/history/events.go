package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The kinds of the events that candidates and clients note. Their payload is [record.Own]. How
// long a process is active is [record.Lead], from before BecomeActive until BecomeStandby has
// returned nil.
const (
	Standby  record.Kind = "become-standby" // a process is told to become standby; ok means that nothing of the term goes on
	Fence    record.Kind = "fence"          // a process is to fence another one; ok means that the hook returned nil
	Neutral  record.Kind = "neutral"        // note: an active was told that the ensemble does not answer
	Again    record.Kind = "active-again"   // note: a neutral process was told that it is active again
	Over     record.Kind = "term-over"      // note: the context of an active has ended
	Health   record.Kind = "health"         // note: what a process said of its own health
	Failover record.Kind = "failover"       // a client asks for a failover
	Look     record.Kind = "look"           // a client looks at the group
)

// Why says why a term has ended.
type Why string

// The reasons.
const (
	Lost         Why = "lost"          // the lease, or the session
	Unhealthy    Why = "unhealthy"     // so it has left the election
	HandedOver   Why = "handed over"   // by a failover
	NotActivated Why = "not activated" // BecomeActive failed
	Left         Why = "left"          // it was told to end
	Other        Why = "other"
)

// Ended is the data of [Standby], [Over]: of which term, and why.
type Ended struct {
	Epoch int32 `json:"epoch"` // 0: the process was not active
	Why   Why   `json:"why,omitempty"`
}

// Fenced is the data of [Fence].
type Fenced struct {
	Old  string `json:"old"`            // the data of the breadcrumb
	Same bool   `json:"same,omitempty"` // as the recipe says
}

// Report is the data of [Health].
type Report struct {
	Good bool `json:"good"`
}

// Wish is the data of [Failover], when it begins.
type Wish struct {
	To    string        `json:"to,omitempty"` // the name of the target; empty for any other
	Grace time.Duration `json:"grace"`        // for which all others hold back, when it is accepted
}

// Refusal says why a failover was not done.
type Refusal string

// The refusals.
const (
	NoActive    Refusal = "no active"
	NoCandidate Refusal = "no candidate"
	Busy        Refusal = "busy"
	Elsewhere   Refusal = "elsewhere" // another process has become active
	Withdrawn   Refusal = "withdrawn" // the time of the client was over before it was accepted
)

// Told is the data of [Failover] and of [Look], when they end: who is active.
type Told struct {
	Refusal Refusal `json:"refusal,omitempty"`
	Name    string  `json:"name,omitempty"` // empty: no process
	Epoch   int32   `json:"epoch,omitempty"`
	Ready   bool    `json:"ready,omitempty"` // the breadcrumb is that of the active
}

// DataOf is what a life of a candidate has in the lock and in the breadcrumb.
func DataOf(life record.Life) string { return fmt.Sprintf("%s:%d", life.Process, life.Number) }

// ParseData reads what a life of a candidate has in the lock and in the breadcrumb; false for
// other data.
func ParseData(data string) (life record.Life, is bool) {
	at := strings.LastIndexByte(data, ':')
	if at <= 0 {
		return life, false
	}
	n, err := strconv.Atoi(data[at+1:])
	life = record.Life{Process: data[:at], Number: n}
	return life, err == nil && DataOf(life) == data
}

// Of is the data of an event; the zero value if it has none.
func Of[T any](e record.Event) T {
	data, _ := record.OwnData[T](e) // an event that has none says nothing
	return data
}
