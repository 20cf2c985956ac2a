package serve

import (
	"time"
)

// electionTime is how long several servers take to find a leader.
const electionTime = 200 * time.Millisecond

// Leader is the server that leads, or nil while there is none.
func (e *Ensemble) Leader() *Member {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leader
}

// Role is the server's part: standalone, leader, follower or observer. It is read-only while the
// server has no leader and answers reads. It is looking while the server answers no clients, because
// it has no leader or is stopped.
func (m *Member) Role() string {
	m.ensemble.mu.Lock()
	defer m.ensemble.mu.Unlock()
	return m.role()
}

func (m *Member) role() string {
	switch {
	case m.readOnly:
		return "read-only"
	case !m.joined:
		return "looking"
	case len(m.ensemble.members) == 1:
		return "standalone"
	case m.led:
		return "leader"
	case m.observer:
		return "observer"
	}
	return "follower"
}

// reaches reports whether what the server sends arrives at the leader. The ensemble is locked.
func (m *Member) reaches() bool {
	leader := m.ensemble.leader
	return m.joined && !m.view.Isolated() && leader != nil && !leader.view.Isolated()
}

// serves reports whether the server carries out a request that needs the leader and a quorum;
// otherwise the request hangs. The ensemble is locked.
func (m *Member) serves() bool { return m.reaches() && m.ensemble.commits() }

// commits reports whether enough servers reach the leader for a write. The ensemble is locked.
func (e *Ensemble) commits() bool {
	return e.leader != nil && e.isQuorum((*Member).reaches)
}

// isQuorum reports whether more than half of the servers that vote are such. The ensemble is
// locked.
func (e *Ensemble) isQuorum(such func(*Member) bool) bool {
	voters, n := 0, 0
	for _, m := range e.members {
		if m.observer {
			continue
		}
		voters++
		if such(m) {
			n++
		}
	}
	return n > voters/2
}

// candidate reports whether the server can take part in an election. The ensemble is locked.
func (m *Member) candidate() bool { return !m.stopped() && !m.view.Isolated() }

// arrange does what follows when a server has come, gone, or been cut off: a leader without a
// quorum steps down, servers without a leader close their connections, a leader is elected, and
// servers join it. The ensemble is locked.
func (e *Ensemble) arrange() {
	if e.closed {
		return
	}
	if e.leader != nil && (!e.leader.joined || !e.isQuorum(func(m *Member) bool { return m.joined && m.epoch == e.epoch })) {
		e.options.Log.Warn("the leader is lost", "member", e.leader.id)
		e.leader = nil
		for _, m := range e.members {
			if !m.view.Isolated() || m.led { // who is cut off does not hear of it
				m.part("it has no leader")
			}
		}
	}
	if e.leader == nil {
		e.hold()
	} else if !e.leader.view.Isolated() {
		for _, m := range e.members {
			m.join()
		}
	}
	if e.commits() {
		for _, s := range e.sessions {
			s.expiry.Wind()
		}
	}
	for _, m := range e.members {
		m.seek()
	}
	e.moved.Broadcast()
}

// hold holds an election if there is a quorum for it. The ensemble is locked.
func (e *Ensemble) hold() {
	switch {
	case !e.isQuorum((*Member).candidate):
	case len(e.members) == 1:
		e.elect()
	case e.election == nil:
		e.election = time.AfterFunc(electionTime, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.election = nil
			if !e.closed && e.leader == nil && e.isQuorum((*Member).candidate) {
				e.elect()
				e.arrange()
			}
		})
	}
}

// elect makes the candidate the leader that has the latest write, and of several the one with
// the highest id. Every session gets its whole timeout anew: a new leader does not know when
// its client was heard. The ensemble is locked.
func (e *Ensemble) elect() {
	for _, m := range e.members {
		if m.candidate() && !m.observer && (e.leader == nil || m.log >= e.leader.log) {
			e.leader = m
		}
	}
	if len(e.members) > 1 {
		e.epoch++
		e.tree = e.tree.Begin(e.epoch)
		e.keep(entry{kind: entryEpoch, epoch: e.epoch})
	}
	for _, m := range e.members {
		m.join()
	}
	for _, s := range e.sessions {
		s.expiry.Hear(time.Now())
	}
	e.options.Log.Info("a leader is found", "member", e.leader.id, "epoch", e.epoch)
}

// join makes a server that runs and is not cut off serve the present state. The ensemble is
// locked.
func (m *Member) join() {
	if !m.candidate() || m.joined && m.epoch == m.ensemble.epoch {
		return
	}
	m.part("there is a new leader")
	m.endReadOnly("there is a leader")
	m.joined, m.epoch, m.led = true, m.ensemble.epoch, m == m.ensemble.leader
	m.view.Join(m.ensemble.tree)
}

// part makes the server answer no clients until it joins. The ensemble is locked.
func (m *Member) part(why string) {
	if !m.joined {
		return
	}
	m.joined, m.led = false, false
	m.view.Part()
	if !m.view.Isolated() {
		m.mark()
	}
	m.hangUp(why)
}

// hangUp closes the server's connections. The ensemble is locked.
func (m *Member) hangUp(why string) {
	m.ensemble.options.Log.Info("a server closes its connections", "member", m.id, "why", why, "clients", len(m.conns))
	for c := range m.conns {
		c.discardLate()
		c.retire()
	}
}

// isolate cuts the server off from all others. Until it notices, after the sync limit, it
// answers pings and reads from its present state. The ensemble is locked.
func (m *Member) isolate() {
	already := m.view.Isolated()
	m.view.Isolate()
	if already {
		return
	}
	e := m.ensemble
	if m.joined {
		m.mark()
	}
	if m.noticed != nil {
		m.noticed.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(e.options.SyncLimit)*e.options.TickTime, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.closed || m.noticed != timer || !m.view.Isolated() {
			return
		}
		m.part("it is cut off from the other servers")
		e.arrange()
	})
	m.noticed = timer
	e.arrange()
}

// unite ends what isolate has begun. A server that has not noticed goes on: the leader learns
// which of its clients were heard, and it learns of the writes. The ensemble is locked.
func (m *Member) unite() {
	m.view.Unite()
	if m.view.Isolated() {
		return
	}
	e := m.ensemble
	switch {
	case !m.joined:
	case e.leader == nil || m.epoch != e.epoch:
		m.part("its leader is lost")
	default:
		for c := range m.conns {
			if c.session == nil {
				continue
			}
			if c.session.conn != c && e.sessions[c.session.id] == c.session {
				c.drop() // the session has moved
			} else {
				c.session.expiry.Hear(c.heard)
			}
		}
		m.view.Resume()
		m.view.AdvanceDue(time.Now())
	}
	e.arrange()
}
