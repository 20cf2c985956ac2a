package checker

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

// TestAnAttemptBeginsAgainOnlyAfterALapse: one process may begin an attempt anew that it
// has ended because its lease was over, and nothing else may.
func TestAnAttemptBeginsAgainOnlyAfterALapse(t *testing.T) {
	for name, one := range map[string]struct {
		change func(first, ended, second *history.Event)
		want   Verdict
	}{
		"it lapsed":            {func(_, _, _ *history.Event) {}, Valid},
		"it did not lapse":     {func(_, ended, _ *history.Event) { ended.State = "" }, Invalid},
		"another process":      {func(_, _, second *history.Event) { second.Process = "worker-2" }, Invalid},
		"another life":         {func(_, _, second *history.Event) { second.Life = 2 }, Invalid},
		"the first still runs": {func(_, ended, _ *history.Event) { ended.At = 30 }, Invalid},
	} {
		token := history.Token{Epoch: 1, Attempt: 1}
		first := history.Event{Seq: 1, At: 10, Process: "worker-1", Life: 1, Type: history.Invoke, Kind: history.Execute, Op: 1, Task: "task-a", Token: token}
		ended := history.Event{Seq: 2, At: 15, Process: "worker-1", Life: 1, Type: history.Fail, Kind: history.Execute, Op: 1, State: history.Lapsed}
		second := history.Event{Seq: 3, At: 20, Process: "worker-1", Life: 1, Type: history.Invoke, Kind: history.Execute, Op: 2, Task: "task-a", Token: token}
		one.change(&first, &ended, &second)
		if p := gather([]history.Event{first, ended, second}, &history.Evidence{}, nil, nil).uniqueAttempts(); p.Verdict != one.want {
			t.Errorf("%s: %s: %s", name, p.Verdict, p.Reason)
		}
	}
}
