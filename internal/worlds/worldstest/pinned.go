package worldstest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// QuickStates is the number of states of the largest world that make quick explores.
const QuickStates = 20_000

// Config is a world of a recipe, as the package of its worlds defines it.
type Config interface {
	World() (*explore.World, error)
	Expected() []string // the events that must happen in it
}

// Pinned is a complete world of a real recipe, with how many states, transitions and steps it has.
type Pinned[C Config] struct {
	Config                     C
	States, Transitions, Depth int64
	Deep                       bool // only make explore explores it
}

// Pin makes the list of a package's pinned worlds of the rows of its table.
func Pin[C Config, Row ~struct {
	Config                     C
	States, Transitions, Depth int64
	Deep                       bool
}](rows []Row) []Pinned[C] {
	var all []Pinned[C]
	for _, r := range rows {
		all = append(all, Pinned[C](r))
	}
	return all
}

// World is the world of a configuration.
func World(t testing.TB, c Config) *explore.World {
	t.Helper()
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// EveryPropertyHolds: in each of these worlds every property holds in every state, the goal can be
// reached from everywhere, what should happen does happen, and there are as many states as there were.
func EveryPropertyHolds[C Config](t *testing.T, pinned []Pinned[C]) {
	for _, p := range pinned {
		if p.Deep && !Deep() || p.States > QuickStates && testing.Short() {
			continue
		}
		w := World(t, p.Config)
		r := Explore(t, w)
		if r.Found != nil {
			report(t, p.Config, w, r.Found)
			continue
		}
		if !r.Complete {
			t.Errorf("%+v: not complete: %s", p.Config, r.Limit)
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{p.States, p.Transitions, p.Depth}; got != want {
			t.Errorf("%+v:\nstates, transitions, depth are %v, pinned are %v", p.Config, got, want)
		}
		for _, name := range p.Config.Expected() {
			if !slices.Contains(r.Seen, name) {
				t.Errorf("%+v: never happened: %s", p.Config, name)
			}
		}
	}
}

// report tells of a violation, with the schedule that leads to it.
func report(t *testing.T, c Config, w *explore.World, found *explore.Finding) {
	t.Helper()
	var text bytes.Buffer
	_ = found.Schedule.Write(&text, w) // into memory
	t.Errorf("%+v: %v\n%s", c, found.Violations, text.String())
}

// smaller are the worlds of up to as many states: deep with make explore, QuickStates otherwise, and
// quick with make quick.
func smaller[C Config](pinned []Pinned[C], deep, quick int64) []Pinned[C] {
	most := int64(QuickStates)
	if Deep() {
		most = deep
	}
	if testing.Short() {
		most = min(most, quick)
	}
	return slices.DeleteFunc(slices.Clone(pinned), func(p Pinned[C]) bool { return p.States > most })
}

// NoLivelock: in each of the smaller worlds there is no run without an end that neglects no process
// and never reaches the goal. deep is the size of the largest with make explore.
func NoLivelock[C Config](t *testing.T, pinned []Pinned[C], deep int64) {
	for _, p := range smaller(pinned, deep, QuickStates/10) {
		w := World(t, p.Config)
		g, err := explore.Explored(t.Context(), w)
		if err != nil || !g.Result.Complete {
			t.Fatalf("%+v: %v, %+v", p.Config, err, g.Result)
		}
		if found := g.Livelock(); found != nil {
			report(t, p.Config, w, found)
		}
	}
}

// SnapshotsAreHonest: what a recipe and its user say at their checkpoints is all that matters there.
// The worlds are compared with the same ones in which no histories are merged; with make explore
// every small pinned one is, too.
func SnapshotsAreHonest[C Config](t *testing.T, pinned []Pinned[C], small ...C) {
	for _, p := range pinned {
		if Deep() && p.States <= Compared {
			small = append(small, p.Config)
		}
	}
	for _, c := range small {
		if merged, all := explore.Project(t.Context(), World(t, c)); merged != all || merged == 0 {
			t.Errorf("%+v: %d states with histories merged, %d without", c, merged, all)
		}
	}
}

// DFSAgrees: every schedule of a small world, by an engine that remembers no state, ends in the state in
// which the other one ends.
func DFSAgrees(t *testing.T, c Config) {
	r, err := explore.DFS(t.Context(), World(t, c), explore.Limits{})
	if err != nil || r.Found != nil || !r.Complete || len(r.Ends) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// ReductionsLoseNothing: a search with reductions comes to the same states as one without, as far as a
// judge can tell them apart, and to the same verdict. deep and quick are the sizes of the largest with make
// explore and with make quick.
func ReductionsLoseNothing[C Config](t *testing.T, pinned []Pinned[C], deep, quick int64) {
	for _, p := range smaller(pinned, deep, quick) {
		if states := Reduced(t, World(t, p.Config)); states > p.States || t.Failed() {
			t.Fatalf("%+v: %d states with reductions, %d without", p.Config, states, p.States)
		}
	}
}

// Needed is a world in which a property is violated without a guard, after so many steps.
type Needed[C Config] struct {
	Config   C
	Property string
	Steps    int
}

// EachGuardIsNeeded takes each guard out and demands the violation that it prevents, after as few steps
// as it was found to take. needed has a Needed for each guard; without takes a guard out of a world.
func EachGuardIsNeeded[C Config, Row ~struct {
	Config   C
	Property string
	Steps    int
}](t *testing.T, guards []worlds.Guard, needed map[string]Row, without func(*C, string)) {
	for _, g := range guards {
		row, ok := needed[g.Name]
		if !ok {
			t.Errorf("%s: no world shows that it is needed", g.Name)
			continue
		}
		n := Needed[C](row)
		without(&n.Config, g.Name)
		r := Explore(t, World(t, n.Config))
		if r.Found == nil {
			t.Errorf("%s: nothing is violated without it", g.Name)
			continue
		}
		if got := r.Found.Violations[0].Property; got != n.Property || len(r.Found.Schedule) != n.Steps {
			t.Errorf("%s: %s after %d steps, pinned is %s after %d", g.Name, got, len(r.Found.Schedule), n.Property, n.Steps)
		}
	}
}
