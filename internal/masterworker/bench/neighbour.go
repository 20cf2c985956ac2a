package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// stranger are the times of requests of another user of the ensemble.
type stranger struct{ creates, gets times }

func (s stranger) and(more stranger) stranger {
	return stranger{slices.Concat(s.creates, more.creates), slices.Concat(s.gets, more.gets)}
}

// neighbour measures the creates, the gets and the session of a stranger: alone, while a backlog
// is done, and alone again.
func neighbour(ctx context.Context, b *bed) error {
	driver, err := b.connect(10 * time.Second)
	if err != nil {
		return err
	}
	session, err := driver.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if err := make1(ctx, session, "/stranger"); err != nil {
		return err
	}
	before, err := b.strangerAlone(ctx, session, "before")
	if err != nil {
		return err
	}
	n := b.config.Tasks
	if _, err := b.inMultis(ctx, "/tasks", "task-", payload, n, 300); err != nil {
		return err
	}
	var drained float64
	var failed error
	over := make(chan time.Time)
	var work sync.WaitGroup
	work.Go(func() {
		drained, failed = b.drained(ctx, "", n)
		close(over)
	})
	beside, err := strangersRequests(ctx, session, over)
	work.Wait()
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	after, err := b.strangerAlone(ctx, session, "after")
	if err != nil {
		return err
	}
	b.says("the backlog beside it", "%.0f tasks/s of %d", drained, n)
	b.sayBeside(before, beside, after)
	kept := "kept"
	if session.Done().Fired() {
		kept = fmt.Sprintf("lost: %v", session.Cause())
	}
	b.says("the stranger's session", "%s", kept)
	return nil
}

// sayBeside compares the slowest requests beside a backlog with those alone, before and after.
func (b *bed) sayBeside(before, beside, after stranger) {
	alone := before.and(after)
	tail := func(of, to times) float64 { return float64(of.at(99)) / float64(to.at(99)) }
	b.against(tail(beside.creates, alone.creates), "alone, before and after (p99)", "a stranger's create beside it", "%s", beside.creates.tail())
	b.against(tail(beside.gets, alone.gets), "alone, before and after (p99)", "a stranger's get beside it", "%s", beside.gets.tail())
}

// strangerAlone measures the stranger while it is the only client of the ensemble.
func (b *bed) strangerAlone(ctx context.Context, session zkapi.Session, when string) (stranger, error) {
	alone, err := strangersRequests(ctx, session, time.After(b.watchFor))
	if err != nil {
		return alone, err
	}
	b.says("a stranger's create, alone "+when, "%s", alone.creates.tail())
	b.says("a stranger's get, alone "+when, "%s", alone.gets.tail())
	return alone, nil
}

// strangersRequests makes one znode, reads it, and so on, one request at a time, until over.
func strangersRequests(ctx context.Context, session zkapi.Session, over <-chan time.Time) (all stranger, err error) {
	for {
		began := clock.Now()
		made, err := session.Do(ctx, zkapi.Create("/stranger/znode-", payload, zkapi.PersistentSequential))
		if err != nil {
			return all, err
		}
		all.creates = append(all.creates, clock.Now()-began)
		began = clock.Now()
		if _, err := session.Do(ctx, zkapi.Get(made.Path)); err != nil {
			return all, err
		}
		all.gets = append(all.gets, clock.Now()-began)
		select {
		case <-over:
			return all, nil
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return all, context.Cause(ctx)
		}
	}
}
