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
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/campaign"
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
