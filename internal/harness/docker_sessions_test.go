package harness

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// runOn is a run that has an ensemble.
func runOn(t *testing.T, s *servers) *docker {
	t.Helper()
	wire, err := record.CreateWire(filepath.Join(t.TempDir(), record.WireFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wire.Close() })
	r := newDocker(Setup{Subject: defaults().Subject}, "", io.Discard)
	r.wire, r.ensemble = wire, &ensemble.Ensemble{}
	for _, address := range s.addresses {
		r.ensemble.Servers = append(r.ensemble.Servers, &ensemble.Server{Address: address})
	}
	return r
}

// TestDocker_EndsManySessions ends half of four sessions, on servers that end sessions and on
// some that only say so.
func TestDocker_EndsManySessions(t *testing.T) {
	for _, immortal := range []bool{false, true} {
		s := startServers(t, 2)
		s.immortal = immortal
		r := runOn(t, s)
		for _, name := range []string{"master-1", "worker-1", "worker-2", "client-1"} {
			p := r.lineTo(t, s)
			role, _, _ := strings.Cut(name, "-")
			p.name, p.role = name, playing(role)
			startWriter(t, p.proxy)
			until(t, "a session", func() bool { session, ok := p.proxy.Session(); p.lives.Store(session.ID, 0); return ok })
		}
		many := func(pick int) (nemesis.Injection, error) {
			return r.injector.Bind(t.Context(), nemesis.Fault{Kind: nemesis.ExpireMany, Pick: pick})
		}
		d, err := many(2)
		if err != nil || d.Target != "worker-2,client-1" {
			t.Fatalf("%q, %v", d.Target, err)
		}
		if _, err := many(0); err != nil {
			t.Errorf("the other half: %v", err)
		}
		if _, err := many(0); err == nil {
			t.Error("all suffer already, and more were found")
		}
		if seen := d.Probe(t.Context()); seen.Effective {
			t.Errorf("before anything was done: %s", seen.Text)
		}
		if err := d.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen := d.Probe(t.Context()); seen.Effective == immortal {
			t.Errorf("immortal is %v: %s", immortal, seen.Text)
		}
		if ended := strings.Split(d.Sessions(), ","); len(ended) != 2 || ended[0] == ended[1] {
			t.Errorf("ended %v", ended)
		}
		d.Done()
		if again, err := r.injector.Bind(t.Context(), nemesis.Fault{Kind: nemesis.LeaveWorker, Role: nemesis.SomeWorker}); err != nil || again.Target != "worker-2" {
			t.Errorf("not those were released that suffered: %q, %v", again.Target, err)
		}
	}
}
