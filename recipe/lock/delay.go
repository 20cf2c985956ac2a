package lock

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// unclean reports whether the holder had a delay and has not released the lock.
func (g grant) unclean() bool { return g.DelayMS > 0 && !g.Released }

// linger waits out the delay of the last holder, if that one's end was no release. It is this
// contender's turn, so the last holder's znode is gone. The delay begins when this contender sees
// that, so it never ends too early. It is waited for once for each end. now is what the path is.
func (c *contender) linger(now zkapi.Result) error {
	last := readGrant(now.Data)
	end := last.Znode + last.Nonce
	if !last.unclean() || last.Znode == c.mine || end == c.lingered {
		return nil
	}
	if !c.waits {
		return ErrHeld
	}
	delay := min(time.Duration(last.DelayMS)*time.Millisecond, longestDelay)
	c.told.Tell(c.wanted, "the last holder of a lock did not release it: waiting for its delay", "path", c.path, "holder", last.Name, "delay", delay)
	timer := c.env.Timer(delay)
	zkapi.Checkpoint(c.env, "delay", now, timer)
	i, err := c.env.Wait(c.wanted, timer, c.session.Done())
	switch {
	case err != nil:
		return err
	case i == 1:
		return c.session.Cause()
	}
	c.lingered = end
	return nil
}
