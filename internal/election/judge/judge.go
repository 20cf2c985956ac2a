package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of leader election are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: objects(), Judge: judge}
}

// objects has the only object of a run: the ledger.
func objects() record.Objects {
	return record.Objects{Of: func(path string) string {
		if path == leadership.LedgerPath {
			return leadership.LedgerPath
		}
		return ""
	}}
}

// facts is a run in the terms of leader election.
type facts struct {
	*checker.Case
	leaders *leadership.Leaders
	ledger  *leadership.Ledger
	effects []record.Event
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := &facts{Case: c, leaders: leadership.Of(c, leadership.ClaimOfEntry), ledger: leadership.LedgerOf(c)}
	for _, e := range c.Events {
		if e.Kind == record.Effect {
			f.effects = append(f.effects, e)
		}
	}
	j := f.leaders.Judgement()
	j.Judges = append(j.Judges,
		checker.Judge{Name: "LedgerInOrder", Judge: f.ledger.InOrder},
		checker.Judge{Name: "StaleEffectsFenced", Judge: f.staleEffectsFenced},
		checker.Judge{Name: "LeadsAfterHeal", Judge: f.leadsAfterHeal},
	)
	j.Texts = wording.Merge(j.Texts, texts)
	j.Counts["entries"], j.Counts["effects"] = f.ledger.Entries(), len(f.effects)
	if f.ledger.Entries() == 0 {
		j.Vacuous = append(j.Vacuous, "no leader wrote to the ledger")
	}
	return j
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
			p.Violate(wording.Finding{Code: EffectMisjudged, Object: leadership.LedgerPath, Args: wording.Args{
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
