package explore

import "testing"

// TestGraph_Livelock: a run that neglects a process is no livelock; one in which all go on is.
func TestGraph_Livelock(t *testing.T) {
	for name, one := range map[string]struct {
		world *World
		found bool
	}{
		"one that spins until another counts": {mixedCount(Bounds{}, blindly, spinning), false},
		"two that spin for ever":              {toy(2, Bounds{}, spinning), true},
		"two locks":                           {toy(2, Bounds{}, byLock), false},
		"two locks with a loss":               {toy(2, Bounds{Losses: 1}, byLock), false},
		"one that spins, and the other dies":  {mixedCount(Bounds{Crashes: 1}, byVersion, spinning), false},
	} {
		one.world.Judge = patient{one.world.Judge}
		g, err := Explored(t.Context(), one.world)
		if err != nil {
			t.Fatal(err)
		}
		found := g.Livelock()
		if (found != nil) != one.found {
			t.Errorf("%s: found %+v", name, found)
		}
		if found == nil {
			continue
		}
		if _, err := Replay(one.world, found.Schedule); err != nil || len(found.Schedule) == 0 {
			t.Errorf("%s: the schedule %v is not possible: %v", name, found.Schedule, err)
		}
	}
}
