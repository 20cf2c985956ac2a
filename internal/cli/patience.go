package cli

import (
	"sync"
	"time"
)

// patience calls late when nothing has come for a while although something is awaited.
type patience struct {
	limit time.Duration // 0: it never does
	late  func()

	mu     sync.Mutex
	timer  *time.Timer
	paused bool
}

// await begins to wait, unless it waits already or is paused.
func (p *patience) await() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit > 0 && !p.paused && p.timer == nil {
		p.timer = time.AfterFunc(p.limit, p.late)
	}
}

// pause ends the wait, because something has come.
func (p *patience) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// goOn waits again if there is something to wait for.
func (p *patience) goOn(more func() bool) {
	p.mu.Lock()
	p.paused = false
	wait := more()
	p.mu.Unlock()
	if wait {
		p.await()
	}
}

// fifo is a queue between two goroutines.
type fifo[T any] struct {
	mu    sync.Mutex
	items []T
}

func (q *fifo[T]) push(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
}

// pop takes what was pushed first. There must be something.
func (q *fifo[T]) pop() (item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	item, q.items = q.items[0], q.items[1:]
	return item
}

// some reports whether there is something.
func (q *fifo[T]) some() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) > 0
}
