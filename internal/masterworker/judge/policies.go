package judge

import (
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// budget is how many attempts a task is allowed.
func (f *facts) budget(o record.TaskOptions) int {
	if o.Attempts > 0 {
		return int(o.Attempts)
	}
	return int(f.Policy.MaxAttempts)
}

// budgetKept: a task fails exactly when its attempts are spent, and no attempt is
// executed beyond that.
func (f *facts) budgetKept() checker.Property {
	p := checker.NewFindings("BudgetKept")
	failed, handovers := 0, 0
	earlier := f.earlierMasters()
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		t := f.tasks[name]
		if t.id == "" || t.options.Resident || t.unsure {
			continue
		}
		budget := f.budget(t.options)
		if t.status != nil && t.status.State == "failed" {
			failed++
			counts := f.spent(t, len(t.attempts)) == budget
			if earlier[t.status.Epoch] { // it counts all of them
				counts = len(t.attempts) >= budget
			}
			if !counts {
				p.Violate(wording.Finding{Code: FailedEarly, Object: name, Args: wording.Args{
					"attempts": f.spent(t, len(t.attempts)), "allowed": budget,
				}}, f.About(name)...)
			}
		}
		if spent := f.spent(t, len(t.attempts)); spent > budget {
			p.Violate(wording.Finding{Code: TooManyAttempts, Object: name, Args: wording.Args{
				"attempts": spent, "allowed": budget,
			}}, f.About(name)...)
		}
		for n := range t.left {
			if !t.recorded(n) {
				p.Violate(wording.Finding{Code: MarkAlone, Object: name, Args: wording.Args{"attempt": n}}, f.About(name)...)
			}
		}
		handovers += len(t.left)
	}
	for _, e := range f.executions {
		t := f.tasks[e.Invoke.Task()]
		if t == nil || t.id == "" || t.options.Resident {
			continue
		}
		if budget := f.budget(t.options); f.spent(t, int(e.Invoke.Token().Attempt)) > budget {
			p.Violate(wording.Finding{Code: BeyondBudget, Object: e.Invoke.Task(), Args: wording.Args{
				"attempt": e.Invoke.Token().Attempt, "allowed": budget,
			}}, e.Invoke)
		}
	}
	return p.Property("%d tasks have failed, each after exactly the attempts that it was allowed. %d attempts did not count, because their workers left.", failed, handovers)
}

// noEarlyStart: no task is executed before it may begin, by the wall clock of the
// master that assigns it. Only the nemesis makes such a clock wrong.
func (f *facts) noEarlyStart() checker.Property {
	// By id: the submission that may have made the task, with the earliest time. One in doubt may
	// have made it, although a later one was told that it is accepted.
	due := map[string]record.Operation{}
	for _, s := range f.submits {
		before, again := due[s.Invoke.ID()]
		if s.Invoke.Submission().Due > 0 && s.Outcome() != record.Fail && (!again || s.Invoke.Submission().Due < before.Invoke.Submission().Due) {
			due[s.Invoke.ID()] = s
		}
	}
	ahead := f.leaders.Ahead()
	p := checker.NewFindings("NoEarlyStart")
	for _, e := range f.executions {
		if s, waits := due[e.Invoke.ID()]; waits && e.Invoke.At+ahead[e.Invoke.Token().Epoch] < s.Invoke.Submission().Due {
			p.Violate(wording.Finding{Code: StartedEarly, Object: e.Invoke.Task(), Args: wording.Args{
				"at": e.Invoke.At, "due": s.Invoke.Submission().Due,
			}}, s.Invoke, e.Invoke)
		}
	}
	return p.Property("%d tasks had to wait until their time, by their master's clock, and did. The clocks of %d masters were ahead by hours.", len(due), len(ahead))
}

// concurrencyKept: no worker runs more handlers at a time than it may; handlers of
// resident tasks do not count.
func (f *facts) concurrencyKept() checker.Property {
	type edge struct {
		at    time.Duration
		begin bool
		of    *record.Operation
	}
	edges := map[record.Life][]edge{}
	for i := range f.executions {
		e := &f.executions[i]
		if e.Invoke.Execution().Resident {
			continue
		}
		who := e.Invoke.Alive()
		edges[who] = append(edges[who], edge{e.Invoke.At, true, e}, edge{f.Lasted(*e), false, e})
	}
	most := 0
	p := checker.NewFindings("ConcurrencyKept")
	for _, who := range slices.SortedFunc(maps.Keys(edges), record.Life.Compare) {
		slices.SortStableFunc(edges[who], func(a, b edge) int {
			if a.at == b.at && a.begin != b.begin { // an end makes room for the begin of the same moment
				if b.begin {
					return -1
				}
				return 1
			}
			return int(a.at - b.at)
		})
		running, limit := 0, f.Policy.Concurrency
		if record.RoleOf(who.Process) == record.NodeRole {
			limit *= 2 // the worker before it led may still finish its tasks
		}
		for _, e := range edges[who] {
			if !e.begin {
				running--
				continue
			}
			if running++; running > limit {
				p.Violate(wording.Finding{Code: TooManyHandlers, Args: wording.Args{
					"process": who, "handlers": running, "at": e.at, "allowed": limit,
				}}, e.of.Invoke)
			}
			most = max(most, running)
		}
	}
	return p.Property("No worker ran more than %d handlers at a time.", most)
}

// retentionKept: a master collects a finished task no earlier than its retention after
// its status was recorded, so no waiting client is too late.
func (f *facts) retentionKept() checker.Property {
	p := checker.NewFindings("RetentionKept")
	byMasters, late, retention := 0, 0, f.Policy.Retention
	for _, a := range f.awaits {
		if a.Outcome() == record.Fail && f.collected[a.Invoke.Task()].kept {
			late++
		}
	}
	first := map[string]*record.Operation{}
	for i := range f.records {
		r := &f.records[i]
		if _, seen := first[r.task]; !seen && r.outcome == record.OK {
			first[r.task] = r.op
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.collected)) {
		r := f.collected[name]
		if !r.kept {
			continue
		}
		byMasters++
		recorded, known := first[name]
		if known && r.op.Return(f.End)-recorded.Invoke.At < retention {
			p.Violate(wording.Finding{Code: CollectedEarly, Object: name, Args: wording.Args{
				"recorded": recorded.Invoke.At, "process": r.op.Invoke.Process, "at": r.op.Return(f.End), "retention": retention,
			}}, recorded.Invoke, r.op.Invoke, r.op.Done)
		}
	}
	return p.Property("%d finished tasks were collected, %d of them by masters, and none before its retention was over. %d waiting clients came too late.",
		len(f.collected), byMasters, late)
}

// toldTruly: every leader that a client is told of was elected, a task reported as
// finished has its status, and no client is later told that it was not finished.
func (f *facts) toldTruly() checker.Property {
	p := checker.NewFindings("ToldTruly")
	recorded := map[string]bool{}
	for _, r := range f.records {
		if r.outcome != record.Fail {
			recorded[r.task] = true
		}
	}
	heard, changes := 0, 0
	type told struct {
		by   record.Life
		task string
	}
	finished := map[told]record.Event{}
	for _, e := range f.Events {
		switch e.Kind {
		case record.Heard:
			heard++
			if found, wrong := f.leaders.Heard(e); wrong {
				p.Violate(found, e)
			}
		case record.Change:
			changes++
			change := e.TaskChange()
			key := told{e.Alive(), change.Task}
			before, done := finished[key]
			switch {
			case change.Fate == record.Finished && !recorded[change.Task]:
				p.Violate(wording.Finding{Code: NotFinished, Object: e.Task(), Args: wording.Args{
					"process": e.Process, "at": e.At,
				}}, e)
			case change.Fate == record.Collected:
				delete(finished, key)
			case done && change.Fate == record.AttemptEnded: // of a cancelled task: its worker found out later
			case done:
				p.Violate(wording.Finding{Code: FinishedBack, Object: e.Task(), Args: wording.Args{
					"process": e.Process, "before": before.At, "at": e.At, "state": string(change.Fate),
				}}, before, e)
			}
			if change.Fate == record.Finished {
				finished[key] = e
			}
		}
	}
	return p.Property("Clients heard %d times who leads, and masters reported %d changes of tasks. Every answer and every report was right.", heard, changes)
}
