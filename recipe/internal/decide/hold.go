package decide

import (
	"math"
	"slices"
	"time"
)

// Why is why a pass leaves a task as it is.
type Why uint8

const (
	Decided           Why = iota // it does not: there is a transition of the task
	NotDue                       // it is too early to assign it
	NoWorkerTakes                // no worker takes tasks
	AllFull                      // each worker that takes tasks is full
	OthersAreFull                // a worker is free, but the task avoids it as long as there are others
	StrategyWaits                // the Strategy has chosen a full worker, or none
	Executed                     // a worker that lives has it
	HandlerRuns                  // it is resident, and moves when the handler of its worker has returned
	Returned                     // its worker was told to give it back at once, or is told in this pass
	HolderQuarantined            // it is assigned to a worker that is left alone
)

// Hold says why a pass leaves a task as it is.
type Hold struct {
	Why    Why
	Worker string    // that has the task, or that the Strategy has chosen; empty for none
	Until  time.Time // of NotDue
}

// hold notes why nothing is decided about a task, for Explain.
func (d *decider) hold(t string, h Hold) {
	if d.holds != nil {
		d.holds[t] = h
	}
}

// Bar is why a worker is given nothing.
type Bar uint8

const (
	NoBar          Bar = iota
	BarQuarantined     // it is left alone: nothing is taken from it either
	BarLost            // it does not live
	BarNoInbox         // it has no inbox yet
	BarFenced          // a master has taken its claim away
	BarOutdated        // it knows less than the znodes have, or its claim cannot be checked
	BarRetiring        // it takes no more
)

// Bar says why the worker is given nothing, if it is not given anything.
func (w *workerView) Bar() Bar {
	switch {
	case w.Quarantined:
		return BarQuarantined
	case !w.Alive:
		return BarLost
	case !w.Known:
		return BarNoInbox
	case w.Fenced:
		return BarFenced
	case w.Outdated:
		return BarOutdated
	case w.Retiring:
		return BarRetiring
	}
	return NoBar
}

// Look is a pass with its reasons.
type Look struct {
	Plan
	Holds     map[string]Hold // by task, for those without a transition
	Loads     []Load          // before the pass, of the workers that take tasks, by name
	Residents map[string]int  // before the pass, by those workers
}

// Explain returns what Decide returns for this view at this time, and why that is all. It
// is for a user who looks at one task or one worker: it decides about all tasks at once,
// however many those are.
func Explain(v *View, l Limits, now time.Time) Look {
	l.Batch = math.MaxInt
	d := newDecider(v, l, now)
	d.holds = map[string]Hold{}
	look := Look{Loads: slices.Clone(d.loads().workers), Residents: map[string]int{}}
	for i, load := range look.Loads {
		look.Residents[load.Worker] = d.loads().residents[i]
	}
	look.Plan = d.decide()
	for _, t := range look.Transitions {
		delete(d.holds, t.Task)
	}
	look.Holds = d.holds
	return look
}
