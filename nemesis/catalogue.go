package nemesis

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Entry is what this package knows of a fault. What its effect means to judges, they read
// in Does; what a run must have for it beyond Needs and Asks, internal/harness checks.
type Entry struct {
	Kind    Kind
	Group   string   // session, process, network, server or clock
	Also    []string // other names of groups that contain it
	ByName  bool     // groups and "all" leave it out; a run must name it
	Roles   []Role   // the possible targets; a plan draws one
	All     []Role   // the targets of a fault that has several, each of which there must be
	Least   float64
	Most    float64 // how long it lasts, Least to Most, in session timeouts (see Options.ServerPatience); 0 for a fault without duration
	Needs   Need    // of the bench
	Asks    Ask     // of the recipe
	Explain string
	Probe   string          // the sign by which it counts as effective
	Did     string          // the effect, for a story; %s stands for the target
	Does    []record.Impact // the effects that judges must know
	Inject  binding
}

// Need is a requirement of a fault on its bench, beyond processes that can be killed
// and lines that can be cut. A run in memory, in one process, meets none.
type Need int

// The needs.
const (
	Machines    Need = 1 << iota // processes of an operating system, which can be stopped and have clocks
	Connections                  // lines of connections and bytes, whose traffic can be read
	Servers                      // servers that can be broken
)

// The possible roles of most faults of participants.
var (
	anyParticipant = []Role{ActiveMaster, BusiestWorker, SomeClient, Backup}
	busyWorkers    = []Role{BusiestWorker, SomeWorker}
	anyServer      = []Role{SomeServer, MastersServer, LeaderServer}
)

// Catalogue lists every fault, in the order of the documentation. A seed draws in this
// order.
var Catalogue = slices.Concat(sessionFaults, processFaults, clockFaults, networkFaults, serverFaults)

// groups are the names of groups that contain this fault.
func (e Entry) groups() []string {
	if e.ByName {
		return nil
	}
	return append([]string{e.Group}, e.Also...)
}

// inMemory reports whether a run in one process can have the fault. Latency there
// delays a participant's requests. A reset there, like a cut, loses a request under
// way.
func (e Entry) inMemory() bool { return e.Needs == 0 }
