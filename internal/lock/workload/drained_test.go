package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestDrained_SharesALock: lockers that drain take each lock one after the other, and some of them share those
// that can be shared.
func TestDrained_SharesALock(t *testing.T) {
	run := subject.Run{Seed: 1, Counts: map[string]int{Locker: 2}, Rate: 20, SessionTimeout: 4 * time.Second}
	modes, takers := map[history.Mode]int{}, map[string]int{}
	for _, o := range record.Operations(subjecttest.Drained(t, New(), run), history.Acquire) {
		asked, err := record.OwnData[history.Asked](o.Invoke)
		if err != nil {
			t.Fatal(err)
		}
		if o.Outcome() == record.OK {
			modes[asked.Mode]++
			takers[o.Invoke.Object()]++
		}
	}
	if modes[history.Shared] < 3 || modes[history.Exclusive] < 3 || modes[history.Permit] == 0 {
		t.Errorf("modes: %v", modes)
	}
	if takers["/locks/orders"] < 2 || len(takers) < 9 {
		t.Errorf("lockers of each lock: %v", takers)
	}
}
