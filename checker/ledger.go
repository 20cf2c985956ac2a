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
func (c *Case) settle() {
	c.Writes = make([]Write, len(c.Index.Writes))
	for i := range c.Index.Writes {
		w := &c.Index.Writes[i]
		c.Writes[i].Operation = &w.Operation
		if c.ledger == nil {
			continue
		}
		if w.Commit >= 0 {
			c.Writes[i].Zxid = w.Zxid
		}
		if w.By != record.ByCommits && w.By != record.ByAbsence {
			continue
		}
		c.Resolved.ByOrder(w.Fate)
		settled := w.Operation
		settled.Done.Type, settled.Done.At = w.Fate, c.End
		if w.Fate == record.OK {
			settled.Done.At = max(w.Invoke.At+1, min(c.End, c.ledger.Latest(w.Commit)))
		}
		c.Writes[i].Operation = &settled
	}
}

// Ordered reports whether the commits are known without a hole, so that the writes that
// were applied can be ordered by zxid.
func (c *Case) Ordered() bool { return c.ledger != nil && len(c.Evidence.Gaps) == 0 }

// Resting names the evidence for the order and the outcomes of writes.
func (c *Case) Resting() string {
	switch {
	case c.Evidence == nil:
		return "The histories of the participants are the only evidence."
	case c.ledger == nil:
		why := cmp.Or(c.Evidence.Weaker, "the commits were not recorded")
		return fmt.Sprintf("The evidence is the weaker one: %s. The final tree decides which unanswered writes were applied, and time gives their order.", why)
	case c.Evidence.Order == record.FromMemory:
		return fmt.Sprintf("The server's own record gives the order of writes, and which of them were applied: %d entries.", len(c.ledger.Commits))
	}
	text := fmt.Sprintf("The transaction logs of %d servers give the order of writes, and which of them were applied: %d transactions until 0x%x.",
		len(c.Evidence.Servers), len(c.ledger.Commits), c.Evidence.Last)
	if n := len(c.Evidence.Gaps); n > 0 {
		text += fmt.Sprintf(" The logs have %d holes, so time gives the order.", n)
	}
	return text
}
