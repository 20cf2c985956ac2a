package bench

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// neighbour measures the creates and the session of a stranger, alone and while a backlog is
// done.
func neighbour(ctx context.Context, b *bed) error {
	stranger, err := b.connect(10 * time.Second)
	if err != nil {
		return err
	}
	session, err := stranger.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if err := make1(ctx, session, "/stranger"); err != nil {
		return err
	}
	alone, err := strangersCreates(ctx, session, time.After(b.watchFor))
	if err != nil {
		return err
	}
	b.says("a stranger's create, alone", "%v", alone)
	n := b.config.Tasks
	if _, err := b.inMultis(ctx, "/tasks", "task-", payload, n, 300); err != nil {
		return err
	}
	var drained float64
	var failed error
	over := make(chan time.Time)
	var work sync.WaitGroup
	work.Go(func() {
		drained, failed = b.drained(ctx, n)
		close(over)
	})
	beside, err := strangersCreates(ctx, session, over)
	work.Wait()
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	b.says("the backlog beside it", "%.0f tasks/s", drained)
	b.against(float64(beside.at(99))/float64(alone.at(99)), "alone (p99)", "a stranger's create beside it", "%v", beside)
	kept := "kept"
	if session.Done().Fired() {
		kept = "lost"
	}
	b.says("the stranger's session", "%s", kept)
	return nil
}

// strangersCreates makes one znode at a time until over.
func strangersCreates(ctx context.Context, session zkapi.Session, over <-chan time.Time) (all times, err error) {
	for {
		began := clock.Now()
		if _, err := session.Do(ctx, zkapi.Create("/stranger/znode-", payload, zkapi.PersistentSequential)); err != nil {
			return nil, err
		}
		all = append(all, clock.Now()-began)
		select {
		case <-over:
			return all, nil
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
