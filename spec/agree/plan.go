package agree

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringmaster-zk/ringmaster/subject"
)

// Kind is a kind of check that TLC makes of a configuration.
type Kind string

// The kinds.
const (
	Complete Kind = "complete" // visit every state, judge each; the explorer visits the same
	Live     Kind = "live"     // the same under fairness, with the properties that must eventually hold
	Refines  Kind = "refines"  // every step is allowed by Protocol.tla
	Simulate Kind = "simulate" // draw behaviours of a world that is too large
	Broken   Kind = "broken"   // a guard is removed: the named property must be violated
	Guess    Kind = "guess"    // Protocol.tla by itself, with writers that guess
)

// Check is one check by TLC.
type Check struct {
	Name    string
	Says    string
	Kind    Kind
	Machine machine // nil for Guess
	// Violates is the property that must be violated; empty if none may.
	Violates string
	// Deep says that the explorer takes too long for every run of the tests.
	Deep bool
}

// Config is the path of the configuration for TLC below spec/tla.
func (c Check) Config() string {
	switch c.Kind {
	case Broken:
		return "broken/" + c.Name + ".cfg"
	case Guess:
		return "MCProtocol.cfg"
	}
	return "MC-" + c.Name + ".cfg"
}

// Module is the module that TLC checks, without .tla.
func (c Check) Module() string {
	switch c.Kind {
	case Refines:
		return "MCRefinement"
	case Guess:
		return "MCProtocol"
	}
	return c.Machine.module()
}

// modules are the files that a check of a module reads.
var modules = map[string][]string{
	"MasterWorker": {"MasterWorker.tla"},
	"MCProtocol":   {"MCProtocol.tla", "Protocol.tla"},
	"MCRefinement": {"MCRefinement.tla", "MasterWorker.tla", "MCProtocol.tla", "Protocol.tla"},
	"Election":     {"Election.tla", "Ensemble.tla"},
	"Lock":         {"Lock.tla", "Ensemble.tla"},
	"Standby":      {"Standby.tla", "Ensemble.tla"},
}

// Plan lists all checks by TLC.
func Plan() []Check { return slices.Concat(ofMasterWorker(), ofElection(), ofLock(), ofStandby()) }

// violation is what must be violated without a guard, and where.
type violation struct {
	machine  machine
	property string // empty if the guard is redundant
}

// broken removes guards that the specification has, one at a time. Names begin with prefix.
func broken(prefix string, guards []subject.Guard, specified map[string]violation) []Check {
	var checks []Check
	for _, g := range guards {
		if v, ok := specified[g.Name]; ok {
			checks = append(checks, Check{Name: prefix + g.Name, Says: g.Explain, Kind: Broken, Machine: v.machine.unguarded(g.Name), Violates: v.property})
		}
	}
	return checks
}

// WriteConfigs writes the configurations of the plan into the folder of the modules.
func WriteConfigs(dir string) error {
	for _, c := range Plan() {
		if c.Kind == Guess {
			continue // written by hand
		}
		path := filepath.Join(dir, c.Config())
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(c.Text()), 0o644)
		}
		if err != nil {
			return fmt.Errorf("agree: %w", err)
		}
	}
	return nil
}
