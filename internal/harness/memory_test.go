package harness

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// onThePort are the faults in memory that need nothing of a participant but its sessions.
var onThePort = []nemesis.Kind{nemesis.CutClient, nemesis.Reset, nemesis.Latency, nemesis.DropCreate, nemesis.DropMulti, nemesis.DropDelete}

// onStage has a test play the part of an actor, in virtual time.
func onStage(t *testing.T, f func(m *memory, session zkapi.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		journal, err := record.Create(filepath.Join(t.TempDir(), "harness.ndjson"), "harness", 0, func() time.Duration { return time.Since(began) })
		if err != nil {
			t.Fatal(err)
		}
		m := newMemory(defaults(), "", io.Discard)
		m.harness = journal
		a := &simProcess{name: "client-1", role: playing("client"), memory: m, life: 1, over: make(chan struct{})}
		m.members = []member{a}
		a.env = &processEnv{Env: &zk.Env{Server: m.server}, actor: a, life: 1}
		session, err := a.env.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f(m, session)
		if err := journal.Close(); err != nil {
			t.Error(err)
		}
	})
}

// writes makes requests of each kind, for a while, and counts those of which it is not
// known what became of them.
func writes(session zkapi.Session, lasts time.Duration) (unknown int) {
	ctx := context.Background()
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, op := range []zkapi.Op{
			zkapi.Create("/a", nil, zkapi.Persistent), zkapi.Multi(zkapi.Set("/a", nil, zkapi.AnyVersion)), zkapi.Exists("/a"), zkapi.Delete("/a", zkapi.AnyVersion),
		} {
			if _, err := session.Do(ctx, op); zkapi.FateOf(err) == zkapi.Unknown {
				unknown++
			}
		}
	}
	return unknown
}

// TestMemory_FaultsAreEffective has an actor suffer from each of the faults, and go on when it
// is healed.
func TestMemory_FaultsAreEffective(t *testing.T) {
	for _, kind := range onThePort {
		t.Run(string(kind), func(t *testing.T) {
			onStage(t, func(m *memory, session zkapi.Session) {
				d := m.bind(t, kind)
				if err := d.Apply(t.Context()); err != nil {
					t.Fatal(err)
				}
				unknown := make(chan int)
				go func() { unknown <- writes(session, time.Second) }()
				time.Sleep(1500 * time.Millisecond)
				seen := d.Probe(t.Context())
				if err := d.Heal(t.Context()); err != nil {
					t.Error(err)
				}
				n := <-unknown
				if !seen.Effective || seen.Text == "" || len(seen.Figures) == 0 {
					t.Errorf("found %+v", seen)
				}
				one := kind == nemesis.DropCreate || kind == nemesis.DropMulti || kind == nemesis.DropDelete
				if (n > 0) == (kind == nemesis.Latency) || one && n != 1 {
					t.Errorf("%d requests of unknown outcome", n)
				}
				began := time.Now()
				if n := writes(session, time.Second); n > 0 || session.Cause() != nil || time.Since(began) > 1100*time.Millisecond {
					t.Errorf("healed, and %d requests of unknown outcome, %v", n, session.Cause())
				}
			})
		})
	}
}

// TestMemory_ProbesSeeWhatHadNoEffect plants faults that do nothing: nobody has a session, or nobody
// asks for anything, or they are healed before.
func TestMemory_ProbesSeeWhatHadNoEffect(t *testing.T) {
	for _, kind := range onThePort {
		t.Run(string(kind), func(t *testing.T) {
			onStage(t, func(m *memory, session zkapi.Session) {
				d := m.bind(t, kind)
				no := func(when string) {
					t.Helper()
					if seen := d.Probe(t.Context()); seen.Effective {
						t.Errorf("%s: %s %v", when, seen.Text, seen.Figures)
					}
				}
				if kind == nemesis.CutClient || kind == nemesis.Reset { // they need a connection, and nothing else
					if err := session.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.Apply(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				no("nobody asks for anything")
				if err := d.Heal(t.Context()); err != nil {
					t.Error(err)
				}
				writes(session, time.Second)
				no("healed before")
			})
		})
	}
}

// TestMemory_TrapReportsThatNothingWasLost: the write takes effect, and its answer arrives.
func TestMemory_TrapReportsThatNothingWasLost(t *testing.T) {
	trap := &trap{on: func(x nemesis.Exchange) bool { return x.Op.Kind == zkapi.KindCreate }}
	if !trap.fits()(zk.Write{Session: 1, Zxid: 7, Op: zkapi.Create("/a", nil, zkapi.Persistent)}) {
		t.Fatal("a create does not fit")
	}
	trap.missed(1, zkapi.Create("/b", nil, zkapi.Persistent))
	trap.missed(2, zkapi.Create("/a", nil, zkapi.Persistent))
	if seen := trap.Caught(); seen.Lost || seen.Zxid != 7 || !seen.Answered {
		t.Errorf("the answers to others were lost: %+v", seen)
	}
	trap.missed(1, zkapi.Create("/a", nil, zkapi.Persistent))
	if seen := trap.Caught(); !seen.Lost {
		t.Errorf("its answer was lost: %+v", seen)
	}
}

// TestMemory_ConnectionKeepsTheOrder: requests arrive in the order in which they are sent, also
// those that are sent when the line is well again.
func TestMemory_ConnectionKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l line
		delays := []time.Duration{300 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}
		next := 0
		l.slow(func() time.Duration { next++; return delays[next-1] })
		arrived := make(chan int, len(delays)+1)
		for n := range len(delays) + 1 {
			if n == len(delays) {
				l.slow(nil)
			}
			go func() { l.pass(); arrived <- n }()
			time.Sleep(time.Millisecond)
		}
		for want := range len(delays) + 1 {
			if got := <-arrived; got != want {
				t.Errorf("request %d arrived, want %d", got, want)
			}
		}
	})
}

// bind aims a fault at the client of a run.
func (m *memory) bind(t *testing.T, kind nemesis.Kind) nemesis.Injection {
	t.Helper()
	i, err := m.injector.Bind(t.Context(), nemesis.Fault{Number: 1, Kind: kind, Role: nemesis.SomeClient, Pick: 500})
	if err != nil {
		t.Fatal(err)
	}
	return i
}
