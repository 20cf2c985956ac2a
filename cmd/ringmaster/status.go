package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
	"github.com/ringmaster-zk/ringmaster/internal/exit"
)

func statusCommand(o *cli.Options) *cobra.Command {
	var s cli.Status
	cmd := &cobra.Command{
		Use: "status", Short: "Show the master, workers, tasks and backlog", Args: cobra.NoArgs,
		Long: `Show the master, workers, tasks and backlog. With --json the output is one
JSON object in one line.

The line TIMEOUT compares the session timeout that the servers granted with
their tickTime and syncLimit. If the servers do not report these, they are
assumed.`,
		Example: `  ringmaster status
  ringmaster status --watch
  ringmaster status --json | jq .tasks.pending`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("every") && !s.Watch {
				return exit.Misuse("status: --every is the time between two outputs: give --watch, too")
			}
			return s.Run(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&s.Watch, "watch", false, "repeat the output until Ctrl-C")
	cmd.Flags().BoolVar(&s.JSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&s.Every, "every", time.Second, "with --watch: time between two outputs")
	return cmd
}
