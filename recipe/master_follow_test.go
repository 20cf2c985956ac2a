package recipe_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// requests counts what arrives at a server. A followed list is often answered without a
// request, and is not counted.
type requests struct {
	mu sync.Mutex
	n  int
}

func (r *requests) observe(_ int64, op zkapi.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !op.Follow || op.Since == 0 {
		r.n++
	}
}

// TestMaster_DeadNamesCostLittleAtRest: beside the names of many lost workers a master looks at
// a bounded number of them at each resync.
func TestMaster_DeadNamesCostLittleAtRest(t *testing.T) {
	const resyncs, perResync = 30, 64 // in a minute
	atRest := func(names int) int {
		var seen requests
		inBubbleOf(t, 10*time.Second, func(w *world) {
			for _, path := range []string{"/tasks", "/workers", "/assign"} {
				w.do(zkapi.Create(path, nil, zkapi.Persistent))
			}
			for n := range names {
				w.do(zkapi.Create(fmt.Sprintf("/assign/lost-%d", n), nil, zkapi.Persistent))
			}
			master := w.master(recipe.MasterConfig{Name: "m1"})
			w.within(time.Second, "m1 leads", func() bool { return leads(master) })
			time.Sleep(time.Minute)
			w.env.Server.Observe(seen.observe)
			time.Sleep(time.Minute)
		})
		return seen.n
	}
	alone, beside := atRest(0), atRest(5000)
	if alone == 0 || alone > 120 {
		t.Errorf("%d requests in a minute without any, not 1 to 120", alone)
	}
	if beside > alone+resyncs*perResync {
		t.Errorf("%d requests in a minute beside 5,000 names, and %d without", beside, alone)
	}
}
