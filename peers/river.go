package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// noop are the arguments of a job that does nothing.
type noop struct {
	Payload string `json:"payload"`
}

// Kind implements river.JobArgs.
func (noop) Kind() string { return "noop" }

// noopWorker does nothing, at once.
type noopWorker struct {
	river.WorkerDefaults[noop]
	executed *atomic.Int64
}

// Work implements river.Worker.
func (w *noopWorker) Work(context.Context, *river.Job[noop]) error {
	w.executed.Add(1)
	return nil
}

// tuning is how River drains: so many clients, each with so many workers.
type tuning struct{ clients, maxWorkers int }

func (t tuning) String() string {
	return fmt.Sprintf("%d x %d workers", t.clients, t.maxWorkers)
}

const (
	fetchCooldown = 2 * time.Millisecond // the default of 100 ms bounds a client to MaxWorkers for each 100 ms
	connections   = 10                   // of the pool of each client that works
	eachInsert    = 1000                 // jobs of one InsertMany
)

// riverBench is River on one database.
type riverBench struct {
	job
	pool     *pgxpool.Pool // for everything but the drain
	executed atomic.Int64
}

func measureRiver(ctx context.Context, j job) error {
	pool, err := pgxpool.New(ctx, j.server)
	if err != nil {
		return err
	}
	defer pool.Close()
	b := &riverBench{job: j, pool: pool}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if err := b.server(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return b.insert(ctx, "InsertMany") },
		func(ctx context.Context) error { return b.drain(ctx, tuning{4, 100}) },
		func(ctx context.Context) error { return b.insert(ctx, "InsertManyFast") },
		func(ctx context.Context) error { return b.drain(ctx, tuning{1, 2000}) },
		b.one,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// server prints what makes the server durable, as it says itself.
func (b *riverBench) server(ctx context.Context) error {
	var says []string
	for _, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := b.pool.QueryRow(ctx, "SHOW "+name).Scan(&value); err != nil {
			return err
		}
		value, _, _ = strings.Cut(value, " ") // after the version is that of the package
		says = append(says, name+" "+value)
	}
	return figure{What: "server", Setting: strings.Join(says, ", ")}.print()
}

// client makes a client with a pool of its own; without a tuning it has River's defaults.
// close is to be called when it has stopped.
func (b *riverBench) client(ctx context.Context, t *tuning) (c *river.Client[pgx.Tx], closed func(), err error) {
	config, err := pgxpool.ParseConfig(b.job.server)
	if err != nil {
		return nil, nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &noopWorker{executed: &b.executed})
	options := &river.Config{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), Workers: workers,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}},
	}
	if t != nil {
		config.MaxConns, options.FetchCooldown = connections, fetchCooldown
		options.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: t.maxWorkers}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if c, err = river.NewClient(riverpgxv5.New(pool), options); err != nil {
		pool.Close()
	}
	return c, pool.Close, err
}

// insert empties the table and measures how fast jobs come in.
func (b *riverBench) insert(ctx context.Context, how string) error {
	for _, sql := range []string{"TRUNCATE river_job", "CHECKPOINT"} {
		if _, err := b.pool.Exec(ctx, sql); err != nil {
			return err
		}
	}
	c, err := river.NewClient(riverpgxv5.New(b.pool), &river.Config{})
	if err != nil {
		return err
	}
	params := make([]river.InsertManyParams, eachInsert)
	for i := range params {
		params[i] = river.InsertManyParams{Args: noop{Payload: "payload"}}
	}
	began := time.Now()
	for done := 0; done < b.tasks; done += eachInsert {
		some := params[:min(eachInsert, b.tasks-done)]
		if how == "InsertManyFast" {
			_, err = c.InsertManyFast(ctx, some)
		} else {
			_, err = c.InsertMany(ctx, some)
		}
		if err != nil {
			return err
		}
	}
	return figure{What: "submit", Setting: how, Tasks: b.tasks, Seconds: time.Since(began).Seconds()}.print()
}

// left counts the jobs that are not done.
func (b *riverBench) left(ctx context.Context) (n int, err error) {
	err = b.pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&n)
	return n, err
}

// drain measures how fast the jobs in the table are done, from the start of the clients to
// the last row that says completed.
func (b *riverBench) drain(ctx context.Context, t tuning) error {
	waiting, err := b.left(ctx)
	if err != nil {
		return err
	}
	b.executed.Store(0)
	var clients []*river.Client[pgx.Tx]
	for range t.clients {
		c, closed, err := b.client(ctx, &t)
		if err != nil {
			return err
		}
		defer closed()
		clients = append(clients, c)
	}
	began := time.Now()
	for _, c := range clients {
		if err := c.Start(ctx); err != nil {
			return err
		}
	}
	if err := until(ctx, 2*time.Millisecond, func() (bool, error) { return b.executed.Load() >= int64(waiting), nil }); err != nil {
		return err
	}
	if err := until(ctx, 20*time.Millisecond, func() (bool, error) {
		n, err := b.left(ctx)
		return n == 0, err
	}); err != nil {
		return err
	}
	took := time.Since(began)
	for _, c := range clients {
		err = errors.Join(err, c.Stop(ctx))
	}
	if err != nil {
		return err
	}
	return figure{What: "drain", Setting: t.String(), Waiting: waiting, Tasks: waiting, Seconds: took.Seconds()}.print()
}

// one measures one job at a time, from Insert to the event that says completed, with River's
// defaults.
func (b *riverBench) one(ctx context.Context) error {
	c, closed, err := b.client(ctx, nil)
	if err != nil {
		return err
	}
	defer closed()
	completed, cancel := c.Subscribe(river.EventKindJobCompleted)
	defer cancel()
	if err := c.Start(ctx); err != nil {
		return err
	}
	err = oneAtATime("defaults", b.lone, func() error {
		inserted, err := c.Insert(ctx, noop{Payload: "payload"}, nil)
		if err != nil {
			return err
		}
		overdue := time.After(patience)
		for {
			select {
			case e := <-completed:
				if e.Job.ID == inserted.Job.ID {
					return nil
				}
			case <-overdue:
				return fmt.Errorf("job %d is not completed after %v", inserted.Job.ID, patience)
			}
		}
	})
	return errors.Join(err, c.Stop(ctx))
}
