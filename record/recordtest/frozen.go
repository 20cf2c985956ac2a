// Package recordtest gives tests the frozen histories for testing the judges.
package recordtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Folder is the folder of the frozen histories, internal/masterworker/judge/testdata, seen
// from any package of the module.
func Folder(t testing.TB) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join("..", dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "internal", "masterworker", "judge", "testdata")
		}
		if whole, err := filepath.Abs(dir); err != nil || whole == filepath.Dir(whole) {
			t.Fatal("no go.mod above the test: run it in the module")
		}
	}
}

// notFrozen says why a part of a run is missing from a frozen history.
const notFrozen = "it was not frozen with the history"

// Frozen is the frozen history of that name, with its evidence. The wire and the
// commits are not in it; a test that adds them calls [record.Run.MadeByHand] again.
func Frozen(t testing.TB, name string) record.Run {
	t.Helper()
	folder := Folder(t)
	events, err := record.ReadFile(filepath.Join(folder, name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := record.ReadEvidence(filepath.Join(folder, name+".evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	if evidence.Order == "" && evidence.Nodes != nil {
		evidence.Order, evidence.Weaker = record.FromTree, notFrozen
	}
	return record.Run{Events: events, Evidence: evidence}.MadeByHand()
}

// Whole is a history that is frozen in the folder testdata of the package under test, with its
// evidence, its wire and its commits. A part that it does not have is that of the history
// "accepted", from which it differs in one thing.
func Whole(t testing.TB, name string) record.Run {
	t.Helper()
	part := func(ending string) string {
		path := filepath.Join("testdata", name+ending)
		if _, err := os.Stat(path); err != nil {
			return filepath.Join("testdata", "accepted"+ending)
		}
		return path
	}
	var run record.Run
	var err [4]error
	run.Events, err[0] = record.ReadFile(part(".ndjson"))
	run.Evidence, err[1] = record.ReadEvidence(part(".evidence.json"))
	run.Exchanges, err[2] = record.ReadExchanges(part(".wire.ndjson"))
	run.Commits, err[3] = record.ReadCommits(part(".commits.ndjson"))
	if err := errors.Join(err[:]...); err != nil {
		t.Fatal(err)
	}
	return run.MadeByHand()
}

// Violations are the names of the frozen histories in which something is violated.
func Violations(t testing.TB) []string {
	t.Helper()
	const ending = ".evidence.json"
	paths, err := filepath.Glob(filepath.Join(Folder(t), "*-bad"+ending))
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d frozen histories, %v", len(paths), err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(path), ending)
	}
	return names
}

// Seal writes the manifest of a folder that a test has made: a part that is missing was
// not recorded.
func Seal(t testing.TB, dir string) {
	t.Helper()
	m := record.Manifest{Run: filepath.Base(dir), Absent: []record.Absence{}}
	for _, part := range record.Parts {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			m.Absent = append(m.Absent, record.Absence{Name: part, Because: notFrozen})
		}
	}
	if err := record.Seal(dir, m); err != nil {
		t.Fatal(err)
	}
}

// Change changes the payload of an event, which has the type that change takes.
func Change[P record.Payload](e *record.Event, change func(*P)) {
	p := e.Of.(P)
	change(&p)
	e.Of = p
}
