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
	Actives int  // processes, each of which becomes the active one
	Rounds  int  // how often each of them writes
	Large   bool `json:",omitempty"` // values are in parts
	Gets    bool `json:",omitempty"` // a process reads the record again before it writes
	Bounds  explore.Bounds
	Library explore.Library
	Strands bool   // see explore.World
	Window  int    `json:",omitempty"` // see explore.World
	Turns   bool   `json:",omitempty"` // see explore.World
	Without string // the guard that is taken out; see Guards
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Actives: 2, Rounds: 1} }

// The znodes of the worlds.
const (
	root    = "/store"
	epoch   = root + "/epoch"
	version = root + "/version"
	parts   = root + "/parts"
	folder  = root + "/apps"
	sum     = folder + "/sum" // its value counts what all processes have written
)

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	guard, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	w := &explore.World{
		Tree: furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Window: c.Window, Turns: c.Turns,
		Judge: judge{c}, Constant: c.constant,
	}
	for i := range c.Actives {
		a := active{Config: c, name: fmt.Sprintf("active-%d", i+1), number: i, guard: guard}
		w.Processes = append(w.Processes, explore.Process{Name: a.name, Program: a.program(), Crash: explore.ForGood})
	}
	return w, w.Validate()
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch {
	case c.Actives < 1 || c.Actives > 3 || c.Rounds < 1 || c.Rounds > 9:
		return fmt.Errorf("world: %d actives, %d rounds: use 1 to 3 actives, and 1 to 9 rounds", c.Actives, c.Rounds)
	case c.Bounds.Leaves > 0 || c.Bounds.Sweeps > 0:
		return errors.New("world: an active does not leave, and waits for nothing: use no --leaves and no --sweeps")
	}
	return nil
}

// furnished is the tree at the beginning: a store without records but the sum.
func furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, z := range []struct{ path, data string }{
		{root, ""}, {epoch, ""}, {version, `{"format":1,"types":[{"name":"apps","path":"apps"}]}`}, {parts, ""}, {folder, ""}, {sum, "0."},
	} {
		tree, _, _, _ = tree.Write(zkapi.Create(z.path, []byte(z.data), zkapi.Persistent), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here: if no server lags or is cut off from its
// leader, a sync does nothing. The format is always the same.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	if op.Kind == zkapi.KindGet && op.Path == version {
		node, _ := furnished().Node(version)
		return zkapi.Result{Data: node.Data}, nil, true
	}
	return zkapi.Result{}, nil, op.Kind == zkapi.KindSync && c.Bounds.Lags == 0 && !c.Strands
}
