package zkclient

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow is an ensemble whose leader makes so many sessions at a time, and takes so long for each. It
// makes also those whose clients have gone.
func slow(each time.Duration, atOnce int) *ensembleOf {
	var sessions atomic.Int64
	leader := make(chan struct{}, atOnce)
	script := func(c net.Conn) {
		if _, err := readPacket(c); err != nil {
			return
		}
		leader <- struct{}{}
		<-time.After(each)
		<-leader
		welcome(c, sessions.Add(1), 3000)
		answer(c, func(int32) {})
	}
	return &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": script, "10.0.0.2:2181": script, "10.0.0.3:2181": script}}
}

var ofThree = Config{Servers: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, SessionTimeout: 3 * time.Second}

// TestSlowness_ServersGetMoreTime: servers that take three times as long for a handshake as a try usually
// may grant a session in the first call of Open, and the next one at the first try.
func TestSlowness_ServersGetMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 3 * usualTry
		e := slow(each, 100)
		d := e.driver(t, ofThree, nil)
		_, took := openIn(t, d)
		before := len(e.tried())
		if took > patience || before > 7 {
			t.Errorf("a session came after %v and %d tries", took, before)
		}
		if _, took := openIn(t, d); took > each || len(e.tried()) != before+1 {
			t.Errorf("the next session came after %v and %d tries", took, len(e.tried())-before)
		}
	})
}

// TestSlowness_OverloadedServersRecover: many processes begin at once. If each gives its tries up
// before they are answered, the leader makes only sessions that are not needed any more.
func TestSlowness_OverloadedServersRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const processes, each = 10, 250 * time.Millisecond
		e := slow(each, 1)
		var opening sync.WaitGroup
		began := time.Now()
		for range processes {
			d := e.driver(t, ofThree, nil)
			opening.Go(func() {
				for {
					s, err := d.Open(t.Context())
					if err == nil {
						t.Cleanup(func() { _ = s.Close(context.Background()) })
						return
					}
					if time.Since(began) > 5*time.Minute {
						t.Error(err)
						return
					}
				}
			})
		}
		opening.Wait()
		if took, tries := time.Since(began), len(e.tried()); took > 15*time.Second || tries > 5*processes {
			t.Errorf("%d processes have their sessions after %v and %d tries", processes, took, tries)
		}
		t.Cleanup(func() { time.Sleep(time.Minute) }) // until the last script has ended
	})
}

// TestSlowness_EndsWithAQuickAnswer: as soon as a server answers as usual, tries have their usual time.
func TestSlowness_EndsWithAQuickAnswer(t *testing.T) {
	var learned atomic.Int32
	s := slowness{learned: &learned}
	const usual = time.Second
	for range 3 {
		s.isSilent()
		s.pauses()
	}
	s.pauses() // in this round no server was silent
	if s.doubled() != 3 || learned.Load() != 0 {
		t.Errorf("doubled %d times, learned %d", s.doubled(), learned.Load())
	}
	s.isSilent()
	s.givenUp()
	if s.doubled() != 4 || learned.Load() != 4 {
		t.Errorf("given up: doubled %d times, learned %d", s.doubled(), learned.Load())
	}
	for took, want := range map[time.Duration]int{usual / 2: 0, usual: 1, 3 * usual: 3, time.Hour: mostDoubled} {
		s.answered(took, usual)
		if s.doubled() != want || int(learned.Load()) != want {
			t.Errorf("answered in %v: doubled %d times, learned %d", took, s.doubled(), learned.Load())
		}
	}
	if n := s.pauses(); n != 1 {
		t.Errorf("%d pauses since the last answer", n)
	}
}

// TestSlowness_PausesGrow: rounds of tries that servers end at once are further apart each time.
// While there is a session, the pauses leave most of its lease.
func TestSlowness_PausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensembleOf{serves: map[string]func(net.Conn){"10.0.0.1:2181": endsConnections}}
		_ = refused(t.Context(), e.driver(t, Config{Servers: []string{"10.0.0.1"}, SessionTimeout: time.Second}, nil))
		if n := len(e.tried()); n < 10 || n > 20 {
			t.Errorf("%d connections in %v", n, patience)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		const timeout = 4 * time.Second
		var serving sync.Map
		e := &ensembleOf{}
		e.serves = map[string]func(net.Conn){"10.0.0.1:2181": func(c net.Conn) {
			if _, ends := serving.Load("ends"); ends {
				endsConnections(c)
				return
			}
			serving.Store("drop", func() { _ = c.Close() })
			serves(uint32(timeout.Milliseconds()))(c)
		}}
		s, _ := openIn(t, e.driver(t, Config{Servers: []string{"10.0.0.1"}, SessionTimeout: timeout}, nil))
		serving.Store("ends", true)
		drop, _ := serving.Load("drop")
		drop.(func())()
		time.Sleep(timeout * 8 / 10)
		serving.Delete("ends")
		time.Sleep(timeout)
		if n := len(e.tried()); s.Done().Fired() || n < 6 || n > 16 {
			t.Errorf("%d connections; %v", n, s.Cause())
		}
	})
}
