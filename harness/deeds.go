package harness

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

func nothing(context.Context) error { return nil }

// expire ends the session with which a participant plays its role; an equal node has
// one for each.
func (r *run) expire(p *process, fault nemesis.Fault) deed {
	var session ensemble.Session
	return deed{
		session: func() string { return fmt.Sprintf("0x%x", session.ID) },
		apply: func(ctx context.Context) error {
			var err error
			if session, err = r.sessionAs(ctx, p, fault.Role); err != nil {
				return err
			}
			// A server may end the session and its answer be lost: then the next one
			// does not know it any more.
			tried := false
			return r.anyServer(func(address string) error {
				sent := clock.Now()
				zxid, err := ensemble.Expire(ctx, address, session)
				if err == nil {
					r.expired(session, sent, zxid)
				}
				if tried && errors.Is(err, ensemble.ErrSessionGone) {
					return nil
				}
				tried = tried || errors.Is(err, ensemble.ErrUnanswered)
				return err
			})
		},
		probe: func(ctx context.Context) finding {
			gone := false
			err := r.anyServer(func(address string) error {
				alive, err := ensemble.SessionAlive(ctx, address, session)
				gone = err == nil && !alive
				return err
			})
			if err != nil {
				return found(false, "%v", err)
			}
			return found(gone, "session 0x%x: gone is %v", session.ID, gone).with("session gone", gone)
		},
		heal: nothing,
	}
}

// sessionAs is the session with which a participant plays a role: the one that holds
// what the role holds, or, of one that holds nothing, its latest.
func (r *run) sessionAs(ctx context.Context, p *process, role nemesis.Role) (ensemble.Session, error) {
	path := "/workers/" + p.name
	switch role {
	case nemesis.ActiveMaster:
		path = "/master"
	case nemesis.Backup, nemesis.SomeClient:
		session, ok := p.proxy.Session()
		if !ok {
			return session, fmt.Errorf("%s has no session", p.name)
		}
		return session, nil
	}
	id, err := r.observer.holder(ctx, path)
	if err != nil {
		return ensemble.Session{}, err
	}
	session, ok := p.proxy.SessionOf(id)
	if !ok {
		return session, fmt.Errorf("%s is not held by %s", path, p.name)
	}
	return session, nil
}

// anyServer tries an action on one server after the other until it succeeds.
func (r *run) anyServer(action func(address string) error) error {
	var errs []error
	for _, address := range r.ensemble.Addresses() {
		err := action(address)
		if err == nil || errors.Is(err, ensemble.ErrSessionGone) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *run) cut(p *process, _ nemesis.Fault) deed {
	var before int64
	return deed{
		apply: func(context.Context) error { before = p.proxy.Dropped(); p.proxy.Cut(); return nil },
		probe: func(context.Context) finding {
			n := p.proxy.Dropped() - before
			return found(n > 0, "%d bytes swallowed", n).with("bytes swallowed", n)
		},
		heal: func(context.Context) error { p.proxy.Heal(); return nil },
	}
}
