package world

import (
	"errors"
	"fmt"
	"math"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Config lists the processes of a world and what they do.
type Config struct {
	Candidates int
	Bounds     explore.Bounds
	Library    explore.Library
	// Strands means that cuts are between a server and its leader; see explore.World.
	Strands bool
	Window  int    `json:",omitempty"` // of a DoAll; see explore.World
	Turns   bool   `json:",omitempty"` // see explore.World
	Without string // the guard that is taken out; see Guards
	// ForGood means that a crashed process stays down.
	ForGood bool
	Fails   int  `json:",omitempty"` // attempts to fence of each life that fail
	Neutral bool `json:",omitempty"` // the processes have a hook for the neutral mode
	Twins   bool `json:",omitempty"` // all processes have the same data
	Stale   bool `json:",omitempty"` // at the beginning there is a breadcrumb of a process that is gone
	Sick    bool `json:",omitempty"` // the first process is not healthy when it is asked again; needs sweeps
	// Failovers is how often one more process asks for a failover to the last candidate.
	Failovers int  `json:",omitempty"`
	Hand      bool `json:",omitempty"` // it asks by hand: it makes the znode, and waits for nothing
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Candidates: 2} }

// layout is that of all processes. Its znodes are at the top, where no parent changes with them.
var layout = standby.Layout{Lock: "/lock", Breadcrumb: "/breadcrumb", Epoch: "/epoch", Candidates: "/candidates", Failover: "/failover"}

// ledger is the znode that an active writes to. Its data is the last entry, and each entry has a child.
const ledger = "/ledger"

// gone is the data of the breadcrumb at the beginning, if there is one.
const gone = "gone"

// World makes the world of a Config.
func (c Config) World() (*explore.World, error) {
	_, err := worlds.Find(Guards(), c.Without)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	w := &explore.World{
		Tree: c.furnished(), Bounds: c.Bounds, Library: c.Library, Strands: c.Strands, Window: c.Window, Turns: c.Turns,
		Judge: judge{c}, Constant: c.constant,
	}
	crash := explore.Restarted
	if c.ForGood {
		crash = explore.ForGood
	}
	for i := range c.Candidates {
		s := service{Config: c, name: candidate(i + 1), sick: c.Sick && i == 0}
		w.Processes = append(w.Processes, explore.Process{Name: s.name, Program: s.program(), Leaves: true, Crash: crash})
	}
	if c.Failovers > 0 {
		w.Processes = append(w.Processes, explore.Process{Name: asker, Program: c.asks(), Fixed: true, Crash: explore.Spared})
	}
	return w, w.Validate()
}

// candidate is the name of the n-th process.
func candidate(n int) string { return fmt.Sprintf("candidate-%d", n) }

// asker is the name of the process that asks for failovers.
const asker = "asker"

// data is what the breadcrumb of a process says.
func (c Config) data(name string) string {
	if c.Twins {
		return "twin"
	}
	return name
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch {
	case c.Candidates < 1 || c.Fails < 0 || c.Failovers < 0:
		return fmt.Errorf("world: %d candidates, %d fails, %d failovers: use at least 1 candidate, and 0 of the others", c.Candidates, c.Fails, c.Failovers)
	case c.ForGood && (c.Bounds.Crashes == 0 || c.Candidates <= c.Bounds.Crashes):
		return fmt.Errorf("world: for good with crashes=%d and %d candidates: use 1 crash or more, and more candidates than crashes", c.Bounds.Crashes, c.Candidates)
	case c.Sick && c.Bounds.Sweeps == 0:
		return errors.New("world: sick without sweeps: health is asked for again in a sweep: use 1 sweep or more")
	case c.Hand && c.Failovers != 1:
		return errors.New("world: by hand one failover is asked for: use failovers=1")
	}
	return nil
}

// furnished is the tree at the beginning.
func (c Config) furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, p := range []string{layout.Epoch, layout.Candidates, ledger} {
		tree, _, _, _ = tree.Write(zkapi.Create(p, nil, zkapi.Persistent), 0)
	}
	if c.Stale {
		tree, _, _, _ = tree.Write(zkapi.Create(layout.Breadcrumb, []byte(gone), zkapi.Persistent), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here. The parents exist and stay. No znode has
// the version with which a candidate tests its permission. The epoch never goes back, so a comparison
// always finds it high enough. If no server lags or is cut off from its leader, a sync does nothing.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	const noVersion = -2
	switch {
	case op.Kind == zkapi.KindExists && !op.Watch && op.Path == layout.Epoch:
		return zkapi.Result{Found: true, Stat: zkapi.Stat{Version: math.MaxInt32}}, nil, true
	case op.Kind == zkapi.KindExists && !op.Watch && op.Path == layout.Candidates:
		return zkapi.Result{Found: true}, nil, true
	case op.Kind == zkapi.KindSet && op.Version == noVersion:
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}, true
	case op.Kind == zkapi.KindSync && c.Bounds.Lags == 0 && !c.Strands:
		return zkapi.Result{}, nil, true
	}
	return zkapi.Result{}, nil, false
}

// Worlds are the worlds of an active-standby switch for torture explore.
func Worlds() subject.Worlds {
	c := Defaults()
	return subject.Worlds{Options: c.options, World: c.under, Properties: properties, Guards: worlds.Listed(Guards())}
}
