package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/exit"
	"github.com/ringmaster-zk/ringmaster/recipe"
)

// withClient runs body with a client. It takes at most --connect-timeout, unless it is
// patient.
func (o *Options) withClient(ctx context.Context, patient bool, body func(ctx context.Context, c *recipe.Client) error) error {
	return o.withEnv(ctx, patient, func(ctx context.Context, c *recipe.Client, _ *grantedEnv) error { return body(ctx, c) })
}

// withEnv is withClient for a body that also needs the granted timeout.
func (o *Options) withEnv(ctx context.Context, patient bool, body func(ctx context.Context, c *recipe.Client, env *grantedEnv) error) error {
	env, access, log, err := o.connect()
	if err != nil {
		return err
	}
	c, err := recipe.NewClient(env, recipe.ClientConfig{Namespace: o.Namespace, Access: access, Observers: recipe.Observers{Logger: log}})
	if err != nil {
		return exit.With(exit.WrongUse, err)
	}
	defer endSession(c.Close)
	if patient {
		return body(ctx, c, env)
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	return body(ctx, c, env)
}

// limited bounds the wait for an answer by --connect-timeout.
func (o *Options) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.ConnectTimeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, o.ConnectTimeout, o.late())
}

// untilLate ends ctx if no server has granted the first session within --connect-timeout.
func (o *Options) untilLate(ctx context.Context, env *grantedEnv) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(ctx)
	if o.ConnectTimeout <= 0 {
		return ctx, func() { stop(nil) }
	}
	timer := time.AfterFunc(o.ConnectTimeout, func() {
		select {
		case <-env.first:
		default:
			stop(o.late())
		}
	})
	return ctx, func() { timer.Stop(); stop(nil) }
}

// late is the cause of the end of a wait for an answer.
func (o *Options) late() error {
	return exit.With(exit.Unreachable, fmt.Errorf("no answer from %s within %v: check --servers, or give a longer --connect-timeout", strings.Join(o.Servers, ","), o.ConnectTimeout))
}

// endSession ends the session of a command. If it lasts longer, its timeout ends it.
func endSession(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = end(ctx)
}
