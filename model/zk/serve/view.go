package serve

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// step is one write as a server learns of it.
type step struct {
	tree    zk.Tree
	changes []zk.Change
	expired *session  // whose end it is; nil if it is none, or if the client asked for it
	due     time.Time // of a server that lags; zero: when something makes it catch up
}

// see is one write that was committed: a server learns of it at once, unless it lags or is cut
// off. The ensemble is locked.
func (m *Member) see(s step) {
	switch {
	case !m.joined:
	case m.isolated > 0:
		m.behind = append(m.behind, s)
	case m.lags > 0 && !m.prompt:
		if m.lagBy > 0 {
			s.due = time.Now().Add(m.lagBy)
			time.AfterFunc(m.lagBy, m.learnDue)
		}
		m.behind = append(m.behind, s)
		m.ensemble.effects(Lag, m)
	default:
		m.learn(s)
	}
}

// learn makes a write part of what the server's clients see. The ensemble is locked.
func (m *Member) learn(s step) {
	m.tree = s.tree
	if s.expired != nil {
		for c := range m.conns {
			if c.session == s.expired {
				c.retire()
			}
		}
	}
	for _, change := range s.changes {
		m.watches.fire(change)
	}
}

// advance lets the server learn of so many writes that it has missed. The ensemble is locked.
func (m *Member) advance(writes int) {
	for ; writes > 0 && len(m.behind) > 0; writes-- {
		next := m.behind[0]
		m.behind = m.behind[1:]
		m.learn(next)
	}
}

// catchUp lets the server see everything, as an answer from the leader does. A server that lags
// falls behind again. The ensemble is locked.
func (m *Member) catchUp() { m.advance(len(m.behind)) }

// learnDue lets a server that lags learn of what it should know by now.
func (m *Member) learnDue() {
	m.ensemble.mu.Lock()
	defer m.ensemble.mu.Unlock()
	for m.isolated == 0 && len(m.behind) > 0 && !m.behind[0].due.IsZero() && !m.behind[0].due.After(time.Now()) {
		m.advance(1)
	}
}

// fallBehind makes the server lag: by that time, or if it is 0 until something makes it catch
// up. The ensemble is locked.
func (m *Member) fallBehind(by time.Duration) {
	m.lags++
	m.lagBy = by
}

// keepUp ends what fallBehind has begun. The ensemble is locked.
func (m *Member) keepUp() {
	m.lags--
	if m.lags == 0 && m.isolated == 0 {
		m.catchUp()
	}
}
