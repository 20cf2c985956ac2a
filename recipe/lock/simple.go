package lock

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The simple form is one znode, <path>/lock: the one who makes it holds the lock. That name comes
// again, so the znode is no claim. The claim is the version of the path, which each grant raises
// in the same write.

// acquireSimple waits until <path>/lock is free and this session has made it.
func (c *contender) acquireSimple() (*term.Term, error) {
	c.again = retry.New(c.env, c.locks.obs, "take a lock")
	for {
		_, _, c.reconnected = c.session.Connection()
		watch, err := c.lookAtSimple()
		switch {
		case err == nil && watch != nil && !c.waits:
			return nil, ErrHeld
		case err == nil && watch != nil:
			err = c.await(watch, simpleName)
		case err == nil:
			var t *term.Term
			if t, err = c.makeSimple(); err == nil {
				return t, nil
			}
			if errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrBadVersion) {
				continue // another process was faster
			}
		}
		if err != nil && !retry.Passing(err) {
			return nil, err
		}
		if err != nil {
			if over := c.again.Wait(c.wanted, c.session, err); over != nil {
				return nil, retry.Unless(over, err)
			}
		}
	}
}

// lookAtSimple returns a watch if the lock is held.
func (c *contender) lookAtSimple() (zkapi.Source, error) {
	zkapi.Checkpoint(c.env, "look at the lock")
	seen, err := fence.Look(c.wanted, c.session, fence.Exists(c.path+"/"+simpleName).Watched())
	if err != nil || !seen.Found {
		return nil, err
	}
	return seen.Watch, nil
}

// makeSimple makes <path>/lock and raises the version of the path, in one write.
func (c *contender) makeSimple() (*term.Term, error) {
	zkapi.Checkpoint(c.env, "read the path")
	now, err := c.session.Do(c.wanted, fence.Get(c.path))
	if errors.Is(err, zkapi.ErrNoNode) {
		if err := c.makePath(c.path); err != nil {
			return nil, err
		}
		zkapi.Checkpoint(c.env, "read the new path")
		now, err = c.session.Do(c.wanted, fence.Get(c.path))
	}
	if err != nil {
		return nil, err
	}
	if err := c.keepsTokens(now.Stat); err != nil {
		return nil, err
	}
	if readGrant(now.Data).unclean() {
		if err := c.gone(now); err != nil {
			return nil, err
		}
	}
	if err := c.linger(now); err != nil {
		return nil, err
	}
	version, err := c.aboveAllTokens(now)
	if err != nil {
		return nil, err
	}
	g := c.newGrant(simpleName, version+1)
	g.Nonce = c.env.Unique()
	sent := c.env.Elapsed()
	zkapi.Checkpoint(c.env, "make the lock", sent, version, g.Nonce)
	makes := zkapi.Create(c.path+"/"+simpleName, c.record(0), zkapi.Ephemeral).WithACL(c.locks.config.ACL)
	result, err := c.session.Take(c.life(), makes, c.path, g.encode(), version)
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		c.token = result.Results[1].Stat.Version
	case zkapi.Unknown:
		if err := c.findSimple(g.Nonce, sent, err); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	c.mine = simpleName
	if err := c.aloneHere(sent); err != nil {
		return nil, err
	}
	return c.begin(c.claim(), c.token, sent), nil
}

// gone makes sure that the holder that the path names is gone without a release. Otherwise it
// returns an error of a take that came too late.
func (c *contender) gone(was zkapi.Result) error {
	zkapi.Checkpoint(c.env, "look at the lock again", was)
	seen, err := fence.Look(c.wanted, c.session, fence.Exists(c.path+"/"+simpleName))
	if err != nil || seen.Found {
		return cmp.Or(err, zkapi.ErrNodeExists)
	}
	zkapi.Checkpoint(c.env, "read the path again", was)
	now, err := c.session.Do(c.wanted, fence.Get(c.path))
	if err == nil && now.Stat.Version != was.Stat.Version {
		err = zkapi.ErrBadVersion
	}
	return err
}

// findSimple finds out whether a take whose answer was lost was applied: then the path has its
// nonce.
func (c *contender) findSimple(nonce string, sent time.Duration, cause error) error {
	return retry.New(c.env, c.locks.obs, "look at a lock").OnDisconnect(c.life(), c.session, func() error {
		zkapi.Checkpoint(c.env, "find the lock", nonce, sent)
		if _, err := c.session.Do(c.life(), fence.Sync(c.path)); err != nil {
			return err
		}
		zkapi.Checkpoint(c.env, "find the lock after a sync", nonce, sent)
		now, err := c.session.Do(c.life(), fence.Get(c.path))
		if err != nil {
			return err
		}
		if readGrant(now.Data).Nonce != nonce {
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: c.path, Index: -1, Fate: zkapi.NotApplied, Err: fmt.Errorf("%w: %v", zkapi.ErrBadVersion, cause)}
		}
		c.token = now.Stat.Version
		return nil
	})
}

// aloneHere makes sure that no queue uses the path. A contender of a queue joins first and looks
// then, so one of both sees the other.
func (c *contender) aloneHere(sent time.Duration) error {
	return retry.New(c.env, c.locks.obs, "look at a lock").OnDisconnect(c.life(), c.session, func() error {
		zkapi.Checkpoint(c.env, "look for a queue", sent)
		listed, err := c.session.Do(c.life(), fence.Children(c.path))
		if err == nil && len(newLine(listed.Children).places) > 0 {
			return ErrMixed
		}
		return err
	})
}

// leaveSimple deletes <path>/lock if it is that of this session. The same write raises the version
// of the path, so that no write that is still under way is applied later. The version is read
// before the owner: if it is still the same when the znode is deleted, no other process has made
// that znode meanwhile.
func (c *contender) leaveSimple() error {
	zkapi.Checkpoint(c.env, "read the grant")
	now, err := c.session.Do(c.life(), fence.Get(c.path))
	if errors.Is(err, zkapi.ErrNoNode) {
		return term.ErrFenced
	}
	if err != nil {
		return err
	}
	zkapi.Checkpoint(c.env, "look at the own lock", now)
	seen, err := fence.Look(c.life(), c.session, fence.Exists(c.own()))
	switch {
	case err != nil:
		return err
	case !seen.Found || seen.Stat.EphemeralOwner != c.session.ID():
		return term.ErrFenced
	}
	g := readGrant(now.Data)
	g.Released = c.delay == 0 || !c.overdue
	claim := term.Claim{Session: c.session, Path: c.path, Version: now.Stat.Version}
	zkapi.Checkpoint(c.env, "delete the own lock", claim.Version, g)
	err = claim.WriteAll(c.life(), [][]zkapi.Op{{zkapi.Delete(c.own(), zkapi.AnyVersion), zkapi.Set(c.path, g.encode(), now.Stat.Version)}})[0].Err
	if errors.Is(err, term.ErrFenced) { // the version is another one: look again
		return zkapi.ErrNotSent
	}
	return err
}
