package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestDrained_DoesWhatAVerdictNeeds: users that drain make each kind of call that a run is about.
func TestDrained_DoesWhatAVerdictNeeds(t *testing.T) {
	for seed := range uint64(5) {
		run := subject.Run{Seed: seed, Counts: map[string]int{User: 2}, Rate: 60, SessionTimeout: 4 * time.Second}
		done := map[string]bool{}
		for _, o := range record.Operations(subjecttest.Drained(t, New(), run), history.Call) {
			asked, wrong := record.OwnData[history.Asked](o.Invoke)
			if wrong != nil {
				t.Fatal(wrong)
			}
			if o.Outcome() == record.OK {
				told, wrong := record.OwnData[history.Told](o.Done)
				if wrong != nil {
					t.Fatal(wrong)
				}
				done[asked.Verb] = done[asked.Verb] || !told.Refused
			}
		}
		for _, verb := range []string{history.Add, history.Block, history.Swap, history.Transfer, history.Audit, history.Wait, history.Leave, history.Take} {
			if !done[verb] {
				t.Errorf("seed %d: no call %q was done", seed, verb)
			}
		}
	}
}

// TestDrained_LeavesARound: users that drain make a round, if they have made none under load.
func TestDrained_LeavesARound(t *testing.T) {
	for _, users := range []int{2, 3, 4} {
		run := subject.Run{Seed: 1, Counts: map[string]int{User: users}, Rate: 60, SessionTimeout: 4 * time.Second}
		done := 0
		for _, e := range subjecttest.Drained(t, New(), run) {
			if e.Object() == history.Round && e.Kind == history.Call && e.Type == record.OK {
				done++
			}
		}
		if want := 2 * max(2, users-1); done < want {
			t.Errorf("%d users: %d calls about rounds were done, want %d: each enters and leaves", users, done, want)
		}
	}
}
