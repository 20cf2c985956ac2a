package worldstest

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// Reduced searches a world with all reductions and without, and returns the number of states
// with them. The test fails if they lose anything: a state that a judge can tell from others,
// a required event, or a violation.
func Reduced(t testing.TB, w *explore.World) int64 {
	t.Helper()
	got, err := explore.Cover(t.Context(), w, explore.AllReductions(), explore.Limits{States: mostStates})
	if err != nil {
		t.Fatal(err)
	}
	full, reduced := got.Full, got.Reduced
	if got.Lost != 0 || got.Made != 0 {
		t.Errorf("reductions lose %d states that a judge can tell apart, and make %d", got.Lost, got.Made)
	}
	switch {
	case full.Limit != "" || reduced.Limit != "":
		t.Errorf("a search is not complete: %s%s", full.Limit, reduced.Limit)
	case (full.Found == nil) != (reduced.Found == nil):
		t.Errorf("found %+v with reductions, %+v without", reduced.Found, full.Found)
	case full.Found == nil && !slices.Equal(full.Seen, reduced.Seen):
		t.Errorf("seen %v with reductions, %v without", reduced.Seen, full.Seen)
	case full.Found != nil:
		found, err := explore.Replay(w, reduced.Found.Schedule)
		if property := reduced.Found.Violations[0].Property; err != nil || property != "GoalStaysReachable" && (found == nil || found.Violations[0].Property != property) {
			t.Errorf("the schedule that was found with reductions shows %+v, %v when it is followed, not %s", found, err, property)
		}
	}
	return reduced.States
}
