package world

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The primitives of a world.
const (
	Counter = "counter"
	Bank    = "bank"
	Barrier = "barrier"
	Gate    = "gate"
	Lease   = "lease"
)

// Config lists the processes of a world and what they do.
type Config struct {
	Of      string // Counter, Bank, Barrier, Gate or Lease
	Users   int
	Rounds  int  // how often each of them adds, transfers, or goes in and out
	Fill    int  `json:",omitempty"` // how many users make a round of the barrier; 0: all
	Audits  int  `json:",omitempty"` // processes that only read the accounts
	Keeps   bool `json:",omitempty"` // empty accounts are kept, and not deleted
	Remade  bool `json:",omitempty"` // the lease, or the barrier, is deleted and made again by hand
	Bounds  explore.Bounds
	Library explore.Library
	Strands bool   // see explore.World
	Window  int    `json:",omitempty"` // see explore.World
	Turns   bool   `json:",omitempty"` // see explore.World
	Without string // the guard that is taken out; see Guards
}

// Defaults is a small world in which nothing goes wrong.
func Defaults() Config { return Config{Of: Counter, Users: 2, Rounds: 1} }

// The znodes of the worlds.
const (
	counter = "/counter"
	bank    = "/bank"
	barred  = "/barrier"
	gate    = "/gates/gate" // it is set in the beginning
	leased  = "/lease"
	ledger  = "/ledger" // the greatest token in whose name a holder has written
)

// accounts are what money moves between. The first one has all of it in the beginning.
var accounts = []string{bank + "/x", bank + "/y"}

// money is what all accounts have together.
const money = 2

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
	for i := range c.Users + c.Audits {
		u := user{Config: c, name: fmt.Sprintf("user-%d", i+1), number: i, audits: i >= c.Users, guard: guard}
		w.Processes = append(w.Processes, explore.Process{Name: u.name, Program: u.program(), Crash: explore.ForGood})
	}
	if c.Remade {
		w.Processes = append(w.Processes, explore.Process{Name: operator, Program: hand(c.path()), Fixed: true, Crash: explore.Spared})
	}
	return w, w.Validate()
}

// check returns an error if the numbers of a Config are not valid.
func (c Config) check() error {
	switch {
	case !slices.Contains([]string{Counter, Bank, Barrier, Gate, Lease}, c.Of):
		return fmt.Errorf("world: of %q: use %s, %s, %s, %s or %s", c.Of, Counter, Bank, Barrier, Gate, Lease)
	case c.Of == Gate && (c.Users < 2 || c.Rounds > 1):
		return errors.New("world: one user lifts the gate once, and the others wait for it: use --users 2 or 3, and --rounds 1")
	case c.Users < 1 || c.Users > 3 || c.Rounds < 1 || c.Rounds > 9 || c.Audits < 0:
		return fmt.Errorf("world: %d users, %d rounds, %d audits: use 1 to 3 users, and 1 to 9 rounds", c.Users, c.Rounds, c.Audits)
	case (c.Audits > 0 || c.Keeps) && c.Of != Bank:
		return errors.New("world: audits and keeps are for the bank: use --of bank")
	case c.Fill < 0 || c.Fill > c.Users || c.Fill > 0 && c.Of != Barrier:
		return fmt.Errorf("world: rounds of %d: use 1 to %d, with --of barrier", c.Fill, c.Users)
	case c.Remade && c.path() == "":
		return errors.New("world: what is made again gives tokens: use --of barrier or lease")
	case c.Bounds.Leaves > 0:
		return errors.New("world: users do not leave: use no --leaves")
	}
	return nil
}

// path is that of what gives tokens; empty for none.
func (c Config) path() string { return map[string]string{Barrier: barred, Lease: leased}[c.Of] }

// fill is how many users make a round.
func (c Config) fill() int {
	if c.Fill > 0 {
		return c.Fill
	}
	return c.Users
}

// furnished is the tree at the beginning.
func furnished() zk.Tree {
	tree := zk.NewStructuralTree()
	for _, z := range []struct{ path, data string }{{counter, "0"}, {bank, ""}, {accounts[0], fmt.Sprint(money)}, {barred, ""}, {"/gates", ""}, {gate, ""}, {leased, ""}, {ledger, "0"}} {
		tree, _, _, _ = tree.Write(zkapi.Create(z.path, []byte(z.data), zkapi.Persistent), 0)
	}
	return tree
}

// constant answers the requests whose answers never change here: if no server lags or is cut off from
// its leader, a sync does nothing.
func (c Config) constant(op zkapi.Op) (zkapi.Result, error, bool) {
	return zkapi.Result{}, nil, op.Kind == zkapi.KindSync && c.Bounds.Lags == 0 && !c.Strands
}
