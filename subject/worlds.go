package subject

import (
	"flag"

	"github.com/ringmaster-zk/ringmaster/model/explore"
)

// Worlds are what torture explore explores of a subject: a few of its processes on a
// ZooKeeper in memory. One value is for one exploration: Options binds the options to it,
// and World reads them.
type Worlds struct {
	// Options defines the options of the worlds: each with its default and one line of
	// help. The names of the conditions, and --recipe, --engine, --depth, --seed, --time,
	// --states, --replay and --out are taken.
	Options func(*flag.FlagSet)
	// World makes the world that the options describe. It is called once, when the options
	// have been read. An error says which option is wrong, and which values are possible.
	World func(Conditions) (World, error)
	// Properties are all that the world's judge judges, and NoCrash and GoalStaysReachable,
	// which the explorer judges itself. They are told in this order.
	Properties []Property
	// Guards are the precautions of the recipe that --without takes out, to show that each
	// is needed.
	Guards []Guard
}

// Conditions of a world that are options for every subject. World puts them into the world,
// and its judge may depend on them.
type Conditions struct {
	Bounds   explore.Bounds  // of the faults: --expiries, --cuts, --stops, --losses, --crashes, --leaves, --lags, --sweeps
	Library  explore.Library // --library
	Strands  bool            // --strands
	Window   int             // --window: how many requests of one DoAll are under way together
	Turns    bool            // --turns: which of several threads of a process goes on first is a choice
	Unfenced bool            // --unfenced
	Without  string          // --without: the name of a guard; empty for none. World refuses an unknown name
}

// World is one world that can be explored.
type World struct {
	Model *explore.World
	// Who says in a few words who is in it, such as "masters=2 workers=1".
	Who string
	// More are the other options that are not as usual, such as "slow"; for the summary.
	More []string
	// Expected are events, by the names that the judge's Seen gives them. Each must happen
	// somewhere in the world. If one does not, the exploration proves little, and its
	// verdict is vacuous. None are expected while a guard is out.
	Expected []string
	// Config has the options; it is stored as JSON beside the result.
	Config any
}

// Property is a property of every state, or of every write.
type Property struct {
	Name string
	Says string // the sentence that is true if it holds
}

// Guard is a precaution of a recipe that can be taken out.
type Guard struct {
	Name    string // for --without: lower-case letters and dashes
	Explain string // in one line, what the recipe does by it
}
