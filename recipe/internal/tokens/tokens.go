// Package tokens remembers the fencing tokens that a process has seen, for when the tree goes back:
// a token is the version of a znode, so it would come again when the ensemble is wiped, replaced or
// restored from a backup. A process that has seen it raises the version above it then.
package tokens

import "sync"

const (
	// LiftedBeyond is how far a process raises a version above the greatest token that it has seen
	// after the tree has gone back, because it may have missed grants.
	LiftedBeyond = 1000
	// most is for how many names a process remembers tokens.
	most = 10_000
)

// Memory is the greatest tokens that a process has seen, by name. It outlives sessions: after the
// tree has gone back in time, only the memories of processes still know the tokens that were used.
// The zero value has seen none.
type Memory struct {
	mu    sync.Mutex
	of    map[string]int32
	lost  map[string]bool // names whose tree has gone back, and that show no greater token yet
	order []string        // the names, as they came
	times int             // how often the tree has gone back, according to sessions
}

// Opened hears of a new session, and how often the tree has gone back according to it. If that is
// news, it returns last: every token that was seen may be used again.
func (m *Memory) Opened(times int, last error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if times <= m.times {
		return nil
	}
	m.times, m.lost = times, map[string]bool{}
	for name := range m.of {
		m.lost[name] = true
	}
	return last
}

// Saw notes a token.
func (m *Memory) Saw(name string, token int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, known := m.of[name]
	if token <= last && known {
		return
	}
	if m.of == nil {
		m.of = map[string]int32{}
	}
	if !known {
		m.order = append(m.order, name)
		if len(m.order) > most {
			m.forget(m.order[0])
		}
	}
	m.of[name] = token
	delete(m.lost, name)
}

// Met notes the token of another process. After the tree has gone back it may be one that comes again, so
// it is not noted then.
func (m *Memory) Met(name string, token int32) {
	if _, lost := m.Known(name); token > 0 && !lost {
		m.Saw(name, token)
	}
}

// forget drops the name that was seen first.
func (m *Memory) forget(name string) {
	m.order = m.order[1:]
	delete(m.of, name)
	delete(m.lost, name)
}

// Floor is the version that a znode must have before the next grant. behind says that this version
// is less than a token that was seen.
func (m *Memory) Floor(name string, version int32) (floor int32, behind bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.of[name]
	if m.lost[name] {
		return known + LiftedBeyond, false
	}
	return known, version < known
}

// Lose notes that the tree of a name has gone back.
func (m *Memory) Lose(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost == nil {
		m.lost = map[string]bool{}
	}
	m.lost[name] = true
}

// Known is the greatest token that was seen of a name. lost says that the tree has gone back since.
func (m *Memory) Known(name string) (token int32, lost bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[name], m.lost[name]
}
