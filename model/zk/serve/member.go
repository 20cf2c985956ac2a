package serve

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// Member is one server of an ensemble. Clients connect to it.
type Member struct {
	ensemble *Ensemble
	id       int

	// Guarded by the ensemble's lock:
	tree      zk.Tree // as this server sees it
	stopped   bool
	watches   *watches
	conns     map[*conn]bool
	listeners map[net.Listener]bool

	running sync.WaitGroup // one for each connection
}

func newMember(e *Ensemble, id int) *Member {
	return &Member{ensemble: e, id: id, tree: e.tree, watches: newWatches(), conns: map[*conn]bool{}, listeners: map[net.Listener]bool{}}
}

// ID is the server's number, from 1.
func (m *Member) ID() int { return m.id }

// ErrStopped is what Serve returns when the server was stopped.
var ErrStopped = errors.New("serve: the server was stopped")

// Serve accepts connections until the listener is closed or the server is stopped, and closes
// the listener. It returns ErrStopped, or what the listener said. For TLS give it the listener
// of tls.NewListener.
func (m *Member) Serve(l net.Listener) error {
	defer func() { _ = l.Close() }() // what closed it is returned below
	m.ensemble.mu.Lock()
	m.listeners[l] = true
	stopped := m.stopped
	m.ensemble.mu.Unlock()
	for !stopped {
		c, err := l.Accept()
		m.ensemble.mu.Lock()
		stopped = m.stopped
		m.ensemble.mu.Unlock()
		switch {
		case stopped && err == nil:
			_ = c.Close()
		case err != nil && !stopped:
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
	if m.stopped {
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
// sessions of its clients go on.
func (m *Member) Stop() {
	m.ensemble.mu.Lock()
	m.stopped = true
	for l := range m.listeners {
		_ = l.Close() // it may have been closed already
	}
	for c := range m.conns {
		c.drop()
	}
	m.ensemble.mu.Unlock()
	m.running.Wait()
}

// see is one committed write as this server learns of it. The ensemble is locked.
func (m *Member) see(next zk.Tree, changes []zk.Change) {
	m.tree = next
	for _, change := range changes {
		m.watches.fire(change)
	}
}
