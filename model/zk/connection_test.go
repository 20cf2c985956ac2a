package zk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// patience is the session timeout of these tests.
const patience = 10 * time.Second

// owner opens a session that has the ephemeral /e.
func owner(t *testing.T, server *Server) *Session {
	t.Helper()
	s := server.Open()
	do(t, s, zkapi.Create("/e", nil, zkapi.Ephemeral))
	return s
}

// alive checks for whom a session is alive.
func alive(t *testing.T, s *Session, forOwner, atServer bool) {
	t.Helper()
	_, err := s.server.Tree().Node("/e")
	if found := err == nil; found != atServer {
		t.Errorf("the server has the session: %v, want %v", found, atServer)
	}
	if ended := s.Cause() != nil; ended == forOwner || s.Done().Fired() != ended {
		t.Errorf("for its owner the session has ended: %v, %v", ended, s.Cause())
	}
}

// TestSession_ComesBackBeforeItsLeaseIsOver cuts connections for different times. The session
// goes on if it comes back before the owner gives up, and both clocks begin anew.
func TestSession_ComesBackBeforeItsLeaseIsOver(t *testing.T) {
	for _, lasts := range []time.Duration{0, patience / 2, patience * 2 / 3, patience * 4 / 5, zkapi.SessionLease(patience) - 1} {
		synctest.Test(t, func(t *testing.T) {
			s := owner(t, NewServer(patience))
			for range 3 {
				s.Cut()
				time.Sleep(lasts)
				s.Mend()
				synctest.Wait()
				alive(t, s, true, true)
			}
			time.Sleep(patience)
			alive(t, s, true, true)
			do(t, s, zkapi.Set("/e", nil, zkapi.AnyVersion))
		})
	}
}

// TestSession_EndsForItsOwnerAndThenAtTheServer leaves a connection cut: the owner gives up when
// its lease is over, and the server ends the session at the timeout, and not before. A
// connection that could be mended meanwhile changes nothing.
func TestSession_EndsForItsOwnerAndThenAtTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := owner(t, NewServer(patience))
		time.Sleep(time.Minute)
		s.Cut()
		time.Sleep(zkapi.SessionLease(patience) - 1)
		alive(t, s, true, true)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		alive(t, s, false, true)
		s.Mend()
		time.Sleep(patience - zkapi.SessionLease(patience) - 1)
		alive(t, s, false, true)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		alive(t, s, false, false)
		if _, err := s.Do(t.Context(), zkapi.Exists("/")); !errors.Is(err, zkapi.ErrSessionEnded) {
			t.Errorf("a request of a session that was given up: %v", err)
		}
	})
}

// TestSession_CountsFromWhenItWasHeard cuts a session off that the leader has not heard of for
// a while: the leader's clock has begun earlier than the owner's.
func TestSession_CountsFromWhenItWasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := owner(t, NewServer(patience))
		s.Strand()
		time.Sleep(4 * time.Second)
		s.Cut()
		time.Sleep(patience - 4*time.Second)
		synctest.Wait()
		alive(t, s, true, false)
		s.Mend()
		alive(t, s, false, false)
	})
}

// TestSession_LeavesAServerThatIsCutOff moves a session away from such a server: it is heard
// again, and the time before does not count.
func TestSession_LeavesAServerThatIsCutOff(t *testing.T) {
	for name, leave := range map[string]func(*Session){
		"move": (*Session).Move, "mend": func(s *Session) { s.Cut(); s.Mend() }, "unstrand": (*Session).Unstrand,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := owner(t, NewServer(patience))
			s.Strand()
			time.Sleep(patience - 1)
			leave(s)
			time.Sleep(patience)
			alive(t, s, true, true)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.Do(ctx, zkapi.Set("/e", nil, 0)); err != nil {
				t.Errorf("%s: a write after it: %v", name, err)
			}
		})
	}
}

// TestSession_OutlivesATimerThatComesLate has timers of an earlier cut that are about to look at
// the session when its connection is back, and when it is cut again.
func TestSession_OutlivesATimerThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := owner(t, NewServer(patience))
		s.Cut()
		time.Sleep(zkapi.SessionLease(patience) - 1)
		s.Mend()
		s.expire()
		s.lapse()
		time.Sleep(2 * patience)
		alive(t, s, true, true)
		s.Cut()
		s.expire()
		s.lapse()
		alive(t, s, true, true)
		s.Mend()
	})
}

// TestSession_CountsByTheGrantedTimeout moves to servers that grant less, and then more. The
// server counts by what it has granted, and the owner by the smallest.
func TestSession_CountsByTheGrantedTimeout(t *testing.T) {
	for _, grants := range [][]time.Duration{{patience / 5}, {patience / 5, patience}, {patience * 2}} {
		synctest.Test(t, func(t *testing.T) {
			s := owner(t, NewServer(patience))
			least, last := patience, patience
			for _, granted := range grants {
				s.MoveTo(granted)
				least, last = min(least, granted), granted
			}
			if got := s.Timeout(); got != least {
				t.Errorf("%v: the owner counts by %v", grants, got)
			}
			s.Cut()
			time.Sleep(zkapi.SessionLease(least))
			synctest.Wait()
			alive(t, s, false, true)
			time.Sleep(last - zkapi.SessionLease(least) - 1)
			alive(t, s, false, true)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			alive(t, s, false, false)
		})
	}
}

// TestSession_AbandonLeavesItToTheServer: the owner is gone at once, and the server finds out at
// the timeout.
func TestSession_AbandonLeavesItToTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := owner(t, NewServer(patience))
		s.Abandon()
		time.Sleep(patience - 1)
		alive(t, s, false, true)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		alive(t, s, false, false)
	})
}

// TestSession_LagMovesItsWatches has two sessions that watch one znode. One of them lags: its
// watch fires when its server catches up, and is set there once. The other one is not disturbed.
func TestSession_LagMovesItsWatches(t *testing.T) {
	server := NewServer(time.Hour)
	a, b := server.Open(), server.Open()
	ofA, ofB := listen(a), listen(b)
	do(t, b, zkapi.Create("/a", nil, zkapi.Persistent))
	do(t, a, zkapi.Get("/a").Watched())
	do(t, b, zkapi.Get("/a").Watched())
	a.Lag()
	do(t, b, zkapi.Set("/a", nil, 0))
	expect(t, ofA)
	expect(t, ofB, Event{NodeDataChanged, "/a"})
	a.CatchUp()
	expect(t, ofA, Event{NodeDataChanged, "/a"})
	do(t, a, zkapi.Get("/a").Watched())
	a.Lag()
	a.CatchUp()
	do(t, b, zkapi.Set("/a", nil, 1))
	expect(t, ofA, Event{NodeDataChanged, "/a"})
	do(t, b, zkapi.Set("/a", nil, 2))
	expect(t, ofA)
	expect(t, ofB)
}
