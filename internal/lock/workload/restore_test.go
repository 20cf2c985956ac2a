package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestPlay_NoTokenComesAgainAfterARestore: the ensemble is restored again and again under the load of a run. A lock that was asked for when another locker had it has a greater token
// than that one, whatever lies between.
func TestPlay_NoTokenComesAgainAfterARestore(t *testing.T) {
	run := subject.Run{Counts: map[string]int{Locker: 3}, Rate: 5 * 3 * float64(len(uses)), SessionTimeout: 4 * time.Second}
	attempts := record.Operations(subjecttest.Restored(t, New(), run, 8*time.Second), history.Acquire)
	told, lifted := 0, 0
	for _, a := range attempts {
		if a.Outcome() != record.OK {
			continue
		}
		told++
		if a.Done.Token().Epoch > 1000 {
			lifted++
		}
		for _, b := range attempts {
			if b.Outcome() == record.OK && b.Invoke.Object() == a.Invoke.Object() && b.Invoke.At > a.Done.At && b.Done.Token().Epoch <= a.Done.Token().Epoch {
				t.Fatalf("%s got %s with token %d, and then %s with token %d", a.Invoke.Process, a.Invoke.Object(), a.Done.Token().Epoch, b.Invoke.Process, b.Done.Token().Epoch)
			}
		}
	}
	if told < 200 || lifted < 50 {
		t.Errorf("%d locks were granted, %d of them with a token beyond those of before a restore", told, lifted)
	}
}
