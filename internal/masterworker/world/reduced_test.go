package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// oracleMost is the largest world that is searched with and without reductions.
const oracleMost = 500_000

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	for _, p := range pinned {
		if p.states > oracleMost || p.deep && !worldstest.Deep() || p.states > quickStates && testing.Short() {
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

// TestReductions_FindEveryDefect: where a guard is taken out, a search with reductions finds a
// violation as well, and the one that is reported has as few steps.
func TestReductions_FindEveryDefect(t *testing.T) {
	for _, g := range needed {
		if g.deep && !worldstest.Deep() {
			continue
		}
		c := g.config
		c.Without = g.guard
		w, err := c.World()
		if err != nil {
			t.Fatal(err)
		}
		worldstest.Reduced(t, w)
		r, err := explore.BFS(t.Context(), w, explore.Limits{Reduce: explore.AllReductions()}, nil)
		if err != nil || r.Found == nil || r.Found.Violations[0].Property != g.property || len(r.Found.Schedule) != g.steps {
			t.Errorf("%s: %+v, %v, pinned is %s after %d steps", g.guard, r, err, g.property, g.steps)
		}
	}
}

// TestReductions_CountsArePinned fails if the reductions leave out more than they did, or
// less.
func TestReductions_CountsArePinned(t *testing.T) {
	for _, c := range []struct {
		config                     Config
		states, transitions, depth int64
		deep                       bool
	}{
		{small(nil), 2034, 5821, 31, false},
		{small(func(c *Config) { c.Masters = 2 }), 33504, 122012, 35, false},
		{small(func(c *Config) { c.Bounds.Losses = 1 }), 43196, 143386, 43, false},
		{small(func(c *Config) { c.Cancel, c.Resubmit = true, true }), 37433, 106394, 71, false},
		{small(func(c *Config) { c.Bounds.Expiries = 1 }), 51485, 163687, 54, true},
		{small(func(c *Config) { c.Bounds.Crashes = 1 }), 72762, 247986, 56, true},
		{small(func(c *Config) { c.Masters, c.Bounds.Losses = 2, 1 }), 840200, 3587958, 47, true},
		{small(func(c *Config) { c.Masters, c.Bounds.Expiries = 2, 1 }), 1947876, 7976196, 58, true},
		{small(func(c *Config) { c.Bounds.Expiries, c.Bounds.Losses = 1, 1 }), 1239026, 4408958, 74, true},
	} {
		if c.deep && !worldstest.Deep() || testing.Short() && c.config.Masters > 1 {
			continue
		}
		w, err := c.config.World()
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.BFS(t.Context(), w, explore.Limits{Reduce: explore.AllReductions()}, nil)
		if err != nil || r.Found != nil || !r.Complete {
			t.Fatalf("%+v: %+v, %v", c.config, r, err)
		}
		if got, want := [3]int64{r.States, r.Transitions, int64(r.Depth)}, [3]int64{c.states, c.transitions, c.depth}; got != want {
			t.Errorf("%+v:\nstates, transitions, depth are %v, pinned are %v", c.config, got, want)
		}
	}
}
