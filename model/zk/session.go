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
	next     *source // fires when the connection changes
	change   int
	up       bool
	timeout  time.Duration
	cause    error // nil while its owner takes it for alive
	lag      bool
	view     Tree                  // the state that a session sees while it lags or is cut off
	behind   []step                // changes that it has not seen yet
	waits    map[Watch]*watching   // who waits for each of its watches
	follows  map[string]*following // by path
	cursors  int64
	onEvent  func(Event)
	cutLoss  Loss                // the loss of a request, with the connection
	cutOn    func(zkapi.Op) bool // of the next request that fits; nil: of the next one
	trap     func(Write) bool
	stranded bool        // its server is cut off from the leader
	closed   int         // connections in a row that ended with a request that was too large
	large    int         // bytes of the smallest of those
	expiry   *time.Timer // of a session that is cut off
	giveUp   *time.Timer
}

// step is one write as a session that lags will see it.
type step struct {
	tree    Tree
	changes []Change
}

var _ zkapi.Session = (*Session)(nil)

// OnEvent sets the function that gets the watch events, in order, before the waiting sources
// fire. It is called with the server locked.
func (s *Session) OnEvent(do func(Event)) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.onEvent = do
}

// sees is the tree that the session's server has.
func (s *Session) sees() Tree {
	if s.lag {
		return s.view
	}
	return s.server.tree
}

// Lag makes the session's server fall behind: until it catches up it answers reads from its
// present state.
func (s *Session) Lag() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.lag {
		s.view, s.lag = s.server.tree, true
	}
}

// Advance lets a server that lags learn of so many more writes; it never forgets.
func (s *Session) Advance(writes int) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.advance(writes)
}

func (s *Session) advance(writes int) {
	for ; writes > 0 && len(s.behind) > 0; writes-- {
		next := s.behind[0]
		s.behind, s.view = s.behind[1:], next.tree
		for _, c := range next.changes {
			s.server.watches.Fire(c, func(one *Session) bool { return one == s }, tell)
		}
		s.hears(next.changes)
	}
}

// catchUp lets the session's server see everything, as a sync or a write does. A
// server that lags may fall behind again.
func (s *Session) catchUp() {
	s.advance(len(s.behind))
	s.view = s.server.tree
}

// CatchUp ends the lag.
func (s *Session) CatchUp() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.catchUp()
	s.lag = false
}

// Expire ends the session at the server, as its timeout would.
func (s *Session) Expire() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.drop(s, errExpired)
}

// Abandon is the death of the session's owner: nothing is sent any more, and the
// server ends the session after its timeout.
func (s *Session) Abandon() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cut()
	s.over(errors.New("its owner died"))
}

// Cut breaks the session's connection until Mend. Requests wait meanwhile. After
// two thirds of the timeout the owner gives the session up; after the timeout the
// server does.
func (s *Session) Cut() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cut()
}

func (s *Session) cut() {
	if !s.up || s.server.sessions[s.id] == nil {
		return
	}
	s.view = s.sees()
	s.up = false
	s.changed()
	s.expiry = time.AfterFunc(s.timeout, s.Expire)
	s.giveUp = time.AfterFunc(s.timeout*2/3, func() {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		if !s.up {
			s.over(errors.New("no server answered in time"))
		}
	})
}

// Strand cuts the session's server off from its leader until Unstrand. The server still
// answers pings, so the owner believes in the session. It answers reads from its old state;
// writes and syncs hang. The leader gets no pings of the session and ends it after the
// timeout.
func (s *Session) Strand() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.up || s.stranded || s.server.sessions[s.id] == nil {
		return
	}
	s.view = s.sees()
	s.lag, s.stranded = true, true
	s.expiry = time.AfterFunc(s.timeout, s.Expire)
}

// Unstrand makes the cut-off server give up: it drops its clients, and the hanging requests
// may have been sent. The owner connects to another server at once and learns there whether
// its session is alive.
func (s *Session) Unstrand() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if !s.stranded {
		return
	}
	s.expiry.Stop()
	s.stranded = false
	if s.server.sessions[s.id] == nil {
		s.over(errExpired)
		return
	}
	s.reconnect()
}

// CutAtNext cuts the connection at the next request, as Cut does, until Mend. The loss says
// whether the request or its reply is lost.
func (s *Session) CutAtNext(loss Loss) { s.CutAt(loss, nil) }

// CutAt is CutAtNext for the next request that fits; nil fits any.
func (s *Session) CutAt(loss Loss, fits func(zkapi.Op) bool) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.cutLoss, s.cutOn = loss, fits
}

// Trap lets the answer to the next write that is applied, and that fits, be lost, and
// the connection break and come back with it; nil sets no trap. It is called with the
// server locked.
func (s *Session) Trap(fits func(Write) bool) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.trap = fits
}

// trapped reports whether the answer to a write that was applied is lost in a trap.
func (s *Session) trapped(w Write) bool {
	if s.trap == nil || !s.trap(w) {
		return false
	}
	s.trap = nil
	return true
}

// Mend restores the connection to a server that is at least as recent as the session. The
// watches are set again, and those whose znodes have changed meanwhile fire.
func (s *Session) Mend() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.mend()
}

func (s *Session) mend() {
	s.cutLoss = None
	if s.up || s.cause != nil || s.ahead() { // a session that was given up does not reconnect
		return
	}
	s.expiry.Stop()
	s.giveUp.Stop()
	s.up = true
	s.lag, s.behind = false, nil
	s.unfollowAll()
	if s.server.sessions[s.id] == nil {
		s.over(errExpired)
		return
	}
	s.server.rearm(s, s.view.zxid)
	s.changed()
}

// Move breaks the connection and restores it to another server.
func (s *Session) Move() {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.reconnect()
}

// MoveTo is Move to a server that grants another timeout.
func (s *Session) MoveTo(timeout time.Duration) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.timeout = timeout
	s.reconnect()
}

// reconnect breaks the connection and restores it; the server is locked.
func (s *Session) reconnect() {
	s.cut()
	s.mend()
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
	case !s.up || s.stranded || s.cause != nil:
		s.over(errors.New("closed by its owner"))
		return fmt.Errorf("zk: session 0x%x was closed without a connection", s.id)
	}
	s.server.drop(s, errors.New("closed by its owner"))
	if s.server.record != nil {
		s.server.record(Write{Session: s.id, Zxid: s.server.tree.zxid})
	}
	return nil
}

// Do implements zkapi.Session.
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
		case s.up && s.stranded && (op.Kind.Writes() || op.Kind == zkapi.KindSync):
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
