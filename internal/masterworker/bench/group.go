package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// address is the address that the roles publish. The bench connects to none of them.
const address = "bench:0"

// group is the recipe's processes on a bed, in one process.
type group struct {
	ctx       context.Context
	env       func(role string) (zkapi.Env, error) // of the role of that name
	namespace string
	work      sync.WaitGroup
	end       context.CancelFunc
	executed  atomic.Int64 // ordinary tasks
	latest    atomic.Int64 // when the last of them was, by the shared clock
	owned     atomic.Int64 // resident tasks whose handlers run
}

func (b *bed) group(ctx context.Context) *group {
	g := &group{env: func(string) (zkapi.Env, error) { return b.connect(10 * time.Second) }} // a process of its own
	g.ctx, g.end = context.WithCancel(ctx)
	return g
}

// stop ends the processes and waits for them.
func (g *group) stop() {
	g.end()
	g.work.Wait()
}

// handle does nothing, at once; a resident task it holds for as long as it may.
func (g *group) handle(ctx context.Context, task recipe.Task) (recipe.Result, error) {
	if !task.Options.Resident {
		g.latest.Store(int64(clock.Now()))
		g.executed.Add(1)
		return recipe.Result("done"), nil
	}
	g.owned.Add(1)
	defer g.owned.Add(-1)
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// worker starts a worker. leave ends it in good order.
func (g *group) worker(name string, concurrency int) (leave func(), err error) {
	return g.workerOf(name, concurrency, g.handle)
}

// workerOf is worker with a handler of its own.
func (g *group) workerOf(name string, concurrency int, handle recipe.Handler) (leave func(), err error) {
	env, err := g.env(name)
	if err != nil {
		return nil, err
	}
	worker, err := recipe.NewWorker(env, recipe.WorkerConfig{Namespace: g.namespace, Name: name, Address: address, Concurrency: concurrency, Handler: handle})
	if err != nil {
		return nil, err
	}
	ctx, leave := context.WithCancel(g.ctx)
	g.work.Go(func() { _ = worker.Run(ctx) })
	return leave, nil
}

// workers starts so many workers.
func (g *group) workers(n, concurrency int) (leave []func(), err error) {
	for i := range n {
		one, err := g.worker(fmt.Sprintf("worker-%d", i+1), concurrency)
		if err != nil {
			return nil, err
		}
		leave = append(leave, one)
	}
	return leave, nil
}

// master starts a master. leave ends it in good order.
func (g *group) master(name string, tasksPerWorker int) (m *recipe.Master, leave func(), err error) {
	env, err := g.env(name)
	if err != nil {
		return nil, nil, err
	}
	m, err = recipe.NewMaster(env, recipe.MasterConfig{Namespace: g.namespace, Name: name, Address: address, TasksPerWorker: tasksPerWorker})
	if err != nil {
		return nil, nil, err
	}
	ctx, leave := context.WithCancel(g.ctx)
	g.work.Go(func() { _ = m.Run(ctx) })
	return m, leave, nil
}

// patience bounds the wait for one state.
const patience = 5 * time.Minute

// until waits until a condition holds, and returns how long that took.
func (g *group) until(what string, holds func() bool) (time.Duration, error) {
	began := clock.Now()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		if clock.Now()-began > patience {
			return 0, fmt.Errorf("%s: not within %v", what, patience)
		}
		select {
		case <-look.C:
		case <-g.ctx.Done():
			return 0, context.Cause(g.ctx)
		}
	}
	return clock.Now() - began, nil
}

func rate(n int, since time.Duration) float64 { return float64(n) / (clock.Now() - since).Seconds() }

// with runs do with a session of its own.
func (b *bed) with(ctx context.Context, do func(zkapi.Session) error) error {
	session, err := b.plain.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	return do(session)
}

// creates makes n sequential znodes one by one, 128 in flight, and returns the number per
// second: the baseline of what the recipe does with single znodes.
func (b *bed) creates(ctx context.Context, parent string, n int) (perSecond float64, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, parent); err != nil {
			return err
		}
		ops := make([]zkapi.Op, n)
		for i := range ops {
			ops[i] = zkapi.Create(parent+"/znode-", payload, zkapi.PersistentSequential)
		}
		began := clock.Now()
		err := firstError(session.DoAll(ctx, ops))
		perSecond = rate(n, began)
		return err
	})
	return perSecond, err
}

// inMultis makes n znodes in multis of so many creates, as many in flight as a session allows,
// and returns the number per second.
func (b *bed) inMultis(ctx context.Context, parent, prefix string, data []byte, n, each int) (perSecond float64, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, parent); err != nil {
			return err
		}
		began := clock.Now()
		var multis, ops []zkapi.Op
		for i := range n {
			ops = append(ops, zkapi.Create(fmt.Sprintf("%s/%s%06d", parent, prefix, i), data, zkapi.Persistent))
			if len(ops) == each || i == n-1 {
				multis, ops = append(multis, zkapi.Multi(ops...)), nil
			}
		}
		err := firstError(session.DoAll(ctx, multis))
		perSecond = rate(n, began)
		return err
	})
	return perSecond, err
}

// payload is the payload of each task and znode.
var payload = []byte("payload")

// make1 makes a znode that may be there.
func make1(ctx context.Context, session zkapi.Session, path string) error {
	_, err := session.Do(ctx, zkapi.Create(path, nil, zkapi.Persistent))
	if errors.Is(err, zkapi.ErrNodeExists) {
		return nil
	}
	return err
}

func firstError(replies []zkapi.Reply) error {
	for _, reply := range replies {
		if reply.Err != nil {
			return reply.Err
		}
	}
	return nil
}
