package mutants

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

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
