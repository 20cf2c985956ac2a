package world

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/worlds/worldstest"
)

// TestReductions_LoseNothing: a search with reductions comes to the same states as one
// without, as far as a judge can tell them apart, and to the same verdict.
func TestReductions_LoseNothing(t *testing.T) {
	worldstest.ReductionsLoseNothing(t, pinned, 500_000, worldstest.QuickStates)
}
