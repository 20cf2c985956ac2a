package workload

import (
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestWorkload_PausesBeforeItRepeats: no role repeats what fails as fast as it can.
func TestWorkload_PausesBeforeItRepeats(t *testing.T) {
	run := subject.Run{Seed: 1, Counts: map[string]int{}, Rate: 5, SessionTimeout: 4 * time.Second}
	for _, r := range New().Roles {
		run.Counts[r.Name] = 1
	}
	subjecttest.Pauses(t, New(), run, 100)
}
