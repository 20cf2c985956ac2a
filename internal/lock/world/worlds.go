package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of a lock for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Writers, "writers", c.Writers, "contenders for the exclusive lock, or for permits")
	f.IntVar(&c.Readers, "readers", 0, "contenders for the shared lock")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "how often each contender takes the lock")
	f.IntVar(&c.Permits, "permits", 0, "the lock is a semaphore with so many permits")
	f.BoolVar(&c.Simple, "simple", false, "the lock is one znode that every contender watches")
	f.BoolVar(&c.Try, "try", false, "the first process does not wait for the lock")
	f.BoolVar(&c.Delay, "delay", false, "after an unclean end the next holder waits; needs --sweeps")
	f.BoolVar(&c.Both, "both", false, "each process takes two locks together")
	f.IntVar(&c.Asks, "asks", 0, "how often one more process asks the holders to release the lock; they do only then")
	f.BoolVar(&c.ForGood, "for-good", false, "crashed processes stay down")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Unfenced, c.Without = given.Bounds, given.Library, given.Strands, given.Unfenced, given.Without
	c.Window, c.Turns = given.Window, given.Turns
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	who := fmt.Sprintf("writers=%d readers=%d rounds=%d", c.Writers, c.Readers, c.Rounds)
	w := subject.World{Model: model, Who: who, Expected: c.Expected(), Config: *c}
	for _, m := range []struct {
		when bool
		text string
	}{{c.Permits > 0, fmt.Sprintf("permits=%d", c.Permits)}, {c.Simple, "simple"}, {c.Try, "try"}, {c.Delay, "delay"}, {c.Both, "both"}, {c.Asks > 0, fmt.Sprintf("asks=%d", c.Asks)}, {c.ForGood, "for good"}} {
		if m.when {
			w.More = append(w.More, m.text)
		}
	}
	return w, nil
}

// Expected lists the events that must happen somewhere in a world of this Config; without
// them the exploration proves little.
func (c Config) Expected() []string {
	names := []string{"a grant", "a write of a holder", "a release"}
	b, all := c.Bounds, c.Writers+c.Readers
	for _, one := range []struct {
		when bool
		name string
	}{
		{all > 1 || c.Rounds > 1, "a second grant"},
		{all > 1 && !c.Simple, "a contender that waits"},
		{c.Readers > 1 || c.Permits > 1, "several holders"},
		{b.Leaves > 0 && all > 1 && !c.Simple, "a contender that leaves the line"},
		{c.Asks > 0, "a request to release"},
		{b.Losses > 0, "a write that is found to be there"},
		{c.Library == explore.Replacing && b.Expiries > 0, "a stale holder that was fenced"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}
