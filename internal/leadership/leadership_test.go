package leadership

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// alone judges runs that are about nothing but who leads.
var alone = checker.Judging{Judge: func(c *checker.Case) checker.Judgement { return Of(c, nil).Judgement() }}

func check(run record.Run) *checker.Result { return checker.Check(run, 1, alone) }

// TestJudgement_OfFrozenHistories: of the frozen histories, those judges reject what is
// about who leads, and nothing else.
func TestJudgement_OfFrozenHistories(t *testing.T) {
	for name, want := range map[string][]string{
		"accepted": nil, "accepted-leaves": nil, "NoLostTask-bad": nil,
		"SingleMaster-stale-write-bad": {"SingleMaster", "ElectionLinearizable"},
		"SingleMaster-epoch-twice-bad": {"SingleMaster", "ElectionLinearizable"},
		"SingleMaster-belief-bad":      {"SingleMaster"},
		"ElectionLinearizable-bad":     {"ElectionLinearizable"},
		"ToldTruly-leader-bad":         {"ToldTruly"},
	} {
		var violated []string
		r := check(recordtest.Frozen(t, name))
		for _, p := range r.Violations() {
			violated = append(violated, p.Name)
		}
		if !slices.Equal(violated, want) || r.Counts["elections"] == 0 {
			t.Errorf("%s: violated are %v, want %v; %d elections", name, violated, want, r.Counts["elections"])
		}
	}
}

// mastersAlone is a run of masters without anything else: m1 leads, is stopped, and m2
// leads from epoch 2 on. Each makes one write in the name of its epoch.
func mastersAlone() record.Run {
	check := func(epoch int32) []record.Op {
		return []record.Op{{Kind: "check", Path: "/assign", Version: epoch}, {Kind: "set", Path: "/value"}}
	}
	s := recordtest.NewWritten(record.FromMemory)
	s.Write("m1", 1, record.OK, 1, elect(1)...)
	s.Write("m1", 3, record.OK, 2, check(1)...)
	s.Write("m2", 11, record.OK, 3, elect(2)...)
	s.Write("m2", 14, record.OK, 4, check(2)...)
	add := func(process string, at int, typ record.Type, kind record.Kind, op int64, of record.Payload) {
		s.Events = append(s.Events, record.Event{At: time.Duration(at) * time.Second, Process: process, Type: typ, Kind: kind, Op: op, Of: of})
	}
	stop := record.Injection{Fault: "stop-master", Targets: []string{"m1"}, Effective: true}
	add("nemesis", 5, record.Invoke, record.Fault, 90, stop)
	add("nemesis", 20, record.OK, record.Fault, 90, stop)
	add("m1", 2, record.Invoke, record.Lead, 91, record.Term{Epoch: 1})
	add("m1", 21, record.OK, record.Lead, 91, record.Term{Epoch: 1})
	add("m2", 12, record.Invoke, record.Lead, 92, record.Term{Epoch: 2})
	add("c1", 13, record.Note, record.Heard, 0, record.Leader{Name: "m2", Epoch: 2})
	slices.SortStableFunc(s.Events, func(a, b record.Event) int { return cmp.Compare(a.At, b.At) })
	for i := range s.Events {
		s.Events[i].Seq = i + 1
	}
	return s.Run
}

// TestJudges_OfMastersAlone judges a run without a task or a worker, as it is and with one defect
// each.
func TestJudges_OfMastersAlone(t *testing.T) {
	event := func(run *record.Run, kind record.Kind, process string, typ record.Type) *record.Event {
		return &run.Events[slices.IndexFunc(run.Events, func(e record.Event) bool { return e.Kind == kind && e.Process == process && e.Type == typ })]
	}
	for name, c := range map[string]struct {
		plant   func(run *record.Run)
		want    checker.Verdict
		suspect string
		says    string
	}{
		"as it is":    {func(*record.Run) {}, checker.Valid, "SingleMaster", "Two masters believed to lead at the same time 1 times, for 9.000s together"},
		"it was told": {func(*record.Run) {}, checker.Valid, "ToldTruly", "Participants heard 1 times who leads"},
		"nobody was stopped": {func(run *record.Run) {
			run.Events = slices.DeleteFunc(run.Events, func(e record.Event) bool { return e.Kind == record.Fault })
		}, checker.Invalid, "SingleMaster", "both believed to lead for 9.000s from 12.000s on"},
		"another leads": {func(run *record.Run) {
			recordtest.Change(event(run, record.Heard, "c1", record.Note), func(l *record.Leader) { l.Name = "m1" })
		}, checker.Invalid, "ToldTruly", `c1 heard at 13.000s that m1 leads epoch 2, but "m2" was elected with that epoch`},
		"a stale write": {func(run *record.Run) {
			for _, ops := range [][]record.Op{run.Commits[3].Ops, run.Exchanges[3].Ops} {
				ops[0].Version = 1
			}
		}, checker.Invalid, "SingleMaster", "m2 wrote in the name of epoch 1"},
		"an epoch begins twice": {func(run *record.Run) {
			run.Commits[2].Ops[1].Version = 0
		}, checker.Invalid, "SingleMaster", "Epoch 1 began twice"},
	} {
		t.Run(name, func(t *testing.T) {
			run := mastersAlone()
			c.plant(&run)
			r := check(run)
			if p := checkertest.Property(t, r, c.suspect); p.Verdict != c.want || !strings.Contains(p.Reason, c.says) {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
			if c.want == checker.Valid && r.Verdict != checker.Valid {
				t.Errorf("the run is %s: %v", r.Verdict, r.Properties)
			}
		})
	}
}

// TestMastersAlone_Vacuous: a run in which nobody was elected proves nothing.
func TestMastersAlone_Vacuous(t *testing.T) {
	r := check(recordtest.NewWritten(record.FromMemory).Run)
	if !slices.Contains(r.Vacuous, "no master was elected") {
		t.Errorf("%s: %q", r.Verdict, r.Vacuous)
	}
}

func elect(epoch int32) []record.Op {
	return []record.Op{{Kind: "create", Path: "/master"}, {Kind: "set", Path: "/assign", Version: epoch - 1}}
}

// TestJudges_OrderMastersByZxid: a write without an answer is a stale master's if it
// took effect after the next election, and none if it did before. Time cannot tell.
func TestJudges_OrderMastersByZxid(t *testing.T) {
	for zxid, want := range map[int64]checker.Verdict{5: checker.Valid, 0: checker.Valid, 15: checker.Invalid} {
		s := recordtest.NewWritten(record.FromLogs)
		s.Write("m1", 1, record.OK, 1, elect(1)...)
		s.Write("m1", 3, record.Info, zxid, record.Op{Kind: "check", Path: "/assign", Version: 1}, record.Op{Kind: "create", Path: "/assign/w/t", Data: `{"epoch":1}`})
		s.Write("m2", 4, record.OK, 10, elect(2)...)
		r := check(s.Run)
		if p := checkertest.Property(t, r, "SingleMaster"); p.Verdict != want {
			t.Errorf("at zxid %d: %s: %s", zxid, p.Verdict, p.Reason)
		}
		if got := r.Counts["resolved_by_order"]; got != 1 {
			t.Errorf("at zxid %d: %d were resolved by the order", zxid, got)
		}
	}
}

// TestLinearizable_ThinningChangesNoVerdict holds elections with many writes against the same ones
// with all of them: late and early writes on either side, each of which decides.
func TestLinearizable_ThinningChangesNoVerdict(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after int // the write at that place is late, or early; -1 for none
		want          checker.Verdict
	}{
		{"all in order", -1, -1, checker.Valid}, {"the first write before is sent late", 0, -1, checker.Invalid}, {"the last write after is answered early", -1, 3*nearest - 1, checker.Invalid},
	} {
		p := &checker.Partition{Name: "epoch"}
		add := func(verb string, from, to int) {
			op := record.Operation{Invoke: record.Event{At: millis(from), Seq: len(p.Operations) + 1}, Done: record.Event{Type: record.OK}}
			p.Add(&op, step{verb: verb}, millis(to))
		}
		for i := range 3 * nearest {
			from := 10 * i
			if i == c.before {
				from = 5000
			}
			add("before", from, from+15)
		}
		add("elect", 1000, 2000)
		for i := range 3 * nearest {
			from := 3000 + 10*i
			if i == c.after {
				from = 500
			}
			add("after", from, from+15)
		}
		all := p.Operations
		thin(p)
		if len(p.Operations) != 2*nearest+1 || len(p.Events) != len(p.Operations) {
			t.Fatalf("%s: %d operations are left", c.name, len(p.Operations))
		}
		whole := &checker.Partition{Name: "whole", Operations: all, Events: make([]int, len(all))}
		for _, part := range []*checker.Partition{p, whole} {
			search := checker.Search{Property: "ElectionLinearizable", Of: "election", Model: model(), Partitions: []*checker.Partition{part}}
			if got := search.Judge(); got.Verdict != c.want {
				t.Errorf("%s, %s: %s", c.name, part.Name, got.Verdict)
			}
		}
	}
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
