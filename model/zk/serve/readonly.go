package serve

import (
	"maps"
	"time"
)

// readOnlyWait is how long a server looks for a leader before it serves read-only clients, if
// a tick is not longer.
const readOnlyWait = 2 * time.Second

// serving reports whether the server answers requests, if only reads. The ensemble is locked.
func (m *Member) serving() bool { return m.joined || m.readOnly }

// seek lets a server without a leader become read-only after a while, if it may. The ensemble
// is locked.
func (m *Member) seek() {
	e := m.ensemble
	waits := e.options.ReadOnlyMode && len(e.members) > 1 && !m.serving() && !m.stopped()
	if waits == (m.grace != nil) {
		return
	}
	if !waits {
		m.grace.Stop()
		m.grace = nil
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(max(readOnlyWait, e.options.TickTime), func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.closed || m.grace != timer {
			return
		}
		m.grace, m.readOnly = nil, true
		e.options.Log.Warn("a server finds no leader, so it serves read-only clients", "member", m.id)
	})
	m.grace = timer
}

// endReadOnly closes the connections of a read-only server, and forgets their sessions. The
// ensemble is locked.
func (m *Member) endReadOnly(why string) {
	if !m.readOnly {
		return
	}
	m.readOnly = false
	for _, s := range m.local {
		s.expiry.Stop()
	}
	clear(m.local)
	m.hangUp(why)
}

// mark notes what a server has that is parted from the others: what it learns no more. The
// ensemble is locked.
func (m *Member) mark() {
	m.log = m.ensemble.tree.Zxid()
	if m.ensemble.options.ReadOnlyMode {
		m.known = maps.Clone(m.ensemble.sessions)
	}
}

// openLocal grants a session of a read-only server, of which no other server knows. The
// ensemble is locked.
func (m *Member) openLocal(c *conn, wish time.Duration) *session {
	e := m.ensemble
	// The ids of the ensemble's sessions are counted from 1. These are never the same, and not
	// those of an earlier process, whose clients may still ask for them.
	const localBit, millisecond = 1 << 55, 1 << 12
	if m.granted == 0 {
		m.granted = time.Now().UnixMilli() * millisecond
	}
	m.granted++
	s := newSession(e, int64(m.id)<<memberBits|localBit|m.granted&(localBit-1), newPassword(), e.clamp(wish))
	s.conn, s.home = c, m
	m.local[s.id] = s
	e.options.Log.Info("a read-only session begins", "session", hex(s.id), "timeout", s.timeout(), "client", c.name, "member", m.id)
	return s
}
