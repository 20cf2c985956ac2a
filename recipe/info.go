package recipe

import (
	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
)

// State is how far a task has got and, at its end, how it ended. The empty State means that
// the client could not read enough.
type State string

// The states of a task. Pending and Assigned tasks are not finished; all other states are
// final.
const (
	Pending  State = "pending"  // it waits for a worker
	Assigned State = "assigned" // a worker has it

	Done      State = "done"      // a handler returned a result
	Failed    State = "failed"    // the retry budget is spent
	Cancelled State = "cancelled" // by Client.Cancel
	// Finished means that the task has ended, and that its status was not read: masters do
	// not read how a task ended, and a server may not show it to a client.
	Finished State = "finished"
)

// Ended reports whether the state is final. It is false for the empty State.
func (s State) Ended() bool { return s != "" && s != Pending && s != Assigned }

// ended returns the state of a task that has a status. A status that was made by hand may
// have the word of an unfinished state.
func (s Status) ended() State {
	if !s.State.Ended() {
		return Finished
	}
	return s.State
}

// WorkerInfo is one worker.
type WorkerInfo struct {
	Name        string
	Address     string // empty if it is not alive, and in a Master's Snapshot and Changes: masters do not read it
	Alive       bool   // false also if the Client may not read it; see Overview.Unreadable
	Incarnation int32
	Retiring    bool     // it takes no more tasks
	Capacity    int      // the worker's own limit; 0 for the master's
	Assigned    []string // task names, sorted
}

// TaskInfo is one task.
type TaskInfo struct {
	Name     string
	State    State
	Worker   string  // while assigned
	Attempts int     // that have ended without a result
	Options  Options // not in an Overview, which does not read the tasks' data
}

// workerInfo is a worker in the master's view, without what is assigned to it.
func workerInfo(name string, v *decide.View) WorkerInfo {
	w := v.FindWorker(name)
	if w == nil {
		return WorkerInfo{Name: name}
	}
	return WorkerInfo{Name: name, Alive: w.Alive, Incarnation: w.Incarnation, Retiring: w.Retiring, Capacity: w.Capacity}
}

func taskInfo(name string, t *decide.TaskView) TaskInfo {
	state := map[decide.TaskPhase]State{decide.Pending: Pending, decide.Assigned: Assigned, decide.Finished: Finished}[t.Phase]
	return TaskInfo{Name: name, State: state, Worker: t.Worker, Attempts: int(t.Attempts), Options: t.Options}
}

// Snapshot is the active master's view at one moment. It is a copy.
type Snapshot struct {
	Epoch   int32
	Workers []WorkerInfo // by name
	Tasks   []TaskInfo   // by name, without the quarantined tasks
	// Quarantined lists the subjects that the master leaves alone for now, because the server
	// refuses its requests for them. Everything else goes on. Clients see the list in
	// Overview.Quarantined.
	Quarantined []Quarantined // by kind and name
}
