package mutants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/internal/owner"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// anotherModule is another module with the same commands. Its explore finds a violation if
// one and one is not two.
func anotherModule(t *testing.T) Source {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module example.org/elsewhere\n\ngo 1.26\n",
		"sum/sum.go": "package sum\n\nfunc Of(a, b int) int { return a + b }\n",
		"sum/sum_test.go": `package sum

import "testing"

func TestOf(t *testing.T) {
	if Of(1, 1) != 2 {
		t.Error("wrong")
	}
}
`,
		"cmd/torture/main.go": `package main

import (
	"os"
	"path/filepath"

	"example.org/elsewhere/sum"
)

func main() {
	text, code := "{\"verdict\":\"valid\",\"counts\":{\"states\":7}}", 0
	if sum.Of(1, 1) != 2 {
		text = "{\"verdict\":\"invalid\",\"properties\":[{\"name\":\"Sum\",\"verdict\":\"invalid\",\"reason\":\"wrong\"}],\"counts\":{\"states\":3,\"counterexample\":2}}"
		code = 20
	}
	out := filepath.Join(os.Args[3], "explore")
	if os.Args[1] != "explore" || os.Args[2] != "--out" || os.Mkdir(out, 0o755) != nil || os.WriteFile(filepath.Join(out, "verdict.json"), []byte(text), 0o644) != nil {
		os.Exit(4)
	}
	os.Exit(code)
}
`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Source{Dir: dir, Command: "./cmd/torture"}
}

const foreign = `
- id: minus
  says: it subtracts
  breaks: [Sum, TestOf]
  world: --masters 1
  tests: [./sum]
  edits:
    - {file: sum/sum.go, old: a + b, new: a - b}
- id: swapped
  says: it adds the other way round
  breaks: [Sum]
  world: --masters 2
  tests: [./sum]
  survives: {tests: addition is commutative}
  edits:
    - {file: sum/sum.go, old: a + b, new: b + a}
`

// TestHunt_OnAnotherModule tests two edits of another module with the explorer and with
// tests. One of the edits is not a defect.
func TestHunt_OnAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestHunt_OnAnotherModule: make test runs it, make quick does not")
	}
	source := anotherModule(t)
	before, err := os.ReadFile(filepath.Join(source.Dir, "sum/sum.go"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Parse(strings.NewReader(foreign), "foreign.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	matrix, err := OpenMatrix(filepath.Join(t.TempDir(), "m.json"), "foreign.yaml", all)
	if err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir()
	findings, err := Hunt{Source: source, Engines: []Engine{Model{States: 100}, Tests{}}, Budget: time.Minute, Out: &out, Keep: matrix.Keep, Commands: kept}.Go(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, strings.Join([]string{f.ID, f.Engine, string(f.Outcome), f.by()}, " "))
	}
	want := []string{
		"unmodified model clean -", "unmodified model clean -", "unmodified tests clean -",
		"minus model caught Sum", "minus tests caught TestOf", "swapped model survived -", "swapped tests explained -",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if after, _ := os.ReadFile(filepath.Join(source.Dir, "sum/sum.go")); !bytes.Equal(before, after) {
		t.Error("the source was changed")
	}
	if saved, _ := filepath.Glob(filepath.Join(kept, "*", "torture")); !slices.Equal(saved, []string{filepath.Join(kept, "minus", "torture")}) {
		t.Errorf("only the commands of caught defects are kept, got %q", saved)
	}
	if !strings.Contains(out.String(), "3 states") || !strings.Contains(out.String(), "2 steps") {
		t.Errorf("the table:\n%s", out.String())
	}
	page := matrix.Page()
	for _, text := range []string{"| `minus` | it subtracts | Sum, 3 states", "**survived** after 7 states", "not caught on tests: addition is commutative", "| tests | clean |", "a defect of `foreign.yaml`"} {
		if !strings.Contains(page, text) {
			t.Errorf("%q is not in\n%s", text, page)
		}
	}
}

// TestHunt_ReportsFalseAlarmsAndBuildFailures has an engine that sees a violation in the
// unchanged source, and a build that fails.
func TestHunt_ReportsFalseAlarmsAndBuildFailures(t *testing.T) {
	source := anotherModule(t)
	path := filepath.Join(source.Dir, "sum/sum.go")
	if err := os.WriteFile(path, []byte("package sum\n\nfunc Of(a, b int) int { return a * b }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e := Entry{ID: "e", World: "--masters 1", Edits: []Edit{{File: "sum/sum.go", Old: "a * b", New: "a + b + c"}}}
	h := Hunt{Source: source, Engines: []Engine{Model{}}, Budget: time.Minute, Out: new(bytes.Buffer), Keep: func(Finding) error { return nil }}
	findings, err := h.Go(t.Context(), Catalogue{e})
	if err != nil || len(findings) != 2 {
		t.Fatalf("%+v, %v", findings, err)
	}
	if findings[0].Outcome != Alarm || !findings[0].Bad() {
		t.Errorf("%+v", findings[0])
	}
	if f := findings[1]; f.Outcome != Failed || !f.Bad() || !strings.Contains(f.Problem, "e does not compile") || !strings.Contains(f.Problem, "undefined: c") {
		t.Errorf("an edit that does not compile: %+v", f)
	}
}

// TestHunt_NamesThePanicOfACrash has a defect that makes the command panic. That proves
// nothing, and the finding names the panic.
func TestHunt_NamesThePanicOfACrash(t *testing.T) {
	e := Entry{ID: "e", World: "--masters 1", Edits: []Edit{{Package: "sum", In: "func Of", Old: "return a + b", New: `panic("boom")`}}}
	h := Hunt{Source: anotherModule(t), Engines: []Engine{Model{}}, Budget: time.Minute, Out: new(bytes.Buffer), Keep: func(Finding) error { return nil }}
	findings, err := h.Go(t.Context(), Catalogue{e})
	if err != nil || len(findings) != 2 {
		t.Fatalf("%+v, %v", findings, err)
	}
	if f := findings[1]; f.Outcome != Failed || f.Problem != "crashed: panic: boom" {
		t.Errorf("%+v", f)
	}
}

// TestRuns_GoOnUntilCaught has runs with prepared outcomes.
func TestRuns_GoOnUntilCaught(t *testing.T) {
	e := Entry{ID: "e", Breaks: []string{"B"}, Fault: "kill-master,kill-server", Run: "--nodes 3"}
	var asked []string
	runs := Runs{Ensemble: MemoryEngine, Load: time.Second, First: 5, Do: func(_ context.Context, _, _ string, args []string, seed uint64) campaign.Outcome {
		asked = args
		o := campaign.Outcome{Seed: seed, Verdict: checker.Valid, Faults: []nemesis.Record{{Fault: nemesis.Fault{Kind: nemesis.KillMaster}, Effective: true}}}
		if seed == 7 {
			o.Verdict = checker.Invalid
			o.Violations = []checker.Property{{Name: "A", Events: []int{1}}, {Name: "B", Events: []int{2, 3}}}
		}
		return o
	}}
	f := runs.Hunt(t.Context(), &Build{binary: "b"}, e, time.Minute)
	if f.Outcome != Caught || f.Runs != 3 || f.Seed != 7 || f.by() != "B and 1 more" || f.with() != "kill-master" {
		t.Errorf("%+v", f)
	}
	if want := []string{"run", "--ensemble=memory", "--time=4s", "--nemesis=kill-master", "--nodes", "3"}; !slices.Equal(asked, want) {
		t.Errorf("after runs of one second and of two: %q, want %q", asked, want)
	}
	e.Survives = map[string]string{MemoryEngine: "so"}
	if f := runs.Hunt(t.Context(), &Build{binary: "b"}, e, time.Minute); f.Outcome != Explained || f.Runs != 1 || !slices.Contains(asked, "--time=40s") {
		t.Errorf("a known survivor, with %q: %+v", asked, f)
	}
	runs.Do = func(context.Context, string, string, []string, uint64) campaign.Outcome {
		return campaign.Outcome{Problem: "no Docker"}
	}
	if f := runs.Hunt(t.Context(), &Build{binary: "b"}, e, time.Minute); f.Outcome != Failed || f.Problem != "no Docker" || f.Runs != 2 {
		t.Errorf("runs that cannot be carried out: %+v", f)
	}
	runs.Do = func(context.Context, string, string, []string, uint64) campaign.Outcome {
		return campaign.Outcome{Verdict: checker.Unknown}
	}
	if f := runs.Hunt(t.Context(), &Build{binary: "b"}, e, time.Nanosecond); f.Outcome != Failed || f.Runs != 1 || !strings.Contains(f.Problem, "more time with --budget") {
		t.Errorf("a run that is unknown proves nothing: %+v", f)
	}
}

// TestHunt_KeepsNoInterruptedTrial keeps neither a survivor nor a failure of an
// interrupted trial.
func TestHunt_KeepsNoInterruptedTrial(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := Runs{Ensemble: MemoryEngine, Do: func(context.Context, string, string, []string, uint64) campaign.Outcome {
		cancel()
		return campaign.Outcome{Problem: "interrupted"}
	}}
	kept := 0
	h := Hunt{Out: new(bytes.Buffer), Budget: time.Minute, Keep: func(Finding) error { kept++; return nil }}
	_, finished := h.try(ctx, trial{runs, Entry{ID: "e", Fault: "kill-master"}}, &Build{binary: "b"}, &reporter{hunt: h, stop: func(error) {}})
	if finished || kept != 0 {
		t.Errorf("finished is %v, and %d kept", finished, kept)
	}
}

// scripted is an engine that does what a test says.
type scripted struct {
	name  string
	alone bool
	hunt  func(ctx context.Context, e Entry) Finding
}

func (s scripted) Name() string               { return s.name }
func (scripted) Takes(Entry) bool             { return true }
func (s scripted) Alone() bool                { return s.alone }
func (scripted) Baseline(all []Entry) []Entry { return []Entry{{ID: Unmodified}} }
func (s scripted) Hunt(ctx context.Context, _ *Build, e Entry, _ time.Duration) Finding {
	return s.hunt(ctx, e)
}

// TestHunt_RunsJobsInParallel has two jobs that can end only if they run at the same
// time.
func TestHunt_RunsJobsInParallel(t *testing.T) {
	arrived := make(chan bool)
	shared := scripted{"shared", false, func(_ context.Context, e Entry) Finding {
		switch e.ID {
		case "a":
			arrived <- true
		case "b":
			<-arrived
		}
		return Finding{ID: e.ID, Engine: "shared", Outcome: Caught}
	}}
	h := Hunt{Source: anotherModule(t), Engines: []Engine{shared}, Jobs: 2, Out: new(bytes.Buffer), Keep: func(Finding) error { return nil }}
	if findings, err := h.Go(t.Context(), Catalogue{{ID: "a"}, {ID: "b"}}); err != nil || len(findings) != 3 {
		t.Errorf("%+v, %v", findings, err)
	}
}

// TestHunt_GivesTheMachineToOneEngine runs engines that need the whole machine, and some
// that do not. The findings have the order of the catalogue.
func TestHunt_GivesTheMachineToOneEngine(t *testing.T) {
	var here atomic.Int32
	var met atomic.Bool
	engine := func(name string, alone bool) scripted {
		weight := map[bool]int32{false: 1, true: 100}[alone]
		return scripted{name, alone, func(_ context.Context, e Entry) Finding {
			if n := here.Add(weight); n >= 100 && n != 100 {
				met.Store(true)
			}
			runtime.Gosched()
			here.Add(-weight)
			return Finding{ID: e.ID, Engine: name, Outcome: Caught}
		}}
	}
	var all Catalogue
	want := []string{"unmodified shared", "unmodified alone"}
	for n := range 50 {
		id := fmt.Sprintf("e%d", n)
		all = append(all, Entry{ID: id})
		want = append(want, id+" shared", id+" alone")
	}
	h := Hunt{Source: anotherModule(t), Engines: []Engine{engine("shared", false), engine("alone", true)}, Jobs: 4, Out: new(bytes.Buffer), Keep: func(Finding) error { return nil }}
	findings, err := h.Go(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.ID+" "+f.Engine)
	}
	if !slices.Equal(got, want) || met.Load() {
		t.Errorf("%q\nwant %q; engines overlapped: %v", got, want, met.Load())
	}
}

// TestHunt_EndsWhenAFindingCannotBeKept has a full disk. No other trial begins.
func TestHunt_EndsWhenAFindingCannotBeKept(t *testing.T) {
	full := errors.New("disk is full")
	tested := 0
	engine := scripted{"one", true, func(_ context.Context, e Entry) Finding { tested++; return Finding{ID: e.ID} }}
	h := Hunt{Source: anotherModule(t), Engines: []Engine{engine}, Jobs: 2, Out: new(bytes.Buffer), Keep: func(Finding) error { return full }}
	if _, err := h.Go(t.Context(), Catalogue{{ID: "a"}, {ID: "b"}, {ID: "c"}}); !errors.Is(err, full) || tested != 1 {
		t.Errorf("%v after %d trials", err, tested)
	}
}

// TestFinding_AstrayWhenOnlyOthersFail has violations only of properties that the entry
// does not break. They may be false alarms, and prove nothing about the entry.
func TestFinding_AstrayWhenOnlyOthersFail(t *testing.T) {
	e := Entry{ID: "e", Breaks: []string{"A", "B"}, Survives: map[string]string{MemoryEngine: "so"}}
	for _, c := range []struct {
		violated []string
		want     Outcome
	}{{[]string{"C", "B"}, Caught}, {[]string{"C"}, Astray}, {nil, Explained}} {
		f := Finding{Engine: MemoryEngine, Properties: c.violated}
		if f.settle(e); f.Outcome != c.want || f.Bad() != (c.want == Astray) || (f.Problem == unexpected) != (c.want != Explained) {
			t.Errorf("%v: %s, %q", c.violated, f.Outcome, f.Problem)
		}
	}
	f := Finding{ID: "e", Engine: MemoryEngine, Properties: []string{"A"}}
	f.settle(e)
	m := Matrix{all: Catalogue{e}, Findings: []Finding{f}}
	if text := m.Page(); !strings.Contains(text, "; "+unexpected) {
		t.Errorf("the page does not say that the catalogue is wrong:\n%s", text)
	}
	e.Survives = nil
	if f.settle(e); f.Problem != "" {
		t.Errorf("after the catalogue is corrected: %q", f.Problem)
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

// TestRuns_BaselineUntilEveryFaultTookEffect tests the unchanged source with all faults
// of each setting. The runs go on beyond the budget while one of the faults has not taken
// effect.
func TestRuns_BaselineUntilEveryFaultTookEffect(t *testing.T) {
	effects := []nemesis.Kind{nemesis.KillWorker, nemesis.KillMaster, nemesis.KillMaster, nemesis.KillWorker}
	asked := 0
	runs := Runs{Ensemble: MemoryEngine, Load: time.Second, Do: func(_ context.Context, _, _ string, args []string, seed uint64) campaign.Outcome {
		if !slices.Contains(args, "--time=40s") {
			t.Errorf("%q", args)
		}
		asked++
		return campaign.Outcome{Verdict: checker.Valid, Faults: []nemesis.Record{{Fault: nemesis.Fault{Kind: effects[seed]}, Effective: true}}}
	}}
	baseline := runs.Baseline([]Entry{{Fault: "kill-worker,kill-server"}, {Fault: "kill-master,kill-worker"}, {Fault: "kill-master", Run: "--nodes 3"}})
	if len(baseline) != 2 || baseline[0].Fault != "kill-master,kill-worker" || baseline[1].Run != "--nodes 3" {
		t.Fatalf("%+v", baseline)
	}
	if f := runs.Hunt(t.Context(), &Build{binary: "b"}, baseline[0], time.Nanosecond); asked != 1 || f.Outcome != Clean || f.Problem != "never effective: kill-master" {
		t.Errorf("after four budgets: %d runs, %+v", asked, f)
	}
	synctest.Test(t, func(t *testing.T) {
		do := runs.Do
		runs.Do = func(ctx context.Context, binary, id string, args []string, seed uint64) campaign.Outcome {
			time.Sleep(time.Minute)
			return do(ctx, binary, id, args, seed)
		}
		asked = 0
		if f := runs.Hunt(t.Context(), &Build{binary: "b"}, baseline[0], time.Minute); asked != 2 || f.with() != "kill-master, kill-worker" || f.Problem != "" {
			t.Errorf("%d runs, %+v", asked, f)
		}
	})
}

// TestFailures_ReadsTheOutputOfGoTest counts names only if go test has failed. Tests that
// were not built, or not run, prove nothing.
func TestFailures_ReadsTheOutputOfGoTest(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		printed string
		ended   error
		names   string
		hung    bool
		problem string
	}{
		{"--- FAIL: TestA (0.0s)\n    --- FAIL: TestA/b (0.0s)\nFAIL", failed, "TestA TestA/b", false, ""},
		{"panic: test timed out after 5s\n\trunning tests:\n\t\tTestC (5s)\n", failed, "TestC", true, ""},
		{"    log: --- FAIL: TestA (0.0s)\n--- FAIL: TestA\nok", nil, "", false, ""},
		{"--- FAIL: TestA (0.0s)\nFAIL\tx [build failed]", failed, "", false, "build failed"},
		{"ok\tx\t0.1s [no tests to run]", nil, "", false, "no tests to run"},
		{"signal: killed", failed, "", false, "the output names no failed test"},
	} {
		names, hung, problem := failures(c.printed, c.ended)
		if strings.Join(names, " ") != c.names || hung != c.hung || (problem == "") != (c.problem == "") || !strings.Contains(problem, c.problem) {
			t.Errorf("%q: %q, %v, %q", c.printed, names, hung, problem)
		}
	}
}

// TestModel_ProvesOnlyWhatItsVerdictSays has exit codes that contradict the verdict, and
// schedules where every state is needed.
func TestModel_ProvesOnlyWhatItsVerdictSays(t *testing.T) {
	verdict := filepath.Join(t.TempDir(), "verdict")
	binary := filepath.Join(t.TempDir(), "torture")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\nmkdir $3/explore && sed 1d "+verdict+" > $3/explore/verdict.json && exit $(sed 1q "+verdict+")\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	known := Entry{ID: "e", World: "--masters 1", Survives: map[string]string{ModelEngine: "so"}}
	for text, want := range map[string]string{
		`0 {"verdict":"valid","counts":{"states":7}}`:               "explained ",
		`4 {"verdict":"valid","counts":{"states":7}}`:               "failed the exit code 4 contradicts the verdict valid: ",
		`0 {"verdict":"valid","counts":{"schedules":7}}`:            "failed some schedules do not prove that the defect survives; leave out --engine, so that every state is visited",
		`21 {"verdict":"unknown","counts":{"states":7}}`:            "failed unknown: the budget ended before every state was visited; give more with --budget",
		`2 {"verdict":"unknown","counts":{"states":7}}`:             "failed crashed with exit code 2",
		`2 {"verdict":"valid","counts":{"states":7}}`:               "failed crashed with exit code 2",
		`22 {"verdict":"vacuous","vacuous":["no task","no fault"]}`: "failed vacuous: no task; no fault",
	} {
		code, json, _ := strings.Cut(text, " ")
		if err := os.WriteFile(verdict, []byte(code+"\n"+json+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f := Model{States: 1}.Hunt(t.Context(), &Build{binary: binary}, known, time.Minute)
		if got := string(f.Outcome) + " " + f.Problem; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

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
