package workload

import (
	"context"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestWorkload_HasTheFaultsOfWorkersAndClients, and a loop for each object.
func TestWorkload_HasTheFaultsOfWorkersAndClients(t *testing.T) {
	w := New()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	recipe := w.ForNemesis()
	for kind, want := range map[nemesis.Kind]bool{nemesis.KillWorker: true, nemesis.KillClient: true, nemesis.DropMulti: true, nemesis.LagFollower: true, nemesis.KillMaster: false} {
		if why := recipe.Refuses(kind); (why == "") != want {
			t.Errorf("%s: %q", kind, why)
		}
	}
	with := map[string]bool{}
	for _, l := range loops {
		with[l.object] = true
	}
	for _, object := range history.Objects {
		if !with[object] {
			t.Errorf("no loop uses %s", object)
		}
	}
}

// TestPlay_RefusesAnUnknownRole, and options that cannot be read.
func TestPlay_RefusesAnUnknownRole(t *testing.T) {
	for says, p := range map[string]subject.Participant{`unknown role "juggler"`: {Role: "juggler", Options: []byte("{}")}, "unexpected end": {Role: User}} {
		if err := play(context.Background(), p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
