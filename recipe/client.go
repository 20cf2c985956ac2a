package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Errors of a Client.
var (
	// ErrNoTask means that there is no such task: it was never accepted, or its
	// result has been collected.
	ErrNoTask = errors.New("no such task")
	// ErrUnfinished means that a task has no result yet.
	ErrUnfinished = errors.New("task is not finished")
)

// AmbiguousError means that it is not known whether a task was accepted: the
// connection was lost and ctx ended before it could be read back. Submit with
// the same ID resolves it.
type AmbiguousError struct {
	ID  string
	Err error
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("task %s may or may not have been accepted: %v", e.ID, e.Err)
}

func (e *AmbiguousError) Unwrap() error { return e.Err }

// FailedError is what Do returns for a task that ended without a result.
type FailedError struct {
	Task   string
	Status Status
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("task %s is %s: %s", e.Task, e.Status.State, e.Status.Reason)
}

// MaxPayload is the size in bytes of the largest payload.
const MaxPayload = 256 << 10

// ClientConfig describes a client.
type ClientConfig struct {
	// Namespace as in MasterConfig.
	Namespace string
	// Logger receives lost sessions. Default: none.
	Logger *slog.Logger
}

// Client submits tasks and waits for their results. Its methods may be called
// concurrently; they share one session, which is opened when it is needed and
// replaced when it ends.
type Client struct {
	env    zkapi.Env
	layout layout
	log    *slog.Logger

	// life is the context of the client's sessions, which serve many callers.
	life context.Context
	end  context.CancelCauseFunc

	mu      sync.Mutex
	session zkapi.Session
	opening zkapi.Source // fires when the attempt under way to open one is over
}

// NewClient checks config. It does not connect.
func NewClient(env zkapi.Env, config ClientConfig) (*Client, error) {
	l, err := newLayout(config.Namespace)
	if err != nil {
		return nil, err
	}
	c := &Client{env: env, layout: l, log: discardIfNil(config.Logger)}
	c.life, c.end = context.WithCancelCause(context.Background())
	return c, nil
}

// ErrClientClosed is what a Client's methods return after Close.
var ErrClientClosed = errors.New("client is closed")

// Close ends the client and its session; what still waits returns
// ErrClientClosed. Submitted tasks go on.
func (c *Client) Close(ctx context.Context) error {
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
	return session.Close(ctx)
}

// connected returns the present session, or waits for a new one when that has
// ended. One thread opens it for all callers, each of which waits no longer than
// its own ctx.
func (c *Client) connected(ctx context.Context) (zkapi.Session, error) {
	for {
		c.mu.Lock()
		switch {
		case c.life.Err() != nil:
			c.mu.Unlock()
			return nil, context.Cause(c.life)
		case c.session != nil && !c.session.Done().Fired():
			defer c.mu.Unlock()
			return c.session, nil
		case c.opening == nil:
			c.opening = c.env.Spawn("open", c.open)
		}
		opening := c.opening
		c.mu.Unlock()
		if _, err := c.env.Wait(ctx, opening); err != nil {
			return nil, err
		}
	}
}

// open replaces a session that has ended. A failure is not kept: whoever still
// wants a session tries again.
func (c *Client) open(env zkapi.Env) {
	c.mu.Lock()
	old := c.session
	c.session = nil
	c.mu.Unlock()
	if old != nil {
		c.log.InfoContext(c.life, "session over", "cause", old.Cause())
		closeSession(c.life, c.log, old)
	}
	session, err := env.Open(c.life)
	if err != nil {
		c.log.InfoContext(c.life, "no session", "error", err)
		_, _ = env.Wait(c.life, env.Timer(retryDelay))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.session = session
	}
	c.opening = nil
}

// withSession runs a step that may be repeated until it is answered, on one
// session after the other if need be.
func (c *Client) withSession(ctx context.Context, step func(zkapi.Session) error) error {
	for {
		session, err := c.connected(ctx)
		if err != nil {
			return err
		}
		err = persist(ctx, c.env, session, func() error { return step(session) })
		if ctx.Err() != nil || !errors.Is(err, zkapi.ErrSessionEnded) {
			return err
		}
	}
}

// SubmitOption changes one submission.
type SubmitOption func(*submission)

type submission struct {
	id    string
	given bool
}

// ID gives the submission a name of the caller's own, made of letters, digits
// and _ . : - only. A task that was accepted under it before is returned instead
// of a second one. Two processes must not submit the same id at the same time.
func ID(id string) SubmitOption {
	return func(s *submission) { s.id, s.given = id, true }
}

// Submit hands in a task and returns its name once the ensemble has it. A task
// that is accepted is executed at least once and gets exactly one status.
//
// Submit is idempotent: when the answer is lost it looks for its own id instead
// of trying blindly, on a later session if need be. Only when ctx ends before
// that succeeds does it return an *AmbiguousError; every other error means that
// the task was not accepted.
func (c *Client) Submit(ctx context.Context, payload []byte, options ...SubmitOption) (string, error) {
	s := submission{id: c.env.Unique()}
	for _, option := range options {
		option(&s)
	}
	if err := checkName("task id", s.id); err != nil {
		return "", err
	}
	if len(payload) > MaxPayload {
		return "", fmt.Errorf("recipe: %w: payload of %d bytes, %d are allowed", zkapi.ErrTooLarge, len(payload), MaxPayload)
	}
	doubtful := s.given
	for {
		session, err := c.connected(ctx)
		if err == nil {
			var name string
			name, doubtful, err = c.submitOnce(ctx, session, s.id, payload, doubtful)
			if err == nil {
				return name, nil
			}
		}
		if ctx.Err() != nil {
			if doubtful {
				return "", &AmbiguousError{ID: s.id, Err: context.Cause(ctx)}
			}
			return "", context.Cause(ctx)
		}
		if !transient(err) {
			if doubtful {
				err = &AmbiguousError{ID: s.id, Err: err}
			}
			return "", err
		}
		if _, err := c.env.Wait(ctx, c.env.Timer(retryDelay)); err != nil {
			continue // ctx has ended
		}
	}
}

// transient reports whether another try, perhaps on another session, can help.
func transient(err error) bool {
	return errors.Is(err, zkapi.ErrConnectionLoss) || errors.Is(err, zkapi.ErrNotSent) || errors.Is(err, zkapi.ErrSessionEnded) ||
		errors.Is(err, zkapi.ErrRefused)
}

// submitOnce makes one try. If an earlier one is in doubt it first looks for the
// task; the sync makes that look conclusive, because a request of the old
// connection is either before it or refused.
func (c *Client) submitOnce(ctx context.Context, session zkapi.Session, id string, payload []byte, doubtful bool) (name string, stillDoubtful bool, err error) {
	if doubtful {
		if name, err = c.find(ctx, session, id); err != nil || name != "" {
			return name, true, err
		}
	}
	created, err := session.Do(ctx, zkapi.Create(c.layout.tasks()+"/"+taskPrefix(id), payload, zkapi.PersistentSequential))
	switch {
	case err == nil:
		return strings.TrimPrefix(created.Path, c.layout.tasks()+"/"), false, nil
	case errors.Is(err, zkapi.ErrNoNode): // nobody has made /tasks yet
		if err = bootstrap(ctx, session, c.layout); err == nil {
			err = zkapi.ErrNotSent
		}
		return "", false, err
	}
	return "", zkapi.FateOf(err) == zkapi.Unknown, err
}

// find looks for the task with an id.
func (c *Client) find(ctx context.Context, session zkapi.Session, id string) (string, error) {
	if _, err := session.Do(ctx, zkapi.Sync(c.layout.tasks())); err != nil {
		return "", err
	}
	listed, err := session.Do(ctx, zkapi.Children(c.layout.tasks()))
	if errors.Is(err, zkapi.ErrNoNode) {
		return "", nil
	}
	for _, name := range listed.Children {
		if rest, ok := strings.CutPrefix(name, taskPrefix(id)); ok && !strings.Contains(rest, "-") {
			return name, nil
		}
	}
	return "", err
}

// Await waits until the task has its status and returns it. It survives lost
// connections and sessions and changes of the master. ErrNoTask means that there
// is no such task.
func (c *Client) Await(ctx context.Context, task string) (Status, error) {
	for {
		var status Status
		var changed zkapi.Source
		err := c.withSession(ctx, func(session zkapi.Session) error {
			var err error
			status, changed, err = c.look(ctx, session, task)
			if err != nil || changed == nil {
				return err
			}
			_, _, reconnected := session.Connection()
			_, err = c.env.Wait(ctx, changed, reconnected, session.Done(), c.env.Timer(awaitSweep))
			return err
		})
		if err != nil || changed == nil {
			return status, err
		}
	}
}

// awaitSweep is how often a waiting client looks again without being told to.
const awaitSweep = 5 * sweepInterval

// look reads the status, or sets a watch on its creation.
func (c *Client) look(ctx context.Context, session zkapi.Session, task string) (Status, zkapi.Source, error) {
	seen, err := session.Do(ctx, zkapi.Exists(c.layout.status(task)).Watched())
	if err != nil {
		return Status{}, nil, err
	}
	if !seen.Found {
		return Status{}, seen.Watch, c.exists(ctx, session, task)
	}
	got, err := session.Do(ctx, zkapi.Get(c.layout.status(task)))
	if errors.Is(err, zkapi.ErrNoNode) {
		err = fmt.Errorf("%w: %s was collected", ErrNoTask, task)
	}
	if err != nil {
		return Status{}, nil, err
	}
	return decodeStatus(got.Data), nil, nil
}

// exists is ErrNoTask for a task that is not there. A new session may read from a
// server that lags behind the one that accepted the task, hence the sync before
// that is believed.
func (c *Client) exists(ctx context.Context, session zkapi.Session, task string) error {
	for _, synced := range []bool{false, true} {
		if synced {
			if _, err := session.Do(ctx, zkapi.Sync(c.layout.task(task))); err != nil {
				return err
			}
		}
		found, err := session.Do(ctx, zkapi.Exists(c.layout.task(task)))
		if err != nil || found.Found {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrNoTask, task)
}

// Do submits a task, waits for its result and returns it. A task that failed or
// was cancelled is a *FailedError.
func (c *Client) Do(ctx context.Context, payload []byte, options ...SubmitOption) (Result, error) {
	name, err := c.Submit(ctx, payload, options...)
	if err != nil {
		return nil, err
	}
	status, err := c.Await(ctx, name)
	if err != nil {
		return nil, err
	}
	if status.State != Done {
		return nil, &FailedError{Task: name, Status: status}
	}
	return status.Result, nil
}

// Cancel gives a task the status Cancelled, unless it has one already, and
// returns the one that it has. No result can be recorded afterwards. An execution
// that runs is stopped when the master next looks.
func (c *Client) Cancel(ctx context.Context, task string) (Status, error) {
	err := c.withSession(ctx, func(session zkapi.Session) error {
		_, err := session.Do(ctx, zkapi.Create(c.layout.status(task), Status{State: Cancelled, Reason: "cancelled by a client"}.encode(), zkapi.Persistent))
		if errors.Is(err, zkapi.ErrNodeExists) { // perhaps by this very call, unanswered
			return nil
		}
		return err
	})
	if errors.Is(err, zkapi.ErrNoNode) {
		err = fmt.Errorf("%w: %s", ErrNoTask, task)
	}
	if err != nil {
		return Status{}, err
	}
	return c.Await(ctx, task)
}

// Collect removes a task that has its status, with everything below it. A task
// that is gone already is no error. ErrUnfinished means that it has no status;
// nothing is removed then.
func (c *Client) Collect(ctx context.Context, task string) error {
	return c.withSession(ctx, func(session zkapi.Session) error {
		// A server that lags may know neither the task nor its status yet.
		if _, err := session.Do(ctx, zkapi.Sync(c.layout.task(task))); err != nil {
			return err
		}
		listed, err := session.Do(ctx, zkapi.Children(c.layout.task(task)))
		if errors.Is(err, zkapi.ErrNoNode) {
			return nil
		}
		if err != nil {
			return err
		}
		if done, _ := taskChildren(listed.Children); !done {
			return fmt.Errorf("%w: %s", ErrUnfinished, task)
		}
		var ops []zkapi.Op
		for _, child := range listed.Children {
			ops = append(ops, zkapi.Delete(c.layout.task(task)+"/"+child, zkapi.AnyVersion))
		}
		_, err = session.Do(ctx, zkapi.Multi(append(ops, zkapi.Delete(c.layout.task(task), zkapi.AnyVersion))...))
		if errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrNotEmpty) {
			return zkapi.ErrNotSent // something changed below it: look again
		}
		return err
	})
}
