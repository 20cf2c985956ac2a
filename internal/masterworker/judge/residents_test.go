package judge

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestResidentExclusive_OldOwnerStopsFirst: worker-1 holds a resident task from 10 on, and its
// handler returns at 40; worker-2 begins at 30.
func TestResidentExclusive_OldOwnerStopsFirst(t *testing.T) {
	const none, closed, expired = record.SessionFate(""), record.Closed, record.Lost
	stopped := []record.Event{
		{At: 15, Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: 90, Of: record.Injection{Fault: "stop-worker", Targets: []string{"worker-1"}}},
		{At: 33, Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: 90, Of: record.Injection{Fault: "stop-worker", Targets: []string{"worker-1"}, Effective: true}},
	}
	for name, c := range map[string]struct {
		told    int // when the first handler was told to end; 0: never
		session record.SessionFate
		at      int // when the session ended in that way
		next    int // when the second handler began
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
		token, later := record.Token{Epoch: 1, Attempt: 1}, record.Token{Epoch: 1, Attempt: 2}
		const task, id, session = "task-resident.1.client-1", "client-1.resident", "0x1"
		claim := []record.Op{{Kind: "set", Path: "/assign/worker-1", Got: 1}}
		events := []record.Event{
			{At: 1, Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: 2, Process: "worker-1", Life: 1, Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: 10, Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 2, Of: record.Execution{Task: task, ID: id, Token: token, Resident: true}},
			{At: 40, Process: "worker-1", Life: 1, Type: record.Fail, Kind: record.Execute, Op: 2, Of: record.Execution{}},
		}
		add := func(at int, e record.Event) { e.At = time.Duration(at); events = append(events, e) }
		add(c.next, record.Event{Process: "worker-2", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 3, Of: record.Execution{Task: task, ID: id, Token: later, Resident: true}})
		if c.told > 0 {
			add(c.told, record.Event{Process: "worker-1", Life: 1, Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: task, ID: id, Token: token, Cause: "enough"}})
		}
		if c.session != none {
			add(c.at, record.Event{Process: "worker-1", Life: 1, Type: record.Note, Kind: record.Session, Of: record.SessionChange{Session: session, Fate: c.session}})
		}
		events = record.Merge(events, c.more)
		if p := read(record.Run{Events: events, Evidence: &record.Evidence{}}).residentExclusive(); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}

// TestResidentExclusive_SleepExcusesOnlyTheSleeper: the machine of worker-1, which holds a resident task,
// sleeps from 15 s to 30 s; worker-2 begins at 20 s.
func TestResidentExclusive_SleepExcusesOnlyTheSleeper(t *testing.T) {
	s := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	for name, c := range map[string]struct {
		told, returned time.Duration // told: 0: never
		effective      bool
		want           checker.Verdict
	}{
		"it is told when it wakes up":              {s(30.1), s(30.2), true, checker.Valid},
		"it is told then, and takes long":          {s(30.1), s(35), true, checker.Valid},
		"it goes on by a clock that stood still":   {s(32.2), s(32.3), true, checker.Invalid},
		"it goes on and is never told":             {0, s(34), true, checker.Invalid},
		"it was not that it slept":                 {s(32.2), s(32.3), false, checker.Valid},
		"it has returned soon, without being told": {0, s(30.5), true, checker.Valid},
	} {
		const task, id, session = "task-resident.1.client-1", "client-1.resident", "0x1"
		token, later := record.Token{Epoch: 1, Attempt: 1}, record.Token{Epoch: 1, Attempt: 2}
		claim := []record.Op{{Kind: "set", Path: "/assign/worker-1", Got: 1}}
		events := []record.Event{
			{At: s(1), Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: s(2), Process: "worker-1", Life: 1, Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: s(10), Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 2, Of: record.Execution{Task: task, ID: id, Token: token, Resident: true}},
			{At: s(15), Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: 90, Of: record.Injection{Fault: "sleep-worker", Targets: []string{"worker-1"}}},
			{At: s(20), Process: "worker-2", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 3, Of: record.Execution{Task: task, ID: id, Token: later, Resident: true}},
			{At: s(30), Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: 90, Of: record.Injection{Fault: "sleep-worker", Targets: []string{"worker-1"}, Effective: c.effective}},
			{At: c.returned, Process: "worker-1", Life: 1, Type: record.Fail, Kind: record.Execute, Op: 2, Of: record.Execution{}},
		}
		if c.told > 0 {
			events = append(events, record.Event{At: c.told, Process: "worker-1", Life: 1, Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: task, ID: id, Token: token, Cause: "enough"}})
		}
		if p := read(record.Run{Events: record.Merge(events, nil), Evidence: &record.Evidence{}}).residentExclusive(); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}

// TestResidentExclusive_StopExcusesOnlyForAWhile: worker-1, which holds a resident task, is stopped from
// 15 s to 30 s; worker-2 begins at 20 s.
func TestResidentExclusive_StopExcusesOnlyForAWhile(t *testing.T) {
	s := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	halt := func(kind string, op int64, from, to float64) []record.Event {
		fault := record.Injection{Fault: kind, Targets: []string{"worker-1"}}
		began := record.Event{At: s(from), Process: "nemesis", Type: record.Invoke, Kind: record.Fault, Op: op, Of: fault}
		fault.Effective = true
		return []record.Event{began, {At: s(to), Process: "nemesis", Type: record.OK, Kind: record.Fault, Op: op, Of: fault}}
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
		const task, id, session = "task-resident.1.client-1", "client-1.resident", "0x1"
		token, later := record.Token{Epoch: 1, Attempt: 1}, record.Token{Epoch: 1, Attempt: 2}
		claim := []record.Op{{Kind: "set", Path: "/assign/worker-1", Got: 1}}
		events := []record.Event{
			{At: s(1), Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: s(2), Process: "worker-1", Life: 1, Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{Session: session, Ops: claim}},
			{At: s(10), Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 2, Of: record.Execution{Task: task, ID: id, Token: token, Resident: true}},
			{At: s(20), Process: "worker-2", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 3, Of: record.Execution{Task: task, ID: id, Token: later, Resident: true}},
			{At: s(70), Process: "harness", Type: record.Note, Kind: record.Phase, Of: record.PhaseChange{Part: record.Ending}},
		}
		if c.returned > 0 {
			events = append(events, record.Event{At: s(c.returned), Process: "worker-1", Life: 1, Type: record.Fail, Kind: record.Execute, Op: 2, Of: record.Execution{}})
		}
		if c.told > 0 {
			events = append(events, record.Event{At: s(c.told), Process: "worker-1", Life: 1, Type: record.Note, Kind: record.StopRequested, Of: record.StopRequest{Task: task, ID: id, Token: token, Cause: "enough"}})
		}
		events = record.Merge(events, halt("stop-worker", 90, 15, 30), c.more)
		if p := read(record.Run{Events: events, Evidence: &record.Evidence{}}).residentExclusive(); p.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %s", name, p.Verdict, c.want, p.Reason)
		}
	}
}
