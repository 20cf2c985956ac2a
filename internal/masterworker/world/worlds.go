package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of the recipe for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Masters, "masters", c.Masters, "candidates for the one active master")
	f.IntVar(&c.Workers, "workers", c.Workers, "workers; 0, with no tasks, for masters among themselves")
	f.BoolVar(&c.Twins, "twins", false, "a second process under the name of every worker")
	f.IntVar(&c.Tasks, "tasks", c.Tasks, "tasks that one client submits")
	f.IntVar(&c.Failures, "failures", 0, "attempts at the first task that fail")
	f.IntVar(&c.Attempts, "attempts", c.Attempts, "attempts after which a task fails")
	f.BoolVar(&c.Cancel, "cancel", false, "the client cancels its first task")
	f.BoolVar(&c.Collect, "collect", false, "the client collects its tasks")
	f.BoolVar(&c.Resubmit, "resubmit", false, "the client collects its tasks, and submits them again under the same ids")
	f.BoolVar(&c.Parts, "parts", false, "the servers take so little at once that a finished task is collected child by child")
	f.BoolVar(&c.ForGood, "for-good", false, "who crashes stays down; only those crash whom another can stand in for")
	f.IntVar(&c.Residents, "residents", 0, "how many of the tasks, the first ones, are resident; they stay, unless they are cancelled")
	f.IntVar(&c.Concurrency, "concurrency", 0, "handlers of ordinary tasks that a worker runs at a time; 0 for the default")
	f.DurationVar(&c.NotBefore, "not-before", 0, "how long after its submission the first task may begin; it needs --sweeps, which let time pass")
	f.DurationVar(&c.Retention, "retention", 0, "how long masters keep finished tasks; it needs --sweeps; 0 for ever")
	f.BoolVar(&c.Abrupt, "abrupt", false, "who is asked to leave is given no time for it")
	f.BoolVar(&c.Slow, "slow", false, "what leads, and every handler, acts once more after it was told to return")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Unfenced, c.Without = given.Bounds, given.Library, given.Strands, given.Unfenced, given.Without
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	return subject.World{
		Model: model, Who: fmt.Sprintf("masters=%d workers=%d tasks=%d", c.Masters, c.Workers, c.Tasks), More: c.more(),
		Expected: c.Expected(), Config: *c,
	}, nil
}

// more lists the options that are not as usual.
func (c *Config) more() []string {
	var all []string
	for _, m := range []struct {
		when bool
		text string
	}{
		{c.Twins, "twins"}, {c.Failures > 0, fmt.Sprintf("failures=%d", c.Failures)}, {c.Cancel, "cancel"}, {c.Collect, "collect"},
		{c.Residents > 0, fmt.Sprintf("residents=%d", c.Residents)}, {c.Concurrency > 0, fmt.Sprintf("concurrency=%d", c.Concurrency)},
		{c.Slow, "slow"}, {c.Abrupt, "abrupt"}, {c.NotBefore > 0, fmt.Sprintf("not-before=%v", c.NotBefore)},
		{c.Retention > 0, fmt.Sprintf("retention=%v", c.Retention)}, {c.ForGood, "for good"}, {c.Resubmit, "resubmit"}, {c.Parts, "parts"},
	} {
		if m.when {
			all = append(all, m.text)
		}
	}
	return all
}
