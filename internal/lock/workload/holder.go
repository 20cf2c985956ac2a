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
	asked, err := record.NewOwn(u.lock, w.Asked)
	if err != nil {
		panic(fmt.Sprintf("lock: %v", err)) // plain fields only
	}
	asked.ID = id
	began := l.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Acquire, Of: asked})
	take := l.locks.Lock
	if w.Way == history.Try {
		take = l.locks.TryLock
	}
	limited, cancel := w.limited(ctx)
	defer cancel()
	held, err := take(limited, l.Namespace+u.lock, w.options()...)
	if err != nil {
		l.Journal.Complete(began, record.Fail, record.Own{Object: u.lock, ID: id, Remark: err.Error()})
		return false
	}
	h := holder{locker: l, use: u, intent: w, id: id, held: held}
	l.Journal.Complete(began, record.OK, h.note(""))
	lost := h.work(ctx)
	given := h.giveBack(ctx)
	if w.late {
		h.tooLate(ctx)
	}
	return !lost && given
}

// holder is a locker that holds a lock.
type holder struct {
	locker
	use
	intent
	id   string
	held *lock.Held
}

// note is the payload of an event about the lock.
func (h holder) note(remark string) record.Own {
	return record.Own{Object: h.lock, ID: h.id, Token: history.TokenOf(h.held.Token()), Remark: remark}
}

// work writes and acts in the name of the lock, until it has held the lock for as long as it
// meant to, or the lock is over. It reports whether the lock is over.
func (h holder) work(ctx context.Context) (lost bool) {
	belief := h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Hold, Of: h.note("")})
	enough := time.NewTimer(h.holds)
	defer enough.Stop()
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	h.act("begin")
	for n, going := 1, true; going; n++ {
		h.write(h.held.Context(), n)
		select {
		case <-ctx.Done():
			going = false
		case <-h.held.Context().Done():
			going = false
		case <-enough.C:
			going = false
		case <-ticker.C:
		}
	}
	why := ""
	if cause := context.Cause(h.held.Context()); cause != nil {
		why = cause.Error()
	}
	h.Journal.Complete(belief, record.OK, h.note(why))
	return why != ""
}

// giveBack releases the lock. It reports whether that was confirmed.
func (h holder) giveBack(ctx context.Context) bool {
	const patience = 2 * time.Second
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	began := h.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Release, Of: h.note("")})
	err := h.held.Release(limited)
	if err != nil {
		h.Journal.Complete(began, record.Info, h.note(err.Error()))
		return false
	}
	h.Journal.Complete(began, record.OK, h.note(""))
	return true
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
	if h.Mode == history.Exclusive {
		_ = h.Effect(subject.Effect{Object: h.lock, ID: h.id, Token: history.TokenOf(h.held.Token()), Text: what}) // the journal of the sink has the outcome
	}
}

// write makes an entry in the ledger. The recorder has the outcome; the holder goes on whatever
// it is.
func (h holder) write(ctx context.Context, n int) {
	data := []byte(history.Entry{Token: h.held.Token(), N: n}.String())
	ledger := h.Namespace + history.LedgerOf(h.lock, h.Mode)
	_, err := h.held.Write(ctx, zkapi.Set(ledger, data, zkapi.AnyVersion))
	if errors.Is(err, zkapi.ErrNoNode) && !errors.Is(err, lock.ErrFenced) { // it is the first entry of the run
		_, _ = h.held.Write(ctx, zkapi.Create(path.Dir(ledger), nil, zkapi.Persistent).WithACL(h.acl)) // the holder of another lock may have made it
		_, err = h.held.Write(ctx, zkapi.Create(ledger, data, zkapi.Persistent).WithACL(h.acl))
	}
	if err != nil {
		h.Log.Debug("entry", "lock", h.lock, "n", n, "error", err)
	}
}
