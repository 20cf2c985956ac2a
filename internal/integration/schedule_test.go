package integration

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringmaster-zk/ringmaster/internal/ensemble/ensembletest"
	"github.com/ringmaster-zk/ringmaster/internal/masterworker/world"
	"github.com/ringmaster-zk/ringmaster/model/explore"
	"github.com/ringmaster-zk/ringmaster/model/zk/serve"
	"github.com/ringmaster-zk/ringmaster/model/zk/zktest"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// rehearsed are the worlds whose schedules are replayed, and how many of each. What is
// left out: servers that lag, which one server does not, and owners that give their
// session up before the server does, for which a lease would have to run out.
var rehearsed = []struct {
	name   string
	config world.Config
	faults int // drawn in a hundred steps
	cases  int
}{
	{"plain", world.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2}, 0, 40},
	{"masters", world.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2}, 0, 40},
	{"losses", world.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Losses: 3}}, 8, 60},
	{"expiries", world.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Expiries: 2}}, 6, 60},
	{"failures", world.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Failures: 2}, 0, 20},
	{"tasks", world.Config{Masters: 1, Workers: 2, Tasks: 2, Attempts: 2}, 0, 40},
	{"everything", world.Config{Masters: 2, Workers: 2, Tasks: 2, Attempts: 3, Failures: 1, Collect: true, Bounds: explore.Bounds{Losses: 2, Expiries: 2, Leaves: 1, Sweeps: 1}}, 6, 60},
	{"deaths", world.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2, Bounds: explore.Bounds{Stops: 1, Crashes: 2}}, 5, 60},
	{"cancel", world.Config{Masters: 1, Workers: 1, Tasks: 1, Attempts: 2, Cancel: true, Bounds: explore.Bounds{Losses: 1, Expiries: 1}}, 6, 30},
}

// longestCase bounds one schedule, in steps.
const longestCase = 150

// TestModel_SchedulesReplayOnZooKeeper draws schedules from the model, and replays them
// on a real server: the same programs, behind a proxy each, that holds a request until
// it is its turn. What the model answers must be answered, what it asks for next must
// be asked for, and the tree that it ends with must be there. RINGMASTER_NIGHTLY=1
// replays five times as many, RINGMASTER_SCHEDULE=WORLD/SEED the one of that name.
func TestModel_SchedulesReplayOnZooKeeper(t *testing.T) {
	ensembletest.NeedDocker(t)
	share := 1.0
	if os.Getenv("RINGMASTER_NIGHTLY") == "1" {
		share = 5
	}
	rehearseAll(t, ensembletest.Start(t, 1).Addresses()[0], share)
}

// TestModel_SchedulesReplayOnServe replays a tenth of them on a server of model/zk/serve. It has
// the model's tree, so that this is a test of all that is between the tree and the recipe; and
// it needs no Docker engine.
func TestModel_SchedulesReplayOnServe(t *testing.T) {
	t.Parallel()
	rehearseAll(t, zktest.Start(t, serve.Options{TickTime: 500 * time.Millisecond}).String(), 0.1)
}

// rehearseAll replays such a share of the schedules of all worlds.
func rehearseAll(t *testing.T, address string, share float64) {
	t.Helper()
	type job struct {
		world int
		seed  uint64
	}
	var jobs []job
	only := os.Getenv("RINGMASTER_SCHEDULE")
	for w, world := range rehearsed {
		cases := int(share * float64(world.cases))
		if only != "" {
			cases = max(cases, world.cases)
		}
		for seed := range cases {
			if only == "" || only == fmt.Sprintf("%s/%d", world.name, seed) {
				jobs = append(jobs, job{w, uint64(seed)})
			}
		}
	}
	if len(jobs) == 0 {
		t.Fatalf("RINGMASTER_SCHEDULE=%s: use the name of a world and a seed, as in losses/7", only)
	}
	var n rehearsal
	start := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	for range rehearsalLanes {
		group.Go(func() {
			for at := next.Add(1) - 1; int(at) < len(jobs) && !t.Failed(); at = next.Add(1) - 1 {
				j := jobs[at]
				world := rehearsed[j.world]
				rehearse(t, newConductor(t, address, world.config, defect{}, &n), world.name, j.seed, world.faults)
			}
		})
	}
	group.Wait()
	t.Logf("%v, in %v", &n, time.Since(start).Round(time.Second))
	if n.disturbed.Load() > 1+n.cases.Load()/50 {
		t.Errorf("%d of %d cases were given up because the server did not answer", n.disturbed.Load(), n.cases.Load())
	}
}

// rehearsalLanes is how many cases are replayed at a time. They mostly wait: the library pauses
// for a second or two before it connects again.
const rehearsalLanes = 8

// cases makes the names of the cases' znodes.
var cases atomic.Int64

// newConductor is ready to replay one schedule of a world.
func newConductor(t *testing.T, address string, config world.Config, d defect, n *rehearsal) *conductor {
	t.Helper()
	world, err := config.World()
	if err != nil {
		t.Fatal(err)
	}
	config.Without = d.other
	other, err := config.World()
	if err != nil {
		t.Fatal(err)
	}
	return &conductor{
		ctx: t.Context(), world: world, programs: other.Processes, address: address, namespace: fmt.Sprintf("/case-%d", cases.Add(1)),
		names: newNames(), tally: n, defect: d, patience: patience,
	}
}

// rehearse replays one schedule.
func rehearse(t *testing.T, c *conductor, name string, seed uint64, faults int) {
	t.Helper()
	c.tally.cases.Add(1)
	switch err := c.replay(seed, faults, longestCase); {
	case errors.Is(err, errDisturbed):
		c.tally.disturbed.Add(1)
		t.Logf("%s/%d: given up: %v", name, seed, err)
	case err != nil:
		t.Errorf("%s/%d: the real side differs from the model in step %d:\n%s\n    %v", name, seed, len(c.log)-1, strings.Join(c.log, "\n"), err)
	}
}

// TestSchedules_ReplayNoticesDefects puts something wrong in on one of the two sides, and sees
// the replay fail. What the replay notices is the same on any server.
func TestSchedules_ReplayNoticesDefects(t *testing.T) {
	t.Parallel()
	address := zktest.Start(t, serve.Options{TickTime: 500 * time.Millisecond}).String()
	masters := world.Config{Masters: 2, Workers: 1, Tasks: 1, Attempts: 2}
	lossy, mortal := masters, masters
	lossy.Bounds.Losses, mortal.Bounds.Expiries = 3, 2
	for _, d := range []struct {
		defect
		config world.Config
	}{
		{defect{name: "the model's answer has another version", tell: func(_ int, m *explore.Moment) {
			if m.Happening == explore.Serves && m.Asked.Op.Kind == zkapi.KindGet {
				m.Result.Stat.Version++
			}
		}}, masters},
		{defect{name: "the model refuses what was applied", tell: func(_ int, m *explore.Moment) {
			if m.Happening == explore.Serves && m.Asked.Op.Kind == zkapi.KindMulti {
				m.Err = &zkapi.Error{Kind: zkapi.KindMulti, Path: "/assign", Index: 0, Fate: zkapi.NotApplied, Err: zkapi.ErrBadVersion}
			}
		}}, masters},
		{defect{name: "the model serves another request", tell: func(step int, m *explore.Moment) {
			if m.Happening == explore.Serves && step > 10 {
				m.Which++
			}
		}}, masters},
		{defect{name: "the real masters do not check their epoch", other: "epoch-check"}, masters},
		{defect{name: "the real recipe takes a lost election for lost", other: "election-resolved"}, lossy},
		{defect{name: "a request that is to be lost arrives", leaks: true}, lossy},
		{defect{name: "requests do not wait for their turn", hurries: true}, masters},
		{defect{name: "watch events are lost", deafens: true}, masters},
		{defect{name: "a session goes on that is to be expired", spares: true}, mortal},
		{defect{name: "somebody else writes", meddles: true}, masters},
	} {
		t.Run(d.name, func(t *testing.T) {
			for seed := range uint64(40) {
				c := newConductor(t, address, d.config, d.defect, &rehearsal{})
				c.patience = 2 * time.Second
				if err := c.replay(seed, 10, longestCase); errors.Is(err, errUnlike) && !errors.Is(err, errDisturbed) {
					t.Logf("seed %d, step %d: %v", seed, len(c.log)-1, err)
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}
