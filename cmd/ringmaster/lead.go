package main

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func leadCommand(o *cli.Options) *cobra.Command {
	var l cli.Lead
	cmd := &cobra.Command{
		Use: "lead NAME -- COMMAND ARG...", Short: "Run a command while this process leads", Args: cobra.ArbitraryArgs,
		Long: `Stand for election, and run a command while this process leads. Start two or
more with the same NAME: one of them leads, and the others take over when it is
lost. NAME is one word, whose znodes are below /elections, or a path. No master
is needed.

The command gets its term in RINGMASTER_EPOCH: a number that is greater than
those of all earlier leaders. A system that the command changes should refuse
a smaller number than one that it has seen. RINGMASTER_ELECTION is the path.

When the command ends, this process resigns, and ends with the exit code of
the command. On SIGTERM or Ctrl-C the processes of the command get SIGTERM,
and SIGKILL five seconds later; this process leads until they have ended. If
the ensemble does not answer, they get SIGTERM before the leadership ends, and
SIGKILL when it does, before another process can lead. On Linux they also end
when this process is killed. Then the exit code is 11, or with --again this
process stands for election again.

The command cannot read from a terminal.`,
		Example: `  ringmaster lead scheduler -- ./scheduler --port 9000
  ringmaster lead scheduler --data host1:9000 --queue --again -- ./scheduler
  ringmaster lead /billing/nightly -- sh -c 'report --token $RINGMASTER_EPOCH'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLead(cmd, args); err != nil {
				return err
			}
			l.Own = cmd.Flags().Changed("data")
			return l.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	host, _ := os.Hostname()
	f := cmd.Flags()
	f.StringVar(&l.Name, "name", cmp.Or(host, "unnamed"), "`NAME` of this process, for people")
	f.StringVar(&l.Data, "data", "", "`DATA` that ringmaster leader prints while this process leads, such as HOST:PORT (default: the name)")
	f.BoolVar(&l.Queue, "queue", false, "lead in the order of arrival: the end of a leader wakes only one process")
	f.BoolVar(&l.Again, "again", false, "stand for election again when the leadership was lost")
	f.Int32Var(&l.EpochAtLeast, "epoch-at-least", 0, "lowest epoch to lead with; set it after you have restored a backup (docs/operators.md)")
	return cmd
}

// checkLead refuses what the arguments alone show to be wrong.
func checkLead(cmd *cobra.Command, args []string) error {
	switch dash := cmd.ArgsLenAtDash(); {
	case len(args) == 0 || dash == 0:
		return cli.Misuse("lead: the name of the election is missing: ringmaster lead NAME -- COMMAND")
	case dash < 0 && len(args) > 1:
		return cli.Misuse("lead: %q: put -- in front of the command", args[1])
	case dash > 1:
		return cli.Misuse("lead: %q: give one name, and then -- and the command", args[1])
	case len(args) == 1:
		return cli.Misuse("lead: the command behind -- is missing")
	}
	return nil
}

func leaderCommand(o *cli.Options) *cobra.Command {
	var l cli.Leader
	cmd := &cobra.Command{
		Use: "leader NAME", Short: "Show who leads, among the processes of ringmaster lead", Args: cobra.ExactArgs(1),
		Long: `Show who leads, in one line: the name of the process, its epoch, and its data,
with tabs between them. Without a leader the line says so, and the exit code is
8. Of a leader that was made by hand, the name is - and the epoch 0.

With --watch the line is printed again at each change, until Ctrl-C.`,
		Example: `  ringmaster leader scheduler
  ringmaster leader scheduler --json | jq -r .data
  ringmaster leader scheduler --watch`,
		RunE: func(cmd *cobra.Command, args []string) error { return l.Run(cmd.Context(), o, streams(cmd), args[0]) },
	}
	cmd.Flags().BoolVar(&l.Watch, "watch", false, "print each change until Ctrl-C")
	cmd.Flags().BoolVar(&l.JSON, "json", false, "print JSON")
	return cmd
}
