package workload

import (
	"testing"

	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// TestWorkload_RefusesWhatCannotTakeEffect: its clients write nothing, and its masters delete
// nothing while they lead, so no answer to such a write can be lost.
func TestWorkload_RefusesWhatCannotTakeEffect(t *testing.T) {
	recipe := New().ForNemesis()
	for kind, want := range map[nemesis.Kind]string{
		nemesis.DropCreate: "no client that creates znodes", nemesis.DropDelete: "no master that deletes znodes while it leads", nemesis.DropMulti: "", nemesis.KillMaster: "",
	} {
		if got := recipe.Refuses(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
