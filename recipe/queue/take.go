package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/once"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// resyncInterval is how often a Take that waits looks at the queue without an event.
const resyncInterval = 30 * time.Second

// MostAtOnce is how many items one write puts or takes at most.
const MostAtOnce = 100

// Take waits until this process holds the first free item, or until ctx ends. See the package's
// comment for the order.
//
// If ctx ends, Take returns its cause at once. If a claim is under way then, it is given up or
// deleted in the background, and the take may count for Config.MaxTakes. If the session ends,
// Take goes on with the next one. The item is not bound to ctx once it is taken.
//
// Errors that no wait cures are returned at once: ErrClosed, and refusals of the server
// (zkapi.Permanent).
func (q *Queue) Take(ctx context.Context) (*Taken, error) { return one(q.take(ctx, 1, true)) }

// TryTake is Take that does not wait for an item: it returns ErrEmpty if no item was free during
// the whole call. It still waits for a server, and for another Take of this Queue that is about to
// take an item.
func (q *Queue) TryTake(ctx context.Context) (*Taken, error) { return one(q.take(ctx, 1, false)) }

// TakeMany waits like Take for the first free item, and takes up to n items with one write, in
// the order of the queue: at most MostAtOnce, and as many as one request has room for. It returns
// one item or more.
func (q *Queue) TakeMany(ctx context.Context, n int) ([]*Taken, error) {
	if n < 1 || n > MostAtOnce {
		return nil, invalid("TakeMany of %d: use 1 to %d", n, MostAtOnce)
	}
	return q.take(ctx, n, true)
}

func one(all []*Taken, err error) (*Taken, error) {
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// search is one call of Take. It is a thread of its own, so that no request is given up when the
// caller does not wait any more: the thread learns what came of it, and deletes the claim. All that
// the thread depends on is in its fields.
type search struct {
	q       *Queue
	n       int
	waits   bool
	wanted  context.Context // ends when the caller does not wait any more, or the Queue is closed
	giveUp  context.CancelCauseFunc
	decided zkapi.Signal

	lanes  *once.Lanes
	view   *view
	fresh  bool // the lists must know of all that was written before
	chosen []candidate
	next   time.Time // when a delayed item is due
	single bool      // several of them are too large to be moved by one write

	watches []zkapi.Source // of the lists, as they were read last
	again   *retry.Step
	told    *retry.Told

	mu   sync.Mutex
	over bool // got and err are set
	gone bool // the caller is
	got  []*Taken
	err  error
}

// take has one search go on until it has an item.
func (q *Queue) take(ctx context.Context, n int, waits bool) ([]*Taken, error) {
	switch {
	case q == nil || q.env == nil:
		return nil, errZero
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	s := &search{q: q, n: n, waits: waits, decided: q.env.Signal()}
	s.again = retry.New(q.env, q.obs, "look at a queue")
	s.told = retry.NewTold(q.env, q.obs, role)
	s.wanted, s.giveUp = context.WithCancelCause(q.life())
	q.env.Spawn("take", s.run)
	zkapi.Checkpoint(q.env, "take", ctx, s)
	_, err := q.env.Wait(ctx, s.decided)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		s.giveUp(nil)
		return s.got, s.err
	}
	s.gone = true
	s.giveUp(err)
	return nil, q.shared.Explained(err)
}

// run is the thread.
func (s *search) run() {
	zkapi.DependsOn(s.q.env, s)
	got, err := s.search()
	s.told.GiveUp()
	s.mu.Lock()
	s.got, s.err, s.over = got, err, true
	gone := s.gone
	s.mu.Unlock()
	s.decided.Raise()
	if gone {
		for _, t := range got {
			t.letGo(ErrReleased)
			_ = t.drop()
		}
	}
}

// search looks for items on one session after the other.
func (s *search) search() ([]*Taken, error) {
	for {
		lanes, err := s.q.writer(s.wanted)
		if err != nil {
			return nil, err
		}
		if err := s.q.turn.take(s.wanted, s.q.env); err != nil {
			return nil, err
		}
		s.lanes, s.view, s.fresh = lanes, s.q.viewOf(lanes.Session), true
		got, err := s.onSession()
		if err == nil || s.wanted.Err() != nil || !errors.Is(err, zkapi.ErrSessionEnded) && !errors.Is(err, term.ErrFenced) {
			return got, err
		}
		s.q.obs.Logger.WarnContext(s.wanted, "a consumer goes on with the next session", "path", s.q.path, "error", err)
	}
}

// onSession looks for items on one session. It has the turn, and gives it back.
func (s *search) onSession() ([]*Taken, error) {
	mine := true
	defer func() {
		if mine {
			s.q.turn.leave()
		}
	}()
	for {
		err := s.again.OnDisconnect(s.wanted, s.lanes.Session, func() error { return s.q.read(s.wanted, s.view, s.fresh) })
		if err != nil {
			return nil, err
		}
		s.fresh = false
		changed, err := s.hasten()
		if err != nil {
			return nil, err
		}
		if changed {
			continue
		}
		got, changed, err := s.claim()
		switch {
		case err != nil || len(got) > 0:
			return got, err
		case changed:
			continue
		case !s.waits:
			return nil, ErrEmpty
		}
		v := s.view
		s.watches = fence.Sources(v.entries.watch, v.taken.watch, v.delayed.watch, v.reconnected)
		mine = false
		s.q.turn.leave()
		if err := s.await(); err != nil {
			return nil, err
		}
		if err := s.q.turn.take(s.wanted, s.q.env); err != nil {
			return nil, err
		}
		mine = true
	}
}

// await waits until a list may have changed, or a delayed item is due.
func (s *search) await() error {
	if !s.told.Said() {
		s.told.Tell(s.wanted, "waiting for an item", "path", s.q.path)
	}
	pause := resyncInterval
	if !s.next.IsZero() {
		pause = min(pause, max(s.next.Sub(s.q.env.Now()), time.Millisecond))
	}
	session := s.lanes.Session
	zkapi.Checkpoint(s.q.env, "wait for an item")
	_, err := s.q.env.Wait(s.wanted, append(s.watches, session.Done(), s.q.env.Timer(pause))...)
	if err == nil && session.Done().Fired() {
		err = session.Cause()
	}
	return err
}
