package nemesis

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// leadersOnly is a recipe of candidates that do nothing but lead.
func leadersOnly() Recipe {
	return Recipe{
		Lacks:  []Role{BusiestWorker, SomeWorker, WorkerAlone, SomeClient},
		Elects: func(zkapi.Op) bool { return true },
	}
}

// TestRecipe_Refuses says what is missing, and nothing of the faults that can be.
func TestRecipe_Refuses(t *testing.T) {
	r := leadersOnly()
	r.Idle = map[Kind]string{DropDelete: "no master that deletes"}
	for kind, want := range map[Kind]string{
		DropDelete: "no master that deletes", DropMulti: "",
		KillMaster: "", ExpireMany: "", ExpireElected: "", Latency: "", KillServer: "", IsolateServer: "",
		KillWorker: "no worker", KillClient: "no client", TwinWorker: "no worker that stands for no election", RestartStorm: "no worker",
		ExpireAssigned: "no busiest worker", IsolateHolder: "nothing that is held for long", LagFollower: "no znode that changes often",
	} {
		if got := r.Refuses(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	r.Elects, r.Changing = nil, "/leader"
	if why := r.Refuses(ExpireUnheard); why != "no election that the nemesis can see" || r.Refuses(LagFollower) != "" {
		t.Errorf("%q", why)
	}
}

// TestPlan_AimsAtWhatThereIs: no fault of a plan aims at a role that no participant has.
func TestPlan_AimsAtWhatThereIs(t *testing.T) {
	r := leadersOnly()
	o := Options{Kinds: everyKind(), Total: time.Minute, Servers: 3, Masters: 3, SessionTimeout: 3 * time.Second, Lacks: r.Lacks}
	for seed := range uint64(20) {
		plan := Plan(seed, o)
		if len(plan) == 0 {
			t.Errorf("seed %d: there is no fault", seed)
		}
		for _, f := range plan {
			if slices.Contains(r.Lacks, f.Role) {
				t.Errorf("seed %d: %s aims at a %s", seed, f.Kind, f.Role)
			}
		}
	}
	if got := (Fault{Kind: Latency}).Aim(ActiveMaster, BusiestWorker); got != SomeClient {
		t.Errorf("it aims at the %s", got)
	}
}

// of is a bench of a recipe.
type of struct {
	Bench
	recipe Recipe
}

func (o of) Settings() Settings { return Settings{Namespace: "/run", Recipe: o.recipe} }

// TestInjector_RefusesWhatTheRecipeLacks: neither a fault that it cannot have is injected,
// nor one at a role that nobody has.
func TestInjector_RefusesWhatTheRecipeLacks(t *testing.T) {
	j := NewInjector(of{recipe: leadersOnly()})
	for says, fault := range map[string]Fault{
		"kill-worker is impossible: the recipe has no worker": {Kind: KillWorker}, "latency: the recipe has no client": {Kind: Latency, Role: SomeClient},
	} {
		if _, err := j.Bind(context.Background(), fault); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// TestInjector_SeesPartsOfWrites that were applied, below the namespace only.
func TestInjector_SeesPartsOfWrites(t *testing.T) {
	j := NewInjector(of{})
	fits := func(part zkapi.Op) bool { return part.Path == "/leader" }
	for what, c := range map[string]struct {
		x    Exchange
		want bool
	}{
		"alone":                {Exchange{Op: zkapi.Create("/run/leader", nil, zkapi.Ephemeral)}, true},
		"in a multi":           {Exchange{Op: zkapi.Multi(zkapi.Check("/run/a", 1), zkapi.Create("/run/leader", nil, zkapi.Ephemeral))}, true},
		"refused":              {Exchange{Op: zkapi.Create("/run/leader", nil, zkapi.Ephemeral), Err: zkapi.ErrNodeExists}, false},
		"in another namespace": {Exchange{Op: zkapi.Create("/leader", nil, zkapi.Ephemeral)}, false},
	} {
		if got := j.partOf(c.x, fits); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
