package workload

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
)

// TestWorkload_HasTheFaultsOfMastersAndClients: a manager leads, and an operator puts load on the group.
// No role holds what the recipe hands out.
func TestWorkload_HasTheFaultsOfMastersAndClients(t *testing.T) {
	w := New()
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	recipe := w.ForNemesis()
	for kind, want := range map[nemesis.Kind]bool{
		nemesis.KillMaster: true, nemesis.ExpireElected: true, nemesis.StopMaster: true, nemesis.KillClient: true, nemesis.DropMulti: true,
		nemesis.DropCreate: false, nemesis.KillWorker: false, nemesis.ExpireAssigned: false,
	} {
		if why := recipe.Refuses(kind); (why == "") != want {
			t.Errorf("%s: %q", kind, why)
		}
	}
}

// TestValue_UsesEveryWay: values are short, or in parts, or begin as a pointer to parts does; each is another
// one.
func TestValue_UsesEveryWay(t *testing.T) {
	l := &lane{rng: rand.New(rand.NewPCG(1, 2)), prefix: "m:1 thread 0 since 1s"}
	seen, values := map[string]bool{}, map[string]bool{}
	for range 200 {
		v := string(l.value(keyOf(7)))
		values[history.Digest([]byte(v))] = true
		seen["parts"] = seen["parts"] || len(v) > partSize
		seen["short"] = seen["short"] || len(v) < partSize
		seen["pointer"] = seen["pointer"] || strings.HasPrefix(v, "@parts ")
	}
	if len(seen) != 3 || !seen["parts"] || !seen["short"] || !seen["pointer"] || len(values) != 200 {
		t.Errorf("%v; %d different values of 200", seen, len(values))
	}
}

// TestBookOf_ChecksWhatIsLoaded: each thread has its own applications, with what is below them; a record without
// the one above is an error.
func TestBookOf_ChecksWhatIsLoaded(t *testing.T) {
	below := keyOf(3) + "/attempt_1"
	b, err := bookOf([]store.Record{{Key: history.Serving}, {Key: keyOf(2), Version: 5}, {Key: keyOf(3), Version: 1}, {Key: below, Version: 2}})
	if err != nil || len(b[0].known) != 1 || b[0].known[keyOf(2)] != 5 || len(b[1].known) != 2 || b[1].known[below] != 2 {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := bookOf([]store.Record{{Key: below}}); err == nil || !strings.Contains(err.Error(), "was loaded without "+keyOf(3)) {
		t.Errorf("%v", err)
	}
}
