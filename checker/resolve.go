package checker

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/history"
)

// resolution counts what became of operations whose outcome nobody knew.
type resolution struct{ applied, lost, open int }

// resolve replaces unknown outcomes by what the final tree proves.
func (f *facts) resolve() {
	if f.evidence == nil || f.evidence.Nodes == nil {
		for _, s := range f.submits {
			f.count(s.Outcome())
		}
		for _, r := range f.records {
			f.count(r.outcome)
		}
		for _, e := range f.elections {
			f.count(e.won)
		}
		return
	}
	for i, s := range f.submits {
		if s.Outcome() != history.Info {
			continue
		}
		// The id is in the payload of the task that was made, and no task is
		// removed in a run.
		outcome := history.Fail
		if names := f.byID[s.Invoke.ID]; len(names) > 0 {
			outcome = history.OK
			f.submits[i].Done.Task = names[0]
		}
		f.submits[i].Done.Type = outcome
		f.count(history.Info, outcome)
	}
	f.resolveRecords()
	f.resolveElections()
}

// resolveRecords holds statuses of unknown outcome against the one in the tree. A
// worker that hears nothing asks, and writes the very same status again if it
// has to: of equal writes at most one was applied, the answered one if there is
// one, otherwise at any time since the first.
func (f *facts) resolveRecords() {
	type key struct{ task, raw string }
	applied := map[key]bool{}
	for _, r := range f.records {
		if r.outcome == history.OK {
			applied[key{r.task, r.status.raw}] = true
		}
	}
	for i, r := range f.records {
		if r.outcome != history.Info {
			continue
		}
		k := key{r.task, r.status.raw}
		f.records[i].outcome = history.Fail
		if t := f.tasks[r.task]; t != nil && t.status != nil && t.status.raw == r.status.raw && !applied[k] {
			f.records[i].outcome, applied[k] = history.OK, true
		}
		f.count(history.Info, f.records[i].outcome)
	}
}

// resolveElections uses that an epoch begins once: a try to begin an epoch that
// somebody else is known to have begun was lost, and the process that leads an
// epoch has won it.
func (f *facts) resolveElections() {
	winner := map[int32]string{}
	who := func(e history.Event) string { return fmt.Sprintf("%s/%d", e.Process, e.Life) }
	for _, e := range f.elections {
		if e.won == history.OK {
			winner[e.epoch] = who(e.op.Invoke)
		}
	}
	for _, t := range f.terms {
		winner[t.Invoke.Epoch] = who(t.Invoke)
	}
	for i, e := range f.elections {
		if e.won != history.Info {
			continue
		}
		switch winner[e.epoch] {
		case "":
		case who(e.op.Invoke):
			f.elections[i].won = history.OK
		default:
			f.elections[i].won = history.Fail
		}
		f.count(history.Info, f.elections[i].won)
	}
}

// count books one unknown outcome and what it was resolved to.
func (f *facts) count(before history.Type, after ...history.Type) {
	switch {
	case before != history.Info:
	case len(after) == 1 && after[0] == history.OK:
		f.unknowns.applied++
	case len(after) == 1 && after[0] == history.Fail:
		f.unknowns.lost++
	default:
		f.unknowns.open++
	}
}
