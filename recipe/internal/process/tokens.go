package process

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrOverflow means that a version would pass 2^31-1.
var ErrOverflow = errors.New("the tokens of the path are used up")

// raisedAtOnce is how many steps one multi raises a version.
const raisedAtOnce = 200

// opened hears of each new session.
func (p *Process) opened(ctx context.Context, session zkapi.Session) {
	if last := p.Tokens.Opened(zkapi.WentBack(session)); last != nil {
		p.Obs.Logger.ErrorContext(ctx, "the ensemble was wiped, replaced or restored", "error", last)
	}
}

// Floor is the version that a znode must have before the next grant, so that no token comes again that
// this process has seen. version was read after a sync, and known is what Tokens had before that. A
// smaller version means that the tree has gone back, or that the znode was made again.
func (s *Session) Floor(path string, version, known int32) (int32, error) {
	greatest, lost := s.p.Tokens.Known(path)
	if !lost && version >= known {
		return version, nil
	}
	if !lost {
		s.p.Tokens.Lose(path)
		s.p.Obs.Logger.ErrorContext(s.ctx, "the ensemble was wiped, replaced or restored, or the path was made again",
			"path", path, "version", version, "greatest token seen", greatest)
	}
	if version < 0 || !fence.CanRise(max(version, greatest), 2*tokens.LiftedBeyond) {
		return 0, fmt.Errorf("%w: %s has the version %d, and the greatest token seen is %d", ErrOverflow, path, version, greatest)
	}
	return max(version, greatest+tokens.LiftedBeyond), nil
}

// Raise raises the version of a znode by setting its data again and again. Each set demands the version
// before it, so the error is Refused if another process was faster. Repeating it is harmless.
func (s *Session) Raise(path string, data []byte, from, to int32, state ...any) error {
	for from < to {
		n := min(int(to-from), raisedAtOnce)
		s.at("raise a version", []any{path, data, from, to, state})
		if err := s.Lift(s.ctx, path, data, from, n); err != nil {
			return err
		}
		from += int32(n)
	}
	return nil
}
