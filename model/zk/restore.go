package zk

import (
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Restore restarts the ensemble from an older tree: an earlier result of Tree, or NewTree if
// the ensemble was wiped. All servers stop, and start on that backup.
//
// Every connection breaks, and does not come back: a server refuses a client that has seen a
// later zxid than the server has (Mend does nothing then). The sessions end by their
// timeouts. So do the sessions whose ephemerals are in the backup. Zxids go on from the older
// tree's, so they repeat.
func (s *Server) Restore(older Tree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		if session.up {
			session.cut()
			session.seen = s.tree.zxid
		}
	}
	s.restores++
	s.back = fmt.Errorf("zxid 0x%x, but 0x%x was seen", older.zxid, s.tree.zxid)
	s.edit(older)
	for _, session := range s.sessions {
		clear(session.waits)
	}
	owners := map[int64]bool{}
	for _, n := range older.All() {
		if owner := n.Stat.EphemeralOwner; n.Stat.Alive() && s.sessions[owner] == nil {
			owners[owner] = true
		}
	}
	for owner := range owners {
		time.AfterFunc(s.timeout, func() { s.expire(owner) })
	}
}

// expire ends a session that has only ephemerals on the server.
func (s *Server) expire(owner int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit(EndOf(owner, s.tree, false))
}

// countRestores lets a new session know how often the ensemble has gone back since this Env opened
// its first session.
func (e *Env) countRestores(session *Session) {
	s := session.server
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.opened {
		e.opened, e.restores = true, s.restores
	}
	session.backs, session.back = s.restores-e.restores, s.back
}

var _ zkapi.Witness = (*Session)(nil)

// WentBack implements zkapi.Witness.
func (s *Session) WentBack() (int, error) {
	if s.backs == 0 {
		return 0, nil
	}
	return s.backs, s.back
}
