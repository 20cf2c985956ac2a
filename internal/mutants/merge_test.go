package mutants

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestMatrix_MergeKeepsTheLaterFinding merges two shards, in both orders.
func TestMatrix_MergeKeepsTheLaterFinding(t *testing.T) {
	var all Catalogue
	for _, id := range []string{"a", "b"} {
		all = append(all, Entry{ID: id, Says: "s", Breaks: []string{"P"}, World: "--masters 1", Edits: []Edit{{File: "f", Old: "x", New: id}}})
	}
	dir, noon := t.TempDir(), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	shard := func(name string, findings ...Finding) string {
		m, err := OpenMatrix(filepath.Join(dir, name), "c.yaml", all)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if err := m.Keep(f); err != nil {
				t.Fatal(err)
			}
		}
		return m.path
	}
	found := func(e Entry, outcome Outcome, when time.Time) Finding {
		return Finding{ID: e.ID, Engine: ModelEngine, Asked: e.World, Outcome: outcome, Properties: map[Outcome][]string{Caught: {"P"}}[outcome], When: when, Fingerprint: e.Fingerprint(), Commit: "c0ffee"}
	}
	early := shard("early.json", found(all[0], Survived, noon), found(all[1], Caught, noon))
	late := shard("late.json", found(all[0], Caught, noon.Add(time.Hour)))
	for i, order := range [][]string{{early, late}, {late, early}} {
		sum, err := OpenMatrix(filepath.Join(dir, []string{"one.json", "two.json"}[i]), "c.yaml", all)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range order {
			if _, err := sum.Merge(path); err != nil {
				t.Fatal(err)
			}
		}
		caught := slices.IndexFunc(sum.Findings, func(f Finding) bool { return f.ID == "a" && f.Outcome == Caught })
		if len(sum.Findings) != 2 || caught < 0 {
			t.Errorf("%v: %+v", order, sum.Findings)
		}
		again, err := sum.Merge(order[0])
		if err != nil || again != 0 {
			t.Errorf("merged twice: %d added, %v", again, err)
		}
	}
	other, err := OpenMatrix(filepath.Join(dir, "other.json"), "another.yaml", all)
	if err == nil {
		_, err = other.Merge(early)
	}
	if err == nil {
		t.Error("the findings of another catalogue were merged")
	}
	if _, err := other.Merge(filepath.Join(dir, "nowhere.json")); err == nil {
		t.Error("a missing file was merged")
	}
}
