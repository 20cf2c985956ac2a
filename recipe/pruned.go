package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/claims"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// This file keeps the incarnations of pruned workers from coming again. The version of
// /assign/<w> is w's incarnation, and a znode that is made again begins at version 0. So each
// prune raises the floor in /pruned, in the same multi, to the versions of the znodes that it
// removes. A worker begins above the floor: it raises the version of a new inbox before it takes
// the claim. It reads the floor again when it has the claim, because the name may have been
// pruned in between; after that no prune can, because /workers/<w> is there.

// prunedRecord is the data of /pruned. It has a floor for each group of names, so that names which
// come and go do not raise those of all others. A group that is not there has the floor 0.
type prunedRecord struct {
	Floors map[string]int32 `json:"floors"` // no incarnation of a pruned worker of the group was above it
}

// floorGroups is the number of groups. All of them make a few kilobytes.
const floorGroups = 1024

// floorGroup is the group of a name.
func floorGroup(name string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name)) // a hash takes everything
	return strconv.Itoa(int(hash.Sum32() % floorGroups))
}

// mostPruned is the highest floor: one multi raises a new inbox above it.
const mostPruned = claims.LiftedAtOnce - 1

// readFloors reads the floors of the incarnations, and the version of /pruned. Data that no prune
// has written says nothing.
func (l layout) readFloors(ctx context.Context, session fence.Session) (floors map[string]int32, version int32, found bool, err error) {
	got, err := session.Do(ctx, fence.Get(l.pruned()))
	if errors.Is(err, zkapi.ErrNoNode) {
		return map[string]int32{}, 0, false, nil
	}
	if err != nil {
		return nil, 0, false, err
	}
	var record prunedRecord
	if json.Unmarshal(got.Data, &record) != nil || record.Floors == nil {
		record.Floors = map[string]int32{}
	}
	maps.DeleteFunc(record.Floors, func(_ string, floor int32) bool { return floor < 0 || floor > mostPruned })
	return record.Floors, got.Stat.Version, true, nil
}

// errPruned means that a worker has taken a claim that a pruned worker of its name may have had.
var errPruned = errors.New("the name was pruned while the worker registered")

// raiseInbox raises the version of a worker's inbox above the floor, before the worker takes the
// claim. The record of the last claim stays, because it may say that its holder was leaving.
func (w *Worker) raiseInbox(ctx context.Context, session fence.Session) error {
	floors, _, _, err := w.layout.readFloors(ctx, session)
	floor := floors[floorGroup(w.config.Name)]
	if err != nil || floor == 0 {
		return err
	}
	path := w.layout.inbox(w.config.Name)
	inbox, err := session.Do(ctx, fence.Get(path))
	if errors.Is(err, zkapi.ErrNoNode) {
		return nil // acquire says so
	}
	if err != nil || inbox.Stat.Version < 0 || inbox.Stat.Version > floor {
		return err
	}
	data := inbox.Data
	if len(data) == 0 {
		data = claims.LiftRecord(w.config.Name, floor+1)
	}
	_, err = claims.Lift(ctx, session, path, data, inbox.Stat.Version, floor+1)
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
	again := retry.New(w.env, w.config.Observers.shared(), "look at the floor of the incarnations")
	return again.OnDisconnect(ctx, session, func() error {
		floors, _, _, err := w.layout.readFloors(ctx, session)
		floor := floors[floorGroup(w.config.Name)]
		if err == nil && c.Version <= floor {
			err = fmt.Errorf("%w: incarnation %d is not above %d", errPruned, c.Version, floor)
		}
		return err
	})
}
