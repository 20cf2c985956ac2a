package election

import (
	"context"
	"errors"
	"iter"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Leader describes the leader of an election. The zero value means that there is none.
type Leader struct {
	Data    string // Config.Data of the leader, or the data of the last Proclaim; empty if ACLs hide it
	Name    string // Config.Name of the leader; empty for one made by hand, or if ACLs hide the epoch's znode
	Epoch   int32  // that it has begun; 0 likewise
	Session int64  // that holds the leader's znode
}

// Exists reports whether there is a leader.
func (l Leader) Exists() bool { return l.Session != 0 }

// Observer learns who leads. It takes no part in the election and writes nothing. Its methods may
// be called concurrently; they share one session, which is opened when it is needed and replaced
// when it ends.
type Observer struct {
	env      zkapi.Env
	election elect.Election
	obs      observe.Observer
	shared   *sessions.Shared
}

// NewObserver checks config, of which it uses the paths, Name and Logger. It does not connect.
func NewObserver(env zkapi.Env, config Config) (*Observer, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	config = config.filled()
	if err := config.check(); err != nil {
		return nil, err
	}
	o := &Observer{env: env, election: config.election(), obs: config.observer("observer")}
	o.shared = sessions.NewShared(env, o.obs, "observer", sessions.Hooks{})
	return o, nil
}

// Leader returns who leads, as a server knows it that may be behind. If there is no connection, it
// waits for one until ctx ends.
//
// Who leads may change at any moment. To act only while a certain leader leads, let that leader
// act (Leadership.Write), or pass its Epoch on and compare it there.
func (o *Observer) Leader(ctx context.Context) (Leader, error) {
	if o == nil || o.env == nil {
		return Leader{}, errZero
	}
	var leader Leader
	err := o.reading(ctx, func(session fence.Session) error {
		found, _, err := o.election.Look(ctx, session, nil)
		leader = Leader(found)
		return err
	})
	return leader, err
}

// Observe streams who leads: now, and at each change, until ctx ends, the loop is left, or the
// Observer is closed. It streams states, not every step: a slow reader gets only the latest. If
// ACLs hide who leads, the last answer stands, with a warning in the log. If no session is granted
// for good, such as for wrong credentials, the stream ends with a warning.
func (o *Observer) Observe(ctx context.Context) iter.Seq[Leader] {
	return func(yield func(Leader) bool) {
		if o == nil || o.env == nil {
			return // errZero, which a stream cannot return
		}
		var last *Leader
		err := o.reading(ctx, func(session fence.Session) error {
			return o.election.Follow(ctx, o.env, o.obs, session, func(found elect.Leader) bool {
				now := Leader(found)
				if last != nil && *last == now {
					return true
				}
				last = &now
				return yield(now)
			})
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
			o.obs.Logger.WarnContext(ctx, "the subscription has ended", "error", err)
		}
	}
}

// reading repeats a step that only reads, on one session after the other if necessary.
func (o *Observer) reading(ctx context.Context, step func(fence.Session) error) error {
	return o.shared.Reading(ctx, "look at the leader", step)
}

// Close ends the Observer and its session: streams end, and calls that wait return ErrClosed.
func (o *Observer) Close(ctx context.Context) error {
	if o == nil || o.env == nil {
		return errZero
	}
	return o.shared.Close(ctx, ErrClosed)
}
