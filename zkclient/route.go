package zkclient

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/go-zookeeper/zk"
)

// route is the order in which a session tries the servers, and the addresses of each. It hands
// the library the servers by their names: the library's own provider resolves names once and
// for all, so that a server that gets another address is lost, and a certificate cannot be
// held against the name that it was issued for.
//
// Each call of the dialer tries one address. The library is given the same server again until
// all addresses of its name had their turn.
type route struct {
	names *names
	over  func() bool // reports whether the session is over

	mu      sync.Mutex
	servers []string      // from a random one on
	current int           // of servers
	queue   []target      // addresses of the current server that had no turn yet
	spent   map[turn]bool // turns that were taken since the last pause, with the turn of the last connection
	at      turn          // the turn that is taken now
}

// turn is an address of the server with that index. A server may be in the list twice.
type turn struct {
	index  int
	target target
}

var _ zk.HostProvider = (*route)(nil)

func newRoute(n *names, over func() bool) *route {
	return &route{names: n, over: over, spent: map[turn]bool{}}
}

// Init implements zk.HostProvider.
func (r *route) Init(servers []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	first := int(binary.BigEndian.Uint64(b[:]) % uint64(len(servers)))
	r.servers = append(append([]string(nil), servers[first:]...), servers[:first]...)
	r.current = -1
	return nil
}

// Len implements zk.HostProvider.
func (r *route) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.servers)
}

// Next implements zk.HostProvider. The library ends its search only when it is asked for a
// pause. So it is when the session is over. All other pauses are those of the dialer, because
// the library's pause of a second may be longer than the session lives.
func (r *route) Next() (server string, pause bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.current = (r.current + 1) % len(r.servers)
	}
	return r.servers[r.current], r.over()
}

// Connected implements zk.HostProvider. What was found out about names is old when the
// connection ends.
func (r *route) Connected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = nil
	r.spent = map[turn]bool{r.at: true}
}

// take gives the next address of a server its turn, and looks the name up if all had theirs.
// It reports whether that address had its turn already since the last pause. If the lookup
// fails, the target has no address.
func (r *route) take(ctx context.Context, server string) (t target, again bool, err error) {
	r.mu.Lock()
	queue := r.queue
	r.mu.Unlock()
	t.server = server
	if len(queue) == 0 {
		queue, err = r.names.targets(ctx, server)
	}
	if err == nil {
		t, queue = queue[0], queue[1:]
		r.names.tried(t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue, r.at = queue, turn{r.current, t}
	again = r.spent[r.at]
	if again {
		clear(r.spent)
	}
	r.spent[r.at] = true
	return t, again, err
}

// left is how many addresses have had no turn since the last pause.
func (r *route) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := 0
	for i, server := range r.servers {
		for _, t := range r.names.all(server) {
			if !r.spent[turn{i, t}] {
				left++
			}
		}
	}
	return left
}
