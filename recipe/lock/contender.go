package lock

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// contender is one call of Lock, from its place in the line to the end of the lock. It is a
// thread of its own, and only that thread reads and writes the line. So no request is given up
// when the caller does not wait any more: the thread learns what came of it, and deletes the
// znode. All that the thread depends on is in its fields.
type contender struct {
	wish
	locks *Locks
	env   zkapi.Env
	waits bool            // for other contenders
	under context.Context // the lock ends with it
	over  zkapi.Source    // fires when the thread has returned

	wanted  context.Context // ends when the caller does not wait any more, or the Locks are closed
	giveUp  context.CancelCauseFunc
	letGo   zkapi.Signal // raised when the lock is wanted no longer
	decided zkapi.Signal // raised when the lock is granted, or never will be

	session     fence.Session
	prefix      string // of the own znode; unique
	mine        string // the own znode; empty for none
	version     int32  // of that
	token       int32  // of the grant; 0 before it
	revoked     bool   // another program asks for the lock
	overdue     bool   // the lock was lost, so its end is no release
	skipped     map[string]bool
	reconnected zkapi.Source
	ahead       string // the znode that is waited for
	again       *retry.Step
	told        *retry.Told
	lingered    string // the znode whose unclean end has been waited for

	mu     sync.Mutex
	held   *Held
	err    error // why it is never granted
	result error // of the release
}

// run is the thread: it contends on one session after the other, holds the lock until it is let
// go, and leaves no znode.
func (c *contender) run() {
	zkapi.DependsOn(c.env, c)
	defer c.locks.free(c)
	for {
		t, err := c.acquire()
		if err == nil {
			c.hold(t)
			return
		}
		_, uncleaned := c.clean()
		switch again := errors.Is(err, zkapi.ErrSessionEnded) || errors.Is(err, errGone); {
		case c.wanted.Err() != nil:
			err = context.Cause(c.wanted)
		case again:
			c.locks.obs.Logger.WarnContext(c.wanted, "the place in the line is lost", "path", c.path, "error", err)
			continue
		case uncleaned != nil:
			err = errors.Join(err, uncleaned)
		}
		c.locks.free(c) // before the caller can try again
		c.decide(nil, err)
		return
	}
}

// decide tells the caller of Lock what has come of it.
func (c *contender) decide(h *Held, err error) {
	c.mu.Lock()
	c.held, c.err = h, err
	c.mu.Unlock()
	c.decided.Raise()
}

// acquire contends on the present session, until the lock is granted.
func (c *contender) acquire() (*term.Term, error) {
	zkapi.Checkpoint(c.env, "connect")
	session, err := c.locks.connected(c.wanted)
	if err != nil {
		return nil, err
	}
	c.session, c.mine, c.version, c.revoked, c.skipped = session, "", 0, false, map[string]bool{}
	c.told = retry.NewTold(c.env, c.locks.obs, role)
	defer c.told.GiveUp()
	if c.simple {
		return c.acquireSimple()
	}
	if !c.waits {
		if err := c.peek(); err != nil {
			return nil, err
		}
	}
	if err := c.join(); err != nil {
		return nil, err
	}
	return c.standInLine()
}

// claim is the right to write as this contender. Its znode has a unique name, so the znode's
// existence is enough: no process makes that name again. The simple form has no such name: there
// it is the version of the path.
func (c *contender) claim() term.Claim {
	if c.simple {
		return term.Claim{Session: c.session, Path: c.path, Version: c.token}
	}
	return term.Claim{Session: c.session, Path: c.path + "/" + c.mine, Unique: true}
}

// life is the context of requests whose outcome matters although the caller waits no longer.
func (c *contender) life() context.Context { return c.locks.shared.Life() }

// join makes the own znode. Its prefix is unique, so a create whose answer was lost is found by
// it.
func (c *contender) join() error {
	mark, err := c.locks.config.Layout.mark(c.form)
	if err != nil {
		return err
	}
	c.prefix = c.locks.config.Layout.prefix(c.env.Unique(), mark)
	c.again = retry.New(c.env, c.locks.obs, "join the line of a lock")
	for {
		zkapi.Checkpoint(c.env, "join")
		made, err := c.session.Join(c.life(), c.path+"/"+c.prefix, c.record(0), c.locks.config.ACL)
		switch {
		case err == nil:
			c.mine = path.Base(made.Path)
		case errors.Is(err, zkapi.ErrNoNode):
			err = c.makePath(c.path)
		case zkapi.FateOf(err) == zkapi.Unknown:
			if failed := c.findMine(); failed != nil || c.mine != "" {
				err = failed
			}
		}
		switch {
		case err != nil && !retry.Passing(err):
			return err
		case err != nil:
			if over := c.again.Wait(c.wanted, c.session, err); over != nil {
				return retry.Unless(over, err)
			}
		case c.mine != "":
			c.again.Worked(c.wanted)
			if p, ok := readName(c.mine); !ok || p.sequence < 0 {
				return ErrExhausted
			}
			return nil
		case c.wanted.Err() != nil:
			return context.Cause(c.wanted)
		}
	}
}

// findMine looks for the znode of a create whose answer was lost. If there is none, the create
// was not applied, and never will be.
func (c *contender) findMine() error {
	return c.again.OnDisconnect(c.life(), c.session, func() error {
		zkapi.Checkpoint(c.env, "find the own znode")
		if _, err := c.session.Do(c.life(), fence.Sync(c.path)); err != nil {
			return err
		}
		zkapi.Checkpoint(c.env, "find the own znode after a sync")
		listed, err := c.session.Do(c.life(), fence.Children(c.path))
		if at := slices.IndexFunc(listed.Children, func(name string) bool { return strings.HasPrefix(name, c.prefix) }); err == nil && at >= 0 {
			c.mine = listed.Children[at]
		}
		if errors.Is(err, zkapi.ErrNoNode) {
			return nil
		}
		return err
	})
}

// makePath makes a persistent znode, and those above it that are missing. Repeating it is
// harmless.
func (c *contender) makePath(p string) error {
	zkapi.Checkpoint(c.env, "make the path", p)
	err := c.session.Make(c.life(), p, c.locks.config.ACL)
	if above := path.Dir(p); errors.Is(err, zkapi.ErrNoNode) && above != "/" {
		if err := c.makePath(above); err != nil {
			return err
		}
		zkapi.Checkpoint(c.env, "make the path", p)
		err = c.session.Make(c.life(), p, c.locks.config.ACL)
	}
	if errors.Is(err, zkapi.ErrNodeExists) {
		return nil
	}
	return err
}

// clean deletes the own znode. It tries until the ensemble confirms that the znode is gone, or the
// session has ended: then the ensemble deletes it. gone says that another program had deleted it.
func (c *contender) clean() (gone bool, err error) {
	if c.mine == "" || c.life().Err() != nil { // at the end the session goes, and its znodes
		return false, context.Cause(c.life())
	}
	c.again = retry.New(c.env, c.locks.obs, "leave the line of a lock")
	for {
		err := c.leave()
		switch {
		case err == nil || errors.Is(err, term.ErrFenced):
			gone = err != nil && c.again.Failures() == 0 // otherwise an earlier attempt may have deleted it
			c.again.Worked(c.life())
			c.mine = ""
			return gone, nil
		case errors.Is(err, zkapi.ErrSessionEnded) || zkapi.Permanent(err):
			return false, c.unconfirmed(err)
		}
		if over := c.again.Wait(c.life(), c.session, err); over != nil {
			return false, c.unconfirmed(over)
		}
	}
}
