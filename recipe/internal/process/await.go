package process

import (
	"context"
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// resyncInterval is how often a wait looks again without an event.
const resyncInterval = 30 * time.Second

// Look reads what a caller waits for. It returns the watches that were set with the reads; none
// means that the wait is over.
type Look func(*Session) (watches []zkapi.Source, err error)

// Await looks again whenever a watch fires or may be lost, on one session after the other, until
// look returns no watch. state is what look depends on.
func (p *Process) Await(ctx context.Context, what string, state any, look Look) error {
	if p == nil {
		return errZero
	}
	for {
		zkapi.Checkpoint(p.Env, "connect", ctx, p, state)
		session, err := p.shared.Connected(ctx)
		if err != nil {
			return err
		}
		err = p.on(ctx, session, what).Await(state, look)
		if err != nil && ctx.Err() != nil {
			return p.shared.Explained(err)
		}
		if zkapi.Permanent(err) || !errors.Is(err, zkapi.ErrSessionEnded) {
			return err
		}
	}
}

// Await is that of Process on one session: it also returns when that has ended.
func (s *Session) Await(state any, look Look) error {
	for {
		var watches []zkapi.Source
		err := s.repeat(func(*Session) (err error) {
			_, _, s.reconnected = s.Connection()
			watches, err = look(s)
			return err
		})
		if err != nil || len(watches) == 0 {
			return err
		}
		timer := s.p.Env.Timer(resyncInterval)
		s.at("await", []any{state})
		_, err = s.p.Env.Wait(s.ctx, fence.Sources(append(watches, s.reconnected, s.Done(), timer)...)...)
		if err == nil && s.Done().Fired() {
			err = s.Cause()
		}
		if err != nil {
			return err
		}
	}
}
