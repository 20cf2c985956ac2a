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
	Writers int // contenders for the exclusive lock, or for permits
	Readers int // contenders for the shared lock
	Rounds  int // how often each of them takes the lock
	Permits int `json:",omitempty"` // the path is a semaphore with so many; 0: it is a lock
	Bounds  explore.Bounds
	Library explore.Library
	// Strands means that cuts are between a server and its leader; see explore.World.
	Strands  bool
	Window   int    `json:",omitempty"` // of a DoAll; see explore.World
	Turns    bool   `json:",omitempty"` // see explore.World
	Unfenced bool   // the system outside accepts every token
	Without  string // the guard that is taken out; see Guards
	// ForGood means that a crashed process stays down.
	ForGood bool
	Simple  bool // the simple form of the lock
	Try     bool // the first process does not wait: it tries until it has the lock
	Delay   bool // the next holder waits after an unclean end
	// Both means that each process takes two locks together, and every second process names them in
	// the other order.
	Both bool `json:",omitempty"`
	// Asks is how often one more process asks the holders to release the lock. If it is not 0, a
	// holder releases the lock only when it has heard of that.
	Asks int `json:",omitempty"`
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Writers: 2, Rounds: 1} }

const (
	// path is that of the lock.
	path = "/lock"
	// other is that of the second lock, if processes take two together.
	other = "/other"
	// ledger is the znode that holders write to. Its data is the last entry. Each entry has a
	// child, so that no entry is forgotten.
	ledger = "/ledger"
)

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	guard, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	w := &explore.World{
		Tree: c.furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Unfenced: c.Unfenced || guard.Fence, Window: c.Window, Turns: c.Turns,
		Judge: judge{c}, Constant: c.constant,
	}
	crash := explore.Restarted
	if c.ForGood {
		crash = explore.ForGood
	}
	for i := range c.Writers + c.Readers {
		u := user{Config: c, name: fmt.Sprintf("writer-%d", i+1), try: c.Try && i == 0, reversed: i%2 == 1}
		if i >= c.Writers {
			u.name, u.shared = fmt.Sprintf("reader-%d", i-c.Writers+1), true
		}
		w.Processes = append(w.Processes, explore.Process{Name: u.name, Program: u.program(), Leaves: true, Crash: crash})
	}
	if c.Asks > 0 {
		w.Processes = append(w.Processes, explore.Process{Name: "asker", Program: c.asker(), Fixed: true, Crash: explore.Spared})
	}
	return w, w.Validate()
}

// paths are those of the locks.
func (c Config) paths() []string {
	if c.Both {
		return []string{path, other}
	}
	return []string{path}
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch all := c.Writers + c.Readers; {
	case c.Writers < 0 || c.Readers < 0 || all < 1 || c.Rounds < 1 || c.Permits < 0:
		return fmt.Errorf("world: %d writers, %d readers, %d rounds, %d permits: use 1 contender and 1 round at least", c.Writers, c.Readers, c.Rounds, c.Permits)
	case c.Readers > 0 && (c.Permits > 0 || c.Simple) || c.Simple && c.Permits > 0:
		return errors.New("world: readers, permits and the simple form exclude each other: use one of them")
	case c.Delay && (c.Readers > 0 || c.Permits > 0):
		return errors.New("world: a delay is for exclusive locks: leave out readers and permits")
	case c.Permits > 1 && all < 2:
		return errors.New("world: permits: one contender cannot hold two of them: use --writers 2 or more")
	case c.ForGood && c.Bounds.Crashes == 0:
		return errors.New("world: for good without crashes: use 1 crash or more")
	case c.Both && (c.Readers > 0 || c.Permits > 0 || c.Simple || c.Try || c.Delay || c.Asks > 0):
		return errors.New("world: two locks together are for writers: leave out readers, permits, the simple form, try, delay and asks")
	case c.Asks < 0 || c.Asks > 0 && (c.Readers > 1 || c.Permits > 0 || c.Simple || c.Bounds.Leaves > 0):
		return errors.New("world: asks: leave out permits, the simple form and leaves, and use 1 reader at most: a tree does not say of several readers who of them holds the lock when they are asked")
	}
	return nil
}

// furnished is the tree at the beginning.
func (c Config) furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, p := range append(c.paths(), ledger) {
		tree, _, _, _ = tree.Write(zkapi.Create(p, nil, zkapi.Persistent), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here: if no server lags or is cut off
// from its leader, a sync does nothing.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	return zkapi.Result{}, nil, op.Kind == zkapi.KindSync && c.Bounds.Lags == 0 && !c.Strands
}
