package queue

import (
	"context"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// turn lets one caller at a time go on, in the order in which they came. A mutex does not do: its
// holder sends requests, and each caller waits no longer than its own context.
type turn struct {
	mu      sync.Mutex
	busy    bool
	waiting []zkapi.Signal
}

// take waits for the turn.
func (t *turn) take(ctx context.Context, env zkapi.Env) error {
	t.mu.Lock()
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return nil
	}
	ready := env.Signal()
	t.waiting = append(t.waiting, ready)
	t.mu.Unlock()
	zkapi.Checkpoint(env, "wait for the turn", ctx, ready)
	_, err := env.Wait(ctx, ready)
	if err == nil {
		return nil
	}
	t.mu.Lock()
	at := slices.Index(t.waiting, ready)
	if at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
	}
	t.mu.Unlock()
	if at < 0 { // it was given the turn meanwhile
		t.leave()
	}
	return err
}

// leave gives the turn to the next one.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy = len(t.waiting) > 0; t.busy {
		t.waiting[0].Raise()
		t.waiting = t.waiting[1:]
	}
}
