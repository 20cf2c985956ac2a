package zkclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Why a session ended, for errors.Is on Session.Cause.
var (
	ErrExpired    = errors.New("expired by the server")
	ErrLeaseEnded = errors.New("lease ran out without an acknowledged request")
	ErrClosed     = errors.New("closed by its owner")
)

// leaseMargin is the part of the negotiated timeout that is given up to be
// earlier than the server.
const leaseMargin = 10

// session is one ZooKeeper session. Its life: granted, then any number of
// connections, then ended once and for all by finish.
type session struct {
	config  Config
	conn    *zk.Conn
	dialed  chan struct{} // closed when conn is set: callbacks may come earlier
	granted *latch
	done    *latch
	quit    *latch         // the server has confirmed the end
	work    sync.WaitGroup // requests under way and the lease's keeper

	lastZxid atomic.Int64 // of the last reply; see wire
	past     *past        // what sessions of the process have seen

	mu         sync.Mutex
	id         int64
	timeout    time.Duration // negotiated
	leaseStart time.Time
	up         bool
	change     int
	next       *latch
	cause      error
	watches    map[watchKey]keptWatch
	failed     error            // the last connection that did not come about
	refused    map[string]error // servers that no secure connection can be made to
}

var _ zkapi.Session = (*session)(nil)

// Open implements zkapi.Env.
func (d *Driver) Open(ctx context.Context) (zkapi.Session, error) {
	before := d.past.highest.Load()
	s := &session{
		config: d.config, past: &d.past, dialed: make(chan struct{}), granted: newLatch(), done: newLatch(), quit: newLatch(), next: newLatch(),
		watches: map[watchKey]keptWatch{},
	}
	conn, _, err := zk.Connect(d.config.Servers, d.config.SessionTimeout, zk.WithHostProvider(&hosts{}),
		zk.WithEventCallback(s.event), zk.WithDialer(s.dial), zk.WithLogger(logger{d.config.Logger}), zk.WithLogInfo(false))
	if err != nil {
		close(s.dialed)
		return nil, fmt.Errorf("zkclient: servers %v: %w", d.config.Servers, err)
	}
	s.conn = conn
	close(s.dialed)
	if err := s.awaitGrant(ctx); err != nil {
		return nil, err
	}
	s.work.Go(s.keepLease)
	if err := s.authenticate(ctx); err != nil {
		return nil, err
	}
	s.witness(ctx, before)
	return s, nil
}

// patience is how long Open tries before it returns, so that its caller can say
// what is wrong and try again.
const patience = 10 * time.Second

// awaitGrant waits until a server has granted the session.
func (s *session) awaitGrant(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotGranted)
	defer cancel()
	var why error
	select {
	case <-s.granted.c:
		return nil
	case <-s.done.c:
		why = s.Cause()
	case <-ctx.Done():
		s.finish(context.Cause(ctx))
		why = errors.Join(context.Cause(ctx), s.lastFailure())
	}
	s.conn.Close()
	return fmt.Errorf("zkclient: no session from %v: %w", s.config.Servers, why)
}

var errNotGranted = fmt.Errorf("none was granted within %v", patience)

// authenticate shows the credentials; the library shows them again on every later
// connection, before anything else.
func (s *session) authenticate(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotShown)
	defer cancel()
	for _, c := range s.config.Credentials {
		for shown := false; !shown; {
			answer := make(chan error, 1)
			go func() { answer <- s.conn.AddAuth(c.Scheme, []byte(c.Secret)) }() // ends with the connection
			select {
			case err := <-answer:
				shown = err == nil
				if errors.Is(err, zk.ErrAuthFailed) {
					s.finish(fmt.Errorf("%w: scheme %s", zkapi.ErrAuthFailed, c.Scheme))
				}
			case <-ctx.Done():
				s.finish(context.Cause(ctx))
			}
			if s.isOver() {
				s.conn.Close()
				return fmt.Errorf("zkclient: %w", s.Cause())
			}
			if !shown {
				select {
				case <-s.done.c:
				case <-ctx.Done():
				case <-time.After(authRetry):
				}
			}
		}
	}
	return nil
}

var errNotShown = fmt.Errorf("credentials were not acknowledged within %v", patience)

// authRetry is how long the showing of credentials waits after a lost connection.
const authRetry = 50 * time.Millisecond

// dial hands the library a connection that is read along.
func (s *session) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	// The library allows one second, which is short for a lookup and a handshake.
	ctx, cancel := context.WithTimeout(context.Background(), max(timeout, s.config.SessionTimeout/5))
	defer cancel()
	conn, err := s.config.Dial(ctx, network, address)
	if err != nil {
		s.broken(address, err)
		return nil, err
	}
	if s.config.rawConn {
		return conn, nil
	}
	return newWire(conn, s, address, max(s.config.SessionTimeout/6, 250*time.Millisecond)), nil
}

// broken notes why a connection did not come about, or broke before the session
// was granted. When no server can be trusted, or none trusts this client, there is
// no point in going on.
func (s *session) broken(address string, err error) {
	s.mu.Lock()
	s.failed = fmt.Errorf("%s: %w", address, err)
	granted := s.id != 0
	refusal := untrusted(err)
	if refusal != nil {
		if s.refused == nil {
			s.refused = map[string]error{}
		}
		s.refused[address] = fmt.Errorf("%s: %w", address, refusal)
	}
	all := len(s.refused) == len(s.config.Servers)
	s.mu.Unlock()
	if refusal != nil && all && !granted {
		s.finish(fmt.Errorf("%s: %w", address, refusal))
	}
}

func (s *session) lastFailure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// event is called by the library, sometimes with its locks held: it must not
// block. Closing inside it is the exception that the first cure needs.
func (s *session) event(e zk.Event) {
	if e.Type != zk.EventSession {
		return
	}
	switch e.State {
	case zk.StateHasSession:
		<-s.dialed
		s.connected()
	case zk.StateDisconnected:
		s.setUp(false)
	case zk.StateExpired:
		<-s.dialed
		if s.config.keepOnExpiry {
			return
		}
		s.finish(ErrExpired)
		s.conn.Close()
	}
}

func (s *session) connected() {
	s.mu.Lock()
	if s.id == 0 {
		s.id = s.conn.SessionID()
	}
	s.failed = nil
	s.mu.Unlock()
	s.setUp(true)
	s.granted.fire()
}

func (s *session) setUp(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up == up {
		return
	}
	s.up = up
	s.change++
	s.next.fire()
	s.next = newLatch()
}

// greeted is told by the wire that a server has granted or resumed the session.
func (s *session) greeted(timeout time.Duration, sent time.Time) {
	s.mu.Lock()
	s.timeout = timeout
	s.mu.Unlock()
	s.acknowledged(sent)
}

// acknowledged is told by the wire that a request sent then has been answered.
func (s *session) acknowledged(sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sent.After(s.leaseStart) {
		s.leaseStart = sent
	}
}

// keepLease ends the session when its lease has run out.
func (s *session) keepLease() {
	for {
		s.mu.Lock()
		left := time.Until(s.leaseStart.Add(s.timeout - s.timeout/leaseMargin))
		s.mu.Unlock()
		if s.config.rawConn || s.config.keepOnExpiry {
			<-s.done.c
			return
		}
		if left <= 0 {
			s.finish(s.leaseEnded())
			s.conn.Close()
			return
		}
		select {
		case <-s.done.c:
			return
		case <-time.After(left):
		}
	}
}

// finish ends the session, once: from here on the wire lets nothing out but the
// request to close.
func (s *session) finish(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		s.cause = fmt.Errorf("%w: session 0x%x: %w", zkapi.ErrSessionEnded, s.id, cause)
		s.done.fire()
	}
}

// begin runs f in a goroutine that Close waits for, unless the session is over.
func (s *session) begin(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return false
	}
	s.work.Go(f)
	return true
}

func (s *session) isOver() bool { return s.done.Fired() }

// ID implements zkapi.Session.
func (s *session) ID() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Timeout implements zkapi.Session.
func (s *session) Timeout() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// MaxRequest implements zkapi.Session.
func (s *session) MaxRequest() int { return s.config.MaxRequest }

// Connection implements zkapi.Session.
func (s *session) Connection() (int, bool, zkapi.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change, s.up, s.next
}

// Done implements zkapi.Session.
func (s *session) Done() zkapi.Source { return s.done }

// Cause implements zkapi.Session.
func (s *session) Cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// closeLimit is how long Close waits for the server's confirmation.
const closeLimit = 3 * time.Second

// Close implements zkapi.Session. The library's Close reports nothing; the wire
// sees whether the server has confirmed.
func (s *session) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	s.finish(ErrClosed)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.conn.Close()
		s.work.Wait()
	}()
	select {
	case <-closed:
	case <-ctx.Done():
		return fmt.Errorf("zkclient: session 0x%x may linger for %v: %w", s.ID(), s.Timeout(), context.Cause(ctx))
	}
	if !s.quit.Fired() && !errors.Is(s.Cause(), ErrExpired) {
		return fmt.Errorf("zkclient: session 0x%x may linger for %v: the server has not confirmed its end", s.ID(), s.Timeout())
	}
	return nil
}

// logger lets the library's messages through at debug level.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...interface{}) {
	l.log.Debug("zk: " + fmt.Sprintf(format, args...))
}
