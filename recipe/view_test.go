package recipe

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func aWorker(alive bool, tasks ...string) *workerView {
	w := &workerView{alive: alive, known: true, tasks: map[string]bool{}}
	for _, t := range tasks {
		w.tasks[t] = true
	}
	return w
}

var testLimits = limits{perWorker: 2, maxAttempts: 3, batch: 100}

func TestDecide(t *testing.T) {
	cases := []struct {
		name string
		view view
		want []string
	}{{
		name: "pending tasks go to the least loaded, oldest first",
		view: view{
			workers: map[string]*workerView{"a": aWorker(true, "x"), "b": aWorker(true)},
			tasks: map[string]*taskView{
				"x": {phase: assigned, worker: "a"}, "task-q-0000000007": {phase: pending}, "task-z-0000000003": {phase: pending, attempts: 1},
			},
		},
		want: []string{"AssignTask task-z-0000000003 ->b attempt 2", "AssignTask task-q-0000000007 ->a attempt 1"},
	}, {
		name: "nobody gets more than the limit",
		view: view{
			workers: map[string]*workerView{"a": aWorker(true, "x", "y")},
			tasks:   map[string]*taskView{"x": {phase: assigned}, "y": {phase: assigned}, "z": {phase: pending}},
		},
	}, {
		name: "a dead worker's tasks move, with the attempt counted",
		view: view{
			workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
			tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead", attempts: 1}},
		},
		want: []string{"ReassignTask x dead->live attempt 2"},
	}, {
		name: "and wait when nobody can take them",
		view: view{
			workers: map[string]*workerView{"dead": aWorker(false, "x")},
			tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead"}},
		},
		want: []string{"ReleaseTask x dead-> attempt 1"},
	}, {
		name: "the last attempt fails the task",
		view: view{
			workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
			tasks:   map[string]*taskView{"x": {phase: assigned, worker: "dead", attempts: 2}, "y": {phase: pending, attempts: 3}},
		},
		want: []string{"FailTask x dead-> attempt 3", "FailTask y -> attempt 3"},
	}, {
		name: "an assignment of a finished or collected task is dropped",
		view: view{
			workers: map[string]*workerView{"w": aWorker(true, "done", "gone")},
			tasks:   map[string]*taskView{"done": {phase: finished}},
		},
		want: []string{"DropTask done w-> attempt 0", "DropTask gone w-> attempt 0"},
	}, {
		name: "a worker made by hand gets its inbox first",
		view: view{
			workers: map[string]*workerView{"hand": {alive: true, tasks: map[string]bool{}}},
			tasks:   map[string]*taskView{"x": {phase: pending}},
		},
		want: []string{"OpenInbox  ->hand attempt 0"},
	}, {
		name: "what has not been read is left alone",
		view: view{
			workers: map[string]*workerView{"dead": aWorker(false, "x"), "live": aWorker(true)},
			tasks:   map[string]*taskView{"x": {phase: unread, worker: "dead"}, "y": {phase: unread}},
		},
	}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, d := range decide(&c.view, testLimits) {
				got = append(got, d.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestDecideSettles draws views and checks that deciding and applying, again and
// again, reaches a view with nothing left to decide, in which no live worker holds
// more than its limit, no task is with two workers and none is with a dead one.
func TestDecideSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newView()
		for _, w := range []string{"a", "b", "c"} {
			v.workers[w] = aWorker(rapid.Bool().Draw(t, w), []string{}...)
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "tasks") {
			name := string(rune('k' + i))
			task := v.task(name)
			task.attempts = rapid.Int32Range(0, 3).Draw(t, "attempts")
			task.phase = rapid.SampledFrom([]phase{pending, assigned, finished}).Draw(t, "phase")
			if task.phase == assigned {
				w := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "worker")
				if len(v.workers[w].tasks) == testLimits.perWorker {
					task.phase = pending
					continue
				}
				task.worker = w
				v.workers[w].tasks[name] = true
			}
		}
		for round := 0; ; round++ {
			first, again := decide(v, testLimits), decide(v, testLimits)
			if !reflect.DeepEqual(first, again) {
				t.Fatalf("same view, other decisions: %v, %v", first, again)
			}
			if len(first) == 0 {
				break
			}
			if round > 20 {
				t.Fatalf("does not settle: %v", first)
			}
			for _, d := range first {
				v.apply(d)
			}
		}
		holder := map[string]string{}
		for name, w := range v.workers {
			if w.alive && len(w.tasks) > testLimits.perWorker {
				t.Fatalf("%s holds %d", name, len(w.tasks))
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

func TestByAge(t *testing.T) {
	names := []string{"task-b-0000000002", "task-a-0000000010", "byhand", "task-c--000000001"}
	slices.SortFunc(names, byAge)
	want := []string{"byhand", "task-c--000000001", "task-b-0000000002", "task-a-0000000010"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
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
		if _, err := newLayout(bad); err == nil {
			t.Errorf("namespace %q was accepted", bad)
		}
	}
	l, err := newLayout("/a/b")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.parents(), []string{"/a", "/a/b", "/a/b/workers", "/a/b/tasks", "/a/b/assign"}; !slices.Equal(got, want) {
		t.Errorf("parents %q, want %q", got, want)
	}
}
