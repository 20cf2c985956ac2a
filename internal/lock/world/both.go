package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/worlds"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// takeBoth takes two locks together. Every second process names them in the other order.
func (u *user) takeBoth() error {
	paths := u.paths()
	if u.reversed {
		slices.Reverse(paths)
	}
	if u.Without == inOneOrder {
		return u.takeInTurn(paths)
	}
	both, err := u.locks.LockAll(u.wanted, paths)
	if err == nil {
		u.have(both, both.Held()[0], both.Held()[1])
	}
	return err
}

// have notes the locks.
func (u *user) have(all right, first, second *lock.Held) {
	u.held, u.token = all, first.Token()
	u.holds(fmt.Sprint(first.Token()), fmt.Sprint(second.Token()))
}

// takeInTurn takes the locks in the order in which they are named, as a program does that has no
// LockAll.
func (u *user) takeInTurn(paths []string) error {
	var pair inTurn
	for i, p := range paths {
		held, err := u.locks.Lock(u.wanted, p)
		if err != nil {
			return err
		}
		pair[i] = held
	}
	first, second := pair[0], pair[1]
	if u.reversed {
		first, second = second, first
	}
	u.have(pair, first, second)
	return nil
}

// inTurn are two locks that were taken one after the other.
type inTurn [2]*lock.Held

func (p inTurn) Context() context.Context { return p[1].Context() }

func (p inTurn) Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error) {
	return p[1].Write(ctx, ops...)
}

func (p inTurn) Release(ctx context.Context) error {
	if err := p[1].Release(ctx); err != nil {
		return err
	}
	return p[0].Release(ctx)
}

// asker is the code of a process that asks the holders to release the lock.
func (c Config) asker() explore.Program {
	return func(ctx context.Context, host explore.Host) {
		guard, _ := worlds.Find(Guards(), c.Without) // World has checked it
		locks, err := lock.New(guard.Env(host), lock.Config{Name: "asker"})
		if err != nil {
			panic(err)
		}
		a := asking{host, locks, c.Asks, 0}
		zkapi.DependsOn(host, &a)
		for ; a.left > 0; a.left-- {
			zkapi.Checkpoint(host, "ask")
			n, err := a.locks.Revoke(ctx, path)
			if err != nil {
				panic(err)
			}
			a.asked += n
		}
		host.Note(asksNote, fmt.Sprint(a.asked))
		host.Note(doneNote, "1")
		zkapi.Checkpoint(host, "done")
		_, _ = host.Wait(ctx)
	}
}

// asking is all that the thread of the asker depends on.
type asking struct {
	host        explore.Host
	locks       *lock.Locks
	left, asked int
}

// hasty is a host on which a delay is over at once.
type hasty struct{ worlds.Inside }

// Timer implements zkapi.Env.
func (h hasty) Timer(d time.Duration) zkapi.Source {
	if d == delay {
		d = 0
	}
	return h.Host.Timer(d)
}
