package nemesis

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/record"
)

// person is a process of which only the name, the life and the sessions count.
type person struct {
	Process
	gone  bool // its sessions are
	kills int
	alive bool
}

func (p *person) Name() string { return "m" }

func (p *person) SessionGone(context.Context, int64) (bool, error) { return p.gone, nil }

func (p *person) Kill() error {
	p.alive, p.kills = false, p.kills+1
	return nil
}

func (p *person) Killed() Finding { return Finding{Effective: !p.alive} }

func (p *person) Start() error {
	p.alive = true
	return nil
}

// TestCatalogue_IsWhole: each fault is known by one name, can be aimed at something, is
// told in words, and can be injected.
func TestCatalogue_IsWhole(t *testing.T) {
	known := map[Kind]bool{}
	for _, e := range Catalogue {
		if e.Kind == "" || known[e.Kind] || e.Group == "" || len(e.Roles) == 0 || e.Explain == "" || e.Probe == "" || e.Did == "" || e.Inject == nil || e.Most < e.Least {
			t.Errorf("%q is not whole: %+v", e.Kind, e)
		}
		if onServers := e.Roles[0].OnServers(); onServers != (e.Needs&Servers != 0) {
			t.Errorf("%s: aimed at servers is %v, and it needs %b", e.Kind, onServers, e.Needs)
		}
		known[e.Kind] = true
	}
}

// TestExpireAssigned_IsHeldAgainstTheOrder plants what lets the worker hear of the task.
func TestExpireAssigned_IsHeldAgainstTheOrder(t *testing.T) {
	for what, c := range map[string]struct {
		unread unread
		gone   bool
		want   bool
	}{
		"in order":            {unread{end: 8}, true, true},
		"the session lives":   {unread{end: 8}, false, false},
		"the end comes first": {unread{end: 6}, true, false},
		"an answer passed":    {unread{end: 8, passed: 20}, true, false},
	} {
		c.unread.victim, c.unread.given = &person{gone: c.gone}, Caught{Exchange: Exchange{Zxid: 7}}
		if seen := c.unread.probe(t.Context()); seen.Effective != c.want {
			t.Errorf("%s: %s", what, seen.Text)
		}
	}
}

// TestExpireElected_IsHeldAgainstTheOrder plants what makes the end of the next master's
// session an ordinary one.
func TestExpireElected_IsHeldAgainstTheOrder(t *testing.T) {
	won := Exchange{Zxid: 7}
	for what, c := range map[string]struct {
		lives   bool
		end     int64
		won     Caught
		problem error
		want    bool
	}{
		"in order":             {end: 8, won: Caught{Exchange: won, Waiting: true}, want: true},
		"the session lives":    {lives: true, end: 8, won: Caught{Exchange: won, Waiting: true}},
		"the end comes first":  {end: 6, won: Caught{Exchange: won, Waiting: true}},
		"the end has no place": {won: Caught{Exchange: won, Waiting: true}, want: true},
		"a read has passed":    {end: 8, won: Caught{Exchange: won, Waiting: true, Passed: 1}},
		"there was no read":    {end: 8, won: Caught{Exchange: won}},
		"nobody was elected":   {problem: context.DeadlineExceeded},
	} {
		s := &succession{winner: &person{gone: !c.lives}, sessions: []int64{1}, end: c.end, won: c.won, problem: c.problem}
		if seen := s.probe(t.Context()); seen.Effective != c.want {
			t.Errorf("%s: %s", what, seen.Text)
		}
	}
}

// TestExpireUnheard_NeedsALostAnswer: neither an election that is answered nor one that
// did not come about is an election of which the winner was not told.
func TestExpireUnheard_NeedsALostAnswer(t *testing.T) {
	won := Exchange{Zxid: 7}
	for what, c := range map[string]struct {
		won     Caught
		problem error
		want    bool
	}{
		"unheard":            {won: Caught{Exchange: won, Lost: true}, want: true},
		"answered":           {won: Caught{Exchange: won}},
		"nobody was elected": {problem: context.DeadlineExceeded},
	} {
		s := &succession{winner: &person{}, won: c.won, problem: c.problem}
		if seen := s.unanswered(); seen.Effective != c.want {
			t.Errorf("%s: %s", what, seen.Text)
		}
	}
}

// TestRestartStorm_KillsAgainAndAgain: a storm that is over at once has killed nothing
// twice.
func TestRestartStorm_KillsAgainAndAgain(t *testing.T) {
	for lasts, want := range map[time.Duration]bool{0: false, 3 * lifeInStorm: true} {
		synctest.Test(t, func(t *testing.T) {
			p, over := &person{alive: true}, make(chan struct{})
			time.AfterFunc(lasts, func() { close(over) })
			kills, err := killUntil(p, over)
			if err != nil || (kills >= 2) != want || kills != p.kills || !p.alive {
				t.Errorf("%v: killed %d times, %v; alive is %v", lasts, kills, err, p.alive)
			}
		})
	}
}

// TestSlowDisk_WeighsWhatTheServerMeasured holds what was held against what the server
// measured.
func TestSlowDisk_WeighsWhatTheServerMeasured(t *testing.T) {
	for _, c := range []struct {
		held int
		took time.Duration
		want bool
	}{{0, 0, false}, {1, time.Second, false}, {5, 4 * fsyncDelay, true}, {5, 3 * fsyncDelay, false}} {
		before := Fsyncs{Count: 7, Total: time.Second, Delayed: 2}
		after := Fsyncs{Count: 99, Total: time.Second + c.took, Delayed: 2 + c.held}
		if got := slowed(before, after); got.Effective != c.want {
			t.Errorf("%d held, %v measured: %s", c.held, c.took, got.Text)
		}
	}
}

// TestRollingRestart_CountsNewProcesses, and neither the old nor the missing ones.
func TestRollingRestart_CountsNewProcesses(t *testing.T) {
	if n := renewed([]string{"1", "2", "3"}, []string{"1", "", "4"}); n != 1 {
		t.Errorf("%d", n)
	}
}

// bare is a bench that offers nothing.
type bare struct{ Bench }

func (bare) Settings() Settings { return Settings{} }

// TestInjector_TakesWhatIsFree: one that suffers already is not taken again until it is
// given back.
func TestInjector_TakesWhatIsFree(t *testing.T) {
	j := NewInjector(nil)
	a, b := &person{}, &person{}
	if !take(j, a) || take(j, b, a) || !take(j, b) {
		t.Error("one that suffers was taken, or one that does not was not")
	}
	if release(j, a); !take(j, a) || take(j, b) {
		t.Error("the wrong one was given back")
	}
}

// TestInjector_RefusesWhatTheBenchLacks: a fault that needs servers is not injected where
// there are none.
func TestInjector_RefusesWhatTheBenchLacks(t *testing.T) {
	for kind, says := range map[Kind]string{KillServer: "kill-server is impossible in memory", "earthquake": `unknown fault "earthquake"`} {
		if _, err := NewInjector(bare{}).Bind(t.Context(), Fault{Kind: kind}); err == nil || err.Error() != says {
			t.Errorf("%s: %v, want %q", kind, err, says)
		}
	}
}

// load is a bench of workers that hold assignments.
type load struct {
	Bench
	Observer
	workers []Process
	held    map[string]int
}

func (l load) Processes() []Process { return l.workers }

func (l load) Held(context.Context) (map[string]int, error) { return l.held, nil }

// worker is a process that works.
type worker struct {
	Process
	name string
}

func (w worker) Name() string { return w.name }

func (worker) CanWork() bool { return true }

func (worker) Alive() bool { return true }

// observed has the observer of a bench apart, as both embed one.
type observed struct{ load }

func (o observed) Observer() Observer { return o.load }

// TestInjector_AimsAtTheBusiestWorker whichever is picked, and at the next one if that one
// suffers already.
func TestInjector_AimsAtTheBusiestWorker(t *testing.T) {
	bench := observed{load{workers: []Process{worker{name: "a"}, worker{name: "b"}, worker{name: "c"}}, held: map[string]int{"b": 7, "c": 9}}}
	for pick := range 3 {
		j := NewInjector(bench)
		for _, want := range []string{"c", "b", "a"} {
			if p, err := j.victim(t.Context(), BusiestWorker, pick); err != nil || p.Name() != want {
				t.Errorf("pick %d: %v, want %s: %v", pick, p, want, err)
			}
		}
		if p, err := j.victim(t.Context(), BusiestWorker, pick); err == nil {
			t.Errorf("all suffer already, and %s was taken", p.Name())
		}
	}
}

// TestCatalogue_SaysWhatJudgesTookFromNames: records from before faults said their impact
// are judged by the names of their faults, and in the same way.
func TestCatalogue_SaysWhatJudgesTookFromNames(t *testing.T) {
	for _, e := range Catalogue {
		said, named := record.Injection{Fault: string(e.Kind), Did: e.Did, Does: e.Does}, record.Injection{Fault: string(e.Kind)}
		for what, judges := range map[string]func(record.Injection) bool{
			"halts": record.Injection.Halts, "pauses": record.Injection.Pauses, "restarts": record.Injection.Restarts,
			"kills": record.Injection.Kills, "ends sessions": record.Injection.EndsSessions, "robs": record.Injection.Robs,
		} {
			if judges(named) && !judges(said) {
				t.Errorf("by its name %s %s, and the catalogue does not say so", e.Kind, what)
			}
		}
	}
}
