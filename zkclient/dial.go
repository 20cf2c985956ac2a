package zkclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Bounds of a try to connect: lookup, dial, TLS and the handshake of ZooKeeper.
const (
	// tryPart is the part of the session timeout that one try may take.
	tryPart = 5
	// leastTry is the shortest time that a try gets, however many addresses there are: a busy
	// server needs some.
	leastTry = 100 * time.Millisecond
	// usualTry is what a try gets if the session has time for it, however short its timeout is.
	usualTry = 500 * time.Millisecond
	// pausePart is the part of the session timeout after which an address gets another turn,
	// and longestPause what it is at most.
	pausePart    = 10
	longestPause = time.Second
)

// remaining is how long the session can wait for a connection, and its timeout: the granted
// one, or before that the wish.
func (s *session) remaining() (left, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == 0 {
		return s.until - s.now(), s.config.SessionTimeout
	}
	return s.leaseStart + zkapi.SessionLease(s.timeout) - s.now(), s.timeout
}

// tryTime is how long the next try may take. It shares what is left of the lease, or before the
// grant of the caller's patience, with so many others. So an address that does not answer
// leaves time for them.
func (s *session) tryTime(others int) time.Duration {
	left, timeout := s.remaining()
	return max(leastTry, min(left/time.Duration(others+1), max(timeout/tryPart, usualTry)))
}

// dial gives one address of a server its turn, and hands the library a connection that is read
// along. It ignores the limit of the library, which is a second.
func (s *session) dial(network, server string, _ time.Duration) (net.Conn, error) {
	ctx, cancel := s.whileOpen()
	defer cancel()
	t, again, err := s.lookUp(ctx, server)
	if again {
		s.pause(ctx)
	}
	if err != nil {
		s.broken(t, err)
		return nil, err
	}
	limit := s.tryTime(s.route.left() + 1) // the address that is tried now has a share, too
	end := time.Now().Add(limit)
	ctx, cancelTry := context.WithDeadline(ctx, end)
	defer cancelTry()
	conn, err := s.config.connect(ctx, network, t)
	if err != nil {
		s.broken(t, explainDial(err, limit))
		return nil, err
	}
	if s.config.rawConn {
		return conn, nil
	}
	return newWire(conn, s, t, end), nil
}

// whileOpen returns a context that ends with the session.
func (s *session) whileOpen() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-s.done.c:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// lookUp returns the next address of a server. A lookup may take as long as a try, and
// does not shorten the try.
func (s *session) lookUp(ctx context.Context, server string) (t target, again bool, err error) {
	limit := s.tryTime(s.route.left())
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t, again, err = s.route.take(ctx, server)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("no answer of the name service within %v: %w", limit.Round(time.Millisecond), err)
	}
	return t, again, err
}

// pause waits before an address gets another turn.
func (s *session) pause(ctx context.Context) {
	_, timeout := s.remaining()
	select {
	case <-ctx.Done():
	case <-time.After(min(timeout/pausePart, longestPause)):
	}
}

// explainDial explains why a connection did not come about within its time.
func explainDial(err error, limit time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no connection within %v: %w", limit.Round(time.Millisecond), err)
	}
	return err
}

// connect opens a connection to an address, with TLS if that is configured.
func (c *Config) connect(ctx context.Context, network string, t target) (net.Conn, error) {
	conn, err := c.Dial(ctx, network, t.address)
	if err != nil || c.TLS == nil {
		return conn, err
	}
	config := c.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(t.server)
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secured, nil
}
