package zk

import (
	"errors"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// reaches reports whether the leader hears of the session's owner, and its owner of the leader.
// The server is locked, as in all methods of this file that are not exported.
func (s *Session) reaches() bool { return s.up && !s.at.Isolated() }

// alone gives the session a server of its own, which can lag or be cut off.
func (s *Session) alone() *View[*Session] {
	if s.at == s.server.prompt {
		s.at = NewView(s.server.tree, tell, nil, s.hears)
		s.server.prompt.Watches.Move(s, &s.at.Watches)
	}
	return s.at
}

// Lag makes the session's server fall behind: until it catches up it answers reads from its
// present state. A session without a connection has no server, and nothing happens.
func (s *Session) Lag() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.up && !s.at.Lags() {
		s.alone().Lag()
	}
}

// Advance lets a server that lags learn of so many more writes; it never forgets.
func (s *Session) Advance(writes int) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.at.Advance(writes)
}

// CatchUp ends the lag.
func (s *Session) CatchUp() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.up || !s.at.Lags() {
		return
	}
	s.at.KeepUp()
	if !s.at.Isolated() {
		s.at.Watches.Move(s, &s.server.prompt.Watches)
		s.at = s.server.prompt
	}
}

// Expire ends the session at the server, as its timeout would.
func (s *Session) Expire() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.drop(s, errExpired)
}

// expire ends the session at the server if its timeout is over.
func (s *Session) expire() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.sessions[s.id] != nil && !s.reaches() && s.expiry.Over() {
		s.server.drop(s, errExpired)
	}
}

// Abandon is the death of the session's owner: nothing is sent any more, and the
// server ends the session after its timeout.
func (s *Session) Abandon() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cut()
	s.over(errors.New("its owner died"))
}

// Cut breaks the session's connection until Mend. Requests wait meanwhile. The owner gives the
// session up when its lease is over (zkapi.SessionLease), as that of package zkclient does. The
// server ends the session after the whole timeout. Both count from the cut, unless the server
// was cut off before (Strand).
func (s *Session) Cut() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cut()
}

func (s *Session) cut() {
	if !s.up || s.cause != nil {
		return
	}
	s.unheard()
	s.seen = s.at.Tree().zxid
	s.at.Watches.Drop(s)
	s.unfollowAll()
	s.up = false
	s.changed()
	s.silent = time.Now()
	s.lease = time.AfterFunc(zkapi.SessionLease(s.timeout), s.lapse)
}

// unheard lets the leader hear of the owner for the last time.
func (s *Session) unheard() {
	if s.reaches() {
		s.expiry.Hear(time.Now())
		s.expiry.Wind()
	}
}

// errLeaseEnded is why an owner has given its session up.
var errLeaseEnded = errors.New("lease ran out without an acknowledged request")

// lapse ends the session for its owner if its lease is over.
func (s *Session) lapse() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.up && time.Since(s.silent) >= zkapi.SessionLease(s.timeout) {
		s.over(errLeaseEnded)
	}
}

// Strand cuts the session's server off from its leader until Unstrand. The server still
// answers pings, so the owner believes in the session. It answers reads from its old state;
// writes and syncs hang. The leader gets no pings of the session and ends it after the
// timeout.
func (s *Session) Strand() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.reaches() || s.server.sessions[s.id] == nil {
		return
	}
	s.unheard()
	s.alone().Isolate()
}

// Unstrand makes the cut-off server give up: it drops its clients, and the hanging requests
// may have been sent. The owner connects to another server at once and learns there whether
// its session is alive.
func (s *Session) Unstrand() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.up && s.at.Isolated() {
		s.reconnect()
	}
}

// CutAtNext cuts the connection at the next request, as Cut does, until Mend. The loss says
// whether the request or its reply is lost.
func (s *Session) CutAtNext(loss Loss) { s.CutAt(loss, nil) }

// CutAt is CutAtNext for the next request that fits; nil fits any.
func (s *Session) CutAt(loss Loss, fits func(zkapi.Op) bool) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cutLoss, s.cutOn = loss, fits
}

// Trap lets the answer to the next write that is applied, and that fits, be lost, and
// the connection break and come back with it; nil sets no trap. It is called with the
// server locked.
func (s *Session) Trap(fits func(Write) bool) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.trap = fits
}

// trapped reports whether the answer to a write that was applied is lost in a trap.
func (s *Session) trapped(w Write) bool {
	if s.trap == nil || !s.trap(w) {
		return false
	}
	s.trap = nil
	return true
}

// Mend restores the connection to a server that is at least as recent as the session. The
// watches are set again, and those whose znodes have changed meanwhile fire. A session that its
// owner has given up stays so.
func (s *Session) Mend() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.mend(s.expiry.Timeout())
}

// mend is Mend with a server that grants that timeout.
func (s *Session) mend(granted time.Duration) {
	s.cutLoss = None
	if s.up || s.cause != nil || s.server.prompt.Refuses(s.seen) {
		return
	}
	s.lease.Stop()
	s.up, s.at = true, s.server.prompt
	if s.server.sessions[s.id] == nil {
		s.over(errExpired)
		return
	}
	s.expiry.Grant(granted)
	s.expiry.Stop()
	s.timeout = min(s.timeout, granted)
	s.rearm()
	s.changed()
}

// rearm sets the watches of the session again after a reconnect.
func (s *Session) rearm() {
	for _, on := range inOrder(s.waits) {
		if event, fires := s.at.Rearm(s, on, s.waits[on].missing, s.seen); fires {
			tell(s, Fired{Watch: on, Event: event}, false)
		}
	}
}

// Move breaks the connection and restores it to another server.
func (s *Session) Move() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.reconnect()
}

// MoveTo is Move to a server that grants another timeout. That server counts by it. The owner
// counts by the smallest timeout that it was granted, as that of package zkclient does.
func (s *Session) MoveTo(timeout time.Duration) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cut()
	s.mend(timeout)
}

// reconnect breaks the connection and restores it.
func (s *Session) reconnect() {
	s.cut()
	s.mend(s.expiry.Timeout())
}
