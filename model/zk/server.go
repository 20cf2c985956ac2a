package zk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Loss is what happens to a request and its reply. A loss breaks the connection.
type Loss uint8

// The losses that can be injected.
const (
	None        Loss = iota
	BeforeItWas      // the request never arrives
	AfterItWas       // the request takes effect, its reply is lost
)

// Server is one ZooKeeper server in memory. It is safe for concurrent use.
type Server struct {
	timeout time.Duration

	mu       sync.Mutex
	tree     *tree
	sessions map[int64]*Session
	lastID   int64
	watches  map[watchKey][]*source
	lose     func(zkapi.Op) Loss
	observe  func(session int64, op zkapi.Op)
}

type watchKey struct {
	path string
	kind zkapi.Kind // of the read that set it; exists and get are one
}

// NewServer makes an empty server that negotiates that session timeout. A
// session does not expire by itself; see Session.Expire.
func NewServer(timeout time.Duration) *Server {
	return &Server{timeout: timeout, tree: newTree(), sessions: map[int64]*Session{}, watches: map[watchKey][]*source{}}
}

// Lose sets what decides about the loss of each write; nil loses nothing. It is
// called with the server locked.
func (s *Server) Lose(lose func(zkapi.Op) Loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = lose
}

// Observe sets what hears of each request that arrives. It is called with the
// server locked.
func (s *Server) Observe(observe func(session int64, op zkapi.Op)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe = observe
}

// Session is one session on a Server.
type Session struct {
	server *Server
	id     int64
	done   *source
	next   *source

	change int   // of the connection; guarded by server.mu, as are the others
	cause  error // nil while it lives
}

var _ zkapi.Session = (*Session)(nil)

// Open makes a session.
func (s *Server) Open() *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	session := &Session{server: s, id: s.lastID, done: newSource(), next: newSource(), change: 1}
	s.sessions[session.id] = session
	return session
}

// Sessions lists those that live.
func (s *Server) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Session
	for id := int64(1); id <= s.lastID; id++ {
		if session := s.sessions[id]; session != nil {
			all = append(all, session)
		}
	}
	return all
}

// end removes a session and its ephemerals; the server is locked.
func (s *Server) end(session *Session, cause error) {
	if session.cause != nil {
		return
	}
	session.cause = fmt.Errorf("%w: %w", zkapi.ErrSessionEnded, cause)
	delete(s.sessions, session.id)
	for _, p := range s.tree.ownedBy(session.id) {
		_, changes, _ := s.tree.write(zkapi.Delete(p, zkapi.AnyVersion), session.id)
		s.fire(changes)
	}
	session.done.fire()
}

// fire tells the watches of changes; each watch fires once.
func (s *Server) fire(changes []change) {
	for _, c := range changes {
		s.fireOne(watchKey{c.path, zkapi.KindGet})
		if c.kind == zkapi.KindDelete {
			s.fireOne(watchKey{c.path, zkapi.KindChildren})
		}
		if c.kind != zkapi.KindSet {
			s.fireOne(watchKey{parentOf(c.path), zkapi.KindChildren})
		}
	}
}

func (s *Server) fireOne(key watchKey) {
	for _, w := range s.watches[key] {
		w.fire()
	}
	delete(s.watches, key)
}

// Expire ends the session as the server would.
func (s *Session) Expire() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.end(s, errors.New("expired by the server"))
}

// bounce breaks the connection and restores it; the server is locked.
func (s *Session) bounce() {
	s.change += 2
	s.next.fire()
	s.next = newSource()
}

// ID implements zkapi.Session.
func (s *Session) ID() int64 { return s.id }

// Timeout implements zkapi.Session.
func (s *Session) Timeout() time.Duration { return s.server.timeout }

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
	return s.change, s.cause == nil, s.next
}

// Close implements zkapi.Session.
func (s *Session) Close(context.Context) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.end(s, errors.New("closed by its owner"))
	return nil
}

// Do implements zkapi.Session.
func (s *Session) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	failure := func(fate zkapi.Fate, err error) (zkapi.Result, error) {
		return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: fate, Err: err}
	}
	if ctx.Err() != nil {
		return failure(zkapi.NotApplied, fmt.Errorf("%w: %w", zkapi.ErrNotSent, context.Cause(ctx)))
	}
	srv := s.server
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if s.cause != nil {
		return failure(zkapi.NotApplied, s.cause)
	}
	if srv.observe != nil {
		srv.observe(s.id, op)
	}
	if !op.Kind.Writes() {
		result, err := srv.tree.read(op)
		if op.Watch && err == nil {
			result.Watch = srv.watch(op)
		}
		return result, err
	}
	loss := None
	if srv.lose != nil {
		loss = srv.lose(op)
	}
	if loss != None {
		defer s.bounce()
	}
	if loss == BeforeItWas {
		return failure(zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	result, changes, err := srv.tree.write(op, s.id)
	srv.fire(changes)
	if loss == AfterItWas {
		return failure(zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	return result, err
}

func (s *Server) watch(op zkapi.Op) *source {
	key := watchKey{op.Path, op.Kind}
	if op.Kind == zkapi.KindExists {
		key.kind = zkapi.KindGet
	}
	w := newSource()
	s.watches[key] = append(s.watches[key], w)
	return w
}

// DoAll implements zkapi.Session.
func (s *Session) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}
