package workload

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	group "github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/internal/store/history"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/recipe/store"
	"github.com/ringmaster-zk/ringmaster/record"
)

// manager is what a candidate makes active. Its methods are the hooks of the recipe, which calls one at a
// time.
type manager struct {
	participant
	active *standby.Active
	term   record.Event // the beginning of the time in which it is active; of no kind if it is not
	store  *store.ZooKeeper
	book   *book // what it knows of the records

	mu   sync.Mutex
	work *work            // nil while it does nothing
	last *store.ZooKeeper // that was opened and is not closed
	over bool             // the life is over
}

// manage is a manager until ctx ends.
func (p participant) manage(ctx context.Context) error {
	m := &manager{participant: p}
	c, err := standby.New(p.Env, standby.Config{
		Layout: p.group(), Name: p.Name, Data: []byte(group.DataOf(p.alive())), ACL: p.ACL(), Logger: p.Log,
		BecomeActive: m.becomeActive, BecomeStandby: m.becomeStandby, EnterNeutral: func(context.Context) { m.halt() }, Fence: m.fence,
		FenceAttempts: fenceAttempts, FenceTimeout: fenceTimeout, FencePause: fencePause, RetryPause: retryPause,
		StandbyTimeout: standbyTimeout, HealthInterval: healthInterval, HealthTimeout: healthTimeout, Grace: grace,
	})
	if err != nil {
		return err
	}
	defer m.end()
	return candidate.Serve(ctx, p.Participant, c)
}

// becomeActive opens the store, loads all records, and begins to keep applications.
func (m *manager) becomeActive(ctx context.Context, a *standby.Active) error {
	if m.active == a && m.book != nil {
		m.begin()
		return nil
	}
	m.active, m.book = a, nil
	m.term = m.Journal.Add(record.Event{Type: record.Invoke, Kind: record.Lead, Of: record.Term{Epoch: a.Epoch()}})
	if err := m.open(ctx, a); err != nil {
		return err
	}
	records, err := m.load(ctx)
	if err != nil {
		return err
	}
	if m.book, err = bookOf(records); err != nil {
		return err
	}
	// The record says that this manager has loaded all others.
	if _, err := m.apply(ctx, store.Put(history.Serving, []byte(strconv.Itoa(int(m.store.Epoch()))), store.Any)); err != nil {
		m.book = nil
		return err
	}
	m.begin()
	return nil
}

// becomeStandby ends all that goes on.
func (m *manager) becomeStandby(ctx context.Context) error {
	m.halt()
	m.has(context.WithoutCancel(ctx), nil)
	m.store, m.book = nil, nil
	if m.term.Kind != "" {
		m.Journal.Complete(m.term, record.OK, record.Term{Epoch: m.active.Epoch(), Cause: fmt.Sprint(context.Cause(m.active.Context()))})
		m.term = record.Event{}
	}
	return nil
}

// has notes the store that the manager has now, and closes the one before.
func (m *manager) has(ctx context.Context, s *store.ZooKeeper) {
	m.mu.Lock()
	before := m.last
	m.last = s
	if m.over {
		before, m.last = s, nil
	}
	m.mu.Unlock()
	m.close(ctx, before)
}

// close closes a store, if there is one.
func (m *manager) close(ctx context.Context, s *store.ZooKeeper) {
	if s == nil {
		return
	}
	closing, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if err := s.Close(closing); err != nil {
		m.Log.Info("the session may live on until its timeout", "error", err)
	}
}

// end ends all that the manager does, with its process.
func (m *manager) end() {
	m.mu.Lock()
	s := m.last
	m.last, m.over = nil, true
	m.mu.Unlock()
	m.halt()
	ended, cancel := context.WithCancel(context.Background())
	cancel() // nothing is sent any more
	m.close(ended, s)
}

// fence ends the life that a breadcrumb names, by the power switch.
func (m *manager) fence(ctx context.Context, old standby.Breadcrumb) error {
	life, named := group.ParseData(string(old.Data))
	switch {
	case !named:
		return fmt.Errorf("the breadcrumb %q names no life", old.Data)
	case life == m.alive():
		return nil
	}
	return m.PowerOff(ctx, life)
}

// work is what a manager does while it is active.
type work struct {
	stop context.CancelFunc
	over sync.WaitGroup
}

// begin begins to keep applications. It does not heed the end of the term: the store must.
func (m *manager) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.work != nil || m.over {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	m.work = &work{stop: stop}
	for i := range lanes {
		l := m.lane(i)
		m.work.over.Go(func() { l.run(ctx) })
	}
}

// halt ends that, and returns when the last call is over.
func (m *manager) halt() {
	m.mu.Lock()
	w := m.work
	m.work = nil
	m.mu.Unlock()
	if w != nil {
		w.stop()
		w.over.Wait()
	}
}
