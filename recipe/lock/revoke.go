package lock

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// listen calls onRevoke when another program asks for the lock, or has asked already. It ends with
// the lock, or after that call.
func (c *contender) listen(t *term.Term, znode string, asked bool) {
	zkapi.DependsOn(c.env, t, znode)
	again := retry.New(c.env, c.locks.obs, "look for a request to release")
	for {
		if asked {
			c.locks.obs.Logger.InfoContext(t.Active, "another program asks for the lock", "path", c.path)
			c.onRevoke()
			return
		}
		var watch, reconnected zkapi.Source
		err := again.OnDisconnect(t.Active, t.Session, func() error {
			_, _, reconnected = t.Session.Connection()
			zkapi.Checkpoint(c.env, "look for a request", reconnected, again, asked)
			seen, err := t.Session.Do(t.Active, fence.Get(znode).Watched())
			watch, asked = seen.Watch, isRevoked(seen.Data)
			return err
		})
		if errors.Is(err, zkapi.ErrNoNode) {
			_ = t.Write() // which finds the loss, and ends the term
		}
		if err != nil {
			return
		}
		if asked {
			continue
		}
		zkapi.Checkpoint(c.env, "listen", watch, reconnected, again)
		if _, err := c.env.Wait(t.Active, fence.Sources(watch, reconnected, t.Session.Done(), c.env.Timer(resyncInterval))...); err != nil || t.Session.Done().Fired() {
			return
		}
	}
}

// Revoke asks every holder of the lock to release it, and returns how many were asked. A holder
// hears of it only if it has OnRevoke, or Curator's makeRevocable. It need not obey.
func (l *Locks) Revoke(ctx context.Context, path string) (asked int, err error) {
	holders, err := l.Line(ctx, path)
	if err != nil {
		return 0, err
	}
	for _, one := range holders {
		if !one.Holds {
			continue
		}
		err := l.request(ctx, path+"/"+one.Znode)
		switch {
		case errors.Is(err, zkapi.ErrNoNode): // released meanwhile
		case err != nil:
			return asked, err
		default:
			asked++
		}
	}
	return asked, nil
}
