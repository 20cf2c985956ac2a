package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of queues are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: record.Objects{Of: history.ItemOf, ID: history.IDOf}, Judge: judge}
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	return checker.Judgement{
		Judges: []checker.Judge{
			{Name: "NoLoss", Judge: f.noLoss},
			{Name: "NoUnexpected", Judge: f.noUnexpected},
			{Name: "PutOnce", Judge: f.putOnce},
			{Name: "ConsumedOnce", Judge: f.consumedOnce},
			{Name: "ExclusiveClaim", Judge: f.exclusiveClaim},
			{Name: "Order", Judge: f.order},
			{Name: "Empty", Judge: f.empty},
			{Name: "DeadLetter", Judge: f.deadLetter},
			{Name: "Recovered", Judge: f.recovered},
			{Name: "NothingLeft", Judge: f.nothingLeft},
			{Name: "WriteFenced", Judge: f.writeFenced},
			{Name: "StaleEffectsFenced", Judge: f.staleEffectsFenced},
		},
		Searches: []checker.Search{f.linearizable()},
		Vacuous:  f.vacuous(), Counts: f.counts(), Texts: texts,
	}
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() []string {
	takers := map[string]string{}
	again := false
	for _, t := range f.takes {
		if t.told() {
			before, taken := takers[t.Done.ID()]
			again = again || taken && before != t.Invoke.Process
			takers[t.Done.ID()] = t.Invoke.Process
		}
	}
	var why []string
	for _, goal := range []struct {
		reached bool
		says    string
	}{
		{slices.ContainsFunc(f.acks, func(a record.Operation) bool { return a.Outcome() == record.OK }), "an item was consumed"},
		{again, "an item went from one consumer to another"},
		{slices.ContainsFunc(f.puts, func(p put) bool { return p.Delay > 0 && p.Outcome() == record.OK }), "an item was delayed"},
		{!f.Ordered() || slices.ContainsFunc(f.stays, func(s *stay) bool { return s.Folder == history.Dead }), "an item became a dead letter"},
	} {
		if !goal.reached {
			why = append(why, "this never happened: "+goal.says)
		}
	}
	return why
}

// counts are the numbers of verdict.json that are about queues.
func (f *facts) counts() map[string]int {
	c := map[string]int{
		"items": len(f.puts), "put": 0, "not_put": 0, "put_in_doubt": 0, "takes": 0, "empty": 0, "consumed": 0, "released": 0, "lost": 0, "lapsed": 0, "dead": 0, "requeued": 0,
		"entries": len(f.entries), "entries_refused": f.refused, "effects": len(f.effects), "effects_refused": 0,
	}
	for _, p := range f.puts {
		c[map[record.Type]string{record.OK: "put", record.Fail: "not_put", record.Info: "put_in_doubt"}[p.Outcome()]]++
	}
	for _, t := range f.takes {
		if t.told() {
			c["takes"]++
		} else if t.end.Empty {
			c["empty"]++
		}
	}
	for name, all := range map[string][]record.Operation{"consumed": f.acks, "released": f.releases} {
		for _, op := range all {
			if op.Outcome() == record.OK {
				c[name]++
			}
		}
	}
	for _, h := range f.holds {
		if h.Done.Remark() != "" {
			c["lost"]++
		}
	}
	for _, l := range f.claims {
		if l.lapsed {
			c["lapsed"]++
		}
	}
	for _, s := range f.stays {
		switch {
		case s.Folder == history.Dead:
			c["dead"]++
		case s.origin != nil && s.origin.Folder == history.Dead:
			c["requeued"]++
		}
	}
	for _, e := range f.effects {
		if !e.Act().Accepted {
			c["effects_refused"]++
		}
	}
	return c
}
