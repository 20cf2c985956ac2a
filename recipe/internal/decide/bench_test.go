package decide

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// sizes are how many residents the benchmarks have. The time for one change is to be the same
// for all; the time from nothing is to grow with them.
var sizes = []int{1_000, 10_000, 100_000}

var benchLimits = Limits{PerWorker: 64, MaxAttempts: 3, MaxHandovers: 15, Batch: 1000, Backoff: DefaultBackoff}

func benchView(workers int) *View {
	v := NewView()
	for n := range workers {
		w := v.Worker(fmt.Sprintf("w%04d", n))
		w.Alive, w.Known, w.Claimed, w.Acks = true, true, true, true
	}
	return v
}

// submit adds tasks that wait.
func submit(v *View, first, tasks int, o Options) {
	for n := first; n < first+tasks; n++ {
		name := fmt.Sprintf("task-%08d", n)
		v.SetOptions(name, o, int64(n))
		v.SetPhase(name, Pending, noon)
	}
}

// drain decides and applies until nothing is left to decide.
func drain(v *View, now time.Time) (passes int) {
	for ; ; passes++ {
		plan := Decide(v, benchLimits, now)
		v.TakeTouched()
		v.TakeMoved()
		if len(plan.Transitions) == 0 {
			return passes
		}
		for _, d := range plan.Transitions {
			v.Apply(d, 1, now)
		}
	}
}

// BenchmarkDecide_OneChange submits, assigns, finishes and collects one task beside residents
// that rest, beside tasks that wait, and beside tasks that have finished. That is four passes.
// The reference looks at everything in each pass.
func BenchmarkDecide_OneChange(b *testing.B) {
	CheckEachPass = false
	defer func() { CheckEachPass = true }()
	for _, beside := range []string{"residents", "waiting", "finished"} {
		for _, size := range sizes {
			v := benchView(4)
			submit(v, 0, size, Options{Resident: beside == "residents"})
			for n := range size {
				name := fmt.Sprintf("task-%08d", n)
				switch beside {
				case "waiting":
					v.Task(name).Due = noon.Add(time.Hour)
				case "finished":
					v.SetPhase(name, Finished, noon).Confirmed = true
				}
			}
			drain(v, noon)
			b.Run(fmt.Sprintf("%s=%d", beside, size), func(b *testing.B) {
				for b.Loop() {
					oneChange(b, v, Decide)
				}
			})
			b.Run(fmt.Sprintf("%s=%d/reference", beside, size), func(b *testing.B) {
				for b.Loop() {
					oneChange(b, v, refDecide)
				}
			})
		}
	}
}

// oneChange is the life of one task, with a pass after each step.
func oneChange(b *testing.B, v *View, decide func(*View, Limits, time.Time) Plan) {
	const one = "task-one"
	pass := func(want int) {
		plan := decide(v, benchLimits, noon)
		if len(plan.Transitions) != want {
			b.Fatalf("decided %v, want %d decisions", plan.Transitions, want)
		}
		for _, d := range plan.Transitions {
			v.Apply(d, 1, noon)
		}
		v.TakeTouched()
		v.TakeMoved()
	}
	v.SetOptions(one, Options{}, 1)
	v.SetPhase(one, Pending, noon)
	pass(1)
	w := v.Task(one).Worker
	pass(0)
	v.DropAssignment(w, one)
	v.SetPhase(one, Finished, noon)
	pass(0)
	v.Forget(one)
	pass(0)
}

// BenchmarkDecide_FromNothing assigns all residents to four workers. Then one is lost, and a
// fifth joins.
func BenchmarkDecide_FromNothing(b *testing.B) {
	CheckEachPass = false
	defer func() { CheckEachPass = true }()
	for _, size := range sizes {
		b.Run(fmt.Sprintf("residents=%d", size), func(b *testing.B) {
			for b.Loop() {
				v := benchView(4)
				submit(v, 0, size, Options{Resident: true})
				drain(v, noon)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/resident")
			b.ReportMetric(bytesOf(func() any {
				v := benchView(4)
				submit(v, 0, size, Options{Resident: true})
				drain(v, noon)
				return v
			})/float64(size), "B/resident")
		})
		b.Run(fmt.Sprintf("lost=%d", size), func(b *testing.B) {
			v := benchView(5)
			submit(v, 0, size, Options{Resident: true})
			drain(v, noon)
			for n := 0; b.Loop(); n++ {
				v.Worker(fmt.Sprintf("w%04d", n%5)).Alive = true
				gone := v.Worker(fmt.Sprintf("w%04d", (n+1)%5))
				gone.Alive = false
				lost := gone.Held()
				if drain(v, noon); gone.Held() > 0 {
					b.Fatalf("%d of %d are left", gone.Held(), lost)
				}
			}
		})
	}
}

// bytesOf is how much memory something takes.
func bytesOf(build func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := build()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}
