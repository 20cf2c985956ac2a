package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Submitted is a submission that was accepted.
type Submitted struct {
	Task string // the task's name, for Await, Cancel, Collect and others
	ID   string // the id of the submission; Submit makes one if the caller gives none
	// Found means that the task existed already: the same id was submitted before. The
	// payload and options are those of the first submission. If Found is false, this
	// submission made the task.
	Found bool
	// InDoubt is set with Found if an answer to this submission was lost before the task was
	// found: the submission may have made the task itself. It is never set for an id that
	// Submit has made.
	InDoubt bool
}

// Submit hands in a task. It returns the task's name once the ensemble has it, and whether
// the task existed already. An accepted task is executed at least once, unless it is
// cancelled first, and gets exactly one status.
//
// Submit is idempotent: the task's znode is named after the submission's id. So if the answer
// to a create is lost, the repeated create finds the first task, on a later session as well,
// until that task is collected. Submit returns an *AmbiguousError if ctx ends before it knows
// whether it succeeded. Every other error means that the task was not accepted, except for one
// whose fate (zkapi.FateOf) is Applied: the task is there, and this client may not read it,
// because Access does not name the identity that the servers give to it. A task that
// is larger than the servers accept is refused with zkapi.ErrTooLarge, or with
// zkapi.ErrProbablyTooLarge if the servers close the connection without a reason.
//
// If the backlog is full (MasterConfig.MaxBacklog), Submit waits until there is room, or
// returns ErrBacklogFull when ctx ends. With NoWait it returns ErrBacklogFull at once.
func (c *Client) Submit(ctx context.Context, payload []byte, options ...SubmitOption) (_ Submitted, err error) {
	if c.env == nil {
		return Submitted{}, errZero
	}
	s, err := newSubmission(c.env, options)
	if err != nil {
		return Submitted{}, err
	}
	ctx, end := c.obs.Tracer(ctx, "submit", slog.String("id", s.id))
	defer func() { end(err) }()
	create, err := c.createOf(s, payload)
	if err != nil {
		return Submitted{}, err
	}
	return c.submit(ctx, s, create, tries{})
}

// newSubmission applies the options of one submission.
func newSubmission(env zkapi.Env, options []SubmitOption) (submission, error) {
	s := submission{id: freshID(env), ours: true}
	for i, option := range options {
		if option == nil {
			return submission{}, invalid("submit option %d is nil: leave it out", i+1)
		}
		option(&s)
	}
	return s, nil
}

// createOf checks a submission, and returns the create of its task.
func (c *Client) createOf(s submission, payload []byte) (zkapi.Op, error) {
	if err := checkName("task id", s.id); err != nil {
		return zkapi.Op{}, err
	}
	if err := checkOptions(s.options); err != nil {
		return zkapi.Op{}, err
	}
	if len(payload) > MaxPayload {
		return zkapi.Op{}, errors.Join(invalid("the payload has %d bytes: at most %d are allowed", len(payload), MaxPayload), zkapi.ErrTooLarge)
	}
	create := zkapi.Create(c.layout.task(taskName(s.id)), encodeTask(s.options, payload), zkapi.Persistent)
	return create.WithACL(c.layout.access.task()), nil
}

// freshID makes a unique id; ids of later submissions come later in the order of names, as
// far as the clocks agree. Nothing depends on that order: it lets a master that finds a long
// backlog begin with old tasks.
func freshID(env zkapi.Env) string {
	return fmt.Sprintf("%012x-%s", env.Now().UnixMilli(), env.Unique())
}

// tries is what is known of earlier tries of one submission.
type tries struct {
	doubtful bool          // one of them may have been applied
	tried    zkapi.Session // on which all doubtful tries were made; nil when they were on several
}

// submit tries until the fate of the task is known or ctx ends.
func (c *Client) submit(ctx context.Context, s submission, create zkapi.Op, before tries) (Submitted, error) {
	doubtful, tried := before.doubtful, before.tried
	var refusal error // the last one
	again := retry.New(c.env, c.obs.shared(), "submission")
	for {
		session, err := c.shared.Connected(ctx)
		if err == nil && !doubtful {
			err = c.admitted(ctx, session, s, create.Path)
		}
		if err == nil {
			var there bool
			if there, err = c.createTask(ctx, session, create); err == nil {
				again.Worked(ctx)
				return c.accepted(s, doubtful, there), nil
			}
			if zkapi.FateOf(err) == zkapi.Unknown {
				tried = sameSession(doubtful, tried, session)
			}
			doubtful = doubtful || zkapi.FateOf(err) == zkapi.Unknown
			if errors.Is(err, zkapi.ErrProbablyTooLarge) && tried == session {
				if there, err = c.absent(ctx, session, create, err); there {
					return c.accepted(s, true, true), nil
				}
				doubtful = zkapi.FateOf(err) == zkapi.Unknown
			}
		}
		if zkapi.Refused(err) || zkapi.TooLarge(err) {
			refusal = err
		}
		if ctx.Err() != nil {
			cause := context.Cause(ctx)
			if errors.Is(err, cause) {
				cause = err // it says more
			}
			if refusal != nil {
				cause = fmt.Errorf("%w: %w", cause, refusal)
			}
			cause = c.shared.Explained(cause)
			if doubtful {
				c.obs.Metrics.Unknown("submit", zkapi.Unknown)
				return Submitted{}, &AmbiguousError{ID: s.id, Err: cause}
			}
			return Submitted{}, cause
		}
		if !transient(err) {
			if doubtful && zkapi.FateOf(err) != zkapi.Applied {
				err = &AmbiguousError{ID: s.id, Err: err}
			}
			return Submitted{}, err
		}
		_, _ = c.env.Wait(ctx, c.env.Timer(again.Failed(ctx, err))) // or ctx has ended
	}
}

// sameSession returns the session if all tries, including the next one, use the same session; nil
// otherwise.
func sameSession(before bool, tried, session zkapi.Session) zkapi.Session {
	if before && tried != session {
		return nil
	}
	return session
}

// absent looks for a task after the servers have closed the connection on each try. If the
// task exists, it was accepted. Otherwise the submission is refused, with the probable
// reason. A sync on the session of the tries makes sure that the task is absent; if the sync
// fails, the fate stays unknown.
func (c *Client) absent(ctx context.Context, session zkapi.Session, create zkapi.Op, cause error) (there bool, _ error) {
	again := retry.New(c.env, c.obs.shared(), "look for a task that is probably too large")
	var found zkapi.Result
	err := again.OnDisconnect(ctx, session, func() error {
		if _, err := session.Do(ctx, zkapi.Sync(create.Path)); err != nil {
			return err
		}
		var err error
		found, err = fence.Look(ctx, fence.Of(session), fence.Exists(create.Path))
		return err
	})
	switch {
	case err != nil:
		return false, cause
	case found.Found:
		return true, nil
	}
	c.obs.Metrics.Unknown("submit", zkapi.NotApplied)
	return false, &zkapi.Error{
		Kind: create.Kind, Path: create.Path, Index: -1, Fate: zkapi.NotApplied,
		Err: fmt.Errorf("%w: it has %d bytes; the servers closed the connection each time, and the task does not exist: submit a smaller payload, or raise jute.maxbuffer on all servers",
			zkapi.ErrProbablyTooLarge, create.Size()),
	}
}

// transient reports whether another try, perhaps on another session, can help.
func transient(err error) bool {
	return retry.Passing(err) || !zkapi.Permanent(err) && errors.Is(err, zkapi.ErrSessionEnded)
}

// accepted returns the outcome of a submission. It counts earlier tries whose answers were
// lost: if the task existed already, one of them may have been applied.
func (c *Client) accepted(s submission, doubtful, there bool) Submitted {
	switch {
	case doubtful && there:
		c.obs.Metrics.Unknown("submit", zkapi.Applied)
	case doubtful:
		c.obs.Metrics.Unknown("submit", zkapi.NotApplied)
	}
	found := there && !(doubtful && s.ours) // an id that was made here has no other submitter
	return Submitted{Task: taskName(s.id), ID: s.id, Found: found, InDoubt: found && doubtful}
}

// createTask makes one try. If a task of that name exists already, it is this task.
func (c *Client) createTask(ctx context.Context, session zkapi.Session, create zkapi.Op) (there bool, err error) {
	_, err = session.Do(ctx, create)
	switch {
	case err == nil:
		return false, c.readable(ctx, session, create)
	case errors.Is(err, zkapi.ErrNoAuth):
		err = &zkapi.Error{
			Kind: create.Kind, Path: create.Path, Index: -1, Fate: zkapi.NotApplied,
			Err: c.layout.explained(ctx, fence.Of(session), c.layout.tasks(), zkapi.ErrNoAuth),
		}
	case errors.Is(err, zkapi.ErrNodeExists):
		return c.stays(ctx, session, create)
	case errors.Is(err, zkapi.ErrNoNode): // /tasks does not exist yet
		why := bootstrap(ctx, c.env, fence.Of(session), c.layout, "client", func(Problem) {})
		if why == nil {
			why = zkapi.ErrNotSent // now it can be
		}
		err = &zkapi.Error{Kind: create.Kind, Path: create.Path, Index: -1, Fate: zkapi.NotApplied, Err: why}
	}
	return false, err
}

// readable returns an error if this client may not read the first task that it has made: then
// it may read none of the others.
func (c *Client) readable(ctx context.Context, session zkapi.Session, create zkapi.Op) error {
	if c.layout.access.open() { // nothing is remembered of it, so that equal clients stay equal to the explorer
		return nil
	}
	c.mu.Lock()
	known := c.reads
	c.mu.Unlock()
	if known {
		return nil
	}
	if err := c.layout.mine(ctx, fence.Of(session), create.Path); err != nil {
		return &zkapi.Error{Kind: create.Kind, Path: create.Path, Index: -1, Fate: zkapi.Applied, Err: err}
	}
	c.mu.Lock()
	c.reads = true
	c.mu.Unlock()
	return nil
}

// stays reports whether an existing task's znode is persistent: a znode that is not
// persistent is no task, and no worker executes it.
func (c *Client) stays(ctx context.Context, session zkapi.Session, create zkapi.Op) (there bool, _ error) {
	seen, err := fence.Look(ctx, fence.Of(session), fence.Exists(create.Path))
	fate := zkapi.NotApplied
	switch {
	case zkapi.Refused(err): // a hidden znode is taken to be persistent
		return true, nil
	case err != nil: // there is something: it may have been accepted
		fate = zkapi.Unknown
	case !seen.Found: // it has gone since
		err = zkapi.ErrNotSent
	case seen.Stat.Owner() != zkapi.OwnerNone:
		err = fmt.Errorf("%w: %w", ErrObstructed, &obstacle.Error{Problem: c.layout.taskProblem(taskOf(create.Path), seen.Stat)})
	default:
		return true, nil
	}
	return false, &zkapi.Error{Kind: create.Kind, Path: create.Path, Index: -1, Fate: fate, Err: err}
}
