// Package workload is what the users of the primitives do in a run. Each user has one loop for each
// object: it adds to a counter, takes blocks of numbers, changes a value, moves money between accounts
// and audits them, sets and lifts a barrier and waits for it, goes in and out of a double barrier, and
// takes a lease, under which it writes.
package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// User is the name of the only role.
const User = "user"

// Sessions is how many sessions a user has: one for each package.
const Sessions = 4

// New is the workload of the primitives.
func New() subject.Workload {
	return subject.Workload{
		Roles: []subject.Role{
			{Name: User, Explain: "processes that share counters, values, accounts, barriers and a lease", Count: 3, Least: 2, Most: 50, Works: true, Submits: true},
		},
		Rate: "calls that all users together begin in a second",
		Options: func(r subject.Run) any {
			return settings{Rate: r.Rate / float64(r.Counts[User]*len(loops)), Fill: max(2, r.Counts[User]-1)}
		},
		Play:  play,
		Tree:  nemesis.Recipe{Changing: history.Round},
		Roots: history.Roots,
	}
}

// settings are what all participants of a run get to know.
type settings struct {
	Rate float64 `json:"rate"` // of one loop, per second
	Fill int     `json:"fill"` // how many users make a round
}

// user is one participant.
type user struct {
	subject.Participant
	settings
	values   *value.Values
	space    *stm.Space
	barriers *barrier.Barriers
	leases   *lease.Leases

	// Each of one loop alone.
	leftRound       bool // in this life
	moves, passages int  // that were done since the user drains
}

// loop is what a user does with one object.
type loop struct {
	object string
	turn   func(u *user, ctx context.Context, rng *rand.Rand, id string) (done bool)
	last   int // how many calls it makes when all faults are healed, each until it is done
}

// loops are those of every user.
var loops = []loop{
	{history.Sum, (*user).add, 1}, {history.Numbers, (*user).number, 1}, {history.Mode, (*user).change, 1}, {history.Bank, (*user).move, len(lastMoves)},
	{history.Gate, (*user).pass, len(lastPasses)}, {history.Round, (*user).join, 0}, {history.Duty, (*user).serve, 1},
}

// play runs a participant.
func play(ctx context.Context, p subject.Participant) error {
	u := &user{Participant: p}
	if err := p.ReadOptions(&u.settings); err != nil {
		return err
	}
	if p.Role != User {
		return fmt.Errorf("primitives: unknown role %q", p.Role)
	}
	if err := u.open(); err != nil {
		return err
	}
	var going sync.WaitGroup
	for i, l := range loops {
		going.Go(func() { u.repeat(ctx, l, rand.New(rand.NewPCG(p.Seed, uint64(p.Life*len(loops)+i)))) })
	}
	going.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, subject.ErrLeave) {
		return cause // killed
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), subject.LeavePatience)
	defer cancel()
	if err := p.Depart(leaving, u.close); err != nil {
		p.Log.Info("left", "error", err) // it is on record, and no crash
	}
	return context.Cause(ctx)
}

// open makes what the user works with. It connects to nothing.
func (u *user) open() (err error) {
	if u.values, err = value.New(u.Env, value.Config{ACL: u.ACL(), Logger: u.Log}); err != nil {
		return err
	}
	if u.space, err = stm.New(u.Env, stm.Config{Path: u.Namespace + history.Bank, ACL: u.ACL(), Logger: u.Log}); err != nil {
		return err
	}
	if u.barriers, err = barrier.New(u.Env, barrier.Config{Name: u.Name, ACL: u.ACL(), Logger: u.Log}); err != nil {
		return err
	}
	u.leases, err = lease.New(u.Env, lease.Config{Name: u.Name, ACL: u.ACL(), Logger: u.Log})
	return err
}

// close closes all sessions, at the same time.
func (u *user) close(ctx context.Context) error {
	all := []func(context.Context) error{u.values.Close, u.space.Close, u.barriers.Close, u.leases.Close}
	errs := make([]error, len(all))
	var going sync.WaitGroup
	for i, c := range all {
		going.Go(func() { errs[i] = c(ctx) })
	}
	going.Wait()
	return errors.Join(errs...)
}

// repeat makes calls about one object, at the rate of the run.
func (u *user) repeat(ctx context.Context, l loop, rng *rand.Rand) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / u.Rate))
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-u.Draining:
			if l.object == history.Round {
				u.lastRound(ctx, rng, u.id(l, n))
			}
			u.finish(ctx, l, rng, n)
			return
		case <-ticker.C:
		}
		l.turn(u, ctx, rng, u.id(l, n))
	}
}

// finish makes the last calls about one object, from the n-th one on.
func (u *user) finish(ctx context.Context, l loop, rng *rand.Rand, n int) {
	for done, failures := 0, 0; done < l.last && ctx.Err() == nil; n++ {
		if l.turn(u, ctx, rng, u.id(l, n)) {
			done, failures = done+1, 0
			continue
		}
		failures++
		u.Pause(ctx, failures)
	}
}

// drains reports whether the user must make no more load.
func (u *user) drains() bool {
	select {
	case <-u.Draining:
		return true
	default:
		return false
	}
}

// id names the n-th call of this life about an object.
func (u *user) id(l loop, n int) string {
	return fmt.Sprintf("%s.%d%s.%d", u.Name, u.Life, l.object, n)
}

// call is one call, on record.
type call struct {
	u     *user
	began record.Event
	of    record.Own
}

// begin notes the beginning of a call.
func (u *user) begin(object, id string, asked history.Asked) call {
	of, err := record.NewOwn(object, asked)
	if err != nil {
		panic(err) // plain fields only
	}
	of.ID = id
	began := u.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Call, Of: of})
	return call{u, began, of}
}

// end notes what came of it.
func (c call) end(told history.Told, err error) {
	of, failed := record.NewOwn(c.of.Object, told)
	if failed != nil {
		panic(failed) // plain fields only
	}
	of.ID, of.Token = c.of.ID, c.of.Token
	outcome := record.OK
	if err != nil {
		outcome, of.Remark = record.Info, err.Error()
		if zkapi.FateOf(err) == zkapi.NotApplied {
			outcome = record.Fail
		}
	}
	c.u.Journal.Complete(c.began, outcome, of)
}

// patience is how long a user waits for one call.
const patience = 3 * time.Second

// limited is the context of one call.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}
