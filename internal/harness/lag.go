package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// patience is for how long a follower may hear nothing of the leader and still hope.
// What was lost is sent again later and later, so a good part of what the servers
// allow is left for that.
func (c Config) patience() time.Duration { return c.profile().Patience(c.TickTime) * 6 / 10 }

// lag keeps from a follower what the leader sends to it, for less time than would make
// it stop serving.
func (r *run) lag(ctx context.Context, fault nemesis.Fault) (deed, error) {
	follower, _, err := r.apart(ctx, fault)
	if err != nil {
		return deed{}, err
	}
	leader := r.ensemble.Leader(ctx)
	if leader == nil {
		return deed{}, errNoLeader
	}
	var ahead, behind *observer // each sees one server only
	var reading *errand
	var seen stale
	return deed{
		target: follower.Name,
		apply: func(ctx context.Context) error {
			var err error
			if ahead, err = r.observerOf(ctx, leader); err != nil {
				return err
			}
			if behind, err = r.observerOf(ctx, follower); err != nil {
				return err
			}
			if err := follower.Deafen(ctx, leader); err != nil {
				return err
			}
			reading = begin(func() error {
				var err error
				seen, err = r.readStale(ctx, ahead, behind, min(fault.Duration, r.config.patience()))
				return errors.Join(err, follower.Reconnect(ctx))
			})
			return nil
		},
		heal: func(ctx context.Context) error {
			for _, o := range []*observer{ahead, behind} {
				if o != nil {
					o.close(ctx)
				}
			}
			return follower.Reconnect(ctx)
		},
		probe: func(context.Context) finding {
			if err := reading.end(); err != nil {
				return found(false, "%v", err)
			}
			return seen.finding()
		},
	}, nil
}

// observerOf has a session at one server. It is opened while that one can do so.
func (r *run) observerOf(ctx context.Context, s *ensemble.Server) (*observer, error) {
	o, err := r.newObserver([]string{s.Address})
	if err == nil {
		_, err = o.do(ctx, zkapi.Exists(r.namespace+"/tasks"))
	}
	return o, err
}

// stale is the last change below the tasks as the leader has it, and as a follower has
// it some time later.
type stale struct {
	leader, follower int64 // zxids
	later            time.Duration
}

// readLimit is how long a read may take. A server that serves answers at once; one that
// does not is soon to hear of the leader again.
const readLimit = time.Second

// readStale asks the leader first, and the follower at the end of that time. A follower
// that hears of everything is behind by milliseconds; by then it has caught up.
func (r *run) readStale(ctx context.Context, ahead, behind *observer, within time.Duration) (seen stale, err error) {
	ask := func(o *observer) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
		result, err := o.do(ctx, zkapi.Exists(r.namespace+"/tasks"))
		return result.Stat.Pzxid, err
	}
	seen.later = within / 2
	wait(ctx, within-seen.later)
	if seen.leader, err = ask(ahead); err != nil {
		return seen, err
	}
	wait(ctx, seen.later)
	seen.follower, err = ask(behind)
	return seen, err
}

func (s stale) finding() finding {
	return found(s.follower < s.leader, "the follower answered that the tasks changed last with 0x%x; %v earlier the leader had 0x%x", s.follower, s.later, s.leader).
		with("follower's zxid", fmt.Sprintf("0x%x", s.follower)).with("leader's zxid", fmt.Sprintf("0x%x", s.leader)).with("behind for", s.later)
}
