package torture

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/exploration"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// explorer is one call of torture explore.
type explorer struct {
	exploration.Exploration
	all     recipes
	worlds  subject.Worlds
	options *pflag.FlagSet // that the world depends on
	asked   string         // --recipe
	client  string         // --library
	reduce  string         // --reduce
	out     string
	wrong   error // about the recipe
}

// exploreCommand has the options of one recipe's worlds: of the one that the arguments of
// the process name.
func exploreCommand(all recipes) *cobra.Command {
	e := &explorer{all: all, options: pflag.NewFlagSet("world", pflag.ContinueOnError)}
	cmd := &cobra.Command{
		Use: "explore", Short: "Model-check the code of a recipe on an in-memory ZooKeeper", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.prepare(); err != nil {
				return exit.With(exit.WrongUse, err)
			}
			return e.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	e.engineFlags(cmd.Flags())
	e.conditionFlags(e.options)
	guards := ""
	chosen, err := all.named(recipeIn(os.Args[1:]))
	switch {
	case err != nil:
		e.wrong = err
	case chosen.Worlds == nil:
		e.wrong = fmt.Errorf("--recipe %s: this recipe has no model to explore; choose another recipe", chosen.Name)
	default:
		e.Recipe, e.worlds = chosen.Name, chosen.Worlds()
		e.addOptions()
	}
	for _, g := range e.worlds.Guards {
		guards += fmt.Sprintf("  %s\n      %s\n", g.Name, g.Explain)
	}
	cmd.Flags().AddFlagSet(e.options)
	cmd.SetFlagErrorFunc(e.flagError)
	cmd.Long = "Run the code of a recipe on an in-memory ZooKeeper. The explorer tries every\n" +
		"interleaving and every fault within the bounds, and judges every state."
	if guards != "" {
		cmd.Long += "\n\nGuards of the protocol that --without can remove:\n" + guards
	}
	return cmd
}

// prepare checks the options, and makes the world.
func (e *explorer) prepare() error {
	libraries := map[string]explore.Library{"honest": explore.Honest, "replacing": explore.Replacing}
	library, ok := libraries[e.client]
	switch {
	case e.wrong != nil:
		return e.wrong
	case e.asked != e.Recipe:
		return fmt.Errorf("--recipe %s: give --recipe once, with the name of one recipe", e.asked)
	case !ok:
		return fmt.Errorf("--library %q: use honest or replacing", e.client)
	}
	e.Conditions.Library, e.Properties = library, e.worlds.Properties
	err := e.Check()
	if err != nil {
		return err
	}
	if e.Reduce, err = explore.ReadReductions(e.reduce); err != nil {
		return fmt.Errorf("--reduce: %w", err)
	}
	if e.World, err = e.worlds.World(e.Conditions); err != nil {
		return err
	}
	if asked := e.Conditions; max(e.World.Model.Window, 1) != max(asked.Window, 1) || e.World.Model.Turns != asked.Turns {
		return fmt.Errorf("--window, --turns: the worlds of the recipe %s do not have them; leave them out", e.Recipe)
	}
	if e.Replay == "" {
		return nil
	}
	file, err := record.OpenRegular(e.Replay)
	if err != nil {
		return fmt.Errorf("--replay: %w; give the schedule.txt of a counterexample", err)
	}
	defer file.Close()
	e.Schedule, err = explore.ReadSchedule(file, e.World.Model)
	return err
}

func (e *explorer) run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "exploring %s\n", e.Summary())
	x, err := e.Run(ctx, out)
	if err != nil {
		return err
	}
	dir, err := x.Save(e.out, e.command)
	if err != nil {
		return err
	}
	for _, p := range x.Verdict.Properties {
		fmt.Fprintf(out, "  %-7s  %-21s %s\n", p.Verdict, p.Name, p.Reason)
	}
	for _, why := range x.Verdict.Vacuous {
		fmt.Fprintf(out, "  vacuous  %s\n", why)
	}
	if x.Found != nil {
		fmt.Fprintln(out)
		if err := x.WriteCounterexample(out); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s\n", x.Sentence)
	if x.Found != nil {
		fmt.Fprintf(out, "replay: %s\n", e.command(dir))
	}
	fmt.Fprintf(out, "report: %s\n", filepath.Join(dir, record.ReportFile))
	if x.Verdict.Verdict != checker.Valid {
		return verdictError{x.Verdict.Verdict}
	}
	return nil
}
