package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// queues measures package queue, and the queues of other libraries, beside the plain requests that
// any queue needs at the least.
func queues(ctx context.Context, b *bed) error {
	b.contend.crowds = b.contend.consumers
	b.says("what is measured", "%d items put one by one, %d many at once; %d waiting until all are acknowledged, or for %v",
		b.contend.pairs, b.config.Tasks, b.waiting(), b.contend.window)
	return b.contended(ctx, b.others.queues, b.floorOfQueues, func(ctx context.Context, path string) (all []peers.Figure, err error) {
		if all, err = b.ownPuts(ctx, path+"/put"); err != nil {
			return nil, err
		}
		for _, kind := range b.takings() {
			for _, n := range b.contend.consumers {
				f, err := b.ownTakes(ctx, fmt.Sprintf("%s/%s-by-%d", path, kind.what, n), n, kind)
				if err != nil {
					return nil, err
				}
				all = append(all, f)
			}
		}
		return all, b.remove(ctx, path)
	})
}

// waiting is how many items wait for consumers that take one at a time.
func (b *bed) waiting() int { return min(few, b.config.Tasks) }

// taking is how items are taken.
type taking struct {
	what    string
	each    int // at most, by one write
	waiting int // items, before the first is taken
}

func (b *bed) takings() []taking {
	return []taking{
		{what: peers.Takes, each: 1, waiting: b.waiting()},
		{what: peers.TakesOfMany, each: queue.MostAtOnce, waiting: b.config.Tasks},
	}
}

// queueOf is the queue of one process, as the ensemble sees it. It is connected, as the peers are before
// they are measured.
func (b *bed) queueOf(ctx context.Context, path string) (*queue.Queue, error) {
	driver, err := b.connect(10 * time.Second)
	if err != nil {
		return nil, err
	}
	q, err := queue.New(driver, path, queue.Config{})
	if err != nil {
		return nil, err
	}
	if _, err := q.List(ctx); err != nil {
		return nil, errors.Join(err, q.Close(context.WithoutCancel(ctx)))
	}
	return q, nil
}

// ownPuts puts items one after the other, and then many by PutAll.
func (b *bed) ownPuts(ctx context.Context, path string) (all []peers.Figure, err error) {
	q, err := b.queueOf(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Close(context.WithoutCancel(ctx))) }()
	if _, err := q.Put(ctx, payload); err != nil { // makes the folders
		return nil, err
	}
	n := b.contend.pairs
	began := clock.Now()
	for range n {
		if _, err := q.Put(ctx, payload); err != nil {
			return nil, err
		}
	}
	all = append(all, peers.Figure{What: peers.Puts, Tasks: n, Seconds: (clock.Now() - began).Seconds()})
	began = clock.Now()
	if err := putMany(ctx, q, b.config.Tasks); err != nil {
		return nil, err
	}
	return append(all, peers.Figure{What: peers.PutsOfMany, Tasks: b.config.Tasks, Seconds: (clock.Now() - began).Seconds()}), nil
}

// putMany puts n items by PutAll.
func putMany(ctx context.Context, q *queue.Queue, n int) error {
	put := 0
	for _, err := range q.PutAll(ctx, slices.Values(slices.Repeat([]queue.Item{{Payload: payload}}, n))) {
		if err != nil {
			return fmt.Errorf("item %d: %w", put, err)
		}
		put++
	}
	if put != n {
		return fmt.Errorf("%d of %d items were put", put, n)
	}
	return nil
}

// ownTakes has n processes take the items that wait and acknowledge them.
func (b *bed) ownTakes(ctx context.Context, path string, n int, kind taking) (f peers.Figure, err error) {
	all := make([]*queue.Queue, n)
	for i := range all {
		if all[i], err = b.queueOf(ctx, path); err != nil {
			return f, err
		}
		defer func() { err = errors.Join(err, all[i].Close(context.WithoutCancel(ctx))) }()
	}
	if err := putMany(ctx, all[0], kind.waiting); err != nil {
		return f, err
	}
	consumers := make([]consumer, n)
	for i, q := range all {
		consumers[i] = func(over context.Context, done func()) error {
			taken, err := q.TakeMany(over, kind.each)
			if over.Err() != nil { // what it holds ends with its session
				return nil
			}
			if err != nil {
				return err
			}
			return ackAll(ctx, taken, done)
		}
	}
	return b.consumed(ctx, kind, consumers)
}

// ackAll acknowledges items side by side.
func ackAll(ctx context.Context, taken []*queue.Taken, done func()) error {
	errs := make([]error, len(taken))
	var work sync.WaitGroup
	for i, item := range taken {
		work.Go(func() {
			if errs[i] = item.Ack(ctx); errs[i] == nil {
				done()
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// consumer does once what a process does again and again. It calls done for each item that is
// consumed, and waits for no item when over has ended.
type consumer func(over context.Context, done func()) error

// consumed has consumers work side by side until nothing waits, or the window is over.
func (b *bed) consumed(ctx context.Context, kind taking, consumers []consumer) (f peers.Figure, err error) {
	over, stop := context.WithTimeout(ctx, b.contend.window)
	defer stop()
	var count atomic.Int64
	took := b.contend.window
	began := clock.Now()
	done := func() {
		if over.Err() == nil && count.Add(1) == int64(kind.waiting) {
			took = clock.Now() - began
			stop()
		}
	}
	errs := make([]error, len(consumers))
	var work sync.WaitGroup
	for i, consume := range consumers {
		work.Go(func() {
			for errs[i] == nil && over.Err() == nil {
				errs[i] = consume(over, done)
			}
			if errs[i] != nil {
				stop()
			}
		})
	}
	work.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return f, err
	}
	f = peers.Figure{What: kind.what, Waiting: len(consumers), Tasks: int(count.Load()), Seconds: took.Seconds()}
	if f.Tasks == 0 {
		return f, fmt.Errorf("%s by %d: no item in %v", kind.what, len(consumers), b.contend.window)
	}
	return f, nil
}
