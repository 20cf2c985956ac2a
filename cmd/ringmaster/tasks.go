package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func registerSubmission(f *pflag.FlagSet, s *cli.Submission) {
	f.StringVar(&s.ID, "id", "", "your own `ID` for the task; if a task has it already, no second one is made")
	f.BoolVar(&s.Wait, "wait", false, "wait for the result and print it")
	f.BoolVar(&s.Lines, "lines", false, "submit each line of standard input as one task")
	f.BoolVar(&s.IDs, "ids", false, "with --lines: each line is an id, a tab and the payload")
	f.BoolVar(&s.Numbers, "numbers", false, "with --lines: print the number of the line in front of each output, with a tab between")
	f.BoolVar(&s.JSON, "json", false, "print JSON, one object in a line")
	f.BoolVar(&s.Collect, "collect", false, "with --wait: remove each task after its result was printed")
	f.BoolVar(&s.FailWhenFull, "fail-when-full", false, "fail at once if the backlog is full; otherwise wait")
	f.IntVar(&s.Task.MaxAttempts, "max-attempts", 0, "the task fails after this many attempts; 0: --max-attempts of the master")
	f.DurationVar(&s.Task.Timeout, "timeout", 0, "how long one execution may take; 0: for ever")
	f.DurationVar(&s.Task.HeartbeatTimeout, "heartbeat-timeout", 0, "how long a worker may show no progress before it loses the task; 0: for ever")
	f.StringVar(&s.NotBefore, "not-before", "", "earliest `TIME` to begin: such as 2026-03-01T12:00:00Z, or from now on, such as 5m")
	f.IntVar(&s.Task.Priority, "priority", 0, "tasks with a greater priority are assigned first")
	f.StringVar(&s.Task.Key, "key", "", "`KEY` for a master with --strategy sticky: tasks of one key go to the same worker")
	f.BoolVar(&s.Task.Resident, "resident", false, "the task never ends by itself: one worker at a time holds it, until it is cancelled")
}

func submitCommand(o *cli.Options) *cobra.Command {
	var s cli.Submission
	cmd := &cobra.Command{
		Use: "submit [PAYLOAD | -]", Short: "Submit a task and print its name, or wait for its result", Args: cobra.MaximumNArgs(1),
		Long: `Submit a task and print its name. With --wait, wait for the result and print
that.

The payload is the argument. If the argument is missing or -, the payload is
standard input. With --lines each line of standard input is a task of its own.
With --lines the names are printed in the order of the lines. With --wait, too,
a line with name, state and result is printed for each task when it and all
before it have ended. A line that fails is told on standard error, with its
number, and prints nothing else: --numbers and --json say to which line of
standard input each output belongs. With --ids the lines begin with the ids of
the tasks, and the task of id a has the name task-a.

In columns a result is one line, and characters that are not visible are
written out, such as \x1b. --json loses nothing: result_base64 is there when
the result is not UTF-8.`,
		Example: `  ringmaster submit hello
  ringmaster submit --wait --timeout 1m --max-attempts 3 - <job.json
  ringmaster submit --id invoice.17 --priority 9 --not-before 5m 'invoice 17'
  seq 1000 | ringmaster submit --lines --wait
  printf 'a\tpayload of a\n' | ringmaster submit --lines --ids --wait`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.Run(cmd.Context(), o, streams(cmd), args) },
	}
	registerSubmission(cmd.Flags(), &s)
	return cmd
}

// taskNames are arguments that name tasks.
func taskNames(many cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cli.CheckTaskNames(args); err != nil {
			return err
		}
		return many(cmd, args)
	}
}

func cancelCommand(o *cli.Options) *cobra.Command {
	return &cobra.Command{
		Use: "cancel TASK...", Short: "Cancel tasks that are not finished", Args: taskNames(cobra.MinimumNArgs(1)),
		Long: `Cancel tasks, and print the state of each. A task that waits ends at once. A
task that runs is stopped, and its result is refused. A task that is finished
stays as it is, and the exit code is 10.`,
		Example: "  ringmaster cancel task-invoice.17",
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Cancel(cmd.Context(), o, streams(cmd), args)
		},
	}
}

func collectCommand(o *cli.Options) *cobra.Command {
	return &cobra.Command{
		Use: "collect TASK...", Short: "Remove finished tasks when you need their results no more", Args: taskNames(cobra.MinimumNArgs(1)),
		Long: `Remove finished tasks when you need their results no more.

Two kinds of tasks can only be removed by a master: a cancelled task, when its
worker has given it back, and a task with more znodes below it than one write
can delete. The command then waits for a master, at most --connect-timeout.`,
		Example: `  ringmaster collect task-invoice.17
  ringmaster submit --wait --collect hello`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Collect(cmd.Context(), o, streams(cmd), args)
		},
	}
}

func tasksCommand(o *cli.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tasks", Short: "List tasks, or show one", Args: cobra.NoArgs,
		Example: `  ringmaster tasks list --state failed
  ringmaster tasks show task-invoice.17`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(listCommand(o), showCommand(o))
	return cmd
}

func listCommand(o *cli.Options) *cobra.Command {
	var state string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List tasks", Args: cobra.NoArgs,
		Example: `  ringmaster tasks list --state failed
  ringmaster tasks list --state failed --json | jq -r .task`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.List(cmd.Context(), o, streams(cmd), state, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object in a line")
	cmd.Flags().StringVar(&state, "state", "", "list only tasks in this `STATE`: "+strings.Join(cli.States, ", "))
	return cmd
}

func showCommand(o *cli.Options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show TASK", Short: "Show a task, its options and its attempts", Args: taskNames(cobra.ExactArgs(1)),
		Example: "  ringmaster tasks show task-invoice.17",
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.Show(cmd.Context(), o, cmd.OutOrStdout(), args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
