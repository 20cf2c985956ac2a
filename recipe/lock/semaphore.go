package lock

import (
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lookForPermit sets a watch for a contender that waits for a permit of a semaphore. Any holder may
// be the next to release. Only the first contender that waits watches the whole line. Each of the
// others watches the one before it: that one's grant or end makes it look again. So no change
// wakes many.
func (c *contender) lookForPermit(at int) (zkapi.Source, error) {
	if at == c.permits {
		listed, err := c.session.Do(c.wanted, fence.Children(c.path).Watched())
		if err != nil || newLine(listed.Children).without(c.skipped).find(c.mine) != at {
			return nil, err
		}
		return listed.Watch, nil
	}
	seen, err := c.session.Do(c.wanted, fence.Get(c.path+"/"+c.ahead).Watched())
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return nil, nil
	case err != nil || !c.contends(seen.Stat):
		return nil, err
	case readRecord(seen.Data).Token > 0: // the list is older than that grant
		return nil, nil
	}
	return seen.Watch, nil
}

// alone returns an error if there are other contenders. The last grant was of another number of
// permits, as the path has it, and this contender wants another number: they would not agree how many may hold the semaphore.
func (c *contender) alone(now zkapi.Result) error {
	permits := readGrant(now.Data).Permits
	zkapi.Checkpoint(c.env, "look for others", now)
	listed, err := c.session.Do(c.wanted, fence.Children(c.path))
	if err == nil && len(newLine(listed.Children).without(c.skipped).places) > 1 {
		err = fmt.Errorf("%w: the semaphore %s has %d permits, not %d", ErrMixed, c.path, permits, c.permits)
	}
	return err
}
