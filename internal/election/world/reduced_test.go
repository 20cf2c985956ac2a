package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
)

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	const most = 500_000
	for _, p := range pinned {
		if p.states > most || p.deep && !worldstest.Deep() || p.states > quickStates && testing.Short() {
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
