package world

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/barrier"
	"github.com/ringmaster-zk/ringmaster/recipe/lease"
	"github.com/ringmaster-zk/ringmaster/recipe/stm"
	"github.com/ringmaster-zk/ringmaster/recipe/value"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a process, for the judge.
const (
	busyNote    = "busy"    // a call is under way
	okNote      = "ok"      // how many calls it was told are applied
	unknownNote = "unknown" // how many calls it was told have an unknown outcome
	toldNote    = "told"    // the sum that it was told last
	seenNote    = "seen"    // what an audit saw in all accounts together
	inNote      = "in"      // the round that it is in
	leavesNote  = "leaves"  // it has asked to leave that round
	outNote     = "out"     // the round that it was told it has left
	passedNote  = "passed"  // it was told that the gate is not set
	setsNote    = "sets"    // it has asked to set the gate
	setNote     = "set"     // it was told that the gate is set
	tokenNote   = "token"   // the token of the lease that it was told last
	growsNote   = "grows"   // its greatest token before, and the one that it was told last
	doneNote    = "done"    // it wants nothing any more
)

// user is one process. All that its thread depends on is in its fields.
type user struct {
	Config
	name   string
	number int
	audits bool
	guard  worlds.Guard
	host   explore.Host

	values   *value.Values
	space    *stm.Space
	barriers *barrier.Barriers
	leases   *lease.Leases

	round       int
	ok, unknown int
	greatest    int32 // token that it was told
	from, to    int   // what the attempt of a transaction has read
}

// program is the code of the process.
func (u user) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		one, env := u, u.guard.Env(host)
		one.host = host
		var errs [4]error
		one.values, errs[0] = value.New(env, value.Config{})
		one.space, errs[1] = stm.New(env, stm.Config{Path: bank})
		one.barriers, errs[2] = barrier.New(env, barrier.Config{})
		one.leases, errs[3] = lease.New(env, lease.Config{})
		if err := errors.Join(errs[:]...); err != nil {
			panic(err)
		}
		one.run(ctx)
	}
}

// run makes the calls. Then the session goes on.
func (u *user) run(ctx context.Context) {
	zkapi.DependsOn(u.host, u)
	for ; u.round < u.Rounds; u.round++ {
		if u.Without == tokensRemembered && u.round > 0 {
			u.forget(ctx)
		}
		u.host.Note(busyNote, "1")
		switch {
		case u.Of == Counter:
			u.told(u.add(ctx))
		case u.Of == Barrier:
			u.stay(ctx)
		case u.Of == Gate:
			u.pass(ctx)
		case u.Of == Lease:
			u.hold(ctx)
		case u.audits:
			u.audit(ctx)
		default:
			u.told(u.transfer(ctx))
		}
		u.host.Note(busyNote, "")
	}
	u.host.Note(doneNote, "1")
	zkapi.Checkpoint(u.host, "done")
	_, _ = u.host.Wait(ctx)
}

// forget replaces what remembers tokens.
func (u *user) forget(ctx context.Context) {
	_, _ = u.leases.Close(ctx), u.barriers.Close(ctx) // their sessions live, so both are confirmed
	var errs [2]error
	u.leases, errs[0] = lease.New(u.host, lease.Config{})
	u.barriers, errs[1] = barrier.New(u.host, barrier.Config{})
	if err := errors.Join(errs[:]...); err != nil {
		panic(err)
	}
}

// gets notes the token of a grant.
func (u *user) gets(token int32) {
	if u.Remade {
		u.host.Note(growsNote, fmt.Sprintf("%d %d", u.greatest, token))
		u.greatest = max(u.greatest, token)
	}
}

// told notes what came of a call that writes.
func (u *user) told(err error) {
	switch zkapi.FateOf(err) {
	case zkapi.Applied:
		u.ok++
	case zkapi.Unknown:
		u.unknown++
	}
	u.host.Note(okNote, strconv.Itoa(u.ok))
	u.host.Note(unknownNote, strconv.Itoa(u.unknown))
}

// unit is what a user adds: so each digit of the counter is of one user.
func unit(number int) int64 { return []int64{1, 10, 100}[number] }

// add adds to the counter.
func (u *user) add(ctx context.Context) error {
	sum, err := u.values.Add(ctx, counter, unit(u.number))
	if err == nil {
		u.host.Note(toldNote, fmt.Sprint(sum))
	}
	return err
}

// errPoor is why a transfer changes nothing.
var errPoor = errors.New("the account is empty")

// amount reads an account.
func amount(tx *stm.Tx, path string) (int, error) {
	data, found, err := tx.Get(path)
	if err != nil || !found {
		return 0, err
	}
	return strconv.Atoi(string(data))
}

// transfer moves a unit from one account to the other one; the first user from the first account, the
// second one back, and so on.
func (u *user) transfer(ctx context.Context) error {
	from, to := accounts[u.number%2], accounts[(u.number+1)%2]
	err := u.space.Do(ctx, func(tx *stm.Tx) (err error) {
		if u.from, err = amount(tx, from); err != nil {
			return err
		}
		if u.to, err = amount(tx, to); err != nil {
			return err
		}
		if u.from == 0 {
			return errPoor
		}
		if u.from == 1 && !u.Keeps {
			err = tx.Delete(from)
		} else {
			err = tx.Put(from, []byte(strconv.Itoa(u.from-1)))
		}
		return errors.Join(err, tx.Put(to, []byte(strconv.Itoa(u.to+1))))
	})
	if errors.Is(err, errPoor) {
		u.host.Note(seenNote, strconv.Itoa(u.from+u.to))
		return &zkapi.Error{Fate: zkapi.NotApplied, Err: err}
	}
	return err
}

// audit reads all accounts. Every second process begins with the last one.
func (u *user) audit(ctx context.Context) {
	err := u.space.Do(ctx, func(tx *stm.Tx) (err error) {
		if u.from, err = amount(tx, accounts[u.number%2]); err != nil {
			return err
		}
		u.to, err = amount(tx, accounts[(u.number+1)%2])
		return err
	})
	if err == nil {
		u.host.Note(seenNote, strconv.Itoa(u.from+u.to))
	}
}

// stay goes into the barrier, and out.
func (u *user) stay(ctx context.Context) {
	in, err := u.barriers.Enter(ctx, barred, u.fill())
	if err != nil {
		panic(err)
	}
	u.host.Note(outNote, "")
	u.host.Note(inNote, fmt.Sprint(in.Round()))
	u.gets(in.Round())
	zkapi.Checkpoint(u.host, "in", in)
	_ = u.host.Act(ctx, "work", int64(in.Round()))
	u.host.Note(leavesNote, "1")
	err = in.Leave(ctx)
	if err == nil {
		u.host.Note(outNote, fmt.Sprint(in.Round()))
	} else if !errors.Is(err, barrier.ErrLost) {
		panic(err)
	}
	u.host.Note(inNote, "")
	u.host.Note(leavesNote, "")
}

// pass has the first user lift the gate. The others wait for that; then the second one sets the gate
// again.
func (u *user) pass(ctx context.Context) {
	if u.number == 0 {
		u.told(u.barriers.Lift(ctx, gate))
		return
	}
	if err := u.barriers.Wait(ctx, gate); err != nil {
		panic(err)
	}
	u.host.Note(passedNote, "1")
	zkapi.Checkpoint(u.host, "passed")
	_ = u.host.Act(ctx, "pass", 0)
	if u.number == 1 {
		u.host.Note(setsNote, "1")
		if err := u.barriers.Set(ctx, gate); err == nil {
			u.host.Note(setNote, "1")
		}
	}
}

// lasts is for how long the lease is taken: some sweeps of the explorer.
const lasts = 3 * explore.SweepTime

// hold takes the lease, writes under it, and gives it back.
func (u *user) hold(ctx context.Context) {
	held, err := u.leases.Take(ctx, leased, lasts)
	if zkapi.FateOf(err) == zkapi.Unknown {
		return // it is given back in the background
	} else if err != nil {
		panic(err)
	}
	token := held.Token()
	u.host.Note(tokenNote, fmt.Sprint(token))
	u.gets(token)
	zkapi.Checkpoint(u.host, "holds", held, token)
	_ = u.host.Act(ctx, "work", int64(token))
	_, _ = held.Write(ctx, zkapi.Set(ledger, fmt.Append(nil, token), zkapi.AnyVersion)) // the judge sees it
	_ = held.Release(ctx)                                                               // or it ends by itself
}
