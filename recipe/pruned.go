package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file keeps the incarnations of pruned workers from coming again. The version of
// /assign/<w> is w's incarnation, and a znode that is made again begins at version 0. So each
// prune raises the floor in /pruned, in the same multi, to the versions of the znodes that it
// removes. A worker begins above the floor: it raises the version of a new inbox before it takes
// the claim. It reads the floor again when it has the claim, because the name may have been
// pruned in between; after that no prune can, because /workers/<w> is there.

// prunedRecord is the data of /pruned. Without the znode the floor is 0.
type prunedRecord struct {
	Floor int32 `json:"floor"` // no incarnation of a pruned worker was above it
}

// mostPruned is the highest floor: one multi raises a new inbox above it.
const mostPruned = liftedAtOnce - 1

// readFloor reads the floor of the incarnations, and the version of /pruned. Data that no prune
// has written says nothing.
func (l layout) readFloor(ctx context.Context, session fence.Session) (floor, version int32, found bool, err error) {
	got, err := session.Do(ctx, fence.Get(l.pruned()))
	if errors.Is(err, zkapi.ErrNoNode) {
		return 0, 0, false, nil
	}
	if err != nil {
		return 0, 0, false, err
	}
	var record prunedRecord
	if json.Unmarshal(got.Data, &record) != nil || record.Floor < 0 || record.Floor > mostPruned {
		record.Floor = 0
	}
	return record.Floor, got.Stat.Version, true, nil
}

// errPruned means that a worker has taken a claim that a pruned worker of its name may have had.
var errPruned = errors.New("the name was pruned while the worker registered")

// raiseInbox raises the version of a worker's inbox above the floor, before the worker takes the
// claim.
func (w *Worker) raiseInbox(ctx context.Context, session fence.Session) error {
	floor, _, _, err := w.layout.readFloor(ctx, session)
	if err != nil || floor == 0 {
		return err
	}
	path := w.layout.inbox(w.config.Name)
	inbox, err := exists(ctx, session, fence.Exists(path))
	if err != nil || !inbox.Found || inbox.Stat.Version < 0 || inbox.Stat.Version > floor {
		return err
	}
	_, err = lift(ctx, session, path, w.config.Name, inbox.Stat.Version, floor+1)
	if errors.Is(err, zkapi.ErrBadVersion) || errors.Is(err, zkapi.ErrNoNode) {
		return nil // another process has raised it, or it was pruned again: acquire sees that
	}
	return err
}

// aboveFloor checks that a claim that was just taken is above the floor. The server that answers
// has applied all that came before the claim, so it knows each prune of this name. After an error
// the worker must end its session, because the claim may not be used.
//
// There is no checkpoint here: this look is not in the specification, and must not merge states
// that it tells apart.
func (w *Worker) aboveFloor(ctx context.Context, session fence.Session, c claim) error {
	again := newRetry(w.env, w.config.Observers, "look at the floor of the incarnations")
	return again.retryOnDisconnect(ctx, session, func() error {
		floor, _, _, err := w.layout.readFloor(ctx, session)
		if err == nil && c.version <= floor {
			err = fmt.Errorf("%w: incarnation %d is not above %d", errPruned, c.version, floor)
		}
		return err
	})
}
