package zk_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// TestExpiry_EndsAtTheTimeoutAfterTheLastWord hears of a client at some times, and grants it
// another timeout at others. The session is over at the exact moment, and not before.
func TestExpiry_EndsAtTheTimeoutAfterTheLastWord(t *testing.T) {
	const timeout = 10 * time.Second
	for name, c := range map[string]struct {
		heard  []time.Duration // after the begin
		grants time.Duration   // with the last word
		over   time.Duration
	}{
		"never":             {nil, 0, timeout},
		"soon":              {[]time.Duration{1}, 0, timeout + 1},
		"late":              {[]time.Duration{timeout - 1}, 0, 2*timeout - 1},
		"again and again":   {[]time.Duration{timeout / 2, timeout, timeout * 3 / 2}, 0, timeout * 5 / 2},
		"with less time":    {[]time.Duration{timeout / 2}, timeout / 10, timeout * 6 / 10},
		"with more time":    {[]time.Duration{timeout / 2}, timeout * 2, timeout * 5 / 2},
		"with much earlier": {[]time.Duration{timeout / 2, timeout/2 - time.Hour}, 0, timeout * 3 / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var mu sync.Mutex // guards what follows
			var over time.Duration
			var x *zk.Expiry
			locked := func(do func()) {
				mu.Lock()
				defer mu.Unlock()
				do()
			}
			x = zk.NewExpiry(timeout, func() {
				mu.Lock()
				defer mu.Unlock()
				if x.Over() {
					over = time.Since(begin)
				}
			})
			locked(x.Wind)
			for i, at := range c.heard {
				time.Sleep(at - time.Since(begin))
				synctest.Wait()
				locked(func() {
					x.Hear(begin.Add(at))
					if i == len(c.heard)-1 && c.grants > 0 {
						x.Grant(c.grants)
						x.Wind()
					}
				})
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if over != c.over {
				t.Errorf("heard %s: the session is over after %v, want %v", name, over, c.over)
			}
			locked(func() {
				x.Hear(time.Now())
				x.Wind()
				x.Stop()
				over = 0
			})
			time.Sleep(time.Minute)
			if synctest.Wait(); over != 0 {
				t.Errorf("heard %s: a session that was stopped is over", name)
			}
		})
	}
}
