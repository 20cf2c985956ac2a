// Command ringmaster is the recipe from a shell: masters, workers that run a
// command for each task, and clients.
//
// Exit codes:
//
//	0  done
//	1  a task that was waited for failed or was cancelled
//	2  wrong use; the message names the input and the remedy
//	3  refused by the ensemble: permission, credentials or TLS
//	4  not reachable in time, or any other failure
//	5  it is not known whether a task was accepted; submit again with the same --id
//
// A second signal ends the command at once, with 130.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Exit codes.
const (
	exitTask      = 1
	exitUsage     = 2
	exitRefused   = 3
	exitFailed    = 4
	exitAmbiguous = 5
	exitSignal    = 130
)

// errTask means that what was waited for did not end well; it has been said.
var errTask = errors.New("not every task was done")

// usageError is wrong use.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func misuse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(signals, wanted...)
	go obey(signals, cancel)
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errTask) {
		fmt.Fprintln(os.Stderr, "ringmaster:", strings.ReplaceAll(err.Error(), "\n", ": "))
	}
	return exitCode(err)
}

// obey leaves in good order at the first signal, and at once at the second.
func obey(signals <-chan os.Signal, leave context.CancelCauseFunc) {
	first := <-signals
	leave(fmt.Errorf("%v", first))
	<-signals
	shell.KillAll()
	os.Exit(exitSignal)
}

func exitCode(err error) int {
	_, misused := errors.AsType[usageError](err)
	_, ambiguous := errors.AsType[*recipe.AmbiguousError](err)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTask):
		return exitTask
	case misused || errors.Is(err, recipe.ErrInvalid):
		return exitUsage
	case ambiguous: // whatever came after it
		return exitAmbiguous
	case zkapi.Permanent(err):
		return exitRefused
	}
	return exitFailed
}

func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "ringmaster",
		Short: "The ZooKeeper master-worker recipe from a shell",
		Long: `The ZooKeeper master-worker recipe from a shell: one active master with backups,
workers that run a command for each task, and clients that submit tasks.

Exit codes: 0 done; 1 a task that was waited for failed or was cancelled; 2 wrong
use; 3 refused by the ensemble (permission, credentials, TLS); 4 not reachable in
time, or any other failure; 5 it is not known whether a task was accepted (submit
again with the same --id).`,
		Example: `  export RINGMASTER_SERVERS=zk1:2181,zk2:2181,zk3:2181
  ringmaster master --name m1 &
  ringmaster worker --name w1 --exec 'tr a-z A-Z' &
  ringmaster submit --wait hello
  seq 1000 | ringmaster submit --lines --wait
  ringmaster status --watch`,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	o.register(root.PersistentFlags())
	root.AddCommand(
		masterCommand(&o), workerCommand(&o), nodeCommand(&o), submitCommand(&o), cancelCommand(&o), collectCommand(&o),
		statusCommand(&o), tasksCommand(&o), identityCommand(&o),
	)
	nameMisuse(root)
	return root
}

// nameMisuse makes wrong arguments wrong use.
func nameMisuse(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return misuse("%s: %w; see %s --help", cmd.CommandPath(), err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		nameMisuse(sub)
	}
}
