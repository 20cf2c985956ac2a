package integration

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/roles"
)

// rehearsed are the worlds whose schedules are replayed, and how many of each.
var rehearsed = []struct {
	name   string
	config roles.Config
	faults int // drawn in a hundred steps
	cases  int
}{
	{"plain", roles.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2}, 0, 40},
	{"two masters", roles.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2}, 0, 40},
	{"losses", roles.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Losses: 3}}, 8, 60},
	{"expiries", roles.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Expiries: 2}}, 6, 60},
	{"failures", roles.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Failures: 2}, 0, 20},
	{"two tasks", roles.Config{Masters: 1, Workers: 2, Tasks: 2, Attempts: 2}, 0, 40},
	{"everything", roles.Config{Masters: 2, Workers: 2, Tasks: 2, Attempts: 3, Failures: 1, Collect: true, Bounds: explore.Bounds{Losses: 2, Expiries: 2, Leaves: 1, Sweeps: 1}}, 6, 60},
	{"cancel", roles.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Cancel: true, Bounds: explore.Bounds{Losses: 1, Expiries: 1}}, 6, 30},
}

// longestCase bounds one schedule, in steps.
const longestCase = 150

// TestSchedulesOfTheModelOnZooKeeper draws schedules from the model, and replays them
// on a real server: the same programs, behind a proxy each, that holds a request until
// it is its turn. What the model answers must be answered, what it asks for next must
// be asked for, and the tree that it ends with must be there.
func TestSchedulesOfTheModelOnZooKeeper(t *testing.T) {
	e := ensembletest.Start(t, 1)
	var n rehearsal
	start := time.Now()
	type job struct {
		world int
		seed  uint64
	}
	var jobs []job
	for w := range rehearsed {
		for seed := range rehearsed[w].cases {
			jobs = append(jobs, job{w, uint64(seed)})
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range rehearsalLanes {
		group.Go(func() {
			for at := next.Add(1) - 1; int(at) < len(jobs) && !t.Failed(); at = next.Add(1) - 1 {
				j := jobs[at]
				rehearse(t, e.Addresses()[0], rehearsed[j.world].name, rehearsed[j.world].config, j.seed, rehearsed[j.world].faults, &n, nil)
			}
		})
	}
	group.Wait()
	t.Logf("%v, in %v", &n, time.Since(start).Round(time.Second))
	if n.disturbed.Load() > 1+n.cases.Load()/50 {
		t.Errorf("%d of %d cases were given up because the real server did not answer", n.disturbed.Load(), n.cases.Load())
	}
}

// rehearsalLanes is how many cases are replayed at a time: most of a write's time is
// waiting.
const rehearsalLanes = 4

// cases makes the names of the cases' znodes.
var cases atomic.Int64

// rehearse replays one schedule, and reports whether the real side did the same.
func rehearse(t *testing.T, address, name string, config roles.Config, seed uint64, faults int, n *rehearsal, plant func(*conductor)) {
	t.Helper()
	world, err := config.World()
	if err != nil {
		t.Error(err)
		return
	}
	c := &conductor{ctx: t.Context(), world: world, address: address, namespace: fmt.Sprintf("/case-%d", cases.Add(1)), names: newNames(), tally: n}
	if plant != nil {
		plant(c)
	}
	n.cases.Add(1)
	switch err := c.replay(seed, faults, longestCase); {
	case errors.Is(err, errDisturbed):
		n.disturbed.Add(1)
		t.Logf("%s, seed %d: given up: %v", name, seed, err)
	case err != nil:
		t.Errorf("%s, seed %d: the real side differs from the model in step %d:\n%s\n    %v", name, seed, len(c.log)-1, strings.Join(c.log, "\n"), err)
	}
}
