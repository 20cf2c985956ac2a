package main

import (
	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func queueCommand(o *cli.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "queue", Short: "Put items into a queue, and run a command for each",
		Long: `Put items into a queue, and run a command for each. A queue needs no master:
consumers take items under a claim.

The queue is the znode /queues/NAME. A NAME that begins with / is the path of
the znode. Programs with kazoo's LockingQueue can take part. With --lock-path
the queue is one of Curator's DistributedQueue.`,
		Example: `  ringmaster queue put mail 'welcome ann'
  ringmaster queue take mail --count 0 --max-takes 5 -- ./send-mail
  ringmaster queue ls mail
  ringmaster queue requeue mail --all`,
	}
	cmd.AddCommand(queuePutCommand(o), queueTakeCommand(o), queueLsCommand(o), queueRequeueCommand(o))
	return cmd
}

// lockPathFlag adds what all commands of queue have.
func lockPathFlag(cmd *cobra.Command, q *cli.Queue) {
	cmd.Flags().StringVar(&q.LockPath, "lock-path", "", "the queue is in Curator's form, and its programs have this lock `PATH`")
}

func queuePutCommand(o *cli.Options) *cobra.Command {
	var p cli.QueuePut
	cmd := &cobra.Command{
		Use: "put NAME [PAYLOAD]", Short: "Put an item into a queue", Args: cobra.RangeArgs(1, 2),
		Long: `Put an item into a queue, and print its id: the name of its znode. Without a
PAYLOAD, or with -, it is read from standard input. With --lines each line of
standard input is an item of its own; lines that come together are put in one
write. A - in place of an id means that the item is there, but the answer with
its id was lost.`,
		Example: `  ringmaster queue put mail 'welcome ann'
  ringmaster queue put mail --priority 1 --delay 10m < message
  seq 1000 | ringmaster queue put numbers --lines
  ringmaster queue put mail --bound 10000 --wait 'news'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Lines && len(args) > 1 {
				return cli.Misuse("queue put: --lines reads the payloads from standard input: leave out the argument")
			}
			if p.Wait && p.Bound == 0 {
				return cli.Misuse("queue put: --wait is for a queue with a bound: give --bound, or leave out --wait")
			}
			return p.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	f := cmd.Flags()
	f.IntVar(&p.Priority, "priority", cli.QueuePriority, "0 to 999; smaller numbers are taken first")
	f.DurationVar(&p.Delay, "delay", 0, "how long no consumer gets the item")
	f.IntVar(&p.Bound, "bound", 0, "put nothing if the queue has so many items; 0: no bound")
	f.BoolVar(&p.Wait, "wait", false, "wait until the queue has room")
	f.BoolVar(&p.Lines, "lines", false, "put each line of standard input")
	lockPathFlag(cmd, &p.Queue)
	return cmd
}

func queueTakeCommand(o *cli.Options) *cobra.Command {
	var t cli.QueueTake
	cmd := &cobra.Command{
		Use: "take NAME -- COMMAND ARG...", Short: "Take an item of a queue and run a command for it", Args: cobra.ArbitraryArgs,
		Long: `Take an item of a queue and run a command for it, with the payload as its
standard input. If the command ends with 0, the item is acknowledged: it leaves
the queue. Otherwise it is given back to its place, where the next consumer
finds it. For one item the exit code is that of the command.

The command finds the path of the queue in RINGMASTER_QUEUE, the id of the item
in RINGMASTER_ITEM, the number of times that it was taken in RINGMASTER_TAKES,
and the token of this take in RINGMASTER_TOKEN. The token is greater than those
of all earlier takes of the item: let a system that the command changes refuse
smaller ones.

If the item is lost while the command runs, the command gets SIGTERM, and
SIGKILL a moment later, before another process can hold the item. On Linux it
also ends when this process is killed, with all processes that it has started.`,
		Example: `  ringmaster queue take mail -- ./send-mail
  ringmaster queue take mail --count 0 --max-takes 5 -- ./send-mail
  ringmaster queue take numbers --timeout 0 -- cat`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch dash := cmd.ArgsLenAtDash(); {
			case dash < 0 && len(args) > 1:
				return cli.Misuse("queue take: %q: put -- in front of the command", args[1])
			case dash > 1 || dash == 0 || len(args) == 0:
				return cli.Misuse("queue take: give one NAME in front of --")
			case len(args) == 1:
				return cli.Misuse("queue take: the command behind -- is missing")
			}
			t.Limited = cmd.Flags().Changed("timeout")
			return t.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	f := cmd.Flags()
	nameFlag(f, &t.Name, "holds an item")
	f.IntVar(&t.Count, "count", 1, "how many items to take, one after the other; 0: go on for ever")
	f.IntVar(&t.MaxTakes, "max-takes", 0, "move an item that was taken so often to the dead letters; 0: never. Give all consumers the same")
	f.DurationVar(&t.Timeout, "timeout", 0, "how long to wait for an item; 0: take it at once or not at all (default: for ever)")
	lockPathFlag(cmd, &t.Queue)
	return cmd
}

func queueLsCommand(o *cli.Options) *cobra.Command {
	var l cli.QueueList
	cmd := &cobra.Command{
		Use: "ls NAME", Short: "Show the items of a queue and who holds them", Args: cobra.ExactArgs(1),
		Long: `Show the items of a queue and who holds them, in the order in which they are
taken; then those that are delayed, and the dead letters.`,
		Example: `  ringmaster queue ls mail
  ringmaster queue ls mail --dead
  ringmaster queue ls mail --json | jq 'select(.state == "held")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.Run(cmd.Context(), o, streams(cmd), args[0])
		},
	}
	cmd.Flags().BoolVar(&l.Dead, "dead", false, "show the dead letters alone")
	cmd.Flags().BoolVar(&l.JSON, "json", false, "print JSON, one object in a line")
	lockPathFlag(cmd, &l.Queue)
	return cmd
}

func queueRequeueCommand(o *cli.Options) *cobra.Command {
	var r cli.QueueRequeue
	cmd := &cobra.Command{
		Use: "requeue NAME [ID...]", Short: "Put dead letters back into their queue", Args: cobra.MinimumNArgs(1),
		Long: `Put dead letters back into their queue, behind the items of their priority, and
print their new ids. Their takes are counted from 0 again.`,
		Example: `  ringmaster queue requeue mail entry-100-0000000042
  ringmaster queue requeue mail --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.Run(cmd.Context(), o, streams(cmd), args[0], args[1:])
		},
	}
	cmd.Flags().BoolVar(&r.All, "all", false, "put all dead letters back")
	lockPathFlag(cmd, &r.Queue)
	return cmd
}
