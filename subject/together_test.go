package subject

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// named is a subject with two roles, whose znodes name its participants.
func named(name string, played *Participant) Subject {
	return Subject{
		Name: name, Objects: name + "s", Judge: checker.Judging{Judge: func(*checker.Case) checker.Judgement { return checker.Judgement{} }},
		Lanes: report.Lanes{Charts: []report.Chart{{Kind: "took", Colour: "#1f77b4"}, {Kind: "gave", Colour: "#2ca02c"}}},
		Workload: Workload{
			Roles: []Role{{Name: "master", Count: 2, Most: 9, Leads: true}, {Name: "worker", Count: 3, Most: 9, Works: true, Holds: true}},
			Check: func(r Run) error {
				if r.Counts["worker"] == 0 {
					return errors.New("a worker is needed")
				}
				return nil
			},
			Options: func(r Run) any { return map[string]any{"of": name, "holders": r.Holders} },
			Policy:  func(Run) record.Policy { return record.Policy{MaxAttempts: int32(len(name))} },
			Play:    func(_ context.Context, p Participant) error { *played = p; return p.Effect(Effect{Object: "thing"}) },
			Open: func(ctx context.Context, z nemesis.Znodes) (Open, error) {
				got, err := z.Do(ctx, zkapi.Get("/open"))
				return Open{Items: len(got.Data), Left: "things"}, err
			},
			Tree: nemesis.Recipe{
				Leader: func(context.Context, nemesis.Znodes) (string, int64, error) { return "master-1", 7, nil },
				Held: func(context.Context, nemesis.Znodes) (map[string]int, error) {
					return map[string]int{"worker-2": 3}, nil
				},
				Elects:       func(part zkapi.Op) bool { return part.Path == "/master" },
				Assigns:      func(part zkapi.Op, to string) bool { return part.Path == "/assign/"+to },
				Registration: func(name string) string { return "/workers/" + name },
				Changing:     "/tasks",
			},
		},
	}
}

// tree is a tree of znodes whose data is their path.
type tree struct{}

func (tree) Do(_ context.Context, op zkapi.Op) (zkapi.Result, error) {
	return zkapi.Result{Data: []byte(op.Path)}, nil
}

func (tree) DoAll(context.Context, []zkapi.Op) []zkapi.Reply { return nil }

// TestTogether_NamesEverythingByItsRecipe: roles, flags and roots; a run is counted by each.
func TestTogether_NamesEverythingByItsRecipe(t *testing.T) {
	var played Participant
	s := Together(named("lock", &played), named("lock-queue", &played))
	if err := s.Workload.Validate(); err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, r := range s.Workload.Roles {
		flags = append(flags, r.Flag())
	}
	if want := []string{"lock-masters", "lock-workers", "lock-queue-masters", "lock-queue-workers"}; !slices.Equal(flags, want) || s.Name != "lock,lock-queue" || !slices.Equal(s.Workload.Roots, []string{"/lock", "/lock-queue"}) {
		t.Errorf("%q %q %q", s.Name, flags, s.Workload.Roots)
	}
	run := Run{Counts: map[string]int{"lock-worker": 1, "lock-queue-worker": 0}, Holders: []string{"lock-worker-1"}}
	if err := s.Workload.Check(run); err == nil || err.Error() != "the recipe lock-queue: a worker is needed" {
		t.Errorf("%v", err)
	}
	if got := s.Workload.Policy(run).MaxAttempts; got != int32(len("lock")) {
		t.Errorf("policy %d", got)
	}
	open, err := s.Workload.Open(t.Context(), tree{})
	if err != nil || open.Items != len("/lock/open")+len("/lock-queue/open") || open.Left != "lock: things; lock-queue: things" || !slices.Equal(open.Below(), []string{"/lock", "/lock-queue"}) {
		t.Errorf("%+v, %v", open, err)
	}
	colours := map[string]bool{}
	for _, chart := range s.Lanes.Charts {
		colours[chart.Colour] = true
	}
	if len(colours) != len(s.Lanes.Charts) || len(colours) < 4 {
		t.Errorf("two charts have one colour: %+v", s.Lanes.Charts)
	}
	if got := s.Lanes.Sum(map[string]int{"lock/locks": 2, "lock-queue/lock-queues": 3, "faults_effective": 1}); got != "lock: 2 locks\nlock-queue: 3 lock-queues" {
		t.Errorf("%q", got)
	}
}

// TestTogether_PlaysAsIfARecipeWereAlone: a participant has its own name, role, options and
// namespace, and its effects do not meet those of another recipe.
func TestTogether_PlaysAsIfARecipeWereAlone(t *testing.T) {
	var played Participant
	s := Together(named("lock", &played), named("lock-queue", &played))
	options, err := json.Marshal(s.Workload.Options(Run{Holders: []string{"lock-worker-1", "lock-queue-worker-3"}}))
	if err != nil {
		t.Fatal(err)
	}
	object, off := "", record.Life{}
	p := Participant{Name: "lock-queue-worker-3", Role: "lock-queue-worker", Namespace: "/run", Options: options, Effect: func(e Effect) error { object = e.Object; return nil },
		PowerOff: func(_ context.Context, of record.Life) error { off = of; return nil }}
	if err := s.Workload.Play(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	var given struct {
		Of      string
		Holders []string
	}
	if err := played.ReadOptions(&given); err != nil || given.Of != "lock-queue" || !slices.Equal(given.Holders, []string{"worker-3"}) {
		t.Errorf("%+v, %v", given, err)
	}
	if played.Name != "worker-3" || played.Role != "worker" || played.Namespace != "/run/lock-queue" || object != "/lock-queuething" {
		t.Errorf("%+v acted on %q", played, object)
	}
	if err := played.PowerOff(t.Context(), record.Life{Process: "worker-2", Number: 4}); err != nil || off != (record.Life{Process: "lock-queue-worker-2", Number: 4}) {
		t.Errorf("%s was to be ended, %v", off, err)
	}
	p.Name = "stranger-1"
	if err := s.Workload.Play(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no recipe has the participant stranger-1") {
		t.Errorf("%v", err)
	}
}

// TestTogether_ForTheNemesis: each recipe finds its own, by the names of the run.
func TestTogether_ForTheNemesis(t *testing.T) {
	var played Participant
	alone := named("alone", &played)
	alone.Workload.Roles = alone.Workload.Roles[:1]
	recipe := Together(named("lock", &played), alone).Workload.ForNemesis()
	if want := []nemesis.Role{nemesis.SomeClient}; !slices.Equal(recipe.Lacks, want) {
		t.Errorf("together they lack %q", recipe.Lacks)
	}
	of := recipe.Parts[0]
	leader, session, err := of.Leader(t.Context(), tree{})
	held, _ := of.Held(t.Context(), tree{})
	if err != nil || leader != "lock-master-1" || session != 7 || !maps.Equal(held, map[string]int{"lock-worker-2": 3}) {
		t.Errorf("%s leads, %v is held: %v", leader, held, err)
	}
	if of.Registration("lock-worker-2") != "/lock/workers/worker-2" || of.Changing != "/lock/tasks" || !of.Owns("lock-master-1") || of.Owns("alone-master-1") {
		t.Errorf("registered at %s, changing %s", of.Registration("lock-worker-2"), of.Changing)
	}
	at := func(path string) zkapi.Op { return zkapi.Create(path, nil, zkapi.Persistent) }
	if !of.Elects(at("/lock/master")) || of.Elects(at("/alone/master")) || !of.Assigns(at("/lock/assign/worker-2"), "lock-worker-2") || of.Assigns(at("/lock/assign/worker-2"), "alone-worker-2") {
		t.Error("a write of another recipe counts, or one of its own does not")
	}
}
