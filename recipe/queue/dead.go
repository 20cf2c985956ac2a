package queue

import (
	"context"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Requeue puts a dead letter back into the queue, behind the items of its priority, and returns
// its new id (empty if the answer that had it was lost). Its takes are counted from 0 again.
// The id is that in a Listing, or the one that the item had in the queue. ErrUnknownItem if it is not
// among the dead letters; other errors are those of Put.
func (q *Queue) Requeue(ctx context.Context, id string) (string, error) {
	if q == nil || q.env == nil {
		return "", errZero
	}
	p, ok := q.place(deadName(id))
	if !ok || strings.Contains(id, "/") {
		return "", ErrUnknownItem
	}
	for {
		lanes, err := q.writer(ctx)
		if err != nil {
			return "", err
		}
		var data []byte
		grave := ""
		err = q.shared.Reading(ctx, "read a dead letter", func(session fence.Session) (err error) {
			grave, data, err = q.exhume(ctx, session, id)
			return err
		})
		if errors.Is(err, zkapi.ErrNoNode) {
			return "", ErrUnknownItem
		}
		if err != nil {
			return "", err
		}
		item := zkapi.Create(q.prefix(int(p.priority)), data, zkapi.PersistentSequential).WithACL(q.config.ACL)
		sent, err := lanes.Send(ctx, once.Write{Ops: []zkapi.Op{zkapi.Delete(grave, zkapi.AnyVersion), item}, State: []any{id, data}})
		switch at := zkapi.FailedIndex(err); {
		case err == nil && sent.Results != nil:
			return path.Base(sent.Results[1].Path), nil
		case err == nil:
			return "", nil
		case at == 0 && errors.Is(err, zkapi.ErrNoNode):
			return "", ErrUnknownItem
		case at == 1 && errors.Is(err, zkapi.ErrNoNode):
			err = q.prepare(ctx, lanes.Session)
		case errors.Is(err, once.ErrInDoubt) || ctx.Err() != nil || q.life().Err() != nil:
			return "", err
		case errors.Is(err, term.ErrFenced) || errors.Is(err, zkapi.ErrSessionEnded):
			err = nil // the next session does it
		}
		if err != nil {
			return "", err
		}
	}
}

// exhume reads a dead letter by its own name, or by the name that it had in the queue.
func (q *Queue) exhume(ctx context.Context, session fence.Session, id string) (grave string, data []byte, err error) {
	grave = q.dead + "/" + id
	zkapi.Checkpoint(q.env, "look for a dead letter", ctx, id)
	if _, err := session.Do(ctx, fence.Sync(grave)); err != nil {
		return "", nil, err
	}
	zkapi.Checkpoint(q.env, "look for a dead letter after a sync", ctx, id)
	seen, err := session.Do(ctx, fence.Get(grave))
	if !errors.Is(err, zkapi.ErrNoNode) {
		return grave, seen.Data, err
	}
	zkapi.Checkpoint(q.env, "list the dead letters", ctx, id)
	listed, err := session.Do(ctx, fence.Children(q.dead))
	if err != nil {
		return "", nil, err
	}
	slices.Sort(listed.Children)
	at := slices.IndexFunc(listed.Children, func(name string) bool { return name != id && deadName(name) == id })
	if at < 0 {
		return "", nil, zkapi.ErrNoNode
	}
	grave = q.dead + "/" + listed.Children[at]
	zkapi.Checkpoint(q.env, "read a dead letter", ctx, grave)
	seen, err = session.Do(ctx, fence.Get(grave))
	return grave, seen.Data, err
}

// takesMark stands between the name that a dead letter had in the queue and the number of its takes.
const takesMark = ".takes-"

// graves are the names that the dead letter of an item of that version may get: the second one if a
// dead letter of the first name is there.
func (q *Queue) graves(name string, version int32) []string {
	first := name + takesMark + strconv.Itoa(takesOf(version))
	return []string{first, first + "." + q.env.Unique()}
}

// deadName is the name that a dead letter had in the queue. What is behind it is an addition.
func deadName(id string) string {
	name, _, _ := strings.Cut(id, ".")
	return name
}

// deadTakes is how often a dead letter was taken, as its name says; 0 if that does not say it, because
// hands have made the dead letter.
func deadTakes(id string) int {
	_, after, _ := strings.Cut(id, takesMark)
	number, _, _ := strings.Cut(after, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return max(n, 0)
}
