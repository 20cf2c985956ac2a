package elect

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Leader is who leads. The zero value means that there is no leader.
type Leader struct {
	Data    string // of the leader's znode; empty if it cannot be read
	Name    string // as its candidate gave it; empty for one made by hand, or if the epoch's znode is not shown
	Epoch   int32  // that it has begun; 0 likewise
	Session int64  // that holds the leader's znode
}

// Look reads the leader's claim, and the leader's znode with a watch. Hidden data is no error:
// the Stat of the znode still names its session. hides, if it is not nil, is told of it.
func (e Election) Look(ctx context.Context, session fence.Session, hides func(path string, err error)) (leader Leader, seen zkapi.Result, err error) {
	if hides == nil {
		hides = func(string, error) {}
	}
	seen, err = fence.Look(ctx, session, fence.Exists(e.LeaderPath).Watched())
	if err != nil || !seen.Stat.Alive() {
		return Leader{}, seen, err // only an ephemeral of a session is a claim
	}
	got, err := session.Do(ctx, fence.Get(e.LeaderPath))
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return Leader{}, seen, nil // gone since: the watch has fired
	case errors.Is(err, zkapi.ErrNoAuth):
		hides(e.LeaderPath, err)
		got = seen
	case err != nil:
		return Leader{}, zkapi.Result{}, err
	}
	if !got.Stat.Alive() {
		return Leader{}, seen, nil
	}
	leader = Leader{Data: string(got.Data), Session: got.Stat.EphemeralOwner}
	claimed, err := session.Do(ctx, fence.Get(e.EpochPath))
	switch {
	case errors.Is(err, zkapi.ErrNoAuth):
		hides(e.EpochPath, err)
	case err != nil && !errors.Is(err, zkapi.ErrNoNode):
		return Leader{}, zkapi.Result{}, err
	}
	var record claims.Record
	if json.Unmarshal(claimed.Data, &record) == nil && record.Session == claims.SessionText(leader.Session) {
		leader.Name, leader.Epoch = record.Holder, claimed.Stat.Version
	}
	return leader, seen, nil
}

// followResync is how often a follower reads again without an event.
const followResync = 5 * resync

// Follow calls report with the leader, and at each change, until report returns false. It
// reports states, never steps.
func (e Election) Follow(ctx context.Context, env zkapi.Env, obs observe.Observer, session fence.Session, report func(Leader) bool) error {
	var last *Leader
	again := retry.New(env, obs, "look at the leader")
	for {
		_, _, reconnected := session.Connection()
		var now Leader
		var watch zkapi.Source
		read := func() error {
			leader, seen, err := e.Look(ctx, session, nil)
			now, watch = leader, seen.Watch
			return err
		}
		err := again.OnDisconnect(ctx, session, read)
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
		if err := Changed(ctx, env, session, reconnected, watch); err != nil {
			return err
		}
	}
}

// Changed waits until one of watches fires or they may be lost.
func Changed(ctx context.Context, env zkapi.Env, session fence.Session, reconnected zkapi.Source, watches ...zkapi.Source) error {
	_, err := env.Wait(ctx, fence.Sources(append(watches, reconnected, session.Done(), env.Timer(followResync))...)...)
	if err == nil && session.Done().Fired() {
		err = session.Cause()
	}
	return err
}
