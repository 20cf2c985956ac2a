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
	f.IntVar(&c.Workers, "workers", c.Workers, "workers; --workers 0 --tasks 0 explores masters alone")
	f.BoolVar(&c.Twins, "twins", false, "start a second process under the name of every worker")
	f.IntVar(&c.Tasks, "tasks", c.Tasks, "tasks that the client submits")
	f.IntVar(&c.Failures, "failures", 0, "how many attempts at the first task fail")
	f.IntVar(&c.Attempts, "attempts", c.Attempts, "how many attempts a task gets before it fails")
	f.BoolVar(&c.Cancel, "cancel", false, "the client cancels its first task")
	f.BoolVar(&c.Collect, "collect", false, "the client collects its tasks")
	f.BoolVar(&c.Resubmit, "resubmit", false, "the client collects its tasks and submits them again under the same ids")
	f.BoolVar(&c.Together, "together", false, "the client submits its tasks by one SubmitAll")
	f.BoolVar(&c.Prune, "prune", false, "an operator deletes /workers/worker-1 by hand and prunes that name at once")
	f.BoolVar(&c.Parts, "parts", false, "requests are small, so a finished task is collected child by child")
	f.BoolVar(&c.Apart, "apart", false, "requests are small, so each decision, each result and each submission has a write of its own")
	f.BoolVar(&c.Follow, "follow", false, "sessions answer a read of a list with its differences since the last answer, as those of zkclient do")
	f.BoolVar(&c.ForGood, "for-good", false, "crashed processes stay down; a process crashes only if its role has a spare")
	f.IntVar(&c.Residents, "residents", 0, "how many tasks, counted from the first, are resident: they run until they are cancelled")
	f.IntVar(&c.Concurrency, "concurrency", 0, "how many ordinary tasks a worker runs at a time; 0 for the recipe's default")
	f.DurationVar(&c.NotBefore, "not-before", 0, "delay after its submission before the first task may begin; needs --sweeps, which let time pass")
	f.DurationVar(&c.Retention, "retention", 0, "how long masters keep finished tasks; needs --sweeps; 0 for ever")
	f.BoolVar(&c.Abrupt, "abrupt", false, "a process that is asked to leave gets no time to finish")
	f.BoolVar(&c.Slow, "slow", false, "the leader and every handler act once more after they were told to return")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Unfenced, c.Without = given.Bounds, given.Library, given.Strands, given.Unfenced, given.Without
	c.Window, c.Turns = given.Window, given.Turns
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
		{c.Retention > 0, fmt.Sprintf("retention=%v", c.Retention)}, {c.ForGood, "for good"}, {c.Resubmit, "resubmit"}, {c.Parts, "parts"}, {c.Prune, "prune"}, {c.Together, "together"}, {c.Apart, "apart"}, {c.Follow, "follow"},
	} {
		if m.when {
			all = append(all, m.text)
		}
	}
	return all
}
