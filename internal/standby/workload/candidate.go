package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
)

// server is what a candidate makes active: something that acts on the outside. Its methods are the
// hooks of the recipe.
type server struct {
	participant
	mood *mood
	gone chan struct{} // closed when the candidate has ended

	mu     sync.Mutex
	rng    *rand.Rand // of what goes wrong
	active *standby.Active
	term   record.Event // the beginning of the time in which the server is active; of no kind if it is not
	work   *work        // nil while the server does nothing
	n      int          // of the last entry; used by the work alone
}

// stand is a candidate until ctx ends.
func (p participant) stand(ctx context.Context) error {
	s := &server{participant: p, rng: rand.New(rand.NewPCG(p.Seed, uint64(p.Life))), mood: newMood(p), gone: make(chan struct{})}
	c, err := standby.New(p.Env, standby.Config{
		Layout: p.layout(), Name: p.Name, Data: []byte(history.DataOf(p.alive())), ACL: p.ACL(), Logger: p.Log,
		BecomeActive: s.becomeActive, BecomeStandby: s.becomeStandby, EnterNeutral: s.enterNeutral, Fence: s.fence, Health: s.health,
		FenceAttempts: fenceAttempts, FenceTimeout: fenceTimeout, FencePause: fencePause, RetryPause: retryPause,
		StandbyTimeout: standbyTimeout, HealthInterval: healthInterval, HealthTimeout: healthTimeout, Grace: grace,
	})
	if err != nil {
		return err
	}
	defer close(s.gone)
	defer s.halt() // with the process ends all that it does
	return candidate.Serve(ctx, p.Participant, c)
}

// one reports whether this happens now, one time in n.
func (s *server) one(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.IntN(n) == 0
}

// becomeActive begins to act. Now and then it fails half way: then the server acts all the same, until it
// has become standby.
func (s *server) becomeActive(_ context.Context, a *standby.Active) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term.Kind != "" && s.active == a {
		s.Journal.Add(record.Event{Type: record.Note, Kind: history.Again, Of: note(a.Epoch(), nil)})
		s.begin()
		return nil
	}
	s.active = a
	s.term = s.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Lead, Of: record.Term{Epoch: a.Epoch()}})
	go s.follow(a)
	s.begin()
	if s.rng.IntN(20) == 0 {
		return errors.New("the server did not start")
	}
	return nil
}

// follow notes the end of the term.
func (s *server) follow(a *standby.Active) {
	select {
	case <-s.gone:
		return
	case <-a.Context().Done():
	}
	s.Journal.Add(record.Event{Type: record.Note, Kind: history.Over, Of: failed(note(a.Epoch(), s.ended(a)), context.Cause(a.Context()))})
}

// ended says which term has ended, and why.
func (s *server) ended(a *standby.Active) history.Ended {
	if a == nil {
		return history.Ended{}
	}
	e := history.Ended{Epoch: a.Epoch(), Why: history.Other}
	cause := context.Cause(a.Context())
	for _, known := range []struct {
		err error
		why history.Why
	}{
		{standby.ErrUnhealthy, history.Unhealthy}, {standby.ErrHandedOver, history.HandedOver}, {standby.ErrNotActivated, history.NotActivated},
		{standby.ErrLost, history.Lost}, {standby.ErrClosed, history.Left}, {subject.ErrLeave, history.Left},
	} {
		if errors.Is(cause, known.err) {
			e.Why = known.why
			break
		}
	}
	return e
}

// enterNeutral stops all acts until the server is active again.
func (s *server) enterNeutral(context.Context) {
	s.halt()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Journal.Add(record.Event{Type: record.Note, Kind: history.Neutral, Of: note(s.active.Epoch(), nil)})
}

// becomeStandby ends all acts. Now and then it fails, and the server goes on as before; or it hangs.
func (s *server) becomeStandby(ctx context.Context) error {
	s.mu.Lock()
	of, acts := s.active, s.term.Kind != ""
	if !acts {
		of = nil
	}
	s.mu.Unlock()
	began := s.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Standby, Of: note(of.Epoch(), s.ended(of))})
	var err error
	switch {
	case s.one(12):
		err = errors.New("the server did not stop")
	case s.one(40):
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	if err != nil {
		s.Journal.Complete(began, record.Fail, failed(note(of.Epoch(), s.ended(of)), err))
		return err
	}
	s.halt()
	s.late(of)
	s.mu.Lock()
	defer s.mu.Unlock()
	if acts {
		s.Journal.Complete(s.term, record.OK, record.Term{Epoch: of.Epoch(), Cause: fmt.Sprint(context.Cause(of.Context()))})
		s.term = record.Event{}
	}
	s.Journal.Complete(began, record.OK, note(of.Epoch(), s.ended(of)))
	return nil
}

// late is one more write of a server that is slow to stop: the fence must refuse it if another process
// has won the lock by then.
func (s *server) late(of *standby.Active) {
	if of == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lateWrite)
	defer cancel()
	candidate.Enter(ctx, s.Participant, of.Write, candidate.Entry{Epoch: of.Epoch(), N: candidate.LateEntry})
}

// lateWrite is how long the last write of a term is tried.
const lateWrite = 100 * time.Millisecond

// fence ends the life that a breadcrumb names, by the power switch. The own life has become standby, or
// this hook would not be called.
func (s *server) fence(ctx context.Context, old standby.Breadcrumb) error {
	own := note(0, history.Fenced{Old: string(old.Data), Same: old.Same})
	own.ID = string(old.Data)
	began := s.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Fence, Of: own})
	err := s.powerOff(ctx, string(old.Data))
	outcome := record.OK
	if err != nil {
		outcome = record.Fail
	}
	s.Journal.Complete(began, outcome, failed(own, err))
	return err
}

func (s *server) powerOff(ctx context.Context, old string) error {
	life, named := history.ParseData(old)
	switch {
	case !named:
		return fmt.Errorf("the breadcrumb %q names no life", old)
	case life == s.alive():
		return nil
	}
	return s.PowerOff(ctx, life)
}

// work is what a server does while it acts.
type work struct {
	stop context.CancelFunc
	over chan struct{}
}

// begin begins to act. The caller has the lock.
func (s *server) begin() {
	if s.work != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &work{stop: stop, over: make(chan struct{})}
	s.work = w
	a := s.active
	go func() {
		defer close(w.over)
		s.act(ctx, a)
	}()
}

// halt ends all acts, and returns when the last one is over.
func (s *server) halt() {
	s.mu.Lock()
	w := s.work
	s.work = nil
	s.mu.Unlock()
	if w != nil {
		w.stop()
		<-w.over
	}
}

// actsEach is how many writes to the ledger there are for one act on the outside.
const actsEach = 3

// act acts on the outside, without a token, and writes to the ledger, until it is told to stop. It does not
// heed the end of the term: the hook that fences must not rely on that.
func (s *server) act(ctx context.Context, a *standby.Active) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / s.Rate))
	defer ticker.Stop()
	for ctx.Err() == nil {
		s.n++
		candidate.Enter(ctx, s.Participant, a.Write, candidate.Entry{Epoch: a.Epoch(), N: s.n})
		if s.n%actsEach == 1 {
			_ = s.Effect(subject.Effect{Object: history.Group, ID: history.DataOf(s.alive()), Text: fmt.Sprintf("act in epoch %d", a.Epoch())}) // the journal of the sink has it
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
