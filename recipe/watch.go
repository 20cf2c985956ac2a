package recipe

import (
	"context"
	"errors"
	"iter"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Leader describes the active master. The zero value means that no master leads.
type Leader struct {
	Address string // data of /master: MasterConfig.Address, or the data of the last Proclaim; empty if it cannot be read
	Name    string // of a master of this package; empty for one made by hand, or when /assign is not shown
	Epoch   int32  // that it has begun; 0 likewise
	Session int64  // that holds /master
}

// Exists reports whether there is an active master.
func (l Leader) Exists() bool { return l.Session != 0 }

// followed watches something through one session: it reads with a watch, reports a change,
// and reads again. It reports states, never steps.
type followed struct {
	env     zkapi.Env
	obs     Observers
	session fence.Session
	layout  layout
}

// leader calls report with the active master and at each change, until report returns false.
func (f followed) leader(ctx context.Context, report func(Leader) bool) error {
	return f.layout.election().Follow(ctx, f.env, f.obs.shared(), f.session, func(now elect.Leader) bool { return report(leaderOf(now)) })
}

// leaderOf describes the leader of an election.
func leaderOf(l elect.Leader) Leader {
	return Leader{Address: l.Data, Name: l.Name, Epoch: l.Epoch, Session: l.Session}
}

// progress calls tell with the progress of a task, and nil when that is gone, until the task
// has its status or tell returns false.
func (f followed) progress(ctx context.Context, task string, report func([]byte) bool) error {
	var last []byte
	again := retry.New(f.env, f.obs.shared(), "look at the progress of a task")
	for {
		_, _, reconnected := f.session.Connection()
		var shown, ended, got zkapi.Result
		read := func() (err error) {
			got = zkapi.Result{}
			shown, err = fence.Look(ctx, f.session, fence.Exists(f.layout.progress(task)).Watched())
			if err == nil && shown.Stat.Alive() { // progress left by a finished execution does not count
				got, err = f.session.Do(ctx, fence.Get(f.layout.progress(task)))
			}
			if zkapi.Refused(err) { // a hint that is not shown is none
				again.Warn(ctx, err)
				err = nil
			}
			if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
				return err
			}
			// The status is read last. One transaction creates it and deletes the progress: a
			// reader that reads the status first may find neither, and report that a worker
			// is lost.
			if ended, err = fence.Look(ctx, f.session, fence.Exists(f.layout.status(task)).Watched()); err != nil {
				return err
			}
			ended.Found = ended.Found && ended.Stat.Owner() == zkapi.OwnerNone // others are no result
			if err == nil && !ended.Found && !shown.Found {
				err = taskExists(ctx, f.session, f.layout, task)
			}
			return err
		}
		if err := again.OnDisconnect(ctx, f.session, read); err != nil || ended.Found {
			return err
		}
		if string(got.Data) != string(last) && !report(got.Data) {
			return nil
		}
		last = got.Data
		if err := elect.Changed(ctx, f.env, f.session, reconnected, shown.Watch, ended.Watch); err != nil {
			return err
		}
	}
}

// Leader returns the active master.
func (c *Client) Leader(ctx context.Context) (Leader, error) {
	if c.env == nil {
		return Leader{}, errZero
	}
	var leader Leader
	err := c.reading(ctx, func(session fence.Session) error {
		found, _, err := c.layout.election().Look(ctx, session, nil)
		leader = leaderOf(found)
		return err
	})
	return leader, err
}

// Leaders streams the active master: now, and at each change, until ctx ends, the loop is
// left, or the client is closed. A slow reader gets only the latest. Each process that uses
// Leaders reads /master at each change.
func (c *Client) Leaders(ctx context.Context) iter.Seq[Leader] {
	return func(yield func(Leader) bool) {
		var last *Leader
		c.follow(ctx, func(f followed) error {
			return f.leader(ctx, func(now Leader) bool {
				if last != nil && *last == now {
					return true
				}
				last = &now
				return yield(now)
			})
		})
	}
}

// Progress streams the progress of a task (Task.Progress), and nil if the progress is gone
// with its worker. The stream ends when the task has its status or is gone, ctx ends, the
// loop is left, or the client is closed. A slow reader gets only the latest. For what cannot
// be the name of a task the stream ends at once, with a warning in the log.
func (c *Client) Progress(ctx context.Context, task string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if c.env == nil {
			return // errZero, which a stream cannot return
		}
		if err := checkTask(task); err != nil {
			c.obs.Logger.WarnContext(ctx, "the subscription has ended", "error", err)
			return
		}
		c.follow(ctx, func(f followed) error { return f.progress(ctx, task, yield) })
	}
}

// follow runs body on one session after the other.
func (c *Client) follow(ctx context.Context, body func(followed) error) {
	if c.env == nil {
		return // errZero, which a stream cannot return
	}
	err := c.reading(ctx, func(session fence.Session) error { return body(followed{c.env, c.obs, session, c.layout}) })
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClientClosed) && !errors.Is(err, ErrNoTask) {
		c.obs.Logger.WarnContext(ctx, "the subscription has ended", "error", err)
	}
}

// Progress is Client.Progress on the session of this master, while it leads.
func (m *Master) Progress(ctx context.Context, task string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		m.broadcaster.mu.Lock()
		now := m.broadcaster.current
		m.broadcaster.mu.Unlock()
		if now != nil {
			_ = followed{m.env, m.config.Observers, now.term.Session, m.layout}.progress(ctx, task, yield)
		}
	}
}
