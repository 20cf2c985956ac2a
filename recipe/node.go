package recipe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// NodeConfig describes one of many equal nodes.
type NodeConfig struct {
	// Master and Worker configure the two roles. Their Namespace, Access, Name and Address
	// must be the same; those of Worker may be left out. Queue is set: there may be many
	// nodes.
	Master MasterConfig
	Worker WorkerConfig
	// LeaderWorks lets the node that leads work as well. Without it a cluster of
	// one node executes nothing.
	LeaderWorks bool
	// Drain is how long the worker of an elected node may go on to finish its tasks. Default
	// 30 s.
	Drain time.Duration
}

// Node is one of many equal processes: all stand for election; one leads, the rest work. When
// the leader is lost, another node is elected. It leads at once; its worker finishes its
// tasks and takes no more. When the node does not lead any more, it works again.
type Node struct {
	config NodeConfig
	env    zkapi.Env
	master *Master
	memory *epoch.Memory // of all its workers, one after the other
	life   *lifetime

	stoppedLeading zkapi.Signal // raised when the node leads no longer

	mu      sync.Mutex
	leading bool
	closed  bool
	worker  *Worker        // that works now, or nil
	leaving []*Worker      // that finish their tasks
	drains  []zkapi.Source // the threads that close those
}

// NewNode checks config. Nothing happens until Run.
func NewNode(env zkapi.Env, config NodeConfig) (*Node, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	m, w := &config.Master, &config.Worker
	for _, pair := range []struct {
		what           string
		worker, master *string
	}{{"Namespace", &w.Namespace, &m.Namespace}, {"Name", &w.Name, &m.Name}, {"Address", &w.Address, &m.Address}} {
		if *pair.worker == "" {
			*pair.worker = *pair.master
		}
		if *pair.worker != *pair.master {
			return nil, invalid("a node's %s is %q as a master and %q as a worker: give it once", pair.what, *pair.master, *pair.worker)
		}
	}
	if w.Access.open() {
		w.Access = m.Access
	}
	if config.Drain < 0 {
		return nil, invalid("Drain %v must not be negative", config.Drain)
	}
	if config.Drain == 0 {
		config.Drain = 30 * time.Second
	}
	m.Queue = true
	n := &Node{config: config, env: env, life: newLifetime(env), stoppedLeading: env.Signal()}
	if _, err := NewWorker(env, config.Worker); err != nil {
		return nil, err
	}
	if !config.LeaderWorks {
		m.OnLead = n.closeWorkerWhile(m.OnLead)
	}
	var err error
	n.master, err = NewMaster(env, config.Master)
	if err != nil {
		return nil, err
	}
	n.memory = n.master.memory
	return n, nil
}

// Master returns the node's candidate, for Snapshot and Changes.
func (n *Node) Master() *Master { return n.master }

// Run stands for election, leads and works until ctx ends or Close is called; it
// returns the cause.
func (n *Node) Run(ctx context.Context) error {
	ctx, err := n.life.begin(ctx)
	if err != nil {
		return err
	}
	defer n.life.finish()
	var led error
	leading := n.env.Spawn("candidate", func() {
		led = n.master.Run(ctx)
		n.life.end(led) // the worker has no business without the candidate
	})
	worked := n.work(ctx)
	n.life.end(worked)
	detached := context.WithoutCancel(ctx)
	if _, err := n.env.Wait(detached, leading); err != nil {
		return err
	}
	for _, drain := range n.drains {
		if _, err := n.env.Wait(detached, drain); err != nil {
			return err
		}
	}
	n.life.ended(n.master.life.wait(detached, n.env))
	if errors.Is(worked, context.Cause(ctx)) {
		return led
	}
	return worked
}

// work runs one worker after the other: a worker is closed when the node is elected, and the
// next begins when the node does not lead any more.
func (n *Node) work(ctx context.Context) error {
	for ctx.Err() == nil {
		worker, err := n.nextWorker()
		if err != nil {
			return err
		}
		if worker == nil {
			if _, err := n.env.Wait(ctx, n.stoppedLeading); err != nil {
				break
			}
			continue
		}
		if err := worker.Run(ctx); !errors.Is(err, ErrClosed) {
			return err
		}
	}
	return context.Cause(ctx)
}

// nextWorker makes a new worker, or none while the node leads.
func (n *Node) nextWorker() (*Worker, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.leading || n.closed {
		return nil, nil
	}
	var err error
	n.worker, err = NewWorker(n.env, n.config.Worker)
	if err == nil {
		n.worker.memory = n.memory
	}
	return n.worker, err
}

// closeWorkerWhile wraps OnLead: while the node leads its worker is closed, without waiting for it,
// and the next worker begins afterwards.
func (n *Node) closeWorkerWhile(onLead func(context.Context, Lead)) func(context.Context, Lead) {
	return func(ctx context.Context, lead Lead) {
		n.mu.Lock()
		n.leading = true
		if worker := n.worker; worker != nil {
			n.worker, n.leaving = nil, append(n.leaving, worker)
			n.drains = append(n.drains, n.env.Spawn("drain", func() {
				ctx, cancel := context.WithTimeout(context.Background(), n.config.Drain)
				defer cancel()
				_ = worker.Close(ctx)
			}))
		}
		n.mu.Unlock()
		if onLead != nil {
			onLead(ctx, lead)
		}
		_, _ = n.env.Wait(ctx) // until the leadership ends
		n.mu.Lock()
		n.leading = false
		n.mu.Unlock()
		n.stoppedLeading.Raise()
	}
}

// Close lets the node finish its tasks until ctx ends, hand over if it leads, and leave. It
// returns the result of Master.Close. Like Worker.Close it does not return while a handler
// runs, unless WorkerConfig.Unreturned says otherwise. The leadership is handed over when ctx
// ends, even if a handler still runs.
func (n *Node) Close(ctx context.Context) error {
	if !n.life.close() {
		return n.life.wait(ctx, n.env)
	}
	var closing []zkapi.Source
	for _, worker := range n.close() {
		closing = append(closing, n.env.Spawn("close", func() { _ = worker.Close(ctx) }))
	}
	for _, thread := range closing {
		if _, err := n.env.Wait(ctx, thread); err != nil {
			break
		}
	}
	n.life.end(ErrClosed)
	err := n.life.wait(context.WithoutCancel(ctx), n.env)
	for _, thread := range closing {
		_, _ = n.env.Wait(context.WithoutCancel(ctx), thread)
	}
	return err
}

// close lets no further worker begin, and lists those there are.
func (n *Node) close() []*Worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	workers := slices.Clone(n.leaving)
	if n.worker != nil {
		workers = append(workers, n.worker)
	}
	return workers
}

// Abandon is Worker.Abandon for all workers of the node; if the node leads, it hands over.
func (n *Node) Abandon() {
	n.life.close()
	for _, worker := range n.close() {
		worker.Abandon()
	}
	n.life.end(ErrClosed)
}
