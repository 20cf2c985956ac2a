package decide

import (
	"cmp"
	"hash/fnv"
	"maps"
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

// loads has the load of each live worker while a pass decides.
type loads struct {
	workers   []Load         // by name
	residents map[string]int // by worker, without those that are revoked
	floating  []string       // residents that are to leave or wait
	free      int            // workers that take one more
}

func newLoads(v *View, perWorker int) *loads {
	l := &loads{residents: map[string]int{}}
	for _, name := range v.WorkerNames() {
		w := v.Workers[name]
		switch w.Bar() {
		case NoBar:
		case BarQuarantined:
			continue // its tasks stay where they are
		default:
			l.floating = append(l.floating, v.residentsOf(w)...)
			continue
		}
		load := Load{Worker: name, Capacity: perWorker}
		if w.Capacity > 0 {
			load.Capacity = min(load.Capacity, w.Capacity)
		}
		l.residents[name] = 0
		for t := range w.Tasks {
			switch task := v.Tasks[t]; {
			case task == nil || !task.Options.Resident:
				load.Held++
			case task.Revoked:
				l.floating = append(l.floating, t)
			default:
				l.residents[name]++
			}
		}
		if load.Free() {
			l.free++
		}
		l.workers = append(l.workers, load)
	}
	return l
}

// residentsOf lists the resident tasks of one worker.
func (v *View) residentsOf(w *workerView) []string {
	var names []string
	for _, t := range slices.Sorted(maps.Keys(w.Tasks)) {
		if task := v.Tasks[t]; task != nil && task.Options.Resident {
			names = append(names, t)
		}
	}
	return names
}

// place finds a worker for a task and takes the place there. "" means that it has to wait, for
// what the Hold says.
func (l *loads) place(name string, task *TaskView, strategy Strategy) (string, Hold) {
	if len(l.workers) == 0 {
		return "", Hold{Why: NoWorkerTakes}
	}
	if task.Options.Resident {
		w := l.fewest(l.residents, task.Avoid)
		l.residents[w]++
		return w, Hold{}
	}
	if l.free == 0 {
		return "", Hold{Why: AllFull}
	}
	job := Job{Task: name, Options: task.Options, Attempts: int(task.Attempts)}
	chosen, offered := "", 0
	for _, workers := range l.offers(task.Avoid) {
		offered = len(workers)
		if chosen = strategy(job, workers); chosen != "" || !slices.ContainsFunc(workers, Load.Free) {
			break // if none of these workers is free, the task waits rather than go to a worker that it avoids
		}
	}
	at := slices.IndexFunc(l.workers, func(w Load) bool { return w.Worker == chosen })
	switch {
	case chosen == "" && offered < len(l.workers):
		return "", Hold{Why: OthersAreFull}
	case at < 0 || !l.workers[at].Free():
		return "", Hold{Why: StrategyWaits, Worker: chosen}
	}
	l.workers[at].Held++
	if !l.workers[at].Free() {
		l.free--
	}
	return chosen, Hold{}
}

// offers returns groups of workers for a task, the best group first: all workers but those
// that it avoids; all but the one that it avoids since last; and all workers. There is at
// least one group, and a group is empty only if there is no worker.
func (l *loads) offers(avoid []string) [][]Load {
	var offers [][]Load
	for _, out := range [][]string{avoid, avoid[max(len(avoid)-1, 0):]} {
		if len(out) == 0 {
			break
		}
		others := slices.DeleteFunc(slices.Clone(l.workers), func(w Load) bool { return slices.Contains(out, w.Worker) })
		if len(others) > 0 {
			offers = append(offers, others)
		}
	}
	return append(offers, l.workers)
}

// fewest is the worker with the fewest resident tasks, by these counts.
func (l *loads) fewest(residents map[string]int, avoid []string) string {
	if len(l.workers) == 0 {
		return ""
	}
	return slices.MinFunc(l.offers(avoid)[0], func(a, b Load) int {
		return cmp.Compare(residents[a.Worker], residents[b.Worker])
	}).Worker
}
