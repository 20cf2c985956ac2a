package harness

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// TestEveryFaultHasADeed holds the catalogue against what the harness can do.
func TestEveryFaultHasADeed(t *testing.T) {
	for _, e := range nemesis.Catalogue {
		bound := 0
		for _, there := range []bool{deedsOnOne[e.Kind] != nil, deedsOnSeveral[e.Kind] != nil, deedsOnServers[e.Kind] != nil} {
			if there {
				bound++
			}
		}
		if bound != 1 {
			t.Errorf("%s is bound to %d deeds, want 1", e.Kind, bound)
		}
	}
}
