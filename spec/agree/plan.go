package agree

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/model/explore"
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
	Name  string
	Says  string
	Kind  Kind
	World world.Config
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
	return "MasterWorker"
}

// modules are the files that a check of a module reads.
var modules = map[string][]string{
	"MasterWorker": {"MasterWorker.tla"},
	"MCProtocol":   {"MCProtocol.tla", "Protocol.tla"},
	"MCRefinement": {"MCRefinement.tla", "MasterWorker.tla", "MCProtocol.tla", "Protocol.tla"},
}

func config(change func(*world.Config)) world.Config {
	c := world.Defaults()
	c.Masters = 1
	if change != nil {
		change(&c)
	}
	return c
}

// Plan lists all checks by TLC.
func Plan() []Check {
	one := config(nil)
	loss := config(func(c *world.Config) { c.Bounds.Losses = 1 })
	expiry := config(func(c *world.Config) { c.Bounds.Expiries = 1 })
	crash := config(func(c *world.Config) { c.Bounds.Crashes = 1 })
	failing := config(func(c *world.Config) { c.Failures, c.Bounds.Expiries = 1, 1 })
	large := world.Config{
		Masters: 2, Workers: 2, Tasks: 2, Attempts: 2, Failures: 1,
		Bounds: explore.Bounds{Expiries: 2, Losses: 2, Crashes: 1, Stops: 1, Lags: 1},
	}
	return append([]Check{
		{Name: "one-of-each", Says: "one master, one worker, one task, no fault", Kind: Complete, World: one},
		{Name: "two-masters", Says: "a second candidate", Kind: Complete, World: config(func(c *world.Config) { c.Masters = 2 }), Deep: true},
		{Name: "two-workers", Says: "a second worker", Kind: Complete, World: config(func(c *world.Config) { c.Workers = 2 }), Deep: true},
		{Name: "two-tasks", Says: "a second task", Kind: Complete, World: config(func(c *world.Config) { c.Tasks = 2 })},
		{Name: "one-failure", Says: "the first attempt fails", Kind: Complete, World: config(func(c *world.Config) { c.Failures = 1 })},
		{Name: "all-failures", Says: "all attempts fail", Kind: Complete, World: config(func(c *world.Config) { c.Failures = 2 })},
		{Name: "one-loss", Says: "a connection breaks", Kind: Complete, World: loss, Deep: true},
		{Name: "one-lag", Says: "a server falls behind", Kind: Complete, World: config(func(c *world.Config) { c.Bounds.Lags = 1 }), Deep: true},
		{Name: "one-expiry", Says: "a session is ended", Kind: Complete, World: expiry, Deep: true},
		{Name: "one-crash", Says: "a process dies and is started again", Kind: Complete, World: crash, Deep: true},
		{Name: "one-stop", Says: "a process is stopped for longer than its lease", Kind: Complete, World: config(func(c *world.Config) { c.Bounds.Stops = 1 }), Deep: true},
		{Name: "failure-and-expiry", Says: "an attempt fails and a session is ended", Kind: Complete, World: failing, Deep: true},
		{Name: "replacing", Says: "a session is ended, and the library hides it", Kind: Complete, World: replacing(expiry), Deep: true},

		{Name: "live-one-of-each", Says: "every task ends", Kind: Live, World: one},
		{Name: "live-failure-and-expiry", Says: "every task ends, whatever session was ended", Kind: Live, World: failing},
		{Name: "live-one-loss", Says: "every task ends, whatever connection broke", Kind: Live, World: loss},
		{Name: "live-one-crash", Says: "every task ends, whoever died", Kind: Live, World: crash},

		{Name: "refines-one-of-each", Says: "no step that the protocol does not allow", Kind: Refines, World: one},
		{Name: "refines-failure-and-expiry", Says: "the same with a session that is ended", Kind: Refines, World: failing},
		{Name: "refines-one-crash", Says: "the same with requests that arrive late", Kind: Refines, World: crash},

		{Name: "protocol", Says: "the protocol by itself, whatever its writers guess", Kind: Guess},
		{Name: "simulate-large", Says: "two of each, and every fault", Kind: Simulate, World: large},
	}, broken(loss, expiry)...)
}

func replacing(c world.Config) world.Config {
	c.Library = explore.Replacing
	return c
}

// broken removes each guard of the protocol, one at a time.
func broken(loss, expiry world.Config) []Check {
	two := replacing(expiry)
	two.Masters = 2
	twins := replacing(expiry)
	twins.Twins = true
	lagging := loss
	lagging.Bounds.Lags = 1
	worlds := map[string]struct {
		config   world.Config
		property string
	}{
		"epoch-check":             {two, "SingleMaster"},
		"incarnation-check":       {twins, "ResultFromItsAttempt"},
		"worker-check":            {expiry, "NoOrphan"},
		"election-in-one":         {loss, "NeverStuck"},
		"election-resolved":       {loss, "NeverStuck"},
		"transition-in-one":       {config(nil), "ResultFromItsAttempt"},
		"result-takes-assignment": {config(nil), "AtomicTransitions"},
		"submission-by-id":        {loss, "NoPhantomTask"},
		"watch-with-read":         {config(nil), "NeverStuck"},
		"look-after-reconnect":    {loss, "NeverStuck"},
		"sync-after-doubt":        {lagging, "NeverStuck"},
		"fencing-token":           {expiry, "StaleEffectsFenced"},
		"election-by-version":     {config(func(c *world.Config) { c.Masters = 2 }), ""},
	}
	var checks []Check
	for _, g := range world.Guards() {
		if !world.Specified(g) {
			continue
		}
		w := worlds[g.Name]
		c := Check{Name: g.Name, Says: g.Explain, Kind: Broken, World: w.config, Violates: w.property}
		c.World.Without = g.Name
		checks = append(checks, c)
	}
	return checks
}

// The names of checked properties, as the explorer and the harness use them.
const (
	invariants = "TypeOK NoLostTask NoPhantomTask AtomicTransitions BudgetKept StaleEffectsFenced ToldTruly NeverStuck"
	steps      = "SingleMaster NoDoubleResult NoOrphan ResultFromItsAttempt UniqueAttempts"
)

// Text is the content of the configuration.
func (c Check) Text() string {
	var text strings.Builder
	w, b := c.World, c.World.Bounds
	library, without := "honest", "nothing"
	if w.Library == explore.Replacing {
		library = "replacing"
	}
	if w.Without != "" {
		without = w.Without
	}
	fmt.Fprintf(&text, "\\* %s\nCONSTANTS\n", c.Says)
	for _, constant := range []struct {
		name, value string
	}{
		{"Masters", strconv.Itoa(w.Masters)}, {"Workers", strconv.Itoa(w.Workers)}, {"Twins", strings.ToUpper(strconv.FormatBool(w.Twins))},
		{"Tasks", strconv.Itoa(w.Tasks)}, {"Attempts", strconv.Itoa(w.Attempts)}, {"Failures", strconv.Itoa(w.Failures)},
		{"Expiries", strconv.Itoa(b.Expiries)}, {"Losses", strconv.Itoa(b.Losses)}, {"Crashes", strconv.Itoa(b.Crashes)},
		{"Stops", strconv.Itoa(b.Stops)}, {"Lags", strconv.Itoa(b.Lags)},
		{"Library", strconv.Quote(library)}, {"Without", strconv.Quote(without)}, {"None", "None"},
	} {
		fmt.Fprintf(&text, "    %s = %s\n", constant.name, constant.value)
	}
	switch c.Kind {
	case Live:
		text.WriteString("SPECIFICATION FairSpec\nPROPERTIES EveryTaskEnds ClientIsSatisfied\n")
	case Refines:
		text.WriteString("SPECIFICATION RSpec\nCHECK_DEADLOCK FALSE\nPROPERTIES RefinesProtocol\n")
	default:
		fmt.Fprintf(&text, "SPECIFICATION Spec\nCHECK_DEADLOCK FALSE\nINVARIANTS %s\nPROPERTIES %s\n", invariants, steps)
	}
	return text.String()
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
