package recipe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
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

	shared *sessions.Shared

	mu      sync.Mutex
	memory  epoch.Memory
	waits   map[string]*wait
	backlog backlogSeen
	full    *retry.Crowd // of submissions that wait because the backlog is full
	notices obstacle.Notices
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
	c.full = retry.NewCrowd(retry.NewTold(env, c.obs.shared(), waitForRoom))
	c.shared = sessions.NewShared(env, c.obs.shared(), "client", sessions.Hooks{
		Admit: c.understands,
		Opened: func(ctx context.Context, session zkapi.Session) {
			c.memory.Opened(ctx, session, c.obs.shared(), "client")
		},
	})
	return c, nil
}

// Close ends the client and its session; calls that still wait return ErrClientClosed.
// Submitted tasks go on. A nil error means that the ensemble has confirmed the end of the
// session.
func (c *Client) Close(ctx context.Context) error {
	if c.env == nil {
		return errZero
	}
	return c.shared.Close(ctx, ErrClientClosed)
}

// understands checks that this build knows the format of the znodes. If the
// format cannot be read, later requests decide.
func (c *Client) understands(ctx context.Context, session zkapi.Session) error {
	_, err := c.layout.readFormat(ctx, fence.Of(session))
	if !errors.Is(err, zkapi.ErrIncompatible) {
		return nil
	}
	return err
}

// withSession repeats a harmless step until it is answered, on one session after the other if
// necessary. If a refusal may end by itself, withSession waits for that until ctx ends.
func (c *Client) withSession(ctx context.Context, step func(zkapi.Session) error) error {
	if c.env == nil {
		return errZero
	}
	return c.shared.With(ctx, "request of a client", step)
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
