package judge

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// TestLeavesNothing_OnlyAfterAGoodLeave: what is lost with a worker is held against
// it when it had all the time that it was given and its session. The frozen history, in
// which it is, is changed in one thing each.
func TestLeavesNothing_OnlyAfterAGoodLeave(t *testing.T) {
	const session = "0x4" // of the worker that leaves
	for name, change := range map[string]func(e *record.Event){
		"nothing is changed": nil,
		"it was not in time": func(e *record.Event) {
			if e.Kind == record.Leave && e.Type == record.OK {
				e.Type = record.Fail
			}
		},
		"it was never heard of again": func(e *record.Event) {
			if e.Kind == record.Leave && e.Type == record.OK {
				e.Process = "worker-9"
			}
		},
		"its session expired": func(e *record.Event) {
			if e.Session() == session && e.SessionChange().Fate == record.Closed {
				e.Of = record.SessionChange{Session: session, Fate: record.Lost, Detail: "expired by the server"}
			}
		},
		"its session was ended by a fault": func(e *record.Event) {
			if slices.Equal(e.Injection().Sessions, []string{"0x3"}) {
				recordtest.Change(e, func(f *record.Injection) { f.Sessions = []string{"0x3", session} })
			}
		},
		"it had not retired": func(e *record.Event) {
			for i := range e.Ops() {
				e.Ops()[i].Data = strings.Replace(e.Ops()[i].Data, `, "retiring": true`, "", 1)
			}
		},
		"it had retired before": func(e *record.Event) {
			if e.Kind == record.Leave && e.Type == record.Invoke {
				e.At += 20_000_000
			}
		},
		"it was timed out": func(e *record.Event) {
			for i := range e.Ops() {
				e.Ops()[i].Data = strings.Replace(e.Ops()[i].Data, "worker lost", "timed out", 1)
			}
		},
		"another life was given the task": func(e *record.Event) {
			for i := range e.Ops() {
				if strings.HasPrefix(e.Ops()[i].Path, "/assign/worker-2/task-d") {
					e.Ops()[i].Data = strings.Replace(e.Ops()[i].Data, `"incarnation": 1`, `"incarnation": 3`, 1)
				}
			}
		},
	} {
		run := recordtest.Frozen(t, "LeavesNothing-bad")
		for i := range run.Events {
			if change != nil {
				change(&run.Events[i])
			}
		}
		want := checker.Valid
		if change == nil {
			want = checker.Invalid
		}
		if p := read(record.Run{Events: run.Events, Evidence: run.Evidence}).leavesNothing(); p.Verdict != want || p.Reason == "" && len(p.Findings) == 0 {
			t.Errorf("%s: %s: %s", name, p.Verdict, p.Reason)
		}
	}
}
