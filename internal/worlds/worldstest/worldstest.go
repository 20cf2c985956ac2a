// Package worldstest explores worlds for the tests of every recipe.
package worldstest

import (
	"os"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// mostStates is more than any world has that a test explores. A world that has no end
// stops there, and does not use up the memory of the machine.
const mostStates = 20_000_000

// Deep reports whether the large worlds are explored too, as in make explore. They run without
// the race detector, which makes them ten times slower.
func Deep() bool { return os.Getenv("RINGMASTER_DEEP") != "" }

// Compared is the number of states of the largest pinned world that is compared, in make explore, with
// the same world in which no histories are merged. Without merging a world may be a hundred times as large.
const Compared = 3000

// Explore goes through every state of a world, or to the first violation. The test fails
// if the world is larger than any that is meant.
func Explore(t testing.TB, w *explore.World) *explore.Result {
	t.Helper()
	return Within(t, w, mostStates)
}

// Within is Explore with another bound.
func Within(t testing.TB, w *explore.World, states int) *explore.Result {
	t.Helper()
	r, err := explore.BFS(t.Context(), w, explore.Limits{States: states}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Limit != "" {
		t.Fatalf("the world is not complete: %s", r.Limit)
	}
	return r
}
