package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

func numbered(prefix string, i int) string { return fmt.Sprintf("%s%06d", prefix, i) }

// lone measures one task at a time, from Submit to the end of Await, beside one plain create at
// a time. It prints the requests of the task whose time is the median.
func lone(ctx context.Context, b *bed) error {
	var notes tape
	g := b.group(ctx)
	g.env = func(role string) (zkapi.Env, error) { return notes.driver(b, role) }
	defer g.stop()
	if _, err := g.workers(2, handlers); err != nil {
		return err
	}
	if _, _, err := g.master("master-1", 0); err != nil {
		return err
	}
	client, err := notes.driver(b, "client")
	if err != nil {
		return err
	}
	one, err := b.oneAtATime(ctx, client, b.lone, &notes)
	if err != nil {
		return err
	}
	return b.sayLone(one)
}

// sayLone adds the figures, and prints the requests of the task of the median.
func (b *bed) sayLone(one inTurn) error {
	b.says("one plain create", "%v", one.creates)
	b.against(ratio(one.tasks, one.creates), "one create (medians)", "one task, from Submit to its result", "%v", one.tasks)
	at := middle(one.tasks)
	noted := one.noted[at]
	c := countOf(noted)
	b.says("requests for the task of the median", "%d, %d of them writes; and %d events", c.requests, c.writes, c.events)
	fmt.Fprintf(b.out, "\nThe requests of the task of the median, %v from Submit to its result, %.2f x one create:\n", short(one.tasks[at]), float64(one.tasks[at])/float64(one.creates.at(50)))
	if err := printExchanges(b.out, noted); err != nil {
		return err
	}
	fmt.Fprintln(b.out)
	return nil
}

// inTurn are the times of tasks and creates that had their turn one after the other, and the
// requests of each task.
type inTurn struct {
	tasks, creates times
	noted          [][]exchange
}

// oneAtATime measures n tasks and n creates in turn, with pauses between them. The client of the
// tasks is on env. notes has the connections of the group.
func (b *bed) oneAtATime(ctx context.Context, env zkapi.Env, n int, notes *tape) (one inTurn, err error) {
	client, err := recipe.NewClient(env, recipe.ClientConfig{})
	if err != nil {
		return one, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.Do(ctx, payload); err != nil { // connects
		return one, err
	}
	err = b.with(ctx, func(session zkapi.Session) error {
		if err := make1(ctx, session, "/plain"); err != nil {
			return err
		}
		for range n {
			notes.start()
			began := clock.Now()
			if _, err := client.Do(ctx, payload); err != nil {
				return err
			}
			one.tasks = append(one.tasks, clock.Now()-began)
			one.noted = append(one.noted, notes.stop())
			if err := pause(ctx); err != nil {
				return err
			}
			began = clock.Now()
			if _, err := session.Do(ctx, zkapi.Create("/plain/znode-", payload, zkapi.PersistentSequential)); err != nil {
				return err
			}
			one.creates = append(one.creates, clock.Now()-began)
			if err := pause(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return one, err
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
