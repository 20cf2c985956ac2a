package campaign

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// played gives the verdicts in their order, and the last of them for ever.
func played(verdicts ...checker.Verdict) func(context.Context, uint64) Outcome {
	n := -1
	return func(_ context.Context, seed uint64) Outcome {
		n++
		o := Outcome{
			Seed: seed, Verdict: verdicts[min(n, len(verdicts)-1)], Objects: 100, Of: "tasks", Took: time.Minute,
			Faults: []nemesis.Record{
				{Fault: nemesis.Fault{Kind: nemesis.KillMaster}, Applied: true, Effective: true},
				{Fault: nemesis.Fault{Kind: nemesis.SlowDisk}, Applied: true},
				{Fault: nemesis.Fault{Kind: nemesis.Reset}},
			},
		}
		if o.Verdict != checker.Valid {
			o.Kept = "results/x"
		}
		if o.Verdict == "" {
			o.Problem = "no Docker"
		}
		return o
	}
}

// kept keeps nothing.
func kept(Outcome) error { return nil }

func TestLoop_CountsOutcomes(t *testing.T) {
	var out bytes.Buffer
	tally, err := Loop(t.Context(), Limits{Runs: 4, First: 7}, played(checker.Valid, checker.Unknown, checker.Invalid, checker.Valid), kept, &out)
	if err != nil || tally.ExitCode() != exit.Invalid || tally.Runs != 4 || tally.Objects != 400 || tally.Took != 4*time.Minute {
		t.Errorf("%+v, %v", tally, err)
	}
	printed := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"1 7 valid 100 1 of 3 1m0s 1 0 0 0 0", "4 10 valid 100 1 of 3 1m0s 2 1 0 1 0",
		"kill-master 4 4 4", "reset 4 0 0", "slow-disk 4 4 0", "together 12 8 4", "never effective: reset, slow-disk",
		"4 runs in 4m0s: 2 valid, 1 unknown, 0 vacuous, 1 invalid, 0 failed; 400 tasks", "seed 9: invalid results/x", "seed 8: unknown results/x",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestLoop_Ends(t *testing.T) {
	tally, err := Loop(t.Context(), Limits{Runs: 9, Until: true}, played(checker.Valid, checker.Invalid), kept, new(bytes.Buffer))
	if err != nil || tally.Runs != 2 {
		t.Errorf("at a violation: %d runs, %v", tally.Runs, err)
	}
	tally, err = Loop(t.Context(), Limits{Runs: 9}, played(checker.Valid, ""), kept, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "no Docker") || tally.Runs != 4 || tally.ExitCode() != exit.NotCarriedOut {
		t.Errorf("no run can be carried out: %d runs, %v", tally.Runs, err)
	}
	var out bytes.Buffer
	interruptedWith := func(verdict checker.Verdict) (*Tally, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		return Loop(ctx, Limits{}, func(_ context.Context, seed uint64) Outcome {
			if seed < 2 {
				return played(checker.Valid)(ctx, seed)
			}
			cancel()
			return played(verdict)(ctx, seed)
		}, kept, &out)
	}
	tally, err = interruptedWith("")
	if err != nil || tally.Runs != 2 || !strings.Contains(out.String(), "seed 2 is not counted") {
		t.Errorf("interrupted: %d runs, %v\n%s", tally.Runs, err, out.String())
	}
	tally, err = interruptedWith(checker.Invalid)
	if err != nil || tally.Runs != 3 || tally.ExitCode() != checker.Invalid.ExitCode() {
		t.Errorf("interrupted, and judged: %d runs, exit code %d, %v", tally.Runs, tally.ExitCode(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Loop(ctx, Limits{}, played(""), kept, &out); err == nil {
		t.Error("nothing was judged, and there is no error")
	}
}

// TestLoop_ShardsAddUpToTheWhole does a campaign whole and in three parts.
func TestLoop_ShardsAddUpToTheWhole(t *testing.T) {
	seeds := func(shard Shard) (all []uint64) {
		run := func(_ context.Context, seed uint64) Outcome {
			all = append(all, seed)
			return Outcome{Seed: seed, Verdict: checker.Valid}
		}
		if _, err := Loop(t.Context(), Limits{Runs: 10, First: 5, Shard: shard}, run, kept, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
		return all
	}
	whole := seeds(Shard{})
	var parts []uint64
	for _, text := range []string{"1/3", "2/3", "3/3"} {
		var s Shard
		if err := s.Set(text); err != nil || s.String() != text {
			t.Fatalf("%q: %v, %v", text, s, err)
		}
		parts = append(parts, seeds(s)...)
	}
	slices.Sort(parts)
	if len(whole) != 10 || !slices.Equal(whole, parts) {
		t.Errorf("whole %v, in parts %v", whole, parts)
	}
}

// TestLoop_EndsWhenARunCannotBeKept stops at once, because later runs would be lost too.
func TestLoop_EndsWhenARunCannotBeKept(t *testing.T) {
	full := errors.New("disk full")
	runs := 0
	run := func(context.Context, uint64) Outcome { runs++; return Outcome{Verdict: checker.Valid} }
	if _, err := Loop(t.Context(), Limits{Runs: 3}, run, func(Outcome) error { return full }, new(bytes.Buffer)); !errors.Is(err, full) || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
}
