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
	tree     Tree               // after the last write
	sessions map[int64]*Session // that have not ended here, even if their owners do not know
	lastID   int64
	prompt   *View[*Session] // the server of the sessions that are connected and do not lag
	lose     func(zkapi.Op) Loss
	refuse   func(session int64, op zkapi.Op) error
	most     int // bytes of a request that the server takes; 0: any number
	observe  func(session int64, op zkapi.Op)
	record   func(Write)
	restores int   // how often it went back
	back     error // of the last restore that was noticed
}

// Write is one write as the server has it: applied, refused, or the end of a session.
type Write struct {
	Session int64
	Op      zkapi.Op // of no kind when the session ends
	Zxid    int64
	Result  zkapi.Result
	Err     error // nil: it was applied
	Expired bool  // the session ends, and its owner did not ask for that
}

// watching lists the sources of one session that wait for one watch.
type watching struct {
	missing bool // the znode did not exist when the watch was set
	sources []*source
}

// NewServer makes an empty ensemble that negotiates that session timeout. A
// session whose connection stays cut for longer expires; see also Session.Expire.
func NewServer(timeout time.Duration) *Server {
	s := &Server{timeout: timeout, tree: NewTree(), sessions: map[int64]*Session{}}
	s.prompt = NewView(s.tree, tell, nil, func(changes []Change) {
		for _, session := range s.sessions {
			if session.up && session.at == s.prompt {
				session.hears(changes)
			}
		}
	})
	return s
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

// Record sets the function that gets each write, in order, even if its answer is lost. The end
// of a session is a write, and its begin is none. The function is called with the server locked.
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
	s.edit(s.tree.Spend()) // as the creation of a session takes a zxid
	session := &Session{server: s, id: s.lastID, timeout: s.timeout, at: s.prompt, done: newSource(), next: newSource(), change: 1, up: true, waits: map[Watch]*watching{}, follows: map[string]*following{}}
	session.expiry = NewExpiry(s.timeout, session.expire)
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
	s.commit(Step{Tree: next, Changes: changes})
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
	s.edit(s.tree.update(path, func(n *znode) { n.stat.Version = version }))
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
	session.expiry.Stop()
	expired := errors.Is(cause, errExpired)
	s.commit(EndOf(session.id, s.tree, !expired))
	session.at.Watches.Drop(session)
	if session.reaches() {
		session.over(cause)
	}
	if s.record != nil {
		s.record(Write{Session: session.id, Zxid: s.tree.zxid, Expired: expired})
	}
}

// commit makes a write part of the state, and lets every server see it. The server is locked.
func (s *Server) commit(step Step) {
	s.tree = step.Tree
	s.prompt.See(step)
	for _, session := range s.sessions {
		if session.up && session.at != s.prompt {
			session.at.See(step)
		}
	}
}

// edit changes the state without a write. A server that lags sees it with the next write. The
// server is locked.
func (s *Server) edit(tree Tree) {
	s.tree = tree
	s.prompt.Join(tree)
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
	session.at.Watches.Set(session, on, WatchOnce)
	w := session.waits[on]
	if w == nil {
		w = &watching{missing: !found}
		session.waits[on] = w
	}
	source := newSource()
	w.sources = append(w.sources, source)
	return source
}

func endedBecause(cause error) error { return fmt.Errorf("%w: %w", zkapi.ErrSessionEnded, cause) }
