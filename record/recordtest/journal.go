package recordtest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Journal is a new journal of the process p, whose clock moves by a nanosecond with each
// event, and a function that reads what it has so far.
func Journal(t testing.TB) (*record.Journal, func() []record.Event) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "j.ndjson")
	now := time.Duration(0)
	j, err := record.Create(path, "p", 1, func() time.Duration { now++; return now })
	if err != nil {
		t.Fatal(err)
	}
	return j, func() []record.Event {
		events, err := record.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
}
