package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	between = 100 * time.Millisecond // between two looks at a queue that may be empty, and at the time
	settled = time.Second            // in which the recipe finishes what it does in the background
	revival = 2 * time.Second        // how often a producer looks at the dead letters
)

// pause waits, unless ctx ends.
func (p participant) pause(ctx context.Context, long time.Duration) {
	_, _ = p.Env.Wait(ctx, p.Env.Timer(long))
}

// producer puts items.
type producer struct{ participant }

// order is an item that a producer means to put.
type order struct {
	history.Item
	history.Intended
	waits bool // for room in the queue
}

// batch is what a producer means to put with one call.
type batch struct {
	orders []order
	within time.Duration // when it gives up; 0: never
}

// draw makes up a batch. One in five has several items, one item in five is delayed, one in three has a
// priority, one in fifteen is poison. One call in ten gives up early.
func draw(rng *rand.Rand, id func() string) batch {
	var b batch
	n := 1
	if rng.IntN(5) == 0 {
		n = 2 + rng.IntN(12)
	}
	for range n {
		o := order{Item: history.Item{ID: id(), Poison: rng.IntN(15) == 0}, Intended: history.Intended{Queue: jobs, Priority: queue.DefaultPriority, Together: n}}
		if rng.IntN(3) == 0 {
			o.Priority = []int{0, 50, 200}[rng.IntN(3)]
		}
		if rng.IntN(5) == 0 {
			o.Delay = time.Duration(20+rng.IntN(1500)) * time.Millisecond
		}
		o.waits = rng.IntN(3) == 0
		b.orders = append(b.orders, o)
	}
	if rng.IntN(10) == 0 {
		b.within = time.Duration(1+rng.IntN(200)) * time.Millisecond
	}
	return b
}

// run puts items at the rate of the run. When the run drains, it puts the last ones, however long that
// takes: the queue must work when all faults are healed.
func (p producer) run(ctx context.Context) {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(p.Life)))
	number := 0
	id := func() string { number++; return fmt.Sprintf("%s.%d.%d", p.Name, p.Life, number) }
	next, revived := p.Now(), p.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Draining:
			p.last(ctx, id)
			return
		default:
		}
		if wait := next - p.Now(); wait > 0 {
			p.pause(ctx, min(wait, between))
			continue
		}
		b := draw(rng, id)
		next += time.Duration(float64(len(b.orders)) * float64(time.Second) / p.Rate)
		next = max(next, p.Now()-time.Second) // what a fault has delayed is not made up for
		p.put(ctx, b)
		if p.Now()-revived > revival {
			revived = p.Now()
			p.revive(ctx, rng)
		}
	}
}

// last puts some items, one of which is delayed, and some that go from one consumer to another until they
// are dead letters: those of the load may all have failed.
func (p producer) last(ctx context.Context, id func() string) {
	for failures := 1; ctx.Err() == nil; failures++ {
		var b batch
		const all = 6
		for n := range all {
			o := order{Item: history.Item{ID: id(), Poison: n > 2}, Intended: history.Intended{Queue: jobs, Priority: queue.DefaultPriority, Together: all}, waits: true}
			if n == 1 {
				o.Delay = 20 * time.Millisecond
			}
			b.orders = append(b.orders, o)
		}
		if p.put(ctx, b) {
			return
		}
		p.Pause(ctx, failures)
	}
}

// put puts the items of a batch, and reports whether all are in the queue.
func (p producer) put(ctx context.Context, b batch) (all bool) {
	if b.within > 0 {
		limited, cancel := context.WithTimeout(ctx, b.within)
		defer cancel()
		ctx = limited
	}
	var items []queue.Item
	var began []record.Event
	for _, o := range b.orders {
		intended, err := record.NewOwn("", o.Intended)
		if err != nil {
			panic(fmt.Sprintf("queue: %v", err)) // plain fields only
		}
		intended.ID = o.ID
		began = append(began, p.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Put, Of: intended}))
		items = append(items, queue.Item{Payload: []byte(o.Item.String()), Options: o.options()})
	}
	all = true
	n := 0
	for name, err := range p.queue.PutAll(ctx, slices.Values(items)) {
		all = all && err == nil
		p.complete(began[n], b.orders[n], name, err)
		n++
	}
	return all && n == len(items)
}

// options are those of the recipe for an order.
func (o order) options() []queue.Option {
	var all []queue.Option
	if o.Priority != queue.DefaultPriority {
		all = append(all, queue.Priority(o.Priority))
	}
	if o.Delay > 0 {
		all = append(all, queue.Delay(o.Delay))
	}
	if o.waits {
		all = append(all, queue.WaitForRoom())
	}
	return all
}

// complete notes what has become of an item.
func (p producer) complete(began record.Event, o order, name string, err error) {
	end := record.Own{ID: o.ID}
	switch {
	case err == nil:
		if folder := history.Line; name != "" {
			if o.Delay > 0 {
				folder = history.Delayed
			}
			end.Object = in(folder) + "/" + name
		}
		p.Journal.Complete(began, record.OK, end)
	case zkapi.FateOf(err) == zkapi.NotApplied:
		end.Remark = err.Error()
		p.Journal.Complete(began, record.Fail, end)
	default:
		end.Remark = err.Error()
		p.Journal.Complete(began, record.Info, end)
	}
}

// revive brings some dead letters back. Poison comes back as well, and dies again.
func (p producer) revive(ctx context.Context, rng *rand.Rand) {
	limited, cancel := context.WithTimeout(ctx, revival)
	defer cancel()
	listed, err := p.queue.List(limited)
	if err != nil {
		p.Log.Debug("list", "error", err)
		return
	}
	for _, dead := range listed.Dead {
		if rng.IntN(8) > 0 {
			continue
		}
		if _, err := p.queue.Requeue(limited, dead.ID); err != nil && !errors.Is(err, queue.ErrUnknownItem) {
			p.Log.Debug("requeue", "item", dead.ID, "error", err)
		}
	}
}
