package judge

import (
	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judging is how runs of the store are judged. A participant may hold so many sessions at a time.
func Judging(sessions int) checker.Judging {
	return checker.Judging{
		Objects: record.Objects{Of: history.ObjectOf}, MayHold: func(string) int { return sessions }, Judge: judge,
	}
}

// judge reads a run.
func judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	j := f.leaders.Judgement()
	j.Judges = append([]checker.Judge{
		{Name: "AppliedAsTold", Judge: f.appliedAsTold},
		{Name: "NoAcknowledgedLost", Judge: f.noAcknowledgedLost},
		{Name: "NoneAcknowledgedByFenced", Judge: f.noneAcknowledgedByFenced},
		{Name: "OnlyTheLastWrites", Judge: f.onlyTheLastWrites},
		{Name: "PartsWhole", Judge: f.partsWhole},
		{Name: "LoadComplete", Judge: f.loadComplete},
		{Name: "EpochsGrow", Judge: f.epochsGrow},
		{Name: "PartsCollected", Judge: f.partsCollected},
		{Name: "ServesAfterHeal", Judge: f.servesAfterHeal},
	}, j.Judges...)
	j.Searches = append(j.Searches, f.linearizable())
	j.Texts = wording.Merge(j.Texts, texts)
	j.Vacuous = append(j.Vacuous, f.vacuous()...)
	f.count(j.Counts)
	return j
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() (why []string) {
	found := 0
	for _, l := range f.loads {
		found += len(history.Of[history.Found](l.Done).Records)
	}
	if found == 0 {
		why = append(why, "no manager loaded a record of one before it")
	}
	if len(f.acks) == 0 {
		why = append(why, "no application was acknowledged")
	}
	return why
}

// count adds the numbers of verdict.json that are about the store.
func (f *facts) count(all map[string]int) {
	own := map[string]int{
		"calls": len(f.applies) + len(f.gets), "done": 0, "refused": 0, "failed": 0, "in_doubt": 0, "batches": 0, "removed": 0,
		"openings": 0, "loads": 0, "loaded": 0, "groups": len(f.groups), "collected": 0, "acknowledged": len(f.acks), "power_cuts": 0,
	}
	for _, a := range f.applies {
		switch {
		case a.Outcome() == record.OK:
			own["done"]++
			if len(a.asked.Changes) > 1 {
				own["batches"]++
			}
			for _, c := range a.asked.Changes {
				if c.Delete {
					own["removed"]++
				}
			}
		case a.Outcome() == record.Info:
			own["in_doubt"]++
		case a.told.Refusal != "":
			own["refused"]++
		default:
			own["failed"]++
		}
	}
	for _, g := range f.gets {
		if g.Outcome() == record.OK {
			own["done"]++
		} else {
			own["failed"]++
		}
	}
	own["openings"] = succeeded(f.opens)
	own["loads"] = succeeded(f.loads)
	for _, l := range f.loads {
		own["loaded"] += len(history.Of[history.Found](l.Done).Records)
	}
	for _, c := range f.collects {
		own["collected"] += history.Of[history.Swept](c.Done).Values
	}
	own["power_cuts"] = succeeded(record.Operations(f.Events, record.PowerOff))
	for name, n := range own {
		all[name] = n
	}
}

// succeeded is how many of some operations ended well.
func succeeded(of []record.Operation) (n int) {
	for _, o := range of {
		if o.Outcome() == record.OK {
			n++
		}
	}
	return n
}
