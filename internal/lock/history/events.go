package history

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The kinds of the events that lockers note. Their payload is [record.Own]; its token has the
// token of the lock as its epoch.
const (
	Acquire record.Kind = "acquire" // a locker asks for a lock; ok means that it was told that it has it
	Hold    record.Kind = "hold"    // a locker believes to hold a lock, from invoke to ok
	Release record.Kind = "release" // a locker gives a lock back; ok means that this was confirmed
	Settled record.Kind = "settled" // note: a locker has given back all, asks for nothing, and is about to close its session
	Revoke  record.Kind = "revoke"  // a locker asks the holders of a lock to release it; ok means that this was written
	Heard   record.Kind = "revoked" // note: a holder has heard that it is asked to release its lock
)

// Is reports whether an event is of that kind.
func Is(e record.Event, kind record.Kind) bool { return e.Kind == kind }

// Mode is how a lock is held.
type Mode string

// The modes.
const (
	Exclusive Mode = "exclusive" // alone
	Shared    Mode = "shared"    // together with others that share it
	Permit    Mode = "permit"    // together with as many others as the semaphore allows
)

// Conflicts reports whether two holders of one lock exclude each other. Other holders do not matter.
func (m Mode) Conflicts(other Mode) bool { return m == Exclusive || other == Exclusive }

// Way is how long a locker asks for a lock.
type Way string

// The ways.
const (
	Patient Way = "wait"    // until it has the lock
	Try     Way = "try"     // not at all: it takes the lock at once, or not
	Timed   Way = "timeout" // until a deadline
	Fickle  Way = "cancel"  // until it changes its mind
)

// Asked is the data of an [Acquire]: what a locker asks for.
type Asked struct {
	Mode    Mode          `json:"mode"`
	Way     Way           `json:"way"`
	Permits int           `json:"permits,omitempty"` // of the semaphore
	Delay   time.Duration `json:"delay,omitempty"`   // that the next holder is to wait if this one's end is unclean
	Yields  bool          `json:"yields,omitempty"`  // the holder listens, and releases the lock when it is asked to
	Call    string        `json:"call,omitempty"`    // of several locks that are taken together, or none of them: the name of that call
}

// Words say what a locker asks for, for people.
func (a Asked) Words() []string {
	words := []string{string(a.Mode), string(a.Way)}
	if a.Permits > 0 {
		words = append(words, fmt.Sprintf("of %d", a.Permits))
	}
	if a.Delay > 0 {
		words = append(words, fmt.Sprintf("with a delay of %v", a.Delay))
	}
	if a.Yields {
		words = append(words, "until it is asked to release it")
	}
	if a.Call != "" {
		words = append(words, "together with other locks")
	}
	return words
}

// Entry is the data of a ledger: the n-th write of a holder.
type Entry struct {
	Token int32 `json:"token"`
	N     int   `json:"n"`
}

// Late is the number of an entry that a holder writes when its lock is over. The fence must
// refuse it. It is greater than the numbers of all other entries.
const Late = 1 << 30

// UnderWay is the number of an entry that a holder sends while it has the lock, and that is on its
// way until the lock is over. The fence must refuse it, if it comes too late.
const UnderWay = Late + 1

// ParseEntry reads the data of a ledger. ok is false for other data.
func ParseEntry(data string) (e Entry, ok bool) {
	return e, json.Unmarshal([]byte(data), &e) == nil && e.N > 0
}

// String is the data of a ledger.
func (e Entry) String() string { return fmt.Sprintf(`{"token":%d,"n":%d}`, e.Token, e.N) }

// TokenOf is the token of a lock as the record has it.
func TokenOf(token int32) record.Token { return record.Token{Epoch: token} }
