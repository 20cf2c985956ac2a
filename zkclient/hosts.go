package zkclient

import (
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/go-zookeeper/zk"
)

// hosts hands the library the servers by their names, one after the other from a
// random one on. The library's own provider resolves names once and for all, so
// that a server that gets another address is lost, and a certificate cannot be
// held against the name that it was issued for.
type hosts struct {
	mu      sync.Mutex
	servers []string
	current int
	last    int // that a connection came about with
}

var _ zk.HostProvider = (*hosts)(nil)

// Init implements zk.HostProvider.
func (h *hosts) Init(servers []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	first := int(binary.BigEndian.Uint64(b[:]) % uint64(len(servers)))
	h.servers = append(append([]string(nil), servers[first:]...), servers[:first]...)
	h.current, h.last = -1, -1
	return nil
}

// Len implements zk.HostProvider.
func (h *hosts) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// Next implements zk.HostProvider; it asks for a pause when it has come back to
// the server of the last connection.
func (h *hosts) Next() (server string, pause bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = (h.current + 1) % len(h.servers)
	pause = h.current == h.last
	h.last = max(h.last, 0)
	return h.servers[h.current], pause
}

// Connected implements zk.HostProvider.
func (h *hosts) Connected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = h.current
}
