package recipe

import (
	"maps"
	"slices"
)

// Phase is how far a task has got.
type Phase string

// The phases, as a master sees them.
const (
	PhasePending  Phase = "pending"
	PhaseAssigned Phase = "assigned"
	PhaseFinished Phase = "finished"
)

// WorkerInfo is one worker as the master sees it.
type WorkerInfo struct {
	Name        string
	Alive       bool
	Incarnation int32
	Retiring    bool     // it takes no more
	Capacity    int      // that it asks for; 0 when it leaves that to the master
	Assigned    []string // task names, sorted
}

// TaskInfo is one task as the master sees it.
type TaskInfo struct {
	Name     string
	Phase    Phase
	Worker   string // while assigned
	Attempts int    // that have ended without a result
	Options  Options
}

func workerInfo(name string, v *view) WorkerInfo {
	w := v.workers[name]
	if w == nil {
		return WorkerInfo{Name: name}
	}
	return WorkerInfo{
		Name: name, Alive: w.alive, Incarnation: w.incarnation, Retiring: w.retiring, Capacity: w.capacity,
		Assigned: slices.Sorted(maps.Keys(w.tasks)),
	}
}

func taskInfo(name string, t *taskView) TaskInfo {
	phase := map[phase]Phase{pending: PhasePending, assigned: PhaseAssigned, finished: PhaseFinished}[t.phase]
	return TaskInfo{Name: name, Phase: phase, Worker: t.worker, Attempts: int(t.attempts), Options: t.options}
}

// Snapshot is the active master's view at one moment. It is a copy.
type Snapshot struct {
	Epoch   int32
	Workers []WorkerInfo // by name
	Tasks   []TaskInfo   // by name; those that are quarantined are not among them
	// Quarantined is what the master leaves alone for now, because the server refuses
	// what is to be done with it. Everything else goes on. Clients see it in
	// Overview.Quarantined.
	Quarantined []Quarantined // by kind and name
}
