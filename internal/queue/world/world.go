package world

import (
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Config lists the processes of a world and what they do.
type Config struct {
	Producers int
	Consumers int
	Items     int // that each producer puts
	Stock     int `json:",omitempty"` // items that are in the queue at the beginning
	MaxTakes  int `json:",omitempty"` // after so many takes an item is a dead letter; 0: never
	Fails     int `json:",omitempty"` // takes of the first item after which its consumer gives it back
	Bounds    explore.Bounds
	Library   explore.Library
	// Strands means that cuts are between a server and its leader; see explore.World.
	Strands  bool
	Window   int    `json:",omitempty"` // of a DoAll; see explore.World
	Turns    bool   `json:",omitempty"` // see explore.World
	Follow   bool   `json:",omitempty"` // sessions follow lists; see explore.World
	Unfenced bool   // the system outside accepts every token
	Without  string // the guard that is taken out; see Guards
	Priority bool   // the last item of each producer, and of the stock, goes first
	Delay    bool   // the first item of each producer is delayed
	Together bool   // each producer puts all its items with one PutAll
	Try      bool   // the first consumer does not wait: it tries until the queue is empty
	Many     bool   // the first consumer takes up to two items at once
	Hands    bool   // an operator deletes the first claim that there is
	Writes   bool   // a consumer writes to the ledger while it has an item
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Producers: 1, Consumers: 2, Items: 1} }

const (
	// path is that of the queue.
	path = "/queue"
	// ledger is the znode below which consumers write.
	ledger = "/ledger"
	// wait is how long a delayed item must wait: two sweeps.
	wait = 2 * explore.SweepTime
)

// The folders of the queue.
const (
	lineFolder    = path + "/entries"
	claimFolder   = path + "/taken"
	delayedFolder = path + "/delayed"
	deadFolder    = path + "/dead"
	laneFolder    = path + "/lanes"
)

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	guard, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	w := &explore.World{
		Tree: c.furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Unfenced: c.Unfenced || guard.Fence, Window: c.Window, Turns: c.Turns, Follow: c.Follow,
		Judge: judge{c}, Constant: c.constant,
	}
	for i := range c.Producers {
		p := producer{Config: c, name: fmt.Sprintf("producer-%d", i+1)}
		w.Processes = append(w.Processes, explore.Process{Name: p.name, Program: p.program(), Leaves: true, Crash: explore.Spared})
	}
	for i := range c.Consumers {
		one := consumer{Config: c, name: fmt.Sprintf("consumer-%d", i+1), first: i == 0}
		w.Processes = append(w.Processes, explore.Process{Name: one.name, Program: one.program(), Leaves: true})
	}
	if c.Hands {
		w.Processes = append(w.Processes, explore.Process{Name: "operator", Program: hand, Fixed: true})
	}
	return w, w.Validate()
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch {
	case c.Producers < 0 || c.Consumers < 0 || c.Producers+c.Consumers < 1 || c.Items < 0 || c.Stock < 0 || c.MaxTakes < 0 || c.Fails < 0:
		return fmt.Errorf("world: %d producers, %d consumers, %d items, a stock of %d, %d takes, %d failures: use one process at least, and no negative number", c.Producers, c.Consumers, c.Items, c.Stock, c.MaxTakes, c.Fails)
	case c.Producers*c.Items+c.Stock < 1:
		return errors.New("world: there is no item: use a stock, or a producer that puts items")
	case c.Try && c.Many:
		return errors.New("world: the first consumer cannot try and take many: use one of them")
	case c.Delay && (c.Producers == 0 || c.Items == 0):
		return errors.New("world: a delay is for what producers put: use a producer that puts items")
	case c.Delay && c.Bounds.Sweeps < int(wait/explore.SweepTime):
		return errors.New("world: only sweeps let time pass, and a delayed item is due after two of them: use --sweeps 2 or more")
	}
	return c.checkOptions()
}

// checkOptions returns an error if an option is about what never happens.
func (c Config) checkOptions() error {
	switch {
	case c.Consumers == 0 && (c.Try || c.Many || c.Hands || c.Writes || c.Fails > 0 || c.MaxTakes > 0):
		return errors.New("world: without a consumer nothing is taken: leave out try, many, hands, writes, fails and max-takes, or use a consumer")
	case c.Many && c.Producers*c.Items+c.Stock < 2:
		return errors.New("world: many: of one item no two can be taken: use more items, or a larger stock")
	case c.Together && (c.Producers == 0 || c.Items < 2):
		return errors.New("world: together: a producer that puts several items is missing: use --producers 1 and --items 2, or more")
	case c.Priority && (c.Producers == 0 || c.Items < 2) && c.Stock < 2:
		return errors.New("world: priority: where one item is alone, none goes first: use --items 2 or --stock 2, or more")
	}
	return nil
}

// items are the payloads of a producer, in the order in which it puts them.
func (c Config) items(name string) (all []string) {
	for i := range c.Items {
		all = append(all, fmt.Sprintf("%s.%d", name, i+1))
	}
	return all
}

// stock is the name of those that put the stock.
const stock = "stock"

// furnished is the tree at the beginning.
func (c Config) furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, p := range []string{path, lineFolder, claimFolder, delayedFolder, deadFolder, laneFolder, ledger} {
		tree, _, _, _ = tree.Write(zkapi.Create(p, nil, zkapi.Persistent), 0)
	}
	for i := range c.Stock {
		priority := 100
		if c.Priority && i == c.Stock-1 {
			priority = 50
		}
		tree, _, _, _ = tree.Write(zkapi.Create(fmt.Sprintf("%s/entry-%03d-", lineFolder, priority), []byte(fmt.Sprintf("%s.%d", stock, i+1)), zkapi.PersistentSequential), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here: if no server lags or is cut off
// from its leader, a sync does nothing; without delays no item is delayed.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	syncs := op.Kind == zkapi.KindSync && c.Bounds.Lags == 0 && !c.Strands
	return zkapi.Result{}, nil, syncs || !c.Delay && op.Kind == zkapi.KindChildren && op.Path == delayedFolder
}
