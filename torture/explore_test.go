package torture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/record"
)

// TestExplore_GivesVerdicts: each way an exploration can end has its exit code, and
// says what it rests on.
func TestExplore_GivesVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestExplore_GivesVerdicts: make test runs it, make quick does not")
	}
	out := "--out=" + t.TempDir()
	for _, c := range []struct {
		args string
		code exit.Code
		says []string
	}{
		{"--masters 1", 0, []string{"exploring masters=1 workers=1 tasks=1, no faults", "VALID: complete within masters=1 workers=1 tasks=1, no faults: 3,552 states, 10,416 transitions, depth 36"}},
		{"--masters 1 --reduce all", 0, []string{"VALID: complete within masters=1 workers=1 tasks=1, no faults: 2,034 states, 5,821 transitions, depth 31", "bytes a state; reductions: events,acts)"}},
		{"--masters 1 --window 2 --reduce all", 0, []string{"VALID: complete within", "bytes a state)."}},
		{"--masters 1 --reduce events --without transition-in-one", exit.Invalid, []string{"INVALID: AtomicTransitions is violated after 27 steps"}},
		{"--reduce magic", exit.WrongUse, []string{`--reduce: no reduction has the name "magic": use all, none, or events,acts`}},
		{"--masters 1 --without worker-check --expiries 1", exit.Invalid, []string{"INVALID: NoOrphan is violated after 21 steps", "expire      worker-1", "replay: torture explore --replay"}},
		{"--workers 0 --tasks 0 --slow --leaves 1", 0, []string{"VALID: complete within masters=2 workers=0 tasks=0, leaves=1, slow: 52,419 states"}},
		{"--masters 1 --tasks 2 --concurrency 1 --slow --without result-takes-assignment", exit.Invalid, []string{"INVALID: AtomicTransitions", "--concurrency 1", "--slow"}},
		{"--masters 1 --not-before 1s --sweeps 1 --without result-takes-assignment", exit.Invalid, []string{"INVALID: AtomicTransitions", "--not-before 1s"}},
		{"--masters 1 --window 2", 0, []string{"VALID: complete within masters=1 workers=1 tasks=1, no faults, window=2: 3,570 states"}},
		{"--masters 1 --tasks 2 --together --apart --window 3", 0, []string{"no faults, together, apart, window=3: 82,870 states"}},
		{"--masters 1 --window 2 --without result-takes-assignment", exit.Invalid, []string{"INVALID: AtomicTransitions", "--window 2"}},
		{"--masters 1 --turns", 0, []string{"VALID: complete within masters=1 workers=1 tasks=1, no faults, turns: 4,798 states"}},
		{"--recipe election --masters 1 --turns", 0, []string{"VALID: complete within masters=1 writes=1, no faults, turns:"}},
		{"--masters 1 --window 4", exit.WrongUse, []string{"a window of 4: use 1 to 3"}},
		{"--recipe election --masters 1 --window 2", 0, []string{"VALID: complete within masters=1 writes=1, no faults, window=2:"}},
		{"--masters 1 --residents 2", exit.WrongUse, []string{"2 residents: use 0 to 1"}},
		{"--masters 1 --resubmit", 0, []string{"VALID: complete within masters=1 workers=1 tasks=1, no faults, resubmit: 5,580 states"}},
		{"--masters 1 --cancel --resubmit", 0, []string{"VALID: complete within masters=1 workers=1 tasks=1, no faults, cancel, resubmit: 71,911 states"}},
		{"--masters 1 --cancel --resubmit --without result-takes-assignment", exit.Invalid, []string{"INVALID: AtomicTransitions", "--cancel", "--resubmit"}},
		{"--masters 1 --crashes 1 --for-good", exit.WrongUse, []string{"use 1 crash or more, and more masters or workers than crashes"}},
		{"--masters 1 --expiries 1 --states 1000", exit.Unknown, []string{"UNKNOWN: nothing is violated, but the limit of 1000 states is reached"}},
		{"--masters 1 --engine pct --seed 3 --time 1s --losses 1", 0, []string{"VALID so far, not complete"}},
		{"--masters 1 --engine random --without result-takes-assignment --time 20s", exit.Invalid, []string{"INVALID: AtomicTransitions"}},
		{"--masters 0", exit.WrongUse, []string{"0 masters", "use 1 or more"}},
		{"--engine magic", exit.WrongUse, []string{`--engine "magic": use bfs, dfs, random or pct`}},
		{"--library odd", exit.WrongUse, []string{`--library "odd": use honest or replacing`}},
		{"--expiries 99", exit.WrongUse, []string{"expiries 99: use 0 to 15"}},
		{"--without prayer", exit.WrongUse, []string{`no guard has the name "prayer"`, "epoch-check"}},
		{"--recipe election --masters 1 --losses 1", 0, []string{"exploring masters=1 writes=1, losses=1\n", "VALID: complete within masters=1 writes=1, losses=1:"}},
		{"--recipe=election --leaves 1 --without write-check", exit.Invalid, []string{"INVALID: SingleMaster is violated after 12 steps", "schedule.txt --recipe election --leaves 1 --without write-check\n"}},
		{"--recipe election --workers 1", exit.WrongUse, []string{"the recipe election has no option --workers; see torture explore --recipe election --help"}},
		{"--writes 1", exit.WrongUse, []string{"unknown flag: --writes; see torture explore --help"}},
		{"--recipe election --without epoch-check", exit.WrongUse, []string{`no guard has the name "epoch-check"`, "write-check"}},
		{"--recipe bare --masters 1", exit.WrongUse, []string{"--recipe bare: this recipe has no model to explore"}},
		{"--recipe bare", exit.WrongUse, []string{"--recipe bare: this recipe has no model to explore"}},
		{"--masters 1 --recipe=nobody", exit.WrongUse, []string{`--recipe "nobody": no recipe has this name; use one of: master-worker, bare, election`}},
		{"--recipe master-worker --recipe bare", exit.WrongUse, []string{"--recipe bare: give --recipe once, with the name of one recipe"}},
		{"--recipe master-worker --masters 0", exit.WrongUse, []string{"0 masters"}},
		{"--mastres 1", exit.WrongUse, []string{"unknown flag: --mastres; see torture explore --help"}},
		{"--masters one", exit.WrongUse, []string{`--masters "one": give a whole number`}},
		{"--replay nowhere.txt", exit.WrongUse, []string{"nowhere.txt", "schedule.txt of a counterexample"}},
	} {
		code, text := torture(t, append([]string{"explore", out, "--reduce=none"}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s", c.args, code, c.code, text)
		}
		for _, says := range c.says {
			if !strings.Contains(text, says) {
				t.Errorf("%s: does not say %q:\n%s", c.args, says, text)
			}
		}
	}
}

// TestExplore_ReplaysACounterexample: the command that is printed shows the same violation,
// and the report has the picture.
func TestExplore_ReplaysACounterexample(t *testing.T) {
	dir := t.TempDir()
	_, text := torture(t, "explore", "--out="+dir, "--masters=1", "--without=watch-with-read")
	command := regexp.MustCompile(`replay: torture (.*)\n`).FindStringSubmatch(text)
	if command == nil {
		t.Fatalf("no command is printed:\n%s", text)
	}
	page, err := os.ReadFile(filepath.Join(filepath.Dir(strings.Fields(command[1])[2]), record.ReportFile))
	if err != nil || !strings.Contains(string(page), "<svg") || !strings.Contains(string(page), "create /tasks/task-1") {
		t.Errorf("the report has no picture of it: %v", err)
	}
	// That the goal cannot be reached is judged over all states; a schedule alone
	// shows only how one gets there.
	if code, again := torture(t, append(strings.Fields(command[1]), "--out="+dir)...); code != 0 || !strings.Contains(again, "the 14 steps of") {
		t.Errorf("exit code %d:\n%s", code, again)
	}
	_, text = torture(t, "explore", "--out="+dir, "--recipe=election", "--masters=1", "--without=write-in-one")
	command = regexp.MustCompile(`replay: torture (.*)\n`).FindStringSubmatch(text)
	if code, again := torture(t, append(strings.Fields(command[1]), "--out="+dir)...); code != exit.Invalid || !strings.Contains(again, "WritesInOne is violated after 6 steps") {
		t.Errorf("exit code %d:\n%s", code, again)
	}
	_, text = torture(t, "explore", "--out="+dir, "--masters=1", "--without=transition-in-one")
	command = regexp.MustCompile(`replay: torture (.*)\n`).FindStringSubmatch(text)
	if code, again := torture(t, append(strings.Fields(command[1]), "--out="+dir)...); code != exit.Invalid || !strings.Contains(again, "AtomicTransitions is violated after 27 steps") {
		t.Errorf("exit code %d:\n%s", code, again)
	}
}

// traced holds a run against the specification: without TLC as far as that goes.
func traced(t *testing.T, dir string) {
	t.Helper()
	want, says := exit.Done, "agrees on every trace"
	if _, err := tlc.Find(); err != nil {
		want, says = exit.NoTLC, "TLA2TOOLS_JAR"
	}
	if code, text := torture(t, "trace", "--sample=50", dir); code != want || !strings.Contains(text, says) || !strings.Contains(text, "own judge: 51 of") {
		t.Errorf("exit code %d, want %d:\n%s", code, want, text)
	}
	if code, text := torture(t, "trace", t.TempDir()); code != exit.WrongUse || !strings.Contains(text, "not the folder of a run") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	recorded := filepath.Join(dir, "wire.ndjson")
	if err := os.Rename(recorded, recorded+".away"); err != nil {
		t.Fatal(err)
	}
	if code, text := torture(t, "check", dir); code != exit.Unknown || !strings.Contains(text, "wire.ndjson is missing") {
		t.Errorf("without a recording: exit code %d:\n%s", code, text)
	}
}

// TestRun_InMemory: a run without Docker is judged by the same judges, and faults
// that it cannot have are refused.
func TestRun_InMemory(t *testing.T) {
	dir := t.TempDir()
	code, text := torture(t, "run", "--ensemble=memory", "--seed=2", "--time=20s", "--out="+dir)
	if code != 0 || !strings.Contains(text, "VALID: every property holds") {
		t.Fatalf("exit code %d:\n%s", code, text)
	}
	wireAgainstHistory(t, filepath.Join(dir, "latest"))
	if code, text := torture(t, "check", filepath.Join(dir, "latest")); code != 0 || !strings.Contains(text, "valid    FollowsProtocol") {
		t.Errorf("judged again: exit code %d:\n%s", code, text)
	}
	traced(t, filepath.Join(dir, "latest"))
	if code, text := torture(t, "run", "--ensemble=memory", "--nemesis=kill-server,kill-master", "--out="+dir); code != exit.WrongUse || !strings.Contains(text, "--nemesis kill-server: in memory") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}
