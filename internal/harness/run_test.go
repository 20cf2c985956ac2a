package harness

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// dead is a bench whose ensemble never serves again.
type dead struct{ *memory }

var errDead = errors.New("no server answers")

func (dead) serves(context.Context) error { return errDead }

// TestHeal_LooksWhetherTheEnsembleServes: a run is healed only if its ensemble is seen to
// serve, on every bench.
func TestHeal_LooksWhetherTheEnsembleServes(t *testing.T) {
	m := newMemory(defaults(), t.TempDir(), io.Discard)
	if _, err := m.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.heal(t.Context()); err != nil {
		t.Errorf("in memory: %v", err)
	}
	if m.on(dead{m}); !errors.Is(m.heal(t.Context()), errDead) {
		t.Error("an ensemble that does not serve is taken for healed")
	}
}

// TestActor_StaysDeadIfItCrashed: healing starts an actor again that was killed, and none
// that crashed.
func TestActor_StaysDeadIfItCrashed(t *testing.T) {
	for _, doomed := range []bool{true, false} {
		m := newMemory(defaults(), "", io.Discard)
		over := make(chan struct{})
		close(over)
		a := &simProcess{name: "worker-1", role: playing("worker"), memory: m, life: 1, over: over, doomed: doomed, env: &processEnv{}}
		// There is no folder for the journal of another life.
		if started := a.recover() != nil; started != doomed {
			t.Errorf("its end was wanted is %v, and it is started again: %v", doomed, started)
		}
	}
}

// TestBenches_OfferWhatTheirFaultsNeed: a fault can be injected in memory if, and only if,
// it needs nothing that memory lacks, and every fault on Docker.
func TestBenches_OfferWhatTheirFaultsNeed(t *testing.T) {
	config := defaults()
	config.SessionTimeout = time.Second
	memory, docker := newMemory(config, "", io.Discard).Settings().Offers, newDocker(config, "", io.Discard).Settings().Offers
	for _, e := range nemesis.Catalogue {
		refused := len(nemesis.RefusedInMemory([]nemesis.Kind{e.Kind})) > 0
		if e.Needs&^docker != 0 || (e.Needs&^memory != 0) != refused {
			t.Errorf("%s needs %b; Docker offers %b, memory %b, and refuses it: %v", e.Kind, e.Needs, docker, memory, refused)
		}
	}
}
