package recipe

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// eachSession runs a role on one session after the other.
type eachSession struct {
	role string
	env  zkapi.Env
	obs  Observers
	life *lifetime // hears how each session ended

	memory *epoch.Memory
}

// each runs body on one session after the other until ctx ends. When a session ends, each
// replaces it by a new value, and body starts again from nothing. each returns the cause of
// ctx, or a permanent refusal. body returns whether the role was taken, and a refusal or
// errStop to end each too. body has only the methods of package fence for the session.
func (s eachSession) each(ctx context.Context, body func(context.Context, fence.Session) (served bool, err error)) error {
	again := retry.New(s.env, s.obs.shared(), s.role+" session")
	for ctx.Err() == nil {
		s.obs.Metrics.WaitBegan(waitForSession)
		zkapi.Checkpoint(s.env, "open")
		session, err := s.env.Open(ctx)
		s.obs.Metrics.WaitEnded(waitForSession)
		if err != nil {
			again.Warn(ctx, err)
		} else {
			var served bool
			if served, err = s.one(ctx, session, body); served {
				again.Worked(ctx)
			}
		}
		switch {
		case errors.Is(err, errStop):
			return errStop
		case zkapi.Permanent(err):
			return fmt.Errorf("recipe: %s gives up: %w", s.role, err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if _, err := s.env.Wait(ctx, s.env.Timer(again.Failed(ctx, err))); err != nil {
			break
		}
	}
	return context.Cause(ctx)
}

// one runs body on one session. served says whether the role was taken.
func (s eachSession) one(ctx context.Context, session zkapi.Session, body func(context.Context, fence.Session) (served bool, err error)) (served bool, err error) {
	s.obs.Metrics.SessionOpened(s.role)
	s.memory.Opened(ctx, session, s.obs.shared(), s.role)
	mine := &ownSession{Session: session}
	mine.served, err = body(ctx, fence.Of(mine))
	zkapi.Checkpoint(s.env, "close", mine, err)
	s.life.ended(sessions.Close(ctx, mine))
	s.obs.Metrics.SessionEnded(s.role, mine.lost)
	s.obs.Logger.InfoContext(ctx, "session over", "session", observe.SessionText(session.ID()), "error", err)
	return mine.served, err
}

// ownSession records why the session ended and what Close returned, because a role may close
// it early and needs both later.
type ownSession struct {
	zkapi.Session
	served bool // the role was taken on it
	closed bool
	lost   error // why it was over before it was closed; nil when it was not
	result error
}

// Close implements zkapi.Session.
func (s *ownSession) Close(ctx context.Context) error {
	if !s.closed {
		s.closed = true
		s.lost = s.Cause()
		s.result = s.Session.Close(ctx)
	}
	return s.result
}

// errStop ends a session's loop without an error: the role has retired.
var errStop = errors.New("retired")
