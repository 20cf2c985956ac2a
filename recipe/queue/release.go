package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// drop deletes the claim of an item.
func (t *Taken) drop() error { return t.q.dropClaim(t.lanes, t.name, t.token) }

// dropClaim deletes a claim of a session. It tries until the ensemble confirms that the claim is gone, or the
// session has ended: then the ensemble deletes it.
func (q *Queue) dropClaim(lanes *once.Lanes, name string, token int32) error {
	again := retry.New(q.env, q.obs, "give an item back")
	for {
		err := q.dropOnce(lanes, name, token)
		if err == nil {
			again.Worked(q.life())
			return nil
		}
		over := q.life().Err() != nil || errors.Is(err, zkapi.ErrSessionEnded) || lanes.Session.Done().Fired() || zkapi.Permanent(err)
		if !over {
			zkapi.Checkpoint(q.env, "give an item back again", lanes, name, token)
			over = again.Wait(q.life(), lanes.Session, err) != nil
		}
		if over {
			q.obs.Logger.WarnContext(q.life(), "the claim of an item may stay until the session ends", "item", name, "error", err)
			return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
		}
	}
}

// dropOnce makes one attempt. The write is refused if the claim is not that of this session any more: then
// another consumer has raised the version of the entry, or the claim is of another version.
func (q *Queue) dropOnce(lanes *once.Lanes, name string, token int32) error {
	entry, claim := q.entries+"/"+name, q.taken+"/"+name
	what := []any{lanes, name, token}
	_, err := lanes.Send(q.life(), once.Write{Ops: []zkapi.Op{zkapi.Check(entry, token), zkapi.Delete(claim, claimed)}, State: what})
	switch at := zkapi.FailedIndex(err); {
	case errors.Is(err, term.ErrFenced):
		return q.dropOther(lanes, name, token)
	case err == nil, at >= 0 && errors.Is(err, zkapi.ErrBadVersion), at == 1 && errors.Is(err, zkapi.ErrNoNode):
		return nil
	case at != 0 || !errors.Is(err, zkapi.ErrNoNode):
		return err
	}
	// The entry is gone, so that no consumer can have taken it since.
	_, err = lanes.Send(q.life(), once.Write{Ops: []zkapi.Op{zkapi.Delete(claim, claimed)}, State: what})
	if errors.Is(err, zkapi.ErrNoNode) || errors.Is(err, zkapi.ErrBadVersion) {
		return nil
	}
	return err
}

// dropOther deletes the claim when the own lanes are gone, because a person has deleted them, and the session
// lives: new lanes do it.
func (q *Queue) dropOther(lanes *once.Lanes, name string, token int32) error {
	zkapi.Checkpoint(q.env, "look at a claim", lanes, name, token)
	seen, err := fence.Look(q.life(), lanes.Session, fence.Exists(q.taken+"/"+name))
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != lanes.Session.ID() {
		return err
	}
	now, err := q.writer(q.life())
	switch {
	case err != nil:
		return err
	case now.Session != lanes.Session:
		return lanes.Session.Cause()
	}
	return q.dropOnce(now, name, token)
}

// Release gives the item back to its place, where it is free at once, and waits until the
// ensemble has confirmed that. The take still counts for Config.MaxTakes. All work on the item
// must have ended before.
//
// If ctx ends first, the error is ErrUnconfirmed, and the Queue goes on deleting the claim as long
// as the session lives. ErrLost means that the item was lost before this call, ErrAcked or ErrBuried
// that it is not in the queue any more. Release may be called again; it then waits again.
func (t *Taken) Release(ctx context.Context) error {
	t.mu.Lock()
	if t.released == nil {
		if cause := context.Cause(t.ctx); cause != nil {
			t.mu.Unlock()
			return cause
		}
		t.letGo(ErrReleased)
		t.released = t.q.env.Spawn("release", t.giveBack)
	}
	released := t.released
	t.mu.Unlock()
	zkapi.Checkpoint(t.q.env, "release", ctx, t)
	if _, err := t.q.env.Wait(ctx, released); err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.result
}

// giveBack is the thread of a release. It waits for the end of a write that is in doubt.
func (t *Taken) giveBack() {
	zkapi.DependsOn(t.q.env, t)
	err := t.turn.take(t.q.life(), t.q.env)
	if err == nil {
		defer t.turn.leave()
		t.mu.Lock()
		finished := t.finished
		t.mu.Unlock()
		if err = finished; err == nil {
			err = t.drop()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result = err
}
