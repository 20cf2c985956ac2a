package recipe

import (
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Shares of the session timeout T that bound a lease.
const (
	leaseMargin = 4  // a lease ends T/4 before the session could
	heartbeat   = 6  // a claim that is relied on is confirmed every T/6
	leaseTick   = 40 // whether a lease has ended is looked at every T/40 at least
)

// lease says how long the holder of a claim may rely on it without a write: for T - T/4 from
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
type lease struct {
	env     zkapi.Env
	session fence.Session
	granted time.Duration // T as look has seen it last
	changed zkapi.Signal  // raised when look has seen another T

	mu   sync.Mutex
	from time.Duration // by Env.Elapsed
}

// newLease counts from a write that was sent then.
func newLease(env zkapi.Env, session fence.Session, from time.Duration) lease {
	return lease{env: env, session: session, granted: session.Timeout(), changed: env.Signal(), from: from}
}

// timeout is T.
func (l *lease) timeout() time.Duration { return l.session.Timeout() }

// length is how long a lease lasts from its last acknowledged write.
func (l *lease) length() time.Duration { return l.timeout() - l.timeout()/leaseMargin }

// prolong counts the lease from a write that was sent then and was acknowledged.
func (l *lease) prolong(sent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from = max(l.from, sent)
}

func (l *lease) start() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

// left is how long the lease lasts from now; it is over at 0.
func (l *lease) left() time.Duration {
	return max(l.start()+l.length()-l.env.Elapsed(), 0)
}

// look returns after how long left must be checked again. If T has changed, look wakes the
// thread that confirms the claim, because the next confirmation may be due earlier. Only one
// thread calls look.
func (l *lease) look() time.Duration {
	if now := l.timeout(); now != l.granted {
		l.granted = now
		l.changed.Raise()
	}
	return min(l.left(), l.tick())
}

func (l *lease) tick() time.Duration { return l.timeout() / leaseTick }

// due is when the claim is to be confirmed, unless another write does it before.
func (l *lease) due() time.Duration {
	return max(l.start()+l.timeout()/heartbeat-l.env.Elapsed(), 0)
}
