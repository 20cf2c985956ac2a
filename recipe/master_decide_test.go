package recipe

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func resident(w string) *taskView {
	return &taskView{phase: assigned, worker: w, options: Options{Resident: true}}
}

func leaving(w string) *taskView {
	t := resident(w)
	t.revoked = true
	return t
}

func avoiding(w, other string) *taskView {
	t := resident(w)
	t.avoid = []string{other}
	return t
}

func aWorker(alive bool, tasks ...string) *workerView {
	w := &workerView{alive: alive, known: true, claimed: true, tasks: map[string]bool{}, taken: map[string]time.Time{}}
	for _, t := range tasks {
		w.tasks[t] = true
	}
	return w
}

// acking is a worker that gives back itself what is taken from it.
func acking(w *workerView) *workerView {
	w.acks = true
	return w
}

// awaited is a worker that was told to give tasks back, at a time.
func awaited(w *workerView, at time.Time, tasks ...string) *workerView {
	for _, t := range tasks {
		w.taken[t] = at
	}
	return acking(w)
}

// departing is a worker that has said that it takes no more.
func departing(w *workerView) *workerView {
	w.retiring = true
	return w
}

var testLimits = limits{
	perWorker: 2, maxAttempts: 3, maxHandovers: 2, batch: 100, strategy: LeastLoaded, backoff: defaultBackoff, retention: time.Minute,
}

// noon is when every decision of these tests is made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// indexed fills in what a view that was written down leaves out.
func indexed(workers map[string]*workerView, tasks map[string]*taskView) *view {
	v := newView()
	for name, w := range workers {
		v.workers[name] = w
	}
	for name, t := range tasks {
		p, done := t.phase, t.done
		t.phase = unread
		v.tasks[name] = t
		v.counts[unread]++
		worker := t.worker
		v.setOptions(name, t.options, t.czxid)
		v.setPhase(name, p, noon)
		delete(v.dirty, name)
		t.worker = worker
		if !done.IsZero() {
			t.done = done
		}
	}
	return v
}

func TestDecide(t *testing.T) {
	cases := []struct {
		name    string
		workers map[string]*workerView
		tasks   map[string]*taskView
		want    []string
		wake    time.Duration // after noon
	}{{
		name:    "pending tasks go to the least loaded, oldest first",
		workers: map[string]*workerView{"a": aWorker(true, "x"), "b": aWorker(true)},
		tasks: map[string]*taskView{
			"x": {phase: assigned, worker: "a"}, "q": {phase: pending, czxid: 7}, "z": {phase: pending, czxid: 3, attempts: 1},
		},
		want: []string{"AssignTask z ->b attempt 2", "AssignTask q ->a attempt 1"},
	}, {
		name:    "nobody gets more than the limit",
		workers: map[string]*workerView{"a": aWorker(true, "x", "y")},
		tasks:   map[string]*taskView{"x": {phase: assigned}, "y": {phase: assigned}, "z": {phase: pending}},
	}, {
		name:    "a dead worker's first attempt is followed by the next at once",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead"}},
		want:    []string{"ReassignTask x dead->live attempt 1"},
	}, {
		name:    "but not a later one: the task may be what kills its workers",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead", attempts: 1}},
		want:    []string{"ReleaseTask x dead-> attempt 2"},
	}, {
		name:    "a greater priority comes first, and what is not due waits",
		workers: map[string]*workerView{"w": aWorker(true)},
		tasks: map[string]*taskView{
			"early": {phase: pending, czxid: 1}, "urgent": {phase: pending, czxid: 2, options: Options{Priority: 9}},
			"later": {phase: pending, options: Options{Priority: 99}, due: noon.Add(time.Minute)},
		},
		want: []string{"AssignTask urgent ->w attempt 1", "AssignTask early ->w attempt 1"},
		wake: time.Minute,
	}, {
		name:    "a task's own budget counts",
		workers: map[string]*workerView{"w": aWorker(true)},
		tasks: map[string]*taskView{
			"one": {phase: pending, attempts: 1, options: Options{MaxAttempts: 1}}, "ten": {phase: pending, attempts: 9, options: Options{MaxAttempts: 10}},
		},
		want: []string{"FailTask one -> attempt 1", "AssignTask ten ->w attempt 10"},
	}, {
		name:    "a worker that is silent about a task loses it, and does not get it back",
		workers: map[string]*workerView{"a": aWorker(true, "x", "y"), "b": aWorker(true, "p", "q")},
		tasks: map[string]*taskView{
			"x": {phase: assigned, worker: "a", options: Options{HeartbeatTimeout: time.Second}, watched: progressSeen{at: noon.Add(-2 * time.Second)}},
			"y": {phase: assigned, worker: "a", options: Options{HeartbeatTimeout: time.Second}, watched: progressSeen{at: noon.Add(-time.Millisecond)}},
			"p": {phase: assigned, worker: "b"}, "q": {phase: assigned, worker: "b"},
			"z": {phase: pending, avoid: []string{"a"}},
		},
		want: []string{"ReleaseTask x a-> attempt 1"},
		wake: time.Second,
	}, {
		name:    "a worker gets no more than it asks for, and none when it retires",
		workers: map[string]*workerView{"one": {alive: true, known: true, capacity: 1}, "leaves": {alive: true, known: true, retiring: true}},
		tasks:   map[string]*taskView{"x": {phase: pending}, "y": {phase: pending}},
		want:    []string{"AssignTask x ->one attempt 1"},
	}, {
		name: "resident tasks are spread evenly, beside the limit",
		workers: map[string]*workerView{
			"a": aWorker(true, "r1", "x", "y"), "b": aWorker(true),
		},
		tasks: map[string]*taskView{
			"r1": {phase: assigned, worker: "a", options: Options{Resident: true}}, "r2": {phase: pending, options: Options{Resident: true}},
			"r3": {phase: pending, options: Options{Resident: true}}, "x": {phase: assigned, worker: "a"}, "y": {phase: assigned, worker: "a"},
		},
		want: []string{"AssignTask r2 ->b attempt 1", "AssignTask r3 ->a attempt 1"},
	}, {
		name:    "a worker that joins gets its share, with as few moves as possible",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3"), "b": aWorker(true, "r4", "r5"), "new": aWorker(true)},
		tasks: map[string]*taskView{
			"r1": resident("a"), "r2": resident("a"), "r3": resident("a"), "r4": resident("b"), "r5": resident("b"),
		},
		want: []string{"RevokeTask r3 ->a attempt 0"},
	}, {
		name:    "what is on the move is not moved again",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4"), "new": aWorker(true)},
		tasks: map[string]*taskView{
			"r1": resident("a"), "r2": resident("a"), "r3": leaving("a"), "r4": leaving("a"),
		},
	}, {
		name:    "who has the most gives first",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4", "r5", "r6"), "b": aWorker(true), "c": aWorker(true, "s1", "s2", "s3", "s4", "s5")},
		tasks: map[string]*taskView{
			"r1": resident("a"), "r2": resident("a"), "r3": resident("a"), "r4": resident("a"), "r5": resident("a"), "r6": resident("a"),
			"s1": resident("c"), "s2": resident("c"), "s3": resident("c"), "s4": resident("c"), "s5": resident("c"),
		},
		want: []string{"RevokeTask r6 ->a attempt 0", "RevokeTask r5 ->a attempt 0", "RevokeTask s5 ->c attempt 0"},
	}, {
		name:    "what would come back is not called back, and what would not is",
		workers: map[string]*workerView{"a": aWorker(true, "r1", "r2", "r3", "r4"), "b": aWorker(true)},
		tasks:   map[string]*taskView{"r1": resident("a"), "r2": avoiding("a", "b"), "r3": avoiding("a", "b"), "r4": avoiding("a", "b")},
		want:    []string{"RevokeTask r1 ->a attempt 0"},
	}, {
		name:    "a dead worker's resident tasks move, and never fail",
		workers: map[string]*workerView{"dead": aWorker(false, "r"), "live": aWorker(true)},
		tasks:   map[string]*taskView{"r": {phase: assigned, worker: "dead", attempts: 99, options: Options{Resident: true}}},
		want:    []string{"ReassignTask r dead->live attempt 100"},
	}, {
		name: "a finished task goes when its retention is over",
		tasks: map[string]*taskView{
			"old": {phase: finished, done: noon.Add(-2 * time.Minute), leftover: &leftover{}},
		},
		want: []string{"CollectTask old -> attempt 0"},
		wake: -time.Minute,
	}, {
		name:    "and wait when nobody can take them",
		workers: map[string]*workerView{"dead": aWorker(false, "x")},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead"}},
		want:    []string{"ReleaseTask x dead-> attempt 1"},
	}, {
		name:    "the last attempt fails the task",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead", attempts: 2}, "y": {phase: pending, attempts: 3}},
		want:    []string{"FailTask x dead-> attempt 3", "FailTask y -> attempt 3"},
	}, {
		name:    "an assignment of a finished or collected task is dropped",
		workers: map[string]*workerView{"w": aWorker(true, "done", "gone")},
		tasks:   map[string]*taskView{"done": {phase: finished}},
		want:    []string{"DropTask done w-> attempt 0", "DropTask gone w-> attempt 0"},
		wake:    time.Minute, // the retention of what is done
	}, {
		name:    "a worker that gives back is told, and not robbed",
		workers: map[string]*workerView{"w": acking(aWorker(true, "done", "gone", "x"))},
		tasks: map[string]*taskView{
			"done": {phase: finished}, "x": {phase: assigned, worker: "w", options: Options{HeartbeatTimeout: time.Second}, watched: progressSeen{at: noon.Add(-2 * time.Second)}},
		},
		want: []string{"TakeTask done ->w attempt 0", "TakeTask gone ->w attempt 0", "TakeTask x ->w attempt 0"},
		wake: time.Minute,
	}, {
		name:    "a finished task that is held beyond its retention wakes nobody",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "done"), noon.Add(-time.Second), "done")},
		tasks:   map[string]*taskView{"done": {phase: finished, done: noon.Add(-2 * time.Minute), leftover: &leftover{}, options: Options{Resident: true}}},
	}, {
		name:    "a worker that was told is waited for",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "gone"), noon.Add(-time.Second), "gone")},
		wake:    takePatience - time.Second,
	}, {
		name:    "a worker that does not answer loses its claim, once",
		workers: map[string]*workerView{"w": awaited(aWorker(true, "gone", "more"), noon.Add(-takePatience), "gone", "more")},
		tasks:   map[string]*taskView{"x": {phase: pending}},
		want:    []string{"FenceWorker  ->w attempt 0"},
	}, {
		name:    "a worker whose claim was taken is lost",
		workers: map[string]*workerView{"w": {alive: true, known: true, claimed: true, fenced: true, tasks: map[string]bool{"x": true, "gone": true}}, "v": aWorker(true)},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "w"}},
		want:    []string{"DropTask gone w-> attempt 0", "ReassignTask x w->v attempt 1"},
	}, {
		name:    "an attempt whose worker has left does not count, and goes on at once",
		workers: map[string]*workerView{"gone": departing(aWorker(false, "x")), "lost": aWorker(false, "y"), "v": aWorker(true)},
		tasks: map[string]*taskView{
			"x": {phase: assigned, worker: "gone", attempts: 2}, "y": {phase: assigned, worker: "lost", attempts: 2},
		},
		want: []string{"ReassignTask x gone->v attempt 3", "FailTask y lost-> attempt 3"},
	}, {
		name:    "handovers beyond what is allowed count",
		workers: map[string]*workerView{"gone": departing(aWorker(false, "x"))},
		tasks:   map[string]*taskView{"x": {phase: assigned, worker: "gone", attempts: 4, left: 2}, "y": {phase: pending, attempts: 5, left: 3}},
		want:    []string{"FailTask x gone-> attempt 5", "FailTask y -> attempt 5"},
	}, {
		name:    "a worker made by hand gets its inbox first",
		workers: map[string]*workerView{"hand": {alive: true, tasks: map[string]bool{}}},
		tasks:   map[string]*taskView{"x": {phase: pending}},
		want:    []string{"OpenInbox  ->hand attempt 0"},
	}, {
		name:    "what has not been read is left alone",
		workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
		tasks:   map[string]*taskView{"x": {phase: unread, worker: "dead"}, "y": {phase: unread}},
	}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			p := decide(indexed(c.workers, c.tasks), testLimits, noon)
			for _, d := range p.transitions {
				got = append(got, d.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if c.wake == 0 != p.wake.IsZero() || c.wake != 0 && !p.wake.Equal(noon.Add(c.wake)) {
				t.Errorf("wakes at %v, want %v after noon", p.wake, c.wake)
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
				t.Errorf("%v with %s is accepted", action(a), what)
			}
		}
	}
}

// TestWrites_Complete is the same for how actions are written.
func TestWrites_Complete(t *testing.T) {
	if err := checkWrites(writeTable[:]); err != nil {
		t.Error(err)
	}
	for a := range writeTable {
		for what, spoil := range map[string]func(*writeRow){
			"no row": func(row *writeRow) { *row = writeRow{} }, "no operations": func(row *writeRow) { row.ops = nil },
			"no subject":                   func(row *writeRow) { row.subject = "" },
			"a notice of what is not read": func(row *writeRow) { row.notifies, row.reads = true, false },
		} {
			table := slices.Clone(writeTable[:])
			spoil(&table[a])
			if checkWrites(table) == nil {
				t.Errorf("%v with %s is accepted", action(a), what)
			}
		}
	}
}

// TestDoubtedTasksAreNotAssigned: one that may have been cancelled is read first.
func TestDoubtedTasksAreNotAssigned(t *testing.T) {
	v := indexed(map[string]*workerView{"w": aWorker(true)}, map[string]*taskView{"x": {phase: pending}, "y": {phase: pending}})
	v.dirty["x"] = true
	p := decide(v, testLimits, noon)
	if len(p.transitions) != 1 || p.transitions[0].task != "y" {
		t.Errorf("got %v", p.transitions)
	}
}

// TestStrategy_RefusesTheOthers: a strategy gives tasks to a and b, never to c.
func TestStrategy_RefusesTheOthers(t *testing.T) {
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
		tasks := map[string]*taskView{"z": {phase: pending, avoid: c.avoid}}
		for w, held := range map[string][]string{"a": c.a, "b": c.b, "c": c.c} {
			for _, task := range held {
				tasks[task] = &taskView{phase: assigned, worker: w}
			}
		}
		rules := testLimits
		rules.strategy = notC
		got := ""
		for _, d := range decide(indexed(workers, tasks), rules, noon).transitions {
			got = d.to
		}
		if got != c.want {
			t.Errorf("%s: it went to %q, want %q", name, got, c.want)
		}
	}
}

// TestDecideSettles draws views and checks that deciding and applying, again and
// again, reaches a view with nothing left to decide, in which no live worker holds
// more than its limit, no task is with two workers, none is with a dead one, and no
// resident task could make the spread more even. Workers may all be lost and come back.
func TestDecideSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newView()
		names := []string{"a", "b", "c"}
		for _, w := range names {
			v.workers[w] = aWorker(rapid.Bool().Draw(t, w), []string{}...)
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "tasks") {
			name := string(rune('k' + i))
			task := v.task(name)
			task.attempts = rapid.Int32Range(0, 3).Draw(t, "attempts")
			options := Options{Resident: rapid.Bool().Draw(t, "resident"), Priority: rapid.IntRange(0, 2).Draw(t, "priority")}
			v.setOptions(name, options, int64(i))
			task.avoid = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID[string]).Draw(t, "avoid")
			p := rapid.SampledFrom([]phase{pending, assigned, finished}).Draw(t, "phase")
			w := rapid.SampledFrom(names).Draw(t, "worker")
			if p == assigned && len(v.workers[w].tasks) == testLimits.perWorker {
				p = pending
			}
			v.setPhase(name, p, noon)
			if p == assigned {
				task.setHolder(w, noon)
				v.workers[w].tasks[name] = true
			}
		}
		now := settle(t, v, noon)
		if rapid.Bool().Draw(t, "all come back") {
			for _, w := range names {
				v.workers[w].alive = true
			}
			settle(t, v, now)
		}
		holder := map[string]string{}
		for name, w := range v.workers {
			residents := v.residentsOf(w)
			if w.alive && len(w.tasks)-len(residents) > testLimits.perWorker {
				t.Fatalf("%s holds %d", name, len(w.tasks))
			}
			for _, task := range residents {
				for _, other := range names {
					there := v.workers[other]
					if slices.Contains(mayHold(v, task), other) && len(residents)-len(v.residentsOf(there)) > 1 {
						t.Fatalf("%s has %q, and %s has %q, which %s does not avoid", name, residents, other, v.residentsOf(there), task)
					}
				}
			}
			for task := range w.tasks {
				if other, twice := holder[task]; twice {
					t.Fatalf("%s is with %s and %s", task, other, name)
				}
				if holder[task] = name; !w.alive {
					t.Fatalf("%s is with %s, which is dead", task, name)
				}
			}
		}
	})
}

// mayHold lists the live workers that a task does not avoid. If it avoids all of them it
// does not avoid them any more, but for the one that it came to avoid last, unless that is
// the only one.
func mayHold(v *view, task string) (names []string) {
	avoid := v.tasks[task].avoid
	for _, out := range [][]string{avoid, avoid[max(len(avoid)-1, 0):], nil} {
		for name, w := range v.workers {
			if w.alive && !slices.Contains(out, name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			break
		}
	}
	return names
}

// TestResidentsComeBackEvenly: that a worker was the last to be lost is not held
// against it when all have come back.
func TestResidentsComeBackEvenly(t *testing.T) {
	v := indexed(map[string]*workerView{"a": aWorker(false), "b": aWorker(false, "r1", "r2")}, map[string]*taskView{"r1": resident("b"), "r2": resident("b")})
	now := settle(t, v, noon)
	v.workers["a"].alive, v.workers["b"].alive = true, true
	settle(t, v, now)
	if a, b := v.residentsOf(v.workers["a"]), v.residentsOf(v.workers["b"]); len(a) != 1 || len(b) != 1 {
		t.Errorf("a has %q, b has %q", a, b)
	}
}

// settle decides and applies until nothing is left to decide, and returns when that is.
// What is called back is given back, and seconds pass for the back-off.
func settle(t rapid.TB, v *view, now time.Time) time.Time {
	for rounds := 0; ; now = now.Add(time.Second) {
		first, again := decide(v, testLimits, now), decide(v, testLimits, now)
		if !reflect.DeepEqual(first, again) {
			t.Fatalf("same view, other decisions: %v, %v", first, again)
		}
		backing := slices.ContainsFunc(v.pending(), func(name string) bool { return v.tasks[name].due.After(now) })
		if len(first.transitions) == 0 && !backing {
			return now
		}
		if len(first.transitions) > 0 {
			rounds++
		}
		if rounds > 20 {
			t.Fatalf("does not settle: %v", first)
		}
		for _, d := range first.transitions {
			v.apply(d, 1, now)
			if d.action == revokeTask { // and the worker gives it back
				delete(v.worker(d.holder).tasks, d.task)
				v.setPhase(d.task, pending, now).attempts++
			}
		}
	}
}

func TestStatusIsReadableAndComplete(t *testing.T) {
	for _, s := range []Status{
		{State: Done, Result: Result("hello"), Worker: "w1", Token: Token{Epoch: 3, Attempt: 2}},
		{State: Done, Result: Result{0xff, 0, 1}, Worker: "w1"},
		{State: Failed, Result: Result{}, Reason: "no"},
		{State: Done, Result: Result("<a> & \"b\"\n\x00\x01")},
	} {
		if got := decodeStatus(s.encode()); !reflect.DeepEqual(got, s) {
			t.Errorf("got %+v, want %+v", got, s)
		}
	}
	if got := decodeStatus([]byte("done by hand")); got.State != Done || string(got.Result) != "done by hand" {
		t.Errorf("a status written by hand: %+v", got)
	}
}

// TestAResultNeverGrowsMuch stores the largest results of the worst bytes: what a
// handler may return must fit into a write.
func TestAResultNeverGrowsMuch(t *testing.T) {
	for _, worst := range []string{"\x00", "\xff", "<", "\"", "\\", "\n", "\u2028", "x"} {
		result := Result(strings.Repeat(worst, MaxResult/len(worst)))
		if size := len(Status{State: Done, Result: result}.encode()); size > maxMultiBytes+1000 {
			t.Errorf("%d bytes of %q are stored in %d", len(result), worst, size)
		}
	}
}

func TestNamesAndNamespaces(t *testing.T) {
	for _, bad := range []string{"", "a/b", "../x", ".hidden", "a b", "a-b"} {
		if checkName("worker name", bad) == nil && bad != "a-b" {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, bad := range []string{"billing", "/billing/", "/a//b"} {
		if _, err := newLayout(bad, Access{}); err == nil {
			t.Errorf("namespace %q was accepted", bad)
		}
	}
	l, err := newLayout("/a/b", Access{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range l.parents() {
		got = append(got, p.path)
	}
	if want := []string{"/a/b/workers", "/a/b/tasks", "/a/b/assign", "/a/b/candidates", "/a/b/backlog", "/a/b/quarantine", "/a/b/format", "/a/b/collect"}; !slices.Equal(got, want) {
		t.Errorf("parents %q, want %q", got, want)
	}
}

// TestEndingsOfCollectedTasksAreForgotten: clients collect all tasks but the first.
func TestEndingsOfCollectedTasksAreForgotten(t *testing.T) {
	v, now := newView(), time.Now()
	v.setPhase("first", finished, now)
	for n := range 50 * spareEndings {
		name := strconv.Itoa(n)
		v.setPhase(name, finished, now)
		v.forget(name)
	}
	v.setPhase("last", finished, now)
	if len(v.endings) > 2*spareEndings {
		t.Errorf("%d endings are kept of 2 tasks", len(v.endings))
	}
	if got := v.unconfirmed(10); !slices.Equal(got, []string{"first", "last"}) {
		t.Errorf("finished are %q", got)
	}
}
