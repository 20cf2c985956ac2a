package leadership

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// LedgerPath is the znode that only the leader writes, in runs that are about who leads.
const LedgerPath = "/ledger"

// Entry is the data of the ledger: the n-th write of a term.
type Entry struct {
	Epoch int32 `json:"epoch"`
	N     int   `json:"n"`
}

func (e Entry) compare(other Entry) int {
	return cmp.Or(cmp.Compare(e.Epoch, other.Epoch), cmp.Compare(e.N, other.N))
}

// ReadEntry reads an entry from a part of a write; false if the part makes none.
func ReadEntry(op record.Op) (e Entry, is bool) {
	if op.Path != LedgerPath || op.Kind != "set" && op.Kind != "create" {
		return e, false
	}
	return e, json.Unmarshal([]byte(op.Data), &e) == nil
}

// ClaimOfEntry reads the epoch from an entry: its leader wrote it in the name of that epoch, even
// if the write lacks the check. It is a [Claim].
func ClaimOfEntry(op record.Op) (epoch int32, claims bool) {
	e, is := ReadEntry(op)
	return e.Epoch, is
}

// Ledger has the entries that were applied, in the best order that is known.
type Ledger struct {
	of      *checker.Case
	entries []entered
}

// entered is an entry that was applied.
type entered struct {
	Entry
	write *checker.Write
}

// LedgerOf reads the ledger of a run.
func LedgerOf(c *checker.Case) *Ledger {
	l := &Ledger{of: c}
	for i := range c.Writes {
		w := &c.Writes[i]
		if w.Outcome() != record.OK {
			continue
		}
		for _, op := range w.Invoke.Ops() {
			if e, is := ReadEntry(op); is {
				l.entries = append(l.entries, entered{e, w})
			}
		}
	}
	if c.Ordered() {
		slices.SortStableFunc(l.entries, func(a, b entered) int { return cmp.Compare(a.write.Zxid, b.write.Zxid) })
	}
	return l
}

// Entries is how many there are.
func (l *Ledger) Entries() int { return len(l.entries) }

// InOrder: in the order in which they took effect, the entries of the ledger are those of ever
// greater epochs, and within an epoch in the order in which the leader made them. Without
// ZooKeeper's order, an entry must not be answered before a smaller one is sent.
func (l *Ledger) InOrder() checker.Property {
	p := checker.NewFindings("LedgerInOrder")
	var last entered
	for _, e := range l.entries {
		after := last.write != nil && (l.of.Ordered() || last.write.Done.At < e.write.Invoke.At)
		if after && e.compare(last.Entry) <= 0 {
			p.Violate(wording.Finding{Code: LedgerBack, Object: LedgerPath, Zxid: e.write.Zxid, Args: wording.Args{
				"process": e.write.Invoke.Process, "epoch": e.Epoch, "n": e.N, "at": l.of.At(e.write.Operation),
				"other": last.write.Invoke.Process, "later_epoch": last.Epoch, "later_n": last.N,
			}}, last.write.Invoke, e.write.Invoke)
		}
		if last.write == nil || e.compare(last.Entry) > 0 {
			last = e
		}
	}
	l.keepsTheLast(p, last)
	return p.Property("%d entries of the ledger. Each is greater than the one before.", len(l.entries))
}

// keepsTheLast compares the ledger in the final tree with the last entry.
func (l *Ledger) keepsTheLast(p *checker.Findings, last entered) {
	if !l.of.HasTree() || !l.of.Ordered() || last.write == nil {
		return
	}
	nodes := l.of.Evidence.Nodes
	at := slices.IndexFunc(nodes, func(n record.Node) bool { return n.Path == LedgerPath })
	final := Entry{}
	if at >= 0 {
		_ = json.Unmarshal([]byte(nodes[at].Data), &final) // other data is no entry, and differs from the last one
	}
	if final != last.Entry {
		p.Violate(wording.Finding{Code: LedgerLost, Object: LedgerPath, Args: wording.Args{
			"process": last.write.Invoke.Process, "epoch": last.Epoch, "n": last.N, "final_epoch": final.Epoch, "final_n": final.N,
		}}, last.write.Invoke)
	}
}
