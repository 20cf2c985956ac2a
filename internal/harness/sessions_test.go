package harness

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
)

// runOn is a run that has an ensemble.
func runOn(t *testing.T, s *servers) *run {
	t.Helper()
	wire, err := record.CreateWire(filepath.Join(t.TempDir(), record.WireFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wire.Close() })
	r := &run{wire: wire, ensemble: &ensemble.Ensemble{}}
	for _, address := range s.addresses {
		r.ensemble.Servers = append(r.ensemble.Servers, &ensemble.Server{Address: address})
	}
	return r
}

// TestManySessionsEnd ends half of four sessions, on servers that end sessions and on
// some that only say so.
func TestManySessionsEnd(t *testing.T) {
	for _, immortal := range []bool{false, true} {
		s := startServers(t, 2)
		s.immortal = immortal
		r := runOn(t, s)
		for _, name := range []string{"master-1", "worker-1", "worker-2", "client-1"} {
			p := lineTo(t, s)
			p.name, p.exited = name, make(chan struct{})
			play(t, p.proxy)
			until(t, "a session", func() bool { session, ok := p.proxy.Session(); p.lives.Store(session.ID, 0); return ok })
			r.processes = append(r.processes, p)
		}
		d, err := r.many(t.Context(), nemesis.Fault{Pick: 2})
		if err != nil || d.target != "worker-2,client-1" {
			t.Fatalf("%q, %v", d.target, err)
		}
		if _, err := r.many(t.Context(), nemesis.Fault{}); err != nil {
			t.Errorf("the other half: %v", err)
		}
		if _, err := r.many(t.Context(), nemesis.Fault{}); err == nil {
			t.Error("all suffer already, and more were found")
		}
		if seen := d.probe(t.Context()); seen.effective {
			t.Errorf("before anything was done: %s", seen.text)
		}
		if err := d.apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen := d.probe(t.Context()); seen.effective == immortal {
			t.Errorf("immortal is %v: %s", immortal, seen.text)
		}
		if ended := strings.Split(d.session(), ","); len(ended) != 2 || ended[0] == ended[1] {
			t.Errorf("ended %v", ended)
		}
		d.done()
		if !r.processes[2].claim() || r.processes[0].claim() {
			t.Error("not those were released that suffered")
		}
	}
}

// TestTheftIsHeldAgainstTheOrder plants what lets the worker hear of the task.
func TestTheftIsHeldAgainstTheOrder(t *testing.T) {
	s := startServers(t, 1)
	r := runOn(t, s)
	over, alive := ensemble.Session{ID: 0x999}, ensemble.Session{ID: s.greet(0)}
	given := ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}}
	for what, c := range map[string]struct {
		theft theft
		want  bool
	}{
		"in order":            {theft{session: over, end: 8}, true},
		"the session lives":   {theft{session: alive, end: 8}, false},
		"the end comes first": {theft{session: over, end: 6}, false},
		"an answer passed":    {theft{session: over, end: 8, passed: 20}, false},
	} {
		c.theft.run, c.theft.given = r, given
		if seen := c.theft.probe(t.Context()); seen.effective != c.want {
			t.Errorf("%s: %s", what, seen.text)
		}
	}
}

// TestCoupIsHeldAgainstTheOrder plants what makes the end of the next master's session
// an ordinary one.
func TestCoupIsHeldAgainstTheOrder(t *testing.T) {
	s := startServers(t, 1)
	r := runOn(t, s)
	over, alive := ensemble.Session{ID: 0x999}, ensemble.Session{ID: s.greet(0)}
	for what, c := range map[string]struct {
		session ensemble.Session
		end     int64
		won     ensemble.Caught
		problem error
		want    bool
	}{
		"in order":             {session: over, end: 8, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}, Waiting: true}, want: true},
		"the session lives":    {session: alive, end: 8, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}, Waiting: true}},
		"the end comes first":  {session: over, end: 6, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}, Waiting: true}},
		"the end has no place": {session: over, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}, Waiting: true}, want: true},
		"a read has passed":    {session: over, end: 8, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}, Waiting: true, Passed: 1}},
		"there was no read":    {session: over, end: 8, won: ensemble.Caught{Exchange: ensemble.Exchange{Zxid: 7}}},
		"nobody was elected":   {session: over, problem: context.DeadlineExceeded},
	} {
		coup := &coup{run: r, winner: &process{name: "m"}, sessions: []ensemble.Session{c.session}, end: c.end, won: c.won, problem: c.problem}
		if seen := coup.probe(t.Context()); seen.effective != c.want {
			t.Errorf("%s: %s", what, seen.text)
		}
	}
}

// TestAnElectionThatIsAnsweredIsHeard: neither that nor one that did not come about is
// an election of which nobody was told.
func TestAnElectionThatIsAnsweredIsHeard(t *testing.T) {
	won := ensemble.Exchange{Zxid: 7}
	for what, c := range map[string]struct {
		won     ensemble.Caught
		problem error
		want    bool
	}{
		"unheard":            {won: ensemble.Caught{Exchange: won, Lost: true}, want: true},
		"answered":           {won: ensemble.Caught{Exchange: won}},
		"nobody was elected": {problem: context.DeadlineExceeded},
	} {
		coup := &coup{winner: &process{name: "m"}, won: c.won, problem: c.problem}
		if seen := coup.unanswered(); seen.effective != c.want {
			t.Errorf("%s: %s", what, seen.text)
		}
	}
}
