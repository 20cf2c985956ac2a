package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/record"
)

// residentExclusive: a resident task is executed by one worker at a time, with two
// exceptions. A worker that was stopped, or whose session a fault ended, could not know
// in time that another had begun; if it was stopped, or slept, it knows as soon as it
// goes on. And a handler may go on after it was told to end: if its session ended
// without its own worker's close, the next handler need not wait for it.
func (f *facts) residentExclusive() checker.Property {
	p := checker.NewFindings("ResidentExclusive")
	runs := map[string][]record.Operation{}
	moves, excused, slow := 0, 0, 0
	for _, e := range f.executions {
		if e.Invoke.Execution().Resident {
			runs[e.Invoke.Task()] = append(runs[e.Invoke.Task()], e)
			moves++
		}
	}
	ended := f.Closes()
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		// In virtual time many events share one moment; the tokens give their order.
		slices.SortStableFunc(runs[name], func(a, b record.Operation) int {
			return cmp.Or(cmp.Compare(a.Invoke.At, b.Invoke.At), a.Invoke.Token().Compare(b.Invoke.Token()))
		})
		for n, old := range runs[name] {
			end := f.Lasted(old)
			for _, next := range runs[name][n+1:] {
				if next.Invoke.At >= end {
					break // and so did all that began later
				}
				because := f.stoppedTooEarly(old, end)
				if because == nil && f.notifiedInTime(old, next, ended) {
					slow++
					continue
				}
				if because == nil {
					because = f.continued(old, end)
				}
				switch {
				case because == nil && f.Excuse(old, next.Invoke.At, end) != "":
					excused++
				default:
					if because == nil {
						because = &lateness{code: ResidentTwice}
					}
					p.Violate(because.resident(name, old, next, end), append([]record.Event{old.Invoke, next.Invoke, old.Done}, because.shown...)...)
				}
			}
		}
	}
	holds := fmt.Sprintf("%d resident tasks were executed %d times, each by one worker at a time", len(runs), moves)
	if excused > 0 {
		holds += fmt.Sprintf(". Two workers had one for a moment because a fault had stopped one of them or ended its session: %d times", excused)
	}
	if slow > 0 {
		holds += fmt.Sprintf(". A handler went on for a while after it had been told to end: %d times", slow)
	}
	holds += "."
	return p.Property("%s", holds)
}

// lateness is the reason why a handler was still at work when the next one began, with
// its evidence.
type lateness struct {
	code  wording.Code
	args  wording.Args
	shown []record.Event
}

// resident is the finding that a resident task had two handlers at once.
func (l *lateness) resident(task string, old, next record.Operation, end time.Duration) wording.Finding {
	found := wording.Finding{Code: l.code, Object: task, Args: wording.Args{
		"old": old.Invoke.Process, "until": end, "next": next.Invoke.Process, "from": next.Invoke.At,
	}}
	maps.Copy(found.Args, l.args)
	return found
}

// A worker whose process goes on after a halt can have both handlers at once, at most
// until its own has returned.
const (
	// waking is how long a worker may take to tell its handlers to end. It needs only a
	// clock that went on in the halt, and it reads that clock forty times in a session
	// timeout. A halt longer than the session is longer than the lease.
	waking = time.Second

	// stopLimit bounds how long a handler of the workload may go on after it was told to
	// end: twice as long as a leaving participant waits for it, a second more, and a
	// moment; see stopMillis and moment in package workload. The recipe ends no handler by
	// force.
	stopLimit = 11*time.Second + 60*time.Millisecond
)

// halted reports whether a fault keeps the process of an execution from running.
func halted(fault, run record.Operation) bool {
	return fault.Fault().Halts() && slices.Contains(fault.Targets(), run.Invoke.Process)
}

// continued says that a handler went on for too long after a halt of its worker. The halt
// was longer than the session, so it is no excuse any more, and there is no other.
func (f *facts) continued(run record.Operation, end time.Duration) *lateness {
	for _, fault := range f.Faults {
		woke := fault.Return(f.End)
		if !halted(fault, run) || fault.Fault().Pauses() || !fault.Fault().Effective || fault.Invoke.At < run.Invoke.At || woke >= end {
			continue
		}
		asked, known := f.stopRequest(run)
		at := end
		if known {
			at = min(end, asked.At)
		}
		because := &lateness{shown: []record.Event{fault.Done}, args: wording.Args{"woke": woke, "fault": fault.Fault().Fault, "told": at}}
		if known {
			because.shown = append(because.shown, asked)
		}
		switch {
		case at > f.awake(run, woke+waking) && at == end:
			because.code, because.shown = ResidentNotTold, because.shown[:1]
			return because
		case at > f.awake(run, woke+waking):
			because.code = ResidentToldLate
			return because
		case end > f.awake(run, max(at, woke)+waking+stopLimit):
			because.code = ResidentSlow
			return because
		}
	}
	return nil
}

// awake is a deadline of a worker, moved to the end of a halt if the worker is halted
// then.
func (f *facts) awake(run record.Operation, deadline time.Duration) time.Duration {
	for _, fault := range f.Faults { // in the order in which they began
		if halted(fault, run) && fault.Invoke.At <= deadline {
			deadline = max(deadline, fault.Return(f.End)+waking)
		}
	}
	return deadline
}

// stopRequest is when and why a handler was asked to end; false if that is not on record.
func (f *facts) stopRequest(run record.Operation) (record.Event, bool) {
	for _, e := range f.Events {
		if e.Kind == record.StopRequested && e.Task() == run.Invoke.Task() && e.Token() == run.Invoke.Token() && e.Alive() == run.Invoke.Alive() && e.At >= run.Invoke.At {
			return e, true
		}
	}
	return record.Event{}, false
}

// stoppedTooEarly says that a worker ended its own session while a handler still ran.
func (f *facts) stoppedTooEarly(run record.Operation, end time.Duration) *lateness {
	session := f.sessionOf(run)
	for _, h := range f.Index.Ended(run.Invoke.Alive(), record.Closed) {
		if h.Session == session && h.Over.At < end {
			return &lateness{ResidentClosed, wording.Args{"closed": h.Over.At}, []record.Event{h.Over}}
		}
	}
	return nil
}

// sessionOf is the session in which a worker held an execution: the session with its
// last claim of its inbox.
func (f *facts) sessionOf(run record.Operation) (session string) {
	for w := range f.applied("set", "/assign") {
		e := w.write.Invoke
		if w.op.Path == record.InboxPath(run.Invoke.Process) && e.Alive() == run.Invoke.Alive() && e.At <= run.Invoke.At {
			session = e.Session()
		}
	}
	return session
}

// notifiedInTime reports whether a handler was told to end before the next one began, and
// its task was given away because its session had ended.
func (f *facts) notifiedInTime(old, next record.Operation, ends map[string]int64) bool {
	asked, known := f.stopRequest(old)
	session := f.sessionOf(old)
	if !known || session == "" || asked.At > next.Invoke.At {
		return false
	}
	if end, given := ends[session], f.assigned(next); end != 0 && given != 0 {
		return end < given
	}
	// Only the worker's own report tells. It comes when the worker has found out.
	return slices.ContainsFunc(f.Index.Ended(old.Invoke.Alive(), record.Lost), func(h record.Held) bool { return h.Session == session })
}

// assigned is the place in ZooKeeper's order at which an execution was assigned; 0 if
// not known.
func (f *facts) assigned(run record.Operation) int64 {
	path := record.AssignmentPath(run.Invoke.Process, run.Invoke.Task())
	for i := range f.Writes {
		for _, op := range f.Writes[i].Invoke.Ops() {
			if op.Kind == "create" && op.Path == path && record.ParseEntry(op.Data).Token == run.Invoke.Token() {
				return f.Writes[i].Zxid
			}
		}
	}
	return 0
}
