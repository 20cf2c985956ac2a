package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of the active-standby switch are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: record.Objects{Of: history.ObjectOf}, Judge: judge}
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	j := f.leaders.Judgement()
	j.Judges = append([]checker.Judge{
		{Name: "OneActive", Judge: f.oneActive},
		{Name: "ActsInTime", Judge: f.actsInTime},
		{Name: "FencedFirst", Judge: f.fencedFirst},
		{Name: "FencesTheRightOne", Judge: f.fencesTheRightOne},
		{Name: "BreadcrumbsTrue", Judge: f.breadcrumbsTrue},
		{Name: "FailoversTold", Judge: f.failoversTold},
		{Name: "UnhealthyLeave", Judge: f.unhealthyLeave},
		{Name: "EpochsTold", Judge: f.epochsTold},
		{Name: "CausesTold", Judge: f.causesTold},
		{Name: "LedgerInOrder", Judge: f.ledger.InOrder},
		{Name: "ActiveAfterHeal", Judge: f.activeAfterHeal},
	}, j.Judges...)
	j.Texts = wording.Merge(j.Texts, texts)
	j.Vacuous = append(j.Vacuous, f.vacuous()...)
	f.count(j.Counts)
	return j
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() (why []string) {
	if len(f.actives) == 0 {
		why = append(why, "no process became active")
	}
	if f.fenced() == 0 {
		why = append(why, "no process was fenced")
	}
	return why
}

// fenced is how often a process was fenced.
func (f *facts) fenced() (n int) {
	for _, o := range f.fences {
		if o.Outcome() == record.OK {
			n++
		}
	}
	return n
}

// count adds the numbers of verdict.json that are about the switch.
func (f *facts) count(all map[string]int) {
	own := map[string]int{
		"activations": len(f.actives), "fencings": f.fenced(), "fencings_failed": len(f.fences) - f.fenced(), "power_cuts": 0, "acts": len(f.acts),
		"entries": f.ledger.Entries(), "clean_ends": len(f.removed), "failovers": 0, "failovers_refused": 0, "neutral": f.neutral, "unhealthy": 0, "given_up": 0,
	}
	for _, g := range f.gifts {
		if g.before.found && !g.before.names(g.life) {
			own["given_up"]++
		}
	}
	for _, o := range f.cuts {
		if o.Outcome() == record.OK && !o.Done.PowerCut().Already {
			own["power_cuts"]++
		}
	}
	for _, o := range f.failovers {
		switch o.Outcome() {
		case record.OK:
			own["failovers"]++
		case record.Fail:
			own["failovers_refused"]++
		}
	}
	for _, e := range f.healths {
		if !history.Of[history.Report](e).Good {
			own["unhealthy"]++
		}
	}
	for name, n := range own {
		all[name] = n
	}
}
