package explore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The worlds of these tests are toys: a counter that several processes increase,
// by a lock or by versions, rightly or wrongly.

// counting judges a counter: it is never increased by a process that read it before
// another process increased it.
type counting struct{ goal string }

func (counting) Write(w Write) []Violation {
	if w.Err == nil && w.Op.Kind == zkapi.KindSet && w.Op.Path == "/n" {
		n, _ := w.Before.Read(zkapi.Get("/n"))
		if before := string(n.Data); len(w.Op.Data) != len(before)+1 {
			return []Violation{{"NoLostUpdate", fmt.Sprintf("%q is followed by %q", before, w.Op.Data)}}
		}
	}
	return nil
}

func (counting) State(View) []Violation { return nil }
func (c counting) Goal(v View) bool {
	n, _ := v.Tree.Read(zkapi.Get("/n"))
	return string(n.Data) == c.goal
}
func (counting) Seen(w Write) []string { return []string{w.Op.Kind.String()} }

// patient judges only whether the goal is reached.
type patient struct{ Judge }

func (patient) Write(Write) []Violation { return nil }

// aimless takes every state for the goal.
type aimless struct{ Judge }

func (aimless) Goal(View) bool { return true }

func toy(processes int, bounds Bounds, program Program) *World {
	tree, _, _, _ := zk.NewStructuralTree().Write(zkapi.Create("/n", nil, zkapi.Persistent), 0)
	w := &World{Tree: tree, Bounds: bounds, Judge: counting{strings.Repeat("x", processes)}}
	for i := range processes {
		w.Processes = append(w.Processes, Process{Name: fmt.Sprintf("p%d", i+1), Program: program})
	}
	return w
}

// byVersion increases the counter under its version. It tries again if another process was
// faster, and gives up if the write may have been applied.
func byVersion(ctx context.Context, host Host) {
	session, err := host.Open(ctx)
	for err == nil {
		zkapi.Checkpoint(host, "try", session)
		var n zkapi.Result
		if n, err = session.Do(ctx, zkapi.Get("/n")); err != nil {
			break
		}
		_, err = session.Do(ctx, zkapi.Set("/n", slices.Concat(n.Data, []byte("x")), n.Stat.Version))
		switch {
		case err == nil:
			return
		case zkapi.FateOf(err) == zkapi.NotApplied && session.Cause() == nil:
			err = nil
		}
	}
}

// blindly increases the counter whatever its version.
func blindly(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	if n, err := session.Do(ctx, zkapi.Get("/n")); err == nil {
		_, _ = session.Do(ctx, zkapi.Set("/n", slices.Concat(n.Data, []byte("x")), zkapi.AnyVersion))
	}
}

// byLock waits for an ephemeral lock with a watch, increases the counter and ends
// its session.
func byLock(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	for session.Cause() == nil {
		zkapi.Checkpoint(host, "lock", session)
		_, err := session.Do(ctx, zkapi.Create("/lock", nil, zkapi.Ephemeral))
		if err == nil {
			break
		}
		zkapi.Checkpoint(host, "look", session)
		if seen, err := session.Do(ctx, zkapi.Exists("/lock").Watched()); err == nil && seen.Found {
			zkapi.Checkpoint(host, "wait", session)
			_, _ = host.Wait(ctx, seen.Watch, session.Done())
		}
	}
	blindlyOn(ctx, session)
	_ = session.Close(ctx)
}

func blindlyOn(ctx context.Context, session zkapi.Session) {
	if n, err := session.Do(ctx, zkapi.Get("/n")); err == nil {
		_, _ = session.Do(ctx, zkapi.Set("/n", slices.Concat(n.Data, []byte("x")), zkapi.AnyVersion))
	}
}

func bfsOf(t *testing.T, w *World, merge bool) *Result {
	t.Helper()
	r, err := search(t.Context(), w, Limits{}, nil, merge)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBFS_CountsArePinned fails if a change of the engine loses states or adds states.
func TestBFS_CountsArePinned(t *testing.T) {
	for _, c := range []struct {
		name                       string
		world                      *World
		states, transitions, depth int64
	}{
		{"two by version", toy(2, Bounds{}, byVersion), 18, 26, 6},
		{"three by version", toy(3, Bounds{}, byVersion), 91, 192, 9},
		{"two by lock", toy(2, Bounds{}, byLock), 53, 74, 12},
		{"three by lock", toy(3, Bounds{}, byLock), 519, 1035, 17},
		{"two by version, one lag", toy(2, Bounds{Lags: 1}, byVersion), 69, 142, 8},
	} {
		r := bfsOf(t, c.world, true)
		if !r.Complete || r.Found != nil {
			t.Errorf("%s: complete %v, found %v", c.name, r.Complete, r.Found)
		}
		if got := [3]int64{r.States, r.Transitions, int64(r.Depth)}; got != [3]int64{c.states, c.transitions, c.depth} {
			t.Errorf("%s: states, transitions, depth are %v, pinned are %v", c.name, got, [3]int64{c.states, c.transitions, c.depth})
		}
	}
}

// TestDFS_AgreesWithBFS compares BFS with an engine that remembers no state and merges no
// histories: both end in the same states and find the same violations.
func TestDFS_AgreesWithBFS(t *testing.T) {
	for name, world := range map[string]func() *World{
		"by version":        func() *World { return toy(2, Bounds{}, byVersion) },
		"by lock":           func() *World { return toy(2, Bounds{}, byLock) },
		"by version, lag":   func() *World { return toy(2, Bounds{Lags: 1}, byVersion) },
		"by lock, expiry":   func() *World { return toy(2, Bounds{Expiries: 1}, byLock) },
		"by version, crash": func() *World { return toy(2, Bounds{Crashes: 1}, byVersion) },
		"blindly":           func() *World { return toy(2, Bounds{}, blindly) },
	} {
		t.Run(name, func(t *testing.T) {
			d, err := DFS(t.Context(), world(), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			w := world()
			x := newSpace(w, true)
			b := newBFS(x, Limits{Threads: 1})
			r := b.run(t.Context(), nil)
			wrong := r.Found != nil && r.Found.Violations[0].Property != "GoalStaysReachable"
			if wrong != (d.Found != nil) {
				t.Fatalf("BFS finds %v, DFS finds %v", r.Found, d.Found)
			}
			if wrong {
				return
			}
			ends := map[string]bool{}
			for id := range b.visited.all() {
				s := make(state, b.visited.width)
				b.visited.get(id, s)
				if len(x.choices(s, nil)) == 0 {
					ends[x.merged(s)] = true
				}
			}
			if len(ends) != len(d.Ends) {
				t.Errorf("BFS ends in %d states, DFS in %d", len(ends), len(d.Ends))
			}
			for end := range ends {
				if !d.Ends[end] {
					t.Errorf("DFS does not reach the end %q", end)
				}
			}
		})
	}
}

// TestSnapshot_HidesNothing compares the states with merged histories and those without:
// projected, they are the same.
func TestSnapshot_HidesNothing(t *testing.T) {
	for name, world := range map[string]*World{
		"by version": toy(3, Bounds{Lags: 1}, byVersion), "by lock": toy(2, Bounds{Expiries: 1}, byLock),
	} {
		merged, all := Project(t.Context(), world)
		if merged != all {
			t.Errorf("%s: %d states with histories merged, %d without", name, merged, all)
		}
	}
	if merged, all := Project(t.Context(), toy(2, Bounds{}, hiding)); merged >= all {
		t.Errorf("a snapshot that hides state is not detected: %d states with histories merged, %d without", merged, all)
	}
}

// index is a part of a state that can be computed from the rest.
type index struct{ sum int }

func (*index) Derived() {}

// TestSnapshot_FollowsAStructBehindItsFirstField, which is at the same address.
func TestSnapshot_FollowsAStructBehindItsFirstField(t *testing.T) {
	type outer struct {
		first struct{ n int }
		more  int
	}
	texts := map[string]bool{}
	for more := range 2 {
		o := &outer{more: more}
		e := &encoder{seen: map[pointee]int{}}
		for _, v := range []any{&o.first, o} {
			e.value(reflect.ValueOf(v))
		}
		texts[string(e.out)] = true
	}
	if len(texts) != 2 {
		t.Error("the second field of a struct is hidden when its first field was followed before")
	}
}

// TestSnapshot_LeavesOutWhatIsDerived: two states that differ in an index only are one state.
func TestSnapshot_LeavesOutWhatIsDerived(t *testing.T) {
	type state struct {
		values map[string]*index // the keys are no index
		index  *index
	}
	snapshot := func(s state) string {
		e := &encoder{seen: map[pointee]int{}}
		e.value(reflect.ValueOf(&s))
		return string(e.out)
	}
	one := snapshot(state{map[string]*index{"a": {1}}, &index{1}})
	if two := snapshot(state{map[string]*index{"a": {2}}, &index{2}}); one != two {
		t.Error("an index makes another state")
	}
	if two := snapshot(state{map[string]*index{"b": {1}}, &index{1}}); one == two {
		t.Error("another key makes no other state")
	}
}

// hiding says that it depends on nothing and remembers something.
func hiding(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	seen := 0
	for range 3 {
		zkapi.Checkpoint(host, "look", session)
		if n, err := session.Do(ctx, zkapi.Get("/n")); err == nil {
			seen = len(n.Data)
		}
		if seen == 0 {
			blindlyOn(ctx, session)
		}
	}
	zkapi.Checkpoint(host, "last", session)
	_, _ = session.Do(ctx, zkapi.Get("/n"))
	if seen > 1 {
		_, _ = session.Do(ctx, zkapi.Get("/"))
	}
}

// TestEngines_RefuseChance has a program whose requests depend on chance. Every engine
// refuses it.
func TestEngines_RefuseChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	byChance := func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		for range 4 {
			if rng.IntN(2) == 0 {
				_, _ = session.Do(ctx, zkapi.Get("/n"))
			} else {
				_, _ = session.Do(ctx, zkapi.Exists("/n"))
			}
		}
	}
	for name, engine := range map[string]func(*World) error{
		"bfs":    func(w *World) error { _, err := BFS(t.Context(), w, Limits{}, nil); return err },
		"dfs":    func(w *World) error { _, err := DFS(t.Context(), w, Limits{}); return err },
		"random": func(w *World) error { _, err := Random(t.Context(), w, 1, Limits{States: 1e5}, nil); return err },
	} {
		if err := engine(toy(2, Bounds{Losses: 2}, byChance)); err == nil || !strings.Contains(err.Error(), "not deterministic") {
			t.Errorf("%s does not detect it: %v", name, err)
		}
	}
}

// TestEngines_FindALostUpdate has a defect that each engine finds. Drawn schedules are
// shrunk to one without faults, hardly longer than the shortest. A schedule that was
// written can be followed again.
func TestEngines_FindALostUpdate(t *testing.T) {
	shortest := bfsOf(t, toy(3, Bounds{Losses: 2, Expiries: 1}, blindly), true).Found
	if shortest == nil || shortest.Violations[0].Property != "NoLostUpdate" || len(shortest.Schedule) != 6 {
		t.Fatalf("BFS finds %+v", shortest)
	}
	// With a goal that is always reached, so that only the update counts.
	faulty := func() *World {
		w := toy(3, Bounds{Losses: 2, Expiries: 1}, blindly)
		w.Judge = aimless{w.Judge}
		return w
	}
	for name, engine := range map[string]func(*World) (*Walks, error){
		"dfs":    func(w *World) (*Walks, error) { return DFS(t.Context(), w, Limits{}) },
		"random": func(w *World) (*Walks, error) { return Random(t.Context(), w, 7, Limits{States: 1e6}, nil) },
		"pct":    func(w *World) (*Walks, error) { return PCT(t.Context(), w, 7, 3, Limits{States: 1e6}, nil) },
	} {
		world := faulty()
		r, err := engine(world)
		if err != nil {
			t.Fatal(err)
		}
		if r.Found == nil {
			t.Errorf("%s finds nothing", name)
			continue
		}
		if name != "dfs" && (len(r.Found.Schedule) > len(shortest.Schedule)+2 || slices.ContainsFunc(r.Found.Schedule, Choice.fault)) {
			t.Errorf("%s: shrunk to %d steps, %d would do: %+v", name, len(r.Found.Schedule), len(shortest.Schedule), Explain(world, r.Found.Schedule))
		}
		var text strings.Builder
		if err := r.Found.Schedule.Write(&text, world); err != nil {
			t.Fatal(err)
		}
		again, err := ReadSchedule(strings.NewReader(text.String()), faulty())
		if err != nil {
			t.Fatal(err)
		}
		found, err := Replay(world, again)
		if err != nil || found == nil || found.Violations[0] != r.Found.Violations[0] {
			t.Errorf("%s: followed again it shows %+v, %v", name, found, err)
		}
	}
}

// TestReadSchedule_RefusesBadLines wants the line and the remedy in the error.
func TestReadSchedule_RefusesBadLines(t *testing.T) {
	for text, want := range map[string]string{
		"serve p1":              "other than three words",
		"sing p1 0":             "unknown choice sing",
		"serve p9 0":            "unknown process p9",
		"serve p1 x":            "no number x",
		"serve p1 0\nleap p1 0": "step 2 (leap of p1) is not possible",
	} {
		if _, err := ReadSchedule(strings.NewReader(text), toy(2, Bounds{}, blindly)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestBFS_FindsAnUnreachableGoal has a process that dies with a lock that no other
// process removes, so the goal is unreachable. The finding has the shortest schedule.
func TestBFS_FindsAnUnreachableGoal(t *testing.T) {
	forever := func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		if _, err := session.Do(ctx, zkapi.Create("/lock", nil, zkapi.Persistent)); err != nil {
			seen, _ := session.Do(ctx, zkapi.Exists("/lock").Watched())
			_, _ = host.Wait(ctx, seen.Watch)
		}
		blindlyOn(ctx, session)
		_, _ = session.Do(ctx, zkapi.Delete("/lock", zkapi.AnyVersion))
	}
	w := toy(2, Bounds{Crashes: 1}, forever)
	w.Judge = patient{w.Judge}
	r := bfsOf(t, w, true)
	if r.Found == nil || r.Found.Violations[0].Property != "GoalStaysReachable" {
		t.Fatalf("found %+v", r.Found)
	}
}

// TestCrash_DecidesWhoComesBack has processes that stay down, so the counter is never
// increased for them. Processes that are started again, or spared, increase it.
func TestCrash_DecidesWhoComesBack(t *testing.T) {
	for crash, reached := range map[Crash]bool{Restarted: true, ForGood: false, Spared: true} {
		w := toy(2, Bounds{Crashes: 1}, byVersion)
		w.Judge = enough{patient{w.Judge}}
		for i := range w.Processes {
			w.Processes[i].Crash = crash
		}
		r := bfsOf(t, w, true)
		if !r.Complete || (r.Found == nil) != reached {
			t.Errorf("crash %v: complete %v, found %+v", crash, r.Complete, r.Found)
		}
		if died := r.States > 18; died == (crash == Spared) {
			t.Errorf("crash %v: %d states, 18 if no process dies", crash, r.States)
		}
	}
}

// enough takes a counter for the goal that is as great as there are processes, or
// greater: who is started again increases it once more.
type enough struct{ Judge }

func (enough) Goal(v View) bool {
	n, _ := v.Tree.Read(zkapi.Get("/n"))
	return len(n.Data) >= len(v.Processes)
}

// TestBFS_NamesTheLimit names the limit, and counts the states that were visited.
func TestBFS_NamesTheLimit(t *testing.T) {
	r, err := search(t.Context(), toy(3, Bounds{}, byLock), Limits{States: 100}, nil, true)
	if err != nil || r.Complete || !strings.Contains(r.Limit, "100 states") || r.States < 100 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestBFS_FindsAPanic reports a program that panics, with the schedule.
func TestBFS_FindsAPanic(t *testing.T) {
	r := bfsOf(t, toy(2, Bounds{}, func(ctx context.Context, host Host) {
		session, _ := host.Open(ctx)
		n, _ := session.Do(ctx, zkapi.Get("/n"))
		if len(n.Data) > 0 {
			panic("it is not empty")
		}
		blindlyOn(ctx, session)
	}), true)
	if r.Found == nil || r.Found.Violations[0].Property != "NoCrash" {
		t.Errorf("found %+v", r.Found)
	}
}
