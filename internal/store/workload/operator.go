package workload

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/candidate"
	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/record"
)

// The pauses of an operator between two failovers, and how long it waits for one.
const (
	leastPause   = 2 * time.Second
	mostPause    = 7 * time.Second
	failoverTime = 5 * time.Second
)

// operator asks for failovers. They are not judged here: they are a reason for a manager to stop in good
// order.
type operator struct {
	participant
	group *standby.Group
}

// operate is an operator until it is told to drain. Then it asks until one more failover is done, so that a
// manager loads what another one has kept, whatever the faults were.
func (p participant) operate(ctx context.Context) error {
	group, err := standby.NewGroup(p.Env, standby.GroupConfig{Layout: p.group(), ACL: p.ACL(), Logger: p.Log})
	if err != nil {
		return err
	}
	o := operator{p, group}
	going, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan struct{})
	go func() {
		defer close(over)
		o.repeat(going)
	}()
	select {
	case <-ctx.Done():
	case <-p.Draining:
	}
	stop()
	<-over
	for failures := 1; ctx.Err() == nil && !o.failover(ctx); failures++ {
		p.Pause(ctx, failures)
	}
	return candidate.End(ctx, p.Participant, group.Close)
}

// repeat asks for failovers until ctx ends.
func (o operator) repeat(ctx context.Context) {
	rng := rand.New(rand.NewPCG(o.Seed, uint64(o.Life)))
	for ctx.Err() == nil {
		pause := leastPause + time.Duration(rng.Int64N(int64(mostPause-leastPause)))
		if _, err := o.Env.Wait(ctx, o.Env.Timer(pause)); err == nil {
			o.failover(ctx)
		}
	}
}

// failover asks for one, and reports whether it was done.
func (o operator) failover(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, failoverTime)
	defer cancel()
	now, err := o.group.Failover(limited, "")
	if err != nil {
		o.Log.Info("no failover", "error", err)
		return false
	}
	o.Journal.Add(record.Event{Type: record.Note, Kind: record.Heard, Of: record.Leader{Name: now.Name, Epoch: now.Epoch}})
	return true
}
