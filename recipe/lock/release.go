package lock

import (
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// own is the path of the own znode.
func (c *contender) own() string { return c.path + "/" + c.mine }

// leave makes one attempt to delete the own znode. A holder with a delay notes in the same write
// that its end is an orderly one, so that the next holder need not wait. The end of a lock that was
// lost is none: its holder may need the delay to stop.
func (c *contender) leave() error {
	if c.simple {
		return c.leaveSimple()
	}
	write := []zkapi.Op{zkapi.Delete(c.own(), zkapi.AnyVersion)}
	if c.delay > 0 && c.token > 0 && !c.overdue {
		zkapi.Checkpoint(c.env, "read the grant")
		now, err := c.session.Do(c.life(), fence.Get(c.path))
		if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			return err
		}
		if g := readGrant(now.Data); err == nil && g.Znode == c.mine {
			g.Released = true
			write = append(write, zkapi.Set(c.path, g.encode(), now.Stat.Version))
		}
	}
	zkapi.Checkpoint(c.env, "leave the line", write)
	return c.claim().WriteAll(c.life(), [][]zkapi.Op{write})[0].Err
}
