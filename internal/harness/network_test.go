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

func lineTo(t *testing.T, servers *servers) *process {
	t.Helper()
	proxy, err := ensemble.NewProxy(servers.addresses, ensemble.Ears{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return &process{name: "client-1", proxy: proxy}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestNetworkFaultsBite has a player suffer from each of the faults until the probe has
// seen it, and play on when it is healed.
func TestNetworkFaultsBite(t *testing.T) {
	for _, kind := range onTheLine {
		t.Run(string(kind), func(t *testing.T) {
			p := lineTo(t, startServers(t, 2))
			player := play(t, p.proxy)
			heard := func(more int64) {
				before := player.answers.Load()
				until(t, "answers", func() bool { return player.answers.Load() >= before+more })
			}
			heard(5)
			d := deedsOnOne[kind](nil, p, nemesis.Fault{Number: 1, Kind: kind, Pick: 500})
			if seen := d.probe; kind == nemesis.Move && seen(t.Context()).effective {
				t.Error("moved before it was")
			}
			if err := d.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			var seen finding
			until(t, "an effect", func() bool { seen = d.probe(t.Context()); return seen.effective })
			if seen.text == "" || len(seen.figures) == 0 {
				t.Errorf("found %+v", seen)
			}
			if err := d.heal(t.Context()); err != nil {
				t.Error(err)
			}
			heard(20)
		})
	}
}

// TestNetworkProbesSayNo plants faults that do nothing: they are healed before there is
// a player, or there is none.
func TestNetworkProbesSayNo(t *testing.T) {
	movable := func(kind nemesis.Kind) bool { return kind == nemesis.Move } // from the beginning; see TestNetworkFaultsBite
	for _, kind := range slices.DeleteFunc(slices.Clone(onTheLine), movable) {
		t.Run(string(kind), func(t *testing.T) {
			p := lineTo(t, startServers(t, 2))
			d := deedsOnOne[kind](nil, p, nemesis.Fault{Number: 1, Kind: kind, Pick: 500})
			no := func(when string) {
				t.Helper()
				if seen := d.probe(t.Context()); seen.effective {
					t.Errorf("%s: %s %v", when, seen.text, seen.figures)
				}
			}
			if err := d.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			no("nobody plays")
			if err := d.heal(t.Context()); err != nil {
				t.Error(err)
			}
			player := play(t, p.proxy)
			until(t, "answers", func() bool { return player.answers.Load() > 20 })
			no("healed before")
		})
	}
}

// TestMoveNeedsAServer has nobody to move.
func TestMoveNeedsAServer(t *testing.T) {
	p := lineTo(t, startServers(t, 2))
	if err := (&run{}).move(p, nemesis.Fault{}).apply(t.Context()); err == nil {
		t.Error("a participant without a connection was moved")
	}
}
