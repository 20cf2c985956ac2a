package workload

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/subject/subjecttest"
)

// TestWorkload_PausesBeforeItRepeats: no role repeats what fails as fast as it can.
func TestWorkload_PausesBeforeItRepeats(t *testing.T) { subjecttest.Pauses(t, New(), 40) }
