// Package exact sends the requests of a process that has no role, such as one that raises a
// counter. A write is applied once at most, whatever is lost, and its caller is told truly what
// became of it.
package exact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The errors of every recipe that is built on this package.
var (
	ErrInvalid = errors.New("invalid input")
	ErrClosed  = errors.New("closed")
)

// Process is all that a process has of ZooKeeper: one session for all callers, which is opened
// when it is needed, and replaced when it ends. Its methods may be called concurrently. A nil
// Process returns errors.
type Process struct {
	Env zkapi.Env
	Obs observe.Observer

	acl    []zkapi.ACL // of all znodes that are made
	shared *sessions.Shared

	mu       sync.Mutex
	receipts receipts
}

// New does not connect. recipe is the name in errors, in the log and in measurements.
func New(env zkapi.Env, recipe string, acl []zkapi.ACL, log *slog.Logger) (*Process, error) {
	if sessions.NoEnv(env) {
		return nil, Invalid(recipe, "env is nil: give the result of zkclient.New, or another zkapi.Env")
	}
	p := &Process{Env: env, Obs: observe.To(log), acl: acl}
	p.shared = sessions.NewShared(env, p.Obs, recipe, sessions.Hooks{})
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

// invalidError is an ErrInvalid whose text is the reason alone.
type invalidError struct{ what string }

// Error implements error.
func (e invalidError) Error() string { return e.what }

// Is reports whether target is ErrInvalid.
func (e invalidError) Is(target error) bool { return target == ErrInvalid }

// Invalid is an ErrInvalid with a reason.
func Invalid(recipe, format string, args ...any) error {
	return invalidError{recipe + ": " + fmt.Sprintf(format, args...)}
}

// errZero is the error of a value that its recipe's New has not made.
var errZero = invalidError{"this value was not made by New: use New"}

// Allowed checks the ops of a fenced write. The znodes of the recipe, at the path own and below it, may
// be checked and not changed.
func Allowed(recipe, own string, ops []zkapi.Op) error {
	for i, op := range ops {
		var err error
		switch {
		case op.Kind == zkapi.KindCheck:
		case op.Kind != zkapi.KindCreate && op.Kind != zkapi.KindSet && op.Kind != zkapi.KindDelete:
			err = Invalid(recipe, "%v in Write: use zkapi.Create, Set, Delete and Check", op.Kind)
		case op.Path == own || strings.HasPrefix(op.Path, own+"/"):
			err = Invalid(recipe, "%v %s in Write: that znode belongs to the recipe: use another name", op.Kind, op.Path)
		}
		if err != nil {
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: op.Path, Index: i, Fate: zkapi.NotApplied, Err: err}
		}
	}
	return nil
}

// CheckPath checks a path that a user gives to a recipe.
func CheckPath(recipe, p string) error {
	const own = "/zookeeper"
	switch err := zkapi.CheckPath(p); {
	case err != nil:
		return Invalid(recipe, "path %q: %v: write an absolute path without a trailing slash, such as /%s/invoices", p, err, recipe)
	case p == "/" || p == own || strings.HasPrefix(p, own+"/"):
		return Invalid(recipe, "path %q belongs to ZooKeeper itself: write another path, such as /%s/invoices", p, recipe)
	}
	return nil
}

// Session is one session of a Process, for one call.
type Session struct {
	fence.Session
	session zkapi.Session
	p       *Process
	ctx     context.Context
	again   *retry.Step
	doubt   bool // the last write was not answered, and its fate is not known yet

	reconnected zkapi.Source // fires if the connection has changed since the last look of Await
}

// on is a session for one call.
func (p *Process) on(ctx context.Context, session zkapi.Session, what string) *Session {
	return &Session{Session: fence.Of(session), session: session, p: p, ctx: ctx, again: retry.New(p.Env, p.Obs, what)}
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

// Send sends one write. If its answer is lost, the step that has sent it is repeated on the same
// session, as long as that lives: it must find out what became of the write before it sends
// another.
func (s *Session) Send(what string, op zkapi.Op, state ...any) (zkapi.Result, error) {
	s.at(what, state)
	result, err := s.session.Do(s.ctx, op)
	s.doubt = zkapi.FateOf(err) == zkapi.Unknown
	return result, err
}

// InDoubt reports whether the answer to the last write was lost.
func (s *Session) InDoubt() bool { return s.doubt }

// Settled notes that the fate of the last write is known.
func (s *Session) Settled() { s.doubt = false }

// Repeat repeats a step on this session until it is answered, or the session has ended.
func (s *Session) Repeat(ctx context.Context, step func(*Session) error) error {
	one := s.p.on(ctx, s.session, "clean up")
	return one.again.OnDisconnect(ctx, s.session, func() error { return step(one) })
}

// Ensure makes a persistent znode unless it exists, and those above it.
func (s *Session) Ensure(path string) error {
	return obstacle.Ensure(s.ctx, s.Session, path, s.p.acl)
}

// EnsureParents makes the znodes above a path that are missing.
func (s *Session) EnsureParents(of string) error { return s.Ensure(path.Dir(of)) }

// Once repeats a step until it is answered. If a session ends while the fate of a write is not
// known, it never will be: then zkapi.FateOf(err) is zkapi.Unknown. This is the only such error,
// beside the end of ctx. Of every other error it is zkapi.NotApplied. If nothing is in doubt, the step goes on, on another session if necessary.
// state is what the step depends on.
func (p *Process) Once(ctx context.Context, what string, state any, step func(*Session) error) error {
	return p.each(ctx, what, state, step, false)
}

// OnEach is Once for a step whose writes do not matter any more when the session has ended, because
// they went with it.
func (p *Process) OnEach(ctx context.Context, what string, state any, step func(*Session) error) error {
	return p.each(ctx, what, state, step, true)
}

func (p *Process) each(ctx context.Context, what string, state any, step func(*Session) error, passing bool) error {
	if p == nil {
		return errZero
	}
	for {
		zkapi.Checkpoint(p.Env, "connect", ctx, p, state)
		session, err := p.shared.Connected(ctx)
		if err != nil {
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: what, Index: -1, Fate: zkapi.NotApplied, Err: err}
		}
		s := p.on(ctx, session, what)
		err = s.again.OnDisconnect(ctx, session, func() error { return step(s) })
		switch {
		case err == nil:
			return nil
		case s.doubt && !passing:
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: what, Index: -1, Fate: zkapi.Unknown, Err: p.shared.Explained(err)}
		case ctx.Err() != nil:
			return &zkapi.Error{Kind: zkapi.KindMulti, Path: what, Index: -1, Fate: zkapi.NotApplied, Err: p.shared.Explained(err)}
		case zkapi.Permanent(err) || !errors.Is(err, zkapi.ErrSessionEnded):
			return NotApplied(what, err)
		}
	}
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
		_, err := s.session.Do(ctx, zkapi.Multi(ops...))
		return err
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
