// Package historytest gives tests the frozen histories that judges are held against.
package historytest

import (
	"path/filepath"
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

// Folder is where the frozen histories are, seen from a room of the module's first level.
const Folder = "../checker/testdata"

// Frozen is the frozen history of that name, with its evidence. What went over the wire
// and what was committed are not in it.
func Frozen(t testing.TB, name string) history.Run {
	t.Helper()
	events, err := history.ReadFile(filepath.Join(Folder, name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := history.ReadEvidence(filepath.Join(Folder, name+".evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	return history.Run{Events: events, Evidence: evidence}
}
