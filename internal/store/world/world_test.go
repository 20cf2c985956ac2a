package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
)

// with is a world, changed.
func with(change func(*Config)) Config {
	c := Defaults()
	if change != nil {
		change(&c)
	}
	return c
}

// pinned are complete worlds of the real recipe, with how many states, transitions and steps they have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
}{
	{with(func(c *Config) { c.Actives = 1 }), 10, 9, 9, false},
	{with(func(c *Config) { c.Actives, c.Bounds.Losses = 1, 2 }), 71, 107, 12, false},
	{with(func(c *Config) { c.Actives, c.Bounds.Expiries, c.Bounds.Losses = 1, 1, 1 }), 244, 319, 21, false},
	{with(nil), 272, 436, 19, false},
	{with(func(c *Config) { c.Bounds.Losses = 1 }), 1688, 3318, 21, false},
	{with(func(c *Config) { c.Bounds.Losses = 2 }), 6262, 14084, 23, false},
	{with(func(c *Config) { c.Bounds.Expiries = 1 }), 3994, 7144, 30, false},
	{with(func(c *Config) { c.Bounds.Cuts = 1 }), 11648, 28876, 32, false},
	{with(func(c *Config) { c.Bounds.Crashes = 1 }), 716, 1752, 21, false},
	{with(func(c *Config) { c.Bounds.Stops = 1 }), 10738, 21988, 31, false},
	{with(func(c *Config) { c.Bounds.Lags = 1 }), 1708, 4166, 25, false},
	{with(func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 11348, 31518, 28, false},
	{with(func(c *Config) { c.Bounds.Losses, c.Bounds.Expiries = 1, 1 }), 29588, 60640, 32, false},
	{with(func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 8432, 18140, 38, false},
	{with(func(c *Config) { c.Rounds = 2 }), 370, 584, 22, false},
	{with(func(c *Config) { c.Rounds, c.Bounds.Losses = 2, 1 }), 2454, 4756, 24, false},
	{with(func(c *Config) { c.Rounds, c.Bounds.Expiries = 2, 1 }), 6538, 11372, 35, false},
	{with(func(c *Config) { c.Gets, c.Bounds.Losses = true, 1 }), 2492, 4972, 25, false},
	{with(func(c *Config) { c.Window, c.Bounds.Lags = 2, 1 }), 2004, 5264, 25, false},
	{with(func(c *Config) { c.Large = true }), 746, 1224, 32, false},
	{with(func(c *Config) { c.Large, c.Rounds = true, 2 }), 1992, 3328, 50, false},
	{with(func(c *Config) { c.Large, c.Bounds.Losses = true, 1 }), 4726, 9492, 34, false},
	{with(func(c *Config) { c.Large, c.Bounds.Expiries = true, 1 }), 21954, 38714, 55, false},
	{with(func(c *Config) { c.Large, c.Bounds.Crashes = true, 1 }), 2386, 5564, 34, false},
	{with(func(c *Config) { c.Large, c.Bounds.Lags = true, 1 }), 5286, 12578, 38, false},
	{with(func(c *Config) { c.Large, c.Strands, c.Bounds.Cuts = true, true, 1 }), 35472, 73314, 63, false},
	{with(func(c *Config) { c.Actives = 3 }), 13340, 30429, 30, false},
})

// TestWorlds_EveryPropertyHolds: in each of these worlds every property holds in every state, the goal can be
// reached from everywhere, what should happen does happen, and there are as many states as there were.
func TestWorlds_EveryPropertyHolds(t *testing.T) {
	worldstest.EveryPropertyHolds(t, pinned)
}

// TestWorlds_NoLivelock: in each of the smaller worlds there is no run without an end that neglects no process and
// never reaches the goal.
func TestWorlds_NoLivelock(t *testing.T) {
	worldstest.NoLivelock(t, pinned, worldstest.QuickStates)
}

// TestWorlds_SnapshotsAreHonest: what the store and its user say at their checkpoints is all that matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	worldstest.SnapshotsAreHonest(t, pinned,
		with(func(c *Config) { c.Actives, c.Bounds.Losses = 1, 1 }), with(func(c *Config) { c.Actives, c.Large, c.Bounds.Losses = 1, true, 1 }), with(nil),
		with(func(c *Config) { c.Actives, c.Large, c.Rounds = 1, true, 2 }), with(func(c *Config) { c.Actives, c.Gets, c.Bounds.Losses = 1, true, 1 }))
}
