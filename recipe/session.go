package recipe

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// retryDelay is how long a failed step waits before it is tried again, and
// closeLimit how long the end of a session may take.
const (
	retryDelay = 50 * time.Millisecond
	closeLimit = 3 * time.Second
)

// forEachSession runs body on one session after the other until ctx ends: a
// session that ends, for whatever reason, is replaced by a new value, and body
// starts from nothing. It returns the cause of ctx.
func forEachSession(ctx context.Context, env zkapi.Env, log *slog.Logger, body func(context.Context, zkapi.Session) error) error {
	for ctx.Err() == nil {
		session, err := env.Open(ctx)
		if err != nil {
			log.WarnContext(ctx, "no session", "error", err)
		} else {
			err = body(ctx, session)
			log.InfoContext(ctx, "session over", "session", session.ID(), "error", err)
			closeSession(ctx, log, session)
		}
		if _, err := env.Wait(ctx, env.Timer(retryDelay)); err != nil {
			break
		}
	}
	return context.Cause(ctx)
}

// closeSession ends a session even when ctx has ended, so that its ephemerals do
// not linger longer than they must.
func closeSession(ctx context.Context, log *slog.Logger, session zkapi.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if err := session.Close(ctx); err != nil {
		log.InfoContext(ctx, "session may linger", "error", err)
	}
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

func discardIfNil(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
