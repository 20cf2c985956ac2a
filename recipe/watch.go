package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

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

// wait waits until one of watches fires or they may be lost.
func (f followed) wait(ctx context.Context, reconnected zkapi.Source, watches ...zkapi.Source) error {
	_, err := f.env.Wait(ctx, fence.Sources(append(watches, reconnected, f.session.Done(), f.env.Timer(awaitResync))...)...)
	if err == nil && f.session.Done().Fired() {
		err = f.session.Cause()
	}
	return err
}

// leader calls tell with the active master and at each change, until tell returns false.
func (f followed) leader(ctx context.Context, report func(Leader) bool) error {
	var last *Leader
	again := retry.New(f.env, f.obs.shared(), "look at /master")
	for {
		_, _, reconnected := f.session.Connection()
		var now Leader
		var watch zkapi.Source
		read := func() (err error) {
			now, watch, err = f.readLeader(ctx)
			return err
		}
		err := again.OnDisconnect(ctx, f.session, read)
		if zkapi.Permanent(err) { // this process may not read who leads: the last answer stands
			again.Warn(ctx, err)
			now, watch, err = Leader{}, nil, nil
			if last != nil {
				now = *last
			}
		}
		if err != nil {
			return err
		}
		if last == nil || *last != now {
			if !report(now) {
				return nil
			}
			last = &now
		}
		if err := f.wait(ctx, reconnected, watch); err != nil {
			return err
		}
	}
}

func (f followed) readLeader(ctx context.Context) (Leader, zkapi.Source, error) {
	leader, seen, err := f.lookLeader(ctx, &inspection{})
	return leader, seen.Watch, err
}

// lookLeader reads the leader's claim, and /master with a watch. Hidden data is no error: the
// Stat of /master still names its session.
func (f followed) lookLeader(ctx context.Context, note *inspection) (leader Leader, seen zkapi.Result, err error) {
	seen, err = fence.Look(ctx, f.session, fence.Exists(f.layout.master()).Watched())
	if err != nil || !seen.Stat.Alive() {
		return Leader{}, seen, err // only an ephemeral of a session is a claim
	}
	got, err := f.session.Do(ctx, fence.Get(f.layout.master()))
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return Leader{}, seen, nil // gone since: the watch has fired
	case errors.Is(err, zkapi.ErrNoAuth):
		note.hides(f.layout.master(), err)
		got = seen
	case err != nil:
		return Leader{}, zkapi.Result{}, err
	}
	if !got.Stat.Alive() {
		return Leader{}, seen, nil
	}
	leader = Leader{Address: string(got.Data), Session: got.Stat.EphemeralOwner}
	claimed, err := f.session.Do(ctx, fence.Get(f.layout.assign()))
	switch {
	case errors.Is(err, zkapi.ErrNoAuth):
		note.hides(f.layout.assign(), err)
	case err != nil && !errors.Is(err, zkapi.ErrNoNode):
		return Leader{}, zkapi.Result{}, err
	}
	var record claimRecord
	if json.Unmarshal(claimed.Data, &record) == nil && record.Session == fmt.Sprintf("0x%x", leader.Session) {
		leader.Name, leader.Epoch = record.Holder, claimed.Stat.Version
	}
	return leader, seen, nil
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
		if err := f.wait(ctx, reconnected, shown.Watch, ended.Watch); err != nil {
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
	err := c.reading(ctx, func(session fence.Session) (err error) {
		f := followed{c.env, c.obs, session, c.layout}
		leader, _, err = f.readLeader(ctx)
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
