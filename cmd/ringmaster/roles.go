package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// roleOptions are the options of commands that run until they are stopped.
type roleOptions struct {
	name, address, metrics string
	drain                  time.Duration

	master   recipe.MasterConfig
	strategy string

	worker     recipe.WorkerConfig
	command    string
	unreturned unreturned
}

func (r *roleOptions) register(f *pflag.FlagSet) {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	f.StringVar(&r.name, "name", host, "name of this process, its own among all of its kind")
	f.StringVar(&r.address, "address", "", "what /master or /workers shows, host:port (default: the name)")
	f.StringVar(&r.metrics, "metrics", "", "serve Prometheus metrics at this address, such as :9100, under /metrics")
}

func (r *roleOptions) registerMaster(f *pflag.FlagSet) {
	f.IntVar(&r.master.TasksPerWorker, "tasks-per-worker", 64, "assignments that one worker holds at a time")
	f.IntVar(&r.master.MaxAttempts, "max-attempts", 5, "attempts without a result after which a task fails")
	f.IntVar(&r.master.MaxHandovers, "max-handovers", 0, "attempts of one task that do not count because their workers left in good order; 0: 5 times --max-attempts, -1: none")
	f.DurationVar(&r.master.Retention, "retention", 0, "how long finished tasks are kept; 0: until they are collected")
	f.IntVar(&r.master.FormatAtMost, "format-at-most", 0, "the format of the znodes at most: give it before going back to an older build; 0: no bound")
	f.Int32Var(&r.master.EpochAtLeast, "epoch-at-least", 0, "no epoch is lower than this: give it after a restore (docs/operators.md)")
	f.IntVar(&r.master.MaxBacklog, "max-backlog", 0, "unfinished tasks beyond which submitting waits; 0: no bound")
	f.StringVar(&r.strategy, "strategy", "least-loaded", "least-loaded or sticky (by --key of the task)")
}

func (r *roleOptions) registerWorker(f *pflag.FlagSet) {
	f.StringVar(&r.command, "exec", "", "command to run for each task under sh -c; payload on standard input, result on standard output, progress on descriptor 3")
	f.IntVar(&r.worker.Concurrency, "concurrency", 8, "commands that run at a time")
	f.IntVar(&r.worker.Capacity, "capacity", 0, "assignments to take at a time; 0: as many as the master gives")
	f.DurationVar(&r.drain, "drain", 30*time.Second, "how long to finish what is held when asked to leave")
	r.unreturned = unreturned{text: "wait"}
	f.Var(&r.unreturned, "unreturned", "what to do about the command of a resident task that has not ended when it was told to: wait; abandon:TIME gives the task to the next owner after TIME; end:TIME ends this process after TIME")
}

// run completes the configurations with the common options, and runs the role that
// build makes from them until ctx ends. Then the role leaves in good order.
func (r *roleOptions) run(ctx context.Context, o *options, patience time.Duration, build func(zkapi.Env) (recipe.Role, error)) error {
	if patience < 0 {
		return misuse("--drain %v: give a time, or 0 to leave at once", patience)
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	if r.address == "" {
		r.address = r.name
	}
	switch r.strategy {
	case "", "least-loaded":
	case "sticky":
		r.master.Strategy = recipe.StickyByKey
	default:
		return misuse("--strategy %q: choose least-loaded or sticky", r.strategy)
	}
	measured, stop, err := serveMetrics(r.metrics, log)
	if err != nil {
		return err
	}
	defer stop()
	see := recipe.Observers{Logger: log, Metrics: measured}
	r.master.Namespace, r.master.Access, r.master.Name, r.master.Address, r.master.Observers = o.namespace, access, r.name, r.address, see
	r.worker.Namespace, r.worker.Access, r.worker.Name, r.worker.Address, r.worker.Observers = o.namespace, access, r.name, r.address, see
	r.worker.Unreturned = r.unreturned.policy
	if r.command != "" {
		r.worker.Handler = shell.Handler(r.command, log)
	}
	role, err := build(env)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer context.AfterFunc(ctx, func() { log.Info("leaving; a second signal ends this at once") })()
	defer env.warns(ctx, log)()
	err = recipe.RunUntil(ctx, env, role, patience)
	if errors.Is(err, recipe.ErrCloseUnconfirmed) {
		log.Warn("left, but the name may stay in use for a while", "error", err)
		err = nil
	}
	return err
}

func masterCommand(o *options) *cobra.Command {
	var r roleOptions
	cmd := &cobra.Command{
		Use: "master", Short: "Stand for election, and assign tasks while elected", Args: cobra.NoArgs,
		Long: "Stand for election, and assign tasks while elected. Start two or more: one leads, the\n" +
			"others take over when it is lost. On SIGTERM or Ctrl-C a leading master hands over.",
		Example: "  ringmaster master --name m1\n  ringmaster master --name m2 --retention 1h --max-backlog 10000 --metrics :9100",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.run(cmd.Context(), o, 15*time.Second, func(env zkapi.Env) (recipe.Role, error) {
				return recipe.NewMaster(env, r.master)
			})
		},
	}
	r.register(cmd.Flags())
	r.registerMaster(cmd.Flags())
	cmd.Flags().BoolVar(&r.master.Queue, "queue", true, "stand in line, so that one failure wakes one candidate and status shows who waits")
	return cmd
}

func workerCommand(o *options) *cobra.Command {
	var r roleOptions
	cmd := &cobra.Command{
		Use: "worker --exec COMMAND", Short: "Register, and run a command for each task", Args: cobra.NoArgs,
		Long: `Register, and run a command for each task, under sh -c. Its standard input is the
payload. If it exits with 0, its standard output is the result; every other exit
ends the attempt, with the end of its standard error as the reason. Each line that
it writes to descriptor 3 is progress. The environment tells which task it is:
RINGMASTER_TASK, RINGMASTER_EPOCH, RINGMASTER_ATTEMPT, RINGMASTER_KEY. When the
task is taken away or cancelled, its processes get SIGTERM, then SIGKILL. On Linux
they also end when this worker is killed (docs/operators.md has the limits).

On SIGTERM or Ctrl-C the worker takes no more, finishes what it holds, and leaves.

A command that does not end when it is told to, although it gets SIGKILL after five
seconds, keeps its task: the log says so, and --unreturned says what follows if the
task is a resident one.`,
		Example: `  ringmaster worker --name w1 --exec 'tr a-z A-Z'
  ringmaster worker --name w2 --exec './convert.sh' --concurrency 2
  ringmaster worker --name w3 --exec 'for i in 1 2 3; do echo "$i of 3" >&3; sleep 1; done'
  ringmaster worker --name w4 --exec 'exec ./own-region' --unreturned end:10s`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.command == "" {
				return misuse("worker: --exec is missing: name the command to run for each task")
			}
			return r.run(cmd.Context(), o, r.drain, func(env zkapi.Env) (recipe.Role, error) {
				return recipe.NewWorker(env, r.worker)
			})
		},
	}
	r.register(cmd.Flags())
	r.registerWorker(cmd.Flags())
	return cmd
}

func nodeCommand(o *options) *cobra.Command {
	var r roleOptions
	var works bool
	cmd := &cobra.Command{
		Use: "node --exec COMMAND", Short: "Be one of many equal nodes: one leads, the rest work", Args: cobra.NoArgs,
		Long: "Be one of many equal nodes: every node stands for election; one leads, the rest work\n" +
			"as ringmaster worker does. When the leader is lost a worker takes over.",
		Example: "  for n in 1 2 3 4; do ringmaster node --name n$n --exec 'tr a-z A-Z' & done",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.command == "" {
				return misuse("node: --exec is missing: name the command to run for each task")
			}
			return r.run(cmd.Context(), o, r.drain, func(env zkapi.Env) (recipe.Role, error) {
				return recipe.NewNode(env, recipe.NodeConfig{Master: r.master, Worker: r.worker, LeaderWorks: works, Drain: r.drain})
			})
		},
	}
	r.register(cmd.Flags())
	r.registerMaster(cmd.Flags())
	r.registerWorker(cmd.Flags())
	cmd.Flags().BoolVar(&works, "leader-works", false, "the node that leads works, too")
	return cmd
}
