package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

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
