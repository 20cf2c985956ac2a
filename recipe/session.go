package recipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// retryDelay is how long a failed step waits before it is tried again.
const retryDelay = 50 * time.Millisecond

// sessions runs a role on one session after the other.
type sessions struct {
	role string
	env  zkapi.Env
	see  Observers
	life *lifetime // hears how each session ended
}

// each runs body on one session after the other until ctx ends: a session that
// ends, for whatever reason, is replaced by a new value, and body starts from
// nothing. It returns the cause of ctx, or a refusal that no repetition cures.
// body returns a refusal or errEnough to end it too.
func (s sessions) each(ctx context.Context, body func(context.Context, zkapi.Session) error) error {
	for ctx.Err() == nil {
		zkapi.Rest(s.env, "open")
		session, err := s.env.Open(ctx)
		if err != nil {
			s.see.Logger.WarnContext(ctx, "no session", "error", err)
		} else {
			s.see.Metrics.SessionOpened(s.role)
			mine := &ownSession{Session: session}
			err = body(ctx, mine)
			zkapi.Rest(s.env, "close", mine, err)
			s.life.ended(closeSession(ctx, mine))
			s.see.Metrics.SessionEnded(s.role, mine.lost)
			s.see.Logger.InfoContext(ctx, "session over", "session", session.ID(), "error", err)
		}
		switch {
		case errors.Is(err, errEnough):
			return errEnough
		case zkapi.Permanent(err):
			return fmt.Errorf("recipe: %s gives up: %w", s.role, err)
		}
		if _, err := s.env.Wait(ctx, s.env.Timer(retryDelay)); err != nil {
			break
		}
	}
	return context.Cause(ctx)
}

// ownSession remembers how its first end came about and what it came to: a role
// may close it before it waits for others.
type ownSession struct {
	zkapi.Session
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

// errEnough ends each: the role has done what it was asked to.
var errEnough = errors.New("retired")

// closeSession ends a session even when ctx has ended, so that its ephemerals do
// not linger longer than they must.
func closeSession(ctx context.Context, session zkapi.Session) error {
	return session.Close(context.WithoutCancel(ctx))
}

// pause waits a little before a step is tried again on the same session. It
// fails when there is no point in trying.
func pause(ctx context.Context, env zkapi.Env, session zkapi.Session) error {
	i, err := env.Wait(ctx, session.Done(), env.Timer(retryDelay))
	switch {
	case err != nil:
		return err
	case i == 0:
		return session.Cause()
	}
	return nil
}

// persist repeats a step that changes nothing, or that is harmless to repeat,
// for as long as it fails for want of a connection.
func persist(ctx context.Context, env zkapi.Env, session zkapi.Session, step func() error) error {
	for {
		err := step()
		if !errors.Is(err, zkapi.ErrConnectionLoss) && !errors.Is(err, zkapi.ErrNotSent) {
			return err
		}
		if err := pause(ctx, env, session); err != nil {
			return err
		}
	}
}
