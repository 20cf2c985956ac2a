package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of a store for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Actives, "actives", c.Actives, "processes that become the active one")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "how often each of them writes")
	f.BoolVar(&c.Large, "large", false, "values are in parts")
	f.BoolVar(&c.Gets, "gets", false, "a process reads the record again before it writes")
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
	if c.Large {
		more = append(more, "large")
	}
	if c.Gets {
		more = append(more, "gets")
	}
	return subject.World{More: more, Model: model, Who: fmt.Sprintf("actives=%d rounds=%d", c.Actives, c.Rounds), Expected: c.Expected(), Config: *c}, nil
}

// Expected lists the events that must happen somewhere in a world of this Config.
func (c Config) Expected() []string {
	names := []string{"an epoch that is raised", "a record that is written"}
	if c.Actives > 1 {
		names = append(names, "a write that is fenced")
	}
	if c.Large && (c.Actives > 1 || c.Rounds > 1) {
		names = append(names, "parts that are deleted")
	}
	return names
}
