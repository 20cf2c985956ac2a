package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestJudging_ResolvesByCommits(t *testing.T) {
	r := check(recordtest.Committed(t))
	for _, p := range r.Properties {
		if p.Verdict != checker.Valid {
			t.Errorf("%s: %s: %s", p.Name, p.Verdict, p.Reason)
		}
	}
	for what, want := range map[string]int{"resolved_applied": 3, "resolved_lost": 3, "still_unknown": 0, "resolved_by_order": 6, "resolved_by_tree": 0} {
		if r.Counts[what] != want {
			t.Errorf("%s is %d, want %d", what, r.Counts[what], want)
		}
	}
	if !strings.Contains(r.Evidence, "173 transactions until 0x1000000ad") {
		t.Errorf("it says: %s", r.Evidence)
	}
}

// TestJudging_HolesLeaveOutcomesOpen: a write that is not among the commits may be in a hole.
func TestJudging_HolesLeaveOutcomesOpen(t *testing.T) {
	run := recordtest.Committed(t)
	first := run.Commits[len(run.Commits)/2].Zxid
	run.Commits = slices.DeleteFunc(run.Commits, func(c record.Commit) bool { return c.Zxid >= first })
	run.Evidence.Gaps = []record.ZxidRange{{From: first, To: run.Evidence.Last}}
	r := check(run)
	if p := checkertest.Property(t, r, "WritesAccounted"); p.Verdict != checker.Unknown || !strings.Contains(p.Reason, "No log shows whether the write was committed") {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
	if r.Verdict != checker.Unknown || r.Counts["resolved_by_order"] >= 6 || !strings.Contains(r.Evidence, "1 holes") {
		t.Errorf("%s, %d by order: %s", r.Verdict, r.Counts["resolved_by_order"], r.Evidence)
	}
}

// TestAtomicTransitions_OrdersAssignmentsByZxid: an assignment may go alone once its task has its
// status. Both writes are under way at the same time.
func TestAtomicTransitions_OrdersAssignmentsByZxid(t *testing.T) {
	for zxid, want := range map[int64]checker.Verdict{15: checker.Valid, 5: checker.Invalid} {
		s := recordtest.NewWritten(record.FromLogs)
		s.Write("c", 1, record.OK, 10, record.Op{Kind: "create", Path: "/tasks/t/status", Data: "x"})
		s.Write("w", 1, record.OK, zxid, record.Op{Kind: "delete", Path: "/assign/w/t"})
		if p := checkertest.Property(t, check(s.Run), "AtomicTransitions"); p.Verdict != want {
			t.Errorf("at zxid %d: %s: %s", zxid, p.Verdict, p.Reason)
		}
	}
}
