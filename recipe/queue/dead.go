package queue

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Requeue puts a dead letter back into the queue, behind the items of its priority, and returns
// its new id (empty if the answer that had it was lost). Its takes are counted from 0 again.
// ErrUnknownItem if it is not among the dead letters; other errors are those of Put.
func (q *Queue) Requeue(ctx context.Context, id string) (string, error) {
	if q == nil || q.env == nil {
		return "", errZero
	}
	grave := q.dead + "/" + id
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
		err = q.shared.Reading(ctx, "read a dead letter", func(session fence.Session) error {
			zkapi.Checkpoint(q.env, "read a dead letter", ctx, id, lanes)
			if _, err := session.Do(ctx, fence.Sync(grave)); err != nil {
				return err
			}
			zkapi.Checkpoint(q.env, "read a dead letter after a sync", ctx, id, lanes)
			seen, err := session.Do(ctx, fence.Get(grave))
			data = seen.Data
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

// deadName is the name that a dead letter had in the queue. It has an addition if a dead letter of that name
// was there.
func deadName(id string) string {
	name, _, _ := strings.Cut(id, ".")
	return name
}
