package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of the primitives for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.StringVar(&c.Of, "of", c.Of, "what the users share: counter, bank, barrier, gate or lease")
	f.IntVar(&c.Users, "users", c.Users, "processes that use it")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "how often each of them does")
	f.IntVar(&c.Fill, "fill", 0, "how many users make a round of the barrier; 0: all")
	f.BoolVar(&c.Keeps, "keeps", false, "empty accounts of the bank are kept, and not deleted")
	f.BoolVar(&c.Remade, "remade", false, "the barrier or the lease is deleted and made again by hand, so that its versions begin again, as after a restore of the ensemble")
	f.IntVar(&c.Audits, "audits", 0, "processes that only read the accounts of the bank")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Without = given.Bounds, given.Library, given.Strands, given.Without
	c.Window, c.Turns = given.Window, given.Turns
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	var more []string
	if c.Keeps {
		more = append(more, "keeps")
	}
	if c.Remade {
		more = append(more, "remade")
	}
	return subject.World{More: more, Model: model, Who: fmt.Sprintf("of=%s users=%d audits=%d rounds=%d fill=%d", c.Of, c.Users, c.Audits, c.Rounds, c.fill()), Expected: c.Expected(), Config: *c}, nil
}

// Expected lists the events that must happen somewhere in a world of this Config.
func (c Config) Expected() []string {
	names := map[string][]string{Counter: {"an addition"}, Bank: {"a transfer"}, Barrier: {"a round that begins", "a round that ends"}, Gate: {"a barrier that is lifted", "a barrier that is set"}, Lease: {"a lease that is taken", "a write under a lease"}}[c.Of]
	if c.Remade {
		names = append(names, "versions that begin again", "a version that is raised")
	}
	if c.Users > 1 && c.Of != Gate && c.Of != Lease {
		names = append(names, "a write that is refused")
	}
	return names
}
