package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/campaign"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/harness"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

func (all recipes) soakCommand() *cobra.Command {
	o := newRunOptions(all, recipeIn(os.Args[1:]))
	var plan campaign.Limits
	load, keep, results := o.Time, false, ""
	cmd := &cobra.Command{
		Use: "soak", Short: "Do many runs with different seeds, and keep the runs that fail", Args: cobra.NoArgs,
		Long: "Do many runs, each with its own seed, until --time or --runs is reached or a\n" +
			"signal arrives. Folders of runs that are not valid stay, with the output of\n" +
			"the run.\n\n" +
			"The exit code is that of the worst run. From the worst: invalid, not carried\n" +
			"out, unknown, vacuous.",
		Example: "  torture soak --time 8h\n  torture soak --runs 90 --seed 1 --shard 2/3 --results shard2.json\n  torture soak --runs 30 --load 40s --nemesis network,server",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				plan.First = randomSeed()
			}
			config, err := o.config(cmd.Flags().Changed)
			if err == nil {
				config.Time = load
				err = config.Validate()
			}
			if changed := cmd.Flags().Changed; err == nil && (changed("runs") && plan.Runs < 1 || changed("time") && plan.Time <= 0) {
				err = fmt.Errorf("--runs %d --time %v: use 1 run or more and a time above 0, or leave the option out for no limit", plan.Runs, plan.Time)
			}
			if err == nil {
				err = shardOfSoak(plan, cmd.Flags().Changed)
			}
			if err != nil {
				return exit.With(exit.WrongUse, err)
			}
			runs := &runner{objects: config.Subject.Objects, args: runArguments(cmd.Flags(), load), keep: keep}
			if runs.executable, err = os.Executable(); err != nil {
				return err
			}
			if runs.out, err = soakFolder(o.Out); err != nil {
				return err
			}
			store := func(campaign.Outcome) error { return nil }
			if results != "" {
				if store, err = campaign.Keeper(results, harness.Commit(), strings.Join(runs.args, " ")); err != nil {
					return exit.With(exit.WrongUse, err)
				}
			}
			tally, err := campaign.Loop(cmd.Context(), plan, runs.run, store, cmd.OutOrStdout())
			_ = os.Remove(filepath.Join(runs.out, "latest"))
			_ = os.Remove(runs.out) // fails if something is kept in it
			code := tally.ExitCode()
			if err != nil && code == exit.Invalid {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", program(), err)
				err = nil // a violation outranks it
			}
			if err == nil && code != exit.Done {
				return codeError(code)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.DurationVar(&plan.Time, "time", 0, "how long to go on; the last run is completed (default: until interrupted)")
	f.IntVar(&plan.Runs, "runs", 0, "how many runs (default: no limit)")
	f.BoolVar(&plan.Until, "until-invalid", false, "end with the first run that is invalid")
	f.Uint64Var(&plan.First, "seed", 0, "seed of the first run; each further run takes the next number (default: random)")
	f.DurationVar(&load, "load", load, "how long the load of each run lasts")
	f.BoolVar(&keep, "keep", false, "also keep the folders of valid runs")
	f.StringVar(&o.Out, "out", o.Out, "folder for results")
	f.Var(&plan.Shard, "shard", "do only every n-th run, from the i-th on; needs --seed; torture merge adds the shards up")
	f.StringVar(&results, "results", "", "file to add the outcome of each run to, for torture merge")
	o.bind(f)
	return cmd
}

// soakFolder makes the folder of a campaign. Another one may begin in the same second.
func soakFolder(out string) (string, error) {
	dir, err := record.MakeFolder(out, "soak-"+time.Now().UTC().Format("20060102T150405Z"))
	if err != nil {
		return "", exit.Misuse("--out %s: the folder cannot be written, choose another one: %w", out, err)
	}
	return dir, nil
}

// shardOfSoak checks the options of a shard: all shards must be parts of one campaign.
func shardOfSoak(plan campaign.Limits, changed func(string) bool) error {
	switch {
	case plan.Shard.Count == 0:
		return nil
	case !changed("seed"):
		return fmt.Errorf("--shard %v without --seed: give each shard the same --seed, that of the first run of the campaign", &plan.Shard)
	case plan.Runs > 0 && plan.Runs < plan.Shard.Index:
		return fmt.Errorf("--shard %v of --runs %d: this shard has no run; --runs counts the runs of all shards together", &plan.Shard, plan.Runs)
	}
	return nil
}

// runArguments are the arguments that are passed on to each run.
func runArguments(f *pflag.FlagSet, load time.Duration) []string {
	args := []string{"run", "--time=" + load.String()}
	f.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "time", "runs", "until-invalid", "seed", "load", "keep", "out", "shard", "results":
		default:
			args = append(args, fmt.Sprintf("--%s=%s", flag.Name, given(flag.Value)))
		}
	})
	return args
}

// given is the value of a flag, in a form that the flag accepts.
func given(v pflag.Value) string {
	if list, ok := v.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return v.String()
}

// runner does each run in a process of its own, so that a crash of one run does not end
// the campaign.
type runner struct {
	executable string
	args       []string
	out        string
	keep       bool
	objects    string // what the runs are about, as verdicts count it
}

// interruptPatience is how long an interrupted run may take to heal, drain, save and
// clean up.
const interruptPatience = 8 * time.Minute

func (r *runner) run(ctx context.Context, seed uint64) campaign.Outcome {
	began := time.Now()
	cmd := exec.CommandContext(ctx, r.executable, append(r.args, fmt.Sprintf("--seed=%d", seed), "--out="+r.out)...)
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, interruptPatience
	// A terminal interrupts the whole process group, and a second interrupt would end a
	// run in the middle of its healing.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	latest := filepath.Join(r.out, record.LatestLink)
	_ = os.Remove(latest)
	printed, _ := cmd.CombinedOutput()
	outcome := campaign.Outcome{Seed: seed}
	name, err := os.Readlink(latest)
	dir := filepath.Join(r.out, name)
	if err == nil {
		err = r.readOutcome(dir, &outcome)
	}
	code := exit.Code(cmd.ProcessState.ExitCode())
	crash := exit.Crash(int(code), string(printed))
	switch {
	case err == nil && outcome.Verdict == checker.Invalid: // it stands, whatever comes after it
	case crash != "":
		outcome.Verdict, outcome.Problem, outcome.Crashed = "", crash, true
	case err == nil && code != outcome.Verdict.ExitCode():
		outcome.Problem = fmt.Sprintf("the run ended with exit code %d after the verdict %s: %s", code, outcome.Verdict, lastLine(printed, errors.New("the run printed nothing")))
		outcome.Verdict = ""
	case err != nil: // it was not judged
		outcome.Problem = lastLine(printed, err)
	}
	if name == "" {
		dir = filepath.Join(r.out, fmt.Sprintf("seed-%d", seed))
		_ = os.MkdirAll(dir, 0o755)
	}
	outcome.Kept = r.tidy(dir, outcome.Verdict, printed)
	outcome.Took = time.Since(began)
	return outcome
}

// readOutcome reads the outcome of a run from its folder.
func (r *runner) readOutcome(dir string, outcome *campaign.Outcome) error {
	data, err := os.ReadFile(filepath.Join(dir, record.VerdictFile))
	if err != nil {
		return err
	}
	var judged checker.Report
	if err := json.Unmarshal(data, &judged); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, record.VerdictFile), err)
	}
	if outcome.Faults, err = nemesis.Load(filepath.Join(dir, record.FaultsFile)); err != nil {
		return err
	}
	objects, counted := judged.Counts[r.objects]
	outcome.Verdict, outcome.Objects, outcome.Of, outcome.Uncounted, outcome.Open = judged.Verdict, objects, r.objects, !counted, judged.Counts["still_unknown"]
	outcome.Violations = judged.Violations()
	return nil
}

// tidy removes the folder of a valid run. To any other folder it adds the output of the
// run, and returns the folder's path, if it is kept.
func (r *runner) tidy(dir string, verdict checker.Verdict, printed []byte) string {
	if verdict == checker.Valid && !r.keep {
		_ = os.RemoveAll(dir) // leftovers do no harm
		return ""
	}
	_ = os.WriteFile(filepath.Join(dir, record.OutputFile), printed, 0o644)
	return dir
}

// lastLine is the last line of a run's output, or the reason why there is none.
func lastLine(printed []byte, err error) string {
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return err.Error()
}
