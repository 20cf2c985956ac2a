package torture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/record/recordtest"
)

func TestShrink_NamesBadInput(t *testing.T) {
	invalid, valid := frozenRun(t, "AtomicTransitions-bad"), frozenRun(t, "accepted")
	unjudged := frozenRun(t, "AtomicTransitions-bad")
	astray, garbled := frozenRun(t, "AtomicTransitions-bad"), frozenRun(t, "AtomicTransitions-bad")
	for _, dir := range []string{invalid, valid} {
		torture(t, "check", dir)
	}
	write(t, filepath.Join(astray, record.VerdictFile), strings.Replace(contents(t, filepath.Join(invalid, record.VerdictFile)), `"seed": 7`, `"seed": 8`, 1))
	write(t, filepath.Join(garbled, record.VerdictFile), "{")
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"not a run", []string{t.TempDir()}, []string{"not the folder of a run"}},
		{"not judged", []string{unjudged}, []string{"torture check " + unjudged}},
		{"not invalid", []string{valid}, []string{"violates no property", "valid"}},
		{"a verdict of another run", []string{astray}, []string{"seed 8", "seed 7", "torture check " + astray}},
		{"a verdict that cannot be read", []string{garbled}, []string{record.VerdictFile, "torture check " + garbled}},
		{"another property", []string{invalid, "--property", "NoCrash"}, []string{"--property NoCrash", "AtomicTransitions"}},
		{"no runs", []string{invalid, "--runs", "0"}, []string{"--runs 0"}},
		{"no time", []string{invalid, "--budget", "0s"}, []string{"--budget 0s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, printed := torture(t, append([]string{"shrink"}, c.args...)...)
			if code != exit.WrongUse {
				t.Errorf("exit code %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(printed, want) {
					t.Errorf("%q is not in:\n%s", want, printed)
				}
			}
		})
	}
}

// TestShrink_SaysThatTheViolationWasNotRepeated runs the schedule of a stored violation on a recipe
// that has no such defect: it must not claim to have found anything.
func TestShrink_SaysThatTheViolationWasNotRepeated(t *testing.T) {
	dir := frozenRun(t, "AtomicTransitions-bad")
	config := harness.Defaults(masterworker.Subject())
	config.Seed, config.Ensemble, config.Time, config.Nemesis = 7, harness.Memory, 2*time.Second, []nemesis.Kind{nemesis.CutWorker}
	data, err := json.Marshal(config.Config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, record.ConfigFile), string(data))
	recordtest.Seal(t, dir)
	torture(t, "check", dir)
	code, printed := torture(t, "shrink", dir, "--runs", "2")
	if code != 0 || !strings.Contains(printed, " violated in 0 of 2 runs") || !strings.Contains(printed, "AtomicTransitions was not violated in 2 runs") {
		t.Errorf("exit code %d:\n%s", code, printed)
	}
	for _, name := range []string{record.ScheduleFile, record.ShrinkingFolder} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was left", name)
		}
	}
}

// TestShrink_WritesAScheduleOfFaults holds the stored schedule against the one who reads it:
// it is a list of faults, as faults.json is, without what became of them.
func TestShrink_WritesAScheduleOfFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), record.ScheduleFile)
	want := []nemesis.Fault{{Number: 3, Kind: nemesis.CutWorker, Start: time.Second, Duration: 2 * time.Second, Pick: 9}}
	if err := nemesis.SaveSchedule(path, want); err != nil {
		t.Fatal(err)
	}
	if read, err := nemesis.LoadSchedule(path); err != nil || !slices.Equal(read, want) {
		t.Errorf("read as %+v, %v", read, err)
	}
	if text := contents(t, path); strings.Contains(text, "effective") {
		t.Errorf("it says what became of the faults: %s", text)
	}
	if err := nemesis.SaveSchedule(path, nil); err != nil || strings.TrimSpace(contents(t, path)) != "[]" {
		t.Errorf("no faults are %q, %v", contents(t, path), err)
	}
}

// TestMoment_OfAViolation is counted from where faults are counted from.
func TestMoment_OfAViolation(t *testing.T) {
	events := []record.Event{{At: 4 * time.Second, Kind: record.Phase, Of: record.PhaseChange{Part: record.Loading}}}
	wrong := explain.Line{At: 9 * time.Second, Process: "master-1", Wrong: true}
	tree := explain.Line{At: 70 * time.Second, Process: explain.Harness, Wrong: true}
	for _, c := range []struct {
		events []record.Event
		lines  []explain.Line
		want   time.Duration
	}{{events, []explain.Line{{At: 5 * time.Second}, wrong}, 5 * time.Second}, {events, []explain.Line{tree}, 0}, {nil, []explain.Line{wrong}, 0}} {
		if got := moment(c.events, explain.Story{Lines: c.lines}); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
