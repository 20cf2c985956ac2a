package recipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ErrDeposed is the cause of a leadership context that has ended for any other
// reason than that its owner wanted it to.
var ErrDeposed = errors.New("deposed")

// Shares of the session timeout T that bound a term.
const (
	leaseMargin = 4 // leadership ends T/4 before the session would
	heartbeat   = 6 // a claim is confirmed every T/6
)

// term is the reign of one master: one session, one epoch. It is the only thing
// that can write as the master.
//
// The lease of a term starts when the last acknowledged fenced write was sent.
// A write, unlike a ping or a read, is answered only after a quorum has it, so
// a server that was cut off from its leader cannot prolong a reign. The margin is
// longer than the time between two heartbeats, because a follower passes on to
// the leader that a session is alive only with its next ping.
type term struct {
	claim
	env    zkapi.Env
	ctx    context.Context // leadership; its cause says why it ended
	depose context.CancelCauseFunc

	mu        sync.Mutex
	leaseFrom time.Time
}

// newTerm begins a reign won by a write that was sent at won.
func newTerm(ctx context.Context, env zkapi.Env, c claim, won time.Time) *term {
	t := &term{claim: c, env: env, leaseFrom: won}
	t.ctx, t.depose = context.WithCancelCause(ctx)
	return t
}

func (t *term) epoch() int32 { return t.version }

// write is a fenced write; it keeps the lease. When the claim is lost the term
// ends.
func (t *term) write(ops ...zkapi.Op) error { return t.writeAll([][]zkapi.Op{ops})[0] }

// writeAll pipelines fenced writes that do not depend on each other. It returns
// the error of each, nil where it was applied.
func (t *term) writeAll(writes [][]zkapi.Op) []error {
	sent := t.env.Now()
	var errs []error
	acknowledged := false
	for _, reply := range t.claim.writeAll(t.ctx, writes) {
		acknowledged = acknowledged || reply.Err == nil
		errs = append(errs, reply.Err)
	}
	if acknowledged {
		t.mu.Lock()
		if sent.After(t.leaseFrom) {
			t.leaseFrom = sent
		}
		t.mu.Unlock()
	}
	if err := errors.Join(errs...); errors.Is(err, ErrFenced) {
		t.depose(fmt.Errorf("%w: %w", ErrDeposed, err))
	}
	return errs
}

func (t *term) leaseStart() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leaseFrom
}

// keepLease deposes the master when its lease has run out or its session has
// ended. It is a thread of its own because the others may be waiting for an
// answer that does not come.
func (t *term) keepLease(env zkapi.Env) {
	timeout := t.session.Timeout()
	for {
		left := t.leaseStart().Add(timeout - timeout/leaseMargin).Sub(env.Now())
		if left <= 0 {
			t.depose(fmt.Errorf("%w: no write was acknowledged for %v", ErrDeposed, timeout-timeout/leaseMargin))
			return
		}
		i, err := env.Wait(t.ctx, t.session.Done(), env.Timer(left))
		if err != nil {
			return
		}
		if i == 0 {
			t.depose(fmt.Errorf("%w: %w", ErrDeposed, t.session.Cause()))
			return
		}
	}
}

// beat confirms the claim whenever no other write has.
func (t *term) beat(env zkapi.Env) {
	every := t.session.Timeout() / heartbeat
	for {
		left := t.leaseStart().Add(every).Sub(env.Now())
		if left <= 0 {
			_ = t.write() // a failure shows in the lease
			left = retryDelay
		}
		if _, err := env.Wait(t.ctx, env.Timer(left)); err != nil {
			return
		}
	}
}

// stand waits until /master is free and this session has taken it. It ends with
// the claim and the moment the winning write was sent, or with an error when the
// session or ctx ends.
func stand(ctx context.Context, env zkapi.Env, session zkapi.Session, l layout, name, address string, log *slog.Logger) (claim, time.Time, error) {
	for {
		_, _, reconnected := session.Connection()
		seen, err := session.Do(ctx, zkapi.Exists(l.master()).Watched())
		if err == nil && seen.Found {
			_, err = env.Wait(ctx, seen.Watch, reconnected, session.Done(), env.Timer(sweepInterval))
			if err == nil && session.Done().Fired() {
				err = session.Cause()
			}
			if err != nil {
				return claim{}, time.Time{}, err
			}
			continue
		}
		if err == nil {
			sent := env.Now()
			var won claim
			if won, err = take(ctx, env, session, name, l.master(), address, l.assign()); err == nil {
				return won, sent, nil
			}
		}
		log.DebugContext(ctx, "not elected", "error", err)
		if err := pause(ctx, env, session); err != nil {
			return claim{}, time.Time{}, err
		}
	}
}
