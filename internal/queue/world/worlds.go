package world

import (
	"flag"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// Worlds are the worlds of a queue for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}

// options binds the configuration to options.
func (c *Config) options(f *flag.FlagSet) {
	f.IntVar(&c.Producers, "producers", c.Producers, "processes that put items")
	f.IntVar(&c.Consumers, "consumers", c.Consumers, "processes that take items")
	f.IntVar(&c.Items, "items", c.Items, "how many items each producer puts")
	f.IntVar(&c.Stock, "stock", 0, "how many items there are at the beginning")
	f.IntVar(&c.MaxTakes, "max-takes", 0, "after so many takes an item is a dead letter; 0: never")
	f.IntVar(&c.Fails, "fails", 0, "so many takes of the first item of each producer, and of the stock, are given back")
	f.BoolVar(&c.Priority, "priority", false, "the last item of each producer, and of the stock, goes first")
	f.BoolVar(&c.Delay, "delay", false, "the first item of each producer is delayed; needs --sweeps 2")
	f.BoolVar(&c.Together, "together", false, "each producer puts all its items with one PutAll")
	f.BoolVar(&c.Try, "try", false, "the first consumer does not wait for an item")
	f.BoolVar(&c.Many, "many", false, "the first consumer takes up to two items at once")
	f.BoolVar(&c.Follow, "follow", false, "sessions answer a read of a list with its differences")
	f.BoolVar(&c.Hands, "hands", false, "an operator deletes the first claim that there is")
	f.BoolVar(&c.Writes, "writes", false, "a consumer writes to the ledger while it has an item")
}

// under makes the world under these conditions.
func (c *Config) under(given subject.Conditions) (subject.World, error) {
	c.Bounds, c.Library, c.Strands, c.Unfenced, c.Without = given.Bounds, given.Library, given.Strands, given.Unfenced, given.Without
	c.Window, c.Turns = given.Window, given.Turns
	model, err := c.World()
	if err != nil {
		return subject.World{}, err
	}
	who := fmt.Sprintf("producers=%d consumers=%d items=%d", c.Producers, c.Consumers, c.Items)
	w := subject.World{Model: model, Who: who, Expected: c.Expected(), Config: *c}
	for _, m := range []struct {
		when bool
		text string
	}{
		{c.Stock > 0, fmt.Sprintf("stock=%d", c.Stock)}, {c.MaxTakes > 0, fmt.Sprintf("max-takes=%d", c.MaxTakes)}, {c.Fails > 0, fmt.Sprintf("fails=%d", c.Fails)},
		{c.Priority, "priority"}, {c.Delay, "delay"}, {c.Together, "together"}, {c.Try, "try"}, {c.Many, "many"}, {c.Writes, "writes"}, {c.Follow, "follow"}, {c.Hands, "hands"},
	} {
		if m.when {
			w.More = append(w.More, m.text)
		}
	}
	return w, nil
}

// Expected lists the events that must happen somewhere in a world of this Config; without
// them the exploration proves little.
func (c Config) Expected() []string {
	var names []string
	b, items := c.Bounds, c.Producers*c.Items+c.Stock
	for _, one := range []struct {
		when bool
		name string
	}{
		{c.Producers > 0, "a put"},
		{c.Consumers > 0, "a take"},
		{c.Consumers > 0 && (c.MaxTakes == 0 || c.Fails < c.MaxTakes || items > 1), "a consumption"},
		{c.Consumers > 0 && c.Fails > 0, "an item that is given back"},
		{c.Consumers > 0 && c.Fails > 0 && c.MaxTakes != 1, "a second take of an item"},
		{c.Consumers > 0 && c.MaxTakes > 0 && c.Fails >= c.MaxTakes, "a dead letter"},
		{c.Consumers > 1, "a consumer that comes second"},
		{c.Delay && c.Consumers > 0, "an item that is due"},
		{c.Many && items > 1, "a take of several"},
		{c.Writes, "a write of a consumer"},
		{b.Losses > 0, "a write that is found to be applied"},
	} {
		if one.when {
			names = append(names, one.name)
		}
	}
	return names
}
