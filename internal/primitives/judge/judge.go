// Package judge has the judges of the primitives. They share no code with the recipes: they read what
// users asked for and were told, the writes, and the order in which ZooKeeper applied them.
package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of the primitives are judged. A user may hold so many sessions at a time.
func Judging(sessions int) checker.Judging {
	return checker.Judging{
		Objects: record.Objects{Of: history.ObjectOf}, MayHold: func(string) int { return sessions }, Judge: judge,
	}
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	return checker.Judgement{
		Judges: []checker.Judge{
			{Name: "AppliedOnce", Judge: f.appliedOnce},
			{Name: "NumbersOnce", Judge: f.numbersOnce},
			{Name: "SumKept", Judge: f.sumKept},
			{Name: "MoneyKept", Judge: f.moneyKept},
			{Name: "WaitsEndInTime", Judge: f.waitsEndInTime},
			{Name: "RoundsWhole", Judge: f.roundsWhole},
			{Name: "LeaveTogether", Judge: f.leaveTogether},
			{Name: "TenuresApart", Judge: f.tenuresApart},
			{Name: "LedgerFenced", Judge: f.ledgerFenced},
			{Name: "NothingLeft", Judge: f.nothingLeft},
			{Name: "WorksAfterHeal", Judge: f.worksAfterHeal},
		},
		Searches: []checker.Search{f.counters(), f.values(), f.transactions()},
		Vacuous:  f.vacuous(), Counts: f.counts(), Texts: texts,
	}
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() []string {
	var why []string
	for _, goal := range []struct {
		verb string
		says string
	}{
		{history.Add, "a counter was added to"}, {history.Block, "a block of numbers was handed out"}, {history.Swap, "a value was compared and set"},
		{history.Transfer, "money was transferred"}, {history.Audit, "accounts were audited"}, {history.Wait, "a barrier was waited for"},
		{history.Leave, "a round was left"}, {history.Take, "a lease was taken"},
	} {
		if !slices.ContainsFunc(f.calls, func(c *call) bool { return c.asked.Verb == goal.verb && c.done() && !c.told.Refused }) {
			why = append(why, "this never happened: "+goal.says)
		}
	}
	return why
}

// counts are the numbers of verdict.json that are about the primitives.
func (f *facts) counts() map[string]int {
	counts := map[string]int{"calls": len(f.calls), "done": 0, "refused": 0, "failed": 0, "in_doubt": 0, "rounds": len(f.rounds), "entries": len(f.entries)}
	for _, c := range f.calls {
		switch {
		case c.done() && c.told.Refused:
			counts["refused"]++
		case c.done():
			counts["done"]++
		case c.Outcome() == record.Fail:
			counts["failed"]++
		default:
			counts["in_doubt"]++
		}
	}
	return counts
}
