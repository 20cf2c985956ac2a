package fence

import (
	"context"
	"errors"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Look answers an Exists, with a watch if it has one. Since ZOOKEEPER-2590 servers refuse
// it without read permission on the parent. Then Look tries a get, which needs permission
// only on the znode. If the znode does not exist, a get sets no watch: Watch is nil.
func Look(ctx context.Context, session Session, read Read) (zkapi.Result, error) {
	found, err := session.Do(ctx, read)
	if !errors.Is(err, zkapi.ErrNoAuth) {
		return found, err
	}
	got, second := session.Do(ctx, read.Gets())
	switch {
	case second == nil:
		got.Found, got.Data = true, nil
		return got, nil
	case errors.Is(second, zkapi.ErrNoNode):
		return zkapi.Result{}, nil
	case errors.Is(second, zkapi.ErrNoAuth):
		return zkapi.Result{}, err
	}
	return zkapi.Result{}, second
}

// Sources lists the sources to wait for, without the nil ones.
func Sources(sources ...zkapi.Source) []zkapi.Source {
	there := sources[:0]
	for _, s := range sources {
		if s != nil {
			there = append(there, s)
		}
	}
	return there
}
