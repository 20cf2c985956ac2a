package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/internal/shell"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Role is a master, a worker or a node, with the options of its command.
type Role struct {
	Name, Address, Metrics string
	Drain                  time.Duration // how long a worker that was told to leave may finish its tasks

	Master   recipe.MasterConfig
	Strategy string

	Worker     recipe.WorkerConfig
	Command    string
	Unreturned Unreturned
}

// Strategies are the values of --strategy.
var Strategies = []string{"least-loaded", "sticky"}

// masterPatience is how long a master that was told to leave may take to hand over.
const masterPatience = 15 * time.Second

// RunMaster runs a master until ctx ends. Then it hands over.
func (r *Role) RunMaster(ctx context.Context, o *Options) error {
	return r.run(ctx, o, masterPatience, func(env zkapi.Env) (recipe.Role, error) {
		return recipe.NewMaster(env, r.Master)
	})
}

// RunWorker runs a worker until ctx ends. Then it finishes its tasks.
func (r *Role) RunWorker(ctx context.Context, o *Options) error {
	if r.Command == "" {
		return misuse("worker: --exec is missing: give the command to run for each task")
	}
	return r.run(ctx, o, r.Drain, func(env zkapi.Env) (recipe.Role, error) {
		return recipe.NewWorker(env, r.Worker)
	})
}

// RunNode runs a node until ctx ends. Then it hands over and finishes its tasks.
func (r *Role) RunNode(ctx context.Context, o *Options, leaderWorks bool) error {
	if r.Command == "" {
		return misuse("node: --exec is missing: give the command to run for each task")
	}
	return r.run(ctx, o, r.Drain, func(env zkapi.Env) (recipe.Role, error) {
		return recipe.NewNode(env, recipe.NodeConfig{Master: r.Master, Worker: r.Worker, LeaderWorks: leaderWorks, Drain: r.Drain})
	})
}

// run completes the configurations with the common options, and runs the role that
// build makes from them until ctx ends. Then the role leaves in good order.
func (r *Role) run(ctx context.Context, o *Options, patience time.Duration, build func(zkapi.Env) (recipe.Role, error)) error {
	if patience < 0 {
		return misuse("--drain %v: give a time that is not negative, or 0 to stop at once", patience)
	}
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	if r.Address == "" {
		r.Address = r.Name
	}
	if err := r.chooseStrategy(); err != nil {
		return err
	}
	measured, stop, err := serveMetrics(r.Metrics, log)
	if err != nil {
		return err
	}
	defer stop()
	obs := recipe.Observers{Logger: log, Metrics: measured}
	r.Master.Namespace, r.Master.Access, r.Master.Name, r.Master.Address, r.Master.Observers = o.Namespace, access, r.Name, r.Address, obs
	r.Worker.Namespace, r.Worker.Access, r.Worker.Name, r.Worker.Address, r.Worker.Observers = o.Namespace, access, r.Name, r.Address, obs
	r.Worker.Unreturned = r.Unreturned.policy
	if r.Command != "" {
		r.Worker.Handler = shell.Handler(r.Command, log)
	}
	role, err := build(env)
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer context.AfterFunc(ctx, func() {
		if !exit.Given(context.Cause(ctx), exit.Interrupted) {
			return // nobody has sent a signal
		}
		log.Info(stopping)
	})()
	defer env.warnBeside(ctx, log)()
	err = recipe.RunUntil(ctx, env, role, patience)
	if errors.Is(err, recipe.ErrCloseUnconfirmed) {
		log.Warn("the process has stopped, but its name may stay in use until the session timeout", "error", err)
		err = nil
	}
	return err
}

// chooseStrategy takes over --strategy.
func (r *Role) chooseStrategy() error {
	switch r.Strategy {
	case "", "least-loaded":
	case "sticky":
		r.Master.Strategy = recipe.StickyByKey
	default:
		return misuse("--strategy %q: choose %s", r.Strategy, strings.Join(Strategies, " or "))
	}
	return nil
}
