package checker

import (
	"fmt"
	"io"
	"slices"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Result is a report, with the data needed to draw it.
type Result struct {
	Report
	elections, tasks []*partition
	facts            *facts
}

// Check judges a run. If a judge fails, its property is unknown, and the others go on.
// A run whose record is not whole is unknown, because the rest of it proves nothing.
func Check(run record.Run, seed uint64) *Result {
	r, garbled := understood(func() *Result { return prepare(run) })
	losses := append(lossesOf(run), garbled...)
	f := r.facts
	judges := r.judges(run)
	r.Properties = make([]Property, len(judges))
	inParallel(slices.Values(judges), func(n int, j judge) { r.Properties[n] = guarded(j.name, j.judge) })
	if len(losses) == 0 {
		losses = f.unvouched(run, r.Properties)
	}
	r.Evidence = f.resting()
	if len(losses) > 0 {
		distrust(r.Properties)
		r.Evidence = "The record of the run is not whole, so that nothing rests on it."
	}
	r.Properties = slices.Insert(r.Properties, 0, recordComplete(run.Manifest, losses))
	verdicts := []Verdict{Valid}
	for _, p := range r.Properties {
		verdicts = append(verdicts, p.Verdict)
	}
	r.Seed = seed
	if len(r.Report.Vacuous) > 0 {
		verdicts = append(verdicts, Vacuous)
	}
	r.Verdict = Worst(verdicts...)
	return r
}

// understood reads a run. If that fails, the run counts as empty, and the failure is a
// loss.
func understood(read func() *Result) (r *Result, losses []record.Loss) {
	defer func() {
		if cause := recover(); cause != nil {
			r, losses = prepare(record.Run{}), []record.Loss{{Problem: fmt.Sprintf("cannot be understood: %v", cause)}}
		}
	}()
	return read(), nil
}

// prepare reads a run in the terms of the protocol.
func prepare(run record.Run) *Result {
	f := gather(run)
	r := &Result{facts: f, tasks: f.taskPartitions(), elections: f.electionPartitions()}
	r.Counts = f.counts()
	r.Report.Vacuous, r.Idle = f.vacuous(), f.idle()
	return r
}

// judges are the judges of all properties but RecordComplete.
func (r *Result) judges(run record.Run) []judge {
	f := r.facts
	return []judge{
		{"SingleMaster", f.singleMaster},
		{"NoLostTask", f.noLostTask},
		{"NoDoubleResult", f.noDoubleResult},
		{"NoPhantomTask", f.noPhantomTask},
		{"StaleEffectsFenced", f.staleEffectsFenced},
		{"ResultFromItsAttempt", f.resultFromItsAttempt},
		{"UniqueAttempts", f.uniqueAttempts},
		{"AtomicTransitions", f.atomicTransitions},
		{"TerminalAfterHeal", f.terminalAfterHeal},
		{"BudgetKept", f.budgetKept},
		{"ResidentExclusive", f.residentExclusive},
		{"NoEarlyStart", f.noEarlyStart},
		{"ConcurrencyKept", f.concurrencyKept},
		{"RetentionKept", f.retentionKept},
		{"ToldTruly", f.toldTruly},
		{"SessionsEnd", f.sessionsEnd},
		{"LeavesNothing", f.leavesNothing},
		{"NoCrash", f.noCrash},
		{writesAccountedName, f.writesAccounted},
		{"ServersAgree", f.serversAgree},
		{"FollowsProtocol", func() Property { return f.followsProtocol(run.Exchanges) }},
		{"ElectionLinearizable", func() Property { return search("ElectionLinearizable", "election", r.elections) }},
		{"TaskLinearizable", func() Property { return search("TaskLinearizable", "task", r.tasks) }},
	}
}

// judge is the judge of one property. It changes nothing that another judge reads.
type judge struct {
	name  string
	judge func() Property
}

func guarded(name string, judge func() Property) (p Property) {
	defer func() {
		if cause := recover(); cause != nil {
			p = Property{Name: name, Verdict: Unknown, Reason: fmt.Sprintf("The judge itself failed: %v", cause)}
		}
	}()
	return judge()
}

// vacuous says why a run proves nothing although everything holds.
func (f *facts) vacuous() []string {
	var why []string
	if !slices.ContainsFunc(f.faults, func(o record.Operation) bool { return o.Fault().Effective }) {
		why = append(why, "no fault was effective")
	}
	succeeded := map[string]bool{}
	for kind, ops := range map[string][]record.Operation{
		"a task was accepted": f.submits, "a client heard of a result": f.awaits, "an execution succeeded": f.executions,
	} {
		succeeded[kind] = slices.ContainsFunc(ops, func(o record.Operation) bool { return o.Outcome() == record.OK })
	}
	succeeded["a master was elected"] = slices.ContainsFunc(f.elections, func(e election) bool { return e.won == record.OK })
	succeeded["a task was assigned"] = slices.ContainsFunc(f.acts, func(a act) bool { return a.op.Outcome() == record.OK && len(a.tasks) > 0 })
	succeeded["a result was recorded"] = slices.ContainsFunc(f.records, func(r ending) bool { return r.outcome == record.OK })
	for _, goal := range []string{
		"a task was accepted", "a master was elected", "a task was assigned", "an execution succeeded", "a result was recorded", "a client heard of a result",
	} {
		if !succeeded[goal] {
			why = append(why, "it never happened that "+goal)
		}
	}
	return why
}

// counts are the numbers of verdict.json.
func (f *facts) counts() map[string]int {
	c := map[string]int{
		"submitted": len(f.submits), "executions": len(f.executions), "effects": len(f.effects), "tasks": len(f.tasks), "collected": len(f.collected),
		"cancelled": 0, "residents": 0, "backlog_full": 0,
		"resolved_applied": f.unknowns.applied, "resolved_lost": f.unknowns.lost, "still_unknown": f.unknowns.open,
		"resolved_by_order": f.unknowns.byOrder, "resolved_by_tree": f.unknowns.applied + f.unknowns.lost - f.unknowns.byOrder,
		"accepted": 0, "ambiguous": 0, "completed": 0, "failed": 0, "elections": 0, "effects_refused": 0,
		"faults_applied": 0, "faults_effective": 0, "faults_intended": len(f.faults), "attempts_lost": 0,
	}
	for i, s := range f.submits {
		if s.Outcome() == record.OK {
			c["accepted"]++
		}
		if !f.answered[i] {
			c["ambiguous"]++
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
	for _, s := range f.submits {
		if s.Done.Submission().BacklogFull {
			c["backlog_full"]++
		}
	}
	for _, e := range f.elections {
		if e.won == record.OK {
			c["elections"]++
		}
	}
	for _, e := range f.effects {
		if !e.Act().Accepted {
			c["effects_refused"]++
		}
	}
	for _, fault := range f.faults {
		if fault.Outcome() == record.OK {
			c["faults_applied"]++
		}
		if fault.Fault().Effective {
			c["faults_effective"]++
		}
	}
	return c
}

// WriteLinearizability draws the search as a page: the tasks if a task failed and no
// election did, otherwise the elections.
func (r *Result) WriteLinearizability(w io.Writer) error {
	failed := func(p *partition) bool { return p.verdict == Invalid }
	chosen, m := choose(r.elections), electionModel()
	if slices.ContainsFunc(r.tasks, failed) && !slices.ContainsFunc(r.elections, failed) {
		chosen, m = choose(r.tasks), taskModel()
	}
	pic := picture{model: m, partitions: chosen, faults: r.facts.faults, end: r.facts.end}
	if err := pic.write(w); err != nil {
		return fmt.Errorf("checker: picture: %w", err)
	}
	return nil
}
