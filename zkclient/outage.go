package zkclient

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

const (
	// noSession is how long a session may not come before the log says so.
	noSession = 800 * time.Millisecond
	// noConnection is how long a session may be without a connection before the log says so.
	// There is a pause of up to a second before the last server is tried again.
	noConnection = 1500 * time.Millisecond
)

// outage is the time in which a process waits for sessions. Several calls of Open, one after
// the other or side by side, are one outage, so that the log tells of it once.
type outage struct {
	servers []string
	log     *slog.Logger

	mu      sync.Mutex
	opening map[*session]bool
	since   time.Time // when the first of these calls began; zero if there is no outage
	failed  time.Time // when the last of them failed
	told    bool
}

func newOutage(c Config) *outage {
	return &outage{servers: c.Servers, log: c.Logger, opening: map[*session]bool{}}
}

// forgotten is how long after a failed Open the next one belongs to another outage.
const forgotten = time.Minute

// begin notes that Open waits for a session. The caller calls end when it has one, or has
// given up.
func (o *outage) begin(s *session) (end func(granted bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if len(o.opening) == 0 && now.Sub(o.failed) > forgotten {
		o.since, o.told = time.Time{}, false
	}
	if o.since.IsZero() {
		o.since = now
	}
	o.opening[s] = true
	alarm := time.AfterFunc(noSession, func() { o.tell(s) })
	return func(granted bool) { alarm.Stop(); o.end(s, granted) }
}

func (o *outage) tell(s *session) {
	o.mu.Lock()
	first, since := !o.told && o.opening[s], o.since
	o.told = o.told || first
	o.mu.Unlock()
	if first {
		o.log.Info("no session: waiting until a server grants one", "servers", strings.Join(o.servers, ","), "since", since, "error", s.failure())
	}
}

func (o *outage) end(s *session, granted bool) {
	o.mu.Lock()
	delete(o.opening, s)
	told, since := granted && o.told, o.since
	if granted {
		o.since, o.told = time.Time{}, false
	} else {
		o.failed = time.Now()
	}
	o.mu.Unlock()
	if told {
		o.log.Info("a server has granted a session", "session", fmt.Sprintf("0x%x", uint64(s.ID())), "after", time.Since(since))
	}
}

// Unreachable implements zkapi.Reporter.
func (d *Driver) Unreachable() *zkapi.Unreachable {
	d.outage.mu.Lock()
	defer d.outage.mu.Unlock()
	for s := range d.outage.opening {
		if why := s.Unreachable(); why != nil {
			return why
		}
	}
	return nil
}

// Unreachable implements zkapi.Reporter.
func (s *session) Unreachable() *zkapi.Unreachable {
	s.mu.Lock()
	up, over := s.up, s.cause != nil
	s.mu.Unlock()
	err := s.lastFailure()
	if up || over || err == nil {
		return nil
	}
	return &zkapi.Unreachable{Reason: err.Error()}
}

// failure is why there is no connection, for the log.
func (s *session) failure() string {
	if err := s.lastFailure(); err != nil {
		return err.Error()
	}
	return "no server has answered yet"
}

// isDown notes that the connection is lost. If it stays lost for a moment, the log says so.
// The caller holds the lock.
func (s *session) isDown() {
	since, change := time.Now(), s.change
	time.AfterFunc(noConnection, func() {
		s.mu.Lock()
		waits := !s.up && s.change == change && s.cause == nil
		if waits {
			s.toldSince = since
		}
		s.mu.Unlock()
		if waits {
			s.config.Logger.Info("the connection is lost: waiting until a server takes the session up again", "session", fmt.Sprintf("0x%x", uint64(s.ID())), "since", since, "error", s.failure())
		}
	})
}

// isUp notes that there is a connection, and returns what tells the log. The caller holds the
// lock, but not for that.
func (s *session) isUp() (tell func()) {
	since, id := s.toldSince, s.id
	s.toldSince = time.Time{}
	if since.IsZero() {
		return func() {}
	}
	return func() {
		s.config.Logger.Info("a server has taken the session up again", "session", fmt.Sprintf("0x%x", uint64(id)), "after", time.Since(since))
	}
}
