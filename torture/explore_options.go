package torture

import (
	"errors"
	"flag"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/record"
)

// engineFlags are the options that do not change the world.
func (e *explorer) engineFlags(f *pflag.FlagSet) {
	f.StringVar(&e.asked, "recipe", e.all[0].Name, "recipe whose worlds are explored; each has options of its own")
	f.StringVar(&e.Engine, "engine", "bfs", "bfs (every state), dfs (every schedule), random or pct (schedules drawn from the seed)")
	f.IntVar(&e.Depth, "depth", 3, "depth of pct: how many moments must fall right")
	f.Uint64Var(&e.Seed, "seed", 1, "seed of random and pct")
	f.DurationVar(&e.Time, "time", time.Minute, "how long it may take; 0 for as long as it takes")
	f.IntVar(&e.States, "states", 200_000_000, "states that may be kept, of about 60 bytes each; 0 for as many as there are")
	f.StringVar(&e.Replay, "replay", "", "schedule to follow instead of exploring: the schedule.txt of a counterexample")
	f.StringVar(&e.out, "out", "results", "folder for results")
}

// conditionFlags are the options of every world.
func (e *explorer) conditionFlags(f *pflag.FlagSet) {
	c := &e.Conditions
	f.IntVar(&c.Bounds.Expiries, "expiries", 0, "sessions that the server ends")
	f.IntVar(&c.Bounds.Cuts, "cuts", 0, "sessions that are given up because no server is heard of")
	f.IntVar(&c.Bounds.Stops, "stops", 0, "processes that are stopped for longer than their lease")
	f.IntVar(&c.Bounds.Losses, "losses", 0, "connections that break, with a request, its answer or nothing under way")
	f.IntVar(&c.Bounds.Crashes, "crashes", 0, "processes that die and are started again")
	f.IntVar(&c.Bounds.Leaves, "leaves", 0, "processes that are asked to leave, and are started again")
	f.IntVar(&c.Bounds.Lags, "lags", 0, "servers that fall behind")
	f.IntVar(&c.Bounds.Sweeps, "sweeps", 0, "times that a process looks at everything without having been told to")
	f.StringVar(&e.library, "library", "honest", "client library: honest, or replacing, which hides the end of a session")
	f.BoolVar(&c.Strands, "strands", false, "cuts are between a server and the leader: the server goes on to answer reads, and writes hang")
	f.BoolVar(&c.Unfenced, "unfenced", false, "the system outside ZooKeeper accepts every token")
	f.StringVar(&c.Without, "without", "", "guard of the protocol to take out")
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
		return exit.Misuse("%s: the worlds of %s have no option --%s; see %s --recipe %s --help", c.CommandPath(), e.Recipe, unknown.GetSpecifiedName(), c.CommandPath(), e.Recipe)
	}
	return c.Parent().FlagErrorFunc()(c, err)
}

// command replays the counterexample in a folder: the options that differ from their
// defaults describe its world.
func (e *explorer) command(dir string) string {
	text := "torture explore --replay " + filepath.Join(dir, record.CounterexampleFile)
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
