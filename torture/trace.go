package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/protocol"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/spec/tla"
)

func (all recipes) traceCommand() *cobra.Command {
	sample := 0
	cmd := &cobra.Command{
		Use: "trace DIR", Short: "Check a stored run against the specification, with TLC", Args: cobra.ExactArgs(1),
		Long: fmt.Sprintf("Check the requests and answers of a stored run against spec/tla/Protocol.tla.\n"+
			"There is one trace for the claims, and one for each task. TLC and the judge of\n"+
			"torture check both judge every trace, and they must agree. The modules for TLC\n"+
			"stay in DIR/trace.\n\n"+
			"The command finds TLC as torture spec does.\n\n"+
			"Exit codes:\n"+
			"  %3d  every trace is a behaviour of the protocol\n"+
			"  %3d  a trace is not\n"+
			"  %3d  a trace could not be followed to its end, or files of the run are missing\n"+
			"  %3d  the two judges do not agree, or the run cannot be read\n"+
			"  %3d  TLC was not found",
			exit.Done, exit.Invalid, exit.Unknown, exit.NotCarriedOut, exit.NoTLC),
		RunE: func(cmd *cobra.Command, args []string) error {
			if sample < 0 {
				return exit.Misuse("--sample %d: give a number of tasks, or 0 for all", sample)
			}
			if err := all.specified(args[0]); err != nil {
				return err
			}
			return trace(cmd.Context(), args[0], sample, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&sample, "sample", 0, "number of tasks to check, spread evenly over the run; 0 for all")
	return cmd
}

// specified refuses a run of a recipe without a specification.
func (all recipes) specified(dir string) error {
	config, err := record.ReadConfig(dir)
	if err != nil {
		return nil // it is told with all that the folder lacks
	}
	s, err := all.ofRun(config.Recipe)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if s.Name != formerly {
		return exit.Misuse("%s is a run of the recipe %s, which has no specification: give a run of the recipe %s", dir, s.Name, formerly)
	}
	return nil
}

func trace(ctx context.Context, dir string, sample int, out io.Writer) error {
	run, err := load(dir)
	if err != nil {
		return err
	}
	entry, whole := checker.CheckRecord(run)
	if !whole {
		fmt.Fprintln(out, entry.Reason)
		return verdictError{checker.Unknown}
	}
	if run.Exchanges == nil {
		return fmt.Errorf("%s has no %s, so there is nothing to check: %s", dir, record.WireFile, entry.Reason)
	}
	all := protocol.Split(run.Exchanges, run.Rules().MaxAttempts)
	chosen := spread(all, sample)
	began := time.Now()
	verdict, own := followAll(chosen, out)
	fmt.Fprintf(out, "own judge: %d of %d traces, %v\n", len(chosen), len(all), time.Since(began).Round(time.Millisecond))
	folder := filepath.Join(dir, record.TraceFolder)
	if err := exportTraces(folder, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "modules: %s\n", folder)
	checking, err := tlc.Fetch(ctx)
	if err != nil {
		return err
	}
	began = time.Now()
	outcome, err := checking.Run(ctx, folder, tlc.Job{Module: tla.TraceModule})
	if err == nil && outcome.Violated != "" {
		err = fmt.Errorf("TLC says that %s is violated", outcome.Violated)
	}
	if err == nil {
		var followed []int
		if followed, err = protocol.ReadAnswers(outcome.Printed, chosen); err == nil {
			err = agreeOn(chosen, own, followed)
		}
	}
	if err != nil {
		return errors.Join(err, os.WriteFile(filepath.Join(folder, record.TLCLog), []byte(outcome.Printed), 0o644))
	}
	fmt.Fprintf(out, "TLC: agrees on every trace, %v\n", time.Since(began).Round(time.Millisecond))
	if entry.Verdict != checker.Valid {
		fmt.Fprintln(out, entry.Reason)
	}
	if verdict = checker.Worst(verdict, entry.Verdict); verdict != checker.Valid {
		return verdictError{verdict}
	}
	return nil
}

// spread chooses the claims and a sample of the tasks.
func spread(all []protocol.Trace, tasks int) []protocol.Trace {
	if tasks <= 0 || tasks >= len(all)-1 {
		return all
	}
	chosen := all[:1:1]
	for i := range tasks {
		chosen = append(chosen, all[1+i*(len(all)-1)/tasks])
	}
	return chosen
}

// followAll judges traces, and reports the traces that the protocol does not allow.
func followAll(traces []protocol.Trace, out io.Writer) (checker.Verdict, []protocol.Outcome) {
	verdict := checker.Valid
	outcomes := make([]protocol.Outcome, len(traces))
	for i := range traces {
		outcomes[i] = protocol.Follow(&traces[i])
		switch o := outcomes[i]; {
		case o.GaveUp:
			verdict = checker.Worst(verdict, checker.Unknown)
		case !o.Accepted:
			verdict = checker.Invalid
		default:
			continue
		}
		fmt.Fprintf(out, "%s, write %d: %s\n", traces[i].Name(), outcomes[i].At+1, outcomes[i].Why)
	}
	return verdict, outcomes
}

// exportTraces writes the modules for TLC.
func exportTraces(folder string, traces []protocol.Trace) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	if err := tlc.Write(folder, tla.Files, tla.TraceFiles...); err != nil {
		return err
	}
	return record.WriteTo(filepath.Join(folder, "TraceData.tla"), func(w io.Writer) error { return protocol.WriteTraceData(w, traces) })
}

// agreeOn compares the two judges: they must come equally far along each trace.
func agreeOn(traces []protocol.Trace, own []protocol.Outcome, followed []int) error {
	var errs []error
	for i := range traces {
		if !own[i].GaveUp && own[i].At != followed[i] {
			errs = append(errs, fmt.Errorf("%s: our own judge follows %d of %d writes, TLC %d: one of them is wrong",
				traces[i].Name(), own[i].At, len(traces[i].Writes), followed[i]))
		}
	}
	return errors.Join(errs...)
}
