package main

import (
	"cmp"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/cli"
)

func registerRole(f *pflag.FlagSet, r *cli.Role) {
	host, _ := os.Hostname()
	f.StringVar(&r.Name, "name", cmp.Or(host, "unnamed"), "`NAME` of this process; no other process of the same kind may have it")
	f.StringVar(&r.Address, "address", "", "`HOST:PORT` to publish in ZooKeeper (default: the name)")
	f.StringVar(&r.Metrics, "metrics", "", "serve Prometheus metrics under /metrics at this `ADDRESS`, such as :9100")
}

// registerDecisions registers what decides which worker gets a task, and which task fails.
func registerDecisions(f *pflag.FlagSet, r *cli.Role) {
	f.IntVar(&r.Master.TasksPerWorker, "tasks-per-worker", 64, "most assignments that one worker may hold")
	f.IntVar(&r.Master.MaxAttempts, "max-attempts", 5, "a task fails after this many attempts without a result")
	f.IntVar(&r.Master.MaxHandovers, "max-handovers", 0, "attempts of a task that do not count towards --max-attempts, because their worker was stopped in good order; 0: 5 times --max-attempts, -1: none")
	f.StringVar(&r.Strategy, "strategy", "least-loaded", "which worker gets a task: `STRATEGY` is least-loaded, or sticky (the same worker for the same --key)")
}

func registerMaster(f *pflag.FlagSet, r *cli.Role) {
	registerDecisions(f, r)
	f.DurationVar(&r.Master.Retention, "retention", 0, "delete finished tasks after this time; 0: keep them until they are collected")
	f.IntVar(&r.Master.FormatAtMost, "format-at-most", 0, "highest format of the znodes; set it before you go back to an older build; 0: no bound")
	f.Int32Var(&r.Master.EpochAtLeast, "epoch-at-least", 0, "lowest epoch to lead with; set it after you have restored a backup (docs/operators.md)")
	f.IntVar(&r.Master.MaxBacklog, "max-backlog", 0, "clients wait before they submit while this many tasks are unfinished; 0: no bound")
}

func registerWorker(f *pflag.FlagSet, r *cli.Role) {
	f.StringVar(&r.Command, "exec", "", "`COMMAND` to run for each task under sh -c; payload on standard input, result on standard output, progress on descriptor 3")
	f.IntVar(&r.Worker.Concurrency, "concurrency", 8, "most commands that run at a time")
	f.IntVar(&r.Worker.Capacity, "capacity", 0, "most assignments to hold at a time; 0: as many as the master gives")
	f.DurationVar(&r.Drain, "drain", 30*time.Second, "how long running tasks may take to finish after SIGTERM or Ctrl-C")
	f.Var(&r.Unreturned, "unreturned", "`POLICY` for a resident task whose command does not end although it was told to: wait; abandon:TIME (give the task to another worker after TIME); end:TIME (end this process after TIME)")
}

func masterCommand(o *cli.Options) *cobra.Command {
	var r cli.Role
	cmd := &cobra.Command{
		Use: "master", Short: "Run a master: lead and assign tasks, or wait to take over", Args: cobra.NoArgs,
		Long: `Run a master. Start two or more: one leads and assigns tasks, and the others
take over when the leader is lost. On SIGTERM or Ctrl-C a leading master hands
over.`,
		Example: `  ringmaster master --name m1
  ringmaster master --name m2 --retention 1h --max-backlog 10000`,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.RunMaster(cmd.Context(), o) },
	}
	registerRole(cmd.Flags(), &r)
	registerMaster(cmd.Flags(), &r)
	cmd.Flags().BoolVar(&r.Master.Queue, "queue", true, "wait for the leadership in a queue: the end of a leader wakes only one candidate, and status shows the queue")
	return cmd
}

func workerCommand(o *cli.Options) *cobra.Command {
	var r cli.Role
	cmd := &cobra.Command{
		Use: "worker --exec COMMAND", Short: "Run a worker: run a command for each task", Args: cobra.NoArgs,
		Long: `Run a worker: register under a name, and run a command for each task under sh
-c.

The command reads the payload from standard input. If it exits with 0, its
standard output is the result. After every other exit the attempt has no
result, and the end of standard error is the reason. Each line that the
command writes to descriptor 3 is published as progress. Environment variables
describe the task: RINGMASTER_TASK, RINGMASTER_EPOCH, RINGMASTER_ATTEMPT and
RINGMASTER_KEY.

If the task is cancelled or goes to another worker, the processes of the
command get SIGTERM, and SIGKILL five seconds later. On Linux they also end
when this worker is killed (docs/operators.md has the limits).

On SIGTERM or Ctrl-C the worker takes no more tasks, finishes its running
tasks, and ends.

If a command does not end even after SIGKILL, the worker keeps its task and
the log names it. If that is a resident task, --unreturned sets what happens
then.`,
		Example: `  ringmaster worker --name w1 --exec 'tr a-z A-Z'
  ringmaster worker --name w2 --exec './convert.sh' --concurrency 2
  ringmaster worker --name w3 --exec 'echo started >&3; ./long-job.sh'
  ringmaster worker --name w4 --exec 'exec ./own-region' --unreturned end:10s`,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.RunWorker(cmd.Context(), o) },
	}
	registerRole(cmd.Flags(), &r)
	registerWorker(cmd.Flags(), &r)
	return cmd
}

func nodeCommand(o *cli.Options) *cobra.Command {
	var r cli.Role
	var leaderWorks bool
	cmd := &cobra.Command{
		Use: "node --exec COMMAND", Short: "Run one of many equal nodes: one leads, the others work", Args: cobra.NoArgs,
		Long: `Run one of many equal nodes. Every node takes part in the election. One node
leads, and the others work as ringmaster worker does. When the leader is lost,
another node takes over.`,
		Example: `  for n in 1 2 3 4; do ringmaster node --name n$n --exec 'tr a-z A-Z' & done`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return r.RunNode(cmd.Context(), o, leaderWorks) },
	}
	registerRole(cmd.Flags(), &r)
	registerMaster(cmd.Flags(), &r)
	registerWorker(cmd.Flags(), &r)
	cmd.Flags().BoolVar(&leaderWorks, "leader-works", false, "let the leading node work, too")
	return cmd
}
