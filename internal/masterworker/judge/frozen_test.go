package judge

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// rejected lists for each frozen history which properties must reject it. The
// histories differ from accepted.ndjson in one thing each: a failover in which a
// worker's session is ended and the master is stopped, its late write is refused,
// the worker's late effect is refused, and a lost answer is resolved.
var rejected = map[string][]string{
	"SingleMaster-stale-write-bad":         {"SingleMaster", "ElectionLinearizable"},
	"SingleMaster-epoch-twice-bad":         {"SingleMaster", "ElectionLinearizable"},
	"SingleMaster-belief-bad":              {"SingleMaster"},
	"NoLostTask-bad":                       {"NoLostTask", "NoPhantomTask"},
	"NoLostTask-denied-bad":                {"NoLostTask"},
	"UniqueAttempts-smaller-token-bad":     {"ResultFromItsAttempt", "UniqueAttempts"},
	"StaleEffectsFenced-later-acted-bad":   {"StaleEffectsFenced"},
	"NoDoubleResult-recorded-twice-bad":    {"NoDoubleResult", "TaskLinearizable"},
	"NoDoubleResult-overwritten-bad":       {"NoDoubleResult", "TaskLinearizable"},
	"NoPhantomTask-twice-bad":              {"NoPhantomTask", "ResultFromItsAttempt", "TaskLinearizable"},
	"NoPhantomTask-nobody-bad":             {"BudgetKept", "NoPhantomTask", "TaskLinearizable"},
	"StaleEffectsFenced-bad":               {"StaleEffectsFenced"},
	"ResultFromItsAttempt-bad":             {"ResultFromItsAttempt", "StaleEffectsFenced"},
	"ResultFromItsAttempt-other-token-bad": {"ResultFromItsAttempt"},
	"UniqueAttempts-twice-bad":             {"AtomicTransitions", "UniqueAttempts"},
	"UniqueAttempts-not-on-record-bad":     {"UniqueAttempts"},
	"TerminalAfterHeal-no-status-bad":      {"TerminalAfterHeal"},
	"TerminalAfterHeal-still-assigned-bad": {"TerminalAfterHeal"},
	"AtomicTransitions-bad":                {"AtomicTransitions"},
	"SessionsEnd-accepted-after-end-bad":   {"SessionsEnd"},
	"SessionsEnd-replaced-bad":             {"SessionsEnd"},
	"NoCrash-bad":                          {"NoCrash"},
	"TaskLinearizable-bad":                 {"TaskLinearizable"},
	"ElectionLinearizable-bad":             {"ElectionLinearizable"},

	// These differ from accepted-policies.ndjson: a task that spends its budget, a
	// resident one that moves and is cancelled, one that waits for its time, and
	// two that are collected, by a master and by a client.
	"BudgetKept-early-bad":                 {"BudgetKept"},
	"BudgetKept-beyond-bad":                {"BudgetKept"},
	"ResidentExclusive-bad":                {"ResidentExclusive"},
	"NoEarlyStart-bad":                     {"NoEarlyStart"},
	"ConcurrencyKept-bad":                  {"ConcurrencyKept"},
	"RetentionKept-bad":                    {"RetentionKept"},
	"NoLostTask-nobody-collected-bad":      {"NoLostTask", "NoPhantomTask"},
	"TaskLinearizable-collected-early-bad": {"TaskLinearizable"},
	"ToldTruly-leader-bad":                 {"ToldTruly"},
	"ToldTruly-back-bad":                   {"ToldTruly"},
	"ToldTruly-status-bad":                 {"ToldTruly"},

	// These differ from accepted-leaves.ndjson: a worker that leaves finishes what it
	// holds.
	"LeavesNothing-bad":           {"LeavesNothing"},
	"LeavesNothing-restarted-bad": {"LeavesNothing"},
}

func TestJudging_AcceptsAcceptedHistories(t *testing.T) {
	accepted(t, "accepted-leaves", map[string]int{"submitted": 3, "accepted": 3, "completed": 3, "attempts_lost": 1})
	accepted(t, "accepted-policies", map[string]int{
		"submitted": 7, "accepted": 7, "tasks": 7, "collected": 2, "completed": 5, "failed": 1, "cancelled": 1, "residents": 1,
		"resolved_applied": 2, "resolved_lost": 1, "still_unknown": 0,
	})
	accepted(t, "accepted", map[string]int{
		"submitted": 2, "accepted": 2, "ambiguous": 1, "resolved_applied": 1, "still_unknown": 0, "completed": 2,
		"elections": 2, "executions": 3, "effects": 4, "effects_refused": 1, "attempts_lost": 1, "faults_effective": 2,
	})
}

// check judges a run of the master-worker recipe.
func check(run record.Run) *checker.Result { return checker.Check(run, 1, Judging()) }

// read reads a run in the terms of the recipe.
func read(run record.Run) *facts { return gather(checker.NewCase(run, record.TaskObjects())) }

// elsewhere are the properties that need more than a history: TestFollowsProtocol_OfFrozenWires has
// frozen records for them, and the tests of package checker plant contradictions and losses.
var elsewhere = map[string]bool{"FollowsProtocol": true, "WritesAccounted": true, "ServersAgree": true, checker.RecordComplete: true}

func accepted(t *testing.T, name string, counts map[string]int) {
	t.Helper()
	r := check(recordtest.Frozen(t, name))
	if r.Verdict != checker.Valid {
		t.Errorf("%s: verdict %s", name, r.Verdict)
	}
	for _, p := range r.Properties {
		if p.Verdict != checker.Valid && (!elsewhere[p.Name] || p.Name == checker.RecordComplete) || p.Reason == "" {
			t.Errorf("%s: %s: %s: %s", name, p.Name, p.Verdict, p.Reason)
		}
	}
	for what, want := range counts {
		if r.Counts[what] != want {
			t.Errorf("%s: %s is %d, want %d", name, what, r.Counts[what], want)
		}
	}
}

func TestJudging_RejectsBadHistories(t *testing.T) {
	covered := map[string]bool{}
	for name, want := range rejected {
		t.Run(name, func(t *testing.T) {
			r := check(recordtest.Frozen(t, name))
			if r.Verdict != checker.Invalid {
				t.Errorf("verdict %s", r.Verdict)
			}
			var got []string
			for _, p := range r.Violations() {
				got = append(got, p.Name)
				if p.Reason == "" {
					t.Errorf("%s says nothing", p.Name)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("rejected by %q, want %q", got, want)
			}
		})
		for _, p := range want {
			if strings.HasPrefix(name, p) {
				covered[p] = true
			}
		}
	}
	for _, p := range check(recordtest.Frozen(t, "accepted")).Properties {
		if !covered[p.Name] && !elsewhere[p.Name] {
			t.Errorf("no frozen history is named for %s", p.Name)
		}
	}
}

func TestJudging_DoubtIsNeitherPassNorViolation(t *testing.T) {
	for name, want := range map[string]checker.Verdict{
		"TerminalAfterHeal-not-healed-unknown": checker.Unknown, "no-tree-unknown": checker.Unknown, "no-effective-fault-vacuous": checker.Vacuous,
	} {
		r := check(recordtest.Frozen(t, name))
		if r.Verdict != want {
			t.Errorf("%s: verdict %s, want %s", name, r.Verdict, want)
		}
		if p := checkertest.Property(t, r, checker.RecordComplete); p.Verdict != checker.Valid {
			t.Errorf("%s: its record is %s: %s", name, p.Verdict, p.Reason)
		}
		if want == checker.Vacuous && len(r.Vacuous) == 0 {
			t.Errorf("%s: no reason is given", name)
		}
	}
}

// TestNoEarlyStart_AfterADoubt: a task may have been made by a submission in doubt, whose time came
// earlier than that of the submission that was told to be accepted.
func TestNoEarlyStart_AfterADoubt(t *testing.T) {
	for outcome, early := range map[record.Type]bool{record.Info: false, record.Fail: true} {
		run := recordtest.Frozen(t, "NoEarlyStart-bad")
		i := slices.IndexFunc(run.Events, func(e record.Event) bool { return e.Kind == record.Submit && e.Submission().Due > 0 })
		first, end := run.Events[i], run.Events[i]
		submission := first.Submission()
		submission.Due = first.At + time.Millisecond
		first.Op, first.Of = 9000, submission
		end.Op, end.Type, end.Of = 9000, outcome, record.Submission{ID: submission.ID, Problem: "no answer"}
		run.Events = record.Merge(slices.Insert(run.Events, i, first, end))
		run.Evidence = &record.Evidence{Healed: true, Drained: true} // nothing tells what became of the one in doubt
		if p := checkertest.Property(t, check(run), "NoEarlyStart"); strings.Contains(p.Reason, "before its time") != early {
			t.Errorf("%s: %s: %s", outcome, p.Verdict, p.Reason)
		}
	}
}

// TestJudging_Picture draws a failing and an accepted history; the failing one above all
// must have its picture.
func TestJudging_Picture(t *testing.T) {
	for _, name := range []string{"accepted", "TaskLinearizable-bad", "ElectionLinearizable-bad"} {
		var page bytes.Buffer
		if err := check(recordtest.Frozen(t, name)).WriteLinearizability(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range []string{"stop-master master-1", "<html"} {
			if !strings.Contains(page.String(), part) {
				t.Errorf("%s: the picture lacks %q", name, part)
			}
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	events, err := record.ReadFile("testdata/accepted.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		check(record.Run{Events: events}.MadeByHand())
	}
}
