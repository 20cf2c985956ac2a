package workload

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/standby"
	"github.com/ringmaster-zk/ringmaster/record"
)

// The pauses of an operator between two failovers, and how long it waits for one.
const (
	leastPause   = 2 * time.Second
	mostPause    = 7 * time.Second
	failoverTime = 5 * time.Second
)

// operate is an operator until it is told to drain. Its failovers are not judged here: they are a reason for a
// manager to stop in good order.
func (p participant) operate(ctx context.Context) error {
	group, err := standby.NewGroup(p.Env, standby.GroupConfig{Layout: p.group(), ACL: p.acl(), Logger: p.Log})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(p.Seed, uint64(p.Life)))
	going, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for going.Err() == nil {
			pause := leastPause + time.Duration(rng.Int64N(int64(mostPause-leastPause)))
			if _, err := p.Env.Wait(going, p.Env.Timer(pause)); err != nil {
				return
			}
			limited, cancel := context.WithTimeout(going, failoverTime)
			now, err := group.Failover(limited, "")
			cancel()
			if err != nil {
				p.Log.Info("no failover", "error", err)
				continue
			}
			p.Journal.Add(record.Event{Type: record.Note, Kind: record.Heard, Of: record.Leader{Name: now.Name, Epoch: now.Epoch}})
		}
	}()
	select {
	case <-ctx.Done():
	case <-p.Draining:
	}
	stop()
	<-over
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if ctx.Err() != nil {
		cancel() // nothing is sent any more
	}
	if err := group.Close(closing); err != nil {
		p.Log.Info("the session may live on until its timeout", "error", err)
	}
	return context.Cause(ctx)
}
