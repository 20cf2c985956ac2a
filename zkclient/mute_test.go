package zkclient

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// TestWire_ClosesAConnectionWithoutAnswers has a server that answers pings, and nothing else:
// the request ends, and the session goes on with the next connection.
func TestWire_ClosesAConnectionWithoutAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped TestWire_ClosesAConnectionWithoutAnswers: make test runs it, make quick does not")
	}
	server := newFake(t, func(number int, c net.Conn) {
		if !greet(c, 0xA, 2000) {
			return
		}
		serve(c, func(a asked) []byte {
			if number == 1 && a.opcode != opcodePing {
				return []byte{} // no answer
			}
			return a.usual()
		})
	})
	s := open(t, Config{Servers: []string{server.address()}, SessionTimeout: 2 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := s.Do(ctx, zkapi.Get("/x")); !errors.Is(err, zkapi.ErrConnectionLoss) {
		t.Errorf("the mute server: %v", err)
	}
	if _, err := s.Do(ctx, zkapi.Get("/x")); !errors.Is(err, zkapi.ErrNoNode) {
		t.Errorf("after it: %v", err)
	}
	if s.Done().Fired() {
		t.Error(s.Cause())
	}
}
