package checker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestCheck_NamesWeakerEvidence: without what was committed, the tree serves, and the report
// says so and why.
func TestCheck_NamesWeakerEvidence(t *testing.T) {
	run := recordtest.Committed(t)
	run.Commits, run.Evidence.Servers = nil, nil
	run.Evidence.Order, run.Evidence.Weaker = record.FromTree, "the ensemble is external"
	r := check(run.MadeByHand())
	if r.Verdict != Valid || r.Counts["resolved_by_order"] != 0 || !strings.Contains(r.Evidence, "weaker one: the ensemble is external") {
		t.Errorf("%s, %d by order: %s", r.Verdict, r.Counts["resolved_by_order"], r.Evidence)
	}
	for _, name := range []string{"WritesAccounted", "ServersAgree"} {
		if p := find(t, r, name); p.Verdict != Skipped {
			t.Errorf("%s: %s: %s", name, p.Verdict, p.Reason)
		}
	}
}

// answered is the exchange of a write of n parts that was acknowledged.
func answered(t *testing.T, run record.Run, parts int) *record.Exchange {
	t.Helper()
	i := slices.IndexFunc(run.Exchanges, func(x record.Exchange) bool { return x.Zxid != 0 && x.Error == "" && len(x.Ops) == parts })
	if i < 0 {
		t.Fatalf("no write of %d parts was acknowledged", parts)
	}
	return &run.Exchanges[i]
}

// at is the place of a commit among all.
func at(run *record.Run, zxid int64) int {
	return slices.IndexFunc(run.Commits, func(c record.Commit) bool { return c.Zxid == zxid })
}

// opOf is the number of the write in the history that an exchange is of.
func opOf(t *testing.T, run *record.Run, x *record.Exchange) int64 {
	t.Helper()
	writes := record.Operations(run.Events, record.Write)
	for i, at := range record.Join(writes, run.Exchanges).Exchange {
		if at >= 0 && &run.Exchanges[at] == x {
			return writes[i].Invoke.Op
		}
	}
	t.Fatalf("no write of the history is this one: %+v", x)
	return 0
}

// TestWritesAccounted_FindsEachDefect plants one contradiction at a time into the run.
func TestWritesAccounted_FindsEachDefect(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(t *testing.T, run *record.Run)
		says  string
	}{
		"an acknowledged write is lost": {func(t *testing.T, run *record.Run) {
			i := at(run, answered(t, *run, 3).Zxid)
			run.Commits = slices.Delete(run.Commits, i, i+1)
		}, "and the write is not committed"},
		"an acknowledged write is recorded as refused": {func(t *testing.T, run *record.Run) {
			run.Commits[at(run, answered(t, *run, 3).Zxid)].Kind = record.CommitRefused
		}, "records the write as refused"},
		"a refused write is committed": {func(t *testing.T, run *record.Run) {
			i := slices.IndexFunc(run.Commits, func(c record.Commit) bool { return c.Kind == record.CommitRefused })
			run.Commits[i].Kind = record.CommitWrite
		}, "was a refusal (node exists), and the write is committed"},
		"something else is committed there": {func(t *testing.T, run *record.Run) {
			run.Commits[at(run, answered(t, *run, 3).Zxid)].Ops[1].Data = "another"
		}, "is committed with this zxid"},
		"somebody else's write is committed there": {func(t *testing.T, run *record.Run) {
			run.Commits[at(run, answered(t, *run, 3).Zxid)].Session = "0x99"
		}, "of session 0x99"},
		"nobody asked for it": {func(t *testing.T, run *record.Run) {
			last := run.Commits[len(run.Commits)-1]
			run.Commits = append(run.Commits, record.Commit{Zxid: last.Zxid + 1, Session: "0x99", Xid: 7, Kind: record.CommitWrite, Ops: []record.Op{{Kind: "delete", Path: "/tasks"}}})
		}, "delete /tasks with zxid 0x1000000ae in session 0x99, and no history mentions this write"},
		"the history keeps silent": {func(t *testing.T, run *record.Run) {
			i := slices.IndexFunc(run.Events, func(e record.Event) bool {
				return e.Kind == record.Write && e.Type == record.Invoke && len(e.Ops()) > 2
			})
			run.Events = slices.Delete(run.Events, i, i+1)
		}, "its history does not mention this write"},
		"a participant was told that it was not applied": {func(t *testing.T, run *record.Run) {
			x := answered(t, *run, 3)
			op := opOf(t, run, x)
			for i, e := range run.Events {
				if e.Kind == record.Write && e.Type == record.OK && e.Process == x.Process && e.Life == x.Life && e.Op == op {
					run.Events[i].Type = record.Fail
				}
			}
		}, "has no such write that was applied"},
		"an answer came from nowhere": {func(t *testing.T, run *record.Run) {
			i := slices.IndexFunc(run.Exchanges, func(x record.Exchange) bool { return x.Zxid == answered(t, *run, 3).Zxid })
			run.Exchanges = slices.Delete(run.Exchanges, i, i+1)
		}, "no such write was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			run := recordtest.Committed(t)
			c.plant(t, &run)
			if p := find(t, check(run), "WritesAccounted"); p.Verdict != Invalid || !strings.Contains(p.Reason, c.says) {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
		})
	}
}

// TestServersAgree_FindsEachDefect plants one disagreement at a time into the run.
func TestServersAgree_FindsEachDefect(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(run *record.Run, e *record.Evidence)
		want  Verdict
		says  string
	}{
		"another tree is served":      {func(_ *record.Run, e *record.Evidence) { e.Servers[1].Served, e.Servers[1].Replayed = "x", "x" }, Invalid, "zk1 and zk2 serve different trees"},
		"another tree is on the disk": {func(_ *record.Run, e *record.Evidence) { e.Servers[2].Replayed = "x" }, Invalid, "zk3 serves another tree than its snapshot and log give"},
		"a snapshot was left out, and the tree is another": {func(_ *record.Run, e *record.Evidence) {
			e.Servers[2].Replayed, e.Servers[2].LeftOut = "x", []string{"snapshot.9: damaged at byte 7"}
		}, Unknown, "a snapshot could not be read: snapshot.9: damaged at byte 7"},
		"a snapshot was left out, as a server does": {func(_ *record.Run, e *record.Evidence) {
			e.Servers[2].LeftOut = []string{"snapshot.9: damaged at byte 7"}
		}, Valid, "A snapshot of zk3 was left out: snapshot.9: damaged at byte 7."},
		"two transactions under a zxid": {func(_ *record.Run, e *record.Evidence) { e.Conflicts = []string{"zxid 0x5 is one and another"} }, Invalid, "Zxid 0x5 is one and another. This is a violation by ZooKeeper itself"},
		"a server's log is damaged":     {func(_ *record.Run, e *record.Evidence) { e.Servers[0].Problem = "log.1: damaged" }, Unknown, "log.1: damaged"},
		"what is on the disks is unseen": {func(run *record.Run, e *record.Evidence) {
			e.Order, e.Weaker, run.Commits = record.FromTree, "no copy", nil
		}, Valid, "is not known: no copy"},
	} {
		t.Run(name, func(t *testing.T) {
			run := recordtest.Committed(t)
			c.plant(&run, run.Evidence)
			if p := find(t, check(run.MadeByHand()), "ServersAgree"); p.Verdict != c.want || !strings.Contains(p.Reason, c.says) {
				t.Errorf("%s: %s", p.Verdict, p.Reason)
			}
		})
	}
}

// TestSessionsEnd_ByZxid: a write without an answer took effect before or after the end
// of its session.
func TestSessionsEnd_ByZxid(t *testing.T) {
	for zxid, want := range map[int64]Verdict{5: Valid, 15: Invalid} {
		s := recordtest.NewWritten(record.FromLogs)
		s.Write("c", 1, record.Info, zxid, record.Op{Kind: "create", Path: "/tasks"})
		s.Commits = append(s.Commits, record.Commit{Zxid: 10, Session: "0xc", Kind: record.CommitClose})
		if p := find(t, check(s.Run), "SessionsEnd"); p.Verdict != want {
			t.Errorf("at zxid %d: %s: %s", zxid, p.Verdict, p.Reason)
		}
		s.Commits = append(s.Commits, record.Commit{Zxid: 20, Session: "0xc", Kind: record.CommitClose})
		if p := find(t, check(s.Run), "SessionsEnd"); p.Verdict != want {
			t.Errorf("at zxid %d, ended twice: %s: %s", zxid, p.Verdict, p.Reason)
		}
	}
}

// TestCase_RepeatedWriteIsTheLaterOne: of two writes that are alike, the first was lost on
// its way, so that what was seen to be sent is the second.
func TestCase_RepeatedWriteIsTheLaterOne(t *testing.T) {
	ops := []record.Op{{Kind: "create", Path: "/tasks/t/status", Data: "x"}}
	s := recordtest.NewWritten(record.FromLogs)
	s.Write("w", 1, record.Info, 0, ops...)
	s.Exchanges = nil
	s.Write("w", 3, record.Info, 7, ops...)
	s.Events[2].Op, s.Events[3].Op = 2, 2
	c := NewCase(s.Run, record.Objects{})
	if c.Writes[0].Outcome() != record.Fail || c.Writes[1].Outcome() != record.OK || c.Writes[1].Zxid != 7 {
		t.Errorf("%s and %s, at 0x%x and 0x%x", c.Writes[0].Outcome(), c.Writes[1].Outcome(), c.Writes[0].Zxid, c.Writes[1].Zxid)
	}
}

// TestCase_SeparatesARepetitionFromTheFirstWrite: the first write is sent late, while its
// repetition is under way, which is refused because of it.
func TestCase_SeparatesARepetitionFromTheFirstWrite(t *testing.T) {
	ops := []record.Op{{Kind: "create", Path: "/tasks/t", Data: `{"id":"i"}`}}
	s := recordtest.NewWritten(record.FromLogs)
	s.Write("c", 1, record.Info, 7, ops...)
	s.Write("c", 3, record.Fail, 0, ops...)
	s.Exchanges[0].Sent, s.Exchanges[0].Answered, s.Exchanges[0].Zxid = 3100*time.Millisecond, 3500*time.Millisecond, 7
	s.Exchanges[1].Sent, s.Exchanges[1].Answered, s.Exchanges[1].Zxid, s.Exchanges[1].Error = 3200*time.Millisecond, 3600*time.Millisecond, 8, record.NodeExists
	c := NewCase(s.Run, record.Objects{})
	if c.Writes[0].Outcome() != record.OK || c.Writes[1].Outcome() != record.Fail || c.Writes[0].Zxid != 7 {
		t.Errorf("%s and %s, at 0x%x and 0x%x", c.Writes[0].Outcome(), c.Writes[1].Outcome(), c.Writes[0].Zxid, c.Writes[1].Zxid)
	}
}

// TestWritesAccounted_ManyAskForTheSameWrite: each is told something, and each has its own exchange,
// whose answers come in another order than the participant hears of them.
func TestWritesAccounted_ManyAskForTheSameWrite(t *testing.T) {
	ops := []record.Op{{Kind: "create", Path: "/tasks"}}
	s := recordtest.NewWritten(record.FromLogs)
	const many = 20
	for range many {
		s.Write("c", 1, record.Fail, 0, ops...)
	}
	for i := range many {
		s.Events[2*i].At += time.Duration(i)
		s.Events[2*i+1].At += time.Duration(1000 * (i*7%many + 1))
		x := &s.Exchanges[i]
		x.Sent, x.Answered, x.Zxid, x.Error = s.Events[0].At+100, 2*time.Second+time.Duration(1000*i+500), int64(100+i), record.NodeExists
	}
	r := check(s.Run)
	if p := find(t, r, "WritesAccounted"); p.Verdict != Valid {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
	s.Exchanges = append(s.Exchanges, s.Exchanges[0])
	if p := find(t, check(s.Run), "WritesAccounted"); p.Verdict != Invalid {
		t.Errorf("one more was sent than anybody asked for: %s: %s", p.Verdict, p.Reason)
	}
}

// TestCheck_FirstMomentOfARunInMemory: time stands still there, and an exchange of that
// moment is answered at 1, since 0 would say that it was not.
func TestCheck_FirstMomentOfARunInMemory(t *testing.T) {
	s := recordtest.NewWritten(record.FromMemory)
	s.Write("c", 0, record.OK, 1, record.Op{Kind: "create", Path: "/tasks"})
	s.Events[1].At, s.Exchanges[0].Sent, s.Exchanges[0].Answered = 0, 0, 1
	if p := find(t, check(s.Run), "WritesAccounted"); p.Verdict != Valid {
		t.Errorf("%s: %s", p.Verdict, p.Reason)
	}
}
