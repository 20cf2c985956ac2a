package peers

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Job is what is measured.
type Job struct {
	Tasks     int      // of a drain, and to be handed in
	Few       int      // of the drain of queues that get slower with their length
	Lone      int      // tasks one at a time; uncontended locks; items put one by one
	Crowds    []int    // of a lock: how many contend; of a queue: how many consume; one measurement after the other
	Seconds   int      // for which each crowd contends, or consumes at most
	Handovers int      // of a lock or an election, to one that waits
	ZooKeeper []string // addresses of the ensemble, for queues on it
	Below     string   // the znode below which those are; it exists
}

// Peer is what people use instead: a task queue, a lock or an election.
type Peer struct {
	Name string
	// Prepare builds what Measure runs. It returns a Missing if something is not installed.
	Prepare func(context.Context, *Place) error
	// Measure starts the peer's server, if it has one of its own, measures, and stops it.
	Measure func(context.Context, *Place, Job) ([]Figure, error)
}

// Missing is the sentence that says why a peer cannot be measured here, and what to do.
type Missing string

// Error implements error.
func (m Missing) Error() string { return string(m) }

// missing says that something is not installed.
func missing(what string) Missing {
	return Missing(what + " is not installed: run scripts/bench-peers")
}

// All returns the peers of this machine, in the order in which they are measured.
func All() []Peer { return find.all() }

func (f finder) all() []Peer {
	return []Peer{
		{"River on PostgreSQL", f.river, f.measureRiver},
		{"asynq on Redis", f.asynq, f.measureAsynq},
		{"kazoo LockingQueue", f.kazoo(kazooQueue), measureKazoo("")},
		{"Curator DistributedQueue", f.curator(curatorQueue), f.measureCurator("")},
	}
}

// Locks returns what people use instead of package lock.
func Locks() []Peer { return find.onZooKeeper("lock", "kazoo Lock", "Curator InterProcessMutex") }

// Queues returns what people use instead of package queue.
func Queues() []Peer { return find.queues() }

func (f finder) queues() []Peer {
	return []Peer{
		{"kazoo LockingQueue", f.kazoo(kazooQueue), measureKazoo("queue")},
		{"Curator DistributedQueue", f.curator(curatorQueue), f.measureCurator("queue")},
	}
}

// Counters returns what people use instead of the counters of package value.
func Counters() []Peer {
	return []Peer{{"kazoo Counter", find.kazoo(kazooContend), measureKazoo("counter")}}
}

// Elections returns what people use instead of package election.
func Elections() []Peer {
	return find.onZooKeeper("election", "kazoo Election", "Curator LeaderLatch")
}

// onZooKeeper returns the peers for one part of the programs that contend.
func (f finder) onZooKeeper(part, ofKazoo, ofCurator string) []Peer {
	return []Peer{
		{ofKazoo, f.kazoo(kazooContend), measureKazoo(part)},
		{ofCurator, f.curator(curatorContend), f.measureCurator(part)},
	}
}

// sources is the folder of the programs, from the root of the repository.
const sources = "peers"

// finder returns the path of a program, or of a file if its name has a slash. The name of a
// file may be a pattern: then it is that of the greatest version. Empty means that there is
// none.
type finder func(name string) string

var find finder = onThisMachine

func onThisMachine(name string) string {
	if !strings.Contains(name, "/") {
		path, _ := exec.LookPath(name)
		return path
	}
	found, _ := filepath.Glob(name) // the patterns of this package are well formed
	if len(found) == 0 {
		return ""
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
}

// version is the last number in a path, such as 15 of /usr/lib/postgresql/15/bin; 0 if there
// is none.
func version(path string) (n float64) {
	for part := range strings.SplitSeq(path, "/") {
		if number, err := strconv.ParseFloat(part, 64); err == nil {
			n = number
		}
	}
	return n
}

// file is what a peer needs: the name for finder, and what to call it.
type file struct{ name, what string }

// need returns a Missing for the first file that is not there.
func (f finder) need(files ...file) error {
	for _, one := range files {
		if f(one.name) == "" {
			return missing(one.what)
		}
	}
	return nil
}

// program finds one of our programs.
func (f finder) program(name string) (path string, err error) {
	if path = f(filepath.Join(sources, name)); path == "" {
		return "", Missing(fmt.Sprintf("%s/%s is not in the current folder: run the command at the root of the repository", sources, name))
	}
	return filepath.Abs(path)
}
