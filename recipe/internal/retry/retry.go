// Package retry has the one policy for all repetitions of a recipe: growing pauses with jitter
// (zkapi.Pause), a warning at the beginning and at the end, and a metric. The caller bounds a
// repetition by a context or a session; a permanent refusal ends it. It also has the waits for
// another process, which are told once.
package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Delay is the first pause before a step is tried again.
const Delay = 50 * time.Millisecond

const (
	// quickTries is how many pauses do not grow yet after a failure that is no refusal,
	// because a lost answer or a lost race is over soon.
	quickTries = 4
	// mostAfterLoss and mostAfterRefusal bound the pauses. A lost connection may come back at
	// any moment; a refusal lasts until a person changes something, or a quota.
	mostAfterLoss    = 2 * time.Second
	mostAfterRefusal = 30 * time.Second
)

// Step is one step that is tried until it succeeds. The zero value of its count means
// that it has not failed since it last succeeded.
type Step struct {
	env  zkapi.Env
	obs  observe.Observer
	step string // the name of the step in the log and the metric

	// LossesOnly makes OnDisconnect return every refusal.
	LossesOnly bool

	failures int
	logged   bool
	since    time.Time
}

// New is a step of that name.
func New(env zkapi.Env, obs observe.Observer, step string) *Step {
	return &Step{env: env, obs: obs, step: step}
}

// Failed notes a failure and returns how long to wait before the next try. It warns at
// once of a refusal, and of anything else when it has happened again and again.
func (s *Step) Failed(ctx context.Context, err error) time.Duration {
	refused := zkapi.Refused(err)
	s.failures++
	s.obs.Metrics.Retried(s.step, refused)
	pauses, most := s.failures-quickTries, mostAfterLoss
	if refused {
		pauses, most = s.failures, mostAfterRefusal
	}
	if refused || pauses > 1 {
		s.Warn(ctx, err)
	}
	return zkapi.Pause(s.env, Delay, most, pauses)
}

// Warn warns of a failure, unless that has been done.
func (s *Step) Warn(ctx context.Context, err error) {
	if s.logged {
		return
	}
	s.logged, s.since = true, s.env.Now()
	s.obs.Logger.WarnContext(ctx, "a step fails and is tried again, with growing pauses", "step", s.step, "error", observe.Clip(err.Error()))
}

// Worked notes a success. It logs that if the failures before were logged.
func (s *Step) Worked(ctx context.Context) {
	if s.logged {
		s.obs.Logger.WarnContext(ctx, "a step that failed works again",
			"step", s.step, "failures", s.failures, "after", s.env.Now().Sub(s.since))
	}
	s.failures, s.logged = 0, false
}

// Endable is a session, which can end before a step is tried again.
type Endable interface {
	Done() zkapi.Source
	Cause() error
}

// Wait waits before the next try on a session. It fails when there is no point in
// trying: ctx or the session has ended.
func (s *Step) Wait(ctx context.Context, session Endable, err error) error {
	i, waiting := s.env.Wait(ctx, session.Done(), s.env.Timer(s.Failed(ctx, err)))
	switch {
	case waiting != nil:
		return waiting
	case i == 0:
		return session.Cause()
	}
	return nil
}

// OnDisconnect repeats a step as long as it fails because there is no connection, or
// with a refusal that may end by itself. The step must change nothing, or be harmless to
// repeat. OnDisconnect returns an error that no repetition cures; or, when ctx ends, its
// cause with the last refusal.
func (s *Step) OnDisconnect(ctx context.Context, session Endable, step func() error) error {
	for {
		err := step()
		if !Passing(err) || s.LossesOnly && zkapi.Refused(err) {
			if err == nil {
				s.Worked(ctx)
			}
			return err
		}
		if over := s.Wait(ctx, session, err); over != nil {
			return Unless(over, err)
		}
	}
}

// Passing reports whether a step that failed with err may succeed if it is tried again
// as it is.
func Passing(err error) bool {
	if zkapi.Permanent(err) || zkapi.TooLarge(err) {
		return false
	}
	return errors.Is(err, zkapi.ErrConnectionLoss) || errors.Is(err, zkapi.ErrNotSent) || zkapi.Curable(err)
}

// Unless returns why a repetition has ended, with the refusal that was the reason to repeat,
// or the network's reason.
func Unless(over, err error) error {
	if zkapi.Refused(err) {
		return fmt.Errorf("%w: %w", over, err)
	}
	if why, ok := errors.AsType[*zkapi.Unreachable](err); ok {
		return Because(over, why)
	}
	return over
}

// Because adds to an error why the ensemble was not reachable, unless the error says so.
func Because(err error, why *zkapi.Unreachable) error {
	if _, said := errors.AsType[*zkapi.Unreachable](err); said || why == nil || err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, why)
}

// Failures is how often the step has failed since it last succeeded.
func (s *Step) Failures() int { return s.failures }
