package zkclient

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// TestOpen_ExplainsAClosedHandshake: a server that has too many connections closes the next
// one before the handshake or in it. Open says what that may mean, however the end shows.
func TestOpen_ExplainsAClosedHandshake(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"closed":                    func(net.Conn) {},
		"reset":                     func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"reset after the handshake": func(c net.Conn) { _, _ = readPacket(c); _ = c.(*net.TCPConn).SetLinger(0) },
	} {
		fake := newFake(t, func(_ int, c net.Conn) { end(c); _ = c.Close() })
		d, err := New(Config{Servers: []string{fake.address()}, SessionTimeout: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err = d.Open(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "maxClientCnxns") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
