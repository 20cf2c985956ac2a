package agree

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/spec/tla"
)

// TestManifest_IsOfTheseFiles has TLC's results for the files as they are, and for
// everything in the plan.
func TestManifest_IsOfTheseFiles(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan()
	if len(m.Entries) != len(plan) {
		t.Errorf("%d entries in the manifest, %d in the plan", len(m.Entries), len(plan))
	}
	for _, c := range plan {
		e := m.Entry(c.Name)
		if e == nil {
			t.Errorf("%s is not in the manifest: run bin/torture spec --write --only %s", c.Name, c.Name)
			continue
		}
		sums, err := c.Hashes(tla.Files)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(sums, e.SHA256) {
			t.Errorf("the files of %s have changed since TLC checked them: run bin/torture spec --write --only %s", c.Name, c.Name)
		}
		if err := c.Expected(*e); err != nil {
			t.Error(err)
		}
		if c.World != e.World || c.Kind != e.Kind || c.Says != e.Says {
			t.Errorf("%s: the plan has %+v, the manifest %+v", c.Name, c, *e)
		}
	}
}

// TestHashes_ChangeWithTheCodeOnly changes with everything that TLC has checked, but not
// with a comment.
func TestHashes_ChangeWithTheCodeOnly(t *testing.T) {
	const text = "(* a (* nested *) word *)\n\nA == 1 \\* one\nB ==   2\n"
	for changed, same := range map[string]bool{
		"A == 1\nB ==   2\n":              true,
		"(* another *)\nA == 1\nB ==   2": true,
		"A == 1 \\* first\n\n\nB ==   2 ": true,
		"A == 2\nB ==   2\n":              false,
		"A == 1\nB == 2\n":                false,
		"A == 1 B ==   2\n":               false,
		"A == 1 (* open\nB ==   2\n":      false,
	} {
		if got := withoutComments(changed) == withoutComments(text); got != same {
			t.Errorf("%q: the same %v, want %v: %q", changed, got, same, withoutComments(changed))
		}
	}
}

// TestTables_AreInTheReadme compares the figures of the README with the manifest.
func TestTables_AreInTheReadme(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	text, err := tla.Files.ReadFile(readmeFile)
	if err != nil || !strings.Contains(string(text), figuresBegin+m.Tables()+figuresEnd) {
		t.Errorf("the figures in %s are not the manifest's (%v): run bin/torture spec --write", readmeFile, err)
	}
}

// TestConfigs_AreThoseOfThePlan gives TLC the constants that the explorer has.
func TestConfigs_AreThoseOfThePlan(t *testing.T) {
	for _, c := range Plan() {
		if c.Kind == Guess {
			continue
		}
		text, err := tla.Files.ReadFile(c.Config())
		if err != nil || string(text) != c.Text() {
			t.Errorf("%s is not what the plan says (%v): run bin/torture spec --write", c.Config(), err)
		}
	}
}

// TestExplorer_AgreesWithTLC compares the real code with the specification: states,
// transitions and depth are equal, and no path distinguishes them.
func TestExplorer_AgreesWithTLC(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, c := range Plan() {
		if c.Kind != Complete || c.Deep && os.Getenv("RINGMASTER_DEEP") == "" {
			continue
		}
		compared++
		seen, err := c.Explore(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e := m.Entry(c.Name); e == nil || e.Seen == nil {
			t.Errorf("%s is not in the manifest, or without its graph", c.Name)
		} else if seen != *e.Seen {
			t.Errorf("%s:\nthe explorer has %+v\nTLC has          %+v", c.Name, seen, *e.Seen)
		}
	}
	least := 4
	if os.Getenv("RINGMASTER_DEEP") != "" {
		least = 13
	}
	if compared < least {
		t.Errorf("only %d worlds were compared, %d should be", compared, least)
	}
}

// TestExplorer_DifferentCodeIsNoticed takes a guard out of the recipe. The graph then
// differs from the specification, although no property is violated within these bounds.
func TestExplorer_DifferentCodeIsNoticed(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	c := Plan()[0]
	c.World.Without = "worker-check"
	seen, err := c.Explore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := m.Entry(c.Name)
	if e == nil || e.Seen == nil {
		t.Fatalf("%s is not in the manifest", c.Name)
	}
	if want := e.Seen; seen.Fingerprint == want.Fingerprint || seen.LooksSHA256 == want.LooksSHA256 {
		t.Errorf("without %s the explorer finds the same: %+v", c.World.Without, seen)
	}
}

// TestBroken_EveryGuardHasItsCounterexample takes each guard of the protocol out in a
// configuration of its own. All guards but the redundant one are needed.
func TestBroken_EveryGuardHasItsCounterexample(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	redundant := 0
	for _, c := range Plan() {
		if c.Kind != Broken {
			continue
		}
		e := m.Entry(c.Name)
		if e == nil || !strings.Contains(c.Text(), `Without = "`+c.Name+`"`) {
			t.Errorf("the guard %s is not taken out", c.Name)
			continue
		}
		if e.Violated == "" {
			redundant++
		} else if e.Trace < 2 {
			t.Errorf("%s has no counterexample: %+v", c.Name, e)
		}
	}
	if redundant != 1 {
		t.Errorf("%d guards are redundant, one is", redundant)
	}
}
