package world

import (
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

// pinned are complete worlds of the real recipe, with how many states, transitions
// and steps they have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
}{
	{with(func(c *Config) { c.Candidates = 1 }), 13, 12, 12, false},
	{with(nil), 444, 776, 20, false},
	{with(func(c *Config) { c.Candidates = 3 }), 24194, 62328, 28, false},
	{with(func(c *Config) { c.Stale = true }), 500, 880, 21, false},
	{with(func(c *Config) { c.Fails, c.Stale = 2, true }), 10266, 18582, 53, false},
	{with(func(c *Config) { c.Fails, c.ForGood, c.Bounds.Crashes = 2, true, 1 }), 1754, 3532, 42, false},
	{with(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 1 }), 1658, 3418, 31, false},
	{with(func(c *Config) { c.Twins, c.ForGood, c.Bounds.Crashes = true, true, 1 }), 1658, 3418, 31, false},
	{with(func(c *Config) { c.Candidates, c.Bounds.Crashes = 1, 1 }), 301, 419, 28, false},
	{with(func(c *Config) { c.Candidates, c.Bounds.Expiries = 1, 2 }), 925, 1220, 38, false},
	{with(func(c *Config) { c.Candidates, c.Bounds.Losses, c.Bounds.Expiries = 1, 1, 1 }), 857, 1193, 30, false},
	{with(func(c *Config) { c.Candidates, c.Bounds.Crashes, c.Bounds.Expiries = 1, 1, 1 }), 4151, 6480, 42, false},
	{with(func(c *Config) { c.Candidates, c.Bounds.Stops = 1, 1 }), 1113, 1635, 38, false},
	{with(func(c *Config) { c.Bounds.Losses = 1 }), 3606, 7910, 25, false},
	{with(func(c *Config) { c.Neutral, c.Bounds.Losses = true, 1 }), 3942, 8534, 25, false},
	{with(func(c *Config) { c.Neutral, c.Candidates, c.Bounds.Losses, c.Bounds.Expiries = true, 1, 1, 1 }), 928, 1289, 30, false},
	{with(func(c *Config) { c.Bounds.Lags = 1 }), 2337, 5918, 22, false},
	{with(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 21469, 62700, 28, false},
	{with(func(c *Config) { c.Sick, c.Bounds.Sweeps = true, 1 }), 4050, 8425, 34, false},
	{with(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 }), 8974, 17596, 35, false},
	{with(func(c *Config) { c.Hand, c.Failovers = true, 1 }), 12532, 23894, 58, false},
	{with(func(c *Config) { c.Bounds.Expiries = 1 }), 24592, 48454, 39, false},
	{with(func(c *Config) { c.Bounds.Leaves = 1 }), 25106, 48296, 44, true},
	{with(func(c *Config) { c.Bounds.Cuts = 1 }), 69660, 143028, 39, true},
	{with(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 35859, 78316, 40, true},
	{with(func(c *Config) { c.Bounds.Crashes = 1 }), 47502, 96120, 41, true},
	{with(func(c *Config) { c.Bounds.Stops = 1 }), 419580, 938100, 57, true},
	{with(func(c *Config) { c.Sick, c.Bounds.Sweeps = true, 2 }), 40152, 83748, 42, true},
	{with(func(c *Config) { c.Failovers = 1 }), 108538, 293040, 79, true},
	{with(func(c *Config) { c.Hand, c.Failovers, c.ForGood, c.Bounds.Crashes = true, 1, true, 1 }), 30898, 77964, 63, true},
	{with(func(c *Config) { c.Hand, c.Failovers, c.Bounds.Losses = true, 1, 1 }), 137768, 302275, 64, true},
	{with(func(c *Config) { c.Hand, c.Failovers, c.Bounds.Expiries = true, 1, 1 }), 989290, 2069676, 80, true},
	{with(func(c *Config) { c.Failovers, c.ForGood, c.Bounds.Crashes = 1, true, 1 }), 381925, 1106773, 89, true},
	{with(func(c *Config) { c.Hand, c.Failovers, c.Bounds.Leaves = true, 1, 1 }), 1008631, 2031513, 83, true},
})

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the
// goal can be reached from everywhere, what should happen does happen, and there are as many
// states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	worldstest.EveryPropertyHolds(t, pinned)
}

// TestWorlds_SnapshotsAreHonest: what the recipe and its user say at their checkpoints is all that matters
// there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	worldstest.SnapshotsAreHonest(t, pinned, with(func(c *Config) { c.Candidates = 1 }),
		with(func(c *Config) { c.Candidates, c.Bounds.Losses = 1, 1 }),
		with(func(c *Config) { c.Candidates, c.Bounds.Leaves = 1, 1 }),
		with(func(c *Config) { c.Candidates, c.Neutral, c.Bounds.Losses = 1, true, 1 }),
		with(func(c *Config) { c.Candidates, c.Bounds.Expiries = 1, 1 }),
		with(func(c *Config) { c.Candidates, c.Hand, c.Failovers = 1, true, 1 }),
		with(func(c *Config) { c.Candidates, c.Failovers = 1, 1 }),
		with(func(c *Config) { c.Candidates, c.Stale, c.Fails = 1, true, 1 }),
		with(func(c *Config) { c.Candidates, c.Sick, c.Bounds.Sweeps = 1, true, 1 }),
		with(func(c *Config) { c.Stale = true }),
		with(nil))
}

// TestWorlds_DFSAgreesWithBFS: every schedule of a small world, by an engine that remembers no state, ends
// in the state in which the other one ends.
func TestWorlds_DFSAgreesWithBFS(t *testing.T) {
	worldstest.DFSAgrees(t, with(func(c *Config) { c.Candidates = 1 }))
}

// TestWorlds_NoLivelock: no run without an end neglects no process and never reaches the goal.
func TestWorlds_NoLivelock(t *testing.T) { worldstest.NoLivelock(t, pinned, 200_000) }

// TestReductions_LoseNothing: a search with reductions comes to the same states as one without, as far as a
// judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	worldstest.ReductionsLoseNothing(t, pinned, 200_000, 4000)
}

// TestGuards_EachIsNeeded takes each guard out and demands the violation that it prevents,
// after as few steps as it was found to take.
func TestGuards_EachIsNeeded(t *testing.T) {
	alone := with(func(c *Config) { c.Candidates, c.Bounds.Losses = 1, 1 })
	dies := with(func(c *Config) { c.ForGood, c.Bounds.Crashes = true, 1 })
	replacing := with(func(c *Config) { c.Library, c.Bounds.Expiries = explore.Replacing, 1 })
	needed := map[string]struct {
		Config   Config
		Property string
		Steps    int
	}{
		"take-in-one":            {alone, "LockByHolder", 6},
		"take-resolved":          {alone, "GoalStaysReachable", 6},
		"take-leaves-breadcrumb": {with(func(c *Config) { c.Stale = true }), "BreadcrumbByHolder", 6},
		"breadcrumb-read":        {with(func(c *Config) { c.ForGood, c.Stale, c.Bounds.Crashes = true, true, 1 }), "BreadcrumbNames", 21},
		"breadcrumb-check":       {replacing, "BreadcrumbByHolder", 16},
		"breadcrumb-resolved":    {alone, "OwnNotFenced", 10},
		"write-check":            {replacing, "WriteFenced", 18},
		"quit-in-one":            {with(func(c *Config) { c.Bounds.Leaves = 1 }), "BreadcrumbByHolder", 15},
		"quit-check":             {with(func(c *Config) { c.Library, c.Bounds.Expiries, c.Bounds.Leaves = explore.Replacing, 1, 1 }), "LockByHolder", 19},
		"quit-confirmed":         {with(func(c *Config) { c.Bounds.Losses, c.Bounds.Leaves = 1, 1 }), "OwnNotFenced", 23},
		"failover-raises":        {with(func(c *Config) { c.Candidates, c.Hand, c.Failovers = 3, true, 1 }), "TargetTakes", 33},
		"watch-with-read":        {dies, "GoalStaysReachable", 13},
		"look-after-reconnect":   {with(func(c *Config) { c.ForGood, c.Bounds.Crashes, c.Bounds.Losses = true, 1, 1 }), "GoalStaysReachable", 11},
	}
	worldstest.EachGuardIsNeeded(t, Guards(), needed, func(c *Config, guard string) { c.Without = guard })
}
