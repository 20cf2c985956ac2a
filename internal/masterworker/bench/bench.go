// Package bench measures how fast the master-worker recipe drains a backlog, and takes tasks.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/workload"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
	"github.com/ringmaster-zk/ringmaster/zkclient"
)

// Config configures a measurement of how fast a backlog drains.
type Config struct {
	Servers  int
	Tasks    int
	Workers  int
	Image    string
	TickTime time.Duration
}

// Run makes a backlog, then starts one master and some workers whose handlers do
// nothing, and measures how fast the tasks get their statuses. The baseline, measured
// on the same ensemble just before, is the same number of znodes created one by one
// with 128 requests in flight. Run also reads them, one by one and many at once.
func Run(ctx context.Context, config Config, out io.Writer) (err error) {
	image, err := ensemble.FindImage(ctx, config.Image, out)
	if err != nil {
		return err
	}
	e, err := ensemble.Start(ctx, ensemble.Config{
		Servers: config.Servers, TickTime: config.TickTime, Image: image, Run: fmt.Sprintf("bench-%d", time.Now().UnixMilli()),
	})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, e.Stop(ctx))
	}()
	driver, err := zkclient.New(zkclient.Config{Servers: e.Addresses(), SessionTimeout: 20 * config.TickTime})
	if err != nil {
		return err
	}
	baseline, err := createMany(ctx, driver, "/baseline", "/baseline/znode-", config.Tasks)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "baseline: %d znodes created one by one, 128 in flight: %.0f per second\n", config.Tasks, baseline)
	alone, together, err := readMany(ctx, driver, "/baseline")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the same znodes read one by one, 128 in flight: %.0f per second; by one DoAll: %.0f per second, %.1f times as many\n", alone, together, together/alone)
	if _, err := createMany(ctx, driver, "/tasks", "/tasks/task-", config.Tasks); err != nil {
		return err
	}
	drained, err := drainBacklog(ctx, driver, config)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "backlog of %d tasks, 1 master, %d workers: %.0f tasks per second from the master's start to the last status\n", config.Tasks, config.Workers, drained)
	fmt.Fprintf(out, "ratio: %.2f tasks for each znode of the baseline (a task is three znodes made or removed, and three reads)\n", drained/baseline)
	return nil
}

func rate(n int, since time.Duration) float64 { return float64(n) / (clock.Now() - since).Seconds() }

// createMany creates n sequential znodes and returns the number created per second.
func createMany(ctx context.Context, driver *zkclient.Driver, parent, prefix string, n int) (float64, error) {
	session, err := driver.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer session.Close(ctx)
	if _, err := session.Do(ctx, zkapi.Create(parent, nil, zkapi.Persistent)); err != nil {
		return 0, err
	}
	ops := make([]zkapi.Op, n)
	for i := range ops {
		ops[i] = zkapi.Create(prefix, []byte("payload"), zkapi.PersistentSequential)
	}
	began := clock.Now()
	for _, reply := range session.DoAll(ctx, ops) {
		if reply.Err != nil {
			return 0, reply.Err
		}
	}
	return rate(n, began), nil
}

// readMany reads all children of a znode, each by a request of its own, and then by one DoAll. It
// returns how many were read per second.
func readMany(ctx context.Context, driver *zkclient.Driver, parent string) (alone, together float64, err error) {
	session, err := driver.Open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer session.Close(ctx)
	listed, err := session.Do(ctx, zkapi.Children(parent))
	if err != nil {
		return 0, 0, err
	}
	ops := make([]zkapi.Op, len(listed.Children))
	for i, child := range listed.Children {
		ops[i] = zkapi.Get(parent + "/" + child)
	}
	const inFlight = 128
	var (
		reading sync.WaitGroup
		next    atomic.Int64
		errs    [inFlight]error
	)
	began := clock.Now()
	for reader := range inFlight {
		reading.Go(func() {
			for i := next.Add(1); int(i) <= len(ops) && errs[reader] == nil; i = next.Add(1) {
				_, errs[reader] = session.Do(ctx, ops[i-1])
			}
		})
	}
	reading.Wait()
	alone = rate(len(ops), began)
	if err := errors.Join(errs[:]...); err != nil {
		return 0, 0, err
	}
	began = clock.Now()
	for _, reply := range session.DoAll(ctx, ops) {
		if reply.Err != nil {
			return 0, 0, reply.Err
		}
	}
	return alone, rate(len(ops), began), nil
}

// drainBacklog runs the recipe until every task has a status.
func drainBacklog(ctx context.Context, driver *zkclient.Driver, config Config) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	var executed atomic.Int64
	all := make(chan struct{})
	for i := range config.Workers {
		worker, err := recipe.NewWorker(driver, recipe.WorkerConfig{
			Name: fmt.Sprintf("worker-%d", i+1), Address: "bench:0", Concurrency: 64,
			Handler: func(context.Context, recipe.Task) (recipe.Result, error) {
				if executed.Add(1) == int64(config.Tasks) {
					close(all)
				}
				return recipe.Result("done"), nil
			},
		})
		if err != nil {
			return 0, err
		}
		work.Go(func() { _ = worker.Run(ctx) })
	}
	master, err := recipe.NewMaster(driver, recipe.MasterConfig{Name: "master-1", Address: "bench:0", TasksPerWorker: 256})
	if err != nil {
		return 0, err
	}
	began := clock.Now()
	work.Go(func() { _ = master.Run(ctx) })
	select {
	case <-all:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	watching, err := driver.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer watching.Close(context.WithoutCancel(ctx))
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		open, err := workload.Open(ctx, watching)
		if err == nil && open.Items == 0 {
			return rate(config.Tasks, began), nil
		}
		if watching.Done().Fired() {
			return 0, errors.Join(watching.Cause(), err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, errors.Join(context.Cause(ctx), err)
		}
	}
}
