package zkclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// leaseTick is how often in a timeout the lease is looked at: a timer stands still while
// the machine sleeps, and would be late by that.
const leaseTick = 40

// session is one ZooKeeper session. Its life: granted, then any number of
// connections, then ended once and for all by finish.
type session struct {
	config  Config
	conn    *zk.Conn
	dialed  chan struct{} // closed when conn is set: callbacks may come earlier
	granted *latch
	done    *latch
	quit    *latch         // the server has confirmed the end
	shorter chan struct{}  // the timeout is, so that the lease may end earlier
	work    sync.WaitGroup // requests under way and the lease's keeper

	lastZxid atomic.Int64 // of the last reply; see wire
	past     *zxidMemory  // what sessions of the process have seen
	route    *route       // to the servers
	slow     slowness     // of the servers
	env      zkapi.Env
	told     *lastTold // by sessions of the process

	bulk     *pacer
	carriers carriers
	lacks    *lacks // what servers lack that sessions of the process have met
	feeds    feeds
	gets     window
	lists    window

	mu         sync.Mutex
	until      time.Duration // by elapsed: how long Open waits for the grant
	id         int64
	password   string        // granted with the id
	timeout    time.Duration // the smallest that was negotiated
	leaseStart time.Duration // by elapsed
	up         bool
	change     int
	toldSince  time.Time // since when the log says that the connection is lost; zero if it does not
	next       *latch
	cause      error
	denied     bool // the server has refused the session, at
	deniedAt   int  // this change of the connection
	watches    map[watchKey]keptWatch
	wire       *wire // the last connection whose handshake is complete
	failed     error // the last connection that did not come about
	failedAt   target
	failures   map[target]failedTry // the last one of each address since there was a connection
	asked      bool                 // since then: why the servers end each connection
	diagnosis  diagnosis            // the answer
	refused    map[target]bool      // cannot be talked to, whenever it is tried, and the log says so
	ended      ending               // of the last connection
	large      oversize
}

var _ zkapi.Session = (*session)(nil)

// Open implements zkapi.Env.
func (d *Driver) Open(ctx context.Context) (zkapi.Session, error) {
	if d.names == nil {
		return nil, errors.New("zkclient: this Driver was not made by New: use that")
	}
	before := d.past.highest.Load()
	s := &session{
		config: d.config, env: d, slow: slowness{learned: &d.slow, doublings: int(d.slow.Load())}, past: &d.past, told: &d.told, lacks: &d.lacks, bulk: newPacer(d.config.Bulk), dialed: make(chan struct{}), granted: newLatch(), done: newLatch(), quit: newLatch(), next: newLatch(),
		shorter: make(chan struct{}, 1), watches: map[watchKey]keptWatch{},
		failures: map[target]failedTry{}, refused: map[target]bool{},
	}
	s.route = newRoute(d.names, s.isOver)
	s.until = s.now() + patience
	if end, limited := ctx.Deadline(); limited {
		s.until = min(s.until, s.now()+time.Until(end))
	}
	end := d.outage.begin(s)
	granted := false
	defer func() { end(granted) }()
	conn, _, err := zk.Connect(d.config.Servers, d.config.SessionTimeout, zk.WithHostProvider(s.route),
		zk.WithEventCallback(s.event), zk.WithDialer(s.dial), zk.WithMaxConnBufferSize(sendBuffer(d.config.MaxRequest)), zk.WithLogger(logger{d.config.Logger}), zk.WithLogInfo(false))
	if err != nil {
		close(s.dialed)
		return nil, fmt.Errorf("zkclient: servers %v: %w", d.config.Servers, err)
	}
	s.conn = conn
	close(s.dialed)
	if err := s.awaitGrant(ctx); err != nil {
		return nil, err
	}
	granted = true
	s.work.Go(s.keepLease)
	if err := s.authenticate(ctx); err != nil {
		return nil, err
	}
	s.compareZxid(ctx, before)
	return s, nil
}

// patience is how long Open tries before it returns, so that its caller can report the error
// and try again.
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
		s.slow.givenUp()
		s.finish(context.Cause(ctx))
		why = errors.Join(context.Cause(ctx), s.lastFailure())
	}
	go s.conn.Close() // waits a second for an answer; there is no session to close
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
			case <-ctx.Done():
				s.finish(context.Cause(ctx))
			}
			if s.isOver() {
				s.conn.Close()
				return fmt.Errorf("zkclient: credentials of scheme %s: %w", c.Scheme, s.Cause())
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
	clear(s.failures)
	s.asked, s.diagnosis = false, diagnosis{}
	s.mu.Unlock()
	s.told.isNews("")
	s.setUp(true)
	s.granted.fire()
}

func (s *session) setUp(up bool) {
	s.mu.Lock()
	tell := func() {}
	if s.up != up {
		s.up = up
		s.change++
		s.next.fire()
		s.next = newLatch()
		if up {
			tell = s.isUp()
		} else {
			s.isDown()
		}
	}
	s.mu.Unlock()
	tell() // without the lock: a log that blocks must not keep keepLease from it
}

// connectGranted is called by the wire when a server has granted or resumed a session. It returns
// the smallest timeout so far, because a server with a smaller one expires the session
// earlier. If the server grants another session, or the same with another password, this
// session is over.
func (s *session) connectGranted(t target, g connectResponse, sent time.Duration) (time.Duration, error) {
	s.mu.Lock()
	if s.id == 0 {
		s.id, s.password, s.timeout = g.session, g.password, g.timeout
	}
	same := s.id == g.session && s.password == g.password || s.config.keepOnExpiry
	if g.timeout < s.timeout {
		s.timeout = g.timeout
		select {
		case s.shorter <- struct{}{}:
		default:
		}
	}
	timeout := s.timeout
	s.mu.Unlock()
	s.slow.answered(s.now()-sent, usualTime(timeout))
	if !same {
		err := fmt.Errorf("%w: server %s granted session 0x%x in its place", ErrExpired, t, g.session)
		s.finish(err)
		return 0, err
	}
	s.acknowledged(sent)
	return timeout, nil
}

// establish is called by the wire when its handshake is complete.
func (s *session) establish(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wire = w
}

// acknowledged is called by the wire when a request that was sent at that time has been
// answered.
func (s *session) acknowledged(sent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaseStart = max(s.leaseStart, sent)
}

// keepLease ends the session when its lease has run out.
func (s *session) keepLease() {
	for {
		s.mu.Lock()
		left := s.leaseStart + zkapi.SessionLease(s.timeout) - s.now()
		tick := s.timeout / leaseTick
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
			s.conn.Close() // or the library would connect again for ever
			return
		case <-s.shorter:
		case <-time.After(min(left, tick)):
		}
	}
}

// finish ends the session, once: from here on the wire lets nothing out but the
// request to close.
func (s *session) finish(cause error) {
	defer s.feeds.finish() // without the lock
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

// now is the time by the clock of leases.
func (s *session) now() time.Duration {
	if s.config.clock == nil {
		return elapsed()
	}
	return s.config.clock()
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
		return fmt.Errorf("zkclient: session 0x%x may last for another %v: %w", s.ID(), s.Timeout(), context.Cause(ctx))
	}
	if !s.quit.Fired() && !errors.Is(s.Cause(), ErrExpired) {
		return fmt.Errorf("zkclient: session 0x%x may last for another %v: the server has not confirmed its end", s.ID(), s.Timeout())
	}
	return nil
}

// logger lets the library's messages through at debug level.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...interface{}) {
	l.log.Debug("zk: " + fmt.Sprintf(format, args...))
}
