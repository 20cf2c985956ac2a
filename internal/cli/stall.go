package cli

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
)

const (
	lookTick  = time.Second // how long a result may not come before the first look for the reason
	lookEvery = 5           // ticks from one look to the next
)

// stall says on standard error that nobody assigns or executes the tasks whose results a
// command waits for, and when that is over. If a result does not come although nothing is
// missing, it says once how to find out why: a process may be dead or frozen, and its session
// not over yet.
type stall struct {
	ready func(context.Context) (recipe.Readiness, error)
	say   func(text string)

	awaited atomic.Int32 // results
	told    string       // what is missing
	idle    int          // looks in a row at which nothing was missing
}

// await waits for a result. If the task has failed, it adds the reason of its last attempt.
func (s *stall) await(ctx context.Context, c *recipe.Client, task string) (recipe.Status, error) {
	s.awaited.Add(1)
	defer s.awaited.Add(-1)
	status, err := c.Await(ctx, task)
	if err != nil {
		return status, err
	}
	return c.WithReason(ctx, task, status), nil
}

// watch looks until stop is called.
func (s *stall) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { s.run(ctx) })
	return func() { cancel(); work.Wait() }
}

func (s *stall) run(ctx context.Context) {
	for rest := 0; ; rest-- {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookTick):
		}
		if s.awaited.Load() == 0 || rest > 0 {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, lookEvery*lookTick)
		ready, err := s.ready(limited)
		cancel()
		if err == nil { // otherwise the log says why there is no answer
			s.tell(ready)
		}
		rest = lookEvery
	}
}

// tell says what is missing, once, and when nothing is missing any more.
func (s *stall) tell(r recipe.Readiness) {
	missing := ""
	switch {
	case !r.Leads && !r.Works:
		missing = "no master leads and no worker is registered: nothing is executed until both are started"
	case !r.Leads:
		missing = "no master leads: nothing is assigned until one is started"
	case !r.Works:
		missing = "no worker is registered: nothing is executed until one is started"
	}
	s.idle++
	if missing != "" {
		s.idle = 0
	}
	const patience = 2 // looks
	switch {
	case missing == s.told && s.idle == patience:
		s.say("no result yet: ringmaster explain TASK says why, and ringmaster status who is there")
	case missing == s.told:
	case missing == "":
		s.say("a master leads, and a worker is registered")
	default:
		s.say(missing)
	}
	s.told = missing
}
