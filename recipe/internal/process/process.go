// Package process has what a process without a role shares among its calls, such as one that raises
// a counter: its session, the lanes by which its writes are applied once (package once), and waits.
package process

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/input"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/tokens"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrClosed is the ErrClosed of every recipe that is built on this package.
var ErrClosed = errors.New("closed")

// Process is all that a process has of ZooKeeper: one session for all callers, which is opened
// when it is needed, and replaced when it ends. Its methods may be called concurrently. A nil
// Process returns errors.
type Process struct {
	Env zkapi.Env
	Obs observe.Observer
	// Tokens are those that this process has seen, by path, for recipes that give tokens.
	Tokens tokens.Memory

	acl    []zkapi.ACL // of all znodes that are made
	shared *sessions.Shared

	mu    sync.Mutex
	lanes *once.Lanes // of the present session
}

// New does not connect. recipe is the name in errors, in the log and in measurements.
func New(env zkapi.Env, recipe string, acl []zkapi.ACL, log *slog.Logger) (*Process, error) {
	if sessions.NoEnv(env) {
		return nil, input.Invalid(recipe, "env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	p := &Process{Env: env, Obs: observe.To(log), acl: acl}
	p.shared = sessions.NewShared(env, p.Obs, recipe, sessions.Hooks{Opened: p.opened})
	return p, nil
}

// Close ends the session; calls that wait return ErrClosed. A nil error means that the ensemble has
// confirmed the end.
func (p *Process) Close(ctx context.Context) error {
	if p == nil {
		return errZero
	}
	return p.shared.Close(ctx, ErrClosed)
}

// Life ends with Close.
func (p *Process) Life() context.Context { return p.shared.Life() }

// ACL is that of all znodes that are made.
func (p *Process) ACL() []zkapi.ACL { return p.acl }

// Create makes a persistent znode.
func (p *Process) Create(path string, data []byte) zkapi.Op {
	if p == nil {
		return zkapi.Op{}
	}
	return zkapi.Create(path, data, zkapi.Persistent).WithACL(p.acl)
}

// errZero is the error of a value that its recipe's New has not made.
var errZero = notApplied("", input.Invalid("recipe", "this value was not made by New: use New"))

// Each runs a step on one session after the other, until its error is another one than that the
// session has ended. A step is repeated on a session when a read was not answered; its writes are
// repeated by Session.Write. Of every error that is not once.ErrInDoubt, zkapi.FateOf is
// zkapi.NotApplied. state is what the step depends on.
func (p *Process) Each(ctx context.Context, what string, state any, step func(*Session) error) error {
	if p == nil {
		return errZero
	}
	for {
		zkapi.Checkpoint(p.Env, "connect", ctx, p, state)
		session, err := p.shared.Connected(ctx)
		if err != nil {
			return NotApplied(what, err)
		}
		err = p.on(ctx, session, what).repeat(step)
		switch {
		case errors.Is(err, once.ErrInDoubt):
			return err
		case err != nil && ctx.Err() != nil:
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: what, Index: -1, Fate: zkapi.NotApplied, Err: p.shared.Explained(err)}
		case err == nil, zkapi.Permanent(err), !errors.Is(err, zkapi.ErrSessionEnded):
			return NotApplied(what, err)
		}
	}
}

// Write applies all of ops, or none, and no more than once, on one session after the other if
// necessary. The errors are those of Session.Write, except that a session that has ended is one
// only if a write was in doubt then.
func (p *Process) Write(ctx context.Context, folder string, ops ...zkapi.Op) error {
	return p.Each(ctx, "write", ops, func(s *Session) error {
		_, err := s.Write(folder, nil, ops...)
		return err
	})
}

// Read repeats a step that only reads.
func (p *Process) Read(ctx context.Context, what string, state any, step func(*Session) error) error {
	return p.Await(ctx, what, state, func(s *Session) ([]zkapi.Source, error) { return nil, step(s) })
}

// Connected returns the present session, for reads and fenced writes.
func (p *Process) Connected(ctx context.Context) (fence.Session, error) {
	session, err := p.shared.Connected(ctx)
	return fence.Of(session), err
}

// Check asks whether a multi that changes nothing in the end would be applied. It is repeated until it
// is answered.
func (p *Process) Check(ctx context.Context, state any, ops ...zkapi.Op) error {
	return p.Read(ctx, "check", state, func(s *Session) error {
		s.at("check", []any{state, ops})
		return s.Session.Test(ctx, ops)
	})
}

// Pause waits after so many refusals in a row, because another process was faster. Pauses grow and
// have jitter.
func (p *Process) Pause(ctx context.Context, refusals int, state any) error {
	const first, most = 2 * time.Millisecond, 80 * time.Millisecond
	timer := p.Env.Timer(zkapi.Pause(p.Env, first, most, refusals))
	zkapi.Checkpoint(p.Env, "pause", ctx, p, state, refusals)
	_, err := p.Env.Wait(ctx, timer)
	return err
}

// NotApplied is err, with the fate that nothing was applied.
func NotApplied(path string, err error) error {
	if err == nil || zkapi.FateOf(err) == zkapi.NotApplied {
		return err
	}
	return notApplied(path, err)
}

// notApplied is err, with that fate, although it may be that of a read.
func notApplied(path string, err error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: path, Index: -1, Fate: zkapi.NotApplied, Err: err}
}

// Refused reports whether a write was refused because the tree is another one than its conditions
// say: another process was faster. The caller reads again.
func Refused(err error) bool {
	return errors.Is(err, zkapi.ErrBadVersion) || errors.Is(err, zkapi.ErrNodeExists) || errors.Is(err, zkapi.ErrNoNode)
}

// EnsureParents makes the znodes above a path that are missing.
func (p *Process) EnsureParents(ctx context.Context, of string) error {
	return p.Read(ctx, "make a path", of, func(s *Session) error { return s.EnsureParents(of) })
}
