package recipe

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Readiness says whether anyone assigns and executes tasks.
type Readiness struct {
	Leads bool // a master leads
	Works bool // at least one worker is registered
}

// Readiness looks whether a master leads and whether a worker is registered. It costs a few
// reads, so that a caller that waits for a result may ask every few seconds. What the server
// does not show counts as there.
func (c *Client) Readiness(ctx context.Context) (r Readiness, err error) {
	err = c.reading(ctx, func(session fence.Session) (err error) {
		if r.Leads, err = alive(ctx, session, c.layout.master()); err != nil {
			return err
		}
		r.Works, err = c.worker(ctx, session)
		return err
	})
	return r, err
}

// worker reports whether one worker is registered.
func (c *Client) worker(ctx context.Context, session fence.Session) (bool, error) {
	listed, err := session.Do(ctx, fence.Children(c.layout.workers()))
	switch {
	case errors.Is(err, zkapi.ErrNoNode):
		return false, nil
	case errors.Is(err, zkapi.ErrNoAuth):
		return true, nil
	case err != nil:
		return false, err
	}
	for _, name := range listed.Children {
		if there, err := alive(ctx, session, c.layout.worker(name)); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// alive reports whether a znode is there and belongs to a session.
func alive(ctx context.Context, session fence.Session, path string) (bool, error) {
	seen, err := fence.Look(ctx, session, fence.Exists(path))
	if errors.Is(err, zkapi.ErrNoAuth) {
		return true, nil
	}
	return err == nil && seen.Found && seen.Stat.Alive(), err
}
