// Command ringmaster is the recipe from a shell: masters, workers that run a
// command for each task, and clients.
//
// Its exit codes are those of docs/exit-codes.md.
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

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/internal/usage"
)

func main() { os.Exit(int(run(os.Args[1:]))) }

func run(args []string) exit.Code {
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
		fmt.Fprintln(os.Stderr, "ringmaster:", plain(strings.ReplaceAll(err.Error(), "\n", ": ")))
	}
	return exitCode(err)
}

// obey leaves in good order at the first signal, and at once at the second.
func obey(signals <-chan os.Signal, leave context.CancelCauseFunc) {
	first := <-signals
	leave(exit.With(exit.Interrupted, fmt.Errorf("%v", first)))
	<-signals
	shell.KillAll()
	os.Exit(int(exit.Interrupted))
}

func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "ringmaster",
		Short: "The ZooKeeper master-worker recipe from a shell",
		Long: `The ZooKeeper master-worker recipe from a shell: one active master with backups,
workers that run a command for each task, and clients that submit tasks.

` + exit.Help(exit.Ringmaster),
		Example: `  export RINGMASTER_SERVERS=zk1:2181,zk2:2181,zk3:2181
  ringmaster master --name m1 &
  ringmaster worker --name w1 --exec 'tr a-z A-Z' &
  ringmaster submit --wait hello
  seq 1000 | ringmaster submit --lines --wait
  ringmaster status --watch`,
	}
	o.register(root.PersistentFlags())
	root.AddCommand(
		masterCommand(&o), workerCommand(&o), nodeCommand(&o), submitCommand(&o), cancelCommand(&o), collectCommand(&o),
		statusCommand(&o), tasksCommand(&o), identityCommand(&o),
	)
	usage.Mark(root)
	return root
}
