package torture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

// counter builds the command of a module that brings a recipe of its own, and returns its
// path.
func counter(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "counter")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = filepath.Join("testdata", "counter")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return path
}

// TestMain_OfAnotherModule: a module that imports public packages only tortures and
// explores its own recipe. With a planted defect the verdict is invalid, and the judges of
// that module find it.
func TestMain_OfAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds another module, and runs its recipe")
	}
	command := counter(t)
	for _, c := range []struct {
		args string
		code exit.Code
		says []string
	}{
		{"run --ensemble memory --time 10s --seed 1", exit.Done, []string{"valid    NoLostIncrement", "valid    CounterLinearizable", "VALID: every property holds"}},
		{"run --recipe careless-counter --ensemble memory --time 10s --seed 1", exit.Invalid, []string{"invalid  NoLostIncrement", "invalid  CounterLinearizable", "was raised", "Smallest part of the history", "repeat: counter replay results"}},
		{"soak --ensemble memory --runs 1 --load 10s --seed 1", exit.Done, []string{" increments, 0 unknown outcomes left open"}},
		{"explore --losses 1 --expiries 1", exit.Done, []string{"VALID: complete within processes=3"}},
		{"explore --losses 1 --window 2", exit.Done, []string{"VALID: complete within processes=3, losses=1, window=2"}},
		{"explore --recipe careless-counter", exit.Invalid, []string{"RaisedByOne is violated", "replay: counter explore --replay", "--recipe careless-counter"}},
		{"explore --recipe lock", exit.WrongUse, []string{"use one of: counter, careless-counter"}},
		{"soak --help", exit.Done, []string{"  counter soak --time 8h\n", "from counter profiles"}},
		{"run --masters 2", exit.WrongUse, []string{"counter run: unknown flag: --masters; see counter run --help"}},
		{"trace results/latest", exit.WrongUse, []string{`counter: unknown command "trace"`}},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(command, strings.Fields(c.args)...)
			cmd.Dir = t.TempDir()
			said, _ := cmd.CombinedOutput() // the exit code is looked at
			if code := exit.Code(cmd.ProcessState.ExitCode()); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(string(said), want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// TestWrongUse_OfRecipes: what cannot be done with a recipe is refused in words, before
// anything begins.
func TestWrongUse_OfRecipes(t *testing.T) {
	election, lost, empty := frozenRun(t, "AtomicTransitions-bad"), frozenRun(t, "AtomicTransitions-bad"), t.TempDir()
	write(t, filepath.Join(election, record.ConfigFile), `{"seed":7,"recipe":"election"}`)
	foreign := frozenRun(t, "AtomicTransitions-bad")
	write(t, filepath.Join(foreign, record.ConfigFile), `{"seed":7,"recipe":"nobody"}`)
	if err := os.Remove(filepath.Join(lost, record.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{election, foreign} {
		recordtest.Seal(t, dir)
	}
	for _, c := range []struct {
		args []string
		want exit.Code
		says string
		not  string
	}{
		{[]string{"trace", election}, exit.WrongUse, election + " is a run of the recipe election, which has no specification", "own judge"},
		{[]string{"replay", foreign}, exit.WrongUse, foreign + `: the run used the recipe "nobody"`, "seed"},
		{[]string{"check", "--shrink", "0", lost}, exit.Unknown, "UNKNOWN: The record of the run is not whole: config.json is missing", "NoLostTask"},
		{[]string{"run", "--rate", "0", "--ensemble", "memory", "--out", empty}, exit.WrongUse, "--rate 0", "seed"},
		{[]string{"run", "--recipe", "--ensemble", "memory"}, exit.WrongUse, "--recipe needs a value", "unknown"},
		{[]string{"run", "--recipe", "election", "--help"}, exit.Done, "--rate float entries per second that the leader writes to the ledger", "--workers"},
		{[]string{"run", "--help"}, exit.Done, "--rate float tasks per second", "ledger"},
		{[]string{"faults", "--recipe", "election"}, exit.Done, "kill-master", "kill-worker"},
		{[]string{"faults", "--recipe", "nobody"}, exit.WrongUse, `--recipe "nobody"`, "kill-master"},
		{[]string{"explore", "--recipe", "bare", "--help"}, exit.Done, "judges every state. Usage:", "Guards"},
		{[]string{"merge"}, exit.WrongUse, "torture merge: give FILE...; the number of arguments was 0", "arg(s)"},
		{[]string{"merge", empty}, exit.WrongUse, "give files that torture soak --results or torture mutants --results has written", ""},
		{[]string{"merge", filepath.Join(empty, "none")}, exit.WrongUse, "give files that torture soak --results", ""},
	} {
		code, printed := torture(t, c.args...)
		printed = strings.Join(strings.Fields(printed), " ") // lines break anywhere
		if code != c.want || !strings.Contains(printed, c.says) {
			t.Errorf("%q: exit code %d, want %d, and %q:\n%s", c.args, code, c.want, c.says, printed)
		}
		if c.not != "" && strings.Contains(printed, c.not) {
			t.Errorf("%q: it says %q:\n%s", c.args, c.not, printed)
		}
	}
}

// TestSoak_CountsWhatTheRecipeCounts: no run is about nothing, and of what nobody counts no
// number is told.
func TestSoak_CountsWhatTheRecipeCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("it does whole runs")
	}
	faults := map[string]string{"election": "all", "master-worker": "all", "bare": "none"}
	for recipe, says := range map[string]string{"election": `; [1-9]\d* entries, `, "master-worker": `; [1-9]\d* tasks, `, "bare": `failed; 0 unknown outcomes`} {
		_, printed := torture(t, "soak", "--recipe", recipe, "--ensemble", "memory", "--runs", "1", "--load", "10s", "--seed", "2", "--nemesis", faults[recipe], "--out", t.TempDir())
		if !regexp.MustCompile(says).MatchString(printed) {
			t.Errorf("%s: it does not say %s:\n%s", recipe, says, printed)
		}
	}
}

// TestElection_InMemory runs the second subject, and judges it by its own judges.
func TestElection_InMemory(t *testing.T) {
	cmd, out := command(t, "run", "--recipe", "election", "--ensemble", "memory", "--time", "10s", "--seed", "2", "--out", t.TempDir())
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	for _, want := range []string{"valid    SingleMaster", "valid    LedgerInOrder", "valid    LeadsAfterHeal", "VALID: every property holds"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if number := regexp.MustCompile(`VALID: every property holds over (\d+) entries and`).FindStringSubmatch(out.String()); number == nil || number[1] == "0" {
		t.Errorf("it does not say over how many entries:\n%s", out)
	}
	for _, other := range []string{"NoLostTask", "FollowsProtocol"} {
		if strings.Contains(out.String(), other) {
			t.Errorf("it judges %s, which is of another recipe", other)
		}
	}
}
