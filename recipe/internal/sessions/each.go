package sessions

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Each runs a role on one session after the other.
type Each struct {
	Recipe string // in errors
	Role   string // in errors, in the log and in measurements
	Env    zkapi.Env
	Obs    observe.Observer
	Memory *epoch.Memory // hears whether the tree has gone back
	Ended  func(error)   // hears how each session ended
}

// ErrStop ends the loop of Each without an error of its own: the role has what it wanted.
var ErrStop = errors.New("retired")

// Run runs body on one session after the other until ctx ends. When a session ends, Run
// replaces it by a new value, and body starts again from nothing. Run returns the cause of
// ctx, or a permanent refusal. body returns whether the role was taken, and a refusal or
// ErrStop to end Run too. body has only the methods of package fence for the session.
func (s Each) Run(ctx context.Context, body func(context.Context, fence.Session) (served bool, err error)) error {
	again := retry.New(s.Env, s.Obs, s.Role+" session")
	for ctx.Err() == nil {
		s.Obs.Metrics.WaitBegan(observe.WaitForSession)
		zkapi.Checkpoint(s.Env, "open")
		session, err := s.Env.Open(ctx)
		s.Obs.Metrics.WaitEnded(observe.WaitForSession)
		if err != nil {
			again.Warn(ctx, err)
		} else {
			var served bool
			if served, err = s.one(ctx, session, body); served {
				again.Worked(ctx)
			}
		}
		switch {
		case errors.Is(err, ErrStop):
			return ErrStop
		case zkapi.Permanent(err):
			return fmt.Errorf("%s: %s gives up: %w", s.Recipe, s.Role, err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if _, err := s.Env.Wait(ctx, s.Env.Timer(again.Failed(ctx, err))); err != nil {
			break
		}
	}
	return context.Cause(ctx)
}

// one runs body on one session. served says whether the role was taken.
func (s Each) one(ctx context.Context, session zkapi.Session, body func(context.Context, fence.Session) (served bool, err error)) (served bool, err error) {
	s.Obs.Metrics.SessionOpened(s.Role)
	s.Memory.Opened(ctx, session, s.Obs, s.Role)
	mine := &ownSession{Session: session}
	mine.served, err = body(ctx, fence.Of(mine))
	zkapi.Checkpoint(s.Env, "close", mine, err)
	s.Ended(Close(ctx, mine))
	s.Obs.Metrics.SessionEnded(s.Role, mine.lost)
	attrs := []any{"session", observe.SessionText(session.ID())}
	switch {
	case ctx.Err() != nil:
		attrs = append(attrs, "because", context.Cause(ctx))
	case err != nil && !errors.Is(err, ErrStop):
		attrs = append(attrs, "error", err)
	}
	s.Obs.Logger.InfoContext(ctx, "session over", attrs...)
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
