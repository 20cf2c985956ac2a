package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// The engines by name, in the order of the table.
const (
	ModelEngine    = "model"    // the explorer
	TestsEngine    = "tests"    // the project's own tests
	MemoryEngine   = "memory"   // torture runs in memory
	EnsembleEngine = "ensemble" // torture runs on a real ensemble
)

// Engines are the names of all engines.
var Engines = []string{ModelEngine, TestsEngine, MemoryEngine, EnsembleEngine}

// on reports whether the engine can see the defect at all.
func (e Entry) on(engine string) bool { return len(e.On) == 0 || slices.Contains(e.On, engine) }

// asks is the part of an entry that says how an engine tests it.
func (e Entry) asks(engine string) string {
	switch engine {
	case ModelEngine:
		return e.World
	case TestsEngine:
		return strings.Join(e.Tests, ", ")
	}
	return strings.TrimSpace(e.Fault + " " + e.Run)
}

// Engine looks for defects.
type Engine interface {
	Name() string
	// Takes reports whether the entry has the part that the engine needs.
	Takes(e Entry) bool
	// Alone reports whether a test needs the whole machine, because its results depend on
	// the machine's speed.
	Alone() bool
	// Hunt tests the defect until it is caught or the budget is spent; a run that has
	// begun is completed. An entry without edits looks for false alarms in the same way.
	Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding
	// Baseline lists entries without edits. They test the unchanged source with everything
	// that the other entries are tested with, and must be clean.
	Baseline(all []Entry) []Entry
}

// Model is the explorer.
type Model struct {
	States int // that may be kept
}

// Name implements Engine.
func (Model) Name() string { return ModelEngine }

// Takes implements Engine.
func (Model) Takes(e Entry) bool { return e.on(ModelEngine) && e.World != "" }

// Alone implements Engine.
func (Model) Alone() bool { return false }

// Baseline implements Engine: each world.
func (Model) Baseline(all []Entry) []Entry {
	return distinct(all, func(e Entry) string { return e.World }, func(e Entry) Entry { return Entry{ID: Unmodified, World: e.World} })
}

// Hunt implements Engine.
func (m Model) Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	f := Finding{ID: e.ID, Engine: ModelEngine, Faults: []string{e.World}}
	out, remove, err := scratch()
	if err != nil {
		return f.failed(err.Error())
	}
	defer remove()
	binary, err := b.Binary(ctx)
	if err != nil {
		return f.failed(err.Error())
	}
	args := append([]string{"explore", "--out", out, "--time", budget.String(), "--states", fmt.Sprint(m.States)}, strings.Fields(e.World)...)
	limited, cancel := context.WithTimeout(ctx, budget+patience)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(limited, binary, args...)
	printed, err := cmd.CombinedOutput()
	f.Seconds = time.Since(began).Seconds()
	found, _ := filepath.Glob(filepath.Join(out, "*", record.VerdictFile))
	if crash := exit.Crash(cmd.ProcessState.ExitCode(), string(printed)); crash != "" {
		return f.failed(crash)
	}
	if len(found) != 1 {
		return f.failed(fmt.Sprintf("%s (%v)", lastLine(string(printed)), err))
	}
	var r checker.Report
	if err := readJSON(found[0], &r); err != nil {
		return f.failed(err.Error())
	}
	if code := exit.Code(cmd.ProcessState.ExitCode()); code != r.Verdict.ExitCode() {
		return f.failed(fmt.Sprintf("the exit code %d contradicts the verdict %s: %s", code, r.Verdict, lastLine(string(printed))))
	}
	f.take(e, r.Violations())
	f.States, f.Schedules, f.Length = r.Counts["states"], r.Counts["schedules"], r.Counts["counterexample"]
	_, known := e.Survives[ModelEngine]
	switch {
	case r.Verdict == checker.Vacuous:
		f.Problem = "vacuous: " + strings.Join(r.Vacuous, "; ")
	case r.Verdict == checker.Unknown:
		f.Problem = "unknown: the budget ended before every state was visited; give more with --budget"
	case known && f.Schedules > 0:
		f.Problem = "some schedules do not prove that the defect survives; leave out --engine, so that every state is visited"
	}
	if f.Problem != "" && len(f.Properties) == 0 && (known || e.ID == Unmodified) {
		return f.failed(f.Problem) // it is neither clean nor explained before every state was visited
	}
	f.settle(e)
	return f
}

// patience is how much longer than its budget a program may take to end, because a
// defect may make it run forever.
const patience = 2 * time.Minute

// take records the violations, the expected ones first.
func (f *Finding) take(e Entry, violations []checker.Property) {
	slices.SortStableFunc(violations, func(a, b checker.Property) int { return e.rank(a.Name) - e.rank(b.Name) })
	for _, v := range violations {
		if f.Properties = append(f.Properties, v.Name); len(f.Properties) == 1 {
			f.Reason, f.Length = v.Reason, len(v.Events)
		}
	}
}

// failed is a finding without a result.
func (f Finding) failed(why string) Finding {
	f.Outcome, f.Problem = Failed, why
	return f
}

// distinct makes one entry for each value of a key.
func distinct(all []Entry, key func(Entry) string, plain func(Entry) Entry) []Entry {
	var some []Entry
	seen := map[string]bool{}
	for _, e := range all {
		if k := key(e); !seen[k] {
			seen[k] = true
			some = append(some, plain(e))
		}
	}
	return some
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("mutants: %s", path), err)
	}
	return nil
}
