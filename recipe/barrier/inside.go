package barrier

import (
	"context"
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Round is the number of the round: it grows with each round of the path. If the path is deleted, or the
// ensemble is restored from a backup, it is still greater than those of all rounds that the processes of
// its participants were in.
func (in *Inside) Round() int32 { return in.number }

// Context ends when this participant is in no longer, or may be so: its cause is ErrLost, ErrLeft or
// ErrClosed. It ends when the client gives the session up, which is before the ensemble does, by a
// tenth of the session's timeout. A server that is cut off from the others may keep it longer: Write
// is the stronger check.
func (in *Inside) Context() context.Context { return in.ctx }

// Write applies all of ops, or none, and only while the znode of this participant is there. It is
// sent once. ErrFenced means that the participant is in no longer; nothing was applied. For other
// errors zkapi.FateOf says what is known.
func (in *Inside) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := input.CheckOps(recipe, "Inside.Write", ops, in.path); err != nil {
		return zkapi.Result{}, err
	}
	zkapi.Checkpoint(in.b.p.Env, "write in a barrier", ctx, in, ops)
	reply := in.claim.WriteAll(ctx, [][]zkapi.Op{ops})[0]
	return reply.Result, reply.Err
}

// Leave waits until all participants of the round have called Leave, or have lost their session.
// Then it returns nil. If ctx ends before that, Leave may be called again. If zkapi.FateOf(err) is
// zkapi.NotApplied, this participant counts as one that is in.
//
// ErrLost means that the place of this participant was lost before: the others may have left long
// ago.
func (in *Inside) Leave(ctx context.Context) error {
	in.end(ErrLeft)
	err := in.b.p.Await(ctx, "leave a barrier", in, in.depart)
	if err == nil || !in.gone || errors.Is(err, ErrLost) {
		return process.NotApplied(in.path, err)
	}
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: in.path, Index: -1, Fate: zkapi.Unknown, Err: err}
}

// depart waits until no other participant is in. All but the first delete their znodes at once, and
// wait for the first one; the first one waits for the last one. So each end wakes one participant,
// and the end of the first wakes all.
func (in *Inside) depart(s *process.Session) ([]zkapi.Source, error) {
	for {
		now, err := in.look(s)
		if err != nil {
			return nil, err
		}
		over := now.Number != in.number || !slices.Contains(now.Members, in.mine) // a number may come again
		if over {
			now.Members = []string{in.mine}
		}
		there, own := now.in(), zkapi.Delete(in.path+"/"+in.mine, zkapi.AnyVersion)
		mine, other := slices.Contains(there, in.mine), ""
		switch {
		case !mine && !in.gone:
			return nil, ErrLost
		case !mine && (over || len(there) == 0):
			if !over {
				err = in.over(s, in.number)
			}
			if err == nil || process.Refused(err) {
				return nil, nil
			}
		case !mine:
			other = there[0]
		case over:
			in.gone = true
			_, err = in.write(s, own)
		case len(there) == 1:
			in.gone = true
			err = in.over(s, in.number, own)
		case there[0] != in.mine:
			in.gone = true
			_, err = in.write(s, own)
		default:
			other = there[len(there)-1]
		}
		if other != "" {
			watches, err := in.watch(s, other, true)
			if err != nil || watches != nil {
				return watches, err
			}
		}
		if err != nil && !process.Refused(err) {
			return nil, err
		}
	}
}
