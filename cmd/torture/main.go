// Command torture runs the recipe on a real ZooKeeper ensemble while a nemesis
// breaks things, judges what happened, and writes a report.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/harness"
	"github.com/ringmaster-zk/ringmaster/internal/tlc"
	"github.com/ringmaster-zk/ringmaster/participant"
)

// verdictError carries a verdict that is not valid to the exit code.
type verdictError struct{ verdict checker.Verdict }

func (e verdictError) Error() string { return "verdict: " + string(e.verdict) }

// codeError is an exit code of which everything has been said.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The first signal ends the load, and the rest is done in order. A second one
	// ends the process; the next start removes what it leaves.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(root().ExecuteContext(ctx)))
}

// exitCode is 0 valid, 1 invalid, 2 unknown, 3 vacuous, 4 everything that kept a
// run from being judged, 5 that there is no TLC to ask.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if v, ok := errors.AsType[verdictError](err); ok {
		return v.verdict.ExitCode()
	}
	if code, ok := errors.AsType[codeError](err); ok && err == error(code) {
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "torture: %v\n", err)
	if errors.Is(err, tlc.ErrNone) {
		return exitNoTLC
	}
	return checker.ExitSetUp
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "torture",
		Short: "Torture the master-worker recipe on a real ZooKeeper ensemble",
		Long: "Torture the master-worker recipe on a real ZooKeeper ensemble.\n\n" +
			"Exit codes: 0 valid, 1 invalid, 2 unknown, 3 vacuous, 4 the run could not be carried out,\n" +
			"5 (spec, trace) there is no TLC.",
		SilenceUsage: true, SilenceErrors: true,
	}
	cmd.AddCommand(runCommand(), soakCommand(), checkCommand(), replayCommand(), shrinkCommand(), mutantsCommand(), imageCommand(), faultsCommand(), profilesCommand(), benchCommand(), ensembleCommand(), exploreCommand(), traceCommand(), specCommand(), participantCommand(), simulateCommand())
	return cmd
}

// simulateCommand is what the harness starts for a run in memory; it is not for
// people.
func simulateCommand() *cobra.Command {
	var encoded, owner, dir string
	cmd := &cobra.Command{
		Use: "simulate", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var config harness.Config
			if err := json.Unmarshal([]byte(encoded), &config); err != nil {
				return fmt.Errorf("simulate: %w", err)
			}
			harness.Simulate(config, dir) // ends the process
			return nil
		},
	}
	cmd.Flags().StringVar(&encoded, "config", "", "")
	cmd.Flags().StringVar(&dir, "dir", "", "")
	cmd.Flags().StringVar(&owner, "owner", "", "")
	return cmd
}

// participantCommand is what the harness starts; it is not for people.
func participantCommand() *cobra.Command {
	var encoded, owner string
	cmd := &cobra.Command{
		Use: "participant", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, err := participant.Decode(encoded)
			if err != nil {
				return err
			}
			// The harness decides when a participant ends, so the signals that
			// end the harness are not to reach it through ctx.
			return participant.Run(context.Background(), config, os.Stdin)
		},
	}
	cmd.Flags().StringVar(&encoded, "config", "", "")
	cmd.Flags().StringVar(&owner, "owner", "", "")
	return cmd
}
