package lease

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// doubted reports whether the tree has gone back since the last grant or renewal. Then the version that
// the holder knows may come again for another one.
func (l *Lease) doubted() bool {
	_, lost := l.p.Tokens.Known(l.path)
	return lost
}

// rise raises the version of the znode if the next token could come again (process.Session.Floor). holds is
// what the znode says meanwhile. The znode is to be read again then. state is what the caller depends on.
func (l *Lease) rise(s *process.Session, holds grant, version, known int32, state any) (raised bool, err error) {
	floor, err := s.Floor(l.path, version, known)
	if err != nil || floor == version {
		return false, err
	}
	if err = s.Raise(l.path, holds.encode(), version, floor, l, state); process.Refused(err) {
		err = nil
	}
	return true, err
}

// reread finds out what the znode is after a write that was refused: a renewal whose fate was not told may
// have been applied before, or the tree has gone back. ErrLost means that it names another holder, or none.
func (l *Lease) reread(s *process.Session, state any) error {
	for {
		known, _ := l.p.Tokens.Known(l.path)
		now, err := s.Now("look at the own lease", fence.Get(l.path), l, known, state)
		if err != nil && !errors.Is(err, zkapi.ErrNoNode) {
			return err
		}
		holder := read(now.Data)
		if holder.ID != l.grant.ID {
			return fmt.Errorf("%w: it is held by %q", ErrLost, holder.Holder)
		}
		raised, err := l.rise(s, l.grant, now.Stat.Version, known, state)
		if err != nil {
			return err
		}
		if !raised {
			l.applied(now.Stat.Version, false)
			return nil
		}
	}
}

// still returns ErrFenced unless the lease is held. It is for a holder whose write was fenced, because another
// has the lease, or because a renewal has moved the version whose answer has not come yet, or was lost;
// and for one that hears that the tree has gone back.
func (l *Lease) still(ctx context.Context, ops []zkapi.Op) error {
	return l.p.Read(ctx, "look at the own lease", []any{l, ops}, func(s *process.Session) error {
		err := l.reread(s, ops)
		if errors.Is(err, ErrLost) {
			return fmt.Errorf("%w: %w", ErrFenced, err)
		}
		return err
	})
}
