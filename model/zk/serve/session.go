package serve

import (
	"crypto/rand"
	"crypto/subtle"
	"time"
)

// passwordBytes is the length of a session's password.
const passwordBytes = 16

// session is one session. Everything but its id and password is guarded by the ensemble's lock.
type session struct {
	ensemble *Ensemble
	id       int64
	password [passwordBytes]byte
	timeout  time.Duration
	heard    time.Time   // when its client was heard last
	timer    *time.Timer // runs out at the earliest moment at which the session can end
	conn     *conn       // nil while it has none
}

// open grants a new session. The ensemble is locked.
func (e *Ensemble) open(c *conn, wish time.Duration) *session {
	e.granted++
	const memberBits = 56
	s := &session{ensemble: e, id: int64(c.member.id)<<memberBits | e.granted, heard: time.Now(), conn: c}
	_, _ = rand.Read(s.password[:]) // never fails
	s.timeout = e.clamp(wish)
	e.sessions[s.id] = s
	s.timer = time.AfterFunc(s.timeout, s.look)
	e.commit(e.present().Spend(), nil)
	e.options.Log.Info("a session begins", "session", hex(s.id), "timeout", s.timeout, "client", c.name)
	return s
}

// clamp is the timeout that a client gets for the one that it wishes.
func (e *Ensemble) clamp(wish time.Duration) time.Duration {
	return min(max(wish, e.options.MinSessionTimeout), e.options.MaxSessionTimeout)
}

// attach gives a session to a new connection, or returns nil if there is no such session, or
// if the password is wrong. Either way an older connection of the session is closed, as
// ZooKeeper does. The ensemble is locked.
func (e *Ensemble) attach(c *conn, id int64, password []byte, wish time.Duration) *session {
	s := e.sessions[id]
	if s == nil {
		return nil
	}
	if s.conn != nil {
		s.conn.drop()
	}
	if subtle.ConstantTimeCompare(s.password[:], password) == 0 {
		return nil
	}
	s.conn, s.timeout = c, e.clamp(wish)
	s.touch()
	s.timer.Reset(s.timeout)
	e.options.Log.Info("a session goes on", "session", hex(id), "timeout", s.timeout, "client", c.name)
	return s
}

// touch notes that the client was heard. The ensemble is locked.
func (s *session) touch() { s.heard = time.Now() }

// look ends the session if its client was not heard for the timeout.
func (s *session) look() {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	if s.ensemble.closed || s.ensemble.sessions[s.id] != s {
		return
	}
	if left := s.timeout - time.Since(s.heard); left > 0 {
		s.timer.Reset(left)
		return
	}
	s.end("expired")
}

// end removes a session and its ephemerals, and closes its connection. The ensemble is locked.
func (s *session) end(why string) {
	e := s.ensemble
	delete(e.sessions, s.id)
	s.timer.Stop()
	next, changes := e.present().EndSession(s.id)
	e.options.Log.Info("a session ends", "session", hex(s.id), "why", why, "ephemerals", len(changes))
	if s.conn != nil && why == "expired" {
		s.conn.drop()
	}
	e.commit(next, changes)
}
