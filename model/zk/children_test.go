package zk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestChildren_AgreeWithAMap compares with a map after each of many changes, across the sizes
// at which pieces are cut and vanish. The older value must stay as it was.
func TestChildren_AgreeWithAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var c children
	want := map[string]bool{}
	for step := range 20_000 {
		name := fmt.Sprint(random.IntN(3 * pieceMost))
		before, names := c, len(c.names())
		if grow := step%8_000 < 5_000; grow {
			c, want[name] = c.with(&znode{name: name}), true
		} else if want[name] {
			c = c.without(name)
			delete(want, name)
		}
		if (c.find(name) != nil) != want[name] {
			t.Fatalf("step %d: %s is there: %v, want %v", step, name, !want[name], want[name])
		}
		if len(before.names()) != names {
			t.Fatalf("step %d changed the value before it", step)
		}
		if step%100 == 0 && !slices.Equal(c.names(), slices.Sorted(maps.Keys(want))) {
			t.Fatalf("step %d: the names differ", step)
		}
	}
	if len(c.pieces) < 2 {
		t.Errorf("%d pieces: the test saw no cut", len(c.pieces))
	}
}
