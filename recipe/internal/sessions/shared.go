// Package sessions opens a recipe's sessions, and replaces those that have ended.
package sessions

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// NoEnv reports whether an Env is missing: it is nil, or a nil pointer.
func NoEnv(env zkapi.Env) bool {
	v := reflect.ValueOf(env)
	return env == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// Hooks are what a recipe adds to its sessions. Each may be nil.
type Hooks struct {
	// Admit returns an error for a session that the recipe cannot use; it is closed then.
	Admit func(ctx context.Context, session zkapi.Session) error
	// Opened hears of each session that is used.
	Opened func(ctx context.Context, session zkapi.Session)
}

// Shared is one session for many callers. It is opened when it is needed and replaced when it
// ends. Its methods may be called concurrently.
type Shared struct {
	env   zkapi.Env
	obs   observe.Observer
	role  string
	hooks Hooks

	life context.Context // of the sessions, which serve many callers
	end  context.CancelCauseFunc

	mu      sync.Mutex
	session zkapi.Session
	granted zkapi.Session // as the next one, but it is not admitted yet
	opening zkapi.Source  // fires when the attempt under way to open one is over
	again   *retry.Step   // attempts to open one; only the attempt under way touches it
	brief   *retry.Step   // sessions that ended soon after they had begun; the same
	began   time.Time     // when the present session did; the same
	failed  error         // why the last attempt failed; nil if it succeeded
}

// NewShared connects to nothing yet. role is the name in the log and in measurements.
func NewShared(env zkapi.Env, obs observe.Observer, role string, hooks Hooks) *Shared {
	s := &Shared{env: env, obs: obs, role: role, hooks: hooks}
	s.again = retry.New(env, obs, role+" session")
	s.brief = retry.New(env, obs, role+" session that ends at once")
	s.life, s.end = context.WithCancelCause(context.Background())
	return s
}

// Life is a context that ends with End or Close, and has its cause.
func (s *Shared) Life() context.Context { return s.life }

// Close ends the session; calls that still wait return the cause. A nil error means that the
// ensemble has confirmed the end of the session.
func (s *Shared) Close(ctx context.Context, cause error) error {
	s.end(cause)
	s.mu.Lock()
	opening := s.opening
	s.mu.Unlock()
	if opening != nil {
		if _, err := s.env.Wait(ctx, opening); err != nil {
			return err
		}
	}
	s.mu.Lock()
	session := s.session
	s.session = nil
	s.mu.Unlock()
	if session == nil {
		return nil
	}
	s.obs.Metrics.SessionEnded(s.role, nil)
	return session.Close(ctx)
}

// Connected returns the present session, or waits for a new one when that has ended. One
// thread opens it for all callers. Each caller waits no longer than its own ctx. A refusal that
// no repetition cures is returned at once.
func (s *Shared) Connected(ctx context.Context) (zkapi.Session, error) {
	tried := false
	for {
		s.mu.Lock()
		switch {
		case s.life.Err() != nil:
			s.mu.Unlock()
			return nil, context.Cause(s.life)
		case s.session != nil && !s.session.Done().Fired():
			defer s.mu.Unlock()
			return s.session, nil
		case tried && zkapi.Permanent(s.failed):
			defer s.mu.Unlock()
			return nil, s.failed
		case s.opening == nil:
			s.opening = s.env.Spawn("open", s.open)
		}
		opening, failed := s.opening, s.failed
		s.mu.Unlock()
		tried = true
		if _, err := s.env.Wait(ctx, opening); err != nil {
			if told := s.Explained(err); told != err && !zkapi.Refused(failed) || failed == nil {
				return nil, told
			}
			return nil, fmt.Errorf("%w: %w", err, failed)
		}
	}
}

// Explained adds to the error of a caller that waits no longer why there is no connection, if
// there is none.
func (s *Shared) Explained(err error) error {
	s.mu.Lock()
	session := s.session
	if s.granted != nil {
		session = s.granted
	}
	s.mu.Unlock()
	if session != nil && !session.Done().Fired() {
		return retry.Because(err, zkapi.WhyUnreachable(session))
	}
	return retry.Because(err, zkapi.WhyUnreachable(s.env))
}

// open replaces a session that has ended. If it fails, callers that still need a session try
// again, unless the error is permanent.
func (s *Shared) open() {
	s.mu.Lock()
	old := s.session
	s.session = nil
	s.mu.Unlock()
	if old != nil {
		s.obs.Metrics.SessionEnded(s.role, old.Cause())
		s.obs.Logger.InfoContext(s.life, "session over", "cause", old.Cause())
		if err := Close(s.life, old); err != nil {
			s.obs.Logger.InfoContext(s.life, "the session may last until its timeout", "error", err)
		}
		s.recover(old)
	}
	s.obs.Metrics.WaitBegan(observe.WaitForSession)
	session, err := s.env.Open(s.life)
	s.obs.Metrics.WaitEnded(observe.WaitForSession)
	if err == nil {
		err = s.admit(session)
	}
	switch {
	case err == nil:
		s.obs.Metrics.SessionOpened(s.role)
		if s.hooks.Opened != nil {
			s.hooks.Opened(s.life, session)
		}
		s.again.Worked(s.life)
		s.began = s.env.Now()
	case zkapi.Permanent(err):
		s.obs.Logger.WarnContext(s.life, "no session", "error", err)
	case s.life.Err() != nil: // nobody waits for it
	default:
		s.again.Warn(s.life, err)
		_, _ = s.env.Wait(s.life, s.env.Timer(s.again.Failed(s.life, err)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.opening, s.granted = err, nil, nil
	if err == nil {
		s.session = session
	}
}

// admit asks the recipe whether it can use a session, and closes the session if not.
func (s *Shared) admit(session zkapi.Session) error {
	s.mu.Lock()
	s.granted = session
	s.mu.Unlock()
	if s.hooks.Admit == nil {
		return nil
	}
	err := s.hooks.Admit(s.life, session)
	if err != nil {
		_ = Close(s.life, session)
	}
	return err
}

// recover waits before it replaces a session that ended soon after it began. Otherwise a
// server that grants sessions and ends them at once would get requests for new ones without a
// pause. The first one is replaced at once.
func (s *Shared) recover(old zkapi.Session) {
	if s.env.Now().Sub(s.began) >= old.Timeout() {
		s.brief.Worked(s.life)
		return
	}
	again := s.brief.Failures() > 0
	if pause := s.brief.Failed(s.life, old.Cause()); again {
		_, _ = s.env.Wait(s.life, s.env.Timer(pause))
	}
}

// With repeats a harmless step until it is answered, on one session after the other if
// necessary. If a refusal may end by itself, With waits for that until ctx ends.
func (s *Shared) With(ctx context.Context, request string, step func(zkapi.Session) error) error {
	again := retry.New(s.env, s.obs, request)
	for {
		session, err := s.Connected(ctx)
		if err != nil {
			return err
		}
		err = again.OnDisconnect(ctx, session, func() error { return step(session) })
		if err != nil && ctx.Err() != nil {
			return s.Explained(err)
		}
		if zkapi.Permanent(err) || !errors.Is(err, zkapi.ErrSessionEnded) {
			return err
		}
	}
}

// Reading is With for a step that only reads.
func (s *Shared) Reading(ctx context.Context, request string, step func(fence.Session) error) error {
	return s.With(ctx, request, func(session zkapi.Session) error { return step(fence.Of(session)) })
}

// Close ends a session even when ctx has ended, so that its ephemerals do not linger longer
// than they must.
func Close(ctx context.Context, session interface{ Close(context.Context) error }) error {
	return session.Close(context.WithoutCancel(ctx))
}
