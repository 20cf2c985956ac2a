package recipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// backlogSeen is a client's knowledge of /backlog, and how long it holds.
type backlogSeen struct {
	session zkapi.Session
	change  int          // of the connection
	watch   zkapi.Source // on /backlog
	record  backlogRecord
}

// admitted waits until one more task may be submitted.
func (c *Client) admitted(ctx context.Context, session zkapi.Session, s submission, path string) (err error) {
	full := false
	defer func() {
		if full {
			c.full.Leave(ctx, err == nil)
		}
	}()
	for {
		room, seen, err := c.room(ctx, session, path)
		switch {
		case err == nil && room:
			return nil
		case err == nil && s.noWait:
			return ErrBacklogFull
		case err == nil:
			if !full {
				c.full.Join(ctx, "the backlog is full: waiting for room", "max_backlog", seen.record.Limit)
			}
			full = true
			_, err = c.env.Wait(ctx, seen.watch, session.Done(), c.env.Timer(fullSweep))
		}
		if err != nil && full && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrBacklogFull, err)
		}
		if err != nil {
			return err
		}
	}
}

// room reports whether the backlog has room for the task, or the task is there
// already.
func (c *Client) room(ctx context.Context, session zkapi.Session, path string) (bool, backlogSeen, error) {
	free, seen, bounded, err := c.free(ctx, session)
	if err != nil || !bounded || free > 0 {
		return true, seen, err
	}
	same, err := fence.Look(ctx, fence.Of(session), fence.Exists(path))
	return same.Found, seen, err
}

// free returns for how many more tasks the backlog has room, if it is bounded and the tasks can
// be counted.
func (c *Client) free(ctx context.Context, session zkapi.Session) (n int, seen backlogSeen, bounded bool, _ error) {
	seen, err := c.readBacklog(ctx, session)
	if err != nil || seen.record.Limit == 0 {
		return 0, seen, false, err
	}
	tasks, err := fence.Look(ctx, fence.Of(session), fence.Exists(c.layout.tasks()))
	if zkapi.Refused(err) { // it is no task of this caller's, either
		c.obs.Logger.WarnContext(ctx, "the bound of the backlog is ignored: the tasks cannot be counted", "error", err)
		return 0, seen, false, nil
	}
	return seen.record.Limit - (int(tasks.Stat.NumChildren) - seen.record.Finished), seen, true, err
}

// fullSweep is how often a client that waits for room looks for it.
const fullSweep = 250 * time.Millisecond

// readBacklog reads the masters' notice, unless it is known.
func (c *Client) readBacklog(ctx context.Context, session zkapi.Session) (backlogSeen, error) {
	change, _, _ := session.Connection()
	c.mu.Lock()
	seen := c.backlog
	c.mu.Unlock()
	if seen.session == session && seen.change == change && fresh(seen.watch) {
		return seen, nil
	}
	found, err := fence.Look(ctx, fence.Of(session), fence.Exists(c.layout.backlog()).Watched())
	seen = backlogSeen{session: session, change: change, watch: found.Watch}
	if err == nil && found.Found && found.Stat.DataLength > 0 {
		seen.record, err = c.readBound(ctx, session)
	}
	if zkapi.Refused(err) { // it is no task of this caller's
		c.obs.Logger.WarnContext(ctx, "the bound of the backlog is ignored: it cannot be read", "error", err)
		err = nil
	}
	if err != nil {
		return seen, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.backlog = seen
	return seen, nil
}

// readBound reads the bound of the backlog. Only a record with the epoch of a master counts.
// Other data sets no bound.
func (c *Client) readBound(ctx context.Context, session zkapi.Session) (backlogRecord, error) {
	said, err := session.Do(ctx, zkapi.Get(c.layout.backlog()))
	if errors.Is(err, zkapi.ErrNoNode) {
		return backlogRecord{}, nil
	}
	if err != nil {
		return backlogRecord{}, err
	}
	claimed, err := fence.Look(ctx, fence.Of(session), fence.Exists(c.layout.assign()))
	if err != nil {
		return backlogRecord{}, err
	}
	record, ok := bound(said.Data, claimed.Stat.Version)
	if !ok {
		c.obs.Logger.WarnContext(ctx, "the bound of the backlog is ignored: no master has written it",
			"znode", c.layout.backlog(), "epoch", record.Epoch, "latest", claimed.Stat.Version)
		return backlogRecord{}, nil
	}
	return record, nil
}
