package world

import (
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

func explored(t *testing.T, c Config) *explore.Result {
	t.Helper()
	return worldstest.Explore(t, worldstest.World(t, c))
}

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
}{
	// The exclusive lock.
	{with(func(c *Config) { c.Writers = 1 }), 8, 7, 7, false},
	{with(nil), 107, 140, 16, false},
	{with(func(c *Config) { c.Rounds = 2 }), 1229, 1824, 34, false},
	{with(func(c *Config) { c.Writers = 3 }), 2026, 3363, 25, false},
	{with(func(c *Config) { c.Writers = 4 }), 47429, 96256, 34, true},
	{with(func(c *Config) { c.Try = true }), 125, 169, 17, false},
	{with(func(c *Config) { c.Bounds.Losses = 1 }), 749, 1274, 18, false},
	{with(func(c *Config) { c.Bounds.Losses = 2 }), 2781, 5754, 20, false},
	{with(func(c *Config) { c.Bounds.Expiries = 1 }), 1641, 2762, 21, false},
	{with(func(c *Config) { c.Bounds.Leaves = 1 }), 857, 1488, 17, false},
	{with(func(c *Config) { c.Bounds.Sweeps = 2 }), 433, 650, 18, false},
	{with(func(c *Config) { c.Bounds.Cuts = 1 }), 4707, 7962, 24, false},
	{with(func(c *Config) { c.Bounds.Stops = 1 }), 5729, 10872, 24, false},
	{with(func(c *Config) { c.Bounds.Crashes = 1 }), 7537, 13722, 27, false},
	{with(func(c *Config) { c.ForGood, c.Bounds.Crashes, c.Bounds.Losses = true, 1, 1 }), 3189, 6804, 19, false},
	{with(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 3800, 7688, 23, false},
	{with(func(c *Config) { c.Strands, c.Bounds.Cuts, c.Bounds.Losses = true, 1, 1 }), 31888, 76684, 26, true},
	{with(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 5104, 12428, 20, false},
	{with(func(c *Config) { c.Bounds.Leaves, c.Bounds.Losses = 1, 1 }), 6203, 13576, 19, false},
	{with(func(c *Config) { c.Bounds.Leaves, c.Bounds.Losses, c.Bounds.Lags = 1, 1, 1 }), 41270, 117352, 21, true},
	{with(func(c *Config) { c.Bounds.Leaves, c.Bounds.Expiries = 1, 1 }), 11007, 23284, 22, false},
	{with(func(c *Config) { c.Bounds.Expiries, c.Bounds.Losses = 1, 1 }), 12459, 24548, 24, false},
	{with(func(c *Config) { c.Bounds.Stops, c.Bounds.Losses = 1, 1 }), 46691, 103766, 27, true},
	{with(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), 2201, 3972, 23, false},
	{with(func(c *Config) { c.Rounds, c.Bounds.Expiries = 2, 1 }), 24199, 44376, 39, true},
	{with(func(c *Config) { c.Turns, c.Bounds.Leaves, c.Bounds.Losses = true, 1, 1 }), 13145, 28760, 27, false},
	{with(func(c *Config) { c.Writers, c.Bounds.Expiries = 3, 1 }), 61759, 129168, 30, true},
	{with(func(c *Config) { c.Writers, c.Bounds.Losses = 3, 1 }), 19438, 40857, 27, true},
	{with(func(c *Config) { c.Writers, c.Bounds.Leaves = 3, 1 }), 28609, 60324, 26, true},
	{with(func(c *Config) { c.Writers, c.Bounds.Leaves, c.Bounds.Expiries = 3, 1, 1 }), 748612, 1894221, 31, true},
	{with(func(c *Config) { c.Delay, c.Bounds.Losses = true, 1 }), 975, 1678, 20, false},
	{with(func(c *Config) { c.Delay, c.Bounds.Expiries = true, 1 }), 1665, 2734, 23, false},
	{with(func(c *Config) { c.Delay, c.Bounds.Expiries, c.Bounds.Sweeps = true, 1, 5 }), 35001, 75740, 29, true},
	{with(func(c *Config) { c.Delay = true }), 123, 162, 18, false},
	{with(func(c *Config) { c.Delay, c.Bounds.Leaves = true, 1 }), 1013, 1766, 19, false},
	{with(func(c *Config) { c.Delay, c.Bounds.Expiries, c.Bounds.Losses = true, 1, 1 }), 13353, 26012, 25, false},
	{with(func(c *Config) { c.Delay, c.Bounds.Crashes = true, 1 }), 7831, 14352, 31, false},
	{with(func(c *Config) { c.Delay, c.Strands, c.Bounds.Cuts = true, true, 1 }), 3840, 7808, 25, false},
	{with(func(c *Config) { c.Delay, c.Simple, c.Strands, c.Bounds.Cuts = true, true, true, 1 }), 7954, 17530, 31, false},
	// Two locks together.
	{with(func(c *Config) { c.Both = true }), 453, 606, 29, false},
	{with(func(c *Config) { c.Both, c.Writers = true, 3 }), 16936, 28194, 45, false},
	{with(func(c *Config) { c.Both, c.Bounds.Losses = true, 1 }), 4601, 7994, 31, false},
	{with(func(c *Config) { c.Both, c.Bounds.Leaves = true, 1 }), 5331, 9904, 30, false},
	{with(func(c *Config) { c.Both, c.Bounds.Expiries = true, 1 }), 9559, 15480, 38, false},
	// Requests to release.
	{with(func(c *Config) { c.Asks, c.Writers = 1, 1 }), 102, 193, 13, false},
	{with(func(c *Config) { c.Asks = 2 }), 14103, 37624, 29, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Bounds.Losses = 1, 1, 1 }), 1006, 2352, 15, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Bounds.Expiries = 1, 1, 1 }), 567, 1169, 16, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Bounds.Crashes = 1, 1, 1 }), 6822, 14886, 24, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Readers = 1, 0, 1 }), 114, 212, 13, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Readers, c.Bounds.Losses = 1, 0, 1, 1 }), 1200, 2740, 17, false},
	{with(func(c *Config) { c.Asks, c.Writers, c.Readers = 1, 1, 1 }), 2343, 6310, 25, false},
	{with(func(c *Config) { c.Asks, c.Bounds.Losses = 1, 1 }), 27284, 82836, 27, true},
	{with(func(c *Config) { c.Asks, c.Bounds.Expiries = 2, 1 }), 345967, 1028260, 34, true},
	// Shared locks.
	{with(func(c *Config) { c.Writers, c.Readers = 0, 2 }), 209, 332, 14, false},
	{with(func(c *Config) { c.Writers, c.Readers = 1, 2 }), 5540, 10091, 27, false},
	{with(func(c *Config) { c.Readers = 2 }), 146543, 313800, 38, true},
	{with(func(c *Config) { c.Writers, c.Readers, c.Bounds.Losses = 1, 2, 1 }), 61152, 136127, 32, true},
	{with(func(c *Config) { c.Writers, c.Readers, c.Bounds.Leaves = 1, 2, 1 }), 63731, 148702, 28, true},
	{with(func(c *Config) { c.Writers, c.Readers, c.Bounds.Expiries = 1, 2, 1 }), 156243, 349758, 34, true},
	{with(func(c *Config) { c.Readers, c.Bounds.Expiries = 1, 1 }), 71427, 151494, 32, true},
	// Semaphores.
	{with(func(c *Config) { c.Permits = 2 }), 209, 332, 14, false},
	{with(func(c *Config) { c.Writers, c.Permits = 3, 2 }), 9520, 18549, 23, false},
	{with(func(c *Config) { c.Writers, c.Permits = 4, 2 }), 823073, 1984360, 36, true},
	{with(func(c *Config) { c.Writers, c.Permits, c.Bounds.Losses = 3, 2, 1 }), 122251, 275538, 28, true},
	{with(func(c *Config) { c.Writers, c.Permits, c.Bounds.Leaves = 3, 2, 1 }), 94009, 233148, 24, true},
	{with(func(c *Config) { c.Writers, c.Permits, c.Bounds.Expiries = 3, 2, 1 }), 227575, 551310, 28, true},
	// The simple form.
	{with(func(c *Config) { c.Simple = true }), 235, 338, 25, false},
	{with(func(c *Config) { c.Simple, c.Bounds.Losses = true, 1 }), 1913, 3416, 29, false},
	{with(func(c *Config) { c.Simple, c.Bounds.Leaves, c.Bounds.Losses = true, 1, 1 }), 11495, 25480, 30, false},
	{with(func(c *Config) { c.Simple, c.Bounds.Expiries = true, 1 }), 4113, 7032, 34, false},
	{with(func(c *Config) { c.Simple, c.Bounds.Crashes = true, 1 }), 17401, 35574, 42, false},
	{with(func(c *Config) { c.Simple, c.Strands, c.Bounds.Cuts = true, true, 1 }), 10504, 22474, 36, false},
	{with(func(c *Config) { c.Simple, c.Bounds.Losses, c.Bounds.Lags = true, 1, 1 }), 11114, 28856, 32, false},
	{with(func(c *Config) { c.Simple, c.Delay, c.Bounds.Expiries, c.Bounds.Losses = true, true, 1, 1 }), 21423, 42570, 33, true},
	{with(func(c *Config) { c.Simple, c.Writers, c.Bounds.Expiries = true, 3, 1 }), 359439, 837660, 56, true},
})

// TestGuards_OfRequests: without the watch of a holder, and without its look after a reconnect, it
// never hears that it is asked to release the lock.
func TestGuards_OfRequests(t *testing.T) {
	for guard, losses := range map[string]int{"watch-with-read": 0, "look-after-reconnect": 1} {
		r := explored(t, with(func(c *Config) { c.Asks, c.Writers, c.Bounds.Losses, c.Without = 1, 1, losses, guard }))
		if r.Found == nil || r.Found.Violations[0].Property != "GoalStaysReachable" {
			t.Errorf("%s: %+v", guard, r.Found)
		}
	}
}

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the
// goal can be reached from everywhere, what should happen does happen, and there are as many
// states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	worldstest.EveryPropertyHolds(t, pinned)
}

// TestWorlds_NoLivelock: in each of the smaller worlds there is no run without an end that neglects
// no process and never reaches the goal.
func TestWorlds_NoLivelock(t *testing.T) {
	worldstest.NoLivelock(t, pinned, 250_000)
}

// TestWorlds_SnapshotsAreHonest: what the recipe and its user say at their checkpoints is all that
// matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	configs := []Config{
		with(func(c *Config) { c.Both = true }), with(func(c *Config) { c.Asks, c.Writers = 1, 1 }), with(nil), with(func(c *Config) { c.Simple = true }), with(func(c *Config) { c.Permits = 2 })}
	if worldstest.Deep() {
		configs = append(configs,
			with(func(c *Config) { c.Writers, c.Bounds.Losses, c.Rounds = 1, 1, 2 }),
			with(func(c *Config) { c.Bounds.Leaves = 1 }))
	}
	worldstest.SnapshotsAreHonest(t, pinned, configs...)
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no state, ends
// in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	worldstest.DFSAgrees(t, with(func(c *Config) { c.Writers, c.Rounds = 1, 2 }))
}

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	worldstest.ReductionsLoseNothing(t, pinned, 250_000, worldstest.QuickStates/10)
}

// TestGuards_EachIsNeeded takes each guard out and demands the violation that it prevents,
// after as few steps as it was found to take.
func TestGuards_EachIsNeeded(t *testing.T) {
	loss := with(func(c *Config) { c.Bounds.Losses = 1 })
	needed := map[string]struct {
		Config   Config
		Property string
		Steps    int
	}{
		"write-check":          {with(func(c *Config) { c.Bounds.Leaves = 1 }), "MutualExclusion", 8},
		"write-in-one":         {with(func(c *Config) { c.Writers = 1 }), "WritesInOne", 6},
		"grant-check":          {with(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), "MutualExclusion", 11},
		"grant-in-one":         {with(func(c *Config) { c.Writers, c.Readers = 0, 2 }), "TokensGrow", 11},
		"join-resolved":        {loss, "GoalStaysReachable", 1},
		"release-confirmed":    {loss, "NoZnodeLeft", 7},
		"sync-after-doubt":     {with(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), "GoalStaysReachable", 4},
		"all-checked":          {with(func(c *Config) { c.Both, c.Bounds.Leaves = true, 1 }), "MutualExclusion", 12},
		"in-one-order":         {with(func(c *Config) { c.Both = true }), "GoalStaysReachable", 2},
		"delay-waited":         {with(func(c *Config) { c.Delay, c.Bounds.Expiries = true, 1 }), "DelayWaited", 9},
		"release-noted":        {with(func(c *Config) { c.Delay = true }), "GoalStaysReachable", 0},
		"request-kept":         {with(func(c *Config) { c.Asks, c.Writers, c.Readers = 1, 0, 1 }), "GoalStaysReachable", 5},
		"watch-with-read":      {with(nil), "GoalStaysReachable", 10},
		"look-after-reconnect": {loss, "GoalStaysReachable", 5},
		"fencing-token":        {with(func(c *Config) { c.Bounds.Expiries = 1 }), "StaleEffectsFenced", 13},
	}
	worldstest.EachGuardIsNeeded(t, Guards(), needed, func(c *Config, guard string) { c.Without = guard })
}

// TestWorld_RefusesPermitsOfOne: they would never be held together.
func TestWorld_RefusesPermitsOfOne(t *testing.T) {
	_, err := with(func(c *Config) { c.Writers, c.Permits = 1, 2 }).World()
	if err == nil || !strings.Contains(err.Error(), "use --writers 2") {
		t.Error(err)
	}
	if _, err := with(func(c *Config) { c.Writers, c.Permits = 1, 1 }).World(); err != nil {
		t.Error(err)
	}
}
