package serve

import (
	"slices"
	"strings"
)

// choose finds whom the fault concerns this time, or reports that there is nobody. The
// ensemble is locked.
func (i *Injection) choose(by *conn) (target, bool) {
	on := i.fault.On
	if on.Who == Default {
		on.Who = i.usual(by)
	}
	e := i.ensemble
	switch on.Who {
	case Everybody:
		return target{all: true}, true
	case SomeSession:
		if by != nil && by.session != nil {
			return target{session: by.session.id}, true
		}
		all := slices.DeleteFunc(e.allSessions(), func(s *session) bool {
			return !i.trait.sessions && s.conn == nil // there is nothing to cut
		})
		if len(all) == 0 {
			return target{}, false
		}
		return target{session: all[i.dice.IntN(len(all))].id}, true
	case TheSession:
		return target{session: on.ID}, e.session(on.ID) != nil
	case SomeMember:
		if by != nil {
			return target{member: by.member}, true
		}
	}
	return i.member(on)
}

// usual is the target of a fault that names none.
func (i *Injection) usual(by *conn) Who {
	switch kind := i.fault.Kind; {
	case kind == Lag && by == nil:
		return SomeFollower
	case kind == Stop, kind == Isolate, kind == Lag, i.trait.members && by != nil:
		return SomeMember
	case i.trait.sessions, by != nil && !i.trait.messages:
		return SomeSession
	}
	return Everybody
}

// member chooses a server that runs. The ensemble is locked.
func (i *Injection) member(on Target) (target, bool) {
	var such []*Member
	for _, m := range i.ensemble.members {
		fits := false
		switch on.Who {
		case SomeMember:
			fits = !m.stopped()
		case TheMember:
			fits = int64(m.id) == on.ID
		case TheLeader:
			fits = m == i.ensemble.leader
		case SomeFollower:
			fits = m.joined && !m.observer && m != i.ensemble.leader
		case SomeObserver:
			fits = m.joined && m.observer
		}
		if fits {
			such = append(such, m)
		}
	}
	if len(such) == 0 {
		return target{}, false
	}
	return target{member: such[i.dice.IntN(len(such))]}, true
}

// hasConn reports whether a connection is concerned: by its session, which it may only have
// asked for so far, or by its server. The ensemble is locked.
func (t target) hasConn(c *conn) bool {
	switch {
	case t.all:
		return true
	case t.member != nil:
		return t.member == c.member
	case c.session != nil:
		return c.session.id == t.session
	}
	return c.asks == t.session && t.session != 0
}

// hasSession reports whether a session is concerned. The ensemble is locked.
func (t target) hasSession(s *session) bool {
	return t.all || s.id == t.session || t.member != nil && s.conn != nil && s.conn.member == t.member
}

// attrs names the target in the log.
func (t target) attrs() []any {
	switch {
	case t.member != nil:
		return []any{"member", t.member.id}
	case t.session != 0:
		return []any{"session", hex(t.session)}
	}
	return nil
}

// conns lists the connections that are concerned, in the order of members and sessions. The
// ensemble is locked.
func (e *Ensemble) conns(of target) []*conn {
	var all []*conn
	for _, m := range e.members {
		first := len(all)
		for c := range m.conns {
			if of.hasConn(c) {
				all = append(all, c)
			}
		}
		slices.SortFunc(all[first:], func(a, b *conn) int {
			if ids := a.sessionID() - b.sessionID(); ids != 0 {
				return int(max(-1, min(1, ids)))
			}
			return strings.Compare(a.name, b.name)
		})
	}
	return all
}
