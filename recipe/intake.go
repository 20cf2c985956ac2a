package recipe

import (
	"context"
	"iter"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// intake reads the input of a call that takes many items: a thread of its own reads ahead, so
// that an item is dealt with while the next one has not come yet.
type intake[T any] struct {
	env    zkapi.Env
	most   ahead
	thread zkapi.Source
	came   zkapi.Signal // an item, or the end
	left   zkapi.Signal // items were delivered: there is room

	mu    sync.Mutex
	items []T
	held  ahead // items that were read and are not delivered
	over  bool
	panic any // of the input
}

// ahead bounds how far an input is read ahead, or says how far it is.
type ahead struct{ items, bytes int }

// inOrder reads items ahead, and yields them in the order of the input when they are settled.
// settle is given the items that are not yet delivered, settles at least the first of them, and
// returns how many are settled in a row. When ctx has ended, one more item is read, so that a
// caller whose input was not read to its end hears of it. The context of input and settle ends
// with the loop, too.
func inOrder[T any](ctx context.Context, env zkapi.Env, most ahead, input func(context.Context) iter.Seq[T], size func(T) int,
	settle func(ctx context.Context, open []T) int, yield func(T) bool,
) {
	ctx, stop := context.WithCancel(ctx)
	in := &intake[T]{env: env, most: most, came: env.Signal(), left: env.Signal()}
	in.thread = env.Spawn("input", func() { in.read(ctx, input(ctx), size) })
	defer in.end()
	defer stop()
	var open []T
	for {
		open = append(open, in.take(ctx, len(open) == 0)...)
		if len(open) == 0 {
			return
		}
		n := settle(ctx, open)
		for _, item := range open[:n] {
			in.deliver(size(item))
			if !yield(item) {
				return
			}
		}
		clear(open[:n])
		open = open[n:]
	}
}

// read is the thread that reads the input.
func (in *intake[T]) read(ctx context.Context, input iter.Seq[T], size func(T) int) {
	defer func() {
		in.mu.Lock()
		in.over, in.panic = true, recover()
		in.mu.Unlock()
		in.came.Raise()
	}()
	for item := range input {
		last := ctx.Err() != nil
		in.put(item, size(item))
		if last {
			return
		}
		for in.full() {
			if _, err := in.env.Wait(ctx, in.left); err != nil {
				break
			}
		}
	}
}

func (in *intake[T]) put(item T, bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.items = append(in.items, item)
	in.held.items++
	in.held.bytes += bytes
	in.came.Raise()
}

func (in *intake[T]) full() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held.items >= in.most.items || in.held.bytes >= in.most.bytes
}

// take returns what was read since; if it must wait, at least one item, unless the input has
// ended. It waits for the input also when ctx has ended.
func (in *intake[T]) take(ctx context.Context, wait bool) []T {
	for {
		in.mu.Lock()
		items, over := in.items, in.over
		in.items = nil
		in.mu.Unlock()
		if len(items) > 0 || over || !wait {
			return items
		}
		_, _ = in.env.Wait(context.WithoutCancel(ctx), in.came)
	}
}

// deliver notes that an item leaves.
func (in *intake[T]) deliver(bytes int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held.items--
	in.held.bytes -= bytes
	in.left.Raise()
}

// end waits for the thread that reads the input, and panics if the input did.
func (in *intake[T]) end() {
	_, _ = in.env.Wait(context.Background(), in.thread)
	if in.panic != nil {
		panic(in.panic)
	}
}

// aloneAtOnce is how many items that were taken out of their batches are under way at a time.
const aloneAtOnce = 64

// eachAlone calls do for each item, for several at a time.
func eachAlone[T any](env zkapi.Env, ctx context.Context, name string, items []T, do func(T)) {
	if len(items) == 1 {
		do(items[0])
		return
	}
	var mu sync.Mutex
	next := 0
	take := func() (n int, more bool) {
		mu.Lock()
		defer mu.Unlock()
		n = next
		next++
		return n, n < len(items)
	}
	var threads []zkapi.Source
	for range min(len(items), aloneAtOnce) {
		threads = append(threads, env.Spawn(name, func() {
			for n, more := take(); more; n, more = take() {
				do(items[n])
			}
		}))
	}
	for _, thread := range threads { // each ends when ctx does
		_, _ = env.Wait(context.WithoutCancel(ctx), thread)
	}
}

// mapped applies f to each item.
func mapped[T, U any](items iter.Seq[T], f func(T) U) iter.Seq[U] {
	return func(yield func(U) bool) {
		for item := range items {
			if !yield(f(item)) {
				return
			}
		}
	}
}
