package retry

import (
	"context"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Told is one wait for another process. The metric counts it while it lasts, and the log
// has a line when it begins and one when it is over. It is not safe for concurrent use.
type Told struct {
	env  zkapi.Env
	obs  observe.Observer
	what string

	lasts bool
	told  bool // the log says that it lasts
	since time.Time
}

// NewTold is a wait that has not begun. what is its name in the metric.
func NewTold(env zkapi.Env, obs observe.Observer, what string) *Told {
	return &Told{env: env, obs: obs, what: what}
}

// Begin notes that the wait lasts, for a reason that the log need not have, or has already.
func (w *Told) Begin() {
	if !w.lasts {
		w.lasts, w.since = true, w.env.Now()
		w.obs.Metrics.WaitBegan(w.what)
	}
}

// Tell is Begin with a line in the log. A wait may have several, if it is for one process
// after the other.
func (w *Told) Tell(ctx context.Context, message string, attrs ...any) {
	w.Begin()
	w.told = true
	w.obs.Logger.InfoContext(ctx, message, attrs...)
}

// Over ends the wait, because what it was for has come.
func (w *Told) Over(ctx context.Context) {
	if w.lasts && w.told {
		w.obs.Logger.InfoContext(ctx, "the wait is over", "for", w.what, "after", w.env.Now().Sub(w.since))
	}
	w.GiveUp()
}

// GiveUp ends the wait without a word: an error or the end of the process tells why.
func (w *Told) GiveUp() {
	if w.lasts {
		w.obs.Metrics.WaitEnded(w.what)
	}
	w.lasts, w.told = false, false
}

// Crowd is the wait of many callers for the same. The log has a line when the first of them
// begins to wait, and one when the last of them has got it.
type Crowd struct {
	mu  sync.Mutex
	one *Told
	of  int // callers
}

// NewCrowd is a crowd that waits for one thing.
func NewCrowd(one *Told) *Crowd { return &Crowd{one: one} }

// Join notes that one more caller waits.
func (c *Crowd) Join(ctx context.Context, message string, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of++
	if c.of == 1 {
		c.one.Tell(ctx, message, attrs...)
	}
}

// Leave notes that a caller waits no longer. served says that what it waited for has come.
func (c *Crowd) Leave(ctx context.Context, served bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of--
	switch {
	case served && c.of == 0:
		c.one.Over(ctx)
	case c.of == 0:
		c.one.GiveUp()
	}
}

// Said reports whether the log says that the wait lasts.
func (w *Told) Said() bool { return w.told }
