package recipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file has the one policy for all repetitions: growing pauses with jitter (zkapi.Pause),
// a warning at the beginning and at the end, and a metric. The caller bounds a repetition by
// a context or a session; a permanent refusal ends it.

// retryDelay is the first pause before a step is tried again.
const retryDelay = 50 * time.Millisecond

const (
	// quickTries is how many pauses do not grow yet after a failure that is no refusal,
	// because a lost answer or a lost race is over soon.
	quickTries = 4
	// mostAfterLoss and mostAfterRefusal bound the pauses. A lost connection may come back at
	// any moment; a refusal lasts until a person changes something, or a quota.
	mostAfterLoss    = 2 * time.Second
	mostAfterRefusal = 30 * time.Second
)

// retry is one step that is tried until it succeeds. The zero value of its count means
// that it has not failed since it last succeeded.
type retry struct {
	env  zkapi.Env
	obs  Observers
	step string // the name of the step in the log and the metric

	lossesOnly bool // retryOnDisconnect returns every refusal

	failures int
	logged   bool
	since    time.Time
}

func newRetry(env zkapi.Env, obs Observers, step string) *retry {
	return &retry{env: env, obs: obs, step: step}
}

// failed notes a failure and returns how long to wait before the next try. It warns at
// once of a refusal, and of anything else when it has happened again and again.
func (r *retry) failed(ctx context.Context, err error) time.Duration {
	refused := zkapi.Refused(err)
	r.failures++
	r.obs.Metrics.Retried(r.step, refused)
	pauses, most := r.failures-quickTries, mostAfterLoss
	if refused {
		pauses, most = r.failures, mostAfterRefusal
	}
	if refused || pauses > 1 {
		r.warn(ctx, err)
	}
	return zkapi.Pause(r.env, retryDelay, most, pauses)
}

// warn warns of a failure, unless that has been done.
func (r *retry) warn(ctx context.Context, err error) {
	if r.logged {
		return
	}
	r.logged, r.since = true, r.env.Now()
	r.obs.Logger.WarnContext(ctx, "a step fails and is tried again, with growing pauses", "step", r.step, "error", clip(err.Error()))
}

// worked notes a success. It logs that if the failures before were logged.
func (r *retry) worked(ctx context.Context) {
	if r.logged {
		r.obs.Logger.WarnContext(ctx, "a step that failed works again",
			"step", r.step, "failures", r.failures, "after", r.env.Now().Sub(r.since))
	}
	r.failures, r.logged = 0, false
}

// endable is a session, which can end before a step is tried again.
type endable interface {
	Done() zkapi.Source
	Cause() error
}

// wait waits before the next try on a session. It fails when there is no point in
// trying: ctx or the session has ended.
func (r *retry) wait(ctx context.Context, session endable, err error) error {
	i, waiting := r.env.Wait(ctx, session.Done(), r.env.Timer(r.failed(ctx, err)))
	switch {
	case waiting != nil:
		return waiting
	case i == 0:
		return session.Cause()
	}
	return nil
}

// retryOnDisconnect repeats a step as long as it fails because there is no connection, or
// with a refusal that may end by itself. The step must change nothing, or be harmless to
// repeat. retryOnDisconnect returns an error that no repetition cures; or, when ctx ends, its
// cause with the last refusal.
func (r *retry) retryOnDisconnect(ctx context.Context, session endable, step func() error) error {
	for {
		err := step()
		if !passing(err) || r.lossesOnly && zkapi.Refused(err) {
			if err == nil {
				r.worked(ctx)
			}
			return err
		}
		if over := r.wait(ctx, session, err); over != nil {
			return unless(over, err)
		}
	}
}

// passing reports whether a step that failed with err may succeed if it is tried again
// as it is.
func passing(err error) bool {
	if zkapi.Permanent(err) || zkapi.TooLarge(err) {
		return false
	}
	return errors.Is(err, zkapi.ErrConnectionLoss) || errors.Is(err, zkapi.ErrNotSent) || zkapi.Curable(err)
}

// unless returns why a repetition has ended, with the refusal that was the reason to repeat,
// or the network's reason.
func unless(over, err error) error {
	if zkapi.Refused(err) {
		return fmt.Errorf("%w: %w", over, err)
	}
	if why, ok := errors.AsType[*zkapi.Unreachable](err); ok {
		return because(over, why)
	}
	return over
}

// because adds to an error why the ensemble was not reachable, unless the error says so.
func because(err error, why *zkapi.Unreachable) error {
	if _, said := errors.AsType[*zkapi.Unreachable](err); said || why == nil || err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, why)
}
