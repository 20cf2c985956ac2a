package election

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/elect"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/observe"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/sessions"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// standing is one campaign with the term that it brings, if it brings one. A thread of its own
// has the sessions: it waits to be elected, keeps the lease, and closes the session when the term
// is over, even if the owner of the term does not resign.
type standing struct {
	*Candidate
	under   context.Context // the term's context ends with it
	wanted  context.Context // ends when the campaign is given up
	stop    context.CancelCauseFunc
	decided zkapi.Signal // raised when there is a result
	over    zkapi.Source // fires when the thread has ended

	mu          sync.Mutex
	led         *Leadership // once elected
	err         error       // why there is no term
	finished    bool        // the thread has nothing left to do
	unconfirmed error       // what the end of the last session has brought
}

// run is the thread.
func (s *standing) run() {
	zkapi.DependsOn(s.env, s)
	each := sessions.Each{Recipe: "election", Role: "candidate", Env: s.env, Obs: s.obs, Memory: s.memory, Ended: s.noteEnd}
	err := each.Run(s.wanted, s.serve)
	s.mu.Lock()
	s.err, s.finished = err, true
	s.mu.Unlock()
	s.decided.Raise()
}

// serve is one session of a candidate: at most one term.
func (s *standing) serve(ctx context.Context, session fence.Session) (served bool, err error) {
	if err := s.prepare(ctx, session); err != nil {
		return false, err
	}
	c := elect.Candidate{
		Election: s.election, Env: s.env, Session: session, Obs: s.obs, Name: s.config.Name, Data: s.config.Data, Notices: &s.notices, Memory: s.memory,
		Record: func() ([]byte, string) { return s.config.record(s.env, session) },
	}
	if s.config.Queue {
		err := c.WaitInQueue(ctx)
		switch {
		case elect.Queueless(err):
			s.obs.Logger.WarnContext(ctx, "the candidate takes part in the election without the queue", "error", err)
		case err != nil:
			return false, err
		}
	}
	won, sent, err := c.Campaign(ctx)
	if err != nil {
		return false, err
	}
	s.lead(won, sent)
	return true, sessions.ErrStop
}

// prepare makes the parents of the election's znodes, and finds out whether this process may
// lead, before it waits for days.
func (s *standing) prepare(ctx context.Context, session fence.Session) error {
	step := func() error {
		for _, p := range s.config.parents() {
			zkapi.Checkpoint(s.env, "parents", session, p)
			if err := obstacle.Ensure(ctx, session, p, s.config.ACL); err != nil {
				return err
			}
		}
		zkapi.Checkpoint(s.env, "may lead", session)
		return s.election.MayLead(ctx, session)
	}
	return s.notices.Unobstructed(ctx, s.env, s.obs.Logger, retry.New(s.env, s.obs, "preparation of a candidate"), session, step)
}

// lead is the term, from the election until nothing can be written any more.
func (s *standing) lead(won term.Claim, sent time.Duration) {
	t := s.election.Begin(s.under, s.env, s.obs, won, sent, ErrLost)
	log, detached := s.obs.Logger, context.WithoutCancel(s.under)
	if !s.elected(&Leadership{s, t}) { // Campaign has returned without it
		_ = t.Resign(t.Holding)
		t.End(ErrResigned)
		return
	}
	log.InfoContext(detached, "elected", "epoch", t.Version, "session", observe.SessionText(t.Session.ID()))
	heartbeat := s.env.Spawn("heartbeat", t.Heartbeat)
	t.KeepLease()
	zkapi.Checkpoint(s.env, "end of term", t)
	if err := sessions.Close(detached, t.Session); err != nil { // before anything else is waited for: it holds the leader's znode
		log.InfoContext(detached, "the session may last until its timeout", "error", err)
	}
	_, _ = s.env.Wait(detached, heartbeat)
	log.InfoContext(detached, "the leadership is over", "epoch", t.Version, "led", s.env.Now().Sub(t.Began), "cause", context.Cause(t.Active))
}

// elected passes a term on to Campaign. It returns false if that does not wait for it any more.
func (s *standing) elected(l *Leadership) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted.Err() != nil {
		return false
	}
	s.led = l
	s.decided.Raise()
	return true
}

// result is that of the campaign.
func (s *standing) result() (*Leadership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.led == nil {
		return nil, s.err
	}
	return s.led, nil
}

// giveUp ends the campaign, or the context of the term that it has brought.
func (s *standing) giveUp(cause error) {
	s.mu.Lock()
	s.stop(cause)
	led := s.led
	s.mu.Unlock()
	if led != nil {
		led.term.Leave(cause)
	}
}

// hasEnded reports whether nothing is left of the campaign and its term.
func (s *standing) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

// ends reports whether the term is over, so that the thread ends without help.
func (s *standing) ends() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted.Err() != nil && s.led == nil || s.led != nil && s.led.term.Holding.Err() != nil
}

// noteEnd notes the result of a session's Close.
func (s *standing) noteEnd(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unconfirmed = nil
	if err != nil {
		s.unconfirmed = fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
}

// ended resigns a term that lasts, waits for the end of the thread, and returns whether the
// ensemble has confirmed the end of the session.
func (s *standing) ended(ctx context.Context) error {
	s.mu.Lock()
	led := s.led
	s.mu.Unlock()
	if led != nil {
		led.give(ctx)
	}
	zkapi.Checkpoint(s.env, "ended", ctx, s)
	if _, err := s.env.Wait(ctx, s.over); err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unconfirmed
}
