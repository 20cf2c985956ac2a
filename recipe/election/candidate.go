package election

import (
	"context"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Candidate is one process that stands for election, for one term after the other. Its methods
// may be called concurrently, but it waits or leads only once at a time.
type Candidate struct {
	env      zkapi.Env
	config   Config
	election elect.Election
	obs      observe.Observer
	memory   *epoch.Memory
	notices  obstacle.Notices
	running  *sessions.Running

	mu  sync.Mutex
	now *standing // the last campaign, with its term
}

// New checks config. It does not connect.
func New(env zkapi.Env, config Config) (*Candidate, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	config = config.filled()
	if err := config.check(); err != nil {
		return nil, err
	}
	return &Candidate{
		env: env, config: config, election: config.election(), obs: config.observer("candidate"), memory: epoch.AtLeast(config.EpochAtLeast), running: sessions.NewRunning(env),
	}, nil
}

// Campaign waits until this process leads, or until ctx ends. It opens a session of its own, and
// goes on with another one when that ends. The leadership is not bound to ctx.
//
// If ctx ends, Campaign returns its cause when its session has been closed, which takes a few
// seconds at most. Then no znode of it is left, as after every other error, or the log says that
// it may stay until the session's timeout.
//
// Other errors: ErrStands; ErrClosed; and refusals that no wait cures (zkapi.Permanent), such as
// zkapi.ErrNoAuth if ACLs do not let this process lead. A znode of another kind in the place of
// the leader's znode, or of the epoch's, is named in the log with its remedy, and Campaign waits
// until it is gone.
func (c *Candidate) Campaign(ctx context.Context) (*Leadership, error) {
	return c.campaign(ctx, context.WithoutCancel(ctx))
}

// campaign is Campaign for a leadership whose context ends with under.
func (c *Candidate) campaign(ctx, under context.Context) (*Leadership, error) {
	s, err := c.stand(ctx, under)
	if err != nil {
		return nil, err
	}
	zkapi.Checkpoint(c.env, "stand", ctx, s)
	if _, err := c.env.Wait(ctx, s.decided); err != nil {
		s.giveUp(err)
		if unconfirmed := s.ended(context.WithoutCancel(ctx)); unconfirmed != nil {
			c.obs.Logger.InfoContext(ctx, "the session may last until its timeout", "error", unconfirmed)
		}
		return nil, retry.Because(err, zkapi.WhyUnreachable(c.env))
	}
	return s.result()
}

// stand begins a campaign. It waits for the end of the last term, if that is lost.
func (c *Candidate) stand(ctx, under context.Context) (*standing, error) {
	if c == nil || c.env == nil {
		return nil, errZero
	}
	for {
		c.mu.Lock()
		last := c.now
		switch {
		case c.running.Closed():
			c.mu.Unlock()
			return nil, ErrClosed
		case last == nil || last.hasEnded():
			defer c.mu.Unlock()
			return c.begin(under), nil
		case !last.ends():
			c.mu.Unlock()
			return nil, ErrStands
		}
		c.mu.Unlock()
		zkapi.Checkpoint(c.env, "last term", ctx, last)
		if _, err := c.env.Wait(ctx, last.over); err != nil {
			return nil, err
		}
	}
}

// begin starts the thread of a campaign.
func (c *Candidate) begin(under context.Context) *standing {
	s := &standing{Candidate: c, under: under, decided: c.env.Signal()}
	s.wanted, s.stop = context.WithCancelCause(context.WithoutCancel(under))
	c.now = s
	s.over = c.env.Spawn("candidate", s.run)
	return s
}

// Run campaigns, and calls lead while this process leads; if the leadership is lost, it campaigns
// again after lead has returned, and after a pause. It returns the result of lead if lead has returned while the
// leadership lasted: then Run has resigned. Otherwise it returns when ctx ends, with its cause,
// or after Close, or with an error of Campaign.
//
// lead must return soon after its context has ended. The context ends with the leadership, or if
// Run is told to end; then the process still leads until lead has returned, at most as long as its
// lease lasts. So no other process leads meanwhile, and lead may still write.
func (c *Candidate) Run(ctx context.Context, lead func(ctx context.Context, l *Leadership) error) error {
	if c == nil || c.env == nil {
		return errZero
	}
	ctx, returned, err := c.running.Begin(ctx, ErrClosed, ErrStands)
	if err != nil {
		return err
	}
	defer returned()
	again := retry.New(c.env, c.obs, "leadership")
	for {
		l, err := c.campaign(ctx, ctx)
		if err != nil {
			return err
		}
		err = lead(l.Context(), l)
		cause := context.Cause(l.Context())
		if unresigned := l.Resign(context.WithoutCancel(ctx)); unresigned != nil {
			c.obs.Logger.InfoContext(ctx, "the session may last until its timeout", "error", unresigned)
		}
		if cause == nil {
			return err
		}
		if c.env.Now().Sub(l.term.Began) >= l.term.Session.Timeout() {
			again.Worked(ctx) // the pauses grow only if one term after the other is short
		}
		pause := c.env.Timer(again.Failed(ctx, cause))
		zkapi.Checkpoint(c.env, "again", ctx, c)
		if _, err := c.env.Wait(ctx, pause); err != nil {
			return err
		}
	}
}

// Close ends the candidate. A Campaign that waits returns ErrClosed, a leadership is resigned, and
// a Run that is under way ends as if its context had ended: Close waits until it has returned. A nil
// error means that the ensemble has confirmed the end of the session, so no znode of it is left;
// otherwise the error is ErrUnconfirmed, or the cause of ctx.
func (c *Candidate) Close(ctx context.Context) error {
	if c == nil || c.env == nil {
		return errZero
	}
	if err := c.running.Close(ctx, "election", ErrClosed, c); err != nil {
		return err
	}
	c.mu.Lock()
	s := c.now
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	s.giveUp(ErrClosed)
	return s.ended(ctx)
}
