package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/soak"
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

// on reports whether an engine can see it at all.
func (e Entry) on(engine string) bool { return len(e.On) == 0 || slices.Contains(e.On, engine) }

// asks is what an entry gives an engine to look for it with.
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
	// Takes reports whether the entry has what the engine needs to look for it.
	Takes(e Entry) bool
	// Alone reports whether a hunt needs the machine for itself, because what it looks
	// at depends on how fast the machine is.
	Alone() bool
	// Hunt looks for the defect until it is caught or the budget is spent; what has
	// been begun is brought to its end. A false alarm is looked for the same way, in
	// an entry without edits.
	Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding
	// Ground is where the source as it is must be clean: entries without edits that
	// cover all that was asked of the others.
	Ground(all []Entry) []Entry
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

// Ground implements Engine: each world.
func (Model) Ground(all []Entry) []Entry {
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
	began := time.Now()
	printed, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
	f.Seconds = time.Since(began).Seconds()
	found, _ := filepath.Glob(filepath.Join(out, "*", "verdict.json"))
	if len(found) != 1 {
		return f.failed(fmt.Sprintf("%s (%v)", lastLine(printed), err))
	}
	var r checker.Report
	if err := readJSON(found[0], &r); err != nil {
		return f.failed(err.Error())
	}
	f.take(e, r.Violations())
	f.States, f.Length = r.Counts["states"], r.Counts["counterexample"]
	if r.Verdict != checker.Invalid && r.Verdict != checker.Valid {
		f.Problem = fmt.Sprintf("%s: not everything was seen in this budget", r.Verdict)
		if _, known := e.Survives[ModelEngine]; len(f.Properties) == 0 && (known || e.ID == Unmodified) {
			return f.failed(f.Problem) // neither clean nor explained before all is seen
		}
	}
	f.settle(e)
	return f
}

// Runs are torture runs, one seed after the other.
type Runs struct {
	Ensemble string // memory or docker, as the command knows it
	Load     time.Duration
	First    uint64 // seed of the first run
	// Do is one run of a binary with those arguments, its outcome and what was violated.
	// Each defect has a folder of its own, named by its id.
	Do func(ctx context.Context, binary, id string, args []string, seed uint64) soak.Outcome
}

// Name implements Engine.
func (r Runs) Name() string {
	if r.Ensemble == MemoryEngine {
		return MemoryEngine
	}
	return EnsembleEngine
}

// Takes implements Engine.
func (r Runs) Takes(e Entry) bool { return e.on(r.Name()) && e.Fault != "" && r.faults(e) != "" }

// Alone implements Engine. Runs in memory have a time of their own.
func (r Runs) Alone() bool { return r.Ensemble != MemoryEngine }

// faults are those of an entry that this ensemble can do.
func (r Runs) faults(e Entry) string {
	kinds, err := nemesis.Parse(e.Fault)
	if err != nil {
		return ""
	}
	if len(kinds) == 0 {
		return "none"
	}
	if r.Ensemble == MemoryEngine {
		refused := nemesis.RefusedInMemory(kinds)
		kinds = slices.DeleteFunc(kinds, func(k nemesis.Kind) bool { return slices.Contains(refused, k) })
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ",")
}

// Ground implements Engine: all faults of the entries together, once for each
// setting of other options.
func (r Runs) Ground(all []Entry) []Entry {
	ground := distinct(all, func(e Entry) string { return e.Run }, func(e Entry) Entry { return Entry{ID: Unmodified, Run: e.Run} })
	for i := range ground {
		var faults []string
		for _, e := range all {
			if e.Run == ground[i].Run {
				faults = append(faults, e.Fault)
			}
		}
		ground[i].Fault = strings.Join(faults, ",")
	}
	return ground
}

// Hunt implements Engine. One run is enough where the catalogue says that nobody will
// notice.
func (r Runs) Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	f := Finding{ID: e.ID, Engine: r.Name()}
	args := append([]string{"run", "--ensemble=" + r.Ensemble, "--time=" + r.Load.String(), "--nemesis=" + r.faults(e)}, strings.Fields(e.Run)...)
	binary, err := b.Binary(ctx)
	if err != nil {
		return f.failed(err.Error())
	}
	began, failures, judged := time.Now(), 0, 0
	_, known := e.Survives[r.Name()]
	for f.Seed = r.First; ; f.Seed++ {
		outcome := r.Do(ctx, binary, e.ID, args, f.Seed)
		f.Seconds = time.Since(began).Seconds()
		if ctx.Err() != nil {
			return f.failed("interrupted")
		}
		f.Runs++
		f.Faults = bit(outcome.Faults)
		f.take(e, outcome.Violations)
		if outcome.Verdict == "" {
			f.Problem = outcome.Problem
			failures++
		}
		if outcome.Verdict == checker.Valid || outcome.Verdict == checker.Invalid {
			judged++
		}
		if failures == 2 {
			return f.failed(f.Problem)
		}
		if len(f.Properties) > 0 || known && judged > 0 || time.Since(began) >= budget {
			break
		}
	}
	if judged == 0 {
		return f.failed(fmt.Sprintf("none of %d runs came to a verdict that proves anything; more time with --budget: %s", f.Runs, f.Problem))
	}
	f.settle(e)
	return f
}

// bit names the kinds of fault that their probes saw bite.
func bit(records []nemesis.Record) []string {
	var kinds []string
	for _, r := range records {
		if r.Effective {
			kinds = append(kinds, string(r.Kind))
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// Tests are tests of the source tree itself, with go test.
type Tests struct{}

// Name implements Engine.
func (Tests) Name() string { return TestsEngine }

// Takes implements Engine.
func (Tests) Takes(e Entry) bool { return e.on(TestsEngine) && len(e.Tests) > 0 }

// Alone implements Engine.
func (Tests) Alone() bool { return true }

// Ground implements Engine: everything that is called for.
func (Tests) Ground(all []Entry) []Entry {
	var calls []string
	for _, e := range all {
		calls = append(calls, e.Tests...)
	}
	slices.Sort(calls)
	return []Entry{{ID: Unmodified, Tests: slices.Compact(calls)}}
}

// What go test prints of a test that has failed, and of one that has run out of time:
// a defect may well be that something never ends.
var failedTest, hungTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`), regexp.MustCompile(`(?m)^\t+(Test\S*) \(\d+\S*s\)$`)

// Hunt implements Engine. Of an entry, the calls follow each other until one fails;
// of the source as it is, all are made.
func (t Tests) Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	before, err := counterexamples(b.Source.Dir)
	f := t.hunt(ctx, b, e, budget)
	if err == nil {
		err = sweep(b.Source.Dir, before)
	}
	if err != nil {
		return f.failed(err.Error())
	}
	return f
}

func (Tests) hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	f := Finding{ID: e.ID, Engine: TestsEngine, Faults: e.Tests}
	began := time.Now()
	for _, call := range e.Tests {
		args := append([]string{"-count=1", "-timeout", budget.String()}, strings.Fields(call)...)
		printed, err := b.tool(ctx, "test", args...).CombinedOutput()
		f.Seconds = time.Since(began).Seconds()
		for _, match := range slices.Concat(failedTest.FindAllSubmatch(printed, -1), hungTest.FindAllSubmatch(printed, -1)) {
			f.Properties = append(f.Properties, string(match[1]))
		}
		if err != nil && len(f.Properties) == 0 {
			return f.failed(fmt.Sprintf("go test %s: %v, and no test failed by name: %s", call, err, lastLine(printed)))
		}
		if len(f.Properties) > 0 && e.ID != Unmodified {
			break
		}
	}
	f.settle(e)
	return f
}

// take remembers what was violated, what was expected first.
func (f *Finding) take(e Entry, violations []checker.Property) {
	slices.SortStableFunc(violations, func(a, b checker.Property) int { return e.rank(a.Name) - e.rank(b.Name) })
	for _, v := range violations {
		if f.Properties = append(f.Properties, v.Name); len(f.Properties) == 1 {
			f.Reason, f.Length = v.Reason, len(v.Events)
		}
	}
}

// failed is a finding of which nothing came.
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
