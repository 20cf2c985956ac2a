package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func numbered(prefix string, i int) string { return fmt.Sprintf("%s%06d", prefix, i) }

// times are the durations of one kind of request.
type times []time.Duration

// at returns the percentile p.
func (t times) at(p int) time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func (t times) String() string {
	return fmt.Sprintf("median %v, p99 %v", t.at(50).Round(10*time.Microsecond), t.at(99).Round(10*time.Microsecond))
}

// lone measures one task at a time, from Submit to the end of Await, beside one plain create at
// a time.
func lone(ctx context.Context, b *bed) error {
	g := b.group(ctx)
	defer g.stop()
	if _, err := g.workers(2, handlers); err != nil {
		return err
	}
	if _, _, err := g.master("master-1", 0); err != nil {
		return err
	}
	tasks, creates, err := b.oneAtATime(ctx, 300)
	if err != nil {
		return err
	}
	b.says("one plain create", "%v", creates)
	b.against(ratio(tasks, creates), "one create (medians)", "one task, from Submit to its result", "%v", tasks)
	return nil
}

func ratio(a, b times) float64 { return float64(a.at(50)) / float64(b.at(50)) }

// oneAtATime measures n tasks and n creates in turn, with pauses between them.
func (b *bed) oneAtATime(ctx context.Context, n int) (tasks, creates times, err error) {
	client, err := recipe.NewClient(b.driver, recipe.ClientConfig{})
	if err != nil {
		return nil, nil, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.Do(ctx, payload); err != nil { // connects
		return nil, nil, err
	}
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, "/plain"); err != nil {
			return err
		}
		for range n {
			began := clock.Now()
			if _, err := client.Do(ctx, payload); err != nil {
				return err
			}
			tasks = append(tasks, clock.Now()-began)
			if err := pause(ctx); err != nil {
				return err
			}
			began = clock.Now()
			if _, err := session.Do(ctx, zkapi.Create("/plain/znode-", payload, zkapi.PersistentSequential)); err != nil {
				return err
			}
			creates = append(creates, clock.Now()-began)
			if err := pause(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return tasks, creates, err
}

// pause lets the processes come to rest between two measurements.
func pause(ctx context.Context) error {
	select {
	case <-time.After(15 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
