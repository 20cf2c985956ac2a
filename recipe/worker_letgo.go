package recipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

var (
	// ErrAbandoned means that a worker has given a task back although its handler had not
	// returned (WorkerConfig.Unreturned, Worker.Abandon). The handler may still run beside
	// the next owner's; only the Token distinguishes them.
	ErrAbandoned = errors.New("handler was abandoned")
	errStopped   = errors.New("worker was stopped")
)

// Unreturned is the policy for the handler of a resident task that does not return although
// its context has ended. With the zero value the worker waits for as long as it takes. It
// keeps its session and the task, so that no other worker begins, and reports that at warn
// level and by Metrics.Unreturned.
//
// Unreturned does not stop the lease. When the lease has run out and the ensemble has ended
// the session, the next owner begins even if the old handler still runs. End can prevent that
// if After is shorter than a quarter of the session timeout.
type Unreturned struct {
	// After is how long a handler may take to return; 0: for ever.
	After time.Duration
	// End is called when a handler has taken longer, and must end the process. Without
	// End, the worker abandons the handler: it gives the task back, with ErrAbandoned in
	// the record of the attempt.
	End func(reason error)
}

func (u Unreturned) check() error {
	if u.After < 0 || u.After == 0 && u.End != nil {
		return invalid("Unreturned.After %v: give a time greater than 0, or leave Unreturned out to wait for ever", u.After)
	}
	return nil
}

// How often a handler that does not return is reported.
const (
	firstWarning = time.Second
	rarestWarn   = 5 * time.Minute
)

// watchHandler reports a handler that does not return after its context has ended, and then applies
// the policy Unreturned. It ends when the handler has returned or is abandoned.
func (i *incarnation) watchHandler(ctx context.Context, e *execution, handler zkapi.Source) {
	zkapi.DependsOn(i.env, i, e)
	zkapi.Checkpoint(i.env, "attend")
	if _, err := i.env.Wait(ctx, handler); err == nil {
		return
	}
	w, cause, limit := i.worker, context.Cause(ctx), time.Duration(0)
	if e.task.Options.Resident {
		limit = w.config.Unreturned.After
	}
	since := i.env.Elapsed()
	for wait := firstWarning; ; wait = min(2*wait, rarestWarn) {
		hung := i.env.Elapsed() - since
		next := wait
		if limit > 0 {
			next = min(wait, limit-hung)
		}
		zkapi.Checkpoint(i.env, "unreturned", since, wait, next, cause)
		_, err := i.env.Wait(w.patience, handler, i.env.Timer(next))
		hung = i.env.Elapsed() - since
		switch {
		case handler.Fired():
			return
		case err != nil || limit > 0 && hung >= limit:
			i.abandon(e, hung, cause)
			return
		}
		i.hangs(e)
		w.log.WarnContext(ctx, "a handler does not return: the worker keeps the task until it does", "task", e.task.Name, "resident", e.task.Options.Resident, "waited", hung, "cause", cause)
	}
}

// abandon gives a task up whose handler does not return.
func (i *incarnation) abandon(e *execution, hung time.Duration, cause error) {
	w := i.worker
	reason := fmt.Errorf("%w: it had not returned %v after it was told to end (%v), and may still run", ErrAbandoned, hung, cause)
	i.hangs(e)
	w.log.ErrorContext(i.ctx, "a handler is abandoned", "task", e.task.Name, "attempt", e.task.Token.Attempt, "error", reason)
	if end := w.config.Unreturned.End; end != nil && w.patience.Err() == nil {
		end(fmt.Errorf("recipe: task %s, attempt %d: %w", e.task.Name, e.task.Token.Attempt, reason))
	}
	w.mu.Lock()
	if w.residents[e.task.Name] { // otherwise it has returned just now
		w.residents[e.task.Name] = false
	}
	w.mu.Unlock()
	i.finish(e, nil, reason)
	i.without(e)
}

// decline gives back a resident task that was assigned here again although its abandoned
// handler still runs here, because this worker would never begin it. The master gives the
// task to another worker, if there is one. If not, the task comes again, and is held longer
// each time.
func (i *incarnation) decline(e *execution) {
	w := i.worker
	again, still := w.declines(e.task)
	if !still {
		return
	}
	if e.held.IsZero() {
		e.held = i.env.Now()
	}
	if again > 0 && i.env.Now().Sub(e.held) < zkapi.Pause(i.env, firstDecline, mostDecline, again) {
		return // the next resync looks again
	}
	w.mu.Lock()
	w.declined[e.task.Name]++
	w.mu.Unlock()
	reason := fmt.Errorf("%w: it still runs on this worker, and the worker begins the task only when it has returned", ErrAbandoned)
	w.log.WarnContext(i.ctx, "a resident task is given back", "task", e.task.Name, "attempt", e.task.Token.Attempt, "error", reason)
	i.finish(e, nil, reason)
}

// How long a task is held before it is declined again.
const (
	firstDecline = 2 * time.Second
	mostDecline  = time.Minute
)

// hangs notes that a handler does not return, unless it has returned just now.
func (i *incarnation) hangs(e *execution) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running[e.key()] == e {
		i.worker.hangs(e, true)
	}
}

// hangs notes that a handler does not return, and that it has at last.
func (w *Worker) hangs(e *execution, now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	which := fmt.Sprintf("%s %v", e.task.Name, e.task.Token)
	if w.hung[which] == now {
		return
	}
	if now {
		w.hung[which] = true
	} else {
		delete(w.hung, which)
	}
	w.config.Metrics.Unreturned(len(w.hung))
}

// busy reports whether a handler runs that needs the session: of a resident task, or of any
// task if any is set.
func (i *incarnation) busy(any bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return containsValue(i.running, func(e *execution) bool { return any || e.task.Options.Resident })
}

// promptReturn is how long handlers may take to return before a stopping worker gives back its
// tasks, and how long that may take for manyHeld of them when they have returned.
const promptReturn = time.Second

// letGo keeps the session until the handlers have returned, so that the next owner of a
// resident task does not begin before. Their contexts have ended. It waits for those of
// ordinary tasks no longer than for the session timeout: the next execution of such a
// task may overlap. When the session is over there is nothing to keep.
func (i *incarnation) letGo() {
	switch {
	case i.Session.Cause() != nil:
		return
	case errors.Is(context.Cause(i.ctx), ErrFenced):
		i.letGoUnclaimed()
		return
	}
	began, w := i.env.Elapsed(), i.worker
	limit := promptReturn * time.Duration(1+len(i.held)/manyHeld)
	returnCtx, stop := context.WithCancel(context.Background())
	defer stop()
	var returning zkapi.Source
	for {
		waited := i.env.Elapsed() - began
		if !i.busy(waited < i.Session.Timeout()) {
			break
		}
		look := promptReturn - waited
		if look <= 0 {
			look = promptReturn
			if returning == nil {
				returning = i.env.Spawn("give back", func() { i.giveAllBack(returnCtx) })
			}
		}
		zkapi.Checkpoint(i.env, "let go", i, began, returning)
		at, err := i.env.Wait(w.patience, i.Session.Done(), i.begun, i.env.Timer(look))
		if err != nil || at == 0 {
			break
		}
	}
	if returning == nil { // attempts that end now, or were assigned just now, are put on record: they do not count
		returning = i.env.Spawn("give back", func() { i.giveAllBack(returnCtx) })
	}
	zkapi.Checkpoint(i.env, "given back", i, returning)
	_, _ = i.env.Wait(context.Background(), returning, i.Session.Done(), i.env.Timer(limit)) // abandoned executions are recorded, too
	stop()
	zkapi.Checkpoint(i.env, "given back", i, returning)
	_, _ = i.env.Wait(context.Background(), returning)
}

// letGoUnclaimed is letGo for a worker that can write nothing any more, because a master has
// taken its claim away. The master reassigns its resident tasks when the session is over. If
// the worker's znode does not belong to this session, other workers have them already.
func (i *incarnation) letGoUnclaimed() {
	w := i.worker
	var seen zkapi.Result
	again := retry.New(i.env, w.config.Observers.shared(), "look at the worker's znode")
	err := again.OnDisconnect(w.patience, i.Session, func() (err error) {
		seen, err = fence.Look(w.patience, i.Session, fence.Exists(w.layout.worker(w.config.Name)))
		return err
	})
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != i.Session.ID() {
		return
	}
	for i.busy(false) {
		zkapi.Checkpoint(i.env, "let go", i)
		at, err := i.env.Wait(w.patience, i.Session.Done(), i.begun)
		if err != nil || at == 0 {
			return
		}
	}
}

// giveAllBack runs when a worker is stopped and its handlers do not return: the worker takes
// no more tasks, and gives back each task as its handler returns. It ends when nothing runs.
func (i *incarnation) giveAllBack(ctx context.Context) {
	i.req, i.leaving = ctx, true
	i.relist()
	if i.busy(true) {
		i.worker.log.WarnContext(ctx, "the worker keeps its session until its handlers have returned, and gives back all other tasks")
	}
	logged := false
	for ctx.Err() == nil {
		last := !i.busy(true)
		err := i.retire()
		if err == nil {
			i.inbox, i.passAgain = nil, false
			err = i.readInbox()
		}
		for _, e := range i.waiting() {
			i.recall(e, errStopped)
		}
		if err == nil {
			err = i.commit()
		}
		if err != nil {
			i.relist()
		} else if len(i.arrived) > 0 {
			continue
		}
		if err == nil && last {
			return
		}
		if err != nil && !logged && ctx.Err() == nil {
			logged = true
			i.worker.log.WarnContext(ctx, "the worker cannot give back its tasks: it tries again until its handlers have returned", "every", promptReturn, "error", observe.Clip(err.Error()))
		}
		zkapi.Checkpoint(i.env, "give back", i)
		if _, err := i.env.Wait(ctx, i.relied, i.env.Timer(promptReturn)); err != nil {
			return
		}
	}
}

// Abandon stops waiting for handlers that have not returned: the session is closed and Run
// returns. The tasks go to other workers while the handlers may still run, and only the Token
// distinguishes them. It is for a caller of Close that cannot wait any longer, such as a
// process that must end.
func (w *Worker) Abandon() {
	if w.env == nil {
		return // it never ran
	}
	w.life.close()
	w.life.end(ErrClosed)
	w.endPatience(ErrAbandoned)
}
