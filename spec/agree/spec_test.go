package agree

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	electionworld "github.com/ringmaster-zk/ringmaster/internal/election/world"
	lockworld "github.com/ringmaster-zk/ringmaster/internal/lock/world"
	masterworker "github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	standbyworld "github.com/ringmaster-zk/ringmaster/internal/standby/world"
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
		if !sameJSON(t, c.world(), e.World) || c.Kind != e.Kind || c.Says != e.Says {
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
	compared := map[string]int{} // worlds of each module
	for _, c := range Plan() {
		if c.Kind != Complete || c.Deep && os.Getenv("RINGMASTER_DEEP") == "" {
			continue
		}
		compared[c.Module()]++
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
	least := map[string]int{"MasterWorker": 4, "Election": 12, "Lock": 12, "Standby": 8}
	if os.Getenv("RINGMASTER_DEEP") != "" {
		least["MasterWorker"] = 13
	}
	if !maps.Equal(compared, least) {
		t.Errorf("compared were %v worlds, %v should be", compared, least)
	}
}

// TestExplorer_DifferentCodeIsNoticed takes a guard out of each recipe. The graph then
// differs from the specification, although no property is violated within these bounds.
func TestExplorer_DifferentCodeIsNoticed(t *testing.T) {
	m, err := Load(tla.Files)
	if err != nil {
		t.Fatal(err)
	}
	for name, guard := range map[string]string{"one-of-each": "worker-check", "election-two": "write-check", "lock-two": "grant-check", "standby-two": "write-check"} {
		c := planned(t, name)
		c.Machine = c.Machine.unguarded(guard)
		seen, err := c.Explore(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e := m.Entry(c.Name)
		if e == nil || e.Seen == nil {
			t.Fatalf("%s is not in the manifest", c.Name)
		}
		if want := e.Seen; seen.Fingerprint == want.Fingerprint || seen.LooksSHA256 == want.LooksSHA256 {
			t.Errorf("%s: without %s the explorer finds the same: %+v", name, guard, seen)
		}
	}
}

// planned is the check of that name.
func planned(t *testing.T, name string) Check {
	t.Helper()
	plan := Plan()
	at := slices.IndexFunc(plan, func(c Check) bool { return c.Name == name })
	if at < 0 {
		t.Fatalf("%s is not in the plan", name)
	}
	return plan[at]
}

// takenOut is the guard that a configuration takes out.
var takenOut = regexp.MustCompile(`Without = "(.*)"`)

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
		if without := takenOut.FindStringSubmatch(c.Text()); e == nil || !strings.HasSuffix(c.Name, without[1]) {
			t.Errorf("the guard of %s is not taken out: it is %q", c.Name, without)
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

// TestBroken_NoGuardIsForgotten: the plan takes out every guard of every recipe that the
// specification has.
func TestBroken_NoGuardIsForgotten(t *testing.T) {
	var planned []string
	for _, c := range Plan() {
		if c.Kind == Broken {
			planned = append(planned, c.Name)
		}
	}
	var all []string
	for _, g := range masterworker.Guards() {
		if masterworker.Specified(g) {
			all = append(all, g.Name)
		}
	}
	for _, g := range electionworld.Guards() {
		all = append(all, "election-"+g.Name)
	}
	for _, g := range lockworld.Guards() {
		if lockworld.Specified(g) {
			all = append(all, "lock-"+g.Name)
		}
	}
	for _, g := range standbyworld.Guards() {
		if g.Name != "failover-raises" { // it needs a world that is too large for TLC
			all = append(all, "standby-"+g.Name)
		}
	}
	for _, g := range standbyOrders() {
		all = append(all, "standby-"+g.Name)
	}
	slices.Sort(all)
	slices.Sort(planned)
	if !slices.Equal(all, planned) {
		t.Errorf("the plan takes out %v\nthere are         %v", planned, all)
	}
}

// sameJSON reports whether two texts have the same values in the same order.
func sameJSON(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	var texts [2]bytes.Buffer
	for i, raw := range []json.RawMessage{a, b} {
		if len(raw) > 0 {
			if err := json.Compact(&texts[i], raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	return texts[0].String() == texts[1].String()
}
