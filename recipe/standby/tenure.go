package standby

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// tenure is one session of a candidate, with one term at most.
type tenure struct {
	*Candidate
	session fence.Session
	znode   string // of the candidate: the name below Layout.Candidates
}

// serve is one session: the candidate stands by, and is active for one term at most.
func (c *Candidate) serve(ctx context.Context, session fence.Session) (served bool, err error) {
	t := &tenure{Candidate: c, session: session, znode: candidatePrefix + c.env.Unique()}
	c.on = t
	defer func() { c.on = nil }()
	if err := t.prepare(ctx); err != nil {
		return false, err
	}
	won, sent, err := elect.Candidate{
		Election: c.election, Env: c.env, Session: session, Obs: c.obs, Name: c.config.Name, Data: c.config.Data, Notices: &c.notices, Memory: c.memory,
		Record: func() ([]byte, string) { return c.config.record(c.env, session) }, Hold: t.hold,
	}.Campaign(ctx)
	if err != nil {
		return false, err
	}
	return true, t.rule(ctx, won, sent)
}

// prepare makes the parents of the group's znodes and the znode of the candidate, and finds out whether
// this process may become active, before it waits for days.
func (t *tenure) prepare(ctx context.Context) error {
	step := func() error {
		for _, p := range t.config.Layout.parents() {
			zkapi.Checkpoint(t.env, "parents", t, p)
			if err := obstacle.Ensure(ctx, t.session, p, t.config.ACL); err != nil {
				return err
			}
		}
		zkapi.Checkpoint(t.env, "may become active", t)
		if err := t.election.MayLead(ctx, t.session); err != nil {
			return err
		}
		zkapi.Checkpoint(t.env, "stand by", t)
		err := t.session.Attend(ctx, t.config.Layout.Candidates+"/"+t.znode, []byte(t.config.Name), t.config.ACL)
		if errors.Is(err, zkapi.ErrNodeExists) { // an earlier attempt, whose answer was lost
			err = nil
		}
		return err
	}
	return t.notices.Unobstructed(ctx, t.env, t.obs.Logger, retry.New(t.env, t.obs, "preparation of a candidate"), t.session, step)
}

// rule is the term, from the moment that the lock is taken until nothing can be written any more.
func (t *tenure) rule(ctx context.Context, won term.Claim, sent time.Duration) error {
	a := &Active{tenure: t, term: t.election.Begin(context.WithoutCancel(ctx), t.env, t.obs, won, sent, ErrLost)}
	a.ctx, a.stop = context.WithCancelCause(ctx)
	t.now = a
	if won.Version == t.doubt.alone+1 {
		t.doubt.alone = won.Version
	}
	detached := context.WithoutCancel(ctx)
	t.obs.Logger.InfoContext(detached, "the lock is taken", "epoch", won.Version, "session", observe.SessionText(t.session.ID()))
	heartbeat := t.env.Spawn("heartbeat", a.term.Heartbeat)
	keeper := t.env.Spawn("keeper", a.keep)
	if a.cause = a.activate(); a.cause == nil {
		a.cause = a.stay()
	}
	if over := t.session.Cause(); over != nil && errors.Is(a.cause, over) && !errors.Is(a.cause, ErrLost) {
		a.cause = fmt.Errorf("%w: %w", ErrLost, a.cause) // this thread heard of it before the lease's
	}
	a.stepDown()
	for _, thread := range []zkapi.Source{heartbeat, keeper} {
		zkapi.Checkpoint(t.env, "end of term", heartbeat, keeper)
		_, _ = t.env.Wait(detached, thread)
	}
	t.now = nil
	t.obs.Logger.InfoContext(detached, "the term is over", "epoch", won.Version, "lasted", t.env.Now().Sub(a.term.Began), "cause", context.Cause(a.ctx))
	return t.pause(ctx, a.cause)
}

// keep is a thread that ends the context of an Active with its lease, and then closes the session, even
// if a hook hangs: the session holds the lock.
func (a *Active) keep() {
	zkapi.DependsOn(a.env, a)
	a.term.KeepLease()
	a.stop(context.Cause(a.term.Holding))
	zkapi.Checkpoint(a.env, "close")
	if err := sessions.Close(context.WithoutCancel(a.ctx), a.session); err != nil {
		a.obs.Logger.Info("the session may last until its timeout", "error", err)
	}
}

// errOver is why a session ends whose term is over.
var errOver = errors.New("the term is over")

// pause waits before the process stands again, if it did not become active: another one may succeed. It
// returns why this session is over.
func (t *tenure) pause(ctx context.Context, cause error) error {
	failed := errors.Is(cause, ErrUnfenced) || errors.Is(cause, ErrNotActivated)
	if failed {
		timer := t.env.Timer(max(t.activation.Failed(ctx, errOver), t.config.RetryPause))
		zkapi.Checkpoint(t.env, "pause", ctx, cause)
		_, _ = t.env.Wait(ctx, timer)
	} else {
		t.activation.Worked(ctx)
	}
	switch {
	case !t.isStandby:
		return sessions.ErrStop // first it becomes standby
	case zkapi.Permanent(cause) && !failed:
		return cause
	}
	return errOver
}
