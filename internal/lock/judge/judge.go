package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of locks are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: record.Objects{Of: history.LockOf}, Judge: judge}
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	return checker.Judgement{
		Judges: []checker.Judge{
			{Name: "MutualExclusion", Judge: f.mutualExclusion},
			{Name: "InTurn", Judge: f.inTurn},
			{Name: "TokensGrow", Judge: f.tokensGrow},
			{Name: "WritesFenced", Judge: f.writesFenced},
			{Name: "StaleEffectsFenced", Judge: f.staleEffectsFenced},
			{Name: "DelayWaited", Judge: f.delayWaited},
			{Name: "AllOrNone", Judge: f.allOrNone},
			{Name: "RevocationsHeard", Judge: f.revocationsHeard},
			{Name: "NothingLeft", Judge: f.nothingLeft},
			{Name: "FreeAfterHeal", Judge: f.freeAfterHeal},
		},
		Searches: []checker.Search{f.linearizable()},
		Vacuous:  f.vacuous(), Counts: f.counts(), Texts: texts,
	}
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() []string {
	taken := func(such func(attempt) bool) bool {
		return slices.ContainsFunc(f.attempts, func(a attempt) bool { return a.told() && such(a) })
	}
	changed := slices.ContainsFunc(f.attempts, func(a attempt) bool {
		return taken(func(b attempt) bool { return a.told() && a.lock() == b.lock() && a.Invoke.Process != b.Invoke.Process })
	})
	var why []string
	for _, goal := range []struct {
		reached bool
		says    string
	}{
		{taken(func(attempt) bool { return true }), "a lock was taken"},
		{changed, "a lock went from one locker to another"},
		{taken(func(a attempt) bool { return a.asked.Mode == history.Shared }), "a lock was shared"},
	} {
		if !goal.reached {
			why = append(why, "this never happened: "+goal.says)
		}
	}
	return why
}

// counts are the numbers of verdict.json that are about locks.
func (f *facts) counts() map[string]int {
	c := map[string]int{
		"attempts": len(f.attempts), "acquisitions": 0, "shared": 0, "given_up": 0, "in_doubt": 0, "releases": 0, "lost": 0,
		"entries": len(f.entries), "entries_refused": f.refused, "effects": len(f.effects), "effects_refused": 0,
		"delays": len(f.unclean()), "calls": 0, "calls_refused": 0, "revocations": len(f.asked), "revocations_heard": len(f.heard),
	}
	for _, one := range f.calls() {
		if told, _ := one.told(); len(told) > 0 {
			c["calls"]++
		} else {
			c["calls_refused"]++
		}
	}
	for _, a := range f.attempts {
		switch {
		case a.told():
			c["acquisitions"]++
			if a.asked.Mode == history.Shared {
				c["shared"]++
			}
		case a.Outcome() == record.Fail:
			c["given_up"]++
		default:
			c["in_doubt"]++
		}
	}
	for _, r := range f.releases {
		if r.Outcome() == record.OK {
			c["releases"]++
		}
	}
	for _, h := range f.holds {
		if h.Done.Remark() != "" {
			c["lost"]++
		}
	}
	for _, e := range f.effects {
		if !e.Act().Accepted {
			c["effects_refused"]++
		}
	}
	return c
}
