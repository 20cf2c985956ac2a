package lock

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// liftedAtOnce is how many steps one multi lifts the version.
const liftedAtOnce = 200

// aboveAllTokens returns the version of the path for the next grant. If the tree has gone back, it
// raises the version first, so that no token comes again. now is what the path is.
func (c *contender) aboveAllTokens(now zkapi.Result) (int32, error) {
	seen, version := &c.locks.tokens, now.Stat.Version
	floor, behind := seen.Floor(c.path, version)
	if behind { // a server that lags shows such a version, too, until a sync
		zkapi.Checkpoint(c.env, "compare tokens", floor)
		if _, err := c.session.Do(c.wanted, fence.Sync(c.path)); err != nil {
			return 0, err
		}
		zkapi.Checkpoint(c.env, "compare tokens after a sync", floor)
		var err error
		if now, err = c.session.Do(c.wanted, fence.Get(c.path)); err != nil {
			return 0, err
		}
		if version = now.Stat.Version; version < floor {
			seen.Lose(c.path)
			c.locks.obs.Logger.ErrorContext(c.wanted, "the ensemble was wiped, replaced or restored, or the path was made again",
				"path", c.path, "version", version, "greatest token seen", floor)
			floor, _ = seen.Floor(c.path, version)
		}
	}
	if !fence.CanRise(max(version, floor), tokens.LiftedBeyond) {
		return 0, fmt.Errorf("%w: the version of %s is %d", ErrExhausted, c.path, max(version, floor))
	}
	for version < floor {
		n := min(int(floor-version), liftedAtOnce)
		zkapi.Checkpoint(c.env, "raise the version", version, floor, now.Data)
		if err := c.session.Lift(c.wanted, c.path, now.Data, version, n); err != nil {
			return 0, err
		}
		version += int32(n)
	}
	return version, nil
}
