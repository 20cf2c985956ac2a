package recipe

import (
	"fmt"
	"time"
)

// Explanation says why a task or a worker is as it is: what the next look of a master would
// decide about it by what the tree shows, and why that is all.
type Explanation struct {
	Kind     SubjectKind
	Name     string
	State    State    // of a task
	Resident bool     // of a task
	Reasons  []Reason // the most important one first; at least one

	// Unreadable lists the znodes that this client may not read. Reasons that are only there
	// may be missing.
	Unreadable []Unreadable
}

// SubjectKind is the kind of what is explained.
type SubjectKind string

// The kinds of what is explained.
const (
	TaskSubject   SubjectKind = "task"
	WorkerSubject SubjectKind = "worker"
)

// ReasonKind is the kind of a Reason.
type ReasonKind string

// The kinds of reasons. Behind each are the fields that it has, apart from Task or Worker, which
// name the subject of the sentence.
const (
	BecauseNobodyLeads  ReasonKind = "nobody-leads"        // Count: candidates in the queue
	BecauseMadeByHand   ReasonKind = "master-made-by-hand" // a znode made by hand is in the place of the leader
	BecauseZnode        ReasonKind = "znode-in-the-way"    // Znode, Detail, Remedy: a Problem
	BecauseQuarantined  ReasonKind = "quarantined"         // Subject, Since, Until (zero: until its znode is gone), Count: refusals, Detail: the server's reason
	BecauseNextLook     ReasonKind = "next-look"           // Action and To: nothing holds it up; the next look of a master decides that
	BecauseNotBefore    ReasonKind = "not-before"          // Until
	BecauseBackoff      ReasonKind = "back-off"            // Since: the last attempt's end; Until; Count: attempts; Worker and Detail: of the last one
	BecauseNoWorkers    ReasonKind = "no-workers"          // no worker is registered
	BecauseNoneTakes    ReasonKind = "no-worker-takes"     // Count: registered workers; other reasons have why each takes no tasks
	BecauseAllFull      ReasonKind = "all-full"            // Count of Limit places are taken
	BecauseOthersFull   ReasonKind = "others-full"         // Worker is free, but the task avoids it as long as there are others
	BecauseStrategy     ReasonKind = "strategy-waits"      // Worker: the full one that the Strategy has chosen; empty: it has chosen none
	BecauseTurn         ReasonKind = "not-its-turn"        // Count: tasks that are assigned before
	BecauseAssigned     ReasonKind = "assigned"            // Worker lives and has it; Count: which attempt
	BecauseHandlerRuns  ReasonKind = "owner-must-let-go"   // it is resident: Worker gives it back when its handler has returned
	BecauseReturned     ReasonKind = "asked-back"          // Worker was told to give it back at once
	BecauseHolderLost   ReasonKind = "holder-lost"         // Worker has it and does not live
	BecauseEven         ReasonKind = "spread-evenly"       // it is resident, and stays: Worker has Count of them, and no worker has fewer than Limit
	BecauseAbandoned    ReasonKind = "abandoned"           // Worker has given it back at Since, but its handler may still run there
	BecauseNotShown     ReasonKind = "not-shown"           // Count: znodes that this client may not read
	BecauseEnded        ReasonKind = "ended"               // State, Since, Detail
	BecauseLastAttempt  ReasonKind = "last-attempt"        // of a task that has failed: Count, Worker, Since, Detail
	BecauseRemoval      ReasonKind = "removal-asked"       // a client has asked a master to remove it
	BecauseLost         ReasonKind = "not-registered"      // no session holds the name of the worker
	BecauseLeaving      ReasonKind = "leaving"             // the worker takes no more tasks; Count: those that it has
	BecauseFenced       ReasonKind = "claim-taken"         // a master has taken its claim, because it did not give back a task in time
	BecauseOutdated     ReasonKind = "outdated"            // Detail, Remedy: its build knows less than the znodes have, or its claim cannot be checked
	BecauseNoInbox      ReasonKind = "no-inbox"            // a worker made by hand: a master has not made its inbox yet
	BecauseFull         ReasonKind = "full"                // Count of Limit
	BecauseRoom         ReasonKind = "has-room"            // Count of Limit
	BecauseNothingWaits ReasonKind = "nothing-waits"       // no task waits
	BecauseNoneDue      ReasonKind = "waiting-not-due"     // Count: waiting tasks that are not due yet; Until: when the next one is
	BecauseOthers       ReasonKind = "waiting-for-others"  // Count: waiting tasks that the Strategy wants to give to other workers, or that avoid this one
)

// Reason is one reason, as data. String and Text make the sentence.
type Reason struct {
	Kind    ReasonKind
	Task    string
	Worker  string
	Subject string // of a quarantine: task, worker, progress or request
	State   State
	Action  string // of a master, by its name in the specification
	To      string // the worker that the action gives the task to

	Since, Until time.Time // by the clock of whoever has recorded them

	Count, Limit int
	// Assumed says that Limit relies on the default of MasterConfig.TasksPerWorker: the tree
	// does not show how it is set.
	Assumed bool

	Detail string // a text that somebody else has written: a server, a worker, a master
	Znode  string
	Remedy string // the commands for zkCli, or what to do
}

// String is Text with times in UTC.
func (r Reason) String() string {
	return r.Text(func(at time.Time) string { return at.UTC().Format(time.RFC3339) })
}

// Text is the sentence, with times as moment prints them. It may contain what others have
// written: make it safe before a terminal shows it.
func (r Reason) Text(moment func(time.Time) string) string {
	if sentence := sentences[r.Kind]; sentence != nil {
		return sentence(r, moment)
	}
	return string(r.Kind)
}

// atTime is a moment in a sentence, or nothing.
func atTime(before string, at time.Time, moment func(time.Time) string) string {
	if at.IsZero() {
		return ""
	}
	return before + moment(at)
}

// colon is a text behind a colon, or nothing.
func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// assumption is what Assumed means.
func (r Reason) assumption() string {
	if r.Assumed {
		return " (the masters' default of tasks per worker is assumed)"
	}
	return ""
}

// number is a count with its noun.
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
