// Package once sends writes of which each is applied at most once, and at least once as long as the
// session lives, whatever answers are lost.
//
// A lane is an ephemeral znode with a unique name. Each write is one multi that also sets a lane from
// one version to the next. A write whose answer was lost is sent again as it was. If it has been
// applied, the lane has the next version and the repetition is refused for that reason, which is
// the answer. An earlier copy that comes late is refused in the same way. To give up a write that
// is in doubt, the lane alone is set, twice in one multi: then no copy of that write can be applied
// any more. If the answer to that is lost, too, the version of the lane tells which of the two was
// applied: one more for the write, two more for giving it up.
package once

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Most is how many lanes a session has: how many of its writes can be under way at one moment.
const Most = 8

// ErrInDoubt is the error of a write of which it is not known whether it was applied.
var ErrInDoubt = errors.New("it is not known whether the write was applied")

// Place is where lanes are made.
type Place struct {
	Folder string // a persistent znode
	Prefix string // of the names of the lanes
	ACL    []zkapi.ACL
	Data   []byte // of each lane: who its owner is, for people
	// Prepare makes the folder, and what else the recipe's writes need.
	Prepare func(context.Context, fence.Session) error
}

// Lanes are the lanes of one session. The znode of the first lane is the claim of all that the
// session does (term.Claim): with it go all later writes.
type Lanes struct {
	Place
	Session fence.Session

	env  zkapi.Env
	obs  observe.Observer
	life context.Context // of writes that are settled without their caller
	base string          // path of the lanes, without their number

	mu      sync.Mutex
	made    bool // the first lane is there
	broken  bool // a lane is gone: these Lanes write no more
	lanes   int
	free    []*lane
	waiting []zkapi.Signal
}

// New has no lane yet, and sends nothing.
func New(life context.Context, env zkapi.Env, obs observe.Observer, session fence.Session, place Place) *Lanes {
	return &Lanes{Place: place, Session: session, env: env, obs: obs, life: life, base: path.Join(place.Folder, place.Prefix+env.Unique())}
}

// Claim is the right to write with this session.
func (l *Lanes) Claim() term.Claim {
	return term.Claim{Session: l.Session, Path: l.path(0), Unique: true}
}

func (l *Lanes) path(number int) string { return l.base + "-" + strconv.Itoa(number) }

// Over reports whether nothing can be written any more: the session has ended, or a person has
// deleted a lane.
func (l *Lanes) Over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken || l.Session.Done().Fired()
}

// Made reports whether there is a lane.
func (l *Lanes) Made() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.made
}

// Write is one write.
type Write struct {
	Ops []zkapi.Op
	// Term is the term whose lease the write keeps, and which ends with the claim; or nil.
	Term *term.Term
	// State is what the calling thread depends on beside this write, for zkapi.Checkpoint.
	State any
	// Later hears what has become of a write that was in doubt when Send returned: nil, or an
	// error. It runs in a thread of the Lanes.
	Later func(error)
}

// Sent is a write that was applied.
type Sent struct {
	Results []zkapi.Result // of the Ops; nil if the answer that had them was lost
	From    time.Duration  // when it was first sent, by Env.Elapsed
	Pending bool           // with ErrInDoubt: it is settled in the background, and Later will hear of it
}

// Send has a write applied, or returns an error:
//
//   - zkapi.FateOf(err) is zkapi.NotApplied: it was not applied, and will not be.
//     zkapi.FailedIndex(err) is the op that was refused. The error is term.ErrFenced if the claim
//     is gone.
//   - ErrInDoubt: ctx has ended, or the session has. In the first case the write is settled in the
//     background, and Later hears of it.
func (l *Lanes) Send(ctx context.Context, w Write) (Sent, error) {
	j := &job{Write: w, lanes: l, again: retry.New(l.env, l.obs, "write of a session")}
	ln, err := l.take(ctx, j)
	if err != nil {
		return Sent{}, err
	}
	j.lane = ln
	for {
		done, err := j.step(ctx, false)
		switch {
		case done:
			l.leave(ln)
			return j.sent, err
		case ctx.Err() != nil && !j.doubtful:
			l.leave(ln)
			return Sent{}, notSent(l.base, context.Cause(ctx))
		case ctx.Err() != nil:
			cause := context.Cause(ctx)
			l.env.Spawn("settle", j.settle)
			return Sent{Pending: true}, inDoubt(l.base, cause)
		}
	}
}

// inDoubt is the error of a write in doubt.
func inDoubt(path string, cause error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: path, Index: -1, Fate: zkapi.Unknown, Err: fmt.Errorf("%w: %w", ErrInDoubt, cause)}
}

// without takes the set of the lane out of an error's count.
func without(err error) error {
	e, ok := errors.AsType[*zkapi.Error](err)
	if !ok || e.Kind != zkapi.KindMulti || e.Index < 0 {
		return err
	}
	shifted := *e
	shifted.Index--
	return &shifted
}
