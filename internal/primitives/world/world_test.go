package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// with is a world of a primitive, changed.
func with(of string, change func(*Config)) Config {
	c := Defaults()
	c.Of = of
	if change != nil {
		change(&c)
	}
	return c
}

func explored(t *testing.T, c Config) *explore.Result {
	t.Helper()
	return worldstest.Explore(t, worldstest.World(t, c))
}

// pinned are complete worlds of the real recipes, with how many states, transitions and steps they
// have.
var pinned = worldstest.Pin[Config]([]struct {
	Config                     Config
	States, Transitions, Depth int64
	Deep                       bool
}{
	{with(Counter, nil), 32, 38, 8, false},
	{with(Counter, func(c *Config) { c.Bounds.Losses = 1 }), 172, 284, 10, false},
	{with(Counter, func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 1246, 2914, 15, false},
	{with(Counter, func(c *Config) { c.Bounds.Expiries = 1 }), 294, 408, 11, false},
	{with(Counter, func(c *Config) { c.Bounds.Expiries, c.Bounds.Losses = 1, 1 }), 1830, 3078, 12, false},
	{with(Counter, func(c *Config) { c.Bounds.Cuts = 1 }), 846, 1312, 11, false},
	{with(Counter, func(c *Config) { c.Bounds.Crashes = 1 }), 160, 282, 10, false},
	{with(Counter, func(c *Config) { c.Rounds, c.Bounds.Losses = 2, 1 }), 920, 1726, 15, false},
	{with(Bank, nil), 43, 60, 11, false},
	{with(Bank, func(c *Config) { c.Audits = 1 }), 404, 771, 17, false},
	{with(Bank, func(c *Config) { c.Audits, c.Keeps = 1, true }), 399, 766, 17, false},
	{with(Bank, func(c *Config) { c.Users, c.Audits, c.Keeps, c.Bounds.Losses = 1, 1, true, 1 }), 219, 393, 14, false},
	{with(Bank, func(c *Config) { c.Audits, c.Rounds = 1, 2 }), 33274, 71392, 34, true},
	{with(Bank, func(c *Config) { c.Rounds = 2 }), 421, 614, 23, false},
	{with(Bank, func(c *Config) { c.Bounds.Losses = 1 }), 227, 404, 15, false},
	{with(Bank, func(c *Config) { c.Bounds.Expiries = 1 }), 279, 473, 13, false},
	{with(Bank, func(c *Config) { c.Users, c.Audits, c.Bounds.Lags = 1, 1, 1 }), 249, 562, 16, false},
	{with(Barrier, nil), 4809, 8484, 36, false},
	{with(Barrier, func(c *Config) { c.Rounds = 2 }), 70345, 126352, 71, false},
	{with(Barrier, func(c *Config) { c.Bounds.Losses = 1 }), 33245, 72036, 40, false},
	{with(Barrier, func(c *Config) { c.Bounds.Expiries = 1 }), 99943, 188070, 40, false},
	{with(Barrier, func(c *Config) { c.Bounds.Crashes = 1 }), 8471, 23732, 36, false},
	{with(Barrier, func(c *Config) { c.Strands, c.Bounds.Cuts = true, 1 }), 148078, 328648, 42, false},
	{with(Barrier, func(c *Config) { c.Bounds.Expiries, c.Bounds.Losses = 1, 1 }), 753977, 1665308, 45, true},
	{with(Barrier, func(c *Config) { c.Users, c.Fill = 3, 2 }), 1866472, 4853931, 45, true},
	{with(Barrier, func(c *Config) { c.Rounds, c.Remade = 2, true }), 899864, 1717341, 83, true},
	{with(Gate, nil), 11, 12, 7, false},
	{with(Gate, func(c *Config) { c.Users = 3 }), 48, 76, 10, false},
	{with(Gate, func(c *Config) { c.Bounds.Losses = 1 }), 53, 88, 8, false},
	{with(Gate, func(c *Config) { c.Bounds.Losses, c.Bounds.Lags = 1, 1 }), 372, 898, 11, false},
	{with(Gate, func(c *Config) { c.Bounds.Expiries = 1 }), 81, 115, 9, false},
	{with(Barrier, func(c *Config) { c.Users, c.Rounds, c.Remade = 1, 2, true }), 156, 181, 42, false},
	{with(Barrier, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Losses = 1, 2, true, 1 }), 734, 1066, 46, false},
	{with(Barrier, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Expiries = 1, 2, true, 1 }), 1922, 2325, 57, false},
	{with(Barrier, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Lags = 1, 2, true, 1 }), 1233, 2460, 46, false},
	{with(Lease, nil), 190, 314, 17, false},
	{with(Lease, func(c *Config) { c.Rounds = 2 }), 1134, 2092, 29, false},
	{with(Lease, func(c *Config) { c.Bounds.Losses = 1 }), 1134, 2310, 18, false},
	{with(Lease, func(c *Config) { c.Bounds.Expiries = 1 }), 2676, 4664, 21, false},
	{with(Lease, func(c *Config) { c.Bounds.Crashes = 1 }), 718, 1524, 19, false},
	{with(Lease, func(c *Config) { c.Bounds.Sweeps = 3 }), 1792, 3408, 23, false},
	{with(Lease, func(c *Config) { c.Bounds.Sweeps, c.Bounds.Lags = 3, 1 }), 11136, 29590, 31, false},
	{with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade = 1, 2, true }), 123, 140, 24, false},
	{with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Losses = 1, 2, true, 1 }), 736, 990, 26, false},
	{with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Crashes = 1, 2, true, 1 }), 298, 454, 26, false},
	{with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Lags = 1, 2, true, 1 }), 981, 1928, 31, false},
	{with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade, c.Bounds.Sweeps = 1, 2, true, 3 }), 807, 1167, 26, false},
	{with(Lease, func(c *Config) { c.Rounds, c.Remade = 2, true }), 167600, 317392, 45, true},
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
	worldstest.NoLivelock(t, pinned, worldstest.QuickStates)
}

// TestWorlds_SnapshotsAreHonest: what the recipes and their user say at their checkpoints is all that
// matters there.
func TestWorlds_SnapshotsAreHonest(t *testing.T) {
	configs := []Config{
		with(Counter, nil), with(Counter, func(c *Config) { c.Users, c.Bounds.Losses = 1, 1 }), with(Bank, nil),
		with(Bank, func(c *Config) { c.Users, c.Audits, c.Keeps = 1, 1, true }), with(Barrier, func(c *Config) { c.Users, c.Bounds.Losses = 1, 1 }),
		with(Gate, nil), with(Lease, func(c *Config) { c.Users, c.Bounds.Sweeps = 1, 3 }),
		with(Lease, func(c *Config) { c.Users, c.Rounds, c.Remade = 1, 2, true }), with(Barrier, func(c *Config) { c.Users, c.Rounds, c.Remade = 1, 2, true }),
	}
	if worldstest.Deep() {
		configs = append(configs, with(Barrier, func(c *Config) { c.Fill, c.Bounds.Losses = 1, 1 })) // two users that wait while connections break
	}
	worldstest.SnapshotsAreHonest(t, pinned, configs...)
}
