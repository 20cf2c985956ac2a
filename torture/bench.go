package torture

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/bench"
)

// benchTick is ZooKeeper's tickTime. It bounds the session timeouts: they are 2 to 20 ticks.
const benchTick = 500 * time.Millisecond

// benchOptions are the options of torture bench.
type benchOptions struct {
	bench.Config
	latency bool
	against string
}

func benchCommand() *cobra.Command {
	return (&benchOptions{Config: bench.Config{TickTime: benchTick}}).command()
}

func (o *benchOptions) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure the recipe on real servers, compared with plain requests in the same run", Args: cobra.NoArgs,
		Long: benchHelp(),
		Example: `  torture bench --suite drain,lone
  torture bench --latency
  torture bench --suite kill --kills 3 --timeout 4s
  torture bench --suite submit --against ../older/bin/torture`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.choose(cmd.Flags())
			if !cmd.Flags().Changed("servers") {
				o.Servers = bench.DefaultServers(o.Suites)
			}
			if err := o.check(); err != nil {
				return err
			}
			if o.against != "" {
				return o.runAgainst(cmd)
			}
			return bench.Run(cmd.Context(), o.Config, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Suites, "suite", []string{"drain"}, "what to measure, separated by commas")
	f.BoolVar(&o.latency, "latency", false, "suite lone: count and print the requests of one task, with who asked and how long each took")
	f.StringVar(&o.against, "against", "", "torture `BINARY` of another build: both measure the same, in turn (A B A B)")
	f.IntVar(&o.Servers, "servers", 3, "number of ZooKeeper servers: 1, 3 or 5; of suite peers alone, the default is 1")
	f.IntVar(&o.Tasks, "tasks", 20000, "number of tasks: in the backlog, handed in, or resident")
	f.IntVar(&o.Larger, "larger", 100000, "drain: number of tasks of a larger backlog in the same run; 0: none")
	f.IntVar(&o.Workers, "workers", 4, "number of workers; of residents at least 3")
	f.IntVar(&o.WarmUp, "warm-up", 20000, "drain, lone, reads, submit, neighbour: how many creates, creates in multis, and tasks come first and are not counted; 0: none")
	f.IntVar(&o.Heap, "heap", 1000, "most heap of each server's Java, in MB; 1000 is ZooKeeper's own default")
	f.IntVar(&o.Kills, "kills", 5, "kill: how often a worker is killed")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Second, "kill, residents: session timeout of the worker that is killed, from 1s to 10s")
	f.StringVar(&o.Image, "image", "", "ZooKeeper image")
	return cmd
}

func benchHelp() string {
	var about []string
	for _, s := range bench.Suites() {
		about = append(about, fmt.Sprintf("  %-10s %s", s.Name, s.About))
	}
	return "Measure the recipe on real servers. Each figure stands beside a baseline of the same run.\n\nSuites:\n" + strings.Join(about, "\n") + `

--against compares this build with another one. It takes older builds, too. What
they need is a command bench with --tasks; without --suite they have drain only.
A flag that you give must be known to both. If the other one does not know
--larger, --warm-up or --heap, this one measures as it does: one backlog, cold
servers, 256 MB of heap.`
}

// choose adds what --latency means.
func (o *benchOptions) choose(f *pflag.FlagSet) {
	const lone = "lone"
	switch {
	case !o.latency:
	case !f.Changed("suite"):
		o.Suites = []string{lone}
	case !slices.Contains(o.Suites, lone):
		o.Suites = append(o.Suites, lone)
	}
}

func (o *benchOptions) check() error {
	if err := checkServers(o.Servers); err != nil {
		return err
	}
	if o.Tasks < 1 || o.Workers < 1 {
		return exit.Misuse("--tasks %d --workers %d: use at least 1 of each", o.Tasks, o.Workers)
	}
	if o.Larger < 0 || o.WarmUp < 0 {
		return exit.Misuse("--larger %d --warm-up %d: use 0 for none, or a number of tasks", o.Larger, o.WarmUp)
	}
	const leastHeap = 64 // with which the servers start
	if o.Heap < leastHeap {
		return exit.Misuse("--heap %d: use at least %d, in MB", o.Heap, leastHeap)
	}
	if o.Kills < 1 {
		return exit.Misuse("--kills %d: use at least 1", o.Kills)
	}
	const leastTicks, mostTicks = 2, 20
	if o.Timeout < leastTicks*benchTick || o.Timeout > mostTicks*benchTick {
		return exit.Misuse("--timeout %v: use a time from %v to %v", o.Timeout, leastTicks*benchTick, mostTicks*benchTick)
	}
	if err := bench.Check(o.Suites); err != nil {
		return exit.Misuse("--suite: %v", err)
	}
	return nil
}

// off has the flags that change what is measured, with the values that older builds mean without
// them.
var off = map[string]string{"larger": "0", "warm-up": "0", "heap": "256"}

// runAgainst measures with this build and another one.
func (o *benchOptions) runAgainst(cmd *cobra.Command) error {
	ability, err := bench.AbilityOf(cmd.Context(), o.against)
	if err != nil {
		return exit.Misuse("--against: %v", err)
	}
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains([]string{"suite", "latency", "against"}, f.Name) {
			given[f.Name] = f.Value.String()
		}
	})
	own, older, err := ability.Flags(o.Suites, given, off)
	if err != nil {
		return exit.Misuse("--against %s: %v", o.against, err)
	}
	path, err := os.Executable()
	if err != nil {
		return err
	}
	return bench.Against(cmd.Context(), o.Suites, bench.Build{Name: "A", Path: path, Flags: own}, bench.Build{Name: "B", Path: o.against, Flags: older}, cmd.OutOrStdout())
}

// benchRoleCommand is started by the bench; it is not for people.
func benchRoleCommand() *cobra.Command {
	var encoded, owner string
	cmd := &cobra.Command{
		Use: bench.RoleCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			// The bench decides when a role ends.
			return bench.Role(context.Background(), encoded, os.Stdin, os.Stdout)
		},
	}
	cmd.Flags().StringVar(&encoded, "config", "", "")
	cmd.Flags().StringVar(&owner, "owner", "", "")
	return cmd
}
