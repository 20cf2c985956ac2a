package harness

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/participant"
	"github.com/ringmaster-zk/ringmaster/internal/wire"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// TestMain lets the test binary be started as a participant, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "participant" {
		if err := extra(os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// extra is a participant that says what its clock shows, opens a session, and does
// nothing until it gets SIGTERM.
func extra(argument string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	config, err := participant.Decode(strings.TrimPrefix(argument, "--config="))
	if err != nil {
		return err
	}
	journal, err := record.Create(config.Journal, config.Name, config.Life, func() time.Duration { return clock.Now() - config.Origin })
	if err != nil {
		return err
	}
	journal.Add(record.Event{Type: record.Note, Kind: record.Clock, Of: record.Reading{Wall: time.Now().Add(config.Skew)}})
	driver, err := zkclient.New(zkclient.Config{Servers: config.Servers})
	if err != nil {
		return err
	}
	stop, err := participant.NoteSleeps(context.Background(), config, journal, driver.Elapsed)
	if err != nil {
		return err
	}
	if c, err := net.Dial("tcp", config.Servers[0]); err == nil {
		defer c.Close()
		_, _ = c.Write(wire.Frame(append(words(0, 0, 0, 4000, 0, 0, 16), make([]byte, 16)...)))
	}
	<-signals
	stop()
	return journal.Close()
}

// stage is a run with one participant, of that name, that has a session.
func stage(t *testing.T, timeout time.Duration) (*docker, *process) {
	t.Helper()
	r := runOn(t, startServers(t, 1))
	dir, _, err := makeFolder(t.TempDir(), 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.dir, r.config.SessionTimeout, r.origin = dir, timeout, clock.Now()
	if r.executable, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	if err := r.openJournals(); err != nil {
		t.Fatal(err)
	}
	if r.sink, err = participant.ListenSink(r.effects, r.power.off); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.sink.Close() })
	p := &process{name: "worker-1", role: playing("worker"), run: r, started: new(atomic.Int32), executable: r.executable}
	if err := p.connect(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	r.members = []member{p}
	t.Cleanup(func() {
		p.quit(leavePatience)
		r.injector.Wait()
		r.work.Wait()
		_ = p.proxy.Close()
	})
	listens(t, p)
	return r, p
}

// listens waits until the present life has a session, and so listens for SIGTERM.
func listens(t *testing.T, p *process) {
	t.Helper()
	until(t, "it has a session", func() bool { s, ok := p.proxy.Session(); return ok && p.Has(s.ID) })
}

// onWorker aims a fault at the worker of a run.
func (r *docker) onWorker(t *testing.T, kind nemesis.Kind) nemesis.Injection {
	t.Helper()
	i, err := r.injector.Bind(t.Context(), nemesis.Fault{Kind: kind, Role: nemesis.SomeWorker, Pick: 7})
	if err != nil {
		t.Fatal(err)
	}
	i.Done()
	return i
}

// bites applies an injection and lets it last; its probe must say no before and yes after.
func bites(t *testing.T, d nemesis.Injection, lasts time.Duration) {
	t.Helper()
	if seen := d.Probe(t.Context()); seen.Effective {
		t.Errorf("before anything was done: %s", seen.Text)
	}
	if err := d.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lasts)
	until(t, "the probe sees it", func() bool { return d.Probe(t.Context()).Effective })
	if err := d.Heal(t.Context()); err != nil {
		t.Error(err)
	}
}

// inflicted applies an injection, lets it last, and heals it.
func inflicted(t *testing.T, d nemesis.Injection, lasts time.Duration) nemesis.Finding {
	t.Helper()
	if err := d.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lasts)
	seen := d.Probe(t.Context())
	if err := d.Heal(t.Context()); err != nil {
		t.Error(err)
	}
	return seen
}

// TestDocker_SleepIsEffective puts the machine of a participant to sleep. Its clock for leases goes on,
// by its own word, its monotonic clock does not, and its line is dead for a while after it.
func TestDocker_SleepIsEffective(t *testing.T) {
	r, p := stage(t, 300*time.Millisecond)
	r.config.Nemesis = []nemesis.Kind{nemesis.SleepWorker}
	p.quit(leavePatience)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	listens(t, p)
	r.observer = holding(t, p.name)
	free := func() bool {
		i, err := r.injector.Bind(t.Context(), nemesis.Fault{Kind: nemesis.KillWorker, Role: nemesis.SomeWorker})
		if err == nil {
			i.Done()
		}
		return err == nil
	}
	d, err := r.injector.Bind(t.Context(), nemesis.Fault{Kind: nemesis.SleepWorker})
	if err != nil || free() {
		t.Fatalf("free is %v, %v", free(), err)
	}
	if err := d.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []bool{false, true} {
		if session, _ := p.proxy.Session(); gone {
			if _, err := p.EndSession(t.Context(), session.ID); err != nil { // these servers end none by themselves
				t.Fatal(err)
			}
		}
		time.Sleep(500 * time.Millisecond)
		if seen := d.Probe(t.Context()); seen.Effective != gone {
			t.Errorf("its session is gone is %v: effective is %v, %s", gone, seen.Effective, seen.Text)
		}
	}
	if err := d.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	var slept *record.Sleep
	until(t, "it says what its clocks show", func() bool {
		events, err := record.ReadFile(filepath.Join(r.dir, record.JournalsFolder, record.JournalName(p.name, p.number())))
		for _, e := range events {
			slept = cmp.Or(e.Reading().Sleep, slept)
		}
		return err == nil && slept != nil
	})
	if slept.Leases < time.Second || slept.Monotonic > slept.Leases/2 {
		t.Errorf("%+v", slept)
	}
	if p.Stopped() || free() {
		t.Error("it is stopped, or was released before its line was restored")
	}
	d.Done()
	until(t, "it is released", free)
}

// holding observes a tree in which a worker holds a resident task.
func holding(t *testing.T, worker string) *observer {
	t.Helper()
	o := &observer{driver: &zk.Env{Server: zk.NewServer(time.Hour)}, work: defaults().Subject.Workload}
	for _, path := range []string{"/assign", "/assign/" + worker, "/assign/" + worker + "/task-" + "resident." + "1"} {
		if _, err := o.Do(t.Context(), zkapi.Create(path, nil, zkapi.Persistent)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func TestDocker_ProcessFaultsAreEffective(t *testing.T) {
	r, p := stage(t, 300*time.Millisecond)
	for name, fault := range map[string]struct {
		kind  nemesis.Kind
		lasts time.Duration
	}{
		"kill":       {nemesis.KillWorker, 0},
		"leave":      {nemesis.LeaveWorker, 0},
		"stop":       {nemesis.StopWorker, 400 * time.Millisecond},
		"wrongClock": {nemesis.WrongClock, 0},
	} {
		t.Run(name, func(t *testing.T) {
			listens(t, p)
			bites(t, r.onWorker(t, fault.kind), fault.lasts)
			listens(t, p)
			if !p.Alive() || p.Stopped() {
				t.Errorf("healed, it is alive %v and stopped %v", p.Alive(), p.Stopped())
			}
			if off, err := p.ClockOff(); err != nil || off.Abs() > time.Minute {
				t.Errorf("healed, its clock is off by %v, %v", off, err)
			}
		})
	}
}

// TestDocker_StopIsJudgedByItsLength: a stop that is over too soon is none, nor is a pause that
// lasts too long.
func TestDocker_StopIsJudgedByItsLength(t *testing.T) {
	r, _ := stage(t, 300*time.Millisecond)
	for _, c := range []struct {
		kind  nemesis.Kind
		lasts time.Duration
		want  bool
	}{
		{nemesis.StopWorker, 0, false}, {nemesis.StopWorker, 400 * time.Millisecond, true},
		{nemesis.PauseWorker, 0, true}, {nemesis.PauseWorker, 400 * time.Millisecond, false},
	} {
		if seen := inflicted(t, r.onWorker(t, c.kind), c.lasts); seen.Effective != c.want {
			t.Errorf("effective is %v, want %v: %s", seen.Effective, c.want, seen.Text)
		}
	}
}

// TestDocker_TwinIsEffective: a second process that reaches no server is no twin.
func TestDocker_TwinIsEffective(t *testing.T) {
	r, p := stage(t, time.Second)
	for _, reaches := range []bool{true, false} {
		if !reaches {
			r.ensemble.Servers[0].Address = "127.0.0.1:1"
		}
		d := r.onWorker(t, nemesis.TwinWorker)
		if err := d.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen := d.Probe(t.Context())
		for range 50 {
			if seen.Effective || !reaches && seen.Figures["both run"] == "true" {
				break
			}
			time.Sleep(20 * time.Millisecond)
			seen = d.Probe(t.Context())
		}
		if seen.Effective != reaches || p.number() != 1 {
			t.Errorf("effective is %v, want %v, in life %d: %s", seen.Effective, reaches, p.number(), seen.Text)
		}
		if err := d.Heal(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}
