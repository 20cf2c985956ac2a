package decide

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func resident(w string) *TaskView {
	return &TaskView{Phase: Assigned, Worker: w, Options: Options{Resident: true}}
}

func leaving(w string) *TaskView {
	t := resident(w)
	t.Revoked = true
	return t
}

func avoiding(w, other string) *TaskView {
	t := resident(w)
	t.Avoid = []string{other}
	return t
}

func aWorker(alive bool, tasks ...string) *workerView {
	w := &workerView{Alive: alive, Known: true, Claimed: true, tasks: map[string]*holding{}, Taken: map[string]time.Time{}}
	for _, t := range tasks {
		w.tasks[t] = nil // indexed has the assignment
	}
	return w
}

// acking is a worker that gives back itself what is taken from it.
func acking(w *workerView) *workerView {
	w.Acks = true
	return w
}

// awaited is a worker that was told to give tasks back, at a time.
func awaited(w *workerView, at time.Time, tasks ...string) *workerView {
	for _, t := range tasks {
		w.Taken[t] = at
	}
	return acking(w)
}

// departing is a worker that has said that it takes no more.
func departing(w *workerView) *workerView {
	w.Retiring = true
	return w
}

var testLimits = Limits{
	PerWorker: 2, MaxAttempts: 3, MaxHandovers: 2, Batch: 100, Strategy: LeastLoaded, Backoff: DefaultBackoff, Retention: time.Minute,
}

// noon is when every decision of these tests is made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// indexed fills in what a view that was written down leaves out.
func indexed(workers map[string]*workerView, tasks map[string]*TaskView) *View {
	v := NewView()
	for name, sketch := range workers {
		w := v.Worker(name)
		x := w.index
		*w = *sketch
		w.index, w.tasks = x, map[string]*holding{}
		for t := range sketch.tasks {
			v.AddAssignment(name, t)
		}
	}
	for name, sketch := range tasks {
		t := v.Task(name)
		*t = *sketch
		t.Phase = Unread
		v.SetOptions(name, t.Options, t.Czxid)
		v.SetPhase(name, sketch.Phase, noon)
		t.Worker, t.Revoked = sketch.Worker, sketch.Revoked
		if !sketch.Done.IsZero() {
			t.Done = sketch.Done
		}
	}
	return v
}

func TestDecide_EachRule(t *testing.T) {
	cases := []struct {
		name    string
		workers map[string]*workerView
		tasks   map[string]*TaskView
		want    []string
		wake    time.Duration // after noon
	}{{
		name:    "pending tasks go to the least loaded, oldest first",
		workers: map[string]*workerView{"a": aWorker(true, "x"), "b": aWorker(true)},
		tasks: map[string]*TaskView{
			"x": {Phase: Assigned, Worker: "a"}, "q": {Phase: Pending, Czxid: 7}, "z": {Phase: Pending, Czxid: 3, Attempts: 1},
		},
		want: []string{"AssignTask z ->b attempt 2", "AssignTask q ->a attempt 1"},
	}, {
		name:    "nobody gets more than the limit",
		workers: map[string]*workerView{"a": aWorker(true, "x", "y")},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned}, "y": {Phase: Assigned}, "z": {Phase: Pending}},
	}, {
		name:    "a dead worker's first attempt is followed by the next at once",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "dead"}},
		want:    []string{"ReassignTask x dead->live attempt 1"},
	}, {
		name:    "but not a later one: the task may be what kills its workers",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "dead", Attempts: 1}},
		want:    []string{"ReleaseTask x dead-> attempt 2"},
	}, {
		name:    "a greater priority comes first, and what is not due waits",
		workers: map[string]*workerView{"w": aWorker(true)},
		tasks: map[string]*TaskView{
			"early": {Phase: Pending, Czxid: 1}, "urgent": {Phase: Pending, Czxid: 2, Options: Options{Priority: 9}},
			"later": {Phase: Pending, Options: Options{Priority: 99}, Due: noon.Add(time.Minute)},
		},
		want: []string{"AssignTask urgent ->w attempt 1", "AssignTask early ->w attempt 1"},
		wake: time.Minute,
	}, {
		name:    "a task's own budget counts",
		workers: map[string]*workerView{"w": aWorker(true)},
		tasks: map[string]*TaskView{
			"one": {Phase: Pending, Attempts: 1, Options: Options{MaxAttempts: 1}}, "ten": {Phase: Pending, Attempts: 9, Options: Options{MaxAttempts: 10}},
		},
		want: []string{"FailTask one -> attempt 1", "AssignTask ten ->w attempt 10"},
	}, {
		name:    "a worker that is silent about a task loses it, and does not get it back",
		workers: map[string]*workerView{"a": aWorker(true, "x", "y"), "b": aWorker(true, "p", "q")},
		tasks: map[string]*TaskView{
			"x": {Phase: Assigned, Worker: "a", Options: Options{HeartbeatTimeout: time.Second}, Watched: progressSeen{At: noon.Add(-2 * time.Second)}},
			"y": {Phase: Assigned, Worker: "a", Options: Options{HeartbeatTimeout: time.Second}, Watched: progressSeen{At: noon.Add(-time.Millisecond)}},
			"p": {Phase: Assigned, Worker: "b"}, "q": {Phase: Assigned, Worker: "b"},
			"z": {Phase: Pending, Avoid: []string{"a"}},
		},
		want: []string{"ReleaseTask x a-> attempt 1"},
		wake: time.Second,
	}, {
		name:    "a worker gets no more than it asks for, and none when it retires",
		workers: map[string]*workerView{"one": {Alive: true, Known: true, Capacity: 1}, "leaves": {Alive: true, Known: true, Retiring: true}},
		tasks:   map[string]*TaskView{"x": {Phase: Pending}, "y": {Phase: Pending}},
		want:    []string{"AssignTask x ->one attempt 1"},
	}, {
		name: "resident tasks are spread evenly, beside the limit",
		workers: map[string]*workerView{
			"a": aWorker(true, "r1", "x", "y"), "b": aWorker(true),
		},
		tasks: map[string]*TaskView{
			"r1": {Phase: Assigned, Worker: "a", Options: Options{Resident: true}}, "r2": {Phase: Pending, Options: Options{Resident: true}},
			"r3": {Phase: Pending, Options: Options{Resident: true}}, "x": {Phase: Assigned, Worker: "a"}, "y": {Phase: Assigned, Worker: "a"},
		},
		want: []string{"AssignTask r2 ->b attempt 1", "AssignTask r3 ->a attempt 1"},
	}, {
		name:    "a worker that joins gets its share, with as few moves as possible",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3"), "b": aWorker(true, "r4", "r5"), "new": aWorker(true)},
		tasks: map[string]*TaskView{
			"r1": resident("a"), "r2": resident("a"), "r3": resident("a"), "r4": resident("b"), "r5": resident("b"),
		},
		want: []string{"RevokeTask r3 ->a attempt 0"},
	}, {
		name:    "what is on the move is not moved again",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4"), "new": aWorker(true)},
		tasks: map[string]*TaskView{
			"r1": resident("a"), "r2": resident("a"), "r3": leaving("a"), "r4": leaving("a"),
		},
	}, {
		name:    "who has the most gives first",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4", "r5", "r6"), "b": aWorker(true), "c": aWorker(true, "s1", "s2", "s3", "s4", "s5")},
		tasks: map[string]*TaskView{
			"r1": resident("a"), "r2": resident("a"), "r3": resident("a"), "r4": resident("a"), "r5": resident("a"), "r6": resident("a"),
			"s1": resident("c"), "s2": resident("c"), "s3": resident("c"), "s4": resident("c"), "s5": resident("c"),
		},
		want: []string{"RevokeTask r6 ->a attempt 0", "RevokeTask r5 ->a attempt 0", "RevokeTask s5 ->c attempt 0"},
	}, {
		name:    "what would come back is not called back, and what would not is",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4"), "b": aWorker(true)},
		tasks:   map[string]*TaskView{"r1": resident("a"), "r2": avoiding("a", "b"), "r3": avoiding("a", "b"), "r4": avoiding("a", "b")},
		want:    []string{"RevokeTask r1 ->a attempt 0"},
	}, {
		name:    "a dead worker's resident tasks move, and never fail",
		workers: map[string]*workerView{"dead": aWorker(false, "r"), "live": aWorker(true)},
		tasks:   map[string]*TaskView{"r": {Phase: Assigned, Worker: "dead", Attempts: 99, Options: Options{Resident: true}}},
		want:    []string{"ReassignTask r dead->live attempt 100"},
	}, {
		name: "a finished task goes when its retention is over",
		tasks: map[string]*TaskView{
			"old": {Phase: Finished, Done: noon.Add(-2 * time.Minute), Leftover: &Leftover{}},
		},
		want: []string{"CollectTask old -> attempt 0"},
		wake: -time.Minute,
	}, {
		name:    "and wait when nobody can take them",
		workers: map[string]*workerView{"dead": aWorker(false, "x")},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "dead"}},
		want:    []string{"ReleaseTask x dead-> attempt 1"},
	}, {
		name:    "the last attempt fails the task",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "dead", Attempts: 2}, "y": {Phase: Pending, Attempts: 3}},
		want:    []string{"FailTask x dead-> attempt 3", "FailTask y -> attempt 3"},
	}, {
		name:    "an assignment of a finished or collected task is dropped",
		workers: map[string]*workerView{"w": aWorker(true, "done", "gone")},
		tasks:   map[string]*TaskView{"done": {Phase: Finished}},
		want:    []string{"DropTask done w-> attempt 0", "DropTask gone w-> attempt 0"},
		wake:    time.Minute, // the retention of what is done
	}, {
		name:    "a worker that gives back is told, and not robbed",
		workers: map[string]*workerView{"w": acking(aWorker(true, "done", "gone", "x"))},
		tasks: map[string]*TaskView{
			"done": {Phase: Finished}, "x": {Phase: Assigned, Worker: "w", Options: Options{HeartbeatTimeout: time.Second}, Watched: progressSeen{At: noon.Add(-2 * time.Second)}},
		},
		want: []string{"TakeTask done ->w attempt 0", "TakeTask gone ->w attempt 0", "TakeTask x ->w attempt 0"},
		wake: time.Minute,
	}, {
		name:    "a finished task that is held beyond its retention wakes nobody",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "done"), noon.Add(-time.Second), "done")},
		tasks:   map[string]*TaskView{"done": {Phase: Finished, Done: noon.Add(-2 * time.Minute), Leftover: &Leftover{}, Options: Options{Resident: true}}},
	}, {
		name:    "a worker that was told is waited for",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "gone"), noon.Add(-time.Second), "gone")},
		wake:    takePatience - time.Second,
	}, {
		name:    "a worker that does not answer loses its claim, once",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "gone", "more"), noon.Add(-takePatience), "gone", "more")},
		tasks:   map[string]*TaskView{"x": {Phase: Pending}},
		want:    []string{"FenceWorker  ->w attempt 0"},
	}, {
		name:    "a worker whose claim was taken is lost",
		workers: map[string]*workerView{"w": {Alive: true, Known: true, Claimed: true, Fenced: true, tasks: map[string]*holding{"x": nil, "gone": nil}}, "v": aWorker(true)},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "w"}},
		want:    []string{"DropTask gone w-> attempt 0", "ReassignTask x w->v attempt 1"},
	}, {
		name:    "an attempt whose worker has left does not count, and goes on at once",
		workers: map[string]*workerView{"gone": departing(aWorker(false, "x")), "lost": aWorker(false, "y"), "v": aWorker(true)},
		tasks: map[string]*TaskView{
			"x": {Phase: Assigned, Worker: "gone", Attempts: 2}, "y": {Phase: Assigned, Worker: "lost", Attempts: 2},
		},
		want: []string{"ReassignTask x gone->v attempt 3", "FailTask y lost-> attempt 3"},
	}, {
		name:    "handovers beyond what is allowed count",
		workers: map[string]*workerView{"gone": departing(aWorker(false, "x"))},
		tasks:   map[string]*TaskView{"x": {Phase: Assigned, Worker: "gone", Attempts: 4, Left: 2}, "y": {Phase: Pending, Attempts: 5, Left: 3}},
		want:    []string{"FailTask x gone-> attempt 5", "FailTask y -> attempt 5"},
	}, {
		name:    "a worker made by hand gets its inbox first",
		workers: map[string]*workerView{"hand": {Alive: true, tasks: map[string]*holding{}}},
		tasks:   map[string]*TaskView{"x": {Phase: Pending}},
		want:    []string{"OpenInbox  ->hand attempt 0"},
	}, {
		name:    "what has not been read is left alone",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*TaskView{"x": {Phase: Unread, Worker: "dead"}, "y": {Phase: Unread}},
	}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p := Decide(indexed(c.workers, c.tasks), testLimits, noon)
			for _, d := range p.Transitions {
				got = append(got, d.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if c.wake == 0 != p.Wake.IsZero() || c.wake != 0 && !p.Wake.Equal(noon.Add(c.wake)) {
				t.Errorf("wakes at %v, want %v after noon", p.Wake, c.wake)
			}
		})
	}
}

// TestActions_Complete: every action has all entries of its row, and a table with a gap is
// refused.
func TestActions_Complete(t *testing.T) {
	if err := checkActions(actionTable[:]); err != nil {
		t.Error(err)
	}
	for a := range actionTable {
		for what, spoil := range map[string]func(*actionRow){
			"no row": func(row *actionRow) { *row = actionRow{} }, "no name": func(row *actionRow) { row.name = "" },
			"no explanation": func(row *actionRow) { row.explain = "" }, "no apply": func(row *actionRow) { row.apply = nil },
			"another's name": func(row *actionRow) { row.name = actionTable[(a+1)%len(actionTable)].name },
		} {
			table := slices.Clone(actionTable[:])
			spoil(&table[a])
			if checkActions(table) == nil {
				t.Errorf("%v with %s is accepted", Action(a), what)
			}
		}
	}
}

// TestDecide_ReadsADoubtfulTaskFirst: one that may have been cancelled is read first.
func TestDecide_ReadsADoubtfulTaskFirst(t *testing.T) {
	v := indexed(map[string]*workerView{"w": aWorker(true)}, map[string]*TaskView{"x": {Phase: Pending}, "y": {Phase: Pending}})
	v.MarkDirty("x")
	p := Decide(v, testLimits, noon)
	if len(p.Transitions) != 1 || p.Transitions[0].Task != "y" {
		t.Errorf("got %v", p.Transitions)
	}
}

// TestStrategy_RefusesOtherWorkers: a strategy gives tasks to a and b, never to c.
func TestStrategy_RefusesOtherWorkers(t *testing.T) {
	notC := func(job Job, workers []Load) string {
		return LeastLoaded(job, slices.DeleteFunc(slices.Clone(workers), func(w Load) bool { return w.Worker == "c" }))
	}
	for name, c := range map[string]struct {
		avoid   []string
		a, b, c []string // what the workers hold; two are as many as they may
		want    string
	}{
		"a task that avoids nobody goes to the least loaded":         {nil, []string{"p"}, nil, nil, "b"},
		"one that avoids a goes to b":                                {[]string{"a"}, nil, []string{"p"}, nil, "b"},
		"one that avoids a and b goes to a, where it was longer ago": {[]string{"a", "b"}, []string{"p"}, nil, nil, "a"},
		"and to b when a has no free place":                          {[]string{"a", "b"}, []string{"p", "q"}, nil, nil, "b"},
		"one that avoids a waits for b while c has no place, either": {[]string{"a"}, nil, []string{"p", "q"}, []string{"r", "s"}, ""},
	} {
		workers := map[string]*workerView{"a": aWorker(true, c.a...), "b": aWorker(true, c.b...), "c": aWorker(true, c.c...)}
		tasks := map[string]*TaskView{"z": {Phase: Pending, Avoid: c.avoid}}
		for w, held := range map[string][]string{"a": c.a, "b": c.b, "c": c.c} {
			for _, task := range held {
				tasks[task] = &TaskView{Phase: Assigned, Worker: w}
			}
		}
		rules := testLimits
		rules.Strategy = notC
		got := ""
		for _, d := range Decide(indexed(workers, tasks), rules, noon).Transitions {
			got = d.To
		}
		if got != c.want {
			t.Errorf("%s: it went to %q, want %q", name, got, c.want)
		}
	}
}

// TestDecide_Settles draws views and checks that deciding and applying, again and
// again, reaches a view with nothing left to decide, in which no live worker holds
// more than its limit, no task is with two workers, none is with a dead one, and no
// resident task could make the spread more even. Workers may all be lost and come back.
func TestDecide_Settles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := NewView()
		names := []string{"a", "b", "c"}
		for _, w := range names {
			worker := v.Worker(w)
			worker.Alive, worker.Known, worker.Claimed = rapid.Bool().Draw(t, w), true, true
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "tasks") {
			name := string(rune('k' + i))
			task := v.Task(name)
			task.Attempts = rapid.Int32Range(0, 3).Draw(t, "attempts")
			options := Options{Resident: rapid.Bool().Draw(t, "resident"), Priority: rapid.IntRange(0, 2).Draw(t, "priority")}
			v.SetOptions(name, options, int64(i))
			task.Avoid = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID[string]).Draw(t, "avoid")
			p := rapid.SampledFrom([]TaskPhase{Pending, Assigned, Finished}).Draw(t, "phase")
			w := rapid.SampledFrom(names).Draw(t, "worker")
			if p == Assigned && v.Worker(w).Held() == testLimits.PerWorker {
				p = Pending
			}
			v.SetPhase(name, p, noon)
			if p == Assigned {
				task.SetHolder(w, noon)
				v.AddAssignment(w, name)
			}
		}
		now := settle(t, v, noon)
		if rapid.Bool().Draw(t, "all come back") {
			for _, w := range names {
				v.Worker(w).Alive = true
			}
			settle(t, v, now)
		}
		holder := map[string]string{}
		for name, w := range v.Workers() {
			residents := refResidents(v, w)
			if w.Alive && w.Held()-len(residents) > testLimits.PerWorker {
				t.Fatalf("%s holds %d", name, w.Held())
			}
			for _, task := range residents {
				for _, other := range names {
					there := v.Worker(other)
					if slices.Contains(mayHold(v, task), other) && len(residents)-len(refResidents(v, there)) > 1 {
						t.Fatalf("%s has %q, and %s has %q, which %s does not avoid", name, residents, other, refResidents(v, there), task)
					}
				}
			}
			for task := range w.tasks {
				if other, twice := holder[task]; twice {
					t.Fatalf("%s is with %s and %s", task, other, name)
				}
				if holder[task] = name; !w.Alive {
					t.Fatalf("%s is with %s, which is dead", task, name)
				}
			}
		}
	})
}

// mayHold lists the live workers that a task does not avoid. If it avoids all of them it
// does not avoid them any more, but for the one that it came to avoid last, unless that is
// the only one.
func mayHold(v *View, task string) (names []string) {
	avoid := v.Task(task).Avoid
	for _, out := range [][]string{avoid, avoid[max(len(avoid)-1, 0):], nil} {
		for name, w := range v.Workers() {
			if w.Alive && !slices.Contains(out, name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			break
		}
	}
	return names
}

// TestDecide_SpreadsReturningResidents: that a worker was the last to be lost is not held
// against it when all have come back.
func TestDecide_SpreadsReturningResidents(t *testing.T) {
	v := indexed(map[string]*workerView{"a": aWorker(false), "b": aWorker(false, "r1", "r2")}, map[string]*TaskView{"r1": resident("b"), "r2": resident("b")})
	now := settle(t, v, noon)
	v.Worker("a").Alive, v.Worker("b").Alive = true, true
	settle(t, v, now)
	if a, b := refResidents(v, v.Worker("a")), refResidents(v, v.Worker("b")); len(a) != 1 || len(b) != 1 {
		t.Errorf("a has %q, b has %q", a, b)
	}
}

// settle decides and applies until nothing is left to decide, and returns when that is.
// What is called back is given back, and seconds pass for the back-off.
func settle(t rapid.TB, v *View, now time.Time) time.Time {
	for rounds := 0; ; now = now.Add(time.Second) {
		first, again := Decide(v, testLimits, now), Decide(v, testLimits, now)
		if !reflect.DeepEqual(first, again) {
			t.Fatalf("same view, other decisions: %v, %v", first, again)
		}
		leavesNothingUnexplained(t, v, first, now)
		backing := slices.ContainsFunc(v.Pending(math.MaxInt), func(name string) bool { return v.tasks[name].Due.After(now) })
		if len(first.Transitions) == 0 && !backing {
			return now
		}
		if len(first.Transitions) > 0 {
			rounds++
		}
		if rounds > 20 {
			t.Fatalf("does not settle: %v", first)
		}
		for _, d := range first.Transitions {
			v.Apply(d, 1, now)
			if d.Action == RevokeTask { // and the worker gives it back
				v.DropAssignment(d.Holder, d.Task)
				v.SetPhase(d.Task, Pending, now).Attempts++
			}
		}
	}
}

// leavesNothingUnexplained checks that Explain decides what Decide does, and has a reason for
// every unfinished task that it leaves as it is.
func leavesNothingUnexplained(t rapid.TB, v *View, decided Plan, now time.Time) {
	look := Explain(v, testLimits, now)
	if !reflect.DeepEqual(look.Plan, decided) {
		t.Fatalf("Explain decides %v, Decide %v", look.Plan, decided)
	}
	for name, task := range v.tasks {
		moves := slices.ContainsFunc(decided.Transitions, func(d Transition) bool { return d.Task == name })
		if hold := look.Holds[name]; task.Phase != Finished && moves != (hold.Why == Decided) {
			t.Fatalf("%s: its hold is %+v, and it is moved: %v", name, hold, moves)
		}
	}
}

// TestExplain_SaysWhyATaskStays: each reason, with the worker or the time that it names.
func TestExplain_SaysWhyATaskStays(t *testing.T) {
	full := func() *workerView { return aWorker(true, "a", "b") }
	quarantined := func() *workerView { w := aWorker(true, "x"); w.Quarantined = true; return w }
	fenced := func() *workerView { w := acking(aWorker(true, "x")); w.Fenced = true; return w }
	sticky := func(Job, []Load) string { return "full" }
	due := noon.Add(time.Second)
	assigned := &TaskView{Phase: Assigned}
	for _, one := range []struct {
		hold     Hold
		workers  map[string]*workerView
		task     *TaskView
		strategy Strategy
	}{
		{Hold{Why: NotDue, Until: due}, nil, &TaskView{Phase: Pending, Due: due}, LeastLoaded},
		{Hold{Why: NoWorkerTakes}, map[string]*workerView{"w": departing(aWorker(true))}, &TaskView{Phase: Pending}, LeastLoaded},
		{Hold{Why: AllFull}, map[string]*workerView{"full": full()}, &TaskView{Phase: Pending}, LeastLoaded},
		{Hold{Why: OthersAreFull}, map[string]*workerView{"full": full(), "w": aWorker(true)}, &TaskView{Phase: Pending, Avoid: []string{"w"}}, LeastLoaded},
		{Hold{Why: StrategyWaits, Worker: "full"}, map[string]*workerView{"full": full(), "w": aWorker(true)}, &TaskView{Phase: Pending}, sticky},
		{Hold{Why: Executed, Worker: "w"}, map[string]*workerView{"w": aWorker(true, "x")}, assigned, LeastLoaded},
		{Hold{Why: HandlerRuns, Worker: "w"}, map[string]*workerView{"w": fenced()}, resident("w"), LeastLoaded},
		{Hold{Why: Returned, Worker: "w"}, map[string]*workerView{"w": awaited(aWorker(true, "x"), noon, "x")}, &TaskView{Phase: Finished}, LeastLoaded},
		{Hold{Why: HolderQuarantined, Worker: "w"}, map[string]*workerView{"w": quarantined()}, assigned, LeastLoaded},
	} {
		tasks := map[string]*TaskView{"a": {Phase: Assigned}, "b": {Phase: Assigned}, "x": one.task}
		limits := testLimits
		limits.Strategy = one.strategy
		v := indexed(one.workers, tasks)
		if got := Explain(v, limits, noon).Holds["x"]; got != one.hold {
			t.Errorf("%+v, want %+v", got, one.hold)
		}
	}
}

// TestView_ForgetsCollectedTasks: clients collect all tasks but the first.
func TestView_ForgetsCollectedTasks(t *testing.T) {
	v, now := NewView(), noon
	v.SetPhase("first", Finished, now)
	for n := range 50 * spareEndings {
		name := strconv.Itoa(n)
		v.SetPhase(name, Finished, now)
		v.Forget(name)
	}
	v.SetPhase("last", Finished, now)
	if len(v.endings) > 2*spareEndings {
		t.Errorf("%d endings are kept of 2 tasks", len(v.endings))
	}
	if got := v.Unconfirmed(10); !slices.Equal(got, []string{"first", "last"}) {
		t.Errorf("finished are %q", got)
	}
}
