package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/owner"
)

// TestSweepScratch_RemovesFoldersOfDeadProcesses leaves the folders of living processes,
// and folders of unknown owners.
func TestSweepScratch_RemovesFoldersOfDeadProcesses(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mine, remove, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	dead := owner.Self()
	dead.Start = "long ago"
	left := filepath.Join(os.TempDir(), scratchPrefix+dead.String()+"-1")
	other := filepath.Join(os.TempDir(), scratchPrefix+"of-another")
	for _, dir := range []string{left, other} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sweepScratch()
	for dir, want := range map[string]bool{mine: true, other: true, left: false} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestMatch_EveryEditOnce wants the id, the file and the count in the error if a text is
// missing or occurs twice. Two edits of one file are applied one after the other.
func TestMatch_EveryEditOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("one two two oooo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	source := Source{Dir: dir}
	for old, want := range map[string]string{"two": "occurs 2 times", "ooo": "occurs 2 times", "three": "occurs 0 times"} {
		err := source.Match(Catalogue{{ID: "m", Edits: []Edit{{File: "a.go", Old: old, New: "x"}}}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "m: a.go") {
			t.Errorf("%q: %v", old, err)
		}
	}
	if err := source.Match(Catalogue{{ID: "m", Edits: []Edit{{File: "b.go", Old: "x", New: "y"}}}}); err == nil || !strings.Contains(err.Error(), "b.go") {
		t.Errorf("a missing file: %v", err)
	}
	texts, err := edited(dir, Entry{ID: "m", Edits: []Edit{{File: "a.go", Old: "one", New: "three"}, {File: "./a.go", Old: "three two", New: "four"}}})
	if err != nil || texts["a.go"] != "four two oooo\n" {
		t.Errorf("%q, %v", texts, err)
	}
}
