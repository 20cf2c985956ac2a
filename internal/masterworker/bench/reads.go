package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// reads measures how many znodes one DoAll reads per second, against as many requests of their
// own, 128 in flight.
func reads(ctx context.Context, b *bed) error {
	n := b.config.Tasks
	if _, err := b.inMultis(ctx, "/read", "znode-", payload, n, 300); err != nil {
		return err
	}
	return b.with(ctx, func(session zkapi.Session) error {
		ops := make([]zkapi.Op, n)
		for i := range ops {
			ops[i] = zkapi.Get(numbered("/read/znode-", i))
		}
		alone, err := oneByOne(ctx, session, ops)
		if err != nil {
			return err
		}
		b.says("znodes read one by one, 128 in flight", "%.0f/s", alone)
		began := clock.Now()
		if err := firstError(session.DoAll(ctx, ops)); err != nil {
			return err
		}
		together := rate(n, began)
		b.against(together/alone, "one by one", "znodes read by one DoAll", "%.0f/s", together)
		return nil
	})
}

// oneByOne sends each request by itself, 128 in flight, and returns the number per second.
func oneByOne(ctx context.Context, session zkapi.Session, ops []zkapi.Op) (perSecond float64, err error) {
	const inFlight = 128
	var (
		senders sync.WaitGroup
		next    atomic.Int64
		errs    [inFlight]error
	)
	began := clock.Now()
	for sender := range inFlight {
		senders.Go(func() {
			for i := next.Add(1); int(i) <= len(ops) && errs[sender] == nil; i = next.Add(1) {
				_, errs[sender] = session.Do(ctx, ops[i-1])
			}
		})
	}
	senders.Wait()
	return rate(len(ops), began), errors.Join(errs[:]...)
}
