package serve

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// Member is one server of an ensemble. Clients connect to it.
type Member struct {
	ensemble *Ensemble
	id       int
	observer bool

	// Guarded by the ensemble's lock:
	view      *zk.View[*conn]
	conns     map[*conn]bool
	leaving   map[*conn]bool // that only send their last answers
	listeners map[net.Listener]bool
	halted    bool               // by Stop
	stops     int                // how many faults stop it
	joined    bool               // it serves: it has a leader, or is it, as far as it knows
	led       bool               // it is the leader, as far as it knows
	epoch     int64              // of the leader that it has joined
	log       int64              // the last zxid that it has, of a server that has parted or is cut off
	known     map[int64]*session // the ensemble's sessions then, if it may become read-only
	readOnly  bool               // it has no leader, and answers reads
	grace     *time.Timer        // runs out when it becomes read-only; nil: it is not about to
	local     map[int64]*session // those that only this server knows, while it is read-only
	granted   int64              // how many of these there were, after the time of the first
	noticed   *time.Timer
	lagBy     time.Duration // when it lags; 0: until something makes it catch up

	running sync.WaitGroup // one for each connection
}

func newMember(e *Ensemble, id int, observer bool) *Member {
	m := &Member{ensemble: e, id: id, observer: observer, local: map[int64]*session{}, conns: map[*conn]bool{}, leaving: map[*conn]bool{}, listeners: map[net.Listener]bool{}}
	m.view = zk.NewView(e.tree, (*conn).tell, m.ended, nil)
	return m
}

// ID is the server's number, from 1.
func (m *Member) ID() int { return m.id }

// lacksMultiRead reports whether this server knows neither multiRead nor addWatch.
func (m *Member) lacksMultiRead() bool { return m.id <= m.ensemble.options.WithoutMultiRead }

// ErrStopped is what Serve returns when the server was stopped.
var ErrStopped = errors.New("serve: the server was stopped")

// acceptPause is how long a server without free descriptors waits for one.
const acceptPause = 100 * time.Millisecond

// Serve accepts connections until the listener is closed or the server is stopped, and closes
// the listener. It returns ErrStopped, or what the listener said. For TLS give it the listener
// of tls.NewListener.
func (m *Member) Serve(l net.Listener) error {
	defer func() { _ = l.Close() }() // what closed it is returned below
	m.ensemble.mu.Lock()
	stopped := m.halted
	if !stopped {
		m.listeners[l] = true
	}
	m.ensemble.mu.Unlock()
	for !stopped {
		c, err := l.Accept()
		m.ensemble.mu.Lock()
		stopped = !m.listeners[l] // Start may have come since
		m.ensemble.mu.Unlock()
		switch {
		case stopped && err == nil:
			_ = c.Close()
		case !stopped && (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)):
			m.ensemble.options.Log.Warn("no connection is accepted for a moment", "member", m.id, "error", err)
			<-time.After(acceptPause)
		case err != nil && !stopped:
			m.ensemble.mu.Lock()
			delete(m.listeners, l)
			m.ensemble.mu.Unlock()
			return fmt.Errorf("serve: member %d: %w", m.id, err)
		case err == nil:
			go m.ServeConn(c)
		}
	}
	return ErrStopped
}

// ServeConn serves one connection until it ends, and closes it.
func (m *Member) ServeConn(nc net.Conn) {
	c := newConn(m, nc)
	m.ensemble.mu.Lock()
	if m.stopped() || m.ensemble.refused(m, c) {
		m.ensemble.mu.Unlock()
		_ = nc.Close()
		return
	}
	m.conns[c] = true
	m.running.Add(1)
	m.ensemble.mu.Unlock()
	defer m.running.Done()
	c.run()
}

// Stop closes the server's listeners and connections, and waits until its work is done. The
// sessions of its clients go on. If it was the leader, another one is elected after 200 ms, if
// more than half of the servers that vote still run; without a quorum no server serves, and no
// session expires. Start undoes it.
func (m *Member) Stop() {
	m.ensemble.mu.Lock()
	m.halted = true
	for l := range m.listeners {
		_ = l.Close() // it may have been closed already
		delete(m.listeners, l)
	}
	m.leave("it is stopped")
	for c := range m.leaving {
		c.drop()
	}
	m.ensemble.mu.Unlock()
	m.running.Wait()
}

// Start makes a server that was stopped run again, with all writes that it has missed. Its
// listeners were closed: call Serve with a new one. A server that runs is left as it is.
func (m *Member) Start() {
	m.ensemble.mu.Lock()
	defer m.ensemble.mu.Unlock()
	m.halted = false
	m.ensemble.arrange()
}

// stopped reports whether the server does not run. The ensemble is locked.
func (m *Member) stopped() bool { return m.halted || m.stops > 0 }

// leave takes a server that does not run out of the ensemble. The ensemble is locked.
func (m *Member) leave(why string) {
	m.part(why)
	m.endReadOnly(why)
	for c := range m.conns { // those that came while it had no leader
		c.drop()
	}
	m.ensemble.arrange()
}
