package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func counterCommand(o *cli.Options) *cobra.Command {
	var c cli.Counter
	cmd := &cobra.Command{
		Use: "counter NAME", Short: "Show a counter, add to it, or take a block of its numbers", Args: cobra.ExactArgs(1),
		Long: `Show a counter, add to it, or take a block of its numbers. Nothing counts twice,
whatever is lost. If it is not known whether the counter was changed, the exit
code is 5.

The counter is the znode /counters/NAME with a decimal number, as kazoo's
Counter has it. A NAME that begins with / is the path of the znode. One that
does not exist is 0.

With --block N the command prints the first and the last of N numbers that no
other call gets.`,
		Example: `  ringmaster counter visits
  ringmaster counter visits --add 5
  ringmaster counter visits --add=-1
  ringmaster counter invoice-ids --block 100`,
		RunE: func(cmd *cobra.Command, args []string) error {
			add, block := cmd.Flags().Changed("add"), cmd.Flags().Changed("block")
			switch {
			case add && block:
				return cli.Misuse("counter: --add and --block exclude each other: use one of them")
			case block && c.Block < 1:
				return cli.Misuse("counter: --block %d: use 1 or more", c.Block)
			case add && c.Add == 0:
				return cli.Misuse("counter: --add 0 changes nothing: leave it out to show the counter")
			}
			return c.Run(cmd.Context(), o, streams(cmd), args[0])
		},
	}
	f := cmd.Flags()
	f.Int64Var(&c.Add, "add", 0, "add `N`, which may be negative, and print the sum")
	f.Int64Var(&c.Block, "block", 0, "take the next `N` numbers, and print the first and the last")
	f.BoolVar(&c.JSON, "json", false, "print JSON")
	return cmd
}

func barrierCommand(o *cli.Options) *cobra.Command {
	var b cli.Barrier
	cmd := &cobra.Command{
		Use: "barrier NAME set|lift|wait | --of N -- COMMAND ARG...", Short: "Use a barrier, or run a command with others", Args: cobra.ArbitraryArgs,
		Long: `Set a barrier, lift it, or wait until it is lifted. Or, with --of N, wait until
N processes are there, run a command in each, and wait until all of these have
ended; the exit code is that of the command. A process that dies counts as one
whose command has ended.

The barrier is the znode /barriers/NAME. A NAME that begins with / is the path
of the znode. Do not use one NAME in both ways.

The command finds the path in RINGMASTER_BARRIER, and the number of the round in
RINGMASTER_ROUND. If this process loses its place, the command gets SIGTERM.`,
		Example: `  ringmaster barrier upgrade set
  ringmaster barrier upgrade wait --timeout 10m
  ringmaster barrier upgrade lift
  ringmaster barrier phase-1 --of 3 -- ./load-part`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Limited = cmd.Flags().Changed("timeout")
			switch dash := cmd.ArgsLenAtDash(); {
			case cmd.Flags().Changed("of") && b.Of < 1:
				return cli.Misuse("barrier: --of %d: use 1 or more", b.Of)
			case b.Of > 0 && (dash != 1 || len(args) < 2):
				return cli.Misuse("barrier: give one NAME, and the command behind --")
			case b.Of > 0:
				return b.Run(cmd.Context(), o, streams(cmd), args[0], "", args[1:])
			case len(args) != 2 || dash >= 0 || !slices.Contains([]string{"set", "lift", "wait"}, args[1]):
				return cli.Misuse("barrier: give one NAME, and set, lift or wait; or --of N and a command behind --")
			}
			return b.Run(cmd.Context(), o, streams(cmd), args[0], args[1], nil)
		},
	}
	f := cmd.Flags()
	nameFlag(f, &b.Name, "is in")
	f.IntVar(&b.Of, "of", 0, "run a command together with others, as one of `N`")
	f.DurationVar(&b.Timeout, "timeout", 0, "how long to wait until the barrier is lifted, or N processes are there (default: for ever)")
	return cmd
}
