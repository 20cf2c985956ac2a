package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// peek returns ErrHeld if a contender is there already. The sync makes sure that it was there
// after TryLock was called. It spares the writes of a contender that would not be granted.
func (c *contender) peek() error {
	c.again = retry.New(c.env, c.locks.obs, "look at the line of a lock")
	return c.again.OnDisconnect(c.wanted, c.session, func() error {
		zkapi.Checkpoint(c.env, "try")
		if _, err := c.session.Do(c.wanted, fence.Sync(c.path)); err != nil {
			return err
		}
		zkapi.Checkpoint(c.env, "try after a sync")
		listed, err := c.session.Do(c.wanted, fence.Children(c.path))
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			return nil
		case err != nil:
			return err
		}
		l := newLine(listed.Children)
		if l.mixed(c.form) {
			return ErrMixed
		}
		l.places = append(l.places, place{form: c.form})
		if _, waits := l.before(len(l.places)-1, c.permits); waits {
			return ErrHeld
		}
		return nil
	})
}

// standInLine waits until it is this contender's turn, and has the lock granted.
func (c *contender) standInLine() (*term.Term, error) {
	for {
		turn, watch, err := c.look()
		switch {
		case err != nil:
			return nil, err
		case turn:
			return c.grant()
		case watch == nil: // the one before has just gone
			continue
		case !c.waits:
			return nil, ErrHeld
		}
		if err := c.await(watch, c.ahead); err != nil {
			return nil, err
		}
	}
}

// await waits until the watch fires, or may be lost.
func (c *contender) await(watch zkapi.Source, ahead string) error {
	if !c.told.Said() {
		c.told.Tell(c.wanted, "waiting for a lock", "path", c.path, "behind", ahead)
	}
	zkapi.Checkpoint(c.env, "wait", watch)
	_, err := c.env.Wait(c.wanted, fence.Sources(watch, c.reconnected, c.session.Done(), c.env.Timer(resyncInterval))...)
	if err == nil && c.session.Done().Fired() {
		err = c.session.Cause()
	}
	return err
}

// look reads the line, and sets a watch on what this contender waits for. turn says that it
// waits for nothing. Without a watch the line has changed meanwhile.
func (c *contender) look() (turn bool, watch zkapi.Source, err error) {
	c.again = retry.New(c.env, c.locks.obs, "look at the line of a lock")
	err = c.again.OnDisconnect(c.wanted, c.session, func() error {
		_, _, c.reconnected = c.session.Connection()
		turn, watch, err = c.lookOnce()
		return err
	})
	return turn, watch, err
}

func (c *contender) lookOnce() (turn bool, watch zkapi.Source, err error) {
	c.ahead = ""
	zkapi.Checkpoint(c.env, "look at the line")
	listed, err := c.session.Do(c.wanted, fence.Children(c.path))
	if errors.Is(err, zkapi.ErrNoNode) {
		err = errGone
	}
	if err != nil {
		return false, nil, err
	}
	l := newLine(listed.Children).without(c.skipped)
	at := l.find(c.mine)
	switch {
	case at < 0:
		return false, nil, errGone
	case l.mixed(c.form):
		return false, nil, ErrMixed
	}
	before, waits := l.before(at, c.permits)
	if !waits {
		return true, nil, nil
	}
	c.ahead = before.name
	zkapi.Checkpoint(c.env, "look at the one before")
	if c.form == permit {
		watch, err = c.lookForPermit(at)
		return false, watch, err
	}
	seen, err := fence.Look(c.wanted, c.session, fence.Exists(c.path+"/"+c.ahead).Watched())
	if err != nil || !seen.Found || !c.contends(seen.Stat) {
		return false, nil, err
	}
	return false, seen.Watch, nil
}

// contends reports whether the znode ahead is the ephemeral of a session. Another znode would
// stay for ever, so it is skipped.
func (c *contender) contends(stat zkapi.Stat) bool {
	if stat.Alive() {
		return true
	}
	c.skipped[c.ahead] = true
	c.locks.skip(c.wanted, c.path+"/"+c.ahead, stat.Owner())
	return false
}

// grant has the lock granted, when it is this contender's turn. The grant is a write, so a quorum
// has it, and the session lives: from the moment in which it is sent, the lease runs. It raises
// the version of the path, which is the token. It leaves the znode of an exclusive contender alone,
// because the next contender would wake. If its answer is lost, it is sent again: the
// lock is this contender's own in either case, and the token is higher then.
func (c *contender) grant() (*term.Term, error) {
	c.again = retry.New(c.env, c.locks.obs, "grant of a lock")
	for {
		t, err := c.grantOnce()
		switch {
		case err == nil:
			c.again.Worked(c.wanted)
			return t, nil
		case c.wanted.Err() != nil:
			return nil, context.Cause(c.wanted)
		case errors.Is(err, term.ErrFenced):
			return nil, errGone
		case errors.Is(err, zkapi.ErrBadVersion) && zkapi.FailedIndex(err) == 1:
			err = c.reread()
		case errors.Is(err, zkapi.ErrBadVersion): // another grant came first
			continue
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

// grantOnce makes one attempt.
func (c *contender) grantOnce() (*term.Term, error) {
	zkapi.Checkpoint(c.env, "read the path")
	now, err := c.session.Do(c.wanted, fence.Get(c.path))
	if err != nil {
		return nil, err
	}
	if err := c.keepsTokens(now.Stat); err != nil {
		return nil, err
	}
	last := readGrant(now.Data)
	if c.form == permit && last.Permits > 0 && last.Permits != c.permits {
		if err := c.alone(now); err != nil {
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
	sent := c.env.Elapsed()
	write := []zkapi.Op{zkapi.Set(c.path, c.newGrant(c.mine, version+1).encode(), version)}
	if c.form != exclusive { // the path names only the last of several holders
		write = append(write, zkapi.Set(c.own(), c.record(version+1), c.version))
	}
	zkapi.Checkpoint(c.env, "grant", sent, write)
	reply := c.claim().WriteAll(c.life(), [][]zkapi.Op{write})[0]
	if reply.Err != nil {
		return nil, reply.Err
	}
	return c.begin(c.claim(), reply.Results[0].Stat.Version, sent), nil
}

// keepsTokens returns an error if the path is not persistent.
func (c *contender) keepsTokens(stat zkapi.Stat) error {
	if stat.Owner() == zkapi.OwnerNone {
		return nil
	}
	return fmt.Errorf("%w: %s is of the kind %v: make it by hand as a persistent znode, before its first use", ErrParent, c.path, stat.Owner())
}

// reread reads the own znode after its version was another one: a program has set it, to ask for
// the lock.
func (c *contender) reread() error {
	zkapi.Checkpoint(c.env, "read the own znode")
	seen, err := c.session.Do(c.wanted, fence.Get(c.path+"/"+c.mine))
	if errors.Is(err, zkapi.ErrNoNode) {
		return errGone
	}
	if err == nil {
		c.version, c.revoked = seen.Stat.Version, c.revoked || isRevoked(seen.Data)
	}
	return err
}
