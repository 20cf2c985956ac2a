package torture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestSoak_KeepsOnlyWhatIsNotValid does three runs in memory: valid ones leave nothing behind, and a vacuous
// one its folder.
func TestSoak_KeepsOnlyWhatIsNotValid(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestSoak_KeepsOnlyWhatIsNotValid: make test runs it, make quick does not")
	}
	out := t.TempDir()
	code, printed := torture(t, "soak", "--ensemble", "memory", "--runs", "2", "--seed", "4", "--load", "10s", "--nemesis", "kill,cut", "--out", out)
	if code != 0 || !strings.Contains(printed, "2 runs in") || !strings.Contains(printed, ": 2 valid, 0 unknown") || !strings.Contains(printed, "kill-master") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 {
		t.Errorf("valid runs have left %q", left)
	}
	code, printed = torture(t, "soak", "--ensemble", "memory", "--runs", "1", "--seed", "4", "--load", "5s", "--nemesis", "none", "--out", out)
	if code != checker.Vacuous.ExitCode() || !strings.Contains(printed, "1 vacuous") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	kept, _ := filepath.Glob(filepath.Join(out, "soak-*", "2*-4", record.OutputFile))
	if len(kept) != 1 || !strings.Contains(printed, filepath.Dir(kept[0])) {
		t.Errorf("kept %q, and printed:\n%s", kept, printed)
	}
	code, printed = torture(t, "soak", "--runs", "1", "--ensemble", "memory", "--nemesis", "server")
	if code != exit.WrongUse || !strings.Contains(printed, "--nemesis server: none of these faults is possible with --ensemble memory") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	code, printed = torture(t, "soak", "--runs", "1", "--nemesis", "earthquake")
	if code != exit.WrongUse || !strings.Contains(printed, `"earthquake"`) {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
}

// TestRun_FollowsAScheduleFile runs a schedule written by hand, and refuses one that cannot be
// carried out.
func TestRun_FollowsAScheduleFile(t *testing.T) {
	out := t.TempDir()
	path := filepath.Join(out, "schedule.json")
	plan := []nemesis.Fault{
		{Number: 1, Kind: nemesis.KillMaster, Role: nemesis.ActiveMaster, Start: time.Second, Duration: time.Second},
		{Number: 2, Kind: nemesis.CutWorker, Start: 4 * time.Second, Duration: 3 * time.Second, Pick: 1},
	}
	if err := nemesis.SaveSchedule(path, plan); err != nil {
		t.Fatal(err)
	}
	code, printed := torture(t, "run", "--ensemble", "memory", "--seed", "4", "--time", "10s", "--schedule", path, "--out", out)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, printed)
	}
	records, err := nemesis.Load(filepath.Join(onlyRun(t, out), record.FaultsFile))
	if err != nil || len(records) != 2 || records[0].Fault != plan[0] || records[1].Fault != plan[1] || !records[0].Effective || !records[1].Effective {
		t.Errorf("%+v, %v", records, err)
	}
	for _, c := range []struct{ text, says string }{
		{`[{"kind": "earthquake"}]`, `unknown kind "earthquake"`},
		{`[{"kind": "kill-master", "start": 20000000000}]`, "starts at 20s, but the load lasts 10s: use a longer --time"},
		{`{`, "unexpected end"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, printed := torture(t, "run", "--ensemble", "memory", "--time", "10s", "--schedule", path, "--out", out)
		if code != exit.WrongUse || !strings.Contains(printed, c.says) || !strings.Contains(printed, "schedule") {
			t.Errorf("%s: exit code %d:\n%s", c.text, code, printed)
		}
	}
}
