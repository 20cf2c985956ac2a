package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrFenced means that another process holds the claim now: a later master was elected, or a
// later process registered under the worker's name. The write was not applied.
var ErrFenced = term.ErrFenced

// claim is the claim of a master or a worker.
type claim struct {
	term.Claim
	afterRetiring bool // the previous holder has said that it takes no more tasks
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
		return claim{term.Claim{Session: session, Path: p.claimPath, Version: result.Results[1].Stat.Version}, before.Retiring}, nil
	case zkapi.NotApplied:
		return claim{}, err
	}
	version, err := resolveClaim(ctx, env, session, obs, p.claimPath, record.Nonce, err)
	if zkapi.FateOf(err) != zkapi.Unknown {
		obs.Metrics.Unknown("claim", zkapi.FateOf(err))
	}
	return claim{term.Claim{Session: session, Path: p.claimPath, Version: version}, before.Retiring}, err
}

// resolveClaim resolves a write of a claim whose answer was lost, for cause: after a
// sync, on the same session, the claim's data carries our nonce if it was applied.
// It returns the claim's version then, and zkapi.ErrBadVersion otherwise.
func resolveClaim(ctx context.Context, env zkapi.Env, session fence.Session, obs Observers, claimPath, nonce string, cause error) (int32, error) {
	again := retry.New(env, obs.shared(), "look at a claim")
	for {
		zkapi.Checkpoint(env, "reread", session, nonce, cause)
		_, syncErr := session.Do(ctx, fence.Sync(claimPath))
		held, getErr := session.Do(ctx, fence.Get(claimPath))
		gone := errors.Is(getErr, zkapi.ErrNoNode) // the worker's name was pruned, so the write was refused
		if syncErr == nil && (getErr == nil || gone) {
			again.Worked(ctx)
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
		if err := again.Wait(ctx, session, err); err != nil {
			return 0, err
		}
	}
}
