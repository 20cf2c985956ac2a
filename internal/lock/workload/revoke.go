package workload

import (
	"context"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/lock/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// nag asks the holders of a lock to release it, again and again while a locker waits for it. It
// stops when the function that it returns is called, and when ctx ends.
func (l locker) nag(ctx context.Context, u use, w intent) (over func()) {
	if w.nags == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var going sync.WaitGroup
	going.Go(func() {
		ticker := time.NewTicker(w.nags)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			began := l.Journal.Add(record.Event{Type: record.Invoke, Kind: history.Revoke, Of: record.Own{Object: u.lock}})
			_, err := l.locks.Revoke(ctx, l.Namespace+u.lock)
			outcome, remark := record.OK, ""
			if err != nil {
				outcome, remark = record.Info, err.Error() // some holders may have been asked
			}
			l.Journal.Complete(began, outcome, record.Own{Object: u.lock, Remark: remark})
		}
	})
	return func() { cancel(); going.Wait() }
}
