package process

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lanePrefix begins the names of lanes.
const lanePrefix = "lane-"

// IsLane reports whether a child is a lane and nothing else.
func IsLane(name string) bool {
	return len(name) > len(lanePrefix) && strings.HasPrefix(name, lanePrefix)
}

// Session is one session of a Process, for one call.
type Session struct {
	fence.Session
	p     *Process
	ctx   context.Context
	again *retry.Step

	reconnected zkapi.Source // fires if the connection has changed since the last look of Await
}

// on is a session for one call.
func (p *Process) on(ctx context.Context, session zkapi.Session, what string) *Session {
	return &Session{Session: fence.Of(session), p: p, ctx: ctx, again: retry.New(p.Env, p.Obs, what)}
}

// at declares what the calling thread depends on.
func (s *Session) at(what string, state []any) { zkapi.Checkpoint(s.p.Env, what, s.ctx, s, state) }

// Ask sends one read. what names the place in the code, and state is all that the caller depends on
// there, for an explorer.
func (s *Session) Ask(what string, read fence.Read, state ...any) (zkapi.Result, error) {
	s.at(what, state)
	return s.Do(s.ctx, read)
}

// Now is Ask for a read that is at least as new as every write that was answered before. If the last
// write was not answered, a read that does not show it proves that it was not applied, and never
// will be: the requests of a session take effect in their order.
func (s *Session) Now(what string, read fence.Read, state ...any) (zkapi.Result, error) {
	if _, err := s.Ask(what+": sync", fence.Sync(read.Path()), state...); err != nil {
		return zkapi.Result{}, err
	}
	return s.Ask(what, read, state...)
}

// repeat repeats a step as long as its reads are not answered. A write in doubt ends it: it is not
// sent by another one.
func (s *Session) repeat(step func(*Session) error) error {
	var doubt error
	err := s.again.OnDisconnect(s.ctx, s, func() error {
		err := step(s)
		if errors.Is(err, once.ErrInDoubt) {
			doubt = err
			return nil
		}
		return err
	})
	if doubt != nil {
		return doubt
	}
	return err
}

// Repeat repeats a step on this session, for another ctx.
func (s *Session) Repeat(ctx context.Context, step func(*Session) error) error {
	one := &Session{Session: s.Session, p: s.p, ctx: ctx, again: retry.New(s.p.Env, s.p.Obs, "clean up")}
	return one.repeat(step)
}

// Write applies all of ops, or none, and no more than once. If the session has no lane yet, one is
// made in folder, with the znodes above it that are missing. The results are nil if the answer
// that had them was lost. state is what the caller depends on. Errors:
//
//   - once.ErrInDoubt: the session, ctx or the Process ended while the answer was out, or a person
//     has deleted the lane then. zkapi.FateOf is zkapi.Unknown.
//   - for all others, zkapi.FateOf is zkapi.NotApplied. zkapi.FailedIndex counts ops. The error is
//     zkapi.ErrSessionEnded if the session has ended before.
func (s *Session) Write(folder string, state any, ops ...zkapi.Op) ([]zkapi.Result, error) {
	for {
		if over := s.Over(); over != nil {
			return nil, notApplied(folder, over)
		}
		sent, err := s.p.writer(s.Session, folder).Send(s.ctx, once.Write{Ops: ops, State: []any{s, state}})
		switch {
		case errors.Is(err, once.ErrInDoubt) && s.p.Life().Err() != nil:
			return nil, &zkapi.Error{Kind: zkapi.KindMulti, Path: folder, Index: -1, Fate: zkapi.Unknown,
				Err: fmt.Errorf("%w: %w", once.ErrInDoubt, context.Cause(s.p.Life()))}
		case errors.Is(err, once.ErrInDoubt):
			return nil, s.p.shared.Explained(err)
		case errors.Is(err, term.ErrFenced): // a person has deleted the lane, or the session has ended
		case errors.Is(err, zkapi.ErrNoNode) && zkapi.FailedIndex(err) < 0: // the folder of the lane has gone again
		default:
			return sent.Results, err
		}
	}
}

// Over says why nothing can be written any more in this call: the Process, the session or ctx has
// ended. It is nil otherwise.
func (s *Session) Over() error {
	switch {
	case s.p.Life().Err() != nil:
		return context.Cause(s.p.Life())
	case s.Session.Done().Fired():
		return s.Cause()
	}
	return context.Cause(s.ctx)
}

// writer returns the lanes of a session. All writes of a session go by the same lanes, whatever
// they change, so that it has few znodes.
func (p *Process) writer(session fence.Session, folder string) *once.Lanes {
	prepare := func(ctx context.Context, s fence.Session) error { return obstacle.Ensure(ctx, s, folder, p.acl) }
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lanes; l == nil || l.Session != session || l.Over() || l.Folder != folder && !l.Made() {
		p.lanes = once.New(p.Life(), p.Env, p.Obs, session, once.Place{Folder: folder, Prefix: lanePrefix, ACL: p.acl, Prepare: prepare})
	}
	return p.lanes
}

// Ensure makes a persistent znode unless it exists, and those above it.
func (s *Session) Ensure(path string) error {
	return obstacle.Ensure(s.ctx, s.Session, path, s.p.acl)
}

// EnsureParents makes the znodes above a path that are missing.
func (s *Session) EnsureParents(of string) error { return s.Ensure(path.Dir(of)) }
