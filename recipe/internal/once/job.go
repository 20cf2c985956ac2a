package once

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// job is one write under way.
type job struct {
	Write
	lanes    *Lanes
	lane     *lane
	again    *retry.Step
	begun    bool
	doubtful bool  // a copy may have been applied, or may still be
	refused  error // why the write is given up
	given    bool  // it may have been given up, or may still be
	sent     Sent
}

// settle is the thread that settles a write whose caller does not wait any more. If the write was
// not applied yet, it never will be.
func (j *job) settle() {
	zkapi.DependsOn(j.lanes.env, j)
	for {
		done, err := j.step(j.lanes.life, true)
		if done {
			j.lanes.leave(j.lane)
			if j.Later != nil {
				j.Later(err)
			}
			return
		}
	}
}

// step sends the write, or the lane alone if the write is given up. done says that its outcome is
// known, or that it never will be.
func (j *job) step(ctx context.Context, givesUp bool) (done bool, err error) {
	ops := []zkapi.Op{zkapi.Set(j.lane.path, j.lanes.Data, j.lane.version)}
	alone := j.doubtful && (givesUp || j.refused != nil)
	if alone {
		ops = append(ops, zkapi.Set(j.lane.path, j.lanes.Data, j.lane.version+1))
	} else {
		ops = append(ops, j.Ops...)
	}
	reply := j.do(ctx, ops)
	at := zkapi.FailedIndex(reply.Err)
	switch {
	case reply.Err == nil && alone:
		j.lane.version += 2
		return true, j.notApplied()
	case reply.Err == nil:
		j.lane.version++
		j.sent.Results = reply.Results[1:]
		j.again.Worked(ctx)
		return true, nil
	case errors.Is(reply.Err, zkapi.ErrBadVersion) && at == 0 && j.given:
		return j.look(ctx)
	case errors.Is(reply.Err, zkapi.ErrBadVersion) && at == 0 && j.doubtful:
		j.lane.version++
		j.again.Worked(ctx)
		return true, nil
	case errors.Is(reply.Err, term.ErrFenced), at == 0 && !zkapi.Refused(reply.Err), errors.Is(reply.Err, zkapi.ErrSessionEnded), j.lanes.life.Err() != nil:
		return true, j.lost(reply.Err)
	case zkapi.FateOf(reply.Err) == zkapi.Unknown:
		j.doubtful, j.given = true, j.given || alone
		if zkapi.TooLarge(reply.Err) {
			j.refused = reply.Err
		}
	case j.doubtful && alone, retry.Passing(reply.Err) && ctx.Err() == nil:
	case j.doubtful && ctx.Err() != nil: // it was not sent again, and is given up
		return false, nil
	case j.doubtful:
		j.refused = reply.Err
		return false, nil
	default:
		return true, without(reply.Err)
	}
	return j.pause(ctx, reply.Err)
}

// look reads whether the write was applied, or given up: one of them was.
func (j *job) look(ctx context.Context) (done bool, err error) {
	zkapi.Checkpoint(j.lanes.env, "look at a lane", ctx, j)
	_, err = j.lanes.Session.Do(ctx, fence.Sync(j.lane.path))
	var seen zkapi.Result
	if err == nil {
		zkapi.Checkpoint(j.lanes.env, "look at a lane after a sync", ctx, j)
		seen, err = fence.Look(ctx, j.lanes.Session, fence.Exists(j.lane.path))
	}
	switch {
	case errors.Is(err, zkapi.ErrSessionEnded) || j.lanes.life.Err() != nil:
		return true, j.lost(err)
	case err != nil:
		return j.pause(ctx, err)
	}
	j.again.Worked(ctx)
	switch version := seen.Stat.Version; {
	case seen.Found && version == j.lane.version+1:
		j.lane.version = version
		return true, nil
	case seen.Found && version == j.lane.version+2:
		j.lane.version = version
		return true, j.notApplied()
	}
	return true, j.lost(term.ErrFenced) // a person has set the lane, or deleted it
}

// do sends the ops under the claim, once.
func (j *job) do(ctx context.Context, ops []zkapi.Op) zkapi.Reply {
	now := j.lanes.env.Elapsed()
	if !j.begun {
		j.begun, j.sent.From = true, now
	}
	if j.Term != nil && j.Term.Lease.Left() <= 0 {
		j.Term.Overdue()
	}
	zkapi.Checkpoint(j.lanes.env, "write of a session", ctx, now, ops, j)
	reply := j.lanes.Claim().WriteAll(ctx, [][]zkapi.Op{ops})[0]
	if j.Term != nil {
		j.Term.Answered(now, reply.Err)
	}
	return reply
}

// pause waits before the write is sent again. It returns at once if there is no point in waiting.
func (j *job) pause(ctx context.Context, err error) (done bool, _ error) {
	over := j.again.Wait(ctx, j.lanes.Session, err)
	switch {
	case over == nil || ctx.Err() != nil && j.lanes.life.Err() == nil && j.doubtful:
		return false, nil
	case j.doubtful:
		return true, j.lost(over)
	}
	return true, &zkapi.Error{Kind: zkapi.KindMulti, Path: j.lanes.base, Index: -1, Fate: zkapi.NotApplied, Err: retry.Unless(over, err)}
}

// lost is the error of a write when no answer can come any more.
func (j *job) lost(err error) error {
	if !errors.Is(err, zkapi.ErrSessionEnded) && j.lanes.life.Err() == nil {
		j.lanes.breaks()
	}
	if j.doubtful || zkapi.FateOf(err) == zkapi.Unknown {
		return inDoubt(j.lanes.base, err)
	}
	if errors.Is(err, term.ErrFenced) || zkapi.FailedIndex(err) != 0 {
		return err
	}
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: j.lane.path, Index: -1, Fate: zkapi.NotApplied, Err: fmt.Errorf("%w: %w", term.ErrFenced, err)}
}

// notApplied is the error of a write that was given up.
func (j *job) notApplied() error {
	if j.refused != nil && zkapi.FateOf(j.refused) == zkapi.NotApplied {
		return without(j.refused)
	}
	why := j.refused
	if why == nil {
		why = context.Canceled
	}
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: j.lanes.base, Index: -1, Fate: zkapi.NotApplied, Err: why}
}
