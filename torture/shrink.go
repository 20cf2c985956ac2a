package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/explain"
	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// shrinking is one call of torture shrink.
type shrinking struct {
	recipes  recipes
	dir      string
	config   harness.Setup // of the run
	property string
	runs     int
	budget   time.Duration
	out      io.Writer
	kept     string // folder of the last run that was violated
	number   int    // of the runs so far
	began    time.Time
}

func (all recipes) shrinkCommand() *cobra.Command {
	s := &shrinking{recipes: all}
	cmd := &cobra.Command{
		Use: "shrink DIR", Short: "Find the smallest fault schedule that still shows a violation", Args: cobra.ExactArgs(1),
		Long: "Repeat an invalid run on an ensemble like its own: with a shorter load, with\n" +
			"fewer faults, with shorter faults. A change stays if the same property is\n" +
			"violated again.\n\n" +
			"DIR/schedule.json gets the smallest schedule, and DIR/shrinking gets its last\n" +
			"invalid run. Ctrl-C heals the ensemble and keeps the smallest schedule so far.",
		Example: "  torture shrink results/latest --budget 20m --runs 5",
		RunE: func(cmd *cobra.Command, args []string) error {
			s.dir, s.out = args[0], cmd.OutOrStdout()
			return s.run(cmd.Context())
		},
	}
	cmd.Flags().DurationVar(&s.budget, "budget", 10*time.Minute, "time limit of the search")
	cmd.Flags().IntVar(&s.runs, "runs", 3, "how often to run a schedule before shrink decides that it violates nothing")
	cmd.Flags().StringVar(&s.property, "property", "", "property that must be violated (default: the first that the run violates)")
	return cmd
}

// run shrinks, and prints its progress.
func (s *shrinking) run(ctx context.Context) error {
	moment, err := s.prepare()
	if err != nil {
		return err
	}
	whole := campaign.Plan{Faults: nemesis.ByStart(s.config.Schedule), Load: s.config.Time}
	fmt.Fprintf(s.out, "%s is violated. Searching for up to %v, with up to %d runs for each schedule. The whole schedule: %s\n", s.property, s.budget, s.runs, describe(whole))
	for _, stale := range []string{s.folder(), filepath.Join(s.dir, record.ScheduleFile)} {
		if err := os.RemoveAll(stale); err != nil {
			return fmt.Errorf("shrink: %w", err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, s.budget)
	defer cancel()
	s.began = time.Now()
	smallest, err := campaign.Schedule(limited, whole, moment, s.runs, s.trial, s.tell)
	return errors.Join(err, s.conclude(smallest))
}

func (s *shrinking) folder() string { return filepath.Join(s.dir, record.ShrinkingFolder) }

// prepare reads the run. It returns the moment of the violation since the load had
// begun; 0 if not known.
func (s *shrinking) prepare() (time.Duration, error) {
	if s.runs < 1 || s.budget <= 0 {
		return 0, exit.Misuse("shrink: --runs %d --budget %v: use 1 run or more, and a budget above 0", s.runs, s.budget)
	}
	var err error
	if s.config, err = harness.LoadReplay(s.dir, s.recipes.ofRun); err != nil {
		return 0, err
	}
	data, err := record.ReadRegular(filepath.Join(s.dir, record.VerdictFile))
	if err != nil {
		return 0, exit.Misuse("shrink: %w: judge the run first, with torture check %s", err, s.dir)
	}
	var verdict checker.Report
	if err := json.Unmarshal(data, &verdict); err != nil {
		return 0, exit.Misuse("shrink: %s in %s: %w: judge the run again, with torture check %s", record.VerdictFile, s.dir, err, s.dir)
	}
	if verdict.Seed != s.config.Seed {
		return 0, exit.Misuse("shrink: %s in %s belongs to a run with seed %d, and this run has seed %d: judge this run again, with torture check %s", record.VerdictFile, s.dir, verdict.Seed, s.config.Seed, s.dir)
	}
	violations := verdict.Violations()
	i := slices.IndexFunc(violations, func(p checker.Property) bool { return s.property == "" || p.Name == s.property })
	switch {
	case len(violations) == 0:
		return 0, exit.Misuse("shrink: %s violates no property: its verdict is %s; give an invalid run", s.dir, verdict.Verdict)
	case i < 0:
		return 0, exit.Misuse("shrink: --property %s is not violated in %s; use %s", s.property, s.dir, violations[0].Name)
	}
	s.property = violations[i].Name
	run, err := load(s.dir)
	if err != nil {
		return 0, err
	}
	if entry, whole := checker.CheckRecord(run); !whole {
		return 0, fmt.Errorf("shrink: %s: %s", s.dir, entry.Reason)
	}
	how := s.config.Subject
	return moment(run.Events, explain.Violation(record.NewIndex(run, how.Judge.Objects), violations[i], stories(how))), nil
}

// moment is when the violation was over, since the load began; 0 if the story does not
// say, or if only the end of the run showed it.
func moment(events []record.Event, story explain.Story) time.Duration {
	began := slices.IndexFunc(events, func(e record.Event) bool {
		return e.PhaseChange().Part == record.Loading
	})
	if began < 0 {
		return 0
	}
	for _, l := range story.Lines {
		if l.Wrong {
			if l.Process == explain.Harness {
				return 0
			}
			return max(0, l.At-events[began].At)
		}
	}
	return 0
}

// trial runs a plan and judges it. Only the last violated run is kept.
func (s *shrinking) trial(ctx context.Context, p campaign.Plan) (bool, error) {
	s.number++
	config := s.config
	config.Time, config.Schedule, config.Out = p.Load, p.Faults, filepath.Join(s.folder(), strconv.Itoa(s.number))
	if len(p.Faults) == 0 {
		config.Schedule, config.Nemesis = []nemesis.Fault{}, nil // otherwise a schedule would be drawn
	}
	dir, err := harness.Run(ctx, config, io.Discard)
	violated := false
	if err == nil {
		violated, err = s.violates(dir)
	}
	if !violated {
		return false, errors.Join(err, os.RemoveAll(config.Out))
	}
	if s.kept != "" {
		err = os.RemoveAll(filepath.Dir(s.kept))
	}
	s.kept = dir
	return true, err
}

// violates judges the property alone.
func (s *shrinking) violates(dir string) (bool, error) {
	run, err := load(dir)
	if err != nil {
		return false, err
	}
	result := checker.Check(run, s.config.Seed, s.config.Subject.Judge)
	return slices.ContainsFunc(result.Violations(), func(p checker.Property) bool { return p.Name == s.property }), nil
}

// tell prints one step, and stores the schedule if it is the smallest.
func (s *shrinking) tell(step campaign.Step) {
	fmt.Fprintf(s.out, "%7.1fs  %-28s %-34s violated in %v runs\n", time.Since(s.began).Seconds(), step.What, describe(step.Plan), step.Rate)
	if !step.Kept || step.Rate.K == 0 {
		return
	}
	if err := nemesis.SaveSchedule(filepath.Join(s.dir, record.ScheduleFile), append([]nemesis.Fault{}, step.Plan.Faults...)); err != nil {
		fmt.Fprintf(s.out, "could not write the schedule: %v\n", err)
	}
}

// describe says how large a plan is.
func describe(p campaign.Plan) string {
	together := time.Duration(0)
	for _, f := range p.Faults {
		together += f.Duration
	}
	faults := fmt.Sprintf("%d faults", len(p.Faults))
	if len(p.Faults) == 1 {
		faults = "1 fault"
	}
	return fmt.Sprintf("%s (%v), load %v", faults, together.Round(time.Millisecond), p.Load.Round(time.Millisecond))
}

// conclude prints the result, and judges the run that is kept, with its report.
func (s *shrinking) conclude(smallest campaign.Shortened) error {
	fmt.Fprintln(s.out)
	switch {
	case smallest.Whole.N == 0:
		fmt.Fprintf(s.out, "No run of the whole schedule came to its end.\n")
		return os.RemoveAll(s.folder())
	case smallest.Whole.K == 0:
		fmt.Fprintf(s.out, "%s was not violated in %d runs of the whole schedule: the violation is a rare race. Use more --runs and a longer --budget.\n", s.property, smallest.Whole.N)
		return os.RemoveAll(s.folder())
	}
	fmt.Fprintf(s.out, "%v runs violate %s with %s:\n", smallest.Rate, s.property, describe(smallest.Plan))
	for _, f := range smallest.Plan.Faults {
		line := fmt.Sprintf("  at %v  %s", f.Start.Round(time.Millisecond), f.Kind)
		if f.Duration > 0 {
			line += fmt.Sprintf(", for %v", f.Duration)
		}
		fmt.Fprintln(s.out, line)
	}
	fmt.Fprintf(s.out, "The whole schedule was %s; %v runs violated the property.", describe(campaign.Plan{Faults: s.config.Schedule, Load: s.config.Time}), smallest.Whole)
	if !smallest.Minimal {
		fmt.Fprint(s.out, " The time was up before every fault was tried: a smaller schedule may exist. Use a longer --budget.")
	}
	fmt.Fprintf(s.out, "\nschedule: %s\n", filepath.Join(s.dir, record.ScheduleFile))
	var judged strings.Builder
	if _, invalid := errors.AsType[verdictError](s.recipes.judgeRun(s.kept, &judged)); !invalid {
		return fmt.Errorf("shrink: %s was invalid when it ran, and a second judgement differs: %s", s.kept, judged.String())
	}
	fmt.Fprintf(s.out, "report: %s\nrepeat: %s replay %s\n", filepath.Join(s.kept, record.ReportFile), program(), s.kept)
	return nil
}
