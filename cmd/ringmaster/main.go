// Command ringmaster is the recipe from a shell: masters, workers that run a
// command for each task, and clients. Only the flags and the texts of --help are here;
// package internal/cli acts.
//
// Its exit codes are those of docs/exit-codes.md.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/usage"
)

func main() { os.Exit(int(run(os.Args[1:]))) }

func run(args []string) exit.Code {
	ctx, cancel := cli.UntilSignal()
	defer cancel()
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if message := cli.Message(err); message != "" {
		fmt.Fprintln(os.Stderr, message)
	}
	return cli.ExitCode(err)
}

func rootCommand() *cobra.Command {
	var o cli.Options
	root := &cobra.Command{
		Use:   "ringmaster",
		Short: "The ZooKeeper master-worker recipe from a shell",
		Long: `The ZooKeeper master-worker recipe from a shell. One active master assigns
tasks, and other masters wait to take over. Workers run a command for each
task. Clients submit tasks and get the results.

` + exit.Help(exit.Ringmaster),
		Example: `  export RINGMASTER_SERVERS=zk1:2181,zk2:2181,zk3:2181
  ringmaster master --name m1 &
  ringmaster worker --name w1 --exec 'tr a-z A-Z' &
  ringmaster submit --wait hello
  seq 1000 | ringmaster submit --lines --wait
  ringmaster status --watch`,
	}
	root.Version = version()
	root.Flags().Bool("version", false, "print the version")
	registerOptions(root.PersistentFlags(), &o)
	root.AddCommand(
		masterCommand(&o), workerCommand(&o), nodeCommand(&o), submitCommand(&o), cancelCommand(&o), collectCommand(&o),
		statusCommand(&o), explainCommand(&o), tasksCommand(&o), workersCommand(&o), leadCommand(&o), leaderCommand(&o), standbyCommand(&o), failoverCommand(&o), lockCommand(&o), locksCommand(&o), queueCommand(&o), storeCommand(&o), counterCommand(&o), barrierCommand(&o), identityCommand(&o), devCommand(&o),
	)
	usage.Mark(root)
	complete(root, &o)
	return root
}

// streams are the standard streams of a command.
func streams(cmd *cobra.Command) cli.Streams {
	return cli.Streams{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()}
}
