package checker

import (
	"cmp"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/record"
)

// ledger is ZooKeeper's own account of a run, if the committed transactions are known.
type ledger struct {
	*record.Index
	evidence *record.Evidence
}

// newLedger returns nil if the record lacks the commits, the exchanges, or the evidence
// about how far the commits go.
func newLedger(index *record.Index) *ledger {
	if !index.Committed() || index.Run.Evidence == nil {
		return nil
	}
	return &ledger{index, index.Run.Evidence}
}

// settle replaces unknown outcomes of writes by the committed ones, and finds the place
// of each write in ZooKeeper's order. An applied write took effect before the answer to
// any later write. If the commits are not known, the tree decides.
func (f *facts) settle() {
	f.writes = make([]record.Operation, len(f.run.Writes))
	f.zxids = make([]int64, len(f.writes))
	for i := range f.run.Writes {
		w := &f.run.Writes[i]
		f.writes[i] = w.Operation
		if f.ledger == nil {
			continue
		}
		if w.Commit >= 0 {
			f.zxids[i] = w.Zxid
		}
		if w.By != record.ByCommits && w.By != record.ByAbsence {
			continue
		}
		f.settled(w.Fate)
		done := &f.writes[i].Done
		done.Type, done.At = w.Fate, f.end
		if w.Fate == record.OK {
			done.At = max(w.Invoke.At+1, min(f.end, f.ledger.Latest(w.Commit)))
		}
	}
}

// settled counts an unknown outcome that the committed order was asked about. If the
// order leaves it open, the tree may still settle it.
func (f *facts) settled(outcome record.Type) {
	switch outcome {
	case record.OK:
		f.unknowns.applied++
		f.unknowns.byOrder++
	case record.Fail:
		f.unknowns.lost++
		f.unknowns.byOrder++
	}
}

// settleSubmits does the same for submissions: a submission was accepted if a write
// that creates its task was applied.
func (f *facts) settleSubmits() {
	if f.ledger == nil || len(f.evidence.Gaps) > 0 {
		return
	}
	made := map[string]string{} // by id: the task
	for _, w := range f.writes {
		if w.Outcome() != record.OK {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if z := record.ParsePath(op.Path); z.Kind == record.Task && op.Kind == "create" {
				id, _ := record.ParseTask(op.Data)
				made[id] = z.Task
			}
		}
	}
	for i := range f.submits {
		s := &f.submits[i]
		if s.Outcome() != record.Info {
			continue
		}
		name, accepted := made[s.Invoke.ID()]
		s.Done.Type = record.Fail
		if accepted {
			s.Done.Type, s.Done.Of = record.OK, record.Submission{ID: s.Invoke.ID(), Task: name}
		}
		f.settled(s.Done.Type)
	}
}

// ordered reports whether the writes that were applied can be ordered by zxid.
func (f *facts) ordered() bool { return f.ledger != nil && len(f.evidence.Gaps) == 0 }

// resting names the evidence for the order and the outcomes of writes.
func (f *facts) resting() string {
	switch {
	case f.evidence == nil:
		return "There is no evidence but what the participants have heard."
	case f.ledger == nil:
		why := cmp.Or(f.evidence.Weaker, "it was not recorded what was committed")
		return fmt.Sprintf("The evidence is the weaker one: %s. What was unanswered is judged by the final tree, and the order is that of time.", why)
	case f.evidence.Order == record.FromMemory:
		return fmt.Sprintf("The order of writes, and which of them were applied, is the server's own record: %d entries.", len(f.ledger.Commits))
	}
	text := fmt.Sprintf("The order of writes, and which of them were applied, is from the transaction logs of %d servers: %d transactions until 0x%x.",
		len(f.evidence.Servers), len(f.ledger.Commits), f.evidence.Last)
	if n := len(f.evidence.Gaps); n > 0 {
		text += fmt.Sprintf(" They have %d holes, so that the order is that of time.", n)
	}
	return text
}
