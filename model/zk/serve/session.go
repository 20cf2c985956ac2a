package serve

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// passwordBytes is the length of a session's password.
const passwordBytes = 16

// session is one session. Everything but its id and password is guarded by the ensemble's lock.
type session struct {
	ensemble *Ensemble
	id       int64
	password [passwordBytes]byte
	expiry   *zk.Expiry
	conn     *conn   // nil while it has none
	home     *Member // the read-only server that alone knows it; nil: the whole ensemble does
}

// memberBits is where the id of a session has the server that granted it.
const memberBits = 56

// newSession makes a session whose timeout begins. The ensemble is locked.
func newSession(e *Ensemble, id int64, password [passwordBytes]byte, timeout time.Duration) *session {
	s := &session{ensemble: e, id: id, password: password}
	s.expiry = zk.NewExpiry(timeout, s.look)
	s.expiry.Wind()
	return s
}

// newPassword is that of a new session.
func newPassword() (password [passwordBytes]byte) {
	_, _ = rand.Read(password[:]) // never fails
	return password
}

// open grants a new session. The ensemble is locked.
func (e *Ensemble) open(c *conn, wish time.Duration) *session {
	e.granted++
	s := newSession(e, int64(c.member.id)<<memberBits|e.granted, newPassword(), e.clamp(wish))
	s.conn = c
	e.sessions[s.id] = s
	e.commit(entry{kind: entryBegin, session: s.id, secret: s.password[:], timeout: s.timeout()}, e.present().Spend(), nil)
	e.options.Log.Info("a session begins", "session", hex(s.id), "timeout", s.timeout(), "client", c.name)
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
	if c.member.readOnly {
		s = c.member.local[id]
	}
	if s == nil {
		return nil
	}
	if s.conn != nil && (s.home != nil || s.conn.member.reaches()) {
		s.conn.drop()
	}
	if subtle.ConstantTimeCompare(s.password[:], password) == 0 {
		return nil
	}
	s.conn = c
	s.expiry.Grant(e.clamp(wish))
	s.expiry.Wind()
	e.options.Log.Info("a session goes on", "session", hex(id), "timeout", s.timeout(), "client", c.name)
	return s
}

// timeout is what was granted last. The ensemble is locked.
func (s *session) timeout() time.Duration { return s.expiry.Timeout() }

// look ends the session if its client was not heard for the timeout.
func (s *session) look() {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	if s.ensemble.closed || !s.goesOn() || s.home == nil && !s.ensemble.commits() {
		return // without a quorum nothing expires; arrange winds the timer up when there is one
	}
	if s.expiry.Over() {
		s.end(expired)
	}
}

// goesOn reports whether the session has not ended. The ensemble is locked.
func (s *session) goesOn() bool {
	if s.home != nil {
		return s.home.local[s.id] == s
	}
	return s.ensemble.sessions[s.id] == s
}

// end removes a session and its ephemerals, and closes its connection. The ensemble is locked.
func (s *session) end(why string) {
	e := s.ensemble
	if s.home != nil {
		delete(s.home.local, s.id)
		s.expiry.Stop()
		e.options.Log.Info("a read-only session ends", "session", hex(s.id), "why", why)
		if s.conn != nil && why != closedByClient {
			s.conn.retire()
		}
		return
	}
	delete(e.sessions, s.id)
	s.expiry.Stop()
	step := zk.EndOf(s.id, e.present(), why == closedByClient)
	e.options.Log.Info("a session ends", "session", hex(s.id), "why", why, "ephemerals", len(step.Changes))
	e.commitStep(entry{kind: entryEnd, session: s.id}, step)
}

// Why a session ends.
const (
	expired        = "expired"
	expiredByForce = "expired by force"
	closedByClient = "closed by its client"
)

// Session is one session as the ensemble has it.
type Session struct {
	ID      int64
	Timeout time.Duration // that was granted
	Member  int           // the id of the server that its client is connected to; 0 while it has no connection
	Client  string        // the address of its client; empty while it has no connection
}

// Sessions lists the sessions, in the order of their ids. A session that has ended is not among
// them, even if its client does not know.
func (e *Ensemble) Sessions() []Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []Session
	for _, s := range e.allSessions() {
		one := Session{ID: s.id, Timeout: s.timeout()}
		if s.conn != nil {
			one.Member, one.Client = s.conn.member.id, s.conn.name
		}
		all = append(all, one)
	}
	return all
}

// allSessions lists the sessions in the order of their ids, with those of read-only servers. The
// ensemble is locked.
func (e *Ensemble) allSessions() []*session {
	all := slices.Collect(maps.Values(e.sessions))
	for _, m := range e.members {
		all = slices.AppendSeq(all, maps.Values(m.local))
	}
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	return all
}

// session finds a session by its id; nil is none. The ensemble is locked.
func (e *Ensemble) session(id int64) *session {
	for _, m := range e.members {
		if s := m.local[id]; s != nil {
			return s
		}
	}
	return e.sessions[id]
}

// Expire ends a session as its timeout would: its ephemerals are deleted, and its connection
// is closed. It fails if there is no such session, and if there is no quorum.
func (e *Ensemble) Expire(id int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.session(id)
	switch {
	case s == nil:
		return fmt.Errorf("serve: there is no session %s; Sessions lists those that there are", hex(id))
	case s.home == nil && !e.commits():
		return fmt.Errorf("serve: session %s cannot expire without a quorum; start or unite servers first", hex(id))
	}
	s.end(expiredByForce)
	return nil
}
