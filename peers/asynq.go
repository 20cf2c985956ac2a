package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	asynqServers  = 4
	asynqHandlers = 100              // of each server
	drainPool     = 100              // connections of each server
	enqueuers     = 64               // goroutines, each with a connection
	checkInterval = time.Millisecond // of lone tasks; the default is a second
)

// asynqBench is asynq on one Redis.
type asynqBench struct {
	job
	options asynq.RedisClientOpt
	raw     *redis.Client
}

func measureAsynq(ctx context.Context, j job) error {
	parsed, err := redis.ParseURL(j.server)
	if err != nil {
		return err
	}
	b := &asynqBench{job: j, options: asynq.RedisClientOpt{Addr: parsed.Addr, Password: parsed.Password}, raw: redis.NewClient(parsed)}
	defer b.raw.Close()
	for _, step := range []func(context.Context) error{b.server, b.enqueue, b.drain, b.one} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// server prints what makes the server durable, as it says itself.
func (b *asynqBench) server(ctx context.Context) error {
	says := "Redis"
	about, err := b.raw.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(about) {
		if version, ok := strings.CutPrefix(line, "redis_version:"); ok {
			says += " " + strings.TrimSpace(version)
		}
	}
	for _, name := range []string{"appendonly", "appendfsync"} {
		values, err := b.raw.ConfigGet(ctx, name).Result()
		if err != nil {
			return err
		}
		says += fmt.Sprintf(", %s %s", name, values[name])
	}
	return figure{What: "server", Setting: says}.print()
}

// enqueue measures how fast tasks come in. asynq has no call for many, so as many goroutines
// as there are connections hand in one by one.
func (b *asynqBench) enqueue(ctx context.Context) error {
	options := b.options
	options.PoolSize = enqueuers
	c := asynq.NewClient(options)
	defer c.Close()
	if err := together(c, enqueuers); err != nil { // opens the connections
		return err
	}
	if err := b.raw.FlushAll(ctx).Err(); err != nil {
		return err
	}
	began := time.Now()
	if err := together(c, b.tasks); err != nil {
		return err
	}
	return figure{What: "submit", Setting: fmt.Sprintf("%d goroutines", enqueuers), Tasks: b.tasks, Seconds: time.Since(began).Seconds()}.print()
}

// together enqueues n tasks.
func together(c *asynq.Client, n int) error {
	var next atomic.Int64
	errs := make([]error, enqueuers)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil && next.Add(1) <= int64(n) {
				_, errs[i] = c.Enqueue(asynq.NewTask("noop", []byte("payload")))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// left counts the tasks that are not done.
func (b *asynqBench) left(ctx context.Context) (int, error) {
	pending, err := b.raw.LLen(ctx, "asynq:{default}:pending").Result()
	if err != nil {
		return 0, err
	}
	active, err := b.raw.LLen(ctx, "asynq:{default}:active").Result()
	return int(pending + active), err
}

// drain measures how fast the waiting tasks are done, from the start of the servers until
// none is pending or active.
func (b *asynqBench) drain(ctx context.Context) error {
	waiting, err := b.left(ctx)
	if err != nil {
		return err
	}
	options := b.options
	options.PoolSize = drainPool
	var executed atomic.Int64
	handler := asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		executed.Add(1)
		return nil
	})
	var servers []*asynq.Server
	for range asynqServers {
		servers = append(servers, asynq.NewServer(options, asynq.Config{Concurrency: asynqHandlers, LogLevel: asynq.ErrorLevel}))
	}
	began := time.Now()
	for _, s := range servers {
		if err := s.Start(handler); err != nil {
			return err
		}
	}
	if err := until(ctx, 2*time.Millisecond, func() (bool, error) { return executed.Load() >= int64(waiting), nil }); err != nil {
		return err
	}
	if err := until(ctx, 2*time.Millisecond, func() (bool, error) {
		n, err := b.left(ctx)
		return n == 0, err
	}); err != nil {
		return err
	}
	took := time.Since(began)
	for _, s := range servers {
		s.Shutdown()
	}
	setting := fmt.Sprintf("%d x %d handlers", asynqServers, asynqHandlers)
	return figure{What: "drain", Setting: setting, Waiting: waiting, Tasks: waiting, Seconds: took.Seconds()}.print()
}

// one measures one task at a time, from Enqueue until the inspector sees it completed. Only a
// task with a retention can be seen completed, and only by polling.
func (b *asynqBench) one(ctx context.Context) error {
	s := asynq.NewServer(b.options, asynq.Config{Concurrency: asynqHandlers, TaskCheckInterval: checkInterval, LogLevel: asynq.ErrorLevel})
	if err := s.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		_, err := t.ResultWriter().Write([]byte("done"))
		return err
	})); err != nil {
		return err
	}
	defer s.Shutdown()
	c, inspector := asynq.NewClient(b.options), asynq.NewInspector(b.options)
	defer c.Close()
	defer inspector.Close()
	setting := fmt.Sprintf("a check each %v", checkInterval)
	return oneAtATime(setting, b.lone, func() error {
		task, err := c.Enqueue(asynq.NewTask("noop", []byte("payload")), asynq.Retention(time.Hour))
		if err != nil {
			return err
		}
		return until(ctx, time.Millisecond, func() (bool, error) {
			got, err := inspector.GetTaskInfo("default", task.ID)
			return err == nil && got.State == asynq.TaskStateCompleted, err
		})
	})
}
