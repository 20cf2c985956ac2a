package nemesis

import (
	"context"
	"strings"
	"testing"
)

// several is a bench of two recipes: masters, and workers.
type several struct{ load }

func (s several) Observer() Observer { return asked{s.load, ""} }

func (s several) Settings() Settings {
	owner := func(of string) func(string) bool {
		return func(process string) bool { return strings.HasPrefix(process, of) }
	}
	masters := leadersOnly()
	masters.Owns = owner("m")
	return Settings{Recipe: Recipe{Parts: []Recipe{masters, {Lacks: []Role{ActiveMaster, Backup, NextMaster, SomeClient}, Owns: owner("w")}}}}
}

// asked is an observer that says which recipe it was asked about.
type asked struct {
	load
	of string
}

func (a asked) For(r Recipe) Observer {
	a.of = map[bool]string{true: "masters", false: "workers"}[r.Owns("m")]
	return a
}

func (a asked) Held(context.Context) (map[string]int, error) { return map[string]int{a.of: 1}, nil }

// TestInjector_AimsAtEachRecipeInItsTurn, if both can have the fault and its target.
func TestInjector_AimsAtEachRecipeInItsTurn(t *testing.T) {
	j := NewInjector(several{load{workers: []Process{worker{name: "m1"}, worker{name: "w1"}, worker{name: "w2"}}}})
	for _, c := range []struct {
		fault Fault
		want  string
		size  int
	}{
		{Fault{Kind: Latency, Number: 1}, "workers", 2}, {Fault{Kind: Latency, Number: 2}, "masters", 1}, {Fault{Kind: Latency, Number: 3}, "workers", 2},
		{Fault{Kind: Latency, Number: 2, Role: BusiestWorker}, "workers", 2}, {Fault{Kind: KillWorker, Number: 2}, "workers", 2}, {Fault{Kind: KillMaster, Number: 1}, "masters", 1},
		{Fault{Kind: KillServer, Number: 1}, "workers", 2}, {Fault{Kind: KillServer, Number: 2}, "masters", 1},
	} {
		aimed, _ := j.aimed(c.fault)
		held, err := aimed.Observer().Held(t.Context())
		if err != nil || held[c.want] != 1 || len(aimed.Processes()) != c.size {
			t.Errorf("%+v aims at %v, and has %d participants: %v", c.fault, held, len(aimed.Processes()), err)
		}
		if p := aimed.Processes()[0]; !take(j, p) || take(aimed, p) {
			t.Errorf("%+v: what suffers is not known to all", c.fault)
		} else {
			release(aimed, p)
		}
	}
	if _, fault := j.aimed(Fault{Kind: KillWorker, Role: SomeClient}); fault.Role != "" {
		t.Errorf("it aims at a %s, which no recipe that can have the fault has", fault.Role)
	}
	if why := j.Settings().Recipe.Refuses(KillClient); why != "no client" || j.Settings().Recipe.Refuses(KillMaster) != "" {
		t.Errorf("kill-client: %q", why)
	}
}
