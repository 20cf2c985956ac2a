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
)

// director is a client: it asks for failovers, and looks who is active.
type director struct {
	participant
	group *standby.Group
	rng   *rand.Rand // of failovers
}

// The pauses of a client.
const (
	leastPause  = 700 * time.Millisecond // between two failovers
	mostPause   = 4 * time.Second
	lookPause   = 150 * time.Millisecond // between two looks
	lookPatient = 5 * time.Second
)

// direct is a client until it is told to drain.
func (p participant) direct(ctx context.Context) error {
	group, err := standby.NewGroup(p.Env, standby.GroupConfig{Layout: p.layout(), ACL: p.ACL(), Logger: p.Log})
	if err != nil {
		return err
	}
	d := director{p, group, rand.New(rand.NewPCG(p.Seed, uint64(p.Life)))}
	going, stop := context.WithCancel(ctx)
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { d.each(going, d.pause, func(ctx context.Context) { d.failover(ctx, d.wish()) }) })
	both.Go(func() { d.each(going, func() time.Duration { return lookPause }, d.look) })
	select {
	case <-ctx.Done():
	case <-p.Draining:
	}
	stop()
	both.Wait()
	d.last(ctx)
	return candidate.End(ctx, p.Participant, group.Close)
}

// each does something again and again.
func (d director) each(ctx context.Context, pause func() time.Duration, do func(context.Context)) {
	for ctx.Err() == nil {
		if _, err := d.Env.Wait(ctx, d.Env.Timer(pause())); err == nil {
			do(ctx)
		}
	}
}

func (d director) pause() time.Duration {
	return leastPause + time.Duration(d.rng.Int64N(int64(mostPause-leastPause)))
}

// wish draws the target of a failover: any, a candidate, or one that there is not.
func (d director) wish() (to string) {
	switch n := d.rng.IntN(10); {
	case n < 4:
		return ""
	case n == 4:
		return "candidate-none"
	}
	return fmt.Sprintf("%s-%d", Candidate, 1+d.rng.IntN(d.Candidates))
}

// last asks for a failover until one is done. So the run ends when a process is active that lives, and
// another one after it.
func (d director) last(ctx context.Context) {
	for ctx.Err() == nil && !d.failover(ctx, "") {
		_, _ = d.Env.Wait(ctx, d.Env.Timer(leastPause))
	}
}

// failover asks for a failover, and reports whether it was done.
func (d director) failover(ctx context.Context, to string) bool {
	limited, cancel := context.WithTimeout(ctx, time.Second+time.Duration(d.rng.Int64N(int64(7*time.Second))))
	defer cancel()
	began := d.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Failover, Of: note(0, history.Wish{To: to, Grace: grace})})
	now, err := d.group.Failover(limited, to)
	told := history.Told{Name: now.Name, Epoch: now.Epoch}
	outcome := record.Fail
	switch {
	case err == nil:
		outcome = record.OK
	case errors.Is(err, standby.ErrNoActive):
		told.Refusal = history.NoActive
	case errors.Is(err, standby.ErrNoCandidate):
		told.Refusal = history.NoCandidate
	case errors.Is(err, standby.ErrBusy):
		told.Refusal = history.Busy
	case errors.Is(err, standby.ErrElsewhere):
		told.Refusal = history.Elsewhere
	case !errors.Is(err, standby.ErrInDoubt) && limited.Err() != nil:
		told.Refusal = history.Withdrawn
	default:
		outcome = record.Info
	}
	d.Journal.Complete(began, outcome, failed(note(now.Epoch, told), err))
	if outcome == record.OK {
		d.heard(now)
	}
	return outcome == record.OK
}

// look looks who is active.
func (d director) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, lookPatient)
	defer cancel()
	began := d.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Look, Of: aside(nil)})
	now, err := d.group.Status(limited)
	if err != nil {
		d.Journal.Complete(began, record.Info, failed(aside(nil), err))
		return
	}
	d.Journal.Complete(began, record.OK, aside(history.Told{Name: now.Active.Name, Epoch: now.Active.Epoch, Ready: now.Ready}))
	d.heard(now.Active)
}

// heard notes the active that a client was told.
func (d director) heard(active standby.Member) {
	d.Journal.Add(record.Event{Type: record.Note, Kind: record.Heard, Of: record.Leader{Name: active.Name, Epoch: active.Epoch}})
}
