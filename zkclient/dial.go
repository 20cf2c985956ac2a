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
	// pausePart is the part of the session timeout after which an address gets another turn
	// at first, and longestPause bounds the pauses after that, up to a quarter more or less.
	// A pause takes no more than a part of what is left of a lease, and at least leastPause.
	pausePart    = 10
	longestPause = time.Second
	leavesPart   = 4
	leastPause   = 50 * time.Millisecond
	// fairDoubled is how often the time of a try is doubled before it takes from the share of others.
	fairDoubled = 2
	// longestSpare bounds the pause for servers that are slow, up to a quarter more or less.
	longestSpare = patience / 2
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

// tryTime is how long the next try may take, doubled so many times. It shares what is left of the
// lease, or before the grant of the caller's patience, with so many others. So an address that does
// not answer leaves time for them. Before the grant it leaves less and less if no server answers:
// there is no session to lose. No try lasts longer than a lease, because its session would be over.
func (s *session) tryTime(others, doubled int) time.Duration {
	left, timeout := s.remaining()
	usual, sharers := usualTime(timeout), others+1
	if s.ID() == 0 {
		sharers = max(1, sharers>>max(0, doubled-fairDoubled))
	}
	return max(leastTry, min(left/time.Duration(sharers), usual<<doubled, max(usual, zkapi.SessionLease(timeout))))
}

// usualTime is how long a try may take if the session has time for it and servers are not slow.
func usualTime(timeout time.Duration) time.Duration { return max(timeout/tryPart, usualTry) }

// dial gives one address of a server its turn, and hands the library a connection that is read
// along. It ignores the limit of the library, which is a second.
func (s *session) dial(network, server string, _ time.Duration) (net.Conn, error) {
	ctx, cancel := s.whileOpen()
	defer cancel()
	t, again, err := s.lookUp(ctx, server)
	if again {
		s.pause(ctx)
	}
	s.spare(ctx)
	if err != nil {
		s.broken(t, err)
		return nil, err
	}
	others, began := s.route.left()+1, time.Now() // the address that is tried now has a share, too
	limit := s.tryTime(others, s.slow.doubled())
	conn, err := s.config.reach(ctx, network, t, s.tryTime(others, 0))
	if err == nil {
		secures, cancelTry := context.WithDeadline(ctx, began.Add(limit))
		defer cancelTry()
		if conn, err = s.config.secure(secures, t, conn); outOfTime(err) {
			s.slow.isSilent()
		}
	}
	if err != nil {
		s.broken(t, explainDial(err, time.Since(began)))
		return nil, err
	}
	if s.config.rawConn {
		return conn, nil
	}
	return newWire(conn, s, t, began.Add(limit)), nil
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
	limit := s.tryTime(s.route.left(), 0)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t, again, err = s.route.take(ctx, server)
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("no answer of the name service within %v: %w", limit.Round(time.Millisecond), err)
	}
	return t, again, err
}

// pause waits before an address gets another turn, longer each time. Once there is a session, it
// waits for no more than a part of what is left of the lease.
func (s *session) pause(ctx context.Context) {
	left, timeout := s.remaining()
	first := min(timeout/pausePart, longestPause)
	most := longestPause
	if s.ID() != 0 {
		most = max(leastPause, min(most, left/leavesPart))
	}
	s.sleep(ctx, zkapi.Pause(s.env, min(first, most), most, s.slow.pauses()))
}

// spare waits if the last try has run out of its time, and may not have had as much as it should.
// Who has a session does not wait, because the lease runs.
func (s *session) spare(ctx context.Context) {
	if s.ID() != 0 || !s.slow.wasSilent() {
		return
	}
	_, timeout := s.remaining()
	usual := usualTime(timeout)
	if over := usual<<s.slow.doubled() - max(usual, zkapi.SessionLease(timeout)); over > 0 {
		pause := min(over, longestSpare)
		s.sleep(ctx, zkapi.Pause(s.env, pause, pause, 1))
	}
}

func (s *session) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// explainDial explains why a connection did not come about within its time.
func explainDial(err error, took time.Duration) error {
	if outOfTime(err) {
		return fmt.Errorf("no connection within %v: %w", took.Round(time.Millisecond), err)
	}
	return err
}

// outOfTime reports whether the error is that a time was over.
func outOfTime(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// reach opens a connection to an address within a time. A server that is there accepts it at once, however
// slow it is: its system does.
func (c *Config) reach(ctx context.Context, network string, t target, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.Dial(ctx, network, t.address)
}

// connect opens a connection to an address, with TLS if that is configured.
func (c *Config) connect(ctx context.Context, network string, t target) (net.Conn, error) {
	conn, err := c.Dial(ctx, network, t.address)
	if err != nil {
		return nil, err
	}
	return c.secure(ctx, t, conn)
}

// secure makes the handshake of TLS on a connection, if TLS is configured. It closes the connection if
// that fails.
func (c *Config) secure(ctx context.Context, t target, conn net.Conn) (net.Conn, error) {
	if c.TLS == nil {
		return conn, nil
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
