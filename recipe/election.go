package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// candidate is one process that stands for election on one session.
type candidate struct {
	env     zkapi.Env
	session fence.Session
	layout  layout
	obs     Observers
	name    string
	address string
	notices *notices // of this process
	memory  *memory
}

// campaign waits until /master is free and this session has taken it. It ends with
// the claim and the moment the winning write was sent, or with an error when the
// session or ctx ends.
func (c candidate) campaign(ctx context.Context) (claim, time.Duration, error) {
	var other int64 // session that is known to lead
	leadership := retry.NewTold(c.env, c.obs.shared(), waitForLeadership)
	defer leadership.GiveUp()
	again := retry.New(c.env, c.obs.shared(), "election")
	for {
		_, _, reconnected := c.session.Connection()
		zkapi.Checkpoint(c.env, "campaign", c.session, reconnected)
		seen, hidden := fence.Look(ctx, c.session, fence.Exists(c.layout.master()).Watched())
		err := hidden
		if err == nil && seen.Found {
			again.Worked(ctx)
			leadership.Begin()
			if !seen.Stat.Alive() {
				c.notices.report(ctx, c.obs.Logger, c.layout.masterProblem(seen.Stat), seen.Stat)
			} else if other != seen.Stat.EphemeralOwner {
				other = seen.Stat.EphemeralOwner
				leadership.Tell(ctx, "another master leads: standing by", "held_by", observe.SessionText(other))
			}
			if _, err := c.lift(ctx); err != nil {
				c.obs.Logger.DebugContext(ctx, "the epoch was not compared", "error", err)
			}
			zkapi.Checkpoint(c.env, "standby", c.session)
			_, err = c.env.Wait(ctx, fence.Sources(seen.Watch, reconnected, c.session.Done(), c.env.Timer(resyncInterval))...)
			if err == nil && c.session.Done().Fired() {
				err = c.session.Cause()
			}
			if err != nil {
				return claim{}, 0, err
			}
			continue
		}
		var floor int32
		if err == nil || zkapi.Refused(err) { // a hidden /master does not matter: the election shows whether it exists
			floor, err = c.lift(ctx)
		}
		if err == nil {
			sent := c.env.Elapsed()
			var won claim
			won, err = acquire(ctx, c.env, c.session, c.obs, registration{
				layout: c.layout, holder: c.name, ephemeral: c.layout.master(), address: c.address, acl: c.layout.access.master(), claimPath: c.layout.assign(),
				above: floor,
			})
			if err == nil {
				c.memory.saw(won.Version, "this process")
				again.Worked(ctx)
				leadership.Over(ctx)
				return won, sent, nil
			}
			if hidden != nil && !zkapi.Permanent(err) {
				err = fmt.Errorf("%w; %v", err, hidden)
			}
		}
		if zkapi.Permanent(err) || errors.Is(err, zkapi.ErrNoNode) { // parents that are gone are made on the next session
			return claim{}, 0, err
		}
		if problem, ok := errors.AsType[*problemError](err); ok {
			if err := c.notices.reportAndWait(ctx, c.env, c.session, c.obs.Logger, problem); err != nil {
				return claim{}, 0, err
			}
			continue
		}
		if err := again.Wait(ctx, c.session, err); err != nil {
			return claim{}, 0, err
		}
	}
}

// queueResync is how often a candidate in the queue looks for its predecessor without an
// event. It is long because there may be many of them.
const queueResync = 15 * resyncInterval

// waitInQueue puts the candidate in a queue: every candidate has an ephemeral sequential znode and
// watches only the one before its own, so that the end of one wakes one. This is
// ZooKeeper's own recipe for leader election; here it decides only who campaigns
// next, and the claim decides who leads.
//
// It returns a refusal: then the candidate campaigns without the queue.
func (c candidate) waitInQueue(ctx context.Context) error {
	again := retry.New(c.env, c.obs.shared(), "queue of candidates")
	again.LossesOnly = true
	for {
		var mine string
		join := func() (err error) {
			mine, err = c.join(ctx, again)
			return err
		}
		if err := again.OnDisconnect(ctx, c.session, join); err != nil {
			return err
		}
		err := again.OnDisconnect(ctx, c.session, func() error { return c.advance(ctx, mine) })
		if !errors.Is(err, errNotQueued) {
			return err
		}
	}
}

// errNotQueued means that this candidate's znode was deleted.
var errNotQueued = errors.New("the candidate's znode is gone")

// join makes this candidate's znode and returns its name. The prefix is unique,
// so that a create whose answer was lost is found by it.
func (c candidate) join(ctx context.Context, again *retry.Step) (string, error) {
	prefix := "c-" + c.env.Unique() + "-"
	for {
		made, err := c.session.Join(ctx, c.layout.candidate(prefix), []byte(c.name), c.layout.access.master())
		switch {
		case err == nil:
			return strings.TrimPrefix(made.Path, c.layout.candidates()+"/"), nil
		case zkapi.FateOf(err) != zkapi.Unknown:
			return "", err
		}
		var names []string
		look := func() error {
			if _, err := c.session.Do(ctx, fence.Sync(c.layout.candidates())); err != nil {
				return err
			}
			listed, err := c.session.Do(ctx, fence.Children(c.layout.candidates()))
			names = listed.Children
			return err
		}
		if err := again.OnDisconnect(ctx, c.session, look); err != nil {
			return "", err
		}
		if at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) }); at >= 0 {
			return names[at], nil
		}
	}
}

// advance waits until no candidate is in front of mine. A candidate is the ephemeral of a
// session, with a sequence number; other znodes are skipped.
func (c candidate) advance(ctx context.Context, mine string) error {
	for waited := true; waited; {
		listed, err := c.session.Do(ctx, fence.Children(c.layout.candidates()))
		if err != nil {
			return err
		}
		line := listed.Children
		slices.SortFunc(line, byArrival)
		at := slices.Index(line, mine)
		if at < 0 {
			return errNotQueued
		}
		waited = false
		for at--; at >= 0 && !waited; at-- {
			if waited, err = c.waitForPredecessor(ctx, line[at]); err != nil {
				return err
			}
		}
	}
	return nil
}

// byArrival orders candidates as they came.
func byArrival(a, b string) int {
	return cmp.Or(cmp.Compare(sequence(a), sequence(b)), cmp.Compare(a, b))
}

// waitForPredecessor waits until one other candidate is gone. If that znode is no candidate,
// it returns false at once.
func (c candidate) waitForPredecessor(ctx context.Context, other string) (waited bool, err error) {
	queue := retry.NewTold(c.env, c.obs.shared(), waitForQueue)
	defer queue.GiveUp()
	for {
		_, _, reconnected := c.session.Connection()
		seen, err := fence.Look(ctx, c.session, fence.Exists(c.layout.candidate(other)).Watched())
		if err == nil && !seen.Found {
			queue.Over(ctx)
		}
		if err != nil || !seen.Found {
			return true, err
		}
		if problem, bad := c.layout.candidateProblem(other, seen.Stat); bad {
			c.notices.report(ctx, c.obs.Logger, problem, seen.Stat)
			return false, nil
		}
		if _, err := c.lift(ctx); err != nil {
			c.obs.Logger.DebugContext(ctx, "the epoch was not compared", "error", err)
		}
		if !queue.Said() {
			queue.Tell(ctx, "waiting in the queue of candidates", "behind", other)
		}
		_, err = c.env.Wait(ctx, fence.Sources(seen.Watch, reconnected, c.session.Done(), c.env.Timer(queueResync))...)
		if err == nil && c.session.Done().Fired() {
			err = c.session.Cause()
		}
		if err != nil {
			return true, err
		}
	}
}
