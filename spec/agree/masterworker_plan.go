package agree

import (
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// config is a small world of masters and workers, changed.
func config(change func(*world.Config)) world.Config {
	c := world.Defaults()
	c.Masters = 1
	if change != nil {
		change(&c)
	}
	return c
}

// ofMasterWorker lists the checks of MasterWorker.tla and Protocol.tla.
func ofMasterWorker() []Check {
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
		{Name: "one-of-each", Says: "one master, one worker, one task, no fault", Kind: Complete, Machine: masterWorker{one}},
		{Name: "two-masters", Says: "a second candidate", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Masters = 2 })}, Deep: true},
		{Name: "two-workers", Says: "a second worker", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Workers = 2 })}, Deep: true},
		{Name: "two-tasks", Says: "a second task", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Tasks = 2 })}},
		{Name: "one-failure", Says: "the first attempt fails", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Failures = 1 })}},
		{Name: "all-failures", Says: "all attempts fail", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Failures = 2 })}},
		{Name: "one-loss", Says: "a connection breaks", Kind: Complete, Machine: masterWorker{loss}, Deep: true},
		{Name: "one-lag", Says: "a server falls behind", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Bounds.Lags = 1 })}, Deep: true},
		{Name: "one-expiry", Says: "a session is ended", Kind: Complete, Machine: masterWorker{expiry}, Deep: true},
		{Name: "one-crash", Says: "a process dies and is started again", Kind: Complete, Machine: masterWorker{crash}, Deep: true},
		{Name: "one-stop", Says: "a process is stopped for longer than its lease", Kind: Complete, Machine: masterWorker{config(func(c *world.Config) { c.Bounds.Stops = 1 })}, Deep: true},
		{Name: "failure-and-expiry", Says: "an attempt fails and a session is ended", Kind: Complete, Machine: masterWorker{failing}, Deep: true},
		{Name: "replacing", Says: "a session is ended, and the library hides it", Kind: Complete, Machine: masterWorker{replacing(expiry)}, Deep: true},

		{Name: "live-one-of-each", Says: "every task ends", Kind: Live, Machine: masterWorker{one}},
		{Name: "live-failure-and-expiry", Says: "every task ends, whatever session was ended", Kind: Live, Machine: masterWorker{failing}},
		{Name: "live-one-loss", Says: "every task ends, whatever connection broke", Kind: Live, Machine: masterWorker{loss}},
		{Name: "live-one-crash", Says: "every task ends, whoever died", Kind: Live, Machine: masterWorker{crash}},

		{Name: "refines-one-of-each", Says: "no step that the protocol does not allow", Kind: Refines, Machine: masterWorker{one}},
		{Name: "refines-failure-and-expiry", Says: "the same with a session that is ended", Kind: Refines, Machine: masterWorker{failing}},
		{Name: "refines-one-crash", Says: "the same with requests that arrive late", Kind: Refines, Machine: masterWorker{crash}},

		{Name: "protocol", Says: "the protocol by itself, whatever its writers guess", Kind: Guess},
		{Name: "simulate-large", Says: "two of each, and every fault", Kind: Simulate, Machine: masterWorker{large}},
	}, masterWorkerBroken(loss, expiry)...)
}

func replacing(c world.Config) world.Config {
	c.Library = explore.Replacing
	return c
}

// masterWorkerBroken removes each guard of the protocol, one at a time.
func masterWorkerBroken(loss, expiry world.Config) []Check {
	two := replacing(expiry)
	two.Masters = 2
	twins := replacing(expiry)
	twins.Twins = true
	lagging := loss
	lagging.Bounds.Lags = 1
	var guards []subject.Guard
	for _, g := range world.Guards() {
		if world.Specified(g) {
			guards = append(guards, subject.Guard{Name: g.Name, Explain: g.Explain})
		}
	}
	return broken("", guards, map[string]violation{
		"epoch-check":             {masterWorker{two}, "SingleMaster"},
		"incarnation-check":       {masterWorker{twins}, "ResultFromItsAttempt"},
		"worker-check":            {masterWorker{expiry}, "NoOrphan"},
		"election-in-one":         {masterWorker{loss}, "NeverStuck"},
		"election-resolved":       {masterWorker{loss}, "NeverStuck"},
		"transition-in-one":       {masterWorker{config(nil)}, "ResultFromItsAttempt"},
		"result-takes-assignment": {masterWorker{config(nil)}, "AtomicTransitions"},
		"submission-by-id":        {masterWorker{loss}, "NoPhantomTask"},
		"watch-with-read":         {masterWorker{config(nil)}, "NeverStuck"},
		"look-after-reconnect":    {masterWorker{loss}, "NeverStuck"},
		"sync-after-doubt":        {masterWorker{lagging}, "NeverStuck"},
		"fencing-token":           {masterWorker{expiry}, "StaleEffectsFenced"},
		"election-by-version":     {masterWorker{config(func(c *world.Config) { c.Masters = 2 })}, ""},
	})
}
