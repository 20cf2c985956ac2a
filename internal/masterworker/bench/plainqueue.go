package bench

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// plainItems is the parent of the znodes that are items of no queue.
const plainItems = "/plain-items"

// floorOfQueues is the least that plain requests take for a queue: the creates and the deletes of as
// many items, without a claim.
func (b *bed) floorOfQueues(ctx context.Context) (all []peers.Figure, err error) {
	_, f, err := b.plainPuts(ctx, peers.Puts, b.contend.pairs, 1)
	if err != nil {
		return nil, err
	}
	all = append(all, f)
	for _, kind := range b.takings() {
		for _, n := range b.contend.consumers {
			paths, put, err := b.plainPuts(ctx, peers.PutsOfMany, kind.waiting, queue.MostAtOnce)
			if err != nil {
				return nil, err
			}
			if f, err = b.plainTakes(ctx, paths, n, kind); err != nil {
				return nil, err
			}
			if kind.what == peers.TakesOfMany && n == b.contend.consumers[0] { // as many as the recipe puts
				all = append(all, put)
			}
			all = append(all, f)
			if err := b.remove(ctx, plainItems); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// plainPuts creates n items, each so many by one request, one request after the other.
func (b *bed) plainPuts(ctx context.Context, what string, n, each int) (paths []string, f peers.Figure, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, plainItems); err != nil {
			return err
		}
		began := clock.Now()
		for len(paths) < n {
			ops := make([]zkapi.Op, min(each, n-len(paths)))
			for i := range ops {
				ops[i] = zkapi.Create(plainItems+"/entry-100-", payload, zkapi.PersistentSequential)
			}
			if each == 1 {
				made, err := session.Do(ctx, ops[0])
				if err != nil {
					return err
				}
				paths = append(paths, made.Path)
				continue
			}
			made, err := session.Do(ctx, zkapi.Multi(ops...))
			if err != nil {
				return err
			}
			for _, one := range made.Results {
				paths = append(paths, one.Path)
			}
		}
		f = peers.Figure{What: what, Tasks: n, Seconds: (clock.Now() - began).Seconds()}
		return nil
	})
	return paths, f, err
}

// plainTakes has n sessions delete items, each so many at a time.
func (b *bed) plainTakes(ctx context.Context, paths []string, n int, kind taking) (f peers.Figure, err error) {
	var next atomic.Int64
	consumers := make([]consumer, n)
	for i := range consumers {
		session, err := b.plain.Open(ctx)
		if err != nil {
			return f, err
		}
		defer func() { err = errors.Join(err, session.Close(context.WithoutCancel(ctx))) }()
		consumers[i] = func(over context.Context, done func()) error {
			to := int(next.Add(int64(kind.each)))
			from := min(to-kind.each, len(paths))
			if from == len(paths) { // the others delete the last ones
				<-over.Done()
				return nil
			}
			var ops []zkapi.Op
			for _, path := range paths[from:min(to, len(paths))] {
				ops = append(ops, zkapi.Delete(path, zkapi.AnyVersion))
			}
			replies := session.DoAll(ctx, ops)
			for _, reply := range replies {
				if reply.Err == nil {
					done()
				}
			}
			return firstError(replies)
		}
	}
	return b.consumed(ctx, kind, consumers)
}
