package workload

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestWorkload_DependsOnTheSeedOnly draws it twice, and looks that every kind of task
// comes up.
func TestWorkload_DependsOnTheSeedOnly(t *testing.T) {
	draws := func(seed uint64) (all []taskSpec) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 2000 {
			all = append(all, draw(rng, "id"))
		}
		return all
	}
	first := draws(7)
	if !reflect.DeepEqual(first, draws(7)) || reflect.DeepEqual(first, draws(8)) {
		t.Error("the workload does not depend on the seed alone")
	}
	var once, always, stubborn, long int
	asked := map[string]int{}
	for _, w := range first {
		p := w.payload
		for what, does := range map[string]bool{
			"priority": w.options.Priority != 0, "key": w.options.Key != "", "attempts": w.options.MaxAttempts > 0, "delay": w.delay > 0,
			"timeout": w.options.Timeout > 0 && p.Hangs > 0, "silence": w.options.HeartbeatTimeout > 0 && p.Hangs > 0, "progress": p.Progress,
			"cancel": w.cancel > 0, "twice": w.twice, "collect": w.collect,
		} {
			if does {
				asked[what]++
			}
		}
		switch {
		case p.Failures >= MaxAttempts:
			always++
		case p.Failures > 0:
			once++
		}
		if p.Stubborn {
			stubborn++
		}
		if p.Millis >= 100 {
			long++
		}
	}
	for _, what := range []string{"priority", "key", "attempts", "delay", "timeout", "silence", "progress", "cancel", "twice", "collect"} {
		if asked[what] < 10 {
			t.Errorf("of %d tasks %d ask for %s", len(first), asked[what], what)
		}
	}
	if once < 100 || always < 5 || stubborn < 100 || long < 200 {
		t.Errorf("of %d tasks %d fail at first, %d always, %d are stubborn, %d are long", len(first), once, always, stubborn, long)
	}
}

// tasksOfSeeds are digests of the first thousand tasks of the seeds 1 to 5. The names of
// their fields are not in them.
var tasksOfSeeds = [5]string{"8f8077b80064e999", "532f172c1059395c", "41b1332db0a639bc", "e0ecd09348950add", "3a997f8f24e890b0"}

// TestDraw_StaysTheSameForASeed: a seed that found something must give the same workload
// for ever.
func TestDraw_StaysTheSameForASeed(t *testing.T) {
	for i, want := range tasksOfSeeds {
		rng := rand.New(rand.NewPCG(uint64(i+1), 1))
		all := sha256.New()
		for range 1000 {
			w := draw(rng, "id")
			w.payload.enlarge(rng, 128<<10)
			fmt.Fprintf(all, "%v\n", w)
		}
		if got := fmt.Sprintf("%x", all.Sum(nil))[:16]; got != want {
			t.Errorf("seed %d: %s, want %s", i+1, got, want)
		}
	}
}
