package world

import (
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Config lists the masters of a world and what they do.
type Config struct {
	Masters int
	Writes  int // to the ledger, in each term
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
	Queue   bool // the masters stand in line
	Abrupt  bool // a process that is asked to leave gets no time to finish
	Slow    bool // the leader writes and acts once more after its context has ended
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Masters: 2, Writes: 1} }

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	guard, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	w := &explore.World{
		Tree: furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Unfenced: c.Unfenced || guard.Fence, Window: c.Window, Turns: c.Turns,
		Judge: judge{c}, Constant: c.constant,
	}
	crash := explore.Restarted
	if c.ForGood {
		crash = explore.ForGood
	}
	for i := range c.Masters {
		name := fmt.Sprintf("master-%d", i+1)
		w.Processes = append(w.Processes, explore.Process{Name: name, Program: c.master(name), Leaves: true, Crash: crash})
	}
	return w, w.Validate()
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch {
	case c.Masters < 1 || c.Writes < 1:
		return fmt.Errorf("world: %d masters, %d writes: use at least 1 of each", c.Masters, c.Writes)
	case c.ForGood && (c.Bounds.Crashes == 0 || c.Masters <= c.Bounds.Crashes):
		return fmt.Errorf("world: for good with crashes=%d and %d masters: use 1 crash or more, and more masters than crashes", c.Bounds.Crashes, c.Masters)
	case c.Abrupt && c.Bounds.Leaves == 0:
		return errors.New("world: abrupt: no process is asked to leave: use --leaves 1 or more")
	}
	return nil
}

// ledger is the znode that leaders write to. Its data is the last entry. Each entry has a
// child, so that no entry is forgotten.
const ledger = "/ledger"

// furnished is the tree at the beginning.
func furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, p := range []string{"/assign", "/candidates", ledger} {
		tree, _, _, _ = tree.Write(zkapi.Create(p, nil, zkapi.Persistent), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	return worlds.Constant(op, c.Bounds.Lags > 0)
}
