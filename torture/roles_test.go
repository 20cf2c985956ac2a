package torture

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// both are the first subject, and one of masters alone, which are more.
func both() recipes {
	return recipes{masterworker.Subject(), {Name: "alone", Explain: "masters alone", Workload: subject.Workload{
		Roles: []subject.Role{{Name: "master", Explain: "those who stand for election", Count: 5, Least: 1, Most: 9, Leads: true}},
		Play:  func(context.Context, subject.Participant) error { return nil },
		Tree:  nemesis.Recipe{Leader: masterworker.Subject().Workload.Tree.Leader},
	}}}
}

// setupOf is the setup that arguments of torture run give.
func setupOf(t *testing.T, args ...string) (harness.Setup, *pflag.FlagSet, error) {
	t.Helper()
	o, f := newRunOptions(both(), recipeIn(args)), pflag.NewFlagSet("run", pflag.ContinueOnError)
	o.bind(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	setup, err := o.config(f.Changed)
	return setup, f, err
}

// TestRunOptions_AreThoseOfTheRecipe: each has its own numbers, and its own faults.
func TestRunOptions_AreThoseOfTheRecipe(t *testing.T) {
	first, _, err := setupOf(t, "--workers", "4")
	if err != nil || first.Recipe != "master-worker" || first.Participants["worker"] != 4 || first.Participants["master"] != 2 || first.Rate != 60 {
		t.Errorf("%+v, %v", first.Config, err)
	}
	alone, _, err := setupOf(t, "--recipe", "alone")
	if err != nil || alone.Recipe != "alone" || len(alone.Participants) != 1 || alone.Participants["master"] != 5 || alone.Rate != 0 {
		t.Errorf("%+v, %v", alone.Config, err)
	}
	if err := alone.Validate(); err != nil || slices.Contains(alone.Nemesis, nemesis.KillWorker) || !slices.Contains(alone.Nemesis, nemesis.KillMaster) {
		t.Errorf("%v, %v", alone.Nemesis, err)
	}
	if seven, _, err := setupOf(t, "--recipe=alone", "--masters=7"); err != nil || seven.Participants["master"] != 7 {
		t.Errorf("%+v, %v", seven.Config, err)
	}
}

// TestRunOptions_RefuseWhatTheRecipeLacks, and say what it has.
func TestRunOptions_RefuseWhatTheRecipeLacks(t *testing.T) {
	for args, says := range map[string]string{
		"--recipe alone --workers 2": "--workers: the recipe alone does not have this option; it has --masters", "--recipe alone --rate 5": "--rate: the recipe alone does not have this option",
		"--recipe alone --holders 1": "--holders: the recipe alone does not have this option", "--recipe other": "use one of: master-worker, alone",
	} {
		if _, _, err := setupOf(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", args, err)
		}
	}
	setup, _, err := setupOf(t, "--recipe", "alone", "--nemesis", "kill-worker")
	if err == nil {
		err = setup.Validate()
	}
	if err == nil || !strings.Contains(err.Error(), "--nemesis kill-worker: the recipe alone has no worker") {
		t.Errorf("a fault that it cannot have: %v", err)
	}
	_, f, _ := setupOf(t)
	for name, says := range map[string]string{"workers": "workers", "masters": "candidates for the one active master", "rate": "tasks per second, from all clients together"} {
		if got := f.Lookup(name); got.Usage != says || got.Hidden {
			t.Errorf("the help of --%s is %q, want %q", name, got.Usage, says)
		}
	}
	_, f, _ = setupOf(t, "--recipe", "alone")
	if got := f.Lookup("masters"); got.Usage != "those who stand for election" || got.DefValue != "5" || !f.Lookup("workers").Hidden || !f.Lookup("rate").Hidden {
		t.Errorf("the help of alone has %q, default %s, and --workers %v", got.Usage, got.DefValue, !f.Lookup("workers").Hidden)
	}
}

// TestValidate_RefusesRolesWithFlagsThatAreTaken: whatever the options of run and soak are,
// no role may bring one of them.
func TestValidate_RefusesRolesWithFlagsThatAreTaken(t *testing.T) {
	tried := 0
	for _, cmd := range []*cobra.Command{recipes{bare()}.runCommand(), recipes{bare()}.soakCommand()} {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name, plural := strings.CutSuffix(f.Name, "s")
			if !plural || name == "idler" || strings.Contains(name, "-") {
				return
			}
			tried++
			s := bare()
			s.Workload.Roles[0].Name = name
			if err := (recipes{s}).validate(); !exit.Given(err, exit.WrongUse) || !strings.Contains(err.Error(), "--"+f.Name+", its flag,") {
				t.Errorf("a role %q: %v", name, err)
			}
		})
	}
	if tried < 4 {
		t.Errorf("%d flags are the plural of something", tried)
	}
}

// TestMain_RefusesWhatCannotBeTortured, before anything else.
func TestMain_RefusesWhatCannotBeTortured(t *testing.T) {
	if err := tested.validate(); err != nil {
		t.Error(err)
	}
	nobody := bare()
	nobody.Judge.Judge = nil
	for says, all := range map[string]recipes{
		"there is no recipe: give":                 {},
		`two recipes have the name "bare"`:         {bare(), bare()},
		`a recipe has the name "all"`:              {named("all")},
		`the recipe "bare" cannot be tortured`:     {masterworker.Subject(), nobody},
		"Judge.Judge is nil; set it to a function": {nobody},
	} {
		if err := all.validate(); !exit.Given(err, exit.WrongUse) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

// TestOfRun_FindsTheRecipeOfAStoredRun, also of one that names none.
func TestOfRun_FindsTheRecipeOfAStoredRun(t *testing.T) {
	for recipe, want := range map[string]string{"": "master-worker", "alone": "alone"} {
		if s, err := both().ofRun(recipe); err != nil || s.Name != want {
			t.Errorf("%q: %s, %v", recipe, s.Name, err)
		}
	}
	for _, all := range []recipes{both(), both()[1:]} {
		if _, err := all.ofRun("master-workers"); !exit.Given(err, exit.WrongUse) || !strings.Contains(err.Error(), `"master-workers"`) {
			t.Errorf("an unknown recipe: %v", err)
		}
	}
	if _, err := both()[1:].ofRun(""); err == nil || !strings.Contains(err.Error(), "it has: alone") {
		t.Errorf("a run of a recipe that this command does not have: %v", err)
	}
}

// named is the bare recipe with another name.
func named(name string) subject.Subject {
	s := bare()
	s.Name = name
	return s
}
