package lease

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/process"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Lease is a lease that this process holds, or has held. Its methods may be called concurrently.
type Lease struct {
	p     *process.Process
	path  string
	lasts time.Duration
	grant grant
	ctx   context.Context
	end   context.CancelCauseFunc

	renewed zkapi.Signal

	mu       sync.Mutex
	renewing bool          // Renew is under way
	sent     time.Duration // when Take or Renew has sent its last write, by Env.Elapsed
	from     time.Duration // when the last one that was applied was sent
	version  int32         // of the znode then: the token

	seen  zkapi.Stat    // of the holder that Take waits for
	since time.Duration // when that was seen first
	doubt *doubt        // a grant that may have been applied; nil for none
}

// doubt is a write whose outcome is not known.
type doubt struct {
	of  zkapi.Stat // of the znode that it was to replace
	err error
}

// take takes the lease if it is free. It returns what to wait for if not.
func (l *Lease) take(s *process.Session) ([]zkapi.Source, error) {
	for {
		known, _ := l.p.Tokens.Known(l.path)
		now, err := s.Now("look at a lease", fence.Get(l.path).Watched(), l, known)
		switch {
		case errors.Is(err, zkapi.ErrNoNode):
			if err := s.Ensure(l.path); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		case now.Stat.Version < 0:
			return nil, ErrOverflow
		}
		l.p.Tokens.Met(l.path, now.Stat.Version)
		holder := read(now.Data)
		mine := holder.ID == l.grant.ID // as a grant in doubt has made it: another one begins the time anew
		if l.doubt != nil && !mine && now.Stat.Czxid == l.doubt.of.Czxid && now.Stat.Version > l.doubt.of.Version {
			l.doubt = nil // another process was faster
		}
		if l.seen.Czxid != now.Stat.Czxid || l.seen.Version != now.Stat.Version {
			l.seen, l.since = now.Stat, l.p.Env.Elapsed()
		}
		if left := l.since + holder.lasts() - l.p.Env.Elapsed(); left > 0 && !mine {
			return []zkapi.Source{now.Watch, l.p.Env.Timer(left)}, nil
		}
		if raised, err := l.rise(s, grant{}, now.Stat.Version, known, nil); err != nil {
			return nil, err
		} else if raised {
			continue
		}
		l.sends()
		_, err = s.Write(path.Dir(l.path), l, zkapi.Set(l.path, l.grant.encode(), now.Stat.Version))
		if err == nil {
			l.applied(now.Stat.Version+1, true)
		}
		if errors.Is(err, once.ErrInDoubt) {
			l.doubt = &doubt{now.Stat, err}
		}
		if !process.Refused(err) {
			return nil, err
		}
	}
}

// granted has the lease taken, on one session after the other. If a session ends with a grant in doubt,
// the next one goes on: it finds the own grant, or asks for it again. A late copy of the first is
// refused then, because the version is another one.
func (l *Lease) granted(ctx context.Context) error {
	for {
		err := l.p.Each(ctx, "take a lease", l, func(s *process.Session) error { return s.Await(l, l.take) })
		over := ctx.Err() != nil || l.p.Life().Err() != nil
		switch {
		case errors.Is(err, once.ErrInDoubt) && !over:
			continue
		case err != nil && l.doubt != nil && zkapi.FateOf(err) == zkapi.NotApplied:
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: l.path, Index: -1, Fate: zkapi.Unknown, Err: fmt.Errorf("%w: %w", err, l.doubt.err)}
		}
		return err
	}
}

// applied notes that a write was applied. A grant or a renewal makes the lease longer. Answers may come
// in another order than the writes.
func (l *Lease) applied(version int32, longer bool) {
	l.p.Tokens.Saw(l.path, version)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version = max(l.version, version)
	if longer {
		l.from = l.sent
		l.renewed.Raise()
	}
}

// Token is greater than those of all earlier grants and renewals of the path; after a restore of the
// ensemble, than those that this process has seen. It grows with each Renew.
func (l *Lease) Token() int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}

// Left is how long the lease lasts for this process. It is 0 when the lease is over or released.
func (l *Lease) Left() time.Duration {
	if l.ctx.Err() != nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.from+l.lasts-l.lasts/margin-l.p.Env.Elapsed(), 0)
}

// Context ends when the lease is held no longer: its cause is ErrOver, ErrLost, ErrReleased or
// ErrClosed.
func (l *Lease) Context() context.Context { return l.ctx }

// expire ends the context when the lease is over. Timers may stand still while the machine sleeps,
// so it looks often.
func (l *Lease) expire() {
	const looks = 40
	zkapi.DependsOn(l.p.Env, l)
	for {
		left := l.Left()
		if left <= 0 {
			l.end(ErrOver)
			return
		}
		timer := l.p.Env.Timer(min(left, l.lasts/looks))
		zkapi.Checkpoint(l.p.Env, "lease", l)
		if _, err := l.p.Env.Wait(l.ctx, l.renewed, timer); err != nil {
			return
		}
	}
}

// ended says why the lease is over; nil while it lasts.
func (l *Lease) ended() error {
	if l.Left() <= 0 {
		l.end(ErrOver)
	}
	return context.Cause(l.ctx)
}

// Renew makes the lease last for its whole time again, from when this call is sent. A lease that is
// over cannot be renewed. ErrLost means that another has taken it. If zkapi.FateOf(err) is
// zkapi.Unknown, the lease ends when it would have ended without this call. One call of Renew at a
// time is allowed (ErrInvalid).
//
// If the answer comes when the lease is over already, the error is the cause of its context, with the
// fate zkapi.Applied: others wait for the whole time again, unless Release is called.
func (l *Lease) Renew(ctx context.Context) error {
	if err := l.ended(); err != nil {
		return process.NotApplied(l.path, err)
	}
	if l.busy(true) {
		return process.NotApplied(l.path, input.Invalid(recipe, "Renew is called while another Renew is under way: wait for that"))
	}
	defer l.busy(false)
	err := l.change(ctx, "renew a lease", l.grant)
	switch {
	case errors.Is(err, ErrLost):
		l.end(ErrLost)
	case err == nil && l.ctx.Err() != nil:
		err = &zkapi.Error{Kind: zkapi.KindMulti, Path: l.path, Index: -1, Fate: zkapi.Applied, Err: context.Cause(l.ctx)}
	}
	return err
}

// busy notes that Renew is under way, or is over, and returns what it was before.
func (l *Lease) busy(now bool) (before bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.renewing = l.renewing, now
	return before
}

// Release gives the lease back, so that others need not wait until its end. It may be over.
func (l *Lease) Release(ctx context.Context) error {
	l.end(ErrReleased)
	return l.giveBack(ctx)
}

func (l *Lease) giveBack(ctx context.Context) error {
	if err := l.change(ctx, "release a lease", grant{}); !errors.Is(err, ErrLost) {
		return err
	}
	return nil
}

// change replaces the data of the znode while it names this lease. Its lane is beside the lease.
func (l *Lease) change(ctx context.Context, what string, to grant) error {
	return l.p.Each(ctx, what, []any{l, to}, func(s *process.Session) error {
		for reads := l.doubted(); ; reads = true {
			if reads {
				if err := l.reread(s, to); err != nil {
					return err
				}
			}
			if to.ID != "" {
				l.sends()
			}
			token := l.Token()
			_, err := s.Write(path.Dir(l.path), []any{l, to}, zkapi.Set(l.path, to.encode(), token))
			if err == nil {
				l.applied(token+1, to.ID != "")
			}
			if !process.Refused(err) {
				return err
			}
		}
	})
}

// sends notes that a grant or a renewal is sent now.
func (l *Lease) sends() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = l.p.Env.Elapsed()
}

// Write applies all of ops, or none, and only while no other has taken the lease. It is refused
// without being sent when the lease is over. Its errors:
//
//   - ErrFenced: another has taken the lease. Nothing was applied.
//   - ErrOver, ErrLost, ErrReleased or ErrClosed: the lease was over before anything was sent.
//   - zkapi.FateOf(err) is zkapi.Unknown: the answer was lost, or ctx has ended meanwhile.
//   - the cause of ctx, with the fate zkapi.NotApplied: ctx has ended before anything was sent, or
//     when it was not known yet whether the lease is held.
//   - anything else: a server has refused the op zkapi.FailedIndex(err). Nothing was applied.
func (l *Lease) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	if err := input.CheckOps(recipe, "Lease.Write", ops, l.path); err != nil {
		return zkapi.Result{}, err
	}
	for {
		if err := l.ended(); err != nil {
			return zkapi.Result{}, process.NotApplied(l.path, err)
		}
		session, err := l.p.Connected(ctx)
		if err != nil {
			return zkapi.Result{}, process.NotApplied(l.path, err)
		}
		token, doubted := l.Token(), l.doubted()
		if !doubted {
			zkapi.Checkpoint(l.p.Env, "write under a lease", ctx, l, token, ops)
			reply := term.Claim{Session: session, Path: l.path, Version: token}.WriteAll(ctx, [][]zkapi.Op{ops})[0]
			if !errors.Is(reply.Err, ErrFenced) {
				return reply.Result, reply.Err
			}
		}
		if doubted || l.Token() == token {
			if err := l.still(ctx, ops); err != nil {
				return zkapi.Result{}, process.NotApplied(l.path, err)
			}
		}
	}
}
