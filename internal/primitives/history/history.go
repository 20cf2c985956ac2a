// Package history says what a run of the primitives leaves on record: the calls that users make of
// counters, values, transactions, barriers and leases, with what they asked for and what they were
// told. The workload notes by it, and the judges read by it. It shares no code with the recipes.
//
// The object of a call is the path of the counter, the space of a transaction, and so on. A call and
// what follows from it (a stay in a barrier, a tenure of a lease) have one id.
package history

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/record"
)

// The kinds of the events that users note. Their payload is [record.Own].
const (
	Call   record.Kind = "call"   // a user asks for something; ok means that it was done
	Stay   record.Kind = "stay"   // a user believes to be in a round of a double barrier; its token has the round as its epoch
	Tenure record.Kind = "tenure" // a user believes to hold a lease; its token has that of the lease
)

// Is reports whether an event is of that kind.
func Is(e record.Event, kind record.Kind) bool { return e.Kind == kind }

// The objects of a run.
const (
	Sum     = "/values/sum"     // a counter that is added to
	Numbers = "/values/numbers" // a counter that hands out blocks
	Mode    = "/values/mode"    // a value
	Bank    = "/bank"           // the space of the transactions; its children are accounts
	Gate    = "/barriers/gate"  // a barrier
	Round   = "/barriers/round" // a double barrier
	Duty    = "/leases/duty"    // a lease
	Ledger  = "/ledger"         // that the holders of the lease write
)

// Roots are the znodes above all others of a run.
var Roots = []string{"/values", "/bank", "/barriers", "/leases", "/ledger"}

// Objects are what calls are about.
var Objects = []string{Sum, Numbers, Mode, Bank, Gate, Round, Duty}

// Accounts are the accounts of the bank, below it. Together they have Money from the beginning.
var Accounts = []string{"a", "b", "c", "d"}

// Money is what all accounts have together.
const Money = 12

// ObjectOf is the object that a znode belongs to; empty for others.
func ObjectOf(path string) string {
	if path == Ledger {
		return Duty
	}
	for _, object := range Objects {
		if path == object || strings.HasPrefix(path, object+"/") {
			return object
		}
	}
	return ""
}

// The verbs of calls.
const (
	Add      = "add"             // N to the counter
	Block    = "block"           // the next N numbers
	Set      = "set"             // the value to Text, whatever it is; or the barrier
	Swap     = "compare-and-set" // the value to Text, if it has Version
	Fund     = "fund"            // the bank with its money, if it has none
	Transfer = "transfer"        // one unit From one account To another one
	Audit    = "audit"           // read all accounts
	Lift     = "lift"            // the barrier
	Wait     = "wait"            // until the barrier is not set
	Enter    = "enter"           // the double barrier
	Leave    = "leave"           // it
	Take     = "take"            // the lease
	Renew    = "renew"           // it
	Release  = "release"         // it
)

// Asked is the data of the beginning of a [Call].
type Asked struct {
	Verb    string `json:"verb"`
	N       int64  `json:"n,omitempty"`
	Version int32  `json:"version,omitempty"`
	Text    string `json:"text,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// Told is the data of its end.
type Told struct {
	Refused bool           `json:"refused,omitempty"` // it was done, and the answer is no: another version, no money, funded already
	Sum     int64          `json:"sum,omitempty"`     // of a counter, after the call
	First   int64          `json:"first,omitempty"`   // of a block
	Last    int64          `json:"last,omitempty"`
	Version int32          `json:"version,omitempty"` // of a value, after the call
	Seen    map[string]int `json:"seen,omitempty"`    // by account
}

// Words are what was asked for.
func (a Asked) Words() string {
	switch a.Verb {
	case Add:
		return fmt.Sprintf("add %d", a.N)
	case Block:
		return fmt.Sprintf("a block of %d", a.N)
	case Swap:
		return fmt.Sprintf("set, if it has version %d", a.Version)
	case Fund:
		return fmt.Sprintf("fund with %d, if there is no money", a.N)
	case Transfer:
		return fmt.Sprintf("transfer from %s to %s", a.From, a.To)
	case Enter:
		return fmt.Sprintf("enter a round of %d", a.N)
	case Take:
		return fmt.Sprintf("take for %d ms", a.N)
	}
	return a.Verb
}

// Words are the answer to a call that is done; empty if it says no more than that.
func (t Told) Words(a Asked) string {
	switch {
	case t.Refused:
		return map[string]string{Swap: "it has another version", Transfer: "there is no money", Fund: "there is money"}[a.Verb]
	case a.Verb == Add:
		return fmt.Sprintf("the sum is %d", t.Sum)
	case a.Verb == Block:
		return fmt.Sprintf("its numbers are %d to %d", t.First, t.Last)
	case a.Verb == Swap || a.Verb == Set && a.Text != "":
		return fmt.Sprintf("the version is %d", t.Version)
	case a.Verb == Audit || a.Verb == Transfer:
		return "it saw " + seen(t.Seen)
	}
	return ""
}

// seen are the accounts that have money, in the order of their names.
func seen(accounts map[string]int) string {
	var all []string
	for _, name := range Accounts {
		if accounts[name] != 0 {
			all = append(all, fmt.Sprintf("%d in %s", accounts[name], name))
		}
	}
	if len(all) == 0 {
		return "no money"
	}
	return strings.Join(all, ", ")
}

// Writes reports whether a call of that verb changes its object, if it is done and not refused.
func (a Asked) Writes() bool {
	return !slices.Contains([]string{Audit, Wait, Enter, Leave, Take, Renew, Release}, a.Verb)
}

// Entry is the data of the ledger: the n-th write of a holder.
func Entry(token int32, id string, n int) string { return fmt.Sprintf("%d %s %d", token, id, n) }

// ParseEntry reads the data of the ledger.
func ParseEntry(data string) (token int32, id string, ok bool) {
	var n int
	_, err := fmt.Sscanf(data, "%d %s %d", &token, &id, &n)
	return token, id, err == nil
}

// IsLane reports whether a znode is a lane, whose version counts the writes of a session.
func IsLane(path string) bool {
	return strings.HasPrefix(path[strings.LastIndexByte(path, '/')+1:], "lane-")
}

// Changes reports whether a write changes an object. A lane changes nothing, nor does the create of
// a znode that the same write deletes, nor what becomes of the znode above the accounts.
func Changes(ops []record.Op, object string) bool {
	return slices.ContainsFunc(ops, func(op record.Op) bool {
		undone := op.Kind == "create" && slices.ContainsFunc(ops, func(other record.Op) bool { return other.Kind == "delete" && other.Path == op.Path })
		made := op.Kind == "delete" && slices.ContainsFunc(ops, func(other record.Op) bool { return other.Kind == "create" && other.Path == op.Path })
		return op.Kind != "check" && op.Path != Bank && ObjectOf(op.Path) == object && !IsLane(op.Path) && !undone && !made
	})
}
