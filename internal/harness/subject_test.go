package harness

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// defaults is a plain run of the first subject.
func defaults() Setup { return Defaults(masterworker.Subject()) }

// playing is a role of the first subject.
func playing(name string) subject.Role {
	role, _ := masterworker.Subject().Workload.Role(name)
	return role
}

// candidates is a subject of candidates that do nothing but lead.
func candidates() subject.Subject {
	return subject.Subject{Name: "candidates", Workload: subject.Workload{
		Roles: []subject.Role{{Name: "candidate", Count: 3, Least: 1, Most: 9, Leads: true}},
		Play:  func(context.Context, subject.Participant) error { return nil },
		Tree: nemesis.Recipe{Leader: func(ctx context.Context, z nemesis.Znodes) (string, int64, error) {
			got, err := z.Do(ctx, zkapi.Get("/leader"))
			return string(got.Data), got.Stat.EphemeralOwner, err
		}},
	}}
}

// TestSetup_LeavesOutWhatTheSubjectLacks: all faults are those that the subject can have,
// and one that it cannot have is refused by name.
func TestSetup_LeavesOutWhatTheSubjectLacks(t *testing.T) {
	c := Defaults(candidates())
	c.DropImpossible(nil)
	if err := c.Validate(); err != nil || len(c.plan()) == 0 || c.Rate != 0 {
		t.Errorf("%d faults, a rate of %v, %v", len(c.plan()), c.Rate, err)
	}
	for _, k := range []nemesis.Kind{nemesis.KillMaster, nemesis.Latency, nemesis.KillServer, nemesis.ExpireMany} {
		if !slices.Contains(c.Nemesis, k) {
			t.Errorf("%s is left out", k)
		}
	}
	for says, change := range map[string]func(*Setup){
		"--nemesis kill-worker: the recipe candidates has no worker": func(c *Setup) { c.Nemesis = []nemesis.Kind{nemesis.KillWorker} },
		"fault 1 (latency): the recipe candidates has no client":     func(c *Setup) { c.Schedule = []nemesis.Fault{{Kind: nemesis.Latency, Role: nemesis.SomeClient}} },
		`the recipe candidates has no role "juggler"`:                func(c *Setup) { c.Participants["juggler"] = 1 },
		"--candidates 10: use 1 to 9":                                func(c *Setup) { c.Participants["candidate"] = 10 },
		"the options of the recipe":                                  func(c *Setup) { c.Subject.Workload.Options = func(subject.Run) any { return 7 } },
		`the options of the recipe have the key "name", which the harness uses`: func(c *Setup) {
			c.Subject.Workload.Options = func(subject.Run) any { return map[string]int{"name": 1} }
		},
		"--holders 1: the recipe candidates has no role that holds something long-lived": func(c *Setup) { c.Holders = 1 },
	} {
		c := Defaults(candidates())
		c.DropImpossible(nil)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// TestObserver_AsksTheSubject who leads, below the namespace; and the tree is all that
// there is, if the subject does not say where its znodes are.
func TestObserver_AsksTheSubject(t *testing.T) {
	for _, root := range []string{"", "/run"} {
		o := &observer{driver: &zk.Env{Server: zk.NewServer(time.Minute)}, root: root, work: candidates().Workload}
		ctx := t.Context()
		if root != "" {
			if _, err := o.Do(ctx, zkapi.Create(root, nil, zkapi.Persistent)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := o.Do(ctx, zkapi.Create(root+"/leader", []byte("candidate-2"), zkapi.Ephemeral)); err != nil {
			t.Fatal(err)
		}
		ask := inquiry{o, o.work.Tree}
		name, session, err := ask.ActiveMaster(ctx)
		if err != nil || name != "candidate-2" || session != o.session.ID() {
			t.Errorf("%q leads in session %d: %v", name, session, err)
		}
		if open, err := o.open(ctx); err != nil || open.Items != 0 {
			t.Errorf("open: %+v, %v", open, err)
		}
		if held, err := ask.Held(ctx); err != nil || len(held) > 0 {
			t.Errorf("held: %v, %v", held, err)
		}
		nodes, err := o.tree(ctx)
		if i := slices.IndexFunc(nodes, func(n record.Node) bool { return n.Path == "/leader" }); err != nil || i < 0 {
			t.Errorf("below %q there are %v, %v", root, nodes, err)
		}
	}
}

// TestLoadConfig_ReadsRunsFromBefore: such a run has the numbers of its participants
// under the names of four roles, and no recipe.
func TestLoadConfig_ReadsRunsFromBefore(t *testing.T) {
	dir := t.TempDir()
	text := `{"seed": 7, "masters": 2, "workers": 3, "nodes": 0, "clients": 1, "rate": 60}`
	if err := os.WriteFile(filepath.Join(dir, record.ConfigFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	stored, err := LoadConfig(dir)
	want := map[string]int{"master": 2, "worker": 3, "node": 0, "client": 1}
	if err != nil || !maps.Equal(stored.Participants, want) || stored.Recipe != "" || stored.Rate != 60 {
		t.Errorf("%+v, %v", stored, err)
	}
}
