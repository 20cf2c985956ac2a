package checker

import (
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Case is a run as every judge reads it, whatever the recipe. Judges change nothing in
// it: they work at the same time.
type Case struct {
	Index    *record.Index
	Events   []record.Event
	Evidence *record.Evidence // nil if the run has none
	Policy   record.Policy
	End      time.Duration // later than every event

	Writes    []Write            // in the order of their invocation
	Faults    []record.Operation // in the order of their invocation
	Processes []record.Event     // the notes of what became of processes
	Sessions  []record.Event     // the notes of what became of sessions

	// Resolved counts the unknown outcomes. A [Judging] adds those of its own operations,
	// before its judges begin.
	Resolved Resolution

	mayHold func(process string) int // see Judging.MayHold

	ledger *ledger // nil if the committed transactions are not known
	seen   sync.Once
	places map[int]int // of writes in the index, by the number of their first event; filled when a violation is told
}

// Write is a write of a participant. If the commits are known, its outcome is theirs.
type Write struct {
	*record.Operation // that of the index, unless the outcomes differ
	// Zxid is its place in ZooKeeper's order, if it was applied; 0 if it was not, or if that
	// is not known.
	Zxid int64
}

// NewCase reads a run. The objects of the recipe say what its znodes belong to.
func NewCase(run record.Run, znodes record.Objects) *Case {
	index := record.NewIndex(run, znodes)
	c := &Case{
		Index: index, Events: run.Events, Evidence: run.Evidence, Policy: run.Rules(), End: index.End,
		Faults: record.Operations(run.Events, record.Fault), ledger: newLedger(index),
	}
	for i := range run.Events {
		switch e := &run.Events[i]; e.Kind {
		case record.Process:
			c.Processes = append(c.Processes, *e)
		case record.Session:
			c.Sessions = append(c.Sessions, *e)
		}
	}
	c.settle()
	return c
}

// enough bounds the events that are shown for an object.
const enough = 12

// About are the events that show the fate of an object, for a violation that rests on the
// final tree.
func (c *Case) About(object string) []record.Event { return c.Index.About(object, enough) }

// At is the time of a write; see [record.Index.Moment].
func (c *Case) At(w *record.Operation) time.Duration {
	c.seen.Do(func() { // a valid run does not need it
		c.places = map[int]int{}
		for i := range c.Index.Writes {
			c.places[c.Index.Writes[i].Invoke.Seq] = i
		}
	})
	if i, known := c.places[w.Invoke.Seq]; known && w.Invoke.Seq > 0 {
		return c.Index.Moment(i)
	}
	return w.Invoke.At
}

// Until is the time by which an applied operation had taken effect. An operation without
// an answer may have taken until the end.
func (c *Case) Until(op *record.Operation) time.Duration {
	if op.Done.At == 0 || op.Done.Type != record.OK {
		return c.End
	}
	return op.Done.At
}

// Lasted is until when an operation of some length lasted: a term, a handler. It is over
// at the latest when its process died.
func (c *Case) Lasted(op record.Operation) time.Duration {
	end := op.Return(c.End)
	if life := c.Index.LifeOf(op.Invoke.Alive()); life != nil {
		if at, ended := life.Over(op.Invoke.At); ended {
			end = min(end, at)
		}
	}
	return end
}

// awakening is how long a participant may take to notice that it was stopped or that its
// session was ended.
const awakening = 2 * time.Second

// Excuse finds a fault that kept a participant from knowing in time that an operation was
// not its own any more. The fault was active, or just over, between the two times. It
// returns the kind of the fault; empty for none.
func (c *Case) Excuse(op record.Operation, from, to time.Duration) string {
	for _, fault := range c.Faults {
		// An end without a server's answer may have happened all the same.
		if fault.Fault().Robs() && fault.Outcome() != record.Fail && slices.Contains(fault.Targets(), op.Invoke.Process) &&
			fault.Invoke.At <= to && fault.Return(c.End)+awakening >= from {
			return fault.Fault().Fault
		}
	}
	return ""
}

// HasTree reports whether the final tree is known.
func (c *Case) HasTree() bool { return c.Evidence != nil && c.Evidence.Nodes != nil }

// NeedsTree doubts a property that cannot be judged without the final tree, and reports
// whether the tree is missing.
func (c *Case) NeedsTree(p *Findings) bool {
	if !c.HasTree() {
		p.Doubt(wording.Finding{Code: wording.NoTree})
		return true
	}
	return false
}

// NeedsHeal doubts a property about what comes after the faults, if the ensemble did not
// come back from them. It reports whether that is so, or the evidence is missing.
func (c *Case) NeedsHeal(p *Findings) bool {
	switch {
	case c.Evidence == nil:
		return c.NeedsTree(p)
	case !c.Evidence.Healed:
		p.Doubt(wording.Finding{Code: wording.NotHealed, Args: wording.Args{"problem": c.Evidence.Problem}})
		return true
	}
	return false
}

// EndedByForce are the sessions that faults have ended, each with its fault.
func (c *Case) EndedByForce() map[string]record.Operation {
	ended := map[string]record.Operation{}
	for _, fault := range c.Faults {
		if fault.Outcome() == record.OK {
			for _, session := range fault.Fault().Sessions {
				ended[session] = fault
			}
		}
	}
	return ended
}

// Closes is the place in ZooKeeper's order at which each session ended, as far as the
// commits tell it. Older runs in memory do not have the ends of sessions that expired.
func (c *Case) Closes() map[string]int64 {
	ended := map[string]int64{}
	if c.ledger == nil {
		return ended
	}
	for _, commit := range c.ledger.Commits {
		if commit.Kind == record.CommitClose {
			if _, before := ended[commit.Session]; !before { // a second close ends nothing
				ended[commit.Session] = commit.Zxid
			}
		}
	}
	return ended
}

// EventsOf returns the events of an exchange, by its place in the run; none if no write
// of the history is known to be it.
func (c *Case) EventsOf(exchange int) []record.Event {
	if i := c.Index.Write[exchange]; i >= 0 {
		return []record.Event{c.Writes[i].Invoke, c.Writes[i].Done}
	}
	return nil
}

// Skews is the difference between the wall clock of each life and that of the harness,
// by their notes.
func (c *Case) Skews() map[record.Life]time.Duration {
	var right time.Duration // the time of the harness' clock when the run began
	shown := map[record.Life]time.Duration{}
	for _, e := range c.Events {
		if e.Kind != record.Clock {
			continue
		}
		began := time.Duration(e.Reading().Wall.UnixNano()) - e.At
		if record.RoleOf(e.Process) == record.HarnessRole {
			right = began
		} else {
			shown[e.Alive()] = began
		}
	}
	for who := range shown {
		shown[who] -= right
	}
	return shown
}
