package serve

import (
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// see is one write that was committed. The ensemble is locked.
func (m *Member) see(s zk.Step) {
	if !m.joined {
		return
	}
	if m.lagBy > 0 && m.view.Lags() {
		s.Due = time.Now().Add(m.lagBy)
		time.AfterFunc(m.lagBy, m.learnDue)
	}
	if m.view.See(s) {
		m.ensemble.effects(Lag, m)
	}
}

// learnDue lets a server that lags learn of what it should know by now.
func (m *Member) learnDue() {
	m.ensemble.mu.Lock()
	defer m.ensemble.mu.Unlock()
	m.view.AdvanceDue(time.Now())
}

// fallBehind makes the server lag: by that time, or if it is 0 until something makes it catch
// up. The ensemble is locked.
func (m *Member) fallBehind(by time.Duration) {
	m.view.Lag()
	m.lagBy = by
}

// ended closes the connections of a session that has expired. The ensemble is locked.
func (m *Member) ended(session int64) {
	for c := range m.conns {
		if c.session != nil && c.session.id == session {
			c.retire()
		}
	}
}

// tell sends the event of a watch that fires, if the client has not had it already, and may read
// the znode. The ensemble is locked.
func (c *conn) tell(f zk.Fired, again bool) {
	if !again && c.permit(f.ACL, zkapi.PermRead) == nil {
		c.sendEvent(f.Event, c.member.view.Tree().Zxid())
	}
}
