package torture

import (
	"errors"
	"flag"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/record"
)

// engineFlags are the options that do not change the world.
func (e *explorer) engineFlags(f *pflag.FlagSet) {
	f.StringVar(&e.asked, "recipe", e.all[0].Name, "recipe to explore; each recipe has its own options")
	f.StringVar(&e.Engine, "engine", "bfs", "bfs (every state), dfs (every schedule), random or pct (random schedules, from --seed)")
	f.IntVar(&e.Depth, "depth", 3, "depth of pct: how many scheduling points must fall in one order to show a bug")
	f.Uint64Var(&e.Seed, "seed", 1, "seed for --engine random and pct")
	f.DurationVar(&e.Time, "time", time.Minute, "time limit; 0 for none")
	f.IntVar(&e.States, "states", 200_000_000, "how many states to keep at most, about 45 bytes each; 0 for no limit")
	f.StringVar(&e.reduce, "reduce", "all", "reductions of --engine bfs: all, none, or names with commas: "+explore.AllReductions().String()+"; with --window, --turns or --follow there are none")
	f.StringVar(&e.Replay, "replay", "", "schedule to follow instead of exploring: the schedule.txt of a counterexample")
	f.StringVar(&e.out, "out", "results", "folder for results")
}

// conditionFlags are the options of every world.
func (e *explorer) conditionFlags(f *pflag.FlagSet) {
	c := &e.Conditions
	f.IntVar(&c.Bounds.Expiries, "expiries", 0, "how many sessions the server ends")
	f.IntVar(&c.Bounds.Cuts, "cuts", 0, "how many sessions a client gives up because no server answers")
	f.IntVar(&c.Bounds.Stops, "stops", 0, "how many processes are stopped for longer than their lease")
	f.IntVar(&c.Bounds.Losses, "losses", 0, "how many connections break, with or without a request or an answer in flight")
	f.IntVar(&c.Bounds.Crashes, "crashes", 0, "how many processes die and are started again")
	f.IntVar(&c.Bounds.Leaves, "leaves", 0, "how many processes are asked to leave and are started again")
	f.IntVar(&c.Bounds.Lags, "lags", 0, "how often a server falls behind")
	f.IntVar(&c.Bounds.Sweeps, "sweeps", 0, "how many times a process rereads everything without a notification")
	f.IntVar(&c.Window, "window", 1, "how many requests of one DoAll are under way together, in any order: 1 to 3")
	f.BoolVar(&c.Turns, "turns", false, "if several threads of a process can go on, which one is first is a choice")
	f.StringVar(&e.client, "library", "honest", "client library: honest, or replacing (hides the end of a session: it opens a new one)")
	f.BoolVar(&c.Strands, "strands", false, "cut the server from the leader, not from the client: it still answers reads, and writes hang")
	f.BoolVar(&c.Unfenced, "unfenced", false, "the system outside ZooKeeper accepts every fencing token")
	f.StringVar(&c.Without, "without", "", "guard of the protocol to remove")
}

// addOptions adds the options of the recipe's own worlds.
func (e *explorer) addOptions() {
	set := flag.NewFlagSet(e.Recipe, flag.ContinueOnError)
	e.worlds.Options(set)
	set.VisitAll(func(f *flag.Flag) { e.options.AddGoFlag(f) })
}

// flagError is an error about options. A wrong recipe comes first: no option is right then.
func (e *explorer) flagError(c *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	switch {
	case e.wrong != nil:
		return exit.With(exit.WrongUse, e.wrong)
	case ok && e.Recipe != e.all[0].Name:
		return exit.Misuse("%s: the recipe %s has no option --%s; see %s --recipe %s --help", c.CommandPath(), e.Recipe, unknown.GetSpecifiedName(), c.CommandPath(), e.Recipe)
	}
	return c.Parent().FlagErrorFunc()(c, err)
}

// command replays the counterexample in a folder: the options that differ from their
// defaults describe its world.
func (e *explorer) command(dir string) string {
	text := program() + " explore --replay " + filepath.Join(dir, record.CounterexampleFile)
	if e.Recipe != e.all[0].Name {
		text += " --recipe " + e.Recipe
	}
	e.options.VisitAll(func(f *pflag.Flag) {
		switch value := f.Value.String(); {
		case value == f.DefValue:
		case f.NoOptDefVal == "": // no switch
			text += " --" + f.Name + " " + value
		case value == f.NoOptDefVal:
			text += " --" + f.Name
		default:
			text += " --" + f.Name + "=" + value
		}
	})
	return text
}
