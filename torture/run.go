package torture

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/checker/judge"
	"github.com/ringmaster-zk/ringmaster/checker/report"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// everyFault is the default of --faults.
const everyFault = "all"

func (all recipes) runCommand() *cobra.Command {
	o := newRunOptions(all, recipeIn(os.Args[1:]))
	cmd := &cobra.Command{
		Use: "run", Short: "Run a recipe under faults, judge the run and write a report", Args: cobra.NoArgs,
		Long: "Run a recipe under faults, judge the run and write a report.\n\n" + all.explained(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.Seed = randomSeed()
			}
			config, err := o.config(cmd.Flags().Changed)
			if err == nil {
				err = config.Validate()
			}
			if err != nil {
				return exit.With(exit.WrongUse, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "seed %d\n", config.Seed)
			return all.runAndJudge(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&o.Seed, "seed", 0, "seed of workload and faults (default: random)")
	f.DurationVar(&o.Time, "time", o.Time, "how long the load lasts")
	f.StringVar(&o.Out, "out", o.Out, "folder for results")
	o.bind(f)
	return cmd
}

// runOptions are a run's configuration as the command line has it.
type runOptions struct {
	harness.Config
	all      recipes
	shown    subject.Subject // --help has its options
	counts   map[string]*int // by flag
	faults   string
	schedule string
	profile  string
}

// newRunOptions are the options of a recipe, and those of all others, which --help does
// not show.
func newRunOptions(all recipes, recipe string) *runOptions {
	shown, err := all.named(recipe)
	if err != nil {
		shown = all[0] // the error is told when the options are checked
	}
	return &runOptions{Config: harness.Defaults(all[0]).Config, all: all, shown: shown, counts: map[string]*int{}, faults: everyFault}
}

// bind adds the options that all commands with runs share.
func (o *runOptions) bind(f *pflag.FlagSet) {
	f.IntVar(&o.Servers, "servers", o.Servers, "number of ZooKeeper servers: 1, 3 or 5")
	f.StringVar(&o.Recipe, "recipe", o.Recipe, "recipe to run: "+strings.Join(o.all.names(), ", ")+"; several with commas between, or all: they share one ensemble")
	o.bindRoles(f)
	f.StringVar(&o.faults, "nemesis", o.faults, "faults, comma-separated; see torture faults")
	f.StringVar(&o.schedule, "schedule", "", "file with the faults to inject, instead of --nemesis: the faults.json of a run")
	f.StringVar(&o.Ensemble, "ensemble", o.Ensemble, "docker, external or memory; memory needs no Docker: one process simulates servers and time")
	f.StringSliceVar(&o.Connect, "connect", nil, "servers of an external ensemble: host:port,...; the default port is 2181")
	f.StringVar(&o.Image, "image", "", "ZooKeeper image (default: $ZOOKEEPER_IMAGE; if that is not set, torture builds one)")
	f.DurationVar(&o.SessionTimeout, "session-timeout", o.SessionTimeout, "ZooKeeper session timeout of the participants")
	f.DurationVar(&o.TickTime, "tick-time", o.TickTime, "tickTime of the servers")
	f.StringVar(&o.profile, "server-profile", ensemble.Kind, "how to set up the servers: a name from torture profiles, or any: the seed chooses one")
	f.StringVar(&o.Mixed, "mixed", "", "path of another build of torture; it runs every second participant of each role")
}

// config makes the harness' configuration from the options. given says which options
// were on the command line; a profile of the servers does not change those.
func (o *runOptions) config(given func(option string) bool) (harness.Setup, error) {
	config, err := o.chosen(given)
	if err != nil {
		return config, err
	}
	if config.Mixed != "" {
		path, err := filepath.Abs(config.Mixed)
		if err != nil {
			return config, fmt.Errorf("--mixed %s: %w", config.Mixed, err)
		}
		config.Mixed = path // a relative path is no command
	}
	if err := config.UseProfile(o.profile, given); err != nil {
		return config, err
	}
	if o.schedule != "" {
		if given("nemesis") {
			return config, fmt.Errorf("--schedule %s --nemesis %s: the schedule has the faults: leave --nemesis out", o.schedule, o.faults)
		}
		plan, err := nemesis.LoadSchedule(o.schedule)
		if err != nil {
			return config, fmt.Errorf("--schedule: %w", err)
		}
		config.Schedule, config.Nemesis = plan, nemesis.Kinds(plan)
		return config, nil
	}
	asked, err := nemesis.Parse(o.faults)
	if err != nil {
		return config, err
	}
	config.Nemesis = asked
	if o.faults == everyFault {
		config.Nemesis = append(config.Nemesis, config.ProfileFaults()...)
	}
	config.DropImpossible(nemesis.Named(o.faults))
	if len(config.Nemesis) == 0 && len(asked) > 0 {
		return config, fmt.Errorf("--nemesis %s: none of these faults is possible with --ensemble %s, --servers %d and --recipe %s; torture faults lists all", o.faults, o.Ensemble, o.Servers, config.Recipe)
	}
	return config, nil
}

// randomSeed draws a seed that is short enough to type.
func randomSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	return binary.BigEndian.Uint64(b[:]) % 1_000_000
}

// runAndJudge goes from options to a verdict.
func (all recipes) runAndJudge(ctx context.Context, config harness.Setup, out io.Writer) error {
	dir, err := harness.Run(ctx, config, out)
	if err != nil {
		if dir != "" {
			fmt.Fprintf(out, "the record of the run is in %s\n", dir)
		}
		return err
	}
	return until(ctx, func() error { return all.judgeRun(dir, out) })
}

// memoryLimit is the soft limit for judging a run of up to a million operations
// (docs/checker.md): the collector works harder rather than exceed it. For a longer run it
// is memoryForEach times what the run has on disk. GOMEMLIMIT sets another.
const (
	memoryLimit   = 1800 << 20
	memoryForEach = 2.2
)

// limitMemory sets the limit for a run.
func limitMemory(dir string) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	size := int64(0)
	for _, name := range record.Parts {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	debug.SetMemoryLimit(max(memoryLimit, int64(memoryForEach*float64(size))))
}

// judgeUnnamed judges a run that has lost its configuration. It is unknown: without its
// recipe nothing is guessed, and there is nothing to report but what the folder lacks.
func judgeUnnamed(dir string, out io.Writer) error {
	run, err := load(dir)
	if err != nil {
		return err
	}
	result := checker.Check(run, run.Manifest.Seed, checker.Judging{Judge: func(*checker.Case) checker.Judgement { return checker.Judgement{} }})
	for _, p := range result.Properties {
		if p.Name == checker.RecordComplete {
			fmt.Fprintf(out, "%s: %s\n", strings.ToUpper(string(result.Verdict)), p.Reason)
		}
	}
	if err := result.Save(filepath.Join(dir, record.VerdictFile)); err != nil { // an earlier verdict must not stay
		return err
	}
	return verdictError{result.Verdict}
}

// judges is how the runs of a subject are judged, told and drawn.
func judges(s subject.Subject) judge.Subject {
	of := judge.Subject{Name: s.Name, Command: program(), Judge: s.Judge, Stories: stories(s), Lanes: lanes(s)}
	for _, p := range s.Parts {
		of.Parts = append(of.Parts, judge.Part{Subject: judges(p.Subject), Portion: p.Portion})
	}
	return of
}

// stories are those of a subject, with its word for an object.
func stories(s subject.Subject) explain.Stories {
	all := s.Stories
	all.Noun = s.Object
	return all
}

// lanes are those of a subject, with its word for what runs are counted in.
func lanes(s subject.Subject) report.Lanes {
	l := s.Lanes
	l.Objects = s.Objects
	return l
}

// judgeRun gives the verdict on a stored run and explains it.
func (all recipes) judgeRun(dir string, out io.Writer) error {
	return all.judgeWithin(dir, judge.ShrinkBudget, out)
}

// judgeWithin gives the verdict on a stored run, by the subject that the run names. It explains each violation, and spends
// at most the budget on looking for its smallest history.
func (all recipes) judgeWithin(dir string, budget time.Duration, out io.Writer) error {
	limitMemory(dir)
	config, err := record.ReadConfig(dir)
	if err != nil {
		return judgeUnnamed(dir, out)
	}
	s, err := all.ofRun(config.Recipe)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	verdict, err := judge.Folder(dir, judges(s), budget, out)
	switch {
	case errors.Is(err, record.ErrNoRun):
		return exit.With(exit.WrongUse, err)
	case verdict == checker.Invalid || err == nil && verdict != checker.Valid:
		return verdictError{verdict}
	}
	return err
}

// load reads a stored run.
func load(dir string) (record.Run, error) {
	run, err := record.Load(dir)
	if errors.Is(err, record.ErrNoRun) {
		err = exit.With(exit.WrongUse, err)
	}
	return run, err
}

func (all recipes) checkCommand() *cobra.Command {
	budget := judge.ShrinkBudget
	cmd := &cobra.Command{
		Use: "check DIR", Short: "Judge a stored run again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if budget < 0 {
				return exit.Misuse("--shrink %v: give a time, or 0 to skip the search", budget)
			}
			return until(cmd.Context(), func() error { return all.judgeWithin(args[0], budget, cmd.OutOrStdout()) })
		},
	}
	cmd.Flags().DurationVar(&budget, "shrink", budget, "how long to look for the smallest part of the history that still shows the violation; 0 skips the search")
	return cmd
}

func (all recipes) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use: "replay DIR", Short: "Repeat a stored run with the same seed, options and faults", Args: cobra.ExactArgs(1),
		Long: "Repeat a stored run with the same seed, options and faults. The workload is the\n" +
			"same, too. Processes and packets may interleave in another order.",
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := harness.LoadReplay(args[0], all.ofRun)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "seed %d\n", config.Seed)
			return all.runAndJudge(cmd.Context(), config, cmd.OutOrStdout())
		},
	}
}

func imageCommand() *cobra.Command {
	var given string
	cmd := &cobra.Command{
		Use: "image", Short: "Find or build the ZooKeeper image", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			image, err := ensemble.FindImage(cmd.Context(), given, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			version, err := image.Version(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s): ZooKeeper %s\n%s\n", image.Reference, image.Source, version, image.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&given, "image", "", "name of the image to use (default: $ZOOKEEPER_IMAGE; if that is not set, torture builds one)")
	return cmd
}

func profilesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "profiles", Short: "List the server profiles: other ways to set up the servers", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			for _, p := range ensemble.Profiles {
				fmt.Fprintf(cmd.OutOrStdout(), "%-16s%s\n%16s%s\n", p.Name, hanging(p.Sets+".", 16), "", hanging("why: "+p.Why+".", 16))
				if p.Open != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "%16s%s\n", "", hanging("open: "+p.Open+"; --server-profile any does not choose it.", 16))
				}
			}
		},
	}
}

func (all recipes) faultsCommand() *cobra.Command {
	recipe := ""
	cmd := &cobra.Command{
		Use: "faults", Short: "List the faults, and how each is proved to be effective", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, group := cmd.OutOrStdout(), ""
			s, err := all.named(recipe)
			if err != nil {
				return exit.With(exit.WrongUse, err)
			}
			work := s.Workload.ForNemesis()
			lacks, possible := work.Lacks, func(k nemesis.Kind) bool { return work.Refuses(k) == "" }
			if recipe == "" {
				lacks, possible = nil, func(nemesis.Kind) bool { return true }
			}
			for _, e := range nemesis.Catalogue {
				if !possible(e.Kind) {
					continue
				}
				if e.Group != group {
					group = e.Group
					fmt.Fprintf(out, "%s\n", group)
				}
				var roles []string
				for _, r := range e.Roles {
					if !slices.Contains(lacks, r) {
						roles = append(roles, string(r))
					}
				}
				fmt.Fprintf(out, "  %-17s%s\n%19s%s\n%19s%s\n", e.Kind, hanging(e.Explain+".", 19), "", hanging("target: "+strings.Join(roles, ", "), 19), "", hanging("proof: "+e.Probe, 19))
			}
			fmt.Fprintf(out, "\nGroups that --nemesis also accepts:\n  %s\n", hanging(strings.Join(nemesis.Groups(), ", "), 2))
			memory := slices.DeleteFunc(nemesis.InMemory(), func(k string) bool { return !possible(nemesis.Kind(k)) })
			fmt.Fprintf(out, "\nFaults that --ensemble memory has:\n  %s\n", hanging(strings.Join(memory, ", "), 2))
			return nil
		},
	}
	cmd.Flags().StringVar(&recipe, "recipe", "", "list only the faults that this recipe can have: "+strings.Join(all.names(), ", "))
	return cmd
}
