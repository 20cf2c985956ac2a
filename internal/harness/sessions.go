package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ringmaster-zk/ringmaster/internal/clock"
	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
)

func nothing(context.Context) error { return nil }

// sessionName is a session in the history's notation.
func sessionName(id int64) string { return fmt.Sprintf("0x%x", id) }

// expire ends the session with which a participant plays its role; an equal node has
// one for each.
func (r *run) expire(p *process, fault nemesis.Fault) deed {
	var session ensemble.Session
	return deed{
		session: func() string { return sessionName(session.ID) },
		apply: func(ctx context.Context) error {
			var err error
			if session, err = r.sessionAs(ctx, p, fault.Role); err != nil {
				return err
			}
			_, err = r.end(ctx, session)
			return err
		},
		probe: func(ctx context.Context) finding {
			gone, err := r.gone(ctx, session)
			if err != nil {
				return found(false, "%v", err)
			}
			return found(gone, "session %s %s", sessionName(session.ID), whether(gone, "is over", "is not over")).with("session gone", gone)
		},
		heal: nothing,
	}
}

// end ends a session. The number is the end's place in ZooKeeper's order, or 0: a server
// may end the session and its answer be lost; then the next one does not know it any
// more.
func (r *run) end(ctx context.Context, session ensemble.Session) (zxid int64, err error) {
	sent, tried := clock.Now(), false
	session.Secret = r.config.profile().Secret
	err = r.anyServer(func(address string) error {
		var err error
		zxid, err = ensemble.Expire(ctx, address, session)
		if tried && errors.Is(err, ensemble.ErrSessionGone) {
			return nil
		}
		tried = tried || errors.Is(err, ensemble.ErrUnanswered)
		return err
	})
	if zxid != 0 {
		r.expired(session, sent, zxid)
	}
	return zxid, err
}

// gone asks whether a session that was ended is known no more.
func (r *run) gone(ctx context.Context, session ensemble.Session) (bool, error) {
	gone := false
	err := r.anyServer(func(address string) error {
		alive, err := ensemble.SessionAlive(ctx, address, session)
		gone = err == nil && !alive
		return err
	})
	return gone, err
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

// many ends the sessions of half of all participants at once: the latest of each. A
// server may end one and not answer; see end.
func (r *run) many(_ context.Context, fault nemesis.Fault) (deed, error) {
	victims, sessions := r.halfOfAll(fault.Pick)
	if len(victims) < 2 {
		release(victims)
		return deed{}, errors.New("fewer than two participants have a session and do not suffer already")
	}
	zxids, errs := make([]int64, len(sessions)), make([]error, len(sessions))
	ended := func() (all []ensemble.Session) {
		for i, s := range sessions {
			if errs[i] == nil {
				all = append(all, s)
			}
		}
		return all
	}
	return deed{
		target:  names(victims),
		session: func() string { return sessionNames(ended()) },
		apply: func(ctx context.Context) error {
			var work sync.WaitGroup
			for i, s := range sessions {
				work.Go(func() { zxids[i], errs[i] = r.end(ctx, s) })
			}
			work.Wait()
			if len(ended()) == 0 {
				return errors.Join(errs...)
			}
			return nil
		},
		probe: func(ctx context.Context) finding {
			confirmed, gone := 0, 0
			for i, s := range sessions {
				if zxids[i] != 0 {
					confirmed++
				}
				if over, err := r.gone(ctx, s); err == nil && over {
					gone++
				}
			}
			byUs := len(ended())
			return found(byUs >= 2 && gone == len(sessions), "of %d sessions %d were ended, %d of those confirmed, and %d are gone", len(sessions), byUs, confirmed, gone).
				with("sessions", len(sessions)).with("ended", byUs).with("ends confirmed", confirmed).with("sessions gone", gone)
		},
		heal: nothing,
		done: func() { release(victims) },
	}, nil
}

// halfOfAll claims half of the participants, each of which has a session.
func (r *run) halfOfAll(pick int) (victims []*process, sessions []ensemble.Session) {
	first := pick % len(r.processes)
	for _, p := range slices.Concat(r.processes[first:], r.processes[:first]) {
		session, ok := p.proxy.Session()
		if len(victims) < len(r.processes)/2 && ok && p.alive() && p.has(session.ID) && p.claim() {
			victims, sessions = append(victims, p), append(sessions, session)
		}
	}
	return victims, sessions
}

// names lists processes as a target.
func names(all []*process) string {
	var list []string
	for _, p := range all {
		list = append(list, p.name)
	}
	return strings.Join(list, ",")
}

func sessionNames(all []ensemble.Session) string {
	var list []string
	for _, s := range all {
		list = append(list, sessionName(s.ID))
	}
	return strings.Join(list, ",")
}

func release(all []*process) {
	for _, p := range all {
		p.release()
	}
}
