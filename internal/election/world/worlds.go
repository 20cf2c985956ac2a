package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of leader election for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Masters, "masters", c.Masters, "candidates for leadership")
	f.IntVar(&c.Writes, "writes", c.Writes, "writes of a leader in each term")
	f.BoolVar(&c.Queue, "queue", false, "the masters queue for election instead of racing")
	f.BoolVar(&c.ForGood, "for-good", false, "crashed processes stay down")
	f.BoolVar(&c.Abrupt, "abrupt", false, "a process that is asked to leave gets no time to finish")
	f.BoolVar(&c.Slow, "slow", false, "a leader writes and acts once more after it was told to return")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Unfenced, c.Without = given.Bounds, given.Library, given.Strands, given.Unfenced, given.Without
	c.Window, c.Turns = given.Window, given.Turns
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	w := subject.World{Model: model, Who: fmt.Sprintf("masters=%d writes=%d", c.Masters, c.Writes), Expected: c.Expected(), Config: *c}
	for _, m := range []struct {
		when bool
		text string
	}{{c.Queue, "queue"}, {c.ForGood, "for good"}, {c.Abrupt, "abrupt"}, {c.Slow, "slow"}} {
		if m.when {
			w.More = append(w.More, m.text)
		}
	}
	return w, nil
}

// Expected lists the events that must happen somewhere in a world of this Config; without
// them the exploration proves little.
func (c Config) Expected() []string {
	names := []string{"an election", "a write of a leader", "a proclamation"}
	b := c.Bounds
	for _, one := range []struct {
		when bool
		name string
	}{
		{b.Expiries+b.Cuts+b.Stops+b.Crashes > 0, "a failover"},
		{b.Expiries+b.Cuts+b.Stops+b.Crashes > 0, "a write of a second leader"},
		{b.Leaves > 0, "a hand-over"},
		{b.Losses > 0, "a write that is found to be there"},
		{c.Library == explore.Replacing && b.Expiries > 0 && c.Masters > 1, "a stale leader that was fenced"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}
