package explore

import (
	"context"
	"testing"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// mixed is a world whose processes run different programs, and whose goal is reached.
func mixed(bounds Bounds, programs ...Program) *World {
	w := toy(len(programs), bounds, nil)
	w.Judge = aimless{patient{w.Judge}}
	for i, program := range programs {
		w.Processes[i].Program = program
	}
	return w
}

// calling creates /e, acts with a great token, and creates /f.
func calling(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	_, _ = session.Do(ctx, zkapi.Create("/e", nil, zkapi.Persistent))
	_ = host.Act(ctx, "thing", 5)
	_, _ = session.Do(ctx, zkapi.Create("/f", nil, zkapi.Persistent))
}

// answering creates /e as long as /r is there.
func answering(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	_, _ = session.Do(ctx, zkapi.Multi(zkapi.Check("/r", zkapi.AnyVersion), zkapi.Create("/e", nil, zkapi.Persistent)))
}

// listening says that it has heard of /e.
func listening(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	if e, err := session.Do(ctx, zkapi.Exists("/e").Watched()); err == nil && !e.Found {
		_, _ = host.Wait(ctx, e.Watch, session.Done())
		host.Note("heard", "yes")
	}
}

// remembering has /r for as long as its first session lives. It creates /missed with another
// session, if it has not heard of /e by then.
func remembering(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	_, _ = session.Do(ctx, zkapi.Create("/r", nil, zkapi.Ephemeral))
	e, err := session.Do(ctx, zkapi.Exists("/e").Watched())
	if err != nil || e.Found {
		return
	}
	if i, _ := host.Wait(ctx, session.Done(), e.Watch); i == 1 {
		_, _ = session.Do(ctx, zkapi.Get("/n"))
		return
	}
	if session, err = host.Open(ctx); err == nil {
		_, _ = session.Do(ctx, zkapi.Create("/missed", nil, zkapi.Persistent))
	}
}

// acting creates /early, if its act is refused before it hears of /e.
func acting(ctx context.Context, host Host) {
	hearing(ctx, host, func(session zkapi.Session, heard *bool) {
		if err := host.Act(ctx, "thing", 1); err != nil && !*heard {
			_, _ = session.Do(ctx, zkapi.Create("/early", nil, zkapi.Persistent))
		}
	})
}

// actingTwice creates /early, if it hears of /e neither before an act that is refused nor
// before the next one.
func actingTwice(ctx context.Context, host Host) {
	hearing(ctx, host, func(session zkapi.Session, heard *bool) {
		zkapi.Checkpoint(host, "first", session, heard)
		if host.Act(ctx, "thing", 1) == nil {
			return
		}
		zkapi.Checkpoint(host, "second", session, heard)
		if _ = host.Act(ctx, "other", 1); !*heard {
			_, _ = session.Do(ctx, zkapi.Create("/early", nil, zkapi.Persistent))
		}
	})
}

// actingAnyway acts, whatever it hears.
func actingAnyway(ctx context.Context, host Host) {
	hearing(ctx, host, func(session zkapi.Session, heard *bool) {
		zkapi.Checkpoint(host, "act", session, heard)
		_ = host.Act(ctx, "thing", 1)
	})
}

// hearing does something while it waits for /e. At last it reads.
func hearing(ctx context.Context, host Host, meanwhile func(session zkapi.Session, heard *bool)) {
	session, _ := host.Open(ctx)
	e, err := session.Do(ctx, zkapi.Exists("/e").Watched())
	if err != nil || e.Found {
		return
	}
	heard := false
	listener := host.Spawn("listener", func() {
		zkapi.Checkpoint(host, "listen", session)
		_, _ = host.Wait(ctx, e.Watch, session.Done())
		heard = true
	})
	meanwhile(session, &heard)
	zkapi.Checkpoint(host, "join", session, &heard)
	_, _ = host.Wait(ctx, listener)
	zkapi.Checkpoint(host, "last", session, &heard)
	_, _ = session.Do(ctx, zkapi.Get("/n"))
}

// waiting hears of /e, and then reads.
func waiting(ctx context.Context, host Host) {
	session, _ := host.Open(ctx)
	if e, err := session.Do(ctx, zkapi.Exists("/e").Watched()); err == nil && !e.Found {
		_, _ = host.Wait(ctx, e.Watch, session.Done())
		_, _ = session.Do(ctx, zkapi.Get("/n"))
	}
}

// TestReductions_LoseNothing: whatever a judge could see in a search without reductions, it
// sees in one with them, and nothing else.
func TestReductions_LoseNothing(t *testing.T) {
	faults := Bounds{Expiries: 1, Losses: 1}
	for name, c := range map[string]struct {
		world *World
		fewer bool
	}{
		"an event that a judge sees":     {mixed(Bounds{}, calling, listening), false},
		"an event that may be missed":    {mixed(Bounds{Expiries: 1}, answering, remembering), true},
		"an event beside an act":         {mixed(Bounds{}, calling, acting), true},
		"an event before two acts":       {mixed(Bounds{}, calling, actingTwice), true},
		"an event beside any act":        {mixed(Bounds{}, calling, actingAnyway), true},
		"an event that nobody sees":      {mixed(Bounds{}, calling, waiting), true},
		"events with faults":             {mixed(faults, calling, waiting, listening), true},
		"events with a server that lags": {mixed(Bounds{Lags: 1}, calling, waiting, acting), true},
		"events with a crash":            {mixed(Bounds{Crashes: 1}, calling, waiting, remembering), true},
		"events with a stop":             {mixed(Bounds{Stops: 1}, calling, remembering), true},
		"a lock":                         {toy(3, Bounds{}, byLock), true},
		"a lock with faults":             {toy(2, faults, byLock), true},
		"versions":                       {toy(3, Bounds{}, byVersion), false},
	} {
		got, err := Cover(t.Context(), c.world, AllReductions(), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if (got.Full.Found == nil) != (got.Reduced.Found == nil) {
			t.Errorf("%s: found %+v with reductions, %+v without", name, got.Reduced.Found, got.Full.Found)
		}
		if got.Lost != 0 || got.Made != 0 {
			t.Errorf("%s: %d states that a judge can see are lost, %d are made", name, got.Lost, got.Made)
		}
		if fewer := got.Reduced.States < got.Full.States; fewer != c.fewer {
			t.Errorf("%s: %d states with reductions, %d without", name, got.Reduced.States, got.Full.States)
		}
	}
}

// TestReductions_AreReadByName: what is printed can be read.
func TestReductions_AreReadByName(t *testing.T) {
	for text, want := range map[string]Reductions{"all": AllReductions(), "none": {}, "events": {Events: true}, "events,acts": {Events: true, Acts: true}} {
		got, err := ReadReductions(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := ReadReductions(got.String()); err != nil || again != got {
			t.Errorf("%s is printed as %s: %v, %v", text, got, again, err)
		}
	}
	if _, err := ReadReductions("events,magic"); err == nil {
		t.Error("a name that no reduction has is accepted")
	}
}
