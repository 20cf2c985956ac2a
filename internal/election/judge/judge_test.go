package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func elect(epoch int32) []record.Op {
	return []record.Op{{Kind: "create", Path: record.MasterPath}, {Kind: "set", Path: record.AssignPath, Version: epoch - 1}}
}

// enters is a write of an entry, in the name of the epoch that is checked.
func enters(checked, epoch int32, n int) []record.Op {
	return []record.Op{{Kind: "check", Path: record.AssignPath, Version: checked}, {Kind: "set", Path: leadership.LedgerPath, Version: -1, Data: data(epoch, n)}}
}

func data(epoch int32, n int) string { return fmt.Sprintf(`{"epoch":%d,"n":%d}`, epoch, n) }

// sound is a run in which m1 leads and makes two entries, and then m2 leads and makes one.
// m1 acts outside once more, and is refused.
func sound() record.Run {
	s := recordtest.NewWritten(record.FromMemory)
	s.Write("m1", 1, record.OK, 1, elect(1)...)
	s.Write("m1", 2, record.OK, 2, enters(1, 1, 1)...)
	s.Write("m1", 4, record.OK, 3, enters(1, 1, 2)...)
	s.Write("m2", 6, record.OK, 4, elect(2)...)
	s.Write("m2", 8, record.OK, 5, enters(2, 2, 1)...)
	s.Evidence.Healed, s.Evidence.Drained = true, true
	s.Evidence.Nodes = []record.Node{{Path: leadership.LedgerPath, Data: data(2, 1)}}
	act := func(at int, process string, epoch int32, accepted bool) {
		s.Events = append(s.Events, record.Event{At: time.Duration(at) * time.Second, Process: "sink", Type: record.Note, Kind: record.Effect, Of: record.Act{
			Task: leadership.LedgerPath, Token: record.Token{Epoch: epoch}, Accepted: accepted, By: record.Life{Process: process, Number: 1},
		}})
	}
	act(3, "m1", 1, true)
	act(9, "m2", 2, true)
	act(10, "m1", 1, false)
	s.Events = record.Merge(s.Events)
	return s.Run
}

// TestJudging_FindsEachDefect judges a sound run, and the same run with one defect each.
func TestJudging_FindsEachDefect(t *testing.T) {
	write := func(run *record.Run, n int) *record.Event {
		writes := 0
		for i := range run.Events {
			if e := &run.Events[i]; e.Kind == record.Write && e.Type == record.Invoke {
				if writes++; writes == n {
					return e
				}
			}
		}
		t.Fatalf("there is no write %d", n)
		return nil
	}
	// entry changes the entry that the n-th write makes, wherever it is on record.
	entry := func(run *record.Run, n int, checked, epoch int32, number int) {
		ops := enters(checked, epoch, number)
		recordtest.Change(write(run, n), func(r *record.Request) { r.Ops = ops })
		run.Exchanges[n-1].Ops, run.Commits[n-1].Ops = ops, ops
	}
	effect := func(run *record.Run, n int) *record.Event {
		seen := 0
		for i := range run.Events {
			if run.Events[i].Kind == record.Effect {
				if seen++; seen == n {
					return &run.Events[i]
				}
			}
		}
		t.Fatalf("there is no effect %d", n)
		return nil
	}
	for name, c := range map[string]struct {
		plant   func(run *record.Run)
		suspect string // empty: the run is valid
		says    string
	}{
		"as it is": {func(*record.Run) {}, "", ""},
		"an entry of an earlier epoch comes later": {
			func(run *record.Run) { entry(run, 5, 2, 1, 3); run.Evidence.Nodes[0].Data = data(1, 3) },
			"SingleMaster", "m2 wrote in the name of epoch 1",
		},
		"a term's entries change places": {
			func(run *record.Run) { entry(run, 2, 1, 1, 3) }, "LedgerInOrder", "m1 wrote entry 2 of epoch 1 to the ledger at 5.000s, after m1 had written entry 3 of epoch 1",
		},
		"an entry is made twice": {
			func(run *record.Run) { entry(run, 3, 1, 1, 1) }, "LedgerInOrder", "m1 wrote entry 1 of epoch 1",
		},
		"the last entry is lost": {
			func(run *record.Run) { run.Evidence.Nodes[0].Data = data(1, 2) }, "LedgerInOrder", "m2 wrote entry 1 of epoch 2 as the last entry of the ledger, but the final tree has entry 2 of epoch 1",
		},
		"a stale act is accepted": {
			func(run *record.Run) { recordtest.Change(effect(run, 3), func(a *record.Act) { a.Accepted = true }) }, "StaleEffectsFenced", "The system outside accepted an act of m1 in epoch 1 at 10.000s, and the latest act that it had accepted was of epoch 2",
		},
		"an act in time is refused": {
			func(run *record.Run) { recordtest.Change(effect(run, 2), func(a *record.Act) { a.Accepted = false }) }, "StaleEffectsFenced", "The system outside refused an act of m2 in epoch 2",
		},
		"no master leads at the end": {
			func(run *record.Run) { run.Evidence.Drained, run.Evidence.Problem = false, "drain: nothing moved" }, "LeadsAfterHeal", "No master led after all faults were healed: drain: nothing moved",
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := sound()
			c.plant(&run)
			r := checker.Check(run, 1, Judging())
			if c.suspect == "" {
				if len(r.Violations()) > 0 || r.Counts["entries"] != 3 || r.Counts["elections"] != 2 {
					t.Errorf("violated: %+v; %v", r.Violations(), r.Counts)
				}
				return
			}
			if p := checkertest.Property(t, r, c.suspect); p.Verdict != checker.Invalid || !strings.Contains(p.Reason, c.says) {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
		})
	}
}

// TestLeadsAfterHeal_SaysWhyItIsNotKnown: without a healed ensemble, or without evidence.
func TestLeadsAfterHeal_SaysWhyItIsNotKnown(t *testing.T) {
	for says, plant := range map[string]func(*record.Run){
		"The ensemble did not recover: heal: zk2 is silent.": func(run *record.Run) {
			run.Evidence.Healed, run.Evidence.Drained, run.Evidence.Problem = false, false, "heal: zk2 is silent"
		},
		"The final tree could not be read.": func(run *record.Run) { run.Evidence = nil },
	} {
		run := sound()
		plant(&run)
		if p := checkertest.Property(t, checker.Check(run, 1, Judging()), "LeadsAfterHeal"); p.Verdict != checker.Unknown || !strings.Contains(p.Reason, says) {
			t.Errorf("%s: %s", p.Verdict, p.Reason)
		}
	}
}

// TestLedgerInOrder_ByTime: if it is not known what was committed, only entries that were
// answered before others were sent are compared.
func TestLedgerInOrder_ByTime(t *testing.T) {
	judged := func(run record.Run) checker.Property {
		run.Commits, run.Exchanges, run.Evidence.Order = nil, nil, record.FromTree
		judges := judge(checker.NewCase(run, objects())).Judges
		return judges[slices.IndexFunc(judges, func(j checker.Judge) bool { return j.Name == "LedgerInOrder" })].Judge()
	}
	last := func(run record.Run) (write, answer *record.Event) {
		for i := range run.Events {
			switch e := &run.Events[i]; {
			case e.Kind == record.Write && e.Type == record.Invoke:
				write = e
			case e.Kind == record.Write:
				answer = e
			}
		}
		return write, answer
	}
	if p := judged(sound()); p.Verdict != checker.Valid {
		t.Errorf("as it is: %s: %s", p.Verdict, p.Reason)
	}
	back := sound()
	write, _ := last(back)
	recordtest.Change(write, func(r *record.Request) { r.Ops = enters(1, 1, 1) })
	if p := judged(back); p.Verdict != checker.Invalid {
		t.Errorf("an entry of an earlier epoch comes later: %s: %s", p.Verdict, p.Reason)
	}
	beside := sound()
	write, _ = last(beside)
	recordtest.Change(write, func(r *record.Request) { r.Ops = enters(1, 1, 1) })
	write.At = 2500 * time.Millisecond // before the entry of that epoch was answered
	if p := judged(beside); p.Verdict != checker.Valid {
		t.Errorf("it may have come earlier: %s: %s", p.Verdict, p.Reason)
	}
}

// TestJudging_NothingHappened: a run in which nobody led proves nothing.
func TestJudging_NothingHappened(t *testing.T) {
	r := checker.Check(recordtest.NewWritten(record.FromMemory).Run, 1, Judging())
	for _, why := range []string{"no master was elected", "no leader wrote to the ledger"} {
		if !slices.Contains(r.Vacuous, why) {
			t.Errorf("%q is not among %q", why, r.Vacuous)
		}
	}
}
