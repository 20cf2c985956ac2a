package explore

import (
	"fmt"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Process is one process of the world.
type Process struct {
	Name    string
	Program Program
	Leaves  bool // it can be asked to leave
	Fixed   bool // nothing happens to the process itself: its sessions and its life are safe
	Crash   Crash
}

// Crash is the fate of a process that dies.
type Crash uint8

// The crashes.
const (
	Restarted Crash = iota // it is started again
	ForGood                // it stays down
	Spared                 // it does not die
)

// Library is how the client library of all processes treats the end of a session.
type Library uint8

// The libraries.
const (
	// Honest libraries end the Session, as package zkclient does.
	Honest Library = iota
	// Replacing libraries open another session and go on with it under the same value, as the
	// unmodified go-zookeeper does.
	Replacing
)

// World is the input of an exploration: processes on one ZooKeeper, and bounds of the faults.
type World struct {
	Processes []Process
	Tree      zk.Tree // at the beginning; structural
	Bounds    Bounds
	Library   Library
	// Strands puts each cut between the process's server and the leader. The server still
	// answers reads from its old state, so the process believes in its session; writes hang.
	// When the leases of the process have run out by its clock, the leader may end the
	// session, or the server finds its leader again.
	Strands bool
	// Window is how many requests of one DoAll are under way together, up to MostWindow. 0 and 1
	// mean that each is answered before the next one is sent.
	Window int
	// Turns makes the order in which threads of one process go on a choice, if one input lets
	// several go on. Otherwise they go on in the order in which they were made.
	Turns bool
	// Follow makes sessions answer followed reads with differences, as those of package zkclient do;
	// see follow.go. Otherwise each answer is a whole list, with a watch that fires once.
	Follow bool
	// Unfenced makes the system outside accept every token.
	Unfenced bool
	Judge    Judge
	// Constant, if set, answers requests that change nothing and whose answer is always the
	// same in this world. The time of the answer makes no difference, so they are answered at
	// once, and never lost. Then a session is opened at once, too.
	Constant func(op zkapi.Op) (result zkapi.Result, err error, constant bool)
	// Beside are persistent znodes without data that exist from the beginning. They are not
	// in the tree, because Constant answers every read of them. A replay on a real server
	// must create them.
	Beside []string
}

// Bounds is how often each kind of fault may happen.
type Bounds struct {
	Expiries int // the server ends a session; its owner learns of it later
	Cuts     int // an owner gives its session up, as its lease demands; the server ends it later
	Stops    int // a process is stopped for longer than its lease; it goes on after the server has ended its session
	Losses   int // a connection breaks and takes a request or its answer with it
	Crashes  int // a process dies and is started again, unless for good; the server ends its session later
	Leaves   int // a process is asked to leave
	Lags     int // a server falls behind the others, until its client writes or syncs
	Sweeps   int // a process reads everything again without an event
}

// budget is one kind of fault and its bound.
type budget struct {
	name  string
	bound func(*Bounds) *int
}

// budgets are the kinds of faults; a state has the number that is left of each.
var budgets = []budget{
	{"expiries", func(b *Bounds) *int { return &b.Expiries }},
	{"cuts", func(b *Bounds) *int { return &b.Cuts }},
	{"stops", func(b *Bounds) *int { return &b.Stops }},
	{"losses", func(b *Bounds) *int { return &b.Losses }},
	{"crashes", func(b *Bounds) *int { return &b.Crashes }},
	{"leaves", func(b *Bounds) *int { return &b.Leaves }},
	{"lags", func(b *Bounds) *int { return &b.Lags }},
	{"sweeps", func(b *Bounds) *int { return &b.Sweeps }},
}

// Places of the budgets.
const (
	expiries = iota
	cuts
	stops
	losses
	crashes
	leaves
	lags
	sweeps
)

// MostFaults is how often one kind of fault may happen at most.
const MostFaults = budgetMask

const budgetBits, budgetMask = 4, 1<<4 - 1

func (b Bounds) pack() uint32 {
	var packed uint32
	for i, kind := range budgets {
		packed |= uint32(*kind.bound(&b)) << (i * budgetBits)
	}
	return packed
}

func left(packed uint32, kind int) uint32 { return packed >> (kind * budgetBits) & budgetMask }

func spend(packed uint32, kind int) uint32 { return packed - 1<<(kind*budgetBits) }

// String prints the bounds for a result, without faults whose bound is 0.
func (b Bounds) String() string {
	var parts []string
	for _, kind := range budgets {
		if n := *kind.bound(&b); n > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", kind.name, n))
		}
	}
	if len(parts) == 0 {
		return "no faults"
	}
	return strings.Join(parts, " ")
}

// Validate returns an error if a world is not valid.
func (w *World) Validate() error {
	for _, kind := range budgets {
		if n := *kind.bound(&w.Bounds); n < 0 || n > MostFaults {
			return fmt.Errorf("explore: %s %d: use 0 to %d", kind.name, n, MostFaults)
		}
	}
	if w.Window < 0 || w.Window > MostWindow {
		return fmt.Errorf("explore: a window of %d: use 1 to %d", w.Window, MostWindow)
	}
	if n := len(w.Processes); n == 0 || n > maxProcesses {
		return fmt.Errorf("explore: %d processes: use 1 to %d", n, maxProcesses)
	}
	return nil
}

// Judge decides the properties. Its methods must be pure functions.
type Judge interface {
	// Write judges the effect of one request on the tree.
	Write(w Write) []Violation
	// State looks at a whole state.
	State(v View) []Violation
	// Goal reports whether everything that was wanted has come about.
	Goal(v View) bool
	// Seen names the required events in a write. If an event never happens in a world, the
	// exploration has not tested it.
	Seen(w Write) []string
}

// Write is one request that a process sent and its effect on the tree.
type Write struct {
	Process       string
	Op            zkapi.Op
	Session       int64
	Before, After zk.Tree
	Err           error
}

// View is a state as the judges see it.
type View struct {
	Tree zk.Tree
	Acts Acts // the state of the system outside
	// Of each process: its claims, whether it runs, and whether the server still knows its
	// session.
	Processes []ProcessView
}

// ProcessView is one process as the judges see it.
type ProcessView struct {
	Name    string
	Notes   map[string]string
	Running bool
	Clock   time.Time // of the process; it starts again with each restart
	Session int64     // that the process uses; 0 for none
	Known   bool      // the server has not ended that session
	Stopped bool      // it was stopped, or its server is cut off, and its clock does not show it yet
}

// Passed is how much time has passed for a process that lives, by its own clock and in
// this life.
func (p ProcessView) Passed() time.Duration { return p.Clock.Sub(origin) }

// Violation is a property that does not hold, and why.
type Violation struct {
	Property string
	Reason   string
}
