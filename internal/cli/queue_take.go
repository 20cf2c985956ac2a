package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe/queue"
)

// QueueTake is the command queue take: it runs a command for an item.
type QueueTake struct {
	Queue
	Count   int           // of items; 0: go on for ever
	Timeout time.Duration // how long it waits for an item
	Limited bool          // Timeout counts; otherwise it waits for ever
}

var (
	// errNoItem means that no item was free for too long.
	errNoItem = errors.New("no item was free in time")
	// errSome means that the command has failed for some items, which are in the queue again.
	errSome = errors.New("the command failed for some items: they were given back")
)

const (
	// calm and calmest bound the pauses after a command that has failed, because the same item is
	// probably the next.
	calm, calmest = time.Second, 30 * time.Second
)

// Run takes items, and runs the command for each of them. An item whose command ends with 0 is
// acknowledged, and the others are given back.
func (t QueueTake) Run(ctx context.Context, o *Options, streams Streams, name string, command []string) error {
	switch {
	case t.Timeout < 0:
		return misuse("queue take: --timeout %v: give a time, or 0 to take an item at once or not at all", t.Timeout)
	case t.Count < 0:
		return misuse("queue take: --count %d: give a number, or 0 to go on for ever", t.Count)
	}
	q, env, log, err := t.open(o, name)
	if err != nil {
		return err
	}
	defer endSession(q.Close)
	failed, pause := 0, calm
	for n := 1; ; n++ {
		held, err := t.take(ctx, o, env, q)
		if err != nil {
			return fmt.Errorf("queue take: %w", err)
		}
		code, err := t.one(ctx, q, held, log, streams, command)
		switch {
		case err != nil:
			return err
		case code != 0 && t.Count == 1:
			return exit.With(exit.Code(code), errChild)
		case code != 0:
			failed++
			log.Warn("the command has failed: the item was given back", "item", held.ID(), "exit_code", code, "takes", held.Takes())
		}
		switch {
		case n == t.Count && failed > 0:
			return errSome
		case n == t.Count:
			return nil
		case code == 0:
			pause = calm
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause = min(2*pause, calmest)
	}
}

// take waits for an item.
func (t QueueTake) take(ctx context.Context, o *Options, env *grantedEnv, q *queue.Queue) (*queue.Taken, error) {
	ctx, stop := o.untilLate(ctx, env)
	defer stop()
	if t.Limited && t.Timeout == 0 {
		return q.TryTake(ctx)
	}
	if t.Limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.Timeout, errNoItem)
		defer cancel()
	}
	return q.Take(ctx)
}

// one runs the command for an item, and acknowledges it or gives it back.
func (t QueueTake) one(ctx context.Context, q *queue.Queue, held *queue.Taken, log *slog.Logger, streams Streams, command []string) (code int, err error) {
	code, lost, problem := runUnder(ctx, right{
		name: "claim of the item", left: held.Left, context: held.Context(), in: bytes.NewReader(held.Payload()),
		env: []string{"RINGMASTER_QUEUE=" + q.Path(), "RINGMASTER_ITEM=" + held.ID(), fmt.Sprintf("RINGMASTER_TOKEN=%d", held.Token()), fmt.Sprintf("RINGMASTER_TAKES=%d", held.Takes())},
	}, streams, command, log)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	switch {
	case lost:
		cause := cmp.Or(context.Cause(held.Context()), errSoon)
		_ = held.Release(ending) // if it is not confirmed, the claim ends with the session
		return 0, exit.With(exit.Lost, fmt.Errorf("queue take: %s: %w; the command was ended", held.ID(), cause))
	case problem == nil && code == 0:
		if err := held.Ack(ending); err != nil {
			return 0, fmt.Errorf("queue take: the command has ended well, but %s is not acknowledged: %w", held.ID(), err)
		}
		return 0, nil
	}
	if err := held.Release(ending); err != nil {
		log.Warn("the item may be held until the session timeout", "item", held.ID(), "error", err)
	}
	if problem != nil {
		return 0, misuse("queue take: the command cannot be run: %w", problem)
	}
	return code, nil
}
