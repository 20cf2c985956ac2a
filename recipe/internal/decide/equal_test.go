package decide

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// drawn is a view that changes at random, and the limits and the time of its decisions.
type drawn struct {
	*rand.Rand
	view   *View
	limits Limits
	now    time.Time
}

// strategies are those of drawn limits. The last ones choose no worker for some tasks, and a
// worker that is not there.
var strategies = []Strategy{nil, LeastLoaded, StickyByKey, func(job Job, workers []Load) string {
	if job.Options.Priority == 1 {
		return ""
	}
	return LeastLoaded(job, workers)
}, func(Job, []Load) string { return "no such worker" }}

// monotonic is a time with a reading of the monotonic clock, as masters have it. Which time it
// is does not matter.
var monotonic = func() time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	t, _ := ctx.Deadline()
	return t
}()

func draw(seed uint64) *drawn {
	d := &drawn{Rand: rand.New(rand.NewPCG(seed, 29)), view: NewView(), now: noon}
	if d.chance(2) {
		d.now = monotonic
	}
	d.drawLimits()
	for range d.IntN(30) {
		d.change()
	}
	return d
}

func (d *drawn) drawLimits() {
	d.limits = Limits{
		PerWorker: 1 + d.IntN(3), MaxAttempts: 1 + d.Int32N(3), MaxHandovers: d.Int32N(3), Batch: []int{1, 2, 3, 5, 1000, 1000, 1000}[d.IntN(7)],
		Strategy: strategies[min(d.IntN(8), len(strategies)-1)], Backoff: DefaultBackoff, Retention: []time.Duration{0, 5 * time.Second}[d.IntN(2)],
	}
	if d.chance(3) {
		d.limits.Strategy = nil
	}
}

// chance is true once in so many times.
func (d *drawn) chance(of int) bool { return d.IntN(of) == 0 }

func (d *drawn) worker() string { return string(rune('a' + d.IntN(5))) }

func (d *drawn) task() string { return string(rune('k' + d.IntN(12))) }

func (d *drawn) workers() (names []string) {
	for range d.IntN(4) {
		names = append(names, d.worker())
	}
	return names
}

// time is near the present, with or without a reading of the monotonic clock.
func (d *drawn) time() time.Time {
	t := d.now.Add(time.Duration(d.IntN(9)-4) * time.Second)
	if d.chance(2) {
		t = t.Round(0)
	}
	return t
}

func (d *drawn) options() Options {
	o := Options{MaxAttempts: d.IntN(3), Priority: d.IntN(3), Key: []string{"", "k"}[d.IntN(2)], Resident: d.chance(2)}
	if d.chance(3) {
		o.HeartbeatTimeout = time.Duration(1+d.IntN(3)) * time.Second
	}
	return o
}

// change changes the view, the time or the limits.
func (d *drawn) change() {
	v := d.view
	switch d.IntN(17) {
	case 0, 1, 16:
		d.changeWorker(v.Worker(d.worker()))
	case 2:
		w := v.Worker(d.worker())
		w.Alive, w.Known, w.Quarantined, w.Fenced, w.Outdated, w.Retiring, w.Claimed = true, true, false, false, false, false, true
	case 3, 4:
		name := d.task()
		v.SetOptions(name, d.options(), int64(d.IntN(9)))
		v.SetPhase(name, []TaskPhase{Unread, Pending, Pending, Assigned, Finished}[d.IntN(5)], d.now)
	case 5, 6: // as the tree usually is
		name, w := d.task(), d.worker()
		v.SetOptions(name, d.options(), int64(d.IntN(9)))
		v.SetPhase(name, Assigned, d.now).SetHolder(w, d.now)
		v.AddAssignment(w, name)
	case 7:
		d.changeTask(v.Task(d.task()))
	case 8:
		v.AddAssignment(d.worker(), d.task())
	case 9:
		v.DropAssignment(d.worker(), d.task())
	case 10:
		name := d.task()
		v.Ask(name, int64(d.IntN(9)))
		if d.chance(3) {
			v.SetPhase(name, Finished, d.now).Leftover = &Leftover{}
			v.Ask(name, AnyLife)
		}
	case 11:
		if name := d.task(); d.chance(2) {
			v.DropRequest(name)
		} else if d.chance(9) {
			v.DropRequests()
		}
	case 12:
		v.Forget(d.task())
	case 13:
		if name := d.task(); d.chance(3) {
			v.MarkDirty(name)
		} else {
			v.MarkClean(name)
		}
	case 14:
		d.now = d.now.Add(time.Duration(d.IntN(8)-1) * time.Second)
	case 15:
		for name, t := range v.tasks { // nothing is spread while a task is unread
			if t.Phase == Unread {
				v.SetPhase(name, Pending, d.now)
			}
		}
		if d.chance(9) {
			d.drawLimits()
		}
	}
}

func (d *drawn) changeWorker(w *workerView) {
	switch d.IntN(10) {
	case 0:
		w.Alive = !w.Alive
	case 1:
		w.Known = !w.Known
	case 2:
		w.Quarantined = !w.Quarantined
	case 3:
		w.Claimed = !w.Claimed
	case 4:
		w.Retiring = !w.Retiring
	case 5:
		w.Outdated = !w.Outdated
	case 6:
		w.Acks = !w.Acks
	case 7:
		w.Fenced = !w.Fenced
	case 8:
		w.Capacity = d.IntN(4)
	case 9: // it was told to give back all that it has
		w.Alive, w.Acks, w.Claimed, w.Fenced = true, true, true, false
		for _, t := range w.Tasks() {
			w.Taken[t] = d.time().Add(-time.Duration(d.IntN(2)) * takePatience)
		}
	}
}

func (d *drawn) changeTask(t *TaskView) {
	switch d.IntN(9) {
	case 0:
		t.Attempts, t.Left = d.Int32N(4), d.Int32N(3)
	case 1:
		t.Records = make([]int32, d.IntN(3*KeptAttempts))
	case 2:
		t.Revoked = !t.Revoked
	case 3:
		t.Due = d.time()
	case 4:
		t.Avoid = d.workers()
	case 5:
		t.Watched.At, t.Watched.NextCheck = d.now.Add(-time.Duration(d.IntN(4))*time.Second), d.time()
	case 6:
		t.Confirmed = !t.Confirmed
	case 7:
		t.Leftover = &Leftover{}
	case 8:
		t.Leftover = nil
	}
}

// apply applies some of the decisions, as if the writes of the others had failed.
func (d *drawn) apply(p Plan) {
	for _, t := range p.Transitions {
		if d.chance(4) {
			continue
		}
		d.view.Apply(t, 1, d.now)
		if t.Action == RevokeTask && d.chance(2) {
			d.view.DropAssignment(t.Holder, t.Task)
			d.view.SetPhase(t.Task, Pending, d.now).Attempts++
		}
	}
}

// TestDecide_EqualsTheReference draws views, and changes each of them many times. Decide and
// Explain decide at each step what the reference decides.
func TestDecide_EqualsTheReference(t *testing.T) {
	var seen [Actions]int
	full, moved := 0, 0
	for seed := range uint64(1200) {
		d := draw(seed)
		for step := range 30 {
			for range d.IntN(6) {
				d.change()
			}
			at := fmt.Sprintf("seed %d, step %d", seed, step)
			want, got := refDecide(d.view, d.limits, d.now), Decide(d.view, d.limits, d.now)
			d.sameplan(t, at, got, want)
			all := d.limits
			all.Batch = math.MaxInt
			if whole, look := refDecide(d.view, all, d.now), Explain(d.view, all, d.now); !reflect.DeepEqual(look.Plan, whole) {
				t.Fatalf("%s: Explain decides %v, the reference %v", at, look.Plan, whole)
			}
			d.sameLists(t, at)
			d.sameTouched(t, at)
			for _, one := range got.Transitions {
				seen[one.Action]++
				moved += count(one.Action == RevokeTask && !one.Avoid)
			}
			full += count(len(got.Transitions) == d.limits.Batch)
			if d.chance(2) {
				d.apply(got)
			}
		}
	}
	for a, n := range seen {
		if n < 100 {
			t.Errorf("%v was decided %d times only", Action(a), n)
		}
	}
	if byWall(monotonic) {
		t.Error("no time had a reading of the monotonic clock")
	}
	if full < 1000 || moved < 500 {
		t.Errorf("%d passes were full, and %d residents were moved", full, moved)
	}
	t.Logf("decided: %v; %d passes were full, %d residents were moved", seen, full, moved)
}

// sameplan compares a plan with the reference. A plan that is cut off may wake earlier.
func (d *drawn) sameplan(t *testing.T, at string, got, want Plan) {
	t.Helper()
	if !reflect.DeepEqual(got.Transitions, want.Transitions) {
		t.Fatalf("%s: decided\n%+v, want\n%+v", at, got.Transitions, want.Transitions)
	}
	fences := slices.ContainsFunc(want.Transitions, func(t Transition) bool { return t.Action == FenceWorker })
	cut := len(want.Transitions) >= d.limits.Batch || fences
	early := !got.Wake.IsZero() && (want.Wake.IsZero() || got.Wake.Before(want.Wake))
	if !got.Wake.Equal(want.Wake) && !(cut && early) {
		t.Fatalf("%s: wakes at %v, want %v, after %v", at, got.Wake, want.Wake, got.Transitions)
	}
}

// sameLists compares the lists of the view with what is found by looking at everything.
func (d *drawn) sameLists(t *testing.T, at string) {
	t.Helper()
	v := d.view
	find := func(belongs func(name string, task *TaskView) bool) (names []string) {
		for _, name := range slices.Sorted(maps.Keys(v.tasks)) {
			if belongs(name, v.tasks[name]) {
				names = append(names, name)
			}
		}
		return names
	}
	unconfirmed := find(func(_ string, task *TaskView) bool { return task.Phase == Finished && !task.Confirmed })
	slices.SortFunc(unconfirmed, func(a, b string) int { return cmp.Compare(v.tasks[a].ending, v.tasks[b].ending) })
	skipped := func(name string) bool { return name == "k" || name == "l" }
	watched := find(func(name string, task *TaskView) bool {
		return task.Phase == Assigned && task.Options.HeartbeatTimeout > 0 && !skipped(name)
	})
	var next time.Time
	due := slices.DeleteFunc(slices.Clone(watched), func(name string) bool { return v.tasks[name].Watched.NextCheck.After(d.now) })
	for _, name := range watched {
		if check := v.tasks[name].Watched.NextCheck; check.After(d.now) && (next.IsZero() || check.Before(next)) {
			next = check
		}
	}
	gotDue, gotNext := v.Watched(d.now, skipped)
	if !slices.Equal(gotDue, due) || !gotNext.Equal(next) {
		t.Fatalf("%s: to be checked are %q, next at %v, want %q, %v", at, gotDue, gotNext, due, next)
	}
	for what, list := range map[string]struct{ got, want []string }{
		"pending":     {v.Pending(math.MaxInt), refPending(v)},
		"dirty":       {v.Dirty(math.MaxInt, 0), find(func(_ string, task *TaskView) bool { return task.dirty })},
		"unconfirmed": {v.Unconfirmed(math.MaxInt), unconfirmed},
		"doubtful": {v.Doubtful(), find(func(name string, task *TaskView) bool {
			return task.Phase == Finished && !task.Confirmed && refHeld(v, name)
		})},
		"unprepared": {v.Unprepared(math.MaxInt), find(func(name string, task *TaskView) bool {
			return task.Phase == Finished && v.Wanted(name) && task.Leftover == nil && !refHeld(v, name)
		})},
	} {
		if !slices.Equal(list.got, list.want) {
			t.Fatalf("%s: %s are %q, want %q", at, what, list.got, list.want)
		}
	}
	if some := v.Pending(2); !slices.Equal(some, refPending(v)[:min(2, len(refPending(v)))]) {
		t.Fatalf("%s: first pending are %q of %q", at, some, refPending(v))
	}
}

// sameTouched compares the touched tasks: those that are unread are left for later.
func (d *drawn) sameTouched(t *testing.T, at string) {
	t.Helper()
	if d.chance(3) {
		return
	}
	now, later := maps.Clone(d.view.touchedTasks), map[string]bool{}
	for name := range now {
		if task := d.view.tasks[name]; task != nil && task.Phase == Unread {
			delete(now, name)
			later[name] = true
		}
	}
	if _, got := d.view.TakeTouched(); !maps.Equal(got, now) || !maps.Equal(d.view.touchedTasks, later) {
		t.Fatalf("%s: touched are %v, and later %v, want %v, and later %v", at, got, d.view.touchedTasks, now, later)
	}
}
