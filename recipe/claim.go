package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrFenced means that another process holds the claim now: a later master was elected, or a
// later process registered under the worker's name. The write was not applied.
var ErrFenced = errors.New("another process holds the claim")

// claim is the right to write: the version of a znode that only a takeover changes. Only a prune
// deletes such a znode, and then it keeps the versions from coming again (pruned.go). Every write
// of a master or a worker is a multi that begins with the check of its claim. They cannot write in
// another way, because they reach their sessions only through package fence.
type claim struct {
	session       fence.Session
	path          string
	version       int32
	afterRetiring bool // the previous holder has said that it takes no more tasks
}

// writeAll pipelines writes that do not depend on each other and may take effect in any
// order. Each applies all of its operations, or none. An error names the operation that
// failed by zkapi.FailedIndex, and is ErrFenced when it was the claim.
func (c claim) writeAll(ctx context.Context, writes [][]zkapi.Op) []zkapi.Reply {
	replies := c.session.WriteAll(ctx, c.path, c.version, writes)
	for i := range replies {
		if replies[i].Err == nil {
			replies[i].Results = replies[i].Results[1:]
		} else {
			replies[i].Err = withoutCheck(replies[i].Err)
		}
	}
	return replies
}

// withoutCheck takes the claim's check out of an error's count.
func withoutCheck(err error) error {
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Fate != zkapi.NotApplied || e.Kind != zkapi.KindMulti || e.Index < 0 {
		return err
	}
	if e.Index == 0 && zkapi.Refused(err) { // the refusal does not tell who holds the claim
		return &zkapi.Error{Kind: e.Kind, Path: e.Path, Index: -1, Fate: e.Fate, Err: e.Err}
	}
	if e.Index == 0 {
		return &zkapi.Error{Kind: e.Kind, Path: e.Path, Index: -1, Fate: e.Fate, Err: fmt.Errorf("%w: %w", ErrFenced, e.Err)}
	}
	shifted := *e
	shifted.Index--
	return &shifted
}

// registration describes the znodes of one claim.
type registration struct {
	layout    layout
	holder    string
	ephemeral string // path that shows that the holder is there
	address   string // its data
	acl       []zkapi.ACL
	claimPath string
	capacity  int
	above     int32 // the version that the claim's znode must have before, at least
	renewals  int32 // how often the holder must be able to raise the version
	epochSeen int32 // as the record has it
}

// acquire makes one attempt to acquire a claim. One multi creates the ephemeral of the holder
// and raises the claim's version, so that neither happens without the other. It returns the
// claim; or zkapi.ErrNodeExists if another process holds it; or zkapi.ErrBadVersion if
// another process was faster; or a problemError if the claim's znode has to be made anew.
//
// An unknown outcome is resolved by resolveClaim.
func acquire(ctx context.Context, env zkapi.Env, session fence.Session, obs Observers, p registration) (claim, error) {
	now, err := session.Do(ctx, fence.Get(p.claimPath))
	if err != nil {
		return claim{}, err
	}
	if now.Stat.Owner() != zkapi.OwnerNone {
		return claim{}, &problemError{claimProblem(p.claimPath, now.Stat)}
	}
	if problem, bad := p.layout.versionProblem(p.claimPath, now.Stat.Version, p.renewals); bad {
		return claim{}, &problemError{problem}
	}
	var before claimRecord
	_ = json.Unmarshal(now.Data, &before) // one made by hand says nothing
	record := p.layout.newClaimRecord(env, session, p.holder)
	record.Capacity, record.EpochSeen = p.capacity, p.epochSeen
	if now.Stat.Version < p.above {
		return claim{}, fmt.Errorf("%w: %s has version %d, and must be raised to %d first", ErrWentBack, p.claimPath, now.Stat.Version, p.above)
	}
	shows := zkapi.Create(p.ephemeral, []byte(p.address), zkapi.Ephemeral).WithACL(p.acl)
	result, err := session.Take(ctx, shows, p.claimPath, encode(record), now.Stat.Version)
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		return claim{session, p.claimPath, result.Results[1].Stat.Version, before.Retiring}, nil
	case zkapi.NotApplied:
		return claim{}, err
	}
	version, err := resolveClaim(ctx, env, session, obs, p.claimPath, record.Nonce, err)
	if zkapi.FateOf(err) != zkapi.Unknown {
		obs.Metrics.Unknown("claim", zkapi.FateOf(err))
	}
	return claim{session, p.claimPath, version, before.Retiring}, err
}

// resolveClaim resolves a write of a claim whose answer was lost, for cause: after a
// sync, on the same session, the claim's data carries our nonce if it was applied.
// It returns the claim's version then, and zkapi.ErrBadVersion otherwise.
func resolveClaim(ctx context.Context, env zkapi.Env, session fence.Session, obs Observers, claimPath, nonce string, cause error) (int32, error) {
	again := newRetry(env, obs, "look at a claim")
	for {
		zkapi.Checkpoint(env, "reread", session, nonce, cause)
		_, syncErr := session.Do(ctx, fence.Sync(claimPath))
		held, getErr := session.Do(ctx, fence.Get(claimPath))
		gone := errors.Is(getErr, zkapi.ErrNoNode) // the worker's name was pruned, so the write was refused
		if syncErr == nil && (getErr == nil || gone) {
			again.worked(ctx)
			var found claimRecord
			if json.Unmarshal(held.Data, &found) == nil && found.Nonce == nonce {
				return held.Stat.Version, nil
			}
			return 0, &zkapi.Error{
				Kind: zkapi.KindMulti, Path: claimPath, Index: -1, Fate: zkapi.NotApplied, Err: fmt.Errorf("%w: %v", zkapi.ErrBadVersion, cause),
			}
		}
		err := errors.Join(syncErr, getErr)
		if zkapi.Permanent(err) { // whether it was applied is as unknown as before
			return 0, &zkapi.Error{Kind: zkapi.KindMulti, Path: claimPath, Index: -1, Fate: zkapi.Unknown, Err: err}
		}
		if err := again.wait(ctx, session, err); err != nil {
			return 0, err
		}
	}
}
