package world

import (
	"slices"
	"strings"
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

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
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
})

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the
// goal can be reached from everywhere, what should happen does happen, and there are as many
// states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	worldstest.EveryPropertyHolds(t, pinned)
}

// TestWorlds_NoLivelock: in each of the smaller worlds there is no run without an end that neglects
// no process and never reaches the goal.
func TestWorlds_NoLivelock(t *testing.T) {
	worldstest.NoLivelock(t, pinned, 100_000)
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
	}
	worldstest.SnapshotsAreHonest(t, pinned, configs...)
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no state, ends
// in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	worldstest.DFSAgrees(t, stocked(1, func(c *Config) { c.Consumers = 1 }))
}

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	reducible := slices.DeleteFunc(slices.Clone(pinned), func(p worldstest.Pinned[Config]) bool {
		return p.Config.Follow || p.Config.Window > 1 || p.Config.Turns
	})
	worldstest.ReductionsLoseNothing(t, reducible, 100_000, worldstest.QuickStates/10)
}

// TestGuards_EachIsNeeded takes each guard out and demands the violation that it prevents,
// after as few steps as it was found to take.
func TestGuards_EachIsNeeded(t *testing.T) {
	puts := with(func(c *Config) { c.Consumers, c.Bounds.Losses = 0, 1 })
	loss := stocked(1, func(c *Config) { c.Consumers, c.Bounds.Losses = 1, 1 })
	needed := map[string]struct {
		Config   Config
		Property string
		Steps    int
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
	worldstest.EachGuardIsNeeded(t, Guards(), needed, func(c *Config, guard string) { c.Without = guard })
}

// TestWorld_RefusesOptionsWithoutEffect: nothing that they are about can happen. The error says what to do.
func TestWorld_RefusesOptionsWithoutEffect(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{with(func(c *Config) { c.Delay = true }), "use --sweeps 2"},
		{with(func(c *Config) { c.Delay, c.Bounds.Sweeps = true, 1 }), "use --sweeps 2"},
		{with(func(c *Config) { c.Delay, c.Bounds.Sweeps, c.Items, c.Stock = true, 2, 0, 1 }), "use a producer"},
		{with(func(c *Config) { c.Delay, c.Bounds.Sweeps = true, 2 }), ""},
		{with(func(c *Config) { c.Consumers, c.Writes = 0, true }), "use a consumer"},
		{with(func(c *Config) { c.Consumers, c.MaxTakes = 0, 1 }), "use a consumer"},
		{with(func(c *Config) { c.Consumers = 0 }), ""},
		{with(func(c *Config) { c.Many = true }), "use more items"},
		{with(func(c *Config) { c.Many, c.Stock = true, 1 }), ""},
		{with(func(c *Config) { c.Together = true }), "--items 2"},
		{with(func(c *Config) { c.Priority = true }), "--items 2"},
		{with(func(c *Config) { c.Priority, c.Items = true, 2 }), ""},
	} {
		if _, err := c.config.World(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
}
