package judge

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of leader election are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: objects(), Judge: judge}
}

// ledger is the znode that only the leader writes.
const ledger = "/ledger"

// objects has the only object of a run: the ledger.
func objects() record.Objects {
	return record.Objects{Of: func(path string) string {
		if path == ledger {
			return ledger
		}
		return ""
	}}
}

// entry is the data of the ledger: the n-th write of a term.
type entry struct {
	Epoch int32 `json:"epoch"`
	N     int   `json:"n"`
}

func (e entry) compare(other entry) int {
	return cmp.Or(cmp.Compare(e.Epoch, other.Epoch), cmp.Compare(e.N, other.N))
}

// facts is a run in the terms of leader election.
type facts struct {
	*checker.Case
	leaders *leadership.Leaders
	entries []entered // that were applied, in the best order that is known
	effects []record.Event
}

// entered is an entry that was applied.
type entered struct {
	entry
	write *checker.Write
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := &facts{Case: c, leaders: leadership.Of(c, claim)}
	for i := range c.Writes {
		f.read(&c.Writes[i])
	}
	if c.Ordered() {
		slices.SortStableFunc(f.entries, func(a, b entered) int { return cmp.Compare(a.write.Zxid, b.write.Zxid) })
	}
	for _, e := range c.Events {
		if e.Kind == record.Effect {
			f.effects = append(f.effects, e)
		}
	}
	j := f.leaders.Judgement()
	j.Judges = append(j.Judges,
		checker.Judge{Name: "LedgerInOrder", Judge: f.ledgerInOrder},
		checker.Judge{Name: "StaleEffectsFenced", Judge: f.staleEffectsFenced},
		checker.Judge{Name: "LeadsAfterHeal", Judge: f.leadsAfterHeal},
	)
	j.Texts = wording.Merge(j.Texts, texts)
	j.Counts["entries"], j.Counts["effects"] = len(f.entries), len(f.effects)
	if len(f.entries) == 0 {
		j.Vacuous = append(j.Vacuous, "no leader wrote to the ledger")
	}
	return j
}

// claim reads the epoch from an entry: its leader wrote it in the name of that epoch, even
// if the write lacks the check.
func claim(op record.Op) (epoch int32, claims bool) {
	e, is := read(op)
	return e.Epoch, is
}

// read reads an entry from a part of a write.
func read(op record.Op) (e entry, is bool) {
	if op.Path != ledger || op.Kind != "set" && op.Kind != "create" {
		return e, false
	}
	return e, json.Unmarshal([]byte(op.Data), &e) == nil
}

// read notes the entry that a write has made, if it has made one.
func (f *facts) read(w *checker.Write) {
	if w.Outcome() != record.OK {
		return
	}
	for _, op := range w.Invoke.Ops() {
		if e, is := read(op); is {
			f.entries = append(f.entries, entered{e, w})
		}
	}
}

// ledgerInOrder: in the order in which they took effect, the entries of the ledger are
// those of ever greater epochs, and within an epoch in the order in which the leader made
// them. Without ZooKeeper's order, an entry must not be answered before a smaller one is
// sent.
func (f *facts) ledgerInOrder() checker.Property {
	p := checker.NewFindings("LedgerInOrder")
	var last entered
	for _, e := range f.entries {
		after := last.write != nil && (f.Ordered() || last.write.Done.At < e.write.Invoke.At)
		if after && e.compare(last.entry) <= 0 {
			p.Violate(wording.Finding{Code: LedgerBack, Object: ledger, Zxid: e.write.Zxid, Args: wording.Args{
				"process": e.write.Invoke.Process, "epoch": e.Epoch, "n": e.N, "at": f.At(e.write.Operation),
				"other": last.write.Invoke.Process, "later_epoch": last.Epoch, "later_n": last.N,
			}}, last.write.Invoke, e.write.Invoke)
		}
		if last.write == nil || e.compare(last.entry) > 0 {
			last = e
		}
	}
	f.keepsTheLast(p, last)
	return p.Property("%d entries of the ledger. Each is greater than the one before.", len(f.entries))
}

// keepsTheLast compares the ledger in the final tree with the last entry.
func (f *facts) keepsTheLast(p *checker.Findings, last entered) {
	if !f.HasTree() || !f.Ordered() || last.write == nil {
		return
	}
	at := slices.IndexFunc(f.Evidence.Nodes, func(n record.Node) bool { return n.Path == ledger })
	final := entry{}
	if at >= 0 {
		_ = json.Unmarshal([]byte(f.Evidence.Nodes[at].Data), &final) // other data is no entry, and differs from the last one
	}
	if final != last.entry {
		p.Violate(wording.Finding{Code: LedgerLost, Object: ledger, Args: wording.Args{
			"process": last.write.Invoke.Process, "epoch": last.Epoch, "n": last.N, "final_epoch": final.Epoch, "final_n": final.N,
		}}, last.write.Invoke)
	}
}

// staleEffectsFenced: the system outside accepts no act of an epoch when it has accepted
// one of a later epoch, and refuses no other.
func (f *facts) staleEffectsFenced() checker.Property {
	p := checker.NewFindings("StaleEffectsFenced")
	var last record.Event
	refused := 0
	for _, e := range f.effects {
		stale := last.Seq > 0 && e.Token().Compare(last.Token()) < 0
		accepted := e.Act().Accepted
		if !accepted {
			refused++
		}
		if accepted == stale {
			p.Violate(wording.Finding{Code: EffectMisjudged, Object: ledger, Args: wording.Args{
				"process": e.Act().By.Process, "epoch": e.Token().Epoch, "at": e.At, "later": last.Token().Epoch, "was": map[bool]string{true: "accepted", false: "refused"}[accepted],
			}}, last, e)
		}
		if accepted && !stale {
			last = e
		}
	}
	return p.Property("%d acts on the system outside. %d of them came from an epoch that was over, and the system refused all of these.", len(f.effects), refused)
}

// leadsAfterHeal: when everything is healed, a master leads.
func (f *facts) leadsAfterHeal() checker.Property {
	p := checker.NewFindings("LeadsAfterHeal")
	if !f.NeedsHeal(p) && !f.Evidence.Drained {
		p.Violate(wording.Finding{Code: NoLeader, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	return p.Property("A master led after all faults were healed.")
}
