package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Errors of a Client.
var (
	// ErrNoTask means that there is no such task: it was never accepted, or its
	// result has been collected.
	ErrNoTask = errors.New("no such task")
	// ErrUnfinished means that a task has no result yet.
	ErrUnfinished = errors.New("task is not finished")
	// ErrBacklogFull means that there are as many unfinished tasks as the masters
	// allow (MasterConfig.MaxBacklog). The task was not accepted.
	ErrBacklogFull = errors.New("backlog is full")
	// ErrInDoubt means that a request was sent and its answer was not received before
	// ctx ended, so that it is not known whether it was applied. Submit, Cancel and
	// Collect return it; each may be called again, Submit with the same ID.
	ErrInDoubt = errors.New("it is not known whether the request was applied")
	// ErrClientClosed is the error of a Client's methods after Close.
	ErrClientClosed = errors.New("client is closed")
)

// AmbiguousError means that it is not known whether a task was accepted: the
// connection was lost and ctx ended before it could be found out. Submit with
// the same ID resolves it. It is an ErrInDoubt.
type AmbiguousError struct {
	ID  string
	Err error
}

// Error implements error.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("task %s may or may not have been accepted: %v", e.ID, e.Err)
}

// Unwrap is why it is not known.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// Is reports whether target is ErrInDoubt.
func (e *AmbiguousError) Is(target error) bool { return target == ErrInDoubt }

// doubt remembers whether one of several tries of a request may have been applied.
type doubt bool

// after notes the outcome of a try, and returns it.
func (d *doubt) after(err error) error {
	*d = *d || zkapi.FateOf(err) == zkapi.Unknown
	return err
}

// asError returns the error of the request as a whole: ErrInDoubt, unless the outcome is known.
func (d *doubt) asError(err error) error {
	if err == nil || !bool(*d) || errors.Is(err, ErrNoTask) || errors.Is(err, ErrUnfinished) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInDoubt, err)
}

// FailedError is the error of Do for a task that ended without a result. The reason in Status
// has that of the last attempt, if its record can be read.
type FailedError struct {
	Task   string
	Status Status
}

// Error implements error.
func (e *FailedError) Error() string {
	return fmt.Sprintf("task %s is %s: %s", e.Task, e.Status.State, e.Status.Reason)
}

// MaxPayload is the size in bytes of the largest payload.
const MaxPayload = 256 << 10

// ClientConfig describes a client.
type ClientConfig struct {
	// Namespace as in MasterConfig.
	Namespace string
	// Access as in MasterConfig.
	Access Access

	Observers
}

// Client submits tasks and waits for their results. Its methods may be called concurrently;
// they share one session, which is opened when it is needed and replaced when it ends. A
// method returns at once if the server's refusal is permanent (zkapi.Permanent).
type Client struct {
	env    zkapi.Env
	layout layout
	obs    Observers

	// life is the context of the client's sessions, which serve many callers.
	life context.Context
	end  context.CancelCauseFunc

	mu      sync.Mutex
	session zkapi.Session
	granted zkapi.Session // as the next one, but its format is not known yet
	opening zkapi.Source  // fires when the attempt under way to open one is over
	again   *retry        // attempts to open one; only the attempt under way touches it
	brief   *retry        // sessions that ended soon after they had begun; the same
	began   time.Time     // when the present session did; the same
	failed  error         // why the last attempt failed; nil if it succeeded
	memory  memory
	waits   map[string]*wait
	backlog backlogSeen
	full    crowd // of submissions that wait because the backlog is full
	notices notices
	reads   bool // a task that it has made
}

// NewClient checks config. It does not connect.
func NewClient(env zkapi.Env, config ClientConfig) (*Client, error) {
	if err := checkEnv(env); err != nil {
		return nil, err
	}
	l, err := newLayout(config.Namespace, config.Access)
	if err != nil {
		return nil, err
	}
	c := &Client{env: env, layout: l, obs: config.filled("client", ""), waits: map[string]*wait{}}
	c.full.one = newToldWait(env, c.obs, waitForRoom)
	c.again = newRetry(env, c.obs, "client session")
	c.brief = newRetry(env, c.obs, "client session that ends at once")
	c.life, c.end = context.WithCancelCause(context.Background())
	return c, nil
}

// Close ends the client and its session; calls that still wait return ErrClientClosed.
// Submitted tasks go on. A nil error means that the ensemble has confirmed the end of the
// session.
func (c *Client) Close(ctx context.Context) error {
	if c.env == nil {
		return errZero
	}
	c.end(ErrClientClosed)
	c.mu.Lock()
	opening := c.opening
	c.mu.Unlock()
	if opening != nil {
		if _, err := c.env.Wait(ctx, opening); err != nil {
			return err
		}
	}
	c.mu.Lock()
	session := c.session
	c.session = nil
	c.mu.Unlock()
	if session == nil {
		return nil
	}
	c.obs.Metrics.SessionEnded("client", nil)
	return session.Close(ctx)
}

// connected returns the present session, or waits for a new one when that has ended. One
// thread opens it for all callers. Each caller waits no longer than its own ctx.
func (c *Client) connected(ctx context.Context) (zkapi.Session, error) {
	tried := false
	for {
		c.mu.Lock()
		switch {
		case c.life.Err() != nil:
			c.mu.Unlock()
			return nil, context.Cause(c.life)
		case c.session != nil && !c.session.Done().Fired():
			defer c.mu.Unlock()
			return c.session, nil
		case tried && zkapi.Permanent(c.failed):
			defer c.mu.Unlock()
			return nil, c.failed
		case c.opening == nil:
			c.opening = c.env.Spawn("open", c.open)
		}
		opening, failed := c.opening, c.failed
		c.mu.Unlock()
		tried = true
		if _, err := c.env.Wait(ctx, opening); err != nil {
			if told := c.explained(err); told != err && !zkapi.Refused(failed) || failed == nil {
				return nil, told
			}
			return nil, fmt.Errorf("%w: %w", err, failed)
		}
	}
}

// explained adds to the error of a caller that waits no longer why the client has no
// connection, if it has none.
func (c *Client) explained(err error) error {
	c.mu.Lock()
	session := c.session
	if c.granted != nil {
		session = c.granted
	}
	c.mu.Unlock()
	if session != nil && !session.Done().Fired() {
		return because(err, zkapi.WhyUnreachable(session))
	}
	return because(err, zkapi.WhyUnreachable(c.env))
}

// open replaces a session that has ended. If it fails, callers that still need a session try
// again, unless the error is permanent.
func (c *Client) open() {
	c.mu.Lock()
	old := c.session
	c.session = nil
	c.mu.Unlock()
	if old != nil {
		c.obs.Metrics.SessionEnded("client", old.Cause())
		c.obs.Logger.InfoContext(c.life, "session over", "cause", old.Cause())
		if err := closeSession(c.life, old); err != nil {
			c.obs.Logger.InfoContext(c.life, "the session may last until its timeout", "error", err)
		}
		c.recover(old)
	}
	c.obs.Metrics.WaitBegan(waitForSession)
	session, err := c.env.Open(c.life)
	c.obs.Metrics.WaitEnded(waitForSession)
	if err == nil {
		c.mu.Lock()
		c.granted = session
		c.mu.Unlock()
		err = c.understands(session)
	}
	switch {
	case err == nil:
		c.obs.Metrics.SessionOpened("client")
		c.memory.opened(c.life, session, c.obs, "client")
		c.again.worked(c.life)
		c.began = c.env.Now()
	case zkapi.Permanent(err):
		c.obs.Logger.WarnContext(c.life, "no session", "error", err)
	case c.life.Err() != nil: // nobody waits for it
	default:
		c.again.warn(c.life, err)
		_, _ = c.env.Wait(c.life, c.env.Timer(c.again.failed(c.life, err)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.opening, c.granted = err, nil, nil
	if err == nil {
		c.session = session
	}
}

// recover waits before it replaces a session that ended soon after it began. Otherwise a
// server that grants sessions and ends them at once would get requests for new ones without a
// pause. The first one is replaced at once.
func (c *Client) recover(old zkapi.Session) {
	if c.env.Now().Sub(c.began) >= old.Timeout() {
		c.brief.worked(c.life)
		return
	}
	again := c.brief.failures > 0
	if pause := c.brief.failed(c.life, old.Cause()); again {
		_, _ = c.env.Wait(c.life, c.env.Timer(pause))
	}
}

// understands checks that this build knows the format of the znodes, and closes the session
// if not. If the format cannot be read, later requests decide.
func (c *Client) understands(session zkapi.Session) error {
	_, err := c.layout.readFormat(c.life, fence.Of(session))
	if !errors.Is(err, zkapi.ErrIncompatible) {
		return nil
	}
	_ = closeSession(c.life, session)
	return err
}

// withSession repeats a harmless step until it is answered, on one session after the other if
// necessary. If a refusal may end by itself, withSession waits for that until ctx ends.
func (c *Client) withSession(ctx context.Context, step func(zkapi.Session) error) error {
	if c.env == nil {
		return errZero
	}
	again := newRetry(c.env, c.obs, "request of a client")
	for {
		session, err := c.connected(ctx)
		if err != nil {
			return err
		}
		err = again.retryOnDisconnect(ctx, session, func() error { return step(session) })
		if err != nil && ctx.Err() != nil {
			return c.explained(err)
		}
		if zkapi.Permanent(err) || !errors.Is(err, zkapi.ErrSessionEnded) {
			return err
		}
	}
}

// reading is withSession for a step that only reads.
func (c *Client) reading(ctx context.Context, step func(fence.Session) error) error {
	return c.withSession(ctx, func(session zkapi.Session) error { return step(fence.Of(session)) })
}

// Do submits a task, waits for its result and returns it. A task that failed or
// was cancelled is a *FailedError.
func (c *Client) Do(ctx context.Context, payload []byte, options ...SubmitOption) (Result, error) {
	if c.env == nil {
		return nil, errZero
	}
	_, result, err := c.do(ctx, payload, options)
	return result, err
}

// do is Do, and says which task it was.
func (c *Client) do(ctx context.Context, payload []byte, options []SubmitOption) (task string, _ Result, _ error) {
	submitted, err := c.Submit(ctx, payload, options...)
	if err != nil {
		return "", nil, err
	}
	status, err := c.Await(ctx, submitted.Task)
	if err != nil {
		return "", nil, err
	}
	if status.State != Done {
		return "", nil, &FailedError{Task: submitted.Task, Status: c.WithReason(ctx, submitted.Task, status)}
	}
	return submitted.Task, status.Result, nil
}
