package mutants

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// Runs are torture runs, one seed after the other.
type Runs struct {
	Ensemble string        // memory or docker, as the command knows it
	Load     time.Duration // of the first run; each has twice that of the run before, up to longestLoad
	First    uint64        // seed of the first run
	// Do is one run of a binary with those arguments. It returns the outcome and the
	// violations. Each defect has its own folder, named by its id.
	Do func(ctx context.Context, binary, id string, args []string, seed uint64) campaign.Outcome
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

// Alone implements Engine. Runs in memory have their own virtual time.
func (r Runs) Alone() bool { return r.Ensemble != MemoryEngine }

// faults are the faults of an entry that this ensemble can have.
func (r Runs) faults(e Entry) string {
	kinds, err := nemesis.Parse(e.Fault)
	if err != nil {
		return ""
	}
	if len(kinds) == 0 {
		return "none"
	}
	if r.Ensemble != MemoryEngine {
		return e.Fault
	}
	refused := nemesis.RefusedInMemory(kinds)
	kinds = slices.DeleteFunc(kinds, func(k nemesis.Kind) bool { return slices.Contains(refused, k) })
	return strings.Join(names(kinds), ",")
}

func names(kinds []nemesis.Kind) []string {
	all := make([]string, len(kinds))
	for i, k := range kinds {
		all[i] = string(k)
	}
	return all
}

// Baseline implements Engine: all faults of the entries together, once for each setting
// of other options.
func (r Runs) Baseline(all []Entry) []Entry {
	baseline := distinct(all, func(e Entry) string { return e.Run }, func(e Entry) Entry { return Entry{ID: Unmodified, Run: e.Run} })
	for i := range baseline {
		var faults []string
		for _, e := range all {
			if e.Run == baseline[i].Run {
				faults = append(faults, strings.Split(r.faults(e), ",")...)
			}
		}
		slices.Sort(faults)
		baseline[i].Fault = strings.Join(slices.DeleteFunc(slices.Compact(faults), func(f string) bool { return f == "none" && len(faults) > 1 }), ",")
	}
	return baseline
}

// longestLoad bounds the doubling of the load. Each run has a fixed overhead. Short
// runs catch easy defects cheaply; rare ones are likelier in one long run than in two
// short ones. The unchanged source and known survivors get runs of this length at once;
// in the unchanged source, most faults then get their turn.
const longestLoad = 40 * time.Second

// baselineBudgets bounds the runs of the unchanged source, in budgets, until each of its
// faults has taken effect.
const baselineBudgets = 4

// Hunt implements Engine. One long run is enough for a known survivor. The unchanged
// source runs until each fault has taken effect.
func (r Runs) Hunt(ctx context.Context, b *Build, e Entry, budget time.Duration) Finding {
	f := Finding{ID: e.ID, Engine: r.Name()}
	load := r.Load
	_, known := e.Survives[r.Name()]
	if e.ID == Unmodified || known {
		load = max(load, longestLoad)
	}
	binary, err := b.Binary(ctx)
	if err != nil {
		return f.failed(err.Error())
	}
	began, failures, judged := time.Now(), 0, 0
	for f.Seed = r.First; ; f.Seed++ {
		args := append([]string{"run", "--ensemble=" + r.Ensemble, "--time=" + load.String(), "--nemesis=" + cmp.Or(r.faults(e), "none")}, strings.Fields(e.Run)...)
		outcome := r.once(ctx, binary, e.ID, args, f.Seed, load)
		load = max(load, min(2*load, longestLoad))
		f.Seconds = time.Since(began).Seconds()
		if ctx.Err() != nil {
			return f.failed("interrupted")
		}
		f.Runs++
		f.recordFaults(outcome.Faults)
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
		if len(f.Properties) > 0 || known && judged > 0 || r.enough(f, e, time.Since(began), budget) {
			break
		}
	}
	if judged == 0 {
		return f.failed(fmt.Sprintf("none of %d runs was valid or invalid; give more time with --budget: %s", f.Runs, f.Problem))
	}
	if idle := r.idle(f, e); e.ID == Unmodified && len(idle) > 0 && f.Problem == "" {
		f.Problem = "never effective: " + strings.Join(idle, ", ")
	}
	f.settle(e)
	return f
}

// once does one run. A defect may keep it from ever ending.
func (r Runs) once(ctx context.Context, binary, id string, args []string, seed uint64, load time.Duration) campaign.Outcome {
	limited, cancel := context.WithTimeout(ctx, load+5*patience)
	defer cancel()
	return r.Do(limited, binary, id, args, seed)
}

// enough reports whether no further run is due.
func (r Runs) enough(f Finding, e Entry, spent, budget time.Duration) bool {
	if e.ID == Unmodified && spent < baselineBudgets*budget && len(r.idle(f, e)) > 0 {
		return false
	}
	return spent >= budget
}

// idle names the kinds of fault that were asked for and have not taken effect.
func (r Runs) idle(f Finding, e Entry) []string {
	kinds, _ := nemesis.Parse(r.faults(e)) // the catalogue was checked for that
	return names(slices.DeleteFunc(kinds, func(k nemesis.Kind) bool { return slices.Contains(f.Faults, string(k)) }))
}

// recordFaults records the kinds of fault that took effect in a run. For a defect, only the
// last run counts, which has caught it or not; for the unchanged source, all runs
// count.
func (f *Finding) recordFaults(records []nemesis.Record) {
	if f.ID != Unmodified {
		f.Faults = nil
	}
	for _, r := range records {
		if r.Effective {
			f.Faults = append(f.Faults, string(r.Kind))
		}
	}
	slices.Sort(f.Faults)
	f.Faults = slices.Compact(f.Faults)
}
