package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func standbyCommand(o *cli.Options) *cobra.Command {
	s := cli.NewStandby()
	cmd := &cobra.Command{
		Use: "standby NAME", Short: "Keep one process of a group active, and fence the old one before", Args: cobra.ExactArgs(1),
		Long: `Take part in an active-standby switch. Start two or more with the same NAME: one
of them is active, and the others stand by. When the active is lost, another one
takes the lock, fences the old one, and only then becomes active. NAME is one
word, whose znodes are below /standby, or a path.

Each CMD runs under sh -c, and makes a transition: it ends with 0 when that is
done, and what it has started in the background is ended then. So --on-active
'systemctl start billing' is right, and a server in the foreground is wrong: for
that, see ringmaster lead. What the commands print goes to standard error.

  --on-standby  ends the service. It runs first of all, because the service of
                an earlier life may go on, and after each term. If it fails, it
                runs again, and this process does not stand before it works.
  --fence       makes sure that the old active cannot act any more. Its data
                is in RINGMASTER_OLD, and on standard input. RINGMASTER_SAME is
                true if the own data is the same: then it is an earlier life of
                this process. If it fails, it runs again with growing pauses;
                after --fence-attempts the lock is given up for a while.
  --on-active   begins the service. It finds its term in RINGMASTER_EPOCH, which
                is greater than those of all earlier actives: let systems that
                the service changes refuse smaller ones.
  --health      ends with 0 if the service can be active. Otherwise this process
                becomes standby, and stands again when it is healthy.
  --on-neutral  runs while the ensemble does not answer: the service should
                begin nothing new until --on-active or --on-standby runs.

RINGMASTER_STANDBY is the path. On SIGTERM or Ctrl-C this process becomes
standby, gives the lock up and removes its breadcrumb, so that nothing is
fenced, and ends with 0. If --on-standby fails then, the breadcrumb stays, and
the code is 1. If this process is killed, the service may go on until it is
fenced.`,
		Example: `  ringmaster standby billing --name host1 --data host1.example.com \
      --on-active 'systemctl start billing' \
      --on-standby 'systemctl stop billing' \
      --fence 'ssh "$RINGMASTER_OLD" systemctl kill -s KILL billing'
  ringmaster standby db --on-active ./promote --on-standby ./demote \
      --fence ./power-off --health ./ping
  ringmaster standby c1 --layout yarn --on-active ./up --on-standby ./down \
      --fence ./power-off`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Own = cmd.Flags().Changed("data")
			return s.Run(cmd.Context(), o, streams(cmd), args[0])
		},
	}
	host, _ := os.Hostname()
	f := cmd.Flags()
	f.StringVar(&s.Name, "name", cmp.Or(host, "unnamed"), "`NAME` of this process; ringmaster failover --to names its target by it")
	f.StringVar(&s.Data, "data", "", "`DATA` for the command that fences this process, such as a host (default: the name)")
	f.StringVar(&s.Layout, "layout", "path", layoutUsage)
	f.StringVar(&s.OnActive, "on-active", "", "`COMMAND` that begins the service")
	f.StringVar(&s.OnStandby, "on-standby", "", "`COMMAND` that ends the service")
	f.StringVar(&s.OnNeutral, "on-neutral", "", "`COMMAND` for when the ensemble does not answer")
	f.StringVar(&s.Fence, "fence", "", "`COMMAND` that makes sure that the old active cannot act any more")
	f.StringVar(&s.Health, "health", "", "`COMMAND` that ends with 0 if this process can be active")
	f.IntVar(&s.FenceAttempts, "fence-attempts", s.FenceAttempts, "after so many failures of --fence the lock is given up for a while")
	f.DurationVar(&s.FenceTimeout, "fence-timeout", s.FenceTimeout, "how long --fence may take")
	f.DurationVar(&s.StandbyTimeout, "standby-timeout", s.StandbyTimeout, "how long --on-standby may take; then the lock is given up, and the next active fences this one")
	f.DurationVar(&s.HealthInterval, "health-interval", s.HealthInterval, "pause between two runs of --health")
	f.DurationVar(&s.HealthTimeout, "health-timeout", s.HealthTimeout, "how long --health may take")
	f.DurationVar(&s.Grace, "grace", s.Grace, "how long the others leave the lock to the target of a failover; the same for all processes")
	f.Int32Var(&s.EpochAtLeast, "epoch-at-least", 0, "lowest epoch to be active with; set it after you have restored a backup (docs/operators.md)")
	return cmd
}

var layoutUsage = "znodes of the group: `LAYOUT` is " + strings.Join(cli.Layouts, ", ") + "; with yarn or hdfs, NAME is that of Hadoop's cluster, and the lock and the breadcrumb are Hadoop's"

func failoverCommand(o *cli.Options) *cobra.Command {
	var l cli.Failover
	cmd := &cobra.Command{
		Use: "failover NAME", Short: "Ask the active of a group to hand over, or show the group", Args: cobra.ExactArgs(1),
		Long: `Ask the active of a group (see ringmaster standby) to hand over to another
candidate, wait until that one is active, and print it: its state, name, epoch
and data, with tabs between them. The old active becomes standby first. Nothing
is fenced.

With --list nothing changes: the active and the candidates that stand by are
printed. The active is fencing as long as it fences an old one, and an unfenced
line has the data of that one.

Without an active, or without that candidate, the exit code is 8. If another
failover is under way, the active does not hand over in time, or another process
than the target has become active, it is 10. If this command is ended when the
failover may still take place, it is 5.`,
		Example: `  ringmaster failover billing
  ringmaster failover billing --to host2 --timeout 1m
  ringmaster failover billing --list --json | jq 'select(.epoch)'`,
		RunE: func(cmd *cobra.Command, args []string) error { return l.Run(cmd.Context(), o, streams(cmd), args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&l.To, "to", "", "`NAME` of the target (default: any candidate that stands by)")
	f.StringVar(&l.Layout, "layout", "path", layoutUsage)
	f.DurationVar(&l.Timeout, "timeout", 0, "how long to wait; then the request is withdrawn, unless it was accepted (default: for ever)")
	f.BoolVar(&l.List, "list", false, "print the active and the candidates, and change nothing")
	f.BoolVar(&l.JSON, "json", false, "print JSON, one object in a line")
	return cmd
}
