package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// wait serves all callers that wait for one task, with one thread and one watch.
type wait struct {
	callers int
	stop    context.CancelFunc
	over    zkapi.Source
	status  Status
	err     error
	refused error // the refusal whose end it waits for, if any
}

// Await waits until the task has its status and returns it. It survives lost
// connections and sessions and changes of the master; many waits for one task
// share one watch. ErrNoTask means that there is no such task, or none any more:
// its result was collected, by a client or because its retention was over.
func (c *Client) Await(ctx context.Context, task string) (status Status, err error) {
	if c.env == nil {
		return Status{}, errZero
	}
	ctx, end := c.obs.Tracer(ctx, "await", slog.String("task", task))
	defer func() { end(err) }()
	if err := checkTask(task); err != nil {
		return Status{}, err
	}
	for {
		status, joined, err := c.awaitShared(ctx, task)
		if joined && errors.Is(err, ErrNoTask) {
			continue // an older wait may have looked before the task existed
		}
		return status, err
	}
}

// awaitShared waits together with others; joined says that they were first.
func (c *Client) awaitShared(ctx context.Context, task string) (status Status, joined bool, err error) {
	w, joined := c.joinWait(task)
	defer c.leaveWait(task, w)
	zkapi.Checkpoint(c.env, "await", task)
	if _, err := c.env.Wait(ctx, w.over); err != nil {
		c.mu.Lock()
		refused := w.refused
		c.mu.Unlock()
		return Status{}, false, c.shared.Explained(retry.Unless(err, refused))
	}
	return w.status, joined, w.err
}

func (c *Client) joinWait(task string) (w *wait, joined bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w = c.waits[task]
	joined = w != nil && !w.over.Fired()
	if !joined {
		w = &wait{}
		var ctx context.Context
		ctx, w.stop = context.WithCancel(c.shared.Life())
		w.over = c.env.Spawn("await", func() { w.status, w.err = c.await(ctx, w, task) })
		c.waits[task] = w
	}
	w.callers++
	return w, joined
}

// leaveWait ends a wait when its last caller has left, and forgets a finished one: a later
// caller reads the status itself.
func (c *Client) leaveWait(task string, w *wait) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.callers--
	if w.callers == 0 {
		w.stop()
	}
	if (w.callers == 0 || w.over.Fired()) && c.waits[task] == w {
		delete(c.waits, task)
	}
}

// await follows the status of one task. When the watch on the status has fired, one read is enough
// as a rule, because most watches fire when the status is created.
func (c *Client) await(ctx context.Context, w *wait, task string) (Status, error) {
	for {
		var status Status
		var ended bool
		err := c.withSession(ctx, func(session zkapi.Session) error {
			var err error
			var changed zkapi.Source
			_, _, reconnected := session.Connection()
			zkapi.Checkpoint(c.env, "look", session, task, reconnected)
			status, ended, changed, err = c.look(ctx, session, task)
			c.noteRefusal(w, err)
			if err != nil || ended {
				return err
			}
			zkapi.Checkpoint(c.env, "wait for the status", session, task)
			_, err = c.env.Wait(ctx, fence.Sources(changed, reconnected, session.Done(), c.env.Timer(awaitResync))...)
			if err != nil || !fired(changed) {
				return err
			}
			zkapi.Checkpoint(c.env, "read the status", session, task)
			status, ended, err = c.readStatus(ctx, session, task)
			c.noteRefusal(w, err)
			if errors.Is(err, zkapi.ErrNoNode) {
				return nil // it is gone again: the next look finds out why
			}
			return err
		})
		if err != nil || ended {
			return status, err
		}
	}
}

// obstructed is the error of a task whose status is not persistent.
func (c *Client) obstructed(ctx context.Context, session zkapi.Session, task string) error {
	seen, err := fence.Look(ctx, fence.Of(session), fence.Exists(c.layout.status(task)))
	if err == nil && seen.Found && seen.Stat.Owner() != zkapi.OwnerNone {
		return fmt.Errorf("%w: %w", ErrObstructed, &obstacle.Error{Problem: c.layout.statusProblem(task, seen.Stat)})
	}
	if zkapi.Refused(err) {
		return nil
	}
	return err
}

// noteRefusal keeps a refusal for the errors of the callers.
func (c *Client) noteRefusal(w *wait, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.refused = nil
	if zkapi.Refused(err) {
		w.refused = err
	}
}

// awaitResync is how often a waiting client reads again without an event.
const awaitResync = 5 * resyncInterval

// look reads the status, or sets a watch on its creation.
func (c *Client) look(ctx context.Context, session zkapi.Session, task string) (s Status, ended bool, changed zkapi.Source, err error) {
	seen, err := fence.Look(ctx, fence.Of(session), fence.Exists(c.layout.status(task)).Watched())
	if err != nil {
		return Status{}, false, nil, err
	}
	if seen.Found && seen.Stat.Owner() != zkapi.OwnerNone { // it is no result
		c.notices.Report(ctx, c.obs.Logger, c.layout.statusProblem(task, seen.Stat), seen.Stat)
		return Status{}, false, seen.Watch, nil
	}
	if !seen.Found {
		return Status{}, false, seen.Watch, taskExists(ctx, fence.Of(session), c.layout, task)
	}
	s, ended, err = c.readStatus(ctx, session, task)
	if errors.Is(err, zkapi.ErrNoNode) {
		err = fmt.Errorf("%w: %s was collected", ErrNoTask, task)
	}
	return s, ended, seen.Watch, err
}

// readStatus reads the status of a task, without a watch. A status that is not persistent is no
// result, and ended is false then.
func (c *Client) readStatus(ctx context.Context, session zkapi.Session, task string) (s Status, ended bool, err error) {
	got, err := session.Do(ctx, zkapi.Get(c.layout.status(task)))
	if err != nil || got.Stat.Owner() != zkapi.OwnerNone {
		return Status{}, false, err
	}
	s = decodeStatus(got.Data)
	if problem, odd := c.layout.wordProblem(task, s); odd {
		c.notices.Report(ctx, c.obs.Logger, problem, got.Stat)
	}
	return s, true, nil
}

// taskExists returns ErrNoTask if the task does not exist. It syncs before it says so,
// because a new session may read from a server that lags behind the one that accepted the
// task.
func taskExists(ctx context.Context, session fence.Session, l layout, task string) error {
	for _, synced := range []bool{false, true} {
		if synced {
			if _, err := session.Do(ctx, fence.Sync(l.task(task))); err != nil {
				return err
			}
		}
		found, err := session.Do(ctx, fence.Exists(l.task(task)))
		if err != nil || found.Found {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrNoTask, task)
}
