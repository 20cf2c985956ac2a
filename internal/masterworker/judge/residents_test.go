package judge

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// handover is a run in which worker-1 executes a resident task from 10 on, with its inbox
// claimed before, and worker-2 executes the task from next on.
type handover struct {
	unit                 time.Duration // of the times
	told, returned, next float64       // the handler of worker-1 was asked to end, and returned; 0: never
}

const residentSession = "0x1" // of worker-1

func (h handover) at(moment float64) time.Duration {
	return time.Duration(moment * float64(h.unit))
}

// judge is the verdict on the run, to which more events belong.
func (h handover) judge(more ...[]record.Event) checker.Property {
	const task, id = "task-resident.1.client-1", "client-1.resident"
	token, later := record.Token{Epoch: 1, Attempt: 1}, record.Token{Epoch: 1, Attempt: 2}
	claim := record.Request{Session: residentSession, Ops: []record.Op{{Kind: "set", Path: "/assign/worker-1", Got: 1}}}
	var events []record.Event
	add := func(at float64, process string, e record.Event) {
		e.At, e.Process, e.Life = h.at(at), process, 1
		events = append(events, e)
	}
	add(1, "worker-1", record.Event{Type: record.Invoke, Kind: record.Write, Op: 1, Of: claim})
	add(2, "worker-1", record.Event{Type: record.OK, Kind: record.Write, Op: 1, Of: claim})
	add(10, "worker-1", record.Event{Type: record.Invoke, Kind: record.Execute, Op: 2, Of: record.Execution{Task: task, ID: id, Token: token, Resident: true}})
	add(h.next, "worker-2", record.Event{Type: record.Invoke, Kind: record.Execute, Op: 3, Of: record.Execution{Task: task, ID: id, Token: later, Resident: true}})
	if h.returned > 0 {
		add(h.returned, "worker-1", record.Event{Type: record.Fail, Kind: record.Execute, Op: 2, Of: record.Execution{}})
	}
	if h.told > 0 {
		add(h.told, "worker-1", record.Event{Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: task, ID: id, Token: token, Cause: "enough"}})
	}
	run := record.Run{Events: record.Merge(append(more, events)...), Evidence: &record.Evidence{}}
	return read(run).residentExclusive()
}

// halt is a fault that keeps worker-1 from running.
func (h handover) halt(kind string, op int64, from, to float64, effective bool) []record.Event {
	fault := record.Injection{Fault: kind, Targets: []string{"worker-1"}}
	began := record.Event{At: h.at(from), Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: op, Of: fault}
	fault.Effective = effective
	return []record.Event{began, {At: h.at(to), Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: op, Of: fault}}
}

// TestResidentExclusive_OldOwnerStopsFirst: worker-1 holds a resident task from 10 on, and its
// handler returns at 40; worker-2 begins at 30.
func TestResidentExclusive_OldOwnerStopsFirst(t *testing.T) {
	const none, closed, expired = record.SessionFate(""), record.Closed, record.Lost
	stopped := handover{unit: 1}.halt("stop-worker", 90, 15, 33, true)
	for name, c := range map[string]struct {
		told    float64 // when the first handler was asked to end; 0: never
		session record.SessionFate
		at      time.Duration // when the session ended in that way
		next    float64       // when the second handler began
		more    []record.Event
		want    checker.Verdict
	}{
		"it had returned":                           {20, closed, 50, 45, nil, checker.Valid},
		"it was told, and its session expired":      {20, expired, 25, 30, nil, checker.Valid},
		"it was told, and closed its session early": {20, closed, 25, 30, nil, checker.Invalid},
		"it was told, and its session lives":        {20, none, 0, 30, nil, checker.Invalid},
		"it was told too late":                      {35, expired, 36, 30, nil, checker.Invalid},
		"it was never told":                         {0, expired, 50, 30, nil, checker.Invalid},
		"it was stopped, and told too late":         {35, expired, 36, 30, stopped, checker.Valid},
		"it was stopped, and closed its session":    {35, closed, 36, 30, stopped, checker.Invalid},
	} {
		var ended []record.Event
		if c.session != none {
			ended = []record.Event{{At: c.at, Process: "worker-1", Life: 1, Type: record.Note, Kind: record.Session, Of: record.SessionChange{Session: residentSession, Fate: c.session}}}
		}
		if p := (handover{1, c.told, 40, c.next}).judge(ended, c.more); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}

// TestResidentExclusive_SleepExcusesOnlyTheSleeper: the machine of worker-1, which holds a resident task,
// sleeps from 15 s to 30 s; worker-2 begins at 20 s.
func TestResidentExclusive_SleepExcusesOnlyTheSleeper(t *testing.T) {
	for name, c := range map[string]struct {
		told, returned float64 // told: 0: never
		effective      bool
		want           checker.Verdict
	}{
		"it is told when it wakes up":              {30.1, 30.2, true, checker.Valid},
		"it is told then, and takes long":          {30.1, 35, true, checker.Valid},
		"it goes on by a clock that stood still":   {32.2, 32.3, true, checker.Invalid},
		"it goes on and is never told":             {0, 34, true, checker.Invalid},
		"it was not that it slept":                 {32.2, 32.3, false, checker.Valid},
		"it has returned soon, without being told": {0, 30.5, true, checker.Valid},
	} {
		h := handover{time.Second, c.told, c.returned, 20}
		if p := h.judge(h.halt("sleep-worker", 90, 15, 30, c.effective)); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}

// TestResidentExclusive_StopExcusesOnlyForAWhile: worker-1, which holds a resident task, is stopped from
// 15 s to 30 s; worker-2 begins at 20 s.
func TestResidentExclusive_StopExcusesOnlyForAWhile(t *testing.T) {
	halt := func(kind string, op int64, from, to float64) []record.Event {
		return handover{unit: time.Second}.halt(kind, op, from, to, true)
	}
	for name, c := range map[string]struct {
		told, returned float64 // told: 0: never
		more           []record.Event
		want           checker.Verdict
	}{
		"it is told when it goes on":                          {30.1, 30.2, nil, checker.Valid},
		"it returns soon, without being told":                 {0, 30.5, nil, checker.Valid},
		"it is told then, and takes as long as any handler":   {30.1, 41.1, nil, checker.Valid},
		"it is told then, and never returns":                  {30.1, 50, nil, checker.Invalid},
		"it was told before the stop, and returns after it":   {14, 30.5, nil, checker.Valid},
		"it was told before the stop, and never returns":      {14, 50, nil, checker.Invalid},
		"it goes on, and is told late":                        {33, 33.1, nil, checker.Invalid},
		"it goes on, and is never told":                       {0, 60, nil, checker.Invalid},
		"it goes on until the run ends":                       {0, 0, nil, checker.Invalid},
		"it is stopped again before it can tell anybody":      {36.5, 36.6, halt("stop-worker", 91, 30.5, 36), checker.Valid},
		"it is paused before it can tell anybody":             {32.5, 32.6, halt("pause-worker", 91, 30.5, 32), checker.Valid},
		"it is paused when it should have told its handler":   {32.5, 32.6, halt("pause-worker", 91, 31.5, 32), checker.Invalid},
		"its session is ended by force when it goes on again": {0, 60, halt("expire-worker", 91, 31, 31), checker.Invalid},
	} {
		h := handover{time.Second, c.told, c.returned, 20}
		ending := record.Event{At: h.at(70), Process: "harness", Type: record.Note, Kind: record.Phase, Of: record.PhaseChange{Part: record.Ending}}
		if p := h.judge([]record.Event{ending}, halt("stop-worker", 90, 15, 30), c.more); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}
