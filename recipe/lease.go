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

// lease says for how long the holder of a claim may rely on it without asking: from
// when the last acknowledged write under the claim was sent, for T - T/4.
//
// Only a write counts. It is answered when a quorum has it, and the leader has then
// heard of the session. A server that is cut off from its leader goes on to answer
// pings and reads for syncLimit x tickTime, while the leader ends the session and
// gives what it held to others. The margin is longer than the time between two
// heartbeats, because a follower passes on to the leader that a session is alive only
// with its next ping.
//
// T is what the ensemble grants now: a server to which the connection moves may grant
// another timeout than the one before.
//
// It is measured by Env.Elapsed, which goes on while the machine sleeps. Timers may
// not: so who waits for the end of a lease looks at it again every tick, and who is
// about to act on it looks first.
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

// look is when to look at left again, at the latest. Who confirms the claim is told when
// T has changed: that may be due earlier now. One thread alone calls look.
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
