package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func lockCommand(o *cli.Options) *cobra.Command {
	var l cli.Lock
	cmd := &cobra.Command{
		Use: "lock NAME -- COMMAND ARG...", Short: "Run a command while this process holds a lock", Args: cobra.ArbitraryArgs,
		Long: `Run a command while this process holds a lock. It waits for the lock, says who
holds it, runs the command, and gives the lock back when the command ends. Its
exit code is that of the command.

The lock is the znode /locks/NAME. A NAME that begins with / is the path of the
znode. Every process that contends for it must use the recipe's locks, or those
of Curator or kazoo.

The command finds the path in RINGMASTER_LOCK and the token of the lock in
RINGMASTER_TOKEN. The token is greater than those of all holders before: let a
system that the command changes refuse smaller ones.

On SIGTERM or Ctrl-C the processes of the command get SIGTERM, and SIGKILL five
seconds later; this process holds the lock until they have ended. If the
ensemble does not answer, they get SIGTERM before the lock ends, and SIGKILL
when it does, before another process can hold the lock. If the lock is taken
away, by a person who deletes its znode, they get SIGKILL at once. On Linux they
also end when this process is killed. If the lock was lost, the exit code is 11.

The command cannot read from a terminal.`,
		Example: `  ringmaster lock nightly-backup -- ./backup.sh
  ringmaster lock invoices --timeout 0 -- ./send-invoices
  ringmaster lock catalogue --shared --timeout 30s -- ./read-catalogue
  ringmaster lock printer --delay 10s -- ./print`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch dash := cmd.ArgsLenAtDash(); {
			case dash < 0 && len(args) > 1:
				return cli.Misuse("lock: %q: put -- in front of the command", args[1])
			case dash > 1 || dash == 0 || len(args) == 0:
				return cli.Misuse("lock: give one NAME in front of --")
			case len(args) == 1:
				return cli.Misuse("lock: the command behind -- is missing")
			case l.Shared && cmd.Flags().Changed("delay"):
				return cli.Misuse("lock: --delay is for locks that are held alone: leave out --shared or --delay")
			}
			l.Limited = cmd.Flags().Changed("timeout")
			return l.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	f := cmd.Flags()
	nameFlag(f, &l.Name, "holds the lock")
	f.BoolVar(&l.Shared, "shared", false, "hold the lock together with others that share it")
	f.DurationVar(&l.Timeout, "timeout", 0, "how long to wait for the lock; 0: take it at once or not at all (default: for ever)")
	f.DurationVar(&l.Delay, "delay", 0, "how long the next holder waits if this one ends without giving the lock back")
	return cmd
}

func locksCommand(o *cli.Options) *cobra.Command {
	var l cli.LockList
	cmd := &cobra.Command{
		Use: "locks [NAME]", Short: "Show who holds a lock, and who waits for it", Args: cobra.MaximumNArgs(1),
		Long: `Show who holds a lock, and who waits for it, in the order of the line; without
a NAME, for all locks below /locks. A NAME that begins with / is the path of a
znode.`,
		Example: `  ringmaster locks
  ringmaster locks nightly-backup
  ringmaster locks --json | jq 'select(.holds)'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return l.Run(cmd.Context(), o, streams(cmd), name)
		},
	}
	cmd.Flags().BoolVar(&l.JSON, "json", false, "print JSON, one object in a line")
	return cmd
}
