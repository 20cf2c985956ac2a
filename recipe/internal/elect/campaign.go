package elect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Election is what all candidates of one election agree on.
type Election struct {
	LeaderPath string      // of the ephemeral znode of the leader
	EpochPath  string      // of the znode whose version is the epoch
	QueuePath  string      // of the parent of the candidates' znodes
	ACL        []zkapi.ACL // of the znodes of a leader and of a candidate
	Role       string      // of the leader, in the log and in measurements
	// Blocked is the problem of a leader's znode that is no ephemeral of a session.
	Blocked func(zkapi.Stat) obstacle.Problem
	// Claimable returns why the version of the epoch's znode cannot be an epoch.
	Claimable func(zkapi.Stat) error
}

// Candidate is one process that stands for election on one session.
type Candidate struct {
	Election
	Env     zkapi.Env
	Session fence.Session
	Obs     observe.Observer
	Name    string
	Data    []byte            // of the leader's znode
	Notices *obstacle.Notices // of this process
	Memory  *epoch.Memory
	// Record makes the data of the epoch's znode when this candidate is elected.
	Record func() (data []byte, nonce string)
	// Hold, if it is not nil, is asked before each attempt, when the leader's znode is free, with the
	// epoch's znode. If it returns sources, the candidate leaves the znode to others until one of
	// them fires. An attempt is refused if the epoch has risen since Hold was asked.
	// state is what the caller depends on: it belongs to each checkpoint of Hold.
	Hold func(ctx context.Context, epoch zkapi.Stat, state any) (until []zkapi.Source, err error)
}

// holding means that a candidate leaves the leader's znode to others until one of the sources fires.
type holding struct{ until []zkapi.Source }

// Error implements error.
func (holding) Error() string { return "the candidate leaves it to others to lead" }

// resync is how often a candidate looks again without an event, because a watch can be lost.
const resync = 2 * time.Second

// What a candidate waits for, in measurements.
const (
	waitForLeadership = "leadership"
	waitForQueue      = "queue"
)

// Campaign waits until the leader's znode is free and this session has taken it. It ends with
// the claim and the moment the winning write was sent, or with an error when the
// session or ctx ends.
func (c Candidate) Campaign(ctx context.Context) (term.Claim, time.Duration, error) {
	var other int64 // session that is known to lead
	leadership := retry.NewTold(c.Env, c.Obs, waitForLeadership)
	defer leadership.GiveUp()
	again := retry.New(c.Env, c.Obs, "election")
	for {
		_, _, reconnected := c.Session.Connection()
		zkapi.Checkpoint(c.Env, "campaign", c.Session, reconnected)
		seen, hidden := fence.Look(ctx, c.Session, fence.Exists(c.LeaderPath).Watched())
		err := hidden
		if err == nil && seen.Found {
			again.Worked(ctx)
			leadership.Begin()
			if !seen.Stat.Alive() {
				c.Notices.Report(ctx, c.Obs.Logger, c.Blocked(seen.Stat), seen.Stat)
			} else if other != seen.Stat.EphemeralOwner {
				other = seen.Stat.EphemeralOwner
				leadership.Tell(ctx, "another "+c.Role+" leads: standing by", "held_by", observe.SessionText(other))
			}
			if err := c.standBy(ctx, seen.Watch, reconnected); err != nil {
				return term.Claim{}, 0, err
			}
			continue
		}
		var floor int32
		if err == nil || zkapi.Refused(err) { // a hidden znode does not matter: the election shows whether it exists
			floor, err = c.lift(ctx)
		}
		if err == nil {
			var won term.Claim
			var sent time.Duration
			won, sent, err = c.take(ctx, floor, []any{floor, reconnected})
			if err == nil {
				again.Worked(ctx)
				leadership.Over(ctx)
				return won, sent, nil
			}
			if hidden != nil && !zkapi.Permanent(err) {
				err = fmt.Errorf("%w; %v", err, hidden)
			}
		}
		if zkapi.Permanent(err) || errors.Is(err, zkapi.ErrNoNode) { // parents that are gone are made on the next session
			return term.Claim{}, 0, err
		}
		if held, ok := errors.AsType[holding](err); ok {
			leadership.Begin()
			zkapi.Checkpoint(c.Env, "hold", c.Session)
			if err := c.wait(ctx, resync, append(held.until, reconnected)...); err != nil {
				return term.Claim{}, 0, err
			}
			continue
		}
		if problem, ok := errors.AsType[*obstacle.Error](err); ok {
			if err := c.Notices.ReportAndWait(ctx, c.Env, c.Session, c.Obs.Logger, problem); err != nil {
				return term.Claim{}, 0, err
			}
			continue
		}
		if err := again.Wait(ctx, c.Session, err); err != nil {
			return term.Claim{}, 0, err
		}
	}
}

// take makes one attempt to be elected. It returns the claim, and a moment right before the write was sent. state
// is what the caller depends on.
func (c Candidate) take(ctx context.Context, floor int32, state any) (term.Claim, time.Duration, error) {
	sent := c.Env.Elapsed()
	won, err := claims.Acquire(ctx, c.Env, c.Session, c.Obs, claims.Registration{
		Ephemeral: zkapi.Create(c.LeaderPath, c.Data, zkapi.Ephemeral).WithACL(c.ACL), Path: c.EpochPath, Above: floor,
		Check: func(epoch zkapi.Stat) error {
			err := c.mayTake(ctx, epoch, state)
			if c.Hold != nil { // it may have taken long
				sent = c.Env.Elapsed()
			}
			return err
		},
		Record: func([]byte) ([]byte, string) { return c.Record() },
	})
	if err == nil {
		c.Memory.Saw(won.Version, "this process")
	}
	return won, sent, err
}

// mayTake returns why this candidate makes no attempt now.
func (c Candidate) mayTake(ctx context.Context, epoch zkapi.Stat, state any) error {
	if err := c.Claimable(epoch); err != nil || c.Hold == nil {
		return err
	}
	until, err := c.Hold(ctx, epoch, state)
	if err == nil && len(until) > 0 {
		err = holding{until}
	}
	return err
}

// standBy waits until the leader's znode may have changed.
func (c Candidate) standBy(ctx context.Context, watch, reconnected zkapi.Source) error {
	if _, err := c.lift(ctx); err != nil {
		c.Obs.Logger.DebugContext(ctx, "the epoch was not compared", "error", err)
	}
	zkapi.Checkpoint(c.Env, "standby", c.Session)
	return c.wait(ctx, resync, watch, reconnected)
}

// wait waits for one of sources, at most that long. It returns an error if the session or ctx has
// ended.
func (c Candidate) wait(ctx context.Context, most time.Duration, sources ...zkapi.Source) error {
	_, err := c.Env.Wait(ctx, fence.Sources(append(sources, c.Session.Done(), c.Env.Timer(most))...)...)
	if err == nil && c.Session.Done().Fired() {
		err = c.Session.Cause()
	}
	return err
}

// lift raises the epoch above all epochs seen, even if a leader is there. A leader with a lower
// epoch is then fenced, and the next election gets a higher one. lift returns a lower bound
// of the version of the epoch's znode.
func (c Candidate) lift(ctx context.Context) (floor int32, err error) {
	shown, known, err := c.Memory.Compare(ctx, c.Session, c.EpochPath, c.Obs, c.Role)
	floor = c.Memory.Floor(known)
	if err == nil && shown >= 0 && shown < floor {
		c.Obs.Logger.WarnContext(ctx, "the epoch is raised", "from", shown, "to", floor)
		_, err = claims.Lift(ctx, c.Session, c.EpochPath, claims.LiftRecord(c.Name, floor), shown, floor)
	}
	return floor, err
}

// MayLead returns why this session has no permission to lead, so that a candidate learns it
// before it waits for days.
func (e Election) MayLead(ctx context.Context, session fence.Session) error {
	err := session.MayWrite(ctx, e.EpochPath)
	if errors.Is(err, zkapi.ErrBadVersion) {
		return nil
	}
	return err
}
