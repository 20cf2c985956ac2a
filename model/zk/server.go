package zk

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Loss says whether a request or its reply is lost. A loss breaks the connection.
type Loss uint8

// The losses that can be injected.
const (
	None        Loss = iota
	RequestLost      // the request never arrives
	ReplyLost        // the request takes effect, its reply is lost
)

// Server is a ZooKeeper ensemble in memory, seen from outside: one order of
// writes, and for every session a server that may lag behind it. It is safe for
// concurrent use.
type Server struct {
	timeout time.Duration

	mu       sync.Mutex
	tree     Tree
	sessions map[int64]*Session // that have not ended here, even if their owners do not know
	lastID   int64
	watches  Watches[*Session]
	lose     func(zkapi.Op) Loss
	refuse   func(session int64, op zkapi.Op) error
	most     int // bytes of a request that the server takes; 0: any number
	observe  func(session int64, op zkapi.Op)
	record   func(Write)
	restores int   // how often it went back
	back     error // of the last restore that was noticed
}

// Write is one write as the server has it: applied, refused, or the end of a session
// that its owner asked for.
type Write struct {
	Session int64
	Op      zkapi.Op // of no kind when the session ends
	Zxid    int64
	Result  zkapi.Result
	Err     error // nil: it was applied
}

// watching lists the sources of one session that wait for one watch.
type watching struct {
	missing bool // the znode did not exist when the watch was set
	sources []*source
}

// NewServer makes an empty ensemble that negotiates that session timeout. A
// session whose connection stays cut for longer expires; see also Session.Expire.
func NewServer(timeout time.Duration) *Server {
	return &Server{timeout: timeout, tree: NewTree(), sessions: map[int64]*Session{}}
}

// Lose sets the function that decides about the loss of each request; nil loses nothing. The
// function is called with the server locked.
func (s *Server) Lose(lose func(zkapi.Op) Loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = lose
}

// Refuse sets a function that decides about each request, and about each operation of a multi
// by itself, before the tree does: its error is the server's answer, and nothing is applied.
// So tests simulate permissions, quotas and other refusals; nil refuses nothing. The function
// is called with the server locked.
func (s *Server) Refuse(refuse func(session int64, op zkapi.Op) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// MaxBuffer sets the server's jute.maxbuffer: it closes the connection on a larger request,
// each time, without an answer. The limit of the clients (Session.MaxRequest) does not
// change. 0 removes the limit.
func (s *Server) MaxBuffer(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = bytes
}

// Observe sets the function that gets each request that arrives. It is called with the server
// locked.
func (s *Server) Observe(observe func(session int64, op zkapi.Op)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe = observe
}

// Record sets the function that gets each write, in order, even if its answer is lost. The
// begin and the expiry of a session are no writes. The function is called with the server
// locked.
func (s *Server) Record(record func(Write)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = record
}

// Tree is the state after the last write.
func (s *Server) Tree() Tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree
}

// Open makes a session.
func (s *Server) Open() *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	s.tree.zxid++ // as the creation of a session takes one
	session := &Session{server: s, id: s.lastID, timeout: s.timeout, done: newSource(), next: newSource(), change: 1, up: true, waits: map[Watch]*watching{}, follows: map[string]*following{}}
	s.sessions[session.id] = session
	return session
}

// CreateAs creates a znode with any owner. The owner need not be a session: so tests make
// containers and TTL znodes, which differ from others in their owner alone. The parent of the
// znode must exist.
func (s *Server) CreateAs(path string, data []byte, owner int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, _, changes, err := s.tree.Write(zkapi.Create(path, data, zkapi.Ephemeral), owner)
	s.tree = next
	s.committed(changes)
	return err
}

// SetVersion gives an existing znode the data version that it has after very many writes. A
// version is a signed number of 32 bits, and a write at 2147483647 makes it -2147483648. Watches
// do not fire.
func (s *Server) SetVersion(path string, version int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tree.find(path) == nil {
		return zkapi.ErrNoNode
	}
	s.tree = s.tree.update(path, func(n *znode) { n.stat.Version = version })
	return nil
}

// Sessions lists the live sessions.
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

// errExpired is why a session that the server has ended is over.
var errExpired = errors.New("expired by the server")

// drop ends a session at the server: its ephemerals are deleted, and its owner learns of it
// when it is connected. The server is locked.
func (s *Server) drop(session *Session, cause error) {
	if s.sessions[session.id] == nil {
		return
	}
	delete(s.sessions, session.id)
	var changes []Change
	s.tree, changes = s.tree.EndSession(session.id)
	s.committed(changes)
	s.watches.Drop(session)
	if session.up && !session.stranded {
		session.over(cause)
	}
}

// committed brings every session up to date, except those that lag, which see the changes
// later, and those that are cut off.
func (s *Server) committed(changes []Change) {
	for _, session := range s.sessions {
		if session.lag {
			session.behind = append(session.behind, step{s.tree, changes})
		}
	}
	for _, c := range changes {
		s.watches.Fire(c, func(session *Session) bool { return !session.lag && session.up }, tell)
	}
	for _, session := range s.sessions {
		if !session.lag && session.up {
			session.hears(changes)
		}
	}
}

// tell lets a session know that one of its watches has fired. It gets the event unless it has
// had it already.
func tell(session *Session, f Fired, again bool) {
	w := session.waits[f.Watch]
	delete(session.waits, f.Watch)
	if !again && session.onEvent != nil {
		session.onEvent(f.Event)
	}
	for _, source := range w.sources {
		source.fire()
	}
}

// watch sets the watch of a read that was answered.
func (s *Server) watch(session *Session, op zkapi.Op, found bool) *source {
	on := WatchOf(op)
	s.watches.Set(session, on, WatchOnce)
	w := session.waits[on]
	if w == nil {
		w = &watching{missing: !found}
		session.waits[on] = w
	}
	source := newSource()
	w.sources = append(w.sources, source)
	return source
}

// rearm sets the watches of a session again after a reconnect.
func (s *Server) rearm(session *Session, before int64) {
	for _, on := range s.watches.Of(session) {
		if event, fires := session.sees().Rearm(on, session.waits[on].missing, before); fires {
			s.watches.Unset(session, on, WatchOnce)
			tell(session, Fired{Watch: on, Event: event}, false)
		}
	}
}

// serve carries out one request of a session that is connected; the server is
// locked.
func (s *Server) serve(session *Session, op zkapi.Op) (zkapi.Result, error) {
	if s.observe != nil {
		s.observe(session.id, op)
	}
	if s.most > 0 && op.Size() > s.most {
		defer session.reconnect()
		return failed(op, zkapi.Unknown, session.oversize(op.Size()))
	}
	if op.Size() >= session.large {
		session.closed = 0
	}
	loss := None
	if s.lose != nil {
		loss = s.lose(op)
	}
	if session.cutLoss != None && (session.cutOn == nil || session.cutOn(op)) {
		loss = session.cutLoss
		defer session.cut()
	} else if loss != None {
		defer session.reconnect()
	}
	if loss == RequestLost {
		return failed(op, zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	result, err := s.answer(session, op)
	if loss == None && err == nil && op.Kind.Writes() && session.trapped(Write{session.id, op, s.tree.zxid, result, nil}) {
		loss = ReplyLost
		defer session.reconnect()
	}
	if loss == ReplyLost {
		return failed(op, zkapi.Unknown, zkapi.ErrConnectionLoss)
	}
	return result, err
}

func (s *Server) answer(session *Session, op zkapi.Op) (zkapi.Result, error) {
	if err := s.refused(session, op); err != nil {
		return zkapi.Result{}, err
	}
	if op.Kind.Writes() {
		session.catchUp() // the answer to a write comes after everything before it
		next, result, changes, err := s.tree.Write(op, session.id)
		s.tree = next
		if s.record != nil {
			s.record(Write{session.id, op, next.zxid, result, err})
		}
		s.committed(changes)
		session.catchUp()
		return result, err
	}
	if op.Kind == zkapi.KindSync {
		session.catchUp()
		return zkapi.Result{}, nil
	}
	if op.Follow {
		return session.followed(op)
	}
	result, err := session.sees().Read(op)
	if op.Watch && err == nil {
		result.Watch = s.watch(session, op, result.Found)
	}
	return result, err
}

// refused is the answer to a request that is refused (Refuse), or nil.
func (s *Server) refused(session *Session, op zkapi.Op) error {
	if s.refuse == nil {
		return nil
	}
	if op.Kind != zkapi.KindMulti {
		if why := s.refuse(session.id, op); why != nil {
			return &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: zkapi.NotApplied, Err: why}
		}
		return nil
	}
	for i, sub := range op.Ops {
		if _, _, _, err := s.tree.Write(zkapi.Multi(op.Ops[:i]...), session.id); err != nil {
			return nil // an operation before it fails, and the tree says how
		}
		if why := s.refuse(session.id, sub); why != nil {
			return &zkapi.Error{Kind: op.Kind, Path: sub.Path, Index: i, Fate: zkapi.NotApplied, Err: why}
		}
	}
	return nil
}

func failed(op zkapi.Op, fate zkapi.Fate, err error) (zkapi.Result, error) {
	return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: fate, Err: err}
}

func endedBecause(cause error) error { return fmt.Errorf("%w: %w", zkapi.ErrSessionEnded, cause) }
