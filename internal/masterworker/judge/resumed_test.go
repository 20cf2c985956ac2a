package judge

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestUniqueAttempts_BeginsAgainOnlyAfterALapse: one process may begin an attempt anew that it
// has ended because its lease was over, and nothing else may.
func TestUniqueAttempts_BeginsAgainOnlyAfterALapse(t *testing.T) {
	for name, one := range map[string]struct {
		change func(first, ended, second *record.Event)
		want   checker.Verdict
	}{
		"it lapsed":            {func(_, _, _ *record.Event) {}, checker.Valid},
		"it did not lapse":     {func(_, ended, _ *record.Event) { ended.Of = record.Execution{} }, checker.Invalid},
		"another process":      {func(_, _, second *record.Event) { second.Process = "worker-2" }, checker.Invalid},
		"another life":         {func(_, _, second *record.Event) { second.Life = 2 }, checker.Invalid},
		"the first still runs": {func(_, ended, _ *record.Event) { ended.At = 30 }, checker.Invalid},
	} {
		token := record.Token{Epoch: 1, Attempt: 1}
		first := record.Event{Seq: 1, At: 10, Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 1, Of: record.Execution{Task: "task-a", Token: token}}
		ended := record.Event{Seq: 2, At: 15, Process: "worker-1", Life: 1, Type: record.Fail, Kind: record.Execute, Op: 1, Of: record.Execution{Lapsed: true}}
		second := record.Event{Seq: 3, At: 20, Process: "worker-1", Life: 1, Type: record.Invoke, Kind: record.Execute, Op: 2, Of: record.Execution{Task: "task-a", Token: token}}
		one.change(&first, &ended, &second)
		if p := read(record.Run{Events: []record.Event{first, ended, second}, Evidence: &record.Evidence{}}).uniqueAttempts(); p.Verdict != one.want {
			t.Errorf("%s: %s: %s", name, p.Verdict, p.Reason)
		}
	}
}
