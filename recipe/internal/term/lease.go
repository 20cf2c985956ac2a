package term

import (
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Shares of the session timeout T that bound a lease.
const (
	leaseMargin = 4  // a lease ends T/4 before the session could
	heartbeat   = 6  // a claim that is relied on is confirmed every T/6
	leaseTick   = 40 // whether a lease has ended is looked at every T/40 at least
)

// Lease says how long the holder of a claim may rely on it without a write: for T - T/4 from
// when the last acknowledged write under the claim was sent.
//
// Only a write counts. Its answer comes when a quorum has it, so the leader has heard from
// the session. A server that is cut off from its leader still answers pings and reads for
// syncLimit x tickTime. Meanwhile the leader may end the session, and its tasks go to others.
// The margin is longer than the time between two heartbeats, because a follower passes on to
// the leader that a session is alive only with its next ping.
//
// T is the timeout that is granted now: when the connection moves, the next server may grant
// another timeout.
//
// The lease is measured by Env.Elapsed, which runs while the machine sleeps. Timers may not
// run then. So a thread that waits for the end of a lease looks at it again every tick, and a
// thread that is about to act on the lease looks first.
type Lease struct {
	env     zkapi.Env
	session Timed
	granted time.Duration // T as Look has seen it last
	Changed zkapi.Signal  // raised when Look has seen another T

	mu   sync.Mutex
	from time.Duration // by Env.Elapsed
}

// Timed is a session, as far as a lease needs it.
type Timed interface {
	Timeout() time.Duration
}

// NewLease counts from a write that was sent then.
func NewLease(env zkapi.Env, session Timed, from time.Duration) Lease {
	return Lease{env: env, session: session, granted: session.Timeout(), Changed: env.Signal(), from: from}
}

// timeout is T.
func (l *Lease) timeout() time.Duration { return l.session.Timeout() }

// Length is how long a lease lasts from its last acknowledged write.
func (l *Lease) Length() time.Duration { return l.timeout() - l.timeout()/leaseMargin }

// Prolong counts the lease from a write that was sent then and was acknowledged.
func (l *Lease) Prolong(sent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from = max(l.from, sent)
}

func (l *Lease) start() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

// Left is how long the lease lasts from now; it is over at 0.
func (l *Lease) Left() time.Duration {
	return max(l.start()+l.Length()-l.env.Elapsed(), 0)
}

// Look returns after how long Left must be checked again. If T has changed, Look wakes the
// thread that confirms the claim, because the next confirmation may be due earlier. Only one
// thread calls Look.
func (l *Lease) Look() time.Duration {
	if now := l.timeout(); now != l.granted {
		l.granted = now
		l.Changed.Raise()
	}
	return min(l.Left(), l.Tick())
}

// Tick is how often the lease is looked at.
func (l *Lease) Tick() time.Duration { return l.timeout() / leaseTick }

// Due is when the claim is to be confirmed, unless another write does it before.
func (l *Lease) Due() time.Duration {
	return max(l.start()+l.timeout()/heartbeat-l.env.Elapsed(), 0)
}
