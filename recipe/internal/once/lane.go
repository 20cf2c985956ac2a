package once

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/term"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// lane is one lane. One write at a time has it.
type lane struct {
	path    string
	version int32
}

// take returns a lane that no write has, and waits for one if all are in use.
func (l *Lanes) take(ctx context.Context, j *job) (*lane, error) {
	for {
		l.mu.Lock()
		switch {
		case l.broken:
			l.mu.Unlock()
			return nil, l.gone()
		case len(l.free) > 0:
			ln := l.free[len(l.free)-1]
			l.free = l.free[:len(l.free)-1]
			l.mu.Unlock()
			return ln, nil
		case l.lanes < Most && (l.made || l.lanes == 0):
			number := l.lanes
			l.lanes++
			l.mu.Unlock()
			return l.add(ctx, number, j)
		}
		ready := l.env.Signal()
		l.waiting = append(l.waiting, ready)
		l.mu.Unlock()
		zkapi.Checkpoint(l.env, "wait for a lane", ctx, ready, j)
		if _, err := l.env.Wait(ctx, ready); err != nil {
			l.forget(ready)
			return nil, notSent(l.base, err)
		}
	}
}

// add makes one more lane.
func (l *Lanes) add(ctx context.Context, number int, j *job) (*lane, error) {
	ln := &lane{path: l.path(number)}
	err := l.make(ctx, ln.path, j)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.lanes--
		l.wake()
		return nil, notSent(l.base, err)
	}
	if l.made = true; number == 0 {
		l.wakeAll()
	}
	return ln, nil
}

// make makes the znode of a lane. Its name is unique, so one that is there is the own one, whose
// answer was lost.
func (l *Lanes) make(ctx context.Context, path string, j *job) error {
	again := retry.New(l.env, l.obs, "register a session")
	return again.OnDisconnect(ctx, l.Session, func() error {
		zkapi.Checkpoint(l.env, "make a lane", ctx, path, j)
		err := l.Session.Attend(ctx, path, l.Data, l.ACL)
		if errors.Is(err, zkapi.ErrNoNode) && l.Prepare != nil {
			if err = l.Prepare(ctx, l.Session); err != nil {
				return err
			}
			zkapi.Checkpoint(l.env, "make a lane below a new folder", ctx, path, j)
			err = l.Session.Attend(ctx, path, l.Data, l.ACL)
		}
		if errors.Is(err, zkapi.ErrNodeExists) {
			return nil
		}
		return err
	})
}

// leave gives a lane back.
func (l *Lanes) leave(ln *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, ln)
	l.wake()
}

// wake wakes one that waits for a lane. The caller holds the mutex.
func (l *Lanes) wake() {
	if len(l.waiting) > 0 {
		l.waiting[0].Raise()
		l.waiting = l.waiting[1:]
	}
}

func (l *Lanes) wakeAll() {
	for len(l.waiting) > 0 {
		l.wake()
	}
}

// forget drops one that waits no longer. If it was woken meanwhile, it wakes another one.
func (l *Lanes) forget(ready zkapi.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiting, ready)
	if at < 0 {
		l.wake()
		return
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
}

// breaks notes that a lane is gone.
func (l *Lanes) breaks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	l.wakeAll()
}

// gone is the error of a write after that.
func (l *Lanes) gone() error {
	return notSent(l.base, fmt.Errorf("%w: a znode of this session was deleted: %s", term.ErrFenced, l.base))
}

// notSent is the error of a write of which nothing was sent.
func notSent(path string, err error) error {
	return &zkapi.Error{Kind: zkapi.KindMulti, Path: path, Index: -1, Fate: zkapi.NotApplied, Err: err}
}
