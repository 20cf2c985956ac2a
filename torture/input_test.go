package torture

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestInput_RefusesPipes: nobody writes to this pipe, so a command that reads it would wait
// for ever.
func TestInput_RefusesPipes(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"merge", pipe}, {"run", "--ensemble", "memory", "--out", t.TempDir(), "--schedule", pipe}, {"run", "--mixed", pipe}, {"explore", "--replay", pipe},
		{"soak", "--ensemble", "memory", "--runs", "1", "--results", pipe, "--out", t.TempDir()}, {"mutants", "--catalogue", pipe},
	} {
		code, printed := torture(t, args...)
		if code == exit.Done || !strings.Contains(printed, record.ErrNotRegular.Error()) || !strings.Contains(printed, pipe) {
			t.Errorf("%q: exit code %d: %s", args, code, printed)
		}
	}
	for _, verb := range []string{"check", "replay", "shrink", "trace"} {
		if code, printed := torture(t, verb, pipe); code != exit.WrongUse || !strings.Contains(printed, pipe) {
			t.Errorf("%s: exit code %d: %s", verb, code, printed)
		}
	}
}

// TestCheck_TellsWhatAFolderLacks: without its configuration a run has no recipe, so there is
// no report on it; an earlier verdict does not stay.
func TestCheck_TellsWhatAFolderLacks(t *testing.T) {
	dir := memoryRun(t, 4)
	if code, printed := torture(t, "check", "--shrink", "0", dir); code != exit.Done {
		t.Fatalf("exit code %d: %s", code, printed)
	}
	if err := os.Remove(filepath.Join(dir, record.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	code, printed := torture(t, "check", "--shrink", "0", dir)
	if code != exit.Unknown || !strings.HasPrefix(printed, "UNKNOWN: The record of the run is not whole: config.json is missing") || strings.Count(printed, "\n") != 1 {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	if r := verdictOf(t, dir); r.Verdict != checker.Unknown {
		t.Errorf("the verdict that is stored is %s", r.Verdict)
	}
}

// TestCheck_NamesTheDamagedLine: beside the file, its line.
func TestCheck_NamesTheDamagedLine(t *testing.T) {
	for _, file := range []string{record.HistoryFile, record.WireFile, record.CommittedFile, record.ConfigFile, record.EvidenceFile, record.FaultsFile} {
		dir := memoryRun(t, 4)
		lines := strings.SplitAfter(contents(t, filepath.Join(dir, file)), "\n")
		lines[4] = "}garbage\n"
		write(t, filepath.Join(dir, file), strings.Join(lines, ""))
		code, printed := torture(t, "check", "--shrink", "0", dir)
		_, said, _ := strings.Cut(printed, "UNKNOWN: The record of the run is not whole: "+file)
		if code != exit.Unknown || !strings.Contains(said, "line 5: ") || !strings.Contains(said, "bytes were recorded") {
			t.Errorf("%s: exit code %d: %s", file, code, said)
		}
	}
}

// TestRun_WaitsAsLongAsItsSessionsLast: with sessions of minutes, what a dead participant
// holds is held for minutes, and that is no violation.
func TestRun_WaitsAsLongAsItsSessionsLast(t *testing.T) {
	code, printed := torture(t, "run", "--ensemble", "memory", "--time", "10s", "--seed", "1", "--session-timeout", "5m", "--out", t.TempDir())
	if code != exit.Done {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
}
