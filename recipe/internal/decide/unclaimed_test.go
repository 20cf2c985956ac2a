package decide

import (
	"slices"
	"testing"
)

// TestView_UnclaimedAreThoseWhoseClaimsCount: of workers that live, and of those that were lost with
// tasks before any of their claims was read.
func TestView_UnclaimedAreThoseWhoseClaimsCount(t *testing.T) {
	v := NewView()
	for name, w := range map[string]workerView{
		"claimed": {Listed: true, Claimed: true, Heard: true}, "idle": {}, "lives": {Listed: true}, "lost": {}, "lost and known": {Heard: true}, "quarantined": {Listed: true, Quarantined: true},
	} {
		worker := v.Worker(name)
		worker.Listed, worker.Claimed, worker.Heard, worker.Quarantined = w.Listed, w.Claimed, w.Heard, w.Quarantined
	}
	v.AddAssignment("lost", "t1")
	v.AddAssignment("lost and known", "t2")
	if got, want := v.Unclaimed(), []string{"lives", "lost"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	v.DropAssignment("lost", "t1")
	v.Worker("lives").Claimed = true
	v.Worker("claimed").Claimed = false
	if got, want := v.Unclaimed(), []string{"claimed"}; !slices.Equal(got, want) {
		t.Errorf("then %q, not %q", got, want)
	}
}
