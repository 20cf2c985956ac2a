package obstacle

import (
	"context"
	"errors"
	"path"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Ensure creates a persistent znode unless it exists, and those above it that are missing.
// Repeating it is harmless, so an unknown outcome is resolved by the next try. A znode that
// ACLs hide counts as present: the first use of it shows whether it is.
func Ensure(ctx context.Context, session fence.Session, p string, acl []zkapi.ACL) error {
	if p == "/" {
		return nil
	}
	found, err := fence.Look(ctx, session, fence.Exists(p))
	switch {
	case err == nil && found.Found && found.Stat.Alive():
		return &Error{Problem: NotPersistent(p, found.Stat, "no znode can be created below it")}
	case err == nil && found.Found, errors.Is(err, zkapi.ErrNoAuth):
		return nil
	case err != nil:
		return err
	}
	err = session.Make(ctx, p, acl)
	if errors.Is(err, zkapi.ErrNoNode) {
		if err := Ensure(ctx, session, path.Dir(p), acl); err != nil {
			return err
		}
		err = session.Make(ctx, p, acl)
	}
	if errors.Is(err, zkapi.ErrNodeExists) {
		return nil
	}
	return err
}
