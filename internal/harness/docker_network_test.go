package harness

import (
	"slices"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

// onTheLine are the faults that need nothing of a participant but its line.
var onTheLine = []nemesis.Kind{
	nemesis.CutClient, nemesis.Mute, nemesis.Deafen, nemesis.Reset, nemesis.Latency, nemesis.Bandwidth, nemesis.Drip, nemesis.DropCreate,
	nemesis.DropMulti, nemesis.DropDelete, nemesis.DelayReply, nemesis.FreezeAccept, nemesis.CutHandshake, nemesis.Move,
}

// lineTo adds a process that nobody plays to a run, with a line to its servers.
func (r *docker) lineTo(t *testing.T, servers *servers) *process {
	t.Helper()
	proxy, err := ensemble.NewProxy(servers.addresses, ensemble.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &process{name: "client-1", role: playing("client"), run: r, proxy: proxy, exited: make(chan struct{})}
	r.members = append(r.members, p)
	return p
}

// bind aims a fault at the client of a run.
func (r *docker) bind(t *testing.T, kind nemesis.Kind) nemesis.Injection {
	t.Helper()
	i, err := r.injector.Bind(t.Context(), nemesis.Fault{Number: 1, Kind: kind, Role: nemesis.SomeClient, Pick: 500})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestDocker_NetworkFaultsAreEffective has a writer suffer from each of the faults until the probe has
// seen it, and play on when it is healed.
func TestDocker_NetworkFaultsAreEffective(t *testing.T) {
	for _, kind := range onTheLine {
		t.Run(string(kind), func(t *testing.T) {
			s := startServers(t, 2)
			r := runOn(t, s)
			writer := startWriter(t, r.lineTo(t, s).proxy)
			heard := func(more int64) {
				before := writer.answers.Load()
				until(t, "answers", func() bool { return writer.answers.Load() >= before+more })
			}
			heard(5)
			d := r.bind(t, kind)
			if seen := d.Probe; kind == nemesis.Move && seen(t.Context()).Effective {
				t.Error("moved before it was")
			}
			if err := d.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			var seen nemesis.Finding
			until(t, "an effect", func() bool { seen = d.Probe(t.Context()); return seen.Effective })
			if seen.Text == "" || len(seen.Figures) == 0 {
				t.Errorf("found %+v", seen)
			}
			if err := d.Heal(t.Context()); err != nil {
				t.Error(err)
			}
			heard(20)
		})
	}
}

// TestDocker_NetworkProbesSeeWhatHadNoEffect plants faults that do nothing: they are healed before there is
// a writer, or there is none.
func TestDocker_NetworkProbesSeeWhatHadNoEffect(t *testing.T) {
	movable := func(kind nemesis.Kind) bool { return kind == nemesis.Move } // from the beginning; see TestDocker_NetworkFaultsAreEffective
	for _, kind := range slices.DeleteFunc(slices.Clone(onTheLine), movable) {
		t.Run(string(kind), func(t *testing.T) {
			s := startServers(t, 2)
			r := runOn(t, s)
			p := r.lineTo(t, s)
			d := r.bind(t, kind)
			no := func(when string) {
				t.Helper()
				if seen := d.Probe(t.Context()); seen.Effective {
					t.Errorf("%s: %s %v", when, seen.Text, seen.Figures)
				}
			}
			if err := d.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			no("nobody plays")
			if err := d.Heal(t.Context()); err != nil {
				t.Error(err)
			}
			writer := startWriter(t, p.proxy)
			until(t, "answers", func() bool { return writer.answers.Load() > 20 })
			no("healed before")
		})
	}
}

// TestDocker_MoveNeedsAServer has nobody to move.
func TestDocker_MoveNeedsAServer(t *testing.T) {
	s := startServers(t, 2)
	r := runOn(t, s)
	r.lineTo(t, s)
	if err := r.bind(t, nemesis.Move).Apply(t.Context()); err == nil {
		t.Error("a participant without a connection was moved")
	}
}
