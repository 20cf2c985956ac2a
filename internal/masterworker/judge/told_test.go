package judge

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/checkertest"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestToldTruly_AfterTheEnd: the worker of a cancelled task puts its attempt on record
// later, and a master may tell of that; but not that the task is assigned again.
func TestToldTruly_AfterTheEnd(t *testing.T) {
	for state, want := range map[record.TaskFate]checker.Verdict{record.AttemptEnded: checker.Valid, record.Collected: checker.Valid, "assigned": checker.Invalid, "submitted": checker.Invalid} {
		var events []record.Event
		add := func(process string, e record.Event) {
			e.Seq, e.Process, e.At = len(events)+1, process, time.Duration(len(events))*time.Second
			events = append(events, e)
		}
		ops := []record.Op{{Kind: "create", Path: "/tasks/t/status", Data: `{"state":"cancelled"}`}}
		add("client-1", record.Event{Type: record.Invoke, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1", Ops: ops}})
		add("client-1", record.Event{Type: record.OK, Kind: record.Write, Op: 1, Of: record.Request{Session: "0x1"}})
		add("master-1", record.Event{Type: record.Note, Kind: record.Change, Of: record.TaskChange{Task: "t", Fate: record.Finished}})
		add("master-1", record.Event{Type: record.Note, Kind: record.Change, Of: record.TaskChange{Task: "t", Fate: state}})
		if p := checkertest.Property(t, check(record.Run{Events: events}.MadeByHand()), "ToldTruly"); p.Verdict != want {
			t.Errorf("%s: %s: %s", state, p.Verdict, p.Reason)
		}
	}
}
