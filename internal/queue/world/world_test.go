package world

import (
	"bytes"
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// with is the default world, changed.
func with(change func(*Config)) Config {
	c := Defaults()
	if change != nil {
		change(&c)
	}
	return c
}

// stocked is a world whose items are there at the beginning, changed.
func stocked(items int, change func(*Config)) Config {
	return with(func(c *Config) {
		c.Producers, c.Stock = 0, items
		if change != nil {
			change(c)
		}
	})
}

func explored(t *testing.T, c Config) *explore.Result {
	t.Helper()
	w, err := c.World()
	if err != nil {
		t.Fatal(err)
	}
	return worldstest.Explore(t, w)
}

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = []struct {
	config                     Config
	states, transitions, depth int64
	deep                       bool
}{
	// Producers alone.
	{with(func(c *Config) { c.Consumers, c.Bounds.Losses = 0, 2 }), 17, 28, 4, false},
	{with(func(c *Config) { c.Consumers, c.Items, c.Bounds.Losses, c.Bounds.Leaves = 0, 2, 1, 1 }), 65, 101, 6, false},
	{with(func(c *Config) {
		c.Consumers, c.Items, c.Together, c.Bounds.Losses, c.Bounds.Expiries = 0, 2, true, 1, 1
	}), 38, 44, 5, false},
	{with(func(c *Config) { c.Producers, c.Consumers, c.Bounds.Losses = 2, 0, 1 }), 79, 132, 5, false},
	// One consumer.
	{with(func(c *Config) { c.Consumers = 1 }), 25, 29, 13, false},
	{with(func(c *Config) { c.Consumers, c.Bounds.Losses = 1, 1 }), 199, 306, 15, false},
	{with(func(c *Config) { c.Consumers, c.Bounds.Losses, c.Bounds.Lags = 1, 1, 1 }), 1309, 3081, 19, false},
	{with(func(c *Config) { c.Consumers, c.Items, c.Priority = 1, 2, true }), 99, 127, 22, false},
	{with(func(c *Config) { c.Consumers, c.Items, c.Together, c.Bounds.Losses = 1, 2, true, 1 }), 271, 407, 23, false},
	{with(func(c *Config) { c.Consumers, c.Delay, c.Bounds.Sweeps = 1, true, 3 }), 88, 108, 28, false},
	{with(func(c *Config) { c.Consumers, c.Delay, c.Bounds.Sweeps, c.Bounds.Losses = 1, true, 3, 1 }), 917, 1332, 32, false},
	{stocked(1, func(c *Config) { c.Consumers, c.Writes, c.Bounds.Losses = 1, true, 2 }), 199, 324, 15, false},
	{stocked(2, func(c *Config) { c.Consumers, c.Try, c.Priority = 1, true, true }), 22, 23, 19, false},
	{stocked(1, func(c *Config) { c.Consumers, c.Fails, c.MaxTakes, c.Bounds.Losses = 1, 1, 1, 1 }), 101, 133, 18, false},
	{with(func(c *Config) { c.Consumers, c.Items, c.Bounds.Leaves, c.Bounds.Losses = 0, 2, 1, 3 }), 257, 653, 8, false},
	{stocked(1, func(c *Config) { c.Consumers, c.Bounds.Leaves, c.Bounds.Losses = 1, 1, 2 }), 679, 1298, 15, false},
	{stocked(1, func(c *Config) { c.Consumers, c.Bounds.Leaves, c.Bounds.Losses = 1, 1, 1 }), 271, 393, 14, false},
	// Two consumers of one item.
	{with(nil), 1439, 2680, 25, false},
	{stocked(1, nil), 794, 1428, 22, false},
	{stocked(1, func(c *Config) { c.Bounds.Losses = 1 }), 10128, 21150, 24, false},
	{stocked(1, func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 61762, 182216, 29, true},
	{stocked(1, func(c *Config) { c.Bounds.Expiries = 1 }), 29604, 62938, 36, true},
	{stocked(1, func(c *Config) { c.Writes, c.Bounds.Expiries = true, 1 }), 43196, 91988, 39, true},
	{stocked(1, func(c *Config) { c.Writes, c.Bounds.Losses = true, 1 }), 10368, 21304, 25, false},
	{stocked(1, func(c *Config) { c.Bounds.Cuts = 1 }), 76132, 170000, 40, true},
	{stocked(1, func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 158992, 391692, 45, true},
	{stocked(1, func(c *Config) { c.Consumers, c.Writes, c.Bounds.Stops = 1, true, 1 }), 5377, 11895, 34, false},
	{stocked(1, func(c *Config) { c.Bounds.Crashes = 1 }), 52724, 116720, 41, true},
	{stocked(1, func(c *Config) { c.Bounds.Leaves = 1 }), 4680, 9236, 28, false},
	{stocked(1, func(c *Config) { c.Bounds.Leaves, c.Bounds.Losses = 1, 1 }), 57878, 131760, 30, true},
	{stocked(1, func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), 59180, 129210, 41, true},
	{stocked(1, func(c *Config) { c.Fails = 1 }), 4498, 8362, 35, false},
	{stocked(1, func(c *Config) { c.Fails, c.MaxTakes = 1, 1 }), 3406, 6188, 32, false},
	{stocked(1, func(c *Config) { c.Fails, c.MaxTakes = 2, 2 }), 11880, 22050, 44, false},
	{stocked(1, func(c *Config) { c.Fails, c.MaxTakes, c.Bounds.Losses = 1, 1, 1 }), 45670, 95248, 34, true},
	{stocked(1, func(c *Config) { c.MaxTakes, c.Bounds.Expiries = 1, 1 }), 22796, 47588, 33, true},
	{stocked(1, func(c *Config) { c.Try = true }), 734, 1301, 22, false},
	{stocked(1, func(c *Config) { c.Turns = true }), 3246, 6912, 31, false},
	{stocked(1, func(c *Config) { c.Window = 2 }), 1341, 2860, 23, false},
	{stocked(1, func(c *Config) { c.Follow, c.Bounds.Losses = true, 1 }), 3394, 7422, 19, false},
	{with(func(c *Config) { c.Follow = true }), 531, 1044, 18, false},
	{with(func(c *Config) { c.Bounds.Losses = 1 }), 22625, 48829, 27, true},
	{with(func(c *Config) { c.Bounds.Expiries = 1 }), 52447, 115158, 38, true},
	{with(func(c *Config) { c.Delay, c.Bounds.Sweeps = true, 3 }), 15141, 30172, 47, true},
	{stocked(1, func(c *Config) { c.Consumers, c.Hands, c.Writes = 1, true, true }), 338, 664, 26, false},
	{stocked(1, func(c *Config) { c.Hands, c.Writes = true, true }), 145548, 420910, 43, true},
	// Several items.
	{stocked(2, nil), 7080, 13408, 36, false},
	{stocked(2, func(c *Config) { c.Many = true }), 4895, 9241, 37, false},
	{stocked(2, func(c *Config) { c.Try = true }), 6498, 12328, 36, false},
	{stocked(2, func(c *Config) { c.Many, c.Bounds.Losses = true, 1 }), 66724, 142229, 39, true},
	{stocked(2, func(c *Config) { c.Consumers, c.Many, c.Bounds.Expiries = 1, true, 1 }), 182, 290, 24, false},
	{stocked(2, func(c *Config) { c.Bounds.Losses = 1 }), 97730, 208656, 38, true},
	{stocked(2, func(c *Config) { c.Window = 2 }), 12601, 27904, 36, false},
	{stocked(2, func(c *Config) { c.Fails, c.Priority = 1, true }), 21880, 42108, 44, true},
	{stocked(3, nil), 31394, 60632, 44, true},
	{with(func(c *Config) { c.Items, c.Together = 2, true }), 10847, 20832, 39, false},
	{with(func(c *Config) { c.Producers = 2 }), 195715, 401772, 41, true},
	// Three consumers.
	{stocked(1, func(c *Config) { c.Consumers = 3 }), 84682, 225363, 33, true},
}

// quickStates is the largest world that make quick explores.
const quickStates = 20_000

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the
// goal can be reached from everywhere, what should happen does happen, and there are as many
// states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	for _, p := range pinned {
		if p.deep && !worldstest.Deep() || p.states > quickStates && testing.Short() {
			continue
		}
		r := explored(t, p.config)
		if r.Found != nil {
			w, _ := p.config.World()
			var text bytes.Buffer
			_ = r.Found.Schedule.Write(&text, w) // into memory
			t.Errorf("%+v: %v\n%s", p.config, r.Found.Violations, text.String())
			continue
		}
		if !r.Complete {
			t.Errorf("%+v: not complete: %s", p.config, r.Limit)
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{p.states, p.transitions, p.depth}; got != want {
			t.Errorf("%+v:\nstates, transitions, depth are %v, pinned are %v", p.config, got, want)
		}
		for _, name := range p.config.Expected() {
			if !slices.Contains(r.Seen, name) {
				t.Errorf("%+v: never happened: %s", p.config, name)
			}
		}
	}
}

// TestWorlds_NoLivelock: in each of the smaller worlds there is no run without an end that neglects
// no process and never reaches the goal.
func TestWorlds_NoLivelock(t *testing.T) {
	most := int64(quickStates)
	if worldstest.Deep() {
		most = 100_000
	}
	for _, p := range pinned {
		if p.states > most || p.states > quickStates/10 && testing.Short() {
			continue
		}
		w, err := p.config.World()
		if err != nil {
			t.Fatal(err)
		}
		g, err := explore.Explored(t.Context(), w)
		if err != nil || !g.Result.Complete {
			t.Fatalf("%+v: %v, %+v", p.config, err, g.Result)
		}
		if found := g.Livelock(); found != nil {
			var text bytes.Buffer
			_ = found.Schedule.Write(&text, w) // into memory
			t.Errorf("%+v: %v\n%s", p.config, found.Violations, text.String())
		}
	}
}

// TestWorlds_SnapshotsAreHonest: what the recipe and its user say at their checkpoints is all that
// matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	configs := []Config{
		with(func(c *Config) { c.Consumers, c.Bounds.Losses = 0, 2 }),
		with(func(c *Config) { c.Consumers = 1 }),
		stocked(1, func(c *Config) { c.Consumers, c.Bounds.Losses = 1, 1 }),
	}
	if worldstest.Deep() {
		configs = append(configs, stocked(1, nil), stocked(1, func(c *Config) { c.Consumers, c.Fails, c.MaxTakes, c.Bounds.Losses = 1, 1, 1, 1 }))
		for _, p := range pinned {
			if p.states <= worldstest.Compared {
				configs = append(configs, p.config)
			}
		}
	}
	for _, c := range configs {
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		if merged, all := explore.Project(t.Context(), w); merged != all || merged == 0 {
			t.Errorf("%+v: %d states with histories merged, %d without", c, merged, all)
		}
	}
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no state, ends
// in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	w, err := stocked(1, func(c *Config) { c.Consumers = 1 }).World()
	if err != nil {
		t.Fatal(err)
	}
	r, err := explore.DFS(t.Context(), w, explore.Limits{})
	if err != nil || r.Found != nil || !r.Complete || len(r.Ends) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	most := int64(quickStates)
	if worldstest.Deep() {
		most = 100_000
	}
	for _, p := range pinned {
		if p.states > most || p.states > quickStates/10 && testing.Short() || p.config.Follow || p.config.Window > 1 || p.config.Turns {
			continue
		}
		w, err := p.config.World()
		if err != nil {
			t.Fatal(err)
		}
		if states := worldstest.Reduced(t, w); states > p.states || t.Failed() {
			t.Fatalf("%+v: %d states with reductions, %d without", p.config, states, p.states)
		}
	}
}

// TestGuards_EachIsNeeded takes each guard out and demands the violation that it prevents,
// after as few steps as it was found to take.
func TestGuards_EachIsNeeded(t *testing.T) {
	puts := with(func(c *Config) { c.Consumers, c.Bounds.Losses = 0, 1 })
	loss := stocked(1, func(c *Config) { c.Consumers, c.Bounds.Losses = 1, 1 })
	needed := map[string]struct {
		config   Config
		property string
		steps    int
	}{
		"put-by-lane":          {puts, "PutOnce", 3},
		"put-resolved":         {puts, "PutOnce", 10},
		"take-claims":          {stocked(1, nil), "ExclusiveClaim", 5},
		"take-by-version":      {stocked(1, func(c *Config) { c.Fails = 1 }), "ToldTruly", 14},
		"take-resolved":        {loss, "GoalStaysReachable", 5},
		"ack-in-one":           {stocked(1, nil), "NoLoss", 11},
		"ack-resolved":         {loss, "ToldTruly", 8},
		"release-confirmed":    {stocked(1, func(c *Config) { c.Consumers, c.Fails, c.Bounds.Losses = 1, 1, 1 }), "GoalStaysReachable", 8},
		"due-in-one":           {with(func(c *Config) { c.Consumers, c.Delay, c.Bounds.Sweeps = 1, true, 3 }), "PutOnce", 15},
		"write-check":          {stocked(1, func(c *Config) { c.Consumers, c.Hands, c.Writes = 1, true, true }), "WriteFenced", 9},
		"watch-with-read":      {with(func(c *Config) { c.Consumers = 1 }), "GoalStaysReachable", 5},
		"look-after-reconnect": {with(func(c *Config) { c.Consumers, c.Bounds.Losses = 1, 1 }), "GoalStaysReachable", 3},
		"fencing-token":        {stocked(1, func(c *Config) { c.Bounds.Expiries = 1 }), "StaleEffectsFenced", 13},
	}
	for _, g := range Guards() {
		n, ok := needed[g.Name]
		if !ok {
			t.Errorf("%s: no world shows that it is needed", g.Name)
			continue
		}
		n.config.Without = g.Name
		r := explored(t, n.config)
		if r.Found == nil {
			t.Errorf("%s: nothing is violated without it", g.Name)
			continue
		}
		if got := r.Found.Violations[0].Property; got != n.property || len(r.Found.Schedule) != n.steps {
			t.Errorf("%s: %s after %d steps, pinned is %s after %d", g.Name, got, len(r.Found.Schedule), n.property, n.steps)
		}
	}
}
