package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// residentExclusive: a resident task is executed by one worker at a time, but for two
// cases. One that was stopped or robbed of its session could not know in time that
// another had begun; one that slept knows as soon as it wakes up. And a handler may go on
// after it was told to end: when its session has ended otherwise than by its own worker,
// the next one need not wait for it.
func (f *facts) residentExclusive() Property {
	p := newFinding("ResidentExclusive", "")
	runs := map[string][]record.Operation{}
	moves, excused, lingering := 0, 0, 0
	for _, e := range f.executions {
		if strings.HasSuffix(e.Invoke.ID, ".resident") {
			runs[e.Invoke.Task] = append(runs[e.Invoke.Task], e)
			moves++
		}
	}
	ended := f.endsOfSessions()
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		// In virtual time much happens at one moment; the tokens tell what came first.
		slices.SortStableFunc(runs[name], func(a, b record.Operation) int {
			return cmp.Or(cmp.Compare(a.Invoke.At, b.Invoke.At), a.Invoke.Token.Compare(b.Invoke.Token))
		})
		for n, old := range runs[name] {
			end := f.lasted(old)
			for _, next := range runs[name][n+1:] {
				if next.Invoke.At >= end {
					break // and so did all that began later
				}
				because, shown := f.letGoTooEarly(old, end)
				switch {
				case because == "" && f.toldInTime(old, next, ended):
					lingering++
				case because == "" && f.excuse(old, next.Invoke.At, end) != "" && !f.overslept(old, next.Invoke.At, end):
					excused++
				default:
					p.violate(append([]record.Event{old.Invoke, next.Invoke, old.Done}, shown...), "%s was executed by %s until %s, and by %s from %s on.%s",
						name, old.Invoke.Process, seconds(end), next.Invoke.Process, seconds(next.Invoke.At), because)
				}
			}
		}
	}
	p.holds = fmt.Sprintf("%d resident tasks were executed %d times, each by one worker at a time; %d times by two for a moment, because one was stopped or robbed of its session, and %d times because a handler went on after it had been told to end.",
		len(runs), moves, excused, lingering)
	return p.property()
}

// sleeping is how the names of faults begin that put a participant's machine to sleep.
const sleeping = "sleep-"

// waking is how long a worker whose machine has slept may take to tell its handlers. It
// needs nothing for that but a clock, at which it looks forty times in a session timeout.
const waking = time.Second

// overslept reports whether a sleep is no excuse any more: a handler was told to end long
// after the machine woke up, or never, although the next one had begun in the sleep.
func (f *facts) overslept(old record.Operation, from, end time.Duration) bool {
	if told, known := f.told(old); known {
		end = min(end, told.At)
	}
	return slices.ContainsFunc(f.faults, func(fault record.Operation) bool {
		woke := fault.Return(f.end)
		return strings.HasPrefix(fault.Invoke.Fault, sleeping) && fault.Done.Effective && slices.Contains(fault.Targets(), old.Invoke.Process) &&
			fault.Invoke.At <= from && from <= woke+waking && end > woke+waking
	})
}

// told is when and why a handler was told to end; false where that is not on record.
func (f *facts) told(run record.Operation) (record.Event, bool) {
	for _, e := range f.events {
		if e.Kind == record.Told && e.Task == run.Invoke.Task && e.Token == run.Invoke.Token && life(e) == life(run.Invoke) && e.At >= run.Invoke.At {
			return e, true
		}
	}
	return record.Event{}, false
}

// letGoTooEarly says that a worker ended its own session while a handler still ran.
func (f *facts) letGoTooEarly(run record.Operation, end time.Duration) (because string, shown []record.Event) {
	session := f.sessionOf(run)
	for _, e := range f.sessions {
		if e.Session == session && life(e) == life(run.Invoke) && e.Text == "ended: closed" && e.At < end {
			return fmt.Sprintf(" %s had closed its session at %s, before its handler returned.", run.Invoke.Process, seconds(e.At)), []record.Event{e}
		}
	}
	return "", nil
}

// sessionOf is the session in which a worker held what it executed: the one in which it
// had claimed its inbox last.
func (f *facts) sessionOf(run record.Operation) (session string) {
	for _, w := range f.applied("set", "/assign") {
		e := w.write.Invoke
		if w.op.Path == "/assign/"+run.Invoke.Process && life(e) == life(run.Invoke) && e.At <= run.Invoke.At {
			session = e.Session
		}
	}
	return session
}

// endsOfSessions is where in ZooKeeper's order each session ended, as far as that is on
// record: the server in memory keeps no record of those that expire.
func (f *facts) endsOfSessions() map[string]int64 {
	ends := map[string]int64{}
	if f.ledger != nil {
		for _, c := range f.ledger.commits {
			if c.Kind == record.CommitClose {
				ends[c.Session] = c.Zxid
			}
		}
	}
	return ends
}

// toldInTime reports whether a handler was told to end before the next one began, and
// what it held was given away because its session had ended.
func (f *facts) toldInTime(old, next record.Operation, ends map[string]int64) bool {
	told, known := f.told(old)
	session := f.sessionOf(old)
	if !known || session == "" || told.At > next.Invoke.At {
		return false
	}
	if end, given := ends[session], f.assigned(next); end != 0 && given != 0 {
		return end < given
	}
	// The worker's own word has to do. It comes when the worker has found out.
	return slices.ContainsFunc(f.sessions, func(e record.Event) bool {
		return e.Session == session && life(e) == life(old.Invoke) && strings.HasPrefix(e.Text, "ended: ") && e.Text != "ended: closed"
	})
}

// assigned is where in ZooKeeper's order an execution was assigned; 0 where that is not
// known.
func (f *facts) assigned(run record.Operation) int64 {
	path := fmt.Sprintf("/assign/%s/%s", run.Invoke.Process, run.Invoke.Task)
	for i := range f.writes {
		for _, op := range f.writes[i].Invoke.Ops {
			if op.Kind == "create" && op.Path == path && parseToken(op.Data) == run.Invoke.Token {
				return f.zxids[i]
			}
		}
	}
	return 0
}
