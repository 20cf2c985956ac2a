package torture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// frozenRun makes a run's folder of one of the checker's frozen histories.
func frozenRun(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("../internal/masterworker/judge/testdata", name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, record.HistoryFile), string(data))
	write(t, filepath.Join(dir, record.ConfigFile), `{"seed":7}`)
	write(t, filepath.Join(dir, record.FaultsFile), `[]`)
	run := recordtest.Frozen(t, name)
	if err := run.Evidence.Save(filepath.Join(dir, record.EvidenceFile)); err != nil {
		t.Fatal(err)
	}
	recordtest.Seal(t, dir)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCheck_ExplainsAViolation judges a stored violation: its story is told in the terminal, in a
// file and on the page, and the smallest part is a run that is judged the same.
func TestCheck_ExplainsAViolation(t *testing.T) {
	dir := frozenRun(t, "AtomicTransitions-bad")
	code, printed := torture(t, "check", dir)
	if code != exit.Invalid {
		t.Fatalf("exit code %d:\n%s", code, printed)
	}
	wrong := "took the task from worker-1 and in the same"
	again := "torture replay " + dir
	for where, text := range map[string]string{"the terminal": printed, record.StoryFile: contents(t, filepath.Join(dir, record.StoryFile)), record.ReportFile: contents(t, filepath.Join(dir, record.ReportFile))} {
		for _, want := range []string{wrong, "Smallest part of the history that shows it: 8 of 55 events", again} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", where, want, text)
			}
		}
	}
	part := filepath.Join(dir, record.ShrunkFolder, "AtomicTransitions")
	if code, printed := torture(t, "check", part); code != exit.Invalid || !strings.Contains(printed, "INVALID: AtomicTransitions is violated. master-2 deleted the assignment of task-a-0000000000 at 6.250s") {
		t.Errorf("the part: exit code %d:\n%s", code, printed)
	}
	if _, err := os.Stat(filepath.Join(part, record.ShrunkFolder)); err == nil {
		t.Error("the smallest part was cut down once more")
	}
	if code, printed := torture(t, "check", "--shrink", "0", dir); code != exit.Invalid || strings.Contains(printed, "Smallest part") || !strings.Contains(printed, "took the task from") {
		t.Errorf("without shrinking: exit code %d:\n%s", code, printed)
	}
	if _, err := os.Stat(part); err == nil {
		t.Error("a part that this check has not found is still there")
	}
}

// TestCheck_ExplainsNothingInAValidRun judges a valid run.
func TestCheck_ExplainsNothingInAValidRun(t *testing.T) {
	dir := frozenRun(t, "accepted")
	if code, printed := torture(t, "check", dir); code != 0 || strings.Contains(printed, "story:") || strings.Contains(printed, "run it again") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	if _, err := os.Stat(filepath.Join(dir, record.StoryFile)); err == nil {
		t.Error("a valid run has a story of what is wrong")
	}
}

// TestCheck_FindsTheSubjectByTheRecipe that the run names; a run that names none is of the
// recipe that was there first.
func TestCheck_FindsTheSubjectByTheRecipe(t *testing.T) {
	for _, c := range []struct {
		config string
		want   exit.Code
		says   string
	}{
		{`{"seed":7}`, exit.Invalid, "INVALID: AtomicTransitions is violated."},
		{`{"seed":7,"recipe":"master-worker"}`, exit.Invalid, "INVALID: AtomicTransitions is violated."},
		{`{"seed":7,"recipe":"nobody"}`, exit.WrongUse, `the run used the recipe "nobody", which this command does not have; it has: master-worker, bare`},
		{`{"seed":7,"recipe":"bare"}`, exit.Done, "VALID: every property holds over 2 effective faults."},
	} {
		dir := frozenRun(t, "AtomicTransitions-bad")
		write(t, filepath.Join(dir, record.ConfigFile), c.config)
		recordtest.Seal(t, dir)
		if code, printed := torture(t, "check", "--shrink", "0", dir); code != c.want || !strings.Contains(printed, c.says) {
			t.Errorf("%s: exit code %d, want %d, and %q:\n%s", c.config, code, c.want, c.says, printed)
		}
	}
}
