package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Candidates, "candidates", c.Candidates, "processes of the group")
	f.IntVar(&c.Failovers, "failovers", 0, "how often one more process asks for a failover to the last candidate")
	f.BoolVar(&c.Hand, "hand", false, "the failover is asked for by hand")
	f.IntVar(&c.Fails, "fails", 0, "attempts to fence that fail, in each life of a process; after two the lock is given up")
	f.BoolVar(&c.Neutral, "neutral", false, "an active is neutral while the ensemble does not answer")
	f.BoolVar(&c.Twins, "twins", false, "all processes have the same data")
	f.BoolVar(&c.Stale, "stale", false, "at the beginning there is a breadcrumb of a process that is gone")
	f.BoolVar(&c.Sick, "sick", false, "the first process becomes unhealthy; needs --sweeps")
	f.BoolVar(&c.ForGood, "for-good", false, "crashed processes stay down")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Without = given.Bounds, given.Library, given.Strands, given.Without
	c.Window, c.Turns = given.Window, given.Turns
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	model.Unfenced = given.Unfenced
	w := subject.World{Model: model, Who: fmt.Sprintf("candidates=%d", c.Candidates), Expected: c.Expected(), Config: *c}
	for _, m := range []struct {
		when bool
		text string
	}{
		{c.Failovers > 0, fmt.Sprintf("failovers=%d", c.Failovers)}, {c.Hand, "by hand"}, {c.Fails > 0, fmt.Sprintf("fails=%d", c.Fails)}, {c.Neutral, "neutral"},
		{c.Twins, "twins"}, {c.Stale, "stale"}, {c.Sick, "sick"}, {c.ForGood, "for good"},
	} {
		if m.when {
			w.More = append(w.More, m.text)
		}
	}
	return w, nil
}

// Expected lists the events that must happen somewhere in a world of this Config; without them the
// exploration proves little.
func (c Config) Expected() []string {
	names := []string{"a write of an active"}
	b := c.Bounds
	lost := b.Expiries+b.Cuts+b.Stops+b.Crashes > 0
	for _, one := range []struct {
		when bool
		name string
	}{
		{!c.Stale, "an activation"},
		{c.Stale || lost && c.Candidates > 1 && !c.Twins, "an activation after another one was fenced"},
		{lost || b.Leaves > 0 && c.Candidates > 1 || c.Failovers > 0 && c.Candidates > 1, "a second term"},
		{b.Leaves > 0 || c.Failovers > 0 && c.Candidates > 1, "a clean end"},
		{c.Sick || c.Fails > 1 && (c.Stale || lost), "an unclean end"},
		{c.Failovers > 0 && c.Candidates > 1, "a failover"},
		{c.Failovers > 0, "a request that is answered"},
		{b.Losses > 0, "a write that is found to be there"},
		{c.Library == explore.Replacing && b.Expiries > 0 && c.Candidates > 1, "a stale active that was fenced"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}
