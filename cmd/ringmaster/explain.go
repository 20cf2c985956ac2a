package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func explainCommand(o *cli.Options) *cobra.Command {
	var r cli.Role
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain NAME", Short: "Say why a task does not run or move, or why a worker gets nothing", Args: cobra.ExactArgs(1),
		Long: `Say why a task does not run, why a resident task does not move, or why a worker
gets nothing. NAME is the name of a task or of a worker. If both have it, both
are explained; write task/NAME or worker/NAME for one of them.

The command reads ZooKeeper only. It decides by what it reads as a master does
at its next look, and prints why that is all. Masters do not publish their
settings: if yours have other ones than the defaults, give them here, too.

What only a process remembers is not known: since when a master waits for a
sign of life, which tasks wait in a worker for others to end, and whether a
process is frozen whose session has not ended yet.`,
		Example: `  ringmaster explain task-invoice.17
  ringmaster explain w1 --tasks-per-worker 8
  ringmaster explain worker/w1 --json | jq -r '.reasons[].kind'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("tasks-per-worker") {
				r.Master.TasksPerWorker = 0 // the default, and the output says so
			}
			return r.Explain(cmd.Context(), o, cmd.OutOrStdout(), args[0], asJSON)
		},
	}
	registerDecisions(cmd.Flags(), &r)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object in a line")
	return cmd
}
