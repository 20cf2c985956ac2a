// Package zktest gives a Go test a ZooKeeper of its own in one line. Any client can use it: it
// speaks ZooKeeper's protocol. It starts in less than a millisecond, needs no Java and no
// container, and ends with the test. Parallel tests get servers of their own.
package zktest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
)

// Server is an ensemble that ends with its test. The embedded Ensemble has the znodes
// (Tree) and the servers (Members).
type Server struct {
	*serve.Ensemble
	addresses []string
}

// Start serves an ensemble on free ports of this machine. It is one server with ZooKeeper's
// defaults, unless options say otherwise; of several options the last counts.
func Start(t testing.TB, options ...serve.Options) *Server {
	t.Helper()
	s := StartInBubble(t, options...)
	s.addresses = nil
	var serving sync.WaitGroup
	for _, m := range s.Members() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("zktest: %v", err)
		}
		s.addresses = append(s.addresses, l.Addr().String())
		serving.Go(func() {
			if err := m.Serve(l); !errors.Is(err, serve.ErrStopped) {
				t.Errorf("zktest: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		s.Close()
		serving.Wait()
	})
	return s
}

// StartInBubble is Start for a testing/synctest bubble, where time is virtual: a session
// timeout passes in no time. Networks do not work there, so clients connect with Dial. Close
// them before the bubble ends: their goroutines are in it, and it does not end without them.
func StartInBubble(t testing.TB, options ...serve.Options) *Server {
	t.Helper()
	var chosen serve.Options
	for _, chosen = range options {
	}
	s := &Server{Ensemble: serve.New(chosen)}
	for _, m := range s.Members() {
		s.addresses = append(s.addresses, net.JoinHostPort("127.0.0.1", strconv.Itoa(m.ID())))
	}
	t.Cleanup(s.Close)
	return s
}

// Addresses are the servers, each as host:port. In a bubble only Dial knows them.
func (s *Server) Addresses() []string { return s.addresses }

// String is the servers as most clients want them: host:port, with commas between them.
func (s *Server) String() string { return strings.Join(s.addresses, ",") }

// Dial connects to one of Addresses without a network. It has the form that go-zookeeper's
// WithDialer takes; it ignores the network and the timeout, since it connects at once.
func (s *Server) Dial(_, address string, _ time.Duration) (net.Conn, error) {
	i := slices.Index(s.addresses, address)
	if i < 0 {
		return nil, fmt.Errorf("zktest: no server has the address %q: choose one of %q", address, s.addresses)
	}
	client, server := net.Pipe()
	go s.Members()[i].ServeConn(server)
	return client, nil
}
