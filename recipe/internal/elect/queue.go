package elect

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// queueResync is how often a candidate in the queue looks for its predecessor without an
// event. It is long because there may be many of them.
const queueResync = 15 * resync

// WaitInQueue puts the candidate in a queue: every candidate has an ephemeral sequential znode and
// watches only the one before its own, so that the end of one wakes one. This is
// ZooKeeper's own recipe for leader election; here it decides only who campaigns
// next, and the claim decides who leads.
//
// It returns a refusal: then the candidate campaigns without the queue (Queueless).
func (c Candidate) WaitInQueue(ctx context.Context) error {
	again := retry.New(c.Env, c.Obs, "queue of candidates")
	again.LossesOnly = true
	for {
		var mine string
		join := func() (err error) {
			mine, err = c.join(ctx, again)
			return err
		}
		if err := again.OnDisconnect(ctx, c.Session, join); err != nil {
			return err
		}
		err := again.OnDisconnect(ctx, c.Session, func() error { return c.advance(ctx, mine) })
		if !errors.Is(err, errNotQueued) {
			return err
		}
	}
}

// Queueless reports whether an error of WaitInQueue leaves the candidate able to campaign: the
// queue only decides which candidate is next.
func Queueless(err error) bool {
	return zkapi.Refused(err) || zkapi.TooLarge(err) || errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrEphemeral)
}

// errNotQueued means that this candidate's znode was deleted.
var errNotQueued = errors.New("the candidate's znode is gone")

func (e Election) candidate(name string) string { return e.QueuePath + "/" + name }

// join makes this candidate's znode and returns its name. The prefix is unique,
// so that a create whose answer was lost is found by it.
func (c Candidate) join(ctx context.Context, again *retry.Step) (string, error) {
	prefix := "c-" + c.Env.Unique() + "-"
	for {
		made, err := c.Session.Join(ctx, c.candidate(prefix), []byte(c.Name), c.ACL)
		switch {
		case err == nil:
			return strings.TrimPrefix(made.Path, c.QueuePath+"/"), nil
		case zkapi.FateOf(err) != zkapi.Unknown:
			return "", err
		}
		var names []string
		look := func() error {
			if _, err := c.Session.Do(ctx, fence.Sync(c.QueuePath)); err != nil {
				return err
			}
			listed, err := c.Session.Do(ctx, fence.Children(c.QueuePath))
			names = listed.Children
			return err
		}
		if err := again.OnDisconnect(ctx, c.Session, look); err != nil {
			return "", err
		}
		if at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) }); at >= 0 {
			return names[at], nil
		}
	}
}

// advance waits until no candidate is in front of mine. A candidate is the ephemeral of a
// session, with a sequence number; other znodes are skipped.
func (c Candidate) advance(ctx context.Context, mine string) error {
	for waited := true; waited; {
		listed, err := c.Session.Do(ctx, fence.Children(c.QueuePath))
		if err != nil {
			return err
		}
		line := listed.Children
		slices.SortFunc(line, ByArrival)
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

// waitForPredecessor waits until one other candidate is gone. If that znode is no candidate,
// it returns false at once.
func (c Candidate) waitForPredecessor(ctx context.Context, other string) (waited bool, err error) {
	queue := retry.NewTold(c.Env, c.Obs, waitForQueue)
	defer queue.GiveUp()
	for {
		_, _, reconnected := c.Session.Connection()
		seen, err := fence.Look(ctx, c.Session, fence.Exists(c.candidate(other)).Watched())
		if err == nil && !seen.Found {
			queue.Over(ctx)
		}
		if err != nil || !seen.Found {
			return true, err
		}
		if problem, bad := Stray(c.candidate(other), seen.Stat); bad {
			c.Notices.Report(ctx, c.Obs.Logger, problem, seen.Stat)
			return false, nil
		}
		if _, err := c.lift(ctx); err != nil {
			c.Obs.Logger.DebugContext(ctx, "the epoch was not compared", "error", err)
		}
		if !queue.Said() {
			queue.Tell(ctx, "waiting in the queue of candidates", "behind", other)
		}
		if err := c.wait(ctx, queueResync, seen.Watch, reconnected); err != nil {
			return true, err
		}
	}
}

// ByArrival orders the names of candidates as they came.
func ByArrival(a, b string) int {
	return cmp.Or(cmp.Compare(sequence(a), sequence(b)), cmp.Compare(a, b))
}

// Stray says why a znode is not in the queue of candidates, or reports false if it is.
func Stray(path string, stat zkapi.Stat) (obstacle.Problem, bool) {
	switch {
	case !stat.Alive():
		return obstacle.NotAlive(path, stat, "it is not in the queue of candidates"), true
	case sequence(path) < 0:
		return obstacle.Problem{Path: path, What: "has no sequence number at the end of its name: it is not in the queue of candidates", Remedy: "delete " + path}, true
	}
	return obstacle.Problem{}, false
}

// sequence is the number that ZooKeeper has put at the end of a name, and -1 for a
// name without one. Numbers
// wrap after 2,147,483,647; candidates are compared within one lifetime of their
// parent, which does not see that many.
func sequence(name string) int64 {
	const digits = 10
	if len(name) < digits {
		return -1
	}
	n, err := strconv.ParseUint(name[len(name)-digits:], 10, 63) // no sign
	if err != nil {
		return -1
	}
	return int64(n)
}
