package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// TestPower_EndsAProcessForSure ends a process that is stopped. The switch answers when it is
// over, starts it again, and says of the old life that it was over already.
func TestPower_EndsAProcessForSure(t *testing.T) {
	r, p := stage(t, time.Minute)
	by, of := record.Life{Process: "worker-2", Number: 1}, record.Life{Process: "worker-1", Number: 1}
	r.power.lives[of] = sound()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is stopped", p.Stopped)
	pid := p.command.Process
	if err := r.sink.PowerOff(by, of); err != nil {
		t.Fatal(err)
	}
	if err := pid.Signal(nil); err == nil {
		t.Error("the answer is there, and the process lives")
	}
	until(t, "it is started again", func() bool { return p.number() == 2 && p.Alive() })
	if err := p.Start(); err != nil || p.number() != 2 {
		t.Errorf("life %d, %v: it was started once more", p.number(), err)
	}
	if err := r.sink.PowerOff(by, of); err != nil {
		t.Errorf("a life that is over: %v", err)
	}
	if err := r.sink.Act(record.RequestEffect(of, "o", "", record.Token{}, "late")); err == nil {
		t.Error("an effect of that life arrives")
	}
	for _, none := range []record.Life{{Process: "worker-1", Number: 9}, {Process: "worker-1"}, {Process: "worker-7", Number: 1}, by} {
		r.power.lives[none] = sound()
		if err := r.sink.PowerOff(by, none); err == nil || errors.Is(err, subject.ErrPowerSwitch) {
			t.Errorf("%s: %v", none, err)
		}
	}
	listens(t, p)
	if !p.Alive() || p.number() != 2 {
		t.Error("the second life has ended")
	}
}

// sound is a switch that works.
func sound() *faulty {
	f := drawn(0, record.Life{})
	f.left = 0
	return f
}

// TestPower_EndsASecondProcessOfTheName: it is a life like any other.
func TestPower_EndsASecondProcessOfTheName(t *testing.T) {
	r, p := stage(t, time.Minute)
	second, err := p.Twin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Remove() })
	by, of := record.Life{Process: "worker-2", Number: 1}, record.Life{Process: "worker-1", Number: 2}
	r.power.lives[of] = sound()
	if err := r.sink.PowerOff(by, of); err != nil || second.Alive() || !p.Alive() {
		t.Errorf("%v; the second one lives: %v, the first one: %v", err, second.Alive(), p.Alive())
	}
}

// TestPower_FailsBySeed: half of the lives end at the first attempt, some outlast the patience
// of a recipe, and all end.
func TestPower_FailsBySeed(t *testing.T) {
	at := map[int]int{} // how many lives end at which attempt
	for n := range 400 {
		of := record.Life{Process: fmt.Sprintf("worker-%d", n%4), Number: n}
		one, two := drawn(7, of), drawn(7, of)
		for attempts := 1; ; attempts++ {
			a := one.next()
			if b := two.next(); a != b {
				t.Fatalf("attempt %d at %s: %+v and %+v", attempts, of, a, b)
			}
			if a.takes > time.Second || a.takes <= 0 || a.restart <= 0 {
				t.Fatalf("%+v", a)
			}
			if !a.fails {
				at[attempts]++
				break
			}
		}
	}
	long := 0
	for attempts, lives := range at {
		if attempts > 5 {
			long += lives
		}
		if attempts > mostFailures+1 {
			t.Errorf("%d lives end at attempt %d", lives, attempts)
		}
	}
	if at[1] < 150 || at[1] > 250 || long < 40 || at[2] == 0 {
		t.Errorf("%v", at)
	}
}

// TestPower_InMemory has one actor end another one, which acts on the outside all the time. When
// the switch has answered, that life acts no more; the next one does. Attempts that fail are
// on record as such.
func TestPower_InMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over, failed := map[record.Life]time.Duration{}, 0
		play := func(ctx context.Context, p subject.Participant) error {
			for n := 1; ctx.Err() == nil; n++ {
				if p.Role == "victim" {
					_ = p.Effect(subject.Effect{Object: "o"})
					wait(ctx, 20*time.Millisecond)
					continue
				}
				of := record.Life{Process: "victim-1", Number: n}
				for err := subject.ErrPowerSwitch; ctx.Err() == nil && err != nil; {
					if err = p.PowerOff(context.WithoutCancel(ctx), of); errors.Is(err, subject.ErrPowerSwitch) {
						failed++
					} else if err != nil {
						t.Errorf("%s: %v", of, err)
						break
					} else if err == nil {
						over[of] = p.Now()
					}
				}
				wait(ctx, 1500*time.Millisecond) // the next life has begun
			}
			return context.Cause(ctx)
		}
		config := Defaults(subject.Subject{Name: "switch", Workload: subject.Workload{
			Roles: []subject.Role{{Name: "victim", Count: 1, Most: 1}, {Name: "hand", Count: 1, Most: 1}}, Play: play,
		}})
		config.Ensemble, config.Nemesis, config.Time = Memory, nil, 2*time.Minute
		dir, _, err := makeFolder(t.TempDir(), 1, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		m := newMemory(config, dir, io.Discard)
		if err := errors.Join(m.setUp(t.Context()), m.conduct(t.Context()), m.tearDown(), m.complete()); err != nil {
			t.Fatal(err)
		}
		run, err := record.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		judgePower(t, run, over, failed)
	})
}

// judgePower holds what a run has on record of its power switch against what the actor was told.
func judgePower(t *testing.T, run record.Run, over map[record.Life]time.Duration, failed int) {
	acts, killed := map[record.Life]int{}, map[record.Life]bool{}
	for _, e := range run.Events {
		switch {
		case e.Kind == record.Effect:
			by := e.Act().By
			acts[by]++
			if end, ended := over[by]; ended && e.At > end {
				t.Fatalf("%s acts at %v, and was over at %v", by, e.At, end)
			}
		case e.ProcessChange().Fate == record.Killed:
			killed[e.ProcessChange().Of] = true
		case e.ProcessChange().Fate == record.Crashed:
			t.Errorf("%+v", e.Of)
		}
	}
	done := record.Operations(run.Events, record.PowerOff)
	worked := slices.DeleteFunc(slices.Clone(done), func(o record.Operation) bool { return o.Outcome() != record.OK })
	if len(over) < 20 || len(worked) != len(over) || failed == 0 || failed != len(done)-len(worked) {
		t.Errorf("%d lives were ended; on record are %d attempts, and %d of them worked; %d failed", len(over), len(done), len(worked), failed)
	}
	for of := range over {
		if acts[of] == 0 || !killed[of] {
			t.Errorf("%s acted %d times, killed is %v", of, acts[of], killed[of])
		}
	}
}
