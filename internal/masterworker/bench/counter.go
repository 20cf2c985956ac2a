package bench

import (
	"context"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/peers"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// additions measures the counters of package value, and those of other libraries, beside plain sets.
func additions(ctx context.Context, b *bed) error {
	b.contend.crowds = b.contend.adders
	return b.contended(ctx, b.others.counters, b.floorOfAdds, func(ctx context.Context, path string) (all []peers.Figure, err error) {
		for _, n := range b.contend.adders {
			added, took, err := b.adders(ctx, path, n)
			if err != nil {
				return nil, err
			}
			all = append(all, peers.Figure{What: peers.Adds, Waiting: n, Tasks: added, Seconds: took.Seconds()})
		}
		return all, nil
	})
}

// adders has n processes add to one counter, and counts the additions of the window.
func (b *bed) adders(ctx context.Context, path string, n int) (added int, took time.Duration, err error) {
	turns := make([]turn, n)
	for i := range turns {
		driver, err := b.connect(10 * time.Second)
		if err != nil {
			return 0, 0, err
		}
		values, err := value.New(driver, value.Config{})
		if err != nil {
			return 0, 0, err
		}
		defer values.Close(context.WithoutCancel(ctx))
		if _, err := values.Count(ctx, path); err != nil { // connects
			return 0, 0, err
		}
		turns[i] = func(done func()) error {
			_, err := values.Add(ctx, path, 1)
			done()
			return err
		}
	}
	return b.counted(ctx, turns)
}

// floorOfAdds is the least that plain requests take for an addition: one set after the other.
func (b *bed) floorOfAdds(ctx context.Context) (all []peers.Figure, err error) {
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, "/sets"); err != nil {
			return err
		}
		began := clock.Now()
		for range b.contend.pairs {
			if _, err := session.Do(ctx, zkapi.Set("/sets", payload, zkapi.AnyVersion)); err != nil {
				return err
			}
		}
		all = []peers.Figure{{What: peers.Adds, Waiting: 1, Tasks: b.contend.pairs, Seconds: (clock.Now() - began).Seconds()}}
		return nil
	})
	return all, err
}
