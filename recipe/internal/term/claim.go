package term

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrFenced means that another process holds the claim now. The write was not applied.
var ErrFenced = errors.New("another process holds the claim")

// Claim is the right to write: the version of a znode. Only a takeover changes that version, and
// it never comes again. Every write of the holder is a multi that begins with the check of the
// claim. The holder cannot write in another way, because it reaches its session only through
// package fence.
type Claim struct {
	Session fence.Session
	Path    string
	Version int32
	// Unique says that the claim is the existence of the znode: its name has a part that no
	// other znode ever has, so it does not come again. Version does not count then. This is for
	// a znode whose data other processes may set.
	Unique bool
}

// WriteAll pipelines writes that do not depend on each other and may take effect in any
// order. Each applies all of its operations, or none. An error names the operation that
// failed by zkapi.FailedIndex, and is ErrFenced when it was the claim.
func (c Claim) WriteAll(ctx context.Context, writes [][]zkapi.Op) []zkapi.Reply {
	var replies []zkapi.Reply
	if c.Unique {
		replies = c.Session.WriteAllWhile(ctx, c.Path, writes)
	} else {
		replies = c.Session.WriteAll(ctx, c.Path, c.Version, writes)
	}
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
