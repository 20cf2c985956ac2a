package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/leadership"
	"github.com/ringmaster-zk/ringmaster/record"
)

// Judge reads a run of the master-worker recipe.
func Judge(c *checker.Case) checker.Judgement {
	f := gather(c)
	return checker.Judgement{
		Judges: f.judges(), Searches: []checker.Search{f.leaders.Linearizable(), f.linearizable()},
		Vacuous: f.vacuous(), Counts: f.counts(), Texts: wording.Merge(leadership.Texts(), texts),
	}
}

// Judging is how runs of the master-worker recipe are judged.
func Judging() checker.Judging {
	return checker.Judging{Objects: record.TaskObjects(), MayHold: mayHold, Judge: Judge}
}

// mayHold is how many sessions a participant may hold at a time: one. An equal node may
// hold two, as a candidate and as a worker, and for a while a third, as the worker that
// it was before it led.
func mayHold(process string) int {
	if record.RoleOf(process) == record.NodeRole {
		return 3
	}
	return 1
}

// judges are the judges of a run, in the order of the verdict.
func (f *facts) judges() []checker.Judge {
	return []checker.Judge{
		{Name: "SingleMaster", Judge: f.leaders.SingleMaster},
		{Name: "NoLostTask", Judge: f.noLostTask},
		{Name: "NoDoubleResult", Judge: f.noDoubleResult},
		{Name: "NoPhantomTask", Judge: f.noPhantomTask},
		{Name: "StaleEffectsFenced", Judge: f.staleEffectsFenced},
		{Name: "ResultFromItsAttempt", Judge: f.resultFromItsAttempt},
		{Name: "UniqueAttempts", Judge: f.uniqueAttempts},
		{Name: "AtomicTransitions", Judge: f.atomicTransitions},
		{Name: "TerminalAfterHeal", Judge: f.terminalAfterHeal},
		{Name: "BudgetKept", Judge: f.budgetKept},
		{Name: "ResidentExclusive", Judge: f.residentExclusive},
		{Name: "NoEarlyStart", Judge: f.noEarlyStart},
		{Name: "ConcurrencyKept", Judge: f.concurrencyKept},
		{Name: "RetentionKept", Judge: f.retentionKept},
		{Name: "ToldTruly", Judge: f.toldTruly},
		{Name: checker.SessionsEnd},
		{Name: "LeavesNothing", Judge: f.leavesNothing},
		{Name: checker.NoCrash},
		{Name: checker.WritesAccounted},
		{Name: checker.ServersAgree},
		{Name: "FollowsProtocol", Judge: f.followsProtocol},
	}
}

// vacuous says what never happened, so that the run proves nothing of it.
func (f *facts) vacuous() []string {
	succeeded := func(ops []record.Operation) bool {
		return slices.ContainsFunc(ops, func(o record.Operation) bool { return o.Outcome() == record.OK })
	}
	assigned := false
	for p := range f.applied("create", "/assign") {
		if assigned = record.ParsePath(p.op.Path).Kind == record.Assignment; assigned {
			break
		}
	}
	recorded := slices.ContainsFunc(f.records, func(r ending) bool { return r.outcome == record.OK })
	var why []string
	for _, goal := range []struct {
		reached bool
		says    string
	}{
		{succeeded(f.submits), "a task was accepted"}, {f.leaders.Elected() > 0, "a master was elected"}, {assigned, "a task was assigned"},
		{succeeded(f.executions), "an execution succeeded"}, {recorded, "a result was recorded"}, {succeeded(f.awaits), "a client heard a result"},
	} {
		if !goal.reached {
			why = append(why, "this never happened: "+goal.says)
		}
	}
	return why
}

// counts are the numbers of verdict.json that are about tasks.
func (f *facts) counts() map[string]int {
	c := map[string]int{
		"submitted": len(f.submits), "executions": len(f.executions), "effects": len(f.effects), "tasks": len(f.tasks), "collected": len(f.collected),
		"cancelled": 0, "residents": 0, "backlog_full": 0,
		"accepted": 0, "ambiguous": 0, "completed": 0, "failed": 0, "elections": f.leaders.Elected(), "effects_refused": 0, "attempts_lost": 0,
	}
	for i, s := range f.submits {
		if s.Outcome() == record.OK {
			c["accepted"]++
		}
		if !f.answered[i] {
			c["ambiguous"]++
		}
		if s.Done.Submission().BacklogFull {
			c["backlog_full"]++
		}
	}
	for _, t := range f.tasks {
		c["attempts_lost"] += len(t.attempts)
		switch {
		case t.status == nil:
		case t.status.State == "done":
			c["completed"]++
		case t.status.State == "cancelled":
			c["cancelled"]++
		default:
			c["failed"]++
		}
	}
	residents := map[string]bool{}
	for _, e := range f.executions {
		if e.Invoke.Execution().Resident {
			residents[e.Invoke.Task()] = true
		}
	}
	c["residents"] = len(residents)
	for _, e := range f.effects {
		if !e.Act().Accepted {
			c["effects_refused"]++
		}
	}
	return c
}
