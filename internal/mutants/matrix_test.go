package mutants

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// TestMatrix_SaysThatItIsPartial shows a finding that is missing in another way than an
// engine that cannot test the entry.
func TestMatrix_SaysThatItIsPartial(t *testing.T) {
	e := Entry{ID: "e", Says: "s", World: "--masters 1", Fault: "kill-server", Edits: []Edit{{File: "f", Old: "x", New: "y"}}}
	m, err := OpenMatrix(filepath.Join(t.TempDir(), "m.json"), "c.yaml", Catalogue{e})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Keep(Finding{ID: "e", Engine: ModelEngine, Outcome: Caught, Properties: []string{"P"}, States: 3, Fingerprint: e.Fingerprint(), Commit: "c0ffee+"}); err != nil {
		t.Fatal(err)
	}
	// A server's fault is not for runs in memory, and there are no tests.
	if text := m.Page(); !strings.Contains(text, "**Partial**: 1 findings are missing") || !strings.Contains(text, "| - | - | *not yet* |") || !strings.Contains(text, "1 about commit `c0ffee` with changes") {
		t.Errorf("%s", text)
	}
}

// TestMatrix_Totals counts only defects that were caught for the median, and nothing of
// the unchanged source.
func TestMatrix_Totals(t *testing.T) {
	m := &Matrix{Findings: []Finding{
		{ID: "a", Engine: ModelEngine, Outcome: Caught, Seconds: 1}, {ID: "b", Engine: ModelEngine, Outcome: Caught, Seconds: 9},
		{ID: "c", Engine: ModelEngine, Outcome: Caught, Seconds: 2}, {ID: "d", Engine: ModelEngine, Outcome: Caught, Seconds: 4},
		{ID: "e", Engine: ModelEngine, Outcome: Survived, Seconds: 60}, {ID: Unmodified, Engine: ModelEngine, Outcome: Clean, Seconds: 5},
		{ID: "a", Engine: TestsEngine, Outcome: Failed},
	}}
	want := "- model: 4 caught, 1 survived; caught after 3.0 s in the median, 9.0 s at most\n- tests: 1 failed\n"
	if got := m.totals(); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestMatrix_DropsStaleFindings drops findings about other edits, other worlds or loads,
// unknown engines, and entries that are tested in another way now.
func TestMatrix_DropsStaleFindings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.json")
	e := Entry{ID: "e", Breaks: []string{"P"}, World: "--masters 1", Fault: "kill-master", Survives: map[string]string{MemoryEngine: "so"}, Edits: []Edit{{File: "f", Old: "x", New: "y"}}}
	same := e.Fingerprint()
	open := func(e Entry) *Matrix {
		m, err := OpenMatrix(path, "c.yaml", Catalogue{e})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	keep := func(m *Matrix, all ...Finding) {
		for _, f := range all {
			if err := m.Keep(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := open(e)
	keep(m, Finding{ID: "gone", Engine: ModelEngine}, Finding{ID: "e", Engine: EnsembleEngine, Fingerprint: "other", Asked: "kill-master"},
		Finding{ID: "e", Engine: "paper", Fingerprint: same}, Finding{ID: "e", Engine: TestsEngine, Fingerprint: same},
		Finding{ID: "e", Engine: ModelEngine, Outcome: Survived, Fingerprint: same, Seconds: 2, Asked: "--masters 1"},
		Finding{ID: "e", Engine: MemoryEngine, Outcome: Caught, Properties: []string{"P"}, Fingerprint: same, Asked: "kill-master"},
		Finding{ID: Unmodified, Engine: ModelEngine, Outcome: Clean, Asked: "--masters 9"},
		Finding{ID: Unmodified, Engine: MemoryEngine, Outcome: Alarm, Asked: "kill-worker"})
	if len(m.Findings) != 7 {
		t.Errorf("%d are kept, but a clean result about a part of the catalogue must not be", len(m.Findings))
	}
	if m = open(e); len(m.Findings) != 2 || m.Findings[0].Seconds != 2 || m.Findings[1].Engine != MemoryEngine {
		t.Errorf("%+v", m.Findings)
	}
	e.Survives = map[string]string{ModelEngine: "now it is known"}
	if m = open(e); len(m.Findings) != 1 || m.Findings[0].Outcome != Caught {
		t.Errorf("a survivor, after it became a known one: %+v", m.Findings)
	}
	e.World, e.Run = "--masters 2", "--nodes 3"
	if m = open(e); len(m.Findings) != 0 {
		t.Errorf("findings about another world and load: %+v", m.Findings)
	}
	if _, err := OpenMatrix(path, "other.yaml", nil); err == nil || !strings.Contains(err.Error(), "has the findings of c.yaml, not of other.yaml") {
		t.Errorf("the matrix of another catalogue: %v", err)
	}
	if _, err := OpenMatrix("results/mutants.md", "c.yaml", nil); err == nil || !strings.Contains(err.Error(), "ends in .json") {
		t.Errorf("the page in place of the file: %v", err)
	}
}

// TestMatrix_TwoHuntsKeepAllFindings has two hunts write to one matrix at the same time.
// Neither loses the findings of the other.
func TestMatrix_TwoHuntsKeepAllFindings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "m.json")
	all := Catalogue{{ID: "a", World: "--masters 1", Edits: []Edit{{File: "f", Old: "x", New: "y"}}}, {ID: "b", World: "--masters 1", Edits: []Edit{{File: "f", Old: "x", New: "z"}}}}
	open := func() *Matrix {
		m, err := OpenMatrix(path, "c.yaml", all)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	hunts := []*Matrix{open(), open()}
	for round := range 20 {
		var keeping sync.WaitGroup
		for i, m := range hunts {
			keeping.Go(func() {
				f := Finding{ID: all[i].ID, Engine: ModelEngine, Outcome: Survived, Seconds: float64(round), Asked: "--masters 1", Fingerprint: all[i].Fingerprint()}
				if err := m.Keep(f); err != nil {
					t.Error(err)
				}
			})
		}
		keeping.Wait()
		if m := open(); len(m.Findings) != 2 || m.Findings[0].Seconds != float64(round) || m.Findings[1].Seconds != float64(round) {
			t.Fatalf("round %d: %+v", round, m.Findings)
		}
	}
}
