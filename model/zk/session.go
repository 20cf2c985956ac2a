package zk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Session is one session on a Server.
type Session struct {
	server *Server
	id     int64
	done   *source
	backs  int   // how often the ensemble has gone back, as far as its owner knows
	back   error // the last time

	// Guarded by server.mu:
	next    *source // fires when the connection changes
	change  int
	up      bool
	at      *View[*Session]       // the server that it is connected to, or was at last
	seen    int64                 // the zxid of that server when the connection was cut
	expiry  *Expiry               // at the leader; it is wound up while the leader does not hear of its owner
	timeout time.Duration         // the smallest that was granted, by which its owner gives up
	silent  time.Time             // since when no server answers
	lease   *time.Timer           // of its owner, from then on
	cause   error                 // nil while its owner takes it for alive
	waits   map[Watch]*watching   // who waits for each of its watches
	follows map[string]*following // by path; none without a connection
	cursors int64
	onEvent func(Event)
	cutLoss Loss                // the loss of a request, with the connection
	cutOn   func(zkapi.Op) bool // of the next request that fits; nil: of the next one
	trap    func(Write) bool
	closed  int // connections in a row that ended with a request that was too large
	large   int // bytes of the smallest of those
}

var _ zkapi.Session = (*Session)(nil)

// OnEvent sets the function that gets the watch events, in order, before the waiting sources
// fire. It is called with the server locked.
func (s *Session) OnEvent(do func(Event)) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.onEvent = do
}

// changed signals that the connection has changed.
func (s *Session) changed() {
	s.change++
	s.next.fire()
	s.next = newSource()
}

// over is the session's end as its owner learns of it.
func (s *Session) over(cause error) {
	if s.cause == nil {
		s.cause = endedBecause(cause)
		s.unfollowAll()
		s.changed()
		s.done.fire()
	}
}

// ID implements zkapi.Session.
func (s *Session) ID() int64 { return s.id }

// Timeout implements zkapi.Session.
func (s *Session) Timeout() time.Duration {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.timeout
}

// MaxRequest implements zkapi.Session: the default limit of a client.
func (s *Session) MaxRequest() int { return 1<<20 - 1 }

// suspicious is after how many connections in a row a client says that a request is
// probably too large, as package zkclient does.
const suspicious = 3

// oversize returns the error for a request on which the server has closed the connection. The
// server is locked.
func (s *Session) oversize(size int) error {
	if s.closed == 0 || size < s.large {
		s.large = size
	}
	s.closed++
	if s.closed < suspicious {
		return zkapi.ErrConnectionLoss
	}
	return fmt.Errorf("%w: %w", zkapi.ErrConnectionLoss, zkapi.ErrProbablyTooLarge)
}

// Done implements zkapi.Session.
func (s *Session) Done() zkapi.Source { return s.done }

// Cause implements zkapi.Session.
func (s *Session) Cause() error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.cause
}

// Connection implements zkapi.Session.
func (s *Session) Connection() (int, bool, zkapi.Source) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.change, s.cause == nil && s.up, s.next
}

// Close implements zkapi.Session.
func (s *Session) Close(context.Context) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	switch {
	case s.cause != nil && s.server.sessions[s.id] == nil:
		return nil
	case !s.reaches() || s.cause != nil:
		s.over(errors.New("closed by its owner"))
		return fmt.Errorf("zk: session 0x%x was closed without a connection", s.id)
	}
	s.server.drop(s, errors.New("closed by its owner"))
	return nil
}

// Do implements zkapi.Session.
//
// The answers and the events of a session are decided in one order, with the server locked. When
// Do returns, the events of all writes that its answer knows of have fired, and no later write,
// cut or end of the session changes the answer. A goroutine that waits for a later event may run
// before the caller of Do, as it may with package zkclient: what has come on one connection
// still has to wake two goroutines.
func (s *Session) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	srv := s.server
	if !sends(op) {
		return failed(op, zkapi.NotApplied, zkapi.ErrInvalidPath)
	}
	for {
		if ctx.Err() != nil {
			return failed(op, zkapi.NotApplied, fmt.Errorf("%w: %w", zkapi.ErrNotSent, context.Cause(ctx)))
		}
		srv.mu.Lock()
		switch {
		case s.cause != nil:
			defer srv.mu.Unlock()
			return failed(op, zkapi.NotApplied, s.cause)
		case s.up && s.at.Isolated() && (op.Kind.Writes() || op.Kind == zkapi.KindSync):
			return s.hang(ctx, op)
		case s.up:
			defer srv.mu.Unlock()
			return srv.serve(s, op)
		}
		next := s.next
		srv.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-next.channel():
		}
	}
}

// sends reports whether the client library sends a request: it checks the path of a single
// request, and leaves the paths in a multi to the server.
func sends(op zkapi.Op) bool {
	return op.Kind == zkapi.KindMulti ||
		libraryTakes(op.Path, op.Kind == zkapi.KindCreate && (op.Mode == zkapi.PersistentSequential || op.Mode == zkapi.EphemeralSequential))
}

// libraryTakes is the rule of go-zookeeper/zk. It allows more characters than the server. The
// last part of a sequential name may be empty, because the server completes it.
func libraryTakes(p string, sequential bool) bool {
	if !strings.HasPrefix(p, "/") {
		return false
	}
	for _, r := range p {
		if r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xf000 && r <= 0xf8ff || r >= 0xfff0 && r < 0xffff {
			return false
		}
	}
	parts := strings.Split(p[1:], "/")
	if p == "/" || sequential && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return !slices.ContainsFunc(parts, func(part string) bool { return part == "" || part == "." || part == ".." })
}

// hang is a request to a server that is cut off from its leader; ours is locked. It is
// taken for sent, and never takes effect.
func (s *Session) hang(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	next := s.next
	s.server.mu.Unlock()
	why := zkapi.ErrConnectionLoss
	select {
	case <-ctx.Done():
		why = fmt.Errorf("%w: %w", why, context.Cause(ctx))
	case <-next.channel():
	}
	return failed(op, zkapi.Unknown, why)
}

// DoAll implements zkapi.Session.
func (s *Session) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}
