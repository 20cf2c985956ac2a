package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Cancel gives a task the status Cancelled, unless it has a status already, and returns the
// task's status. A waiting task ends at once. For a running execution, the master ends the
// handler's context as soon as it sees the status; a late result is refused. A task that is
// assigned at the same moment may still start, and is stopped then. ErrInDoubt means that ctx
// ended before an answer came.
func (c *Client) Cancel(ctx context.Context, task string) (Status, error) {
	if c.env == nil {
		return Status{}, errZero
	}
	if err := checkTask(task); err != nil {
		return Status{}, err
	}
	status := Status{State: Cancelled, Reason: "cancelled by a client", Ended: c.env.Now().UTC()}
	cancel := cancellation{client: c, task: task}
	cancel.create = zkapi.Create(c.layout.status(task), status.encode(), zkapi.Persistent).WithACL(c.layout.access.record())
	err := c.withSession(ctx, func(session zkapi.Session) error { return cancel.try(ctx, session) })
	if errors.Is(err, zkapi.ErrNoNode) {
		err = fmt.Errorf("%w: %s", ErrNoTask, task)
	}
	err = cancel.doubtful.asError(err)
	if err != nil {
		return Status{}, err
	}
	return c.Await(ctx, task)
}

// cancellation is one call of Cancel.
type cancellation struct {
	client   *Client
	task     string
	create   zkapi.Op // of the status
	seen     int64    // czxid of the task that is meant; 0 while it is not known
	doubtful doubt
}

// try makes one try. If the answer to an earlier try was lost, the id may now stand for
// another task.
func (m *cancellation) try(ctx context.Context, session zkapi.Session) error {
	c, l := m.client, m.client.layout
	if m.doubtful && m.seen != 0 {
		if _, err := session.Do(ctx, zkapi.Sync(l.task(m.task))); err != nil {
			return err
		}
		now, err := session.Do(ctx, zkapi.Exists(l.task(m.task)))
		if err != nil {
			return err
		}
		if now.Found && now.Stat.Czxid != m.seen {
			return fmt.Errorf("%w: %s was collected, and another task has its id now", ErrNoTask, m.task)
		}
	}
	replies := session.DoAll(ctx, []zkapi.Op{
		zkapi.Exists(l.task(m.task)),
		zkapi.Multi(m.create, zkapi.Set(l.tasks(), []byte(m.task), zkapi.AnyVersion)), // the cancellation notice: the master looks
	})
	if m.seen == 0 && replies[0].Err == nil {
		m.seen = replies[0].Stat.Czxid
	}
	err := replies[1].Err
	if zkapi.FailedIndex(err) == 1 && zkapi.Refused(err) { // the notice is refused, not the task: the master finds out later
		c.obs.Logger.WarnContext(ctx, "a task is cancelled, but the server refused the notice to the master: the master sees it at its next resync", "task", m.task, "error", err)
		_, err = session.Do(ctx, zkapi.Multi(m.create))
	}
	if errors.Is(err, zkapi.ErrNodeExists) { // perhaps by this very call, unanswered
		return c.obstructed(ctx, session, m.task)
	}
	return m.doubtful.after(err)
}
