package zkclient

import (
	"errors"
	"fmt"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// deny ends the session because the server has answered that it does not serve it.
// That holds for every request of this connection that is unanswered then: a server
// answers in the order in which it was asked.
func (s *session) deny(cause error) {
	s.mu.Lock()
	if s.cause == nil {
		s.denied, s.deniedAt = true, s.change
	}
	s.mu.Unlock()
	s.finish(cause)
}

// deniedSince reports whether the server has refused the session on the connection that
// was there at the given change.
func (s *session) deniedSince(change int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.denied && s.deniedAt == change
}

// ending is how a connection of a session ended.
type ending struct {
	target  target
	err     error
	byPeer  bool // the other side has closed it, or the network
	largest int  // bytes of the largest request that was unanswered
}

// oversize is the suspicion that a server's limit is below this client's requests. A server
// that reads a length over its jute.maxbuffer closes the connection, and says nothing.
type oversize struct {
	size  int // bytes of the smallest of the requests under suspicion
	times int // connections in a row that ended with one of them unanswered
}

const (
	// largeRequest is the size in bytes under which no request is suspected: no
	// jute.maxbuffer is that small.
	largeRequest = 64 << 10
	// sureTimes is how many connections in a row must end so before the suspicion is
	// reported. One may end by chance, and two when a server is restarted.
	sureTimes = 3
)

// lost is called by the wire when an established connection has ended.
func (s *session) lost(e ending) {
	s.mu.Lock()
	s.ended = e
	switch {
	case !e.byPeer: // says nothing about the server's limit
	case e.largest <= largeRequest:
		s.large = oversize{}
	case s.large.times == 0:
		s.large = oversize{size: e.largest, times: 1}
	default:
		s.large.size = min(s.large.size, e.largest)
		s.large.times++
	}
	large := s.large
	s.mu.Unlock()
	switch {
	case errors.Is(e.err, zkapi.ErrNotZooKeeper):
		s.config.Logger.Warn("a server does not speak the protocol of ZooKeeper: the connection is closed", "server", e.target, "error", e.err)
	case errors.Is(e.err, errUnresponsive):
		s.config.Logger.Warn("a server does not answer requests: the connection is closed", "server", e.target, "error", e.err)
	case e.byPeer && large.times == sureTimes:
		s.config.Logger.Warn("a request is probably larger than the servers accept", "server", e.target, "error", large)
	}
}

// fitted is called by the wire when a request of that size has been answered.
func (s *session) fitted(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size >= s.large.size {
		s.large = oversize{}
	}
}

// Error implements error.
func (o oversize) Error() string {
	return fmt.Sprintf("the server closed the connection %d times in a row after a request of %d bytes: its jute.maxbuffer is probably smaller (zkclient.Config.MaxRequest, --max-request)", o.times, o.size)
}

// Unwrap implements the errors package's convention.
func (o oversize) Unwrap() error { return zkapi.ErrProbablyTooLarge }

// connectionLoss is the error for a request whose connection ended before the answer.
func (s *session) connectionLoss(op zkapi.Op, err error) error {
	s.mu.Lock()
	large, ended := s.large, s.ended
	s.mu.Unlock()
	switch {
	case large.times >= sureTimes && op.Size() >= large.size:
		return fmt.Errorf("%w: %w: %w", zkapi.ErrConnectionLoss, large, err)
	case errors.Is(ended.err, zkapi.ErrNotZooKeeper):
		// As text only: another server may be one, so that this is no refusal.
		return fmt.Errorf("%w: %s: %v: %w", zkapi.ErrConnectionLoss, ended.target, ended.err, err)
	}
	return fmt.Errorf("%w: %w", zkapi.ErrConnectionLoss, err)
}

// sendBuffer is the necessary size of the library's buffer for requests. The library never
// grows it, and crashes the process when a request does not fit. The size of a request in the
// port's terms is an upper bound; and the library sets its watches in packets of 128 KiB.
func sendBuffer(maxRequest int) int {
	const watches, slack = 192 << 10, 4 << 10
	return max(maxRequest, watches) + slack
}
