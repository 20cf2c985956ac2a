package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Collect acknowledges the result of a task and deletes the task: it removes the task with
// everything below it, exactly as it was read. A task that is gone already is no error. A
// task that was submitted under the same id meanwhile stays; for the exception see "What is
// not guaranteed" in the package documentation. ErrUnfinished means that the task has no
// status; nothing is removed then. ErrInDoubt means that ctx ended before an answer came.
//
// A task whose status was not recorded together with the end of its execution, because it was
// cancelled or because the status was made by hand, may still be executed. Its id must not be
// used again while that execution can still record something. So a master removes the task
// when the worker has given it back. If a task has too much below it for one write, it is
// removed in parts. Only a master writes parts, because its claim fences them. In both cases
// Collect asks a master and waits. Without a running master, Collect waits until ctx ends,
// and says so.
func (c *Client) Collect(ctx context.Context, task string) error {
	if c.env == nil {
		return errZero
	}
	if err := checkTask(task); err != nil {
		return err
	}
	return c.newRemoval(task).run(ctx)
}

func (c *Client) newRemoval(task string) *removal {
	return &removal{client: c, task: task, wait: retry.NewTold(c.env, c.obs.shared(), waitForMaster)}
}

// run removes the task, however often it must look.
func (m *removal) run(ctx context.Context) error {
	defer m.wait.GiveUp()
	for {
		err := m.client.withSession(ctx, func(session zkapi.Session) error { return m.step(ctx, session) })
		switch {
		case err == nil && m.done:
			m.wait.Over(ctx)
			return nil
		case err != nil && ctx.Err() != nil && m.asked:
			return fmt.Errorf("%w: %s %s; no master has removed it yet: start a master, or wait longer: %w", ErrInDoubt, m.task, m.why, err)
		case err != nil:
			return m.doubtful.asError(err)
		}
	}
}

// removal is the state of one call of Collect.
type removal struct {
	client   *Client
	task     string
	seen     int64 // czxid of the task that is meant: of the first one found
	asked    bool  // a master was asked
	wait     *retry.Told
	why      string // why a master was asked
	done     bool
	state    State // of the task, when it was last read with its status
	doubtful doubt
	bounds   bounds // of one multi, as the server takes it
}

// step reads the task, and removes it, or asks a master to remove it and waits for a change.
func (m *removal) step(ctx context.Context, session zkapi.Session) error {
	// A server that lags may know neither the task nor its status yet.
	if _, err := session.Do(ctx, zkapi.Sync(m.client.layout.task(m.task))); err != nil {
		return err
	}
	left, what, err := m.judge(session.DoAll(ctx, m.reads()))
	switch {
	case err != nil || m.done:
		return err
	case what == unfinishedTask:
		return m.unfinished(ctx, session)
	case what == mayStillRun:
		return m.ask(ctx, session, fmt.Sprintf("is %s and may still run: a master removes it when its execution has ended", m.state))
	}
	return m.remove(ctx, session, left)
}

// reads are the requests whose answers judge takes.
func (m *removal) reads() []zkapi.Op {
	l := m.client.layout
	return []zkapi.Op{zkapi.Exists(l.task(m.task)), zkapi.Children(l.task(m.task)), zkapi.Get(l.status(m.task))}
}

// remains says what is to be done with a task that is there.
type remains uint8

const (
	finishedTask   remains = iota // it can be removed, as it was read
	unfinishedTask                // it was read without a status
	mayStillRun                   // a master must remove it
)

// judge takes the answers to reads; done is set if nothing is left to do.
func (m *removal) judge(replies []zkapi.Reply) (left decide.Leftover, what remains, _ error) {
	node, listed, status := replies[0], replies[1], replies[2]
	if m.done = errors.Is(listed.Err, zkapi.ErrNoNode); m.done {
		return left, what, nil
	}
	if err := errors.Join(node.Err, listed.Err); err != nil {
		return left, what, err
	}
	if !node.Found {
		return left, what, zkapi.ErrNotSent // it has come since: look again
	}
	if m.seen == 0 {
		m.seen = node.Stat.Czxid
	}
	if m.done = node.Stat.Czxid != m.seen; m.done {
		return left, what, nil // another task has the id now, and its result is unseen
	}
	if errors.Is(status.Err, zkapi.ErrNoNode) || status.Err == nil && status.Stat.Owner() != zkapi.OwnerNone {
		return left, unfinishedTask, nil
	}
	if status.Err != nil {
		return left, what, status.Err
	}
	if !taskChildren(listed.Children).finished {
		return left, what, zkapi.ErrNotSent // it has got its status since: look again
	}
	said := decodeStatus(status.Data)
	if m.state = said.State; said.Token == (Token{}) {
		return left, mayStillRun, nil
	}
	return decide.Leftover{Version: node.Stat.Version, Children: listed.Children, Status: status.Stat.Version}, finishedTask, nil
}

// unfinished is the error of a task that was read without a status. The reads are not of one
// moment: the task may have been removed between them, together with its status.
func (m *removal) unfinished(ctx context.Context, session zkapi.Session) error {
	now, err := session.Do(ctx, zkapi.Exists(m.client.layout.task(m.task)))
	if err != nil {
		return err
	}
	if m.done = !now.Found || now.Stat.Czxid != m.seen; m.done {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnfinished, m.task)
}

// remove removes the task as it was read, or asks a master if one write cannot hold the
// removal.
func (m *removal) remove(ctx context.Context, session zkapi.Session, left decide.Leftover) error {
	l := m.client.layout
	if m.bounds.ops == 0 {
		m.bounds = newBounds(fence.Of(session))
	}
	ops, rest := l.removal(m.task, left, m.bounds)
	if rest != nil {
		return m.ask(ctx, session, "has more znodes below it than one write can delete: a master removes it in parts")
	}
	_, err := session.Do(ctx, zkapi.Multi(ops...))
	if m.done = m.doubtful.after(err) == nil; m.done {
		return nil
	}
	m.bounds.lost(ops, err)
	switch failed := ops[max(zkapi.FailedIndex(err), 0)].Path; {
	case errors.Is(err, zkapi.ErrNotEmpty) && failed != l.task(m.task):
		return m.obstructed(ctx, session, failed)
	case errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNotEmpty) || errors.Is(err, zkapi.ErrBadVersion):
		return zkapi.ErrNotSent // something changed below it: look again
	case zkapi.TooLarge(err) && divides(ops):
		return zkapi.ErrNotSent // it may have been applied: read again, and ask a master to remove the rest in parts
	}
	return err
}

// obstructed is the error of a task with a child that has children itself: the recipe makes
// none there, so their owner is unknown.
func (m *removal) obstructed(ctx context.Context, session zkapi.Session, path string) error {
	seen, err := fence.Look(ctx, fence.Of(session), fence.Exists(path))
	switch {
	case err != nil:
		return err
	case seen.Stat.NumChildren == 0:
		return zkapi.ErrNotSent // they have gone since: look again
	}
	return fmt.Errorf("%w: %w", ErrObstructed, &obstacle.Error{Problem: childrenProblem(path)})
}

// ask asks a master to remove the task, and waits until something changes. The request names
// the task's czxid, so that a late request does not concern a later task of the same id.
func (m *removal) ask(ctx context.Context, session zkapi.Session, why string) error {
	c := m.client
	_, _, reconnected := session.Connection()
	seen, err := session.Do(ctx, zkapi.Exists(c.layout.task(m.task)).Watched())
	if err != nil || !seen.Found || seen.Stat.Czxid != m.seen {
		return err
	}
	notify := zkapi.Set(c.layout.tasks(), []byte(m.task), zkapi.AnyVersion)
	request := zkapi.Create(c.layout.request(m.task), encode(requestRecord{Czxid: m.seen}), zkapi.Persistent)
	_, err = session.Do(ctx, zkapi.Multi(request.WithACL(c.layout.access.record()), notify))
	switch {
	case errors.Is(err, zkapi.ErrNodeExists): // perhaps by this very call
		_, err = session.Do(ctx, notify)
	case errors.Is(err, zkapi.ErrNoNode): // the namespace was made by an earlier build
		if err = bootstrap(ctx, c.env, fence.Of(session), c.layout, "client", func(Problem) {}); err == nil {
			err = zkapi.ErrNotSent // now it can be asked for
		}
	}
	if m.doubtful.after(err) != nil {
		return err
	}
	if !m.asked {
		m.wait.Tell(ctx, "waiting for a master to remove a task", "task", m.task, "because", why)
	}
	m.asked, m.why = true, why
	zkapi.Checkpoint(c.env, "wait for the removal", session, m)
	_, err = c.env.Wait(ctx, seen.Watch, reconnected, session.Done(), c.env.Timer(awaitResync))
	return err
}
