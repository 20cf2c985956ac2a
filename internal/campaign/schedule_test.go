package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// schedule is so many faults, one a second from second two on.
func schedule(n int) Plan {
	p := Plan{Load: time.Duration(n+4) * time.Second}
	for i := range n {
		p.Faults = append(p.Faults, nemesis.Fault{Number: i + 1, Kind: nemesis.CutWorker, Start: time.Duration(i+2) * time.Second, Duration: 800 * time.Millisecond})
	}
	return p
}

func has(p Plan, number int) (nemesis.Fault, bool) {
	i := slices.IndexFunc(p.Faults, func(f nemesis.Fault) bool { return f.Number == number })
	if i < 0 {
		return nemesis.Fault{}, false
	}
	return p.Faults[i], true
}

func silent(Step) {}

// TestSchedule_FindsTheFaultsThatMatter has a defect that needs two of the faults, one of
// them for a quarter of a second, and half a second of load after them.
func TestSchedule_FindsTheFaultsThatMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tried := map[string]int{}
		whole := schedule(rapid.IntRange(2, 30).Draw(t, "faults"))
		a := rapid.IntRange(1, len(whole.Faults)).Draw(t, "a")
		b := rapid.IntRange(1, len(whole.Faults)).Filter(func(n int) bool { return n != a }).Draw(t, "b")
		violates := func(p Plan) bool {
			first, one := has(p, a)
			second, two := has(p, b)
			return one && two && first.Duration >= 250*time.Millisecond && p.Load >= max(first.Start, second.Start)+500*time.Millisecond
		}
		got, err := Schedule(t.Context(), whole, 0, 2, func(_ context.Context, p Plan) (bool, error) {
			tried[fmt.Sprint(p)]++
			return violates(p), nil
		}, silent)
		for p, times := range tried {
			if times > 4 { // twice as the whole or a candidate, twice as the smallest
				t.Errorf("%s was run %d times", p, times)
			}
		}
		if err != nil || !got.Minimal || !violates(got.Plan) || len(got.Plan.Faults) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.Rate != (Rate{2, 2}) || got.Whole != (Rate{2, 2}) {
			t.Errorf("rates %v and %v", got.Rate, got.Whole)
		}
		if f, _ := has(got.Plan, a); f.Duration != 400*time.Millisecond {
			t.Errorf("the first lasts %v", f.Duration)
		}
		if f, _ := has(got.Plan, b); f.Duration != leastDuration {
			t.Errorf("the second lasts %v", f.Duration)
		}
		if first := min(got.Plan.Faults[0].Start, got.Plan.Faults[1].Start); first != lead {
			t.Errorf("the first fault begins at %v", first)
		}
	})
}

// TestSchedule_EndsSoonAfterTheViolation gives the time of the violation. Everything that
// begins later is removed at once.
func TestSchedule_EndsSoonAfterTheViolation(t *testing.T) {
	var steps []Step
	got, err := Schedule(t.Context(), schedule(20), 4500*time.Millisecond, 1, func(_ context.Context, p Plan) (bool, error) {
		_, there := has(p, 3)
		return there, nil
	}, func(s Step) { steps = append(steps, s) })
	if err != nil || len(got.Plan.Faults) != 1 || got.Plan.Load > 4*time.Second {
		t.Errorf("%+v, %v", got, err)
	}
	if sooner := steps[1]; !sooner.Kept || len(sooner.Plan.Faults) != 5 || sooner.Plan.Load != 7*time.Second {
		t.Errorf("the second step is %+v", sooner)
	}
}

// TestSchedule_MeasuresARace has a violation that happens only in some of the runs. The
// schedule that is kept was violated, and the rates count the runs that were done.
func TestSchedule_MeasuresARace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[bool]int{}
	got, err := Schedule(t.Context(), schedule(12), 0, 5, func(_ context.Context, p Plan) (bool, error) {
		_, there := has(p, 7)
		violated := there && rng.IntN(2) == 0
		seen[violated]++
		return violated, nil
	}, silent)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := has(got.Plan, 7); !there || len(got.Plan.Faults) > 2 {
		t.Errorf("left: %+v", got.Plan.Faults)
	}
	if got.Rate.N != 5 || got.Rate.K == 0 || got.Whole.N != 5 || got.Ran != seen[true]+seen[false] {
		t.Errorf("%+v", got)
	}
}

// TestSchedule_DoesNotShrinkWithoutAViolation has no run that is violated, so there is
// nothing to compare with.
func TestSchedule_DoesNotShrinkWithoutAViolation(t *testing.T) {
	whole := schedule(5)
	got, err := Schedule(t.Context(), whole, 0, 3, func(context.Context, Plan) (bool, error) { return false, nil }, silent)
	if err != nil || got.Whole != (Rate{0, 3}) || got.Ran != 3 || got.Minimal || len(got.Plan.Faults) != 5 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSchedule_KeepsTheBestWhenInterrupted ends ctx in the middle of a run.
func TestSchedule_KeepsTheBestWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	got, err := Schedule(ctx, schedule(16), 0, 1, func(ctx context.Context, p Plan) (bool, error) {
		if ran++; ran == 4 {
			cancel()
			return false, errors.New("interrupted")
		}
		_, there := has(p, 1)
		return there, nil
	}, silent)
	if err != nil || got.Minimal || len(got.Plan.Faults) >= 16 || len(got.Plan.Faults) < 2 || got.Ran != 3 || got.Rate.K != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSchedule_ReportsNothingBeforeTheFirstRun ends ctx before the first run.
func TestSchedule_ReportsNothingBeforeTheFirstRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := Schedule(ctx, schedule(3), 0, 2, func(context.Context, Plan) (bool, error) { return true, nil }, func(s Step) { t.Errorf("reported %+v", s) })
	if err != nil || got.Whole.N != 0 || got.Ran != 0 || got.Minimal {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSchedule_ReturnsTheErrorOfARun has a run that cannot be carried out.
func TestSchedule_ReturnsTheErrorOfARun(t *testing.T) {
	broken, ran := errors.New("no engine"), 0
	got, err := Schedule(t.Context(), schedule(16), 0, 1, func(context.Context, Plan) (bool, error) {
		if ran++; ran == 3 {
			return false, broken
		}
		return true, nil
	}, silent)
	if !errors.Is(err, broken) || got.Minimal || len(got.Plan.Faults) != 8 || ran != 3 {
		t.Errorf("%+v, %v after %d runs", got, err, ran)
	}
}

// TestSchedule_RemovesAllFaultsIfNoneIsNeeded leaves no fault, and the shortest load, if
// the violation needs no fault.
func TestSchedule_RemovesAllFaultsIfNoneIsNeeded(t *testing.T) {
	got, err := Schedule(t.Context(), schedule(9), 0, 1, func(_ context.Context, p Plan) (bool, error) { return p.Load >= 1500*time.Millisecond, nil }, silent)
	if err != nil || !got.Minimal || len(got.Plan.Faults) != 0 || got.Plan.Load >= 3*time.Second {
		t.Errorf("%+v, %v", got, err)
	}
}
