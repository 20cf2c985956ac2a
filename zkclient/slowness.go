package zkclient

import (
	"sync"
	"sync/atomic"
	"time"
)

// mostDoubled bounds how often the time of a try is doubled.
const mostDoubled = 6

// slowness is how slow the servers have been in the handshakes of a session.
//
// A server that is overloaded answers no handshake within the time of a try. It has to make the
// session nevertheless, and to end it later, so that each try makes it slower. So each try whose
// handshake is not answered in time doubles the time of the next one, as TCP doubles its time to wait
// for an answer (RFC 6298). A try that lasted longer than a lease would get a session that is over; from there on
// tries are further apart.
type slowness struct {
	mu        sync.Mutex
	doublings int
	silent    bool          // a try has just been so
	slept     int           // pauses since the last connection
	learned   *atomic.Int32 // doublings with which the next session of the process begins
}

// doubled is how often the time of the next try is doubled.
func (s *slowness) doubled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doublings
}

// isSilent notes that a server has let the time of a handshake run out.
func (s *slowness) isSilent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doublings, s.silent = min(s.doublings+1, mostDoubled), true
}

// wasSilent reports whether that has happened since the last call.
func (s *slowness) wasSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.silent
	s.silent = false
	return was
}

// pauses notes that all addresses had their turn, and returns how often that was so since the last
// connection.
func (s *slowness) pauses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slept++
	return s.slept
}

// givenUp notes that no server has granted a session for as long as its caller could wait.
func (s *slowness) givenUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned.Store(max(s.learned.Load(), int32(s.doublings)))
}

// answered notes how long a handshake took. The next tries get at least twice that time. usual
// is the time of a try that is not doubled.
func (s *slowness) answered(took, usual time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doublings, s.silent, s.slept = 0, false, 0
	for usual<<s.doublings < 2*took && s.doublings < mostDoubled {
		s.doublings++
	}
	if s.learned != nil {
		s.learned.Store(int32(s.doublings))
	}
}
