package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Counter is a number in one znode that many processes raise. It is the recipe of this
// module: optimistic concurrency, as the ZooKeeper documentation describes it for
// conditional updates.
type Counter struct {
	Path string
	// Careless raises the number without the version that was read. It is the planted
	// defect of this module: two processes then overwrite each other's work.
	Careless bool
}

// Raise adds one to the counter and returns the new value. If another process was faster,
// it tries again. If the answer to the write is lost, the counter may have been raised:
// zkapi.FateOf(err) is zkapi.Unknown then, and the value is the one that was tried.
func (c Counter) Raise(ctx context.Context, session zkapi.Session) (int, error) {
	for {
		value, err := c.try(ctx, session)
		if !errors.Is(err, zkapi.ErrBadVersion) && !errors.Is(err, zkapi.ErrNodeExists) {
			return value, err
		}
	}
}

func (c Counter) try(ctx context.Context, session zkapi.Session) (int, error) {
	got, err := session.Do(ctx, zkapi.Get(c.Path))
	if errors.Is(err, zkapi.ErrNoNode) {
		_, err = session.Do(ctx, zkapi.Create(c.Path, []byte("1"), zkapi.Persistent))
		return 1, err
	}
	if err != nil {
		return 0, &zkapi.Error{Kind: zkapi.KindGet, Path: c.Path, Index: -1, Fate: zkapi.NotApplied, Err: err} // nothing was written
	}
	value, err := strconv.Atoi(string(got.Data))
	if err != nil {
		return 0, fmt.Errorf("counter: %s has %q, which is no number", c.Path, got.Data)
	}
	version := got.Stat.Version
	if c.Careless {
		version = zkapi.AnyVersion
	}
	_, err = session.Do(ctx, zkapi.Set(c.Path, []byte(strconv.Itoa(value+1)), version))
	return value + 1, err
}
