package decide

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// Job is a task that waits for a worker, as a Strategy sees it.
type Job struct {
	Task     string
	Options  Options
	Attempts int // that have ended without a result
}

// Load is a live worker, as a Strategy sees it.
type Load struct {
	Worker   string
	Held     int // tasks assigned to it, residents not counted
	Capacity int // how many it takes
}

// Free reports whether the worker takes one more.
func (l Load) Free() bool { return l.Held < l.Capacity }

// Strategy chooses the worker for a task, or "" to let the task wait. It is called with all
// live workers, by name, also those without a free place; if it chooses one of these, the
// task waits. Workers that were lost with this task, or showed no progress on it, are left
// out at first. If the Strategy chooses none of the others, although one has a free place, it
// is called again with more workers.
//
// It must be a pure function: the same arguments give the same answer, without side effects.
// It must be quick, because the master's loop calls it for every waiting task.
//
// It is not called for resident tasks, which are spread evenly.
type Strategy func(job Job, workers []Load) string

// LeastLoaded chooses the worker that holds the fewest tasks. It is the default.
func LeastLoaded(_ Job, workers []Load) string {
	best := -1
	for i, w := range workers {
		if w.Free() && (best < 0 || w.Held < workers[best].Held) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return workers[best].Worker
}

// StickyByKey gives tasks with the same Options.Key to the same worker for as
// long as it lives, and waits for it when it is full. A worker that joins or
// leaves changes the worker of as few keys as possible (rendezvous hashing,
// Thaler and Ravishankar 1998). Tasks without a key go to the least loaded.
func StickyByKey(job Job, workers []Load) string {
	if job.Options.Key == "" {
		return LeastLoaded(job, workers)
	}
	if len(workers) == 0 {
		return ""
	}
	weight := func(w Load) uint64 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(w.Worker + "\x00" + job.Options.Key)) // never fails
		return mix(h.Sum64())
	}
	return slices.MaxFunc(workers, func(a, b Load) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(b.Worker, a.Worker))
	}).Worker
}

// mix spreads a hash over all its bits (the finalizer of MurmurHash3): names that
// differ in one digit must not have weights of one order for every key.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
