package recipe

import (
	"context"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// What a process waits for; see Metrics.WaitBegan.
const (
	waitForSession    = "session"
	waitForName       = "name"
	waitForLeadership = "leadership"
	waitForQueue      = "queue"
	waitForRoom       = "backlog"
	waitForMaster     = "master"
)

// toldWait is one wait for another process. The metric counts it while it lasts, and the log
// has a line when it begins and one when it is over. It is not safe for concurrent use.
type toldWait struct {
	env  zkapi.Env
	obs  Observers
	what string

	lasts bool
	told  bool // the log says that it lasts
	since time.Time
}

func newToldWait(env zkapi.Env, obs Observers, what string) *toldWait {
	return &toldWait{env: env, obs: obs, what: what}
}

// begin notes that the wait lasts, for a reason that the log need not have, or has already.
func (w *toldWait) begin() {
	if !w.lasts {
		w.lasts, w.since = true, w.env.Now()
		w.obs.Metrics.WaitBegan(w.what)
	}
}

// tell is begin with a line in the log. A wait may have several, if it is for one process
// after the other.
func (w *toldWait) tell(ctx context.Context, message string, attrs ...any) {
	w.begin()
	w.told = true
	w.obs.Logger.InfoContext(ctx, message, attrs...)
}

// over ends the wait, because what it was for has come.
func (w *toldWait) over(ctx context.Context) {
	if w.lasts && w.told {
		w.obs.Logger.InfoContext(ctx, "the wait is over", "for", w.what, "after", w.env.Now().Sub(w.since))
	}
	w.giveUp()
}

// giveUp ends the wait without a word: an error or the end of the process tells why.
func (w *toldWait) giveUp() {
	if w.lasts {
		w.obs.Metrics.WaitEnded(w.what)
	}
	w.lasts, w.told = false, false
}

// crowd is the wait of many callers for the same. The log has a line when the first of them
// begins to wait, and one when the last of them has got it.
type crowd struct {
	mu  sync.Mutex
	one *toldWait
	of  int // callers
}

// join notes that one more caller waits.
func (c *crowd) join(ctx context.Context, message string, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of++
	if c.of == 1 {
		c.one.tell(ctx, message, attrs...)
	}
}

// leave notes that a caller waits no longer. served says that what it waited for has come.
func (c *crowd) leave(ctx context.Context, served bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of--
	switch {
	case served && c.of == 0:
		c.one.over(ctx)
	case c.of == 0:
		c.one.giveUp()
	}
}
