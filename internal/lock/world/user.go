package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// The notes of a process, for the judge.
const (
	holdsNote   = "holds"   // the token, from the grant until the context has ended or Release is called
	wroteNote   = "wrote"   // the entry that Held.Write has said is written
	refusedNote = "refused" // the last entry that Held.Write has said is not applied
	idleNote    = "idle"    // no lock is wanted, and the end of the last one is confirmed
	doneNote    = "done"    // nothing will be wanted any more
	asksNote    = "asks"    // of the process that asks: how many contenders it has asked
	lostNote    = "lost"    // the token of a lock with a delay that was over before Release was called
)

// holdsBoth is holdsNote of the second lock.
const holdsBoth = "holds both"

// right is what a process holds: a lock, or two.
type right interface {
	Context() context.Context
	Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error)
	Release(ctx context.Context) error
}

// work is what a holder changes outside ZooKeeper.
const work = "work"

// user is one process. All that its thread depends on is in its fields.
type user struct {
	Config
	name   string
	shared bool
	try    bool
	host   explore.Host
	locks  *lock.Locks
	held   right
	token  int32
	wanted context.Context
	round  int
	entry  string // that is being written; empty for none
	again  bool   // it may have been written before

	reversed bool         // it names the second lock first
	asked    zkapi.Signal // raised when it is asked to release the lock; nil if no process asks
}

// program is the code of the process.
func (u user) program() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		guard, _ := worlds.Find(Guards(), u.Without) // World has checked it
		if u.Without == delayWaited {
			host = hasty{worlds.Inside{Host: host}}
		}
		locks, err := lock.New(guard.Env(host), lock.Config{Name: u.name})
		if err != nil {
			panic(err)
		}
		one := u
		one.host, one.locks = host, locks
		one.run(ctx)
	}
}

// run takes the lock in each round, unless the process is asked to leave. Then it stops waiting,
// and it wants no lock any more. In either case its session goes on, so that a znode that is left
// stays.
func (u *user) run(ctx context.Context) {
	zkapi.DependsOn(u.host, u)
	var leave context.CancelFunc
	u.wanted, leave = context.WithCancel(ctx)
	u.host.Spawn("leave", func() {
		zkapi.Checkpoint(u.host, "leave")
		_, _ = u.host.Wait(ctx, u.host.Leave())
		leave()
	})
	for ; u.round < u.Rounds && u.wanted.Err() == nil; u.round++ {
		u.takeTurn(ctx)
	}
	u.host.Note(doneNote, "1")
	zkapi.Checkpoint(u.host, "done")
	_, _ = u.host.Wait(ctx)
}

// options are those of each call of Lock.
func (u *user) options() []lock.Option {
	var o []lock.Option
	switch {
	case u.shared:
		o = append(o, lock.Shared())
	case u.Permits > 0:
		o = append(o, lock.Permits(u.Permits))
	case u.Simple:
		o = append(o, lock.Simple())
	}
	if u.Delay {
		o = append(o, lock.Delay(delay))
	}
	if u.Asks > 0 {
		asked := u.host.Signal()
		u.asked = asked
		o = append(o, lock.OnRevoke(asked.Raise))
	}
	return o
}

// delay is that of each holder, if there are delays.
const delay = 10 * time.Second

// take asks for the lock, or for both.
func (u *user) take() error {
	if u.Both {
		return u.takeBoth()
	}
	take := u.locks.Lock
	if u.try {
		take = u.locks.TryLock
	}
	held, err := take(u.wanted, path, u.options()...)
	if err == nil {
		u.held, u.token = held, held.Token()
		u.holds(fmt.Sprint(u.token), "")
	}
	return err
}

// holds notes the tokens of what is held.
func (u *user) holds(token, second string) {
	u.host.Note(holdsNote, token)
	if u.Both {
		u.host.Note(holdsBoth, second)
	}
}

// takeTurn takes the lock, works under it, and releases it.
func (u *user) takeTurn(ctx context.Context) {
	u.host.Note(idleNote, "")
	err := u.take()
	switch {
	case errors.Is(err, lock.ErrHeld):
		u.host.Note(idleNote, "1") // a process that tries does not try again: it would go in a circle
		return
	case u.wanted.Err() != nil && err != nil: // the znode is being deleted
		return
	case u.Both && errors.Is(err, lock.ErrLost): // one of two was lost while the other one was waited for
		u.round--
		return
	case err != nil:
		panic(err)
	}
	ended := u.host.Spawn("until the end", func() {
		zkapi.Checkpoint(u.host, "hold")
		_, _ = u.host.Wait(u.held.Context())
		u.holds("", "")
	})
	u.write()
	zkapi.Checkpoint(u.host, "act", ended)
	_ = u.host.Act(u.held.Context(), work, int64(u.token))
	if u.asked != nil {
		zkapi.Checkpoint(u.host, "until asked", ended)
		_, _ = u.host.Wait(u.held.Context(), u.asked)
	}
	if u.Delay && u.Strands && u.held.Context().Err() != nil {
		u.host.Note(lostNote, fmt.Sprint(u.token))
	}
	u.holds("", "")
	zkapi.Checkpoint(u.host, "give up", ended)
	if err := u.held.Release(ctx); err == nil || errors.Is(err, lock.ErrLost) {
		u.host.Note(idleNote, "1")
	}
	u.host.Note(wroteNote, "")
	zkapi.Checkpoint(u.host, "end of a turn", ended)
	_, _ = u.host.Wait(ctx, ended)
	u.held, u.token, u.asked = nil, 0, nil
}

// write makes the entry of this turn. If the answer is lost, it writes the same again: the
// second write is refused if the first was applied. A process that is asked to leave does not wait
// for the answer.
func (u *user) write() {
	for u.entry, u.again = fmt.Sprint(u.token), false; u.entry != ""; u.again = true {
		_, err := u.held.Write(u.wanted, zkapi.Set(ledger, []byte(u.entry), zkapi.AnyVersion), zkapi.Create(ledger+"/"+u.entry, nil, zkapi.Persistent))
		unknown := zkapi.FateOf(err) == zkapi.Unknown
		switch {
		case err == nil || errors.Is(err, zkapi.ErrNodeExists):
			u.host.Note(wroteNote, u.entry)
		case !unknown && !u.again:
			u.host.Note(refusedNote, u.entry)
		case unknown && u.held.Context().Err() == nil && u.wanted.Err() == nil:
			continue
		}
		u.entry = ""
	}
}
