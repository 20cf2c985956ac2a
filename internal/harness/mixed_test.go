package harness

import (
	"slices"
	"testing"

	"github.com/ringmaster-zk/ringmaster/record"
)

// TestBuilds_OfAMixedRun: every second participant of each role is of the other build.
func TestBuilds_OfAMixedRun(t *testing.T) {
	c := defaults()
	if c.builds(record.Build{}, record.Build{}) != nil || c.isOther(2) {
		t.Error("there is one build only")
	}
	c.Mixed = "/other"
	b := c.builds(record.Build{Path: "/own"}, record.Build{Path: "/other"})
	if want := []string{"master-1", "worker-1", "worker-3", "node-1", "client-1", "client-3"}; b[0].Path != "/own" || !slices.Equal(b[0].Participants, want) {
		t.Errorf("%+v, want %q", b[0], want)
	}
	if want := []string{"master-2", "worker-2", "node-2", "client-2"}; b[1].Path != "/other" || !slices.Equal(b[1].Participants, want) {
		t.Errorf("%+v, want %q", b[1], want)
	}
	for i, p := range []string{"master-1", "worker-2", "client-3"} {
		if c.isOther(i+1) != (i == 1) {
			t.Errorf("%s", p)
		}
	}
}
