package workload

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/recipe/lock"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/subject"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// attempt takes a lock, holds it and gives it back. It reports whether it did: false if the
// locker did not get the lock, or the lock was lost.
func (l locker) attempt(ctx context.Context, u use, w intent, id string) bool {
	began := l.asks(u.of(w), w, id)
	heard := make(chan struct{})
	options := w.options()
	if w.Yields {
		options = append(options, lock.OnRevoke(func() {
			l.Journal.Add(record.Event{Type: record.Note, Kind: history.Heard, Of: record.Own{Object: u.lock, ID: id}})
			close(heard)
		}))
	}
	limited, cancel := w.limited(ctx)
	defer cancel()
	over := l.nag(limited, u, w)
	got, err := l.take(limited, u, w, options)
	over()
	if err != nil {
		for _, e := range began {
			l.Journal.Complete(e, record.Fail, record.Own{Object: e.Object(), ID: e.ID(), Remark: err.Error()})
		}
		return false
	}
	h := holder{locker: l, use: u, intent: w, right: got, heard: heard, over: make(chan struct{})}
	for _, e := range began {
		h.told(e)
	}
	return h.hold(ctx)
}

// asks notes what a locker asks for. Of several locks, each is an attempt of its own.
func (l locker) asks(locks []string, w intent, id string) (began []record.Event) {
	asked := w.Asked
	if len(locks) > 1 {
		asked.Call = id
	}
	for _, one := range locks {
		own, err := record.NewOwn(one, asked)
		if err != nil {
			panic(fmt.Sprintf("lock: %v", err)) // plain fields only
		}
		own.ID = id
		if len(locks) > 1 {
			own.ID += "." + path.Base(one)
		}
		began = append(began, l.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Acquire, Of: own}))
	}
	return began
}

// right is what a locker gets from the recipe: a lock, or several.
type right interface {
	Context() context.Context
	Write(ctx context.Context, ops ...zkapi.Op) (zkapi.Result, error)
	Release(ctx context.Context) error
}

// take calls the recipe.
func (l locker) take(ctx context.Context, u use, w intent, options []lock.Option) (right, error) {
	switch {
	case len(u.together) > 0:
		var paths []string
		for _, one := range u.of(w) {
			paths = append(paths, l.Namespace+one)
		}
		return refused(l.locks.LockAll(ctx, paths, options...))
	case w.Way == history.Try:
		return refused(l.locks.TryLock(ctx, l.Namespace+u.lock, options...))
	}
	return refused(l.locks.Lock(ctx, l.Namespace+u.lock, options...))
}

// refused makes an interface without a value of a pointer without one.
func refused[R right](got R, err error) (right, error) {
	if err != nil {
		return nil, err
	}
	return got, nil
}

// holder is a locker that holds a lock, or several.
type holder struct {
	locker
	use
	intent
	right right
	grips []grip
	heard chan struct{} // closed when the holder is asked to release the lock
	over  chan struct{} // closed when the lock is over, or its release is not confirmed for long
}

// grip is one lock that is held.
type grip struct {
	lock, id string
	token    int32
}

// note is the payload of an event about the lock.
func (g grip) note(remark string) record.Own {
	return record.Own{Object: g.lock, ID: g.id, Token: history.TokenOf(g.token), Remark: remark}
}

// told notes that a locker was told that it has a lock. If it asked for several and was not given
// this one, that is noted as well.
func (h *holder) told(began record.Event) {
	var all []*lock.Held
	switch got := h.right.(type) {
	case *lock.Held:
		all = []*lock.Held{got}
	case *lock.Several:
		all = got.Held()
	}
	for _, held := range all {
		if held.Path() == h.Namespace+began.Object() {
			g := grip{began.Object(), began.ID(), held.Token()}
			h.grips = append(h.grips, g)
			h.Journal.Complete(began, record.OK, g.note(""))
			return
		}
	}
	h.Journal.Complete(began, record.Fail, record.Own{Object: began.Object(), ID: began.ID(), Remark: "it is not among the locks that were given"})
}

// hold works under the lock and gives it back. It reports whether the lock was not lost, and its
// release was confirmed.
func (h holder) hold(ctx context.Context) bool {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if h.underWay {
			h.delayed(ctx)
		}
	}()
	lost := h.work(ctx)
	given := h.giveBack(ctx)
	close(h.over)
	<-sent
	if h.late {
		h.tooLate(ctx)
	}
	return !lost && given
}

// work writes and acts in the name of the lock, until it has held the lock for as long as it
// meant to, or is asked to release it, or the lock is over. It reports whether the lock is over.
func (h holder) work(ctx context.Context) (lost bool) {
	var beliefs []record.Event
	for _, g := range h.grips {
		beliefs = append(beliefs, h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Hold, Of: g.note("")}))
	}
	enough := time.NewTimer(h.holds)
	defer enough.Stop()
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	h.act("begin")
	for n, going := 1, true; going; n++ {
		h.write(h.right.Context(), n)
		select {
		case <-ctx.Done():
			going = false
		case <-h.right.Context().Done():
			going = false
		case <-h.heard:
			going = false
		case <-enough.C:
			going = false
		case <-ticker.C:
		}
	}
	why := ""
	if cause := context.Cause(h.right.Context()); cause != nil {
		why = cause.Error()
	}
	for i, g := range h.grips {
		h.Journal.Complete(beliefs[i], record.OK, g.note(why))
	}
	return why != ""
}

// giveBack releases the lock. It reports whether that was confirmed.
func (h holder) giveBack(ctx context.Context) bool {
	const patience = 2 * time.Second
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var began []record.Event
	for _, g := range h.grips {
		began = append(began, h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Release, Of: g.note("")}))
	}
	outcome, remark := record.OK, ""
	err := h.right.Release(limited)
	if err != nil {
		outcome, remark = record.Info, err.Error()
	}
	for i, g := range h.grips {
		h.Journal.Complete(began[i], outcome, g.note(remark))
	}
	return err == nil
}

// tooLate does what an application does that has not noticed that its lock is over.
func (h holder) tooLate(ctx context.Context) {
	const patience = 100 * time.Millisecond
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	h.write(limited, history.Late)
	h.act("too late")
}

// act acts on the system outside, if the lock is held alone: of several tokens at a time, the
// system outside would take only the greatest.
func (h holder) act(what string) {
	if h.Mode != history.Exclusive {
		return
	}
	for _, g := range h.grips {
		_ = h.Effect(subject.Effect{Object: g.lock, ID: g.id, Token: history.TokenOf(g.token), Text: what}) // the journal of the sink has the outcome
	}
}

// write makes an entry in the ledger of each lock. The recorder has the outcome; the holder goes on
// whatever it is.
func (h holder) write(ctx context.Context, n int) {
	var entries []zkapi.Op
	for _, g := range h.grips {
		entries = append(entries, zkapi.Set(h.ledger(g), []byte(history.Entry{Token: g.token, N: n}.String()), zkapi.AnyVersion))
	}
	_, err := h.right.Write(ctx, entries...)
	if errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, lock.ErrFenced) { // it is the first entry of the run
		for _, g := range h.grips {
			for _, made := range []string{path.Dir(h.ledger(g)), h.ledger(g)} {
				_, _ = h.right.Write(ctx, zkapi.Create(made, nil, zkapi.Persistent).WithACL(h.ACL())) // another holder may have made it
			}
		}
		_, err = h.right.Write(ctx, entries...)
	}
	if err != nil {
		h.Log.Debug("entry", "locks", len(h.grips), "n", n, "error", err)
	}
}

// ledger is the znode that the holders of a lock write.
func (h holder) ledger(g grip) string { return h.Namespace + history.LedgerOf(g.lock, h.Mode) }
