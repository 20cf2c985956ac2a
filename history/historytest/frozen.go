// Package historytest gives tests the frozen histories that judges are held against.
package historytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringmaster-zk/ringmaster/history"
)

// Folder is where the frozen histories are, seen from a room of the module's first level.
const Folder = "../checker/testdata"

// deeper is the same, seen from a room of the second level.
const deeper = "../../checker/testdata"

// notFrozen is why a part of a run is not with a frozen history.
const notFrozen = "it was not frozen with the history"

// Frozen is the frozen history of that name, with its evidence. What went over the wire
// and what was committed are not in it; who adds them says [history.Run.MadeByHand] again.
func Frozen(t testing.TB, name string) history.Run {
	t.Helper()
	folder := Folder
	if _, err := os.Stat(folder); err != nil {
		folder = deeper
	}
	events, err := history.ReadFile(filepath.Join(folder, name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := history.ReadEvidence(filepath.Join(folder, name+".evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	if evidence.Order == "" && evidence.Nodes != nil {
		evidence.Order, evidence.Weaker = history.FromTree, notFrozen
	}
	return history.Run{Events: events, Evidence: evidence}.MadeByHand()
}

// Seal writes the manifest of a folder that a test has made: what is not in it was not
// recorded.
func Seal(t testing.TB, dir string) {
	t.Helper()
	m := history.Manifest{Run: filepath.Base(dir), Absent: []history.Absence{}}
	for _, part := range history.Parts {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			m.Absent = append(m.Absent, history.Absence{Name: part, Because: notFrozen})
		}
	}
	if err := history.Seal(dir, m); err != nil {
		t.Fatal(err)
	}
}
