package recipe

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// ChangeKind is the kind of a change of a worker or a task.
type ChangeKind string

// The kinds of changes.
const (
	WorkerJoined   ChangeKind = "joined"          // it is alive now
	WorkerLeft     ChangeKind = "left"            // it is not alive any more
	WorkerReborn   ChangeKind = "new incarnation" // it has registered again
	TaskSubmitted  ChangeKind = "submitted"       // it is new
	TaskAssigned   ChangeKind = "assigned"        // it has a new worker
	AttemptEnded   ChangeKind = "attempt ended"   // an attempt has ended without a result
	TaskFinished   ChangeKind = "finished"        // it has its status
	TaskCollected  ChangeKind = "collected"       // it is gone
	LeadershipOver ChangeKind = "leadership over" // no more changes until this master leads again
)

// Change is one difference between the state that a reader saw last and the present state.
// Exactly one of Worker and Task has a name, except for LeadershipOver.
type Change struct {
	Kind   ChangeKind
	Worker WorkerInfo
	Task   TaskInfo
}

// published is the state that a master shows to readers: its view at the end of a pass, so
// that it is consistent.
type published struct {
	term *leadership

	mu       sync.Mutex
	complete bool                       // everything has been read once
	workers  map[string]WorkerInfo      // without what is assigned to them
	assigned map[string]map[string]bool // tasks by worker
	tasks    map[string]TaskInfo

	quarantined []Quarantined
}

func newPublished(t *leadership) *published {
	return &published{term: t, workers: map[string]WorkerInfo{}, assigned: map[string]map[string]bool{}, tasks: map[string]TaskInfo{}}
}

// worker returns a worker with what is assigned to it. The caller has the lock.
func (s *published) worker(name string) WorkerInfo {
	w := s.workers[name]
	w.Assigned = slices.Sorted(maps.Keys(s.assigned[name]))
	return w
}

// update takes over the changed names of the view. It returns them, and whether there is
// anything new for readers.
func (s *published) update(v *decide.View, complete bool) (workers, tasks map[string]bool, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	workers, tasks = v.TakeTouched()
	for name := range workers {
		if v.FindWorker(name) != nil {
			s.workers[name] = workerInfo(name, v)
		} else {
			delete(s.workers, name) // it was pruned
		}
	}
	for _, moved := range v.TakeMoved() { // few of perhaps many that the worker has
		worker := v.FindWorker(moved.Worker)
		s.assign(moved.Worker, moved.Task, worker != nil && worker.Has(moved.Task))
	}
	for name := range tasks {
		if t := v.Find(name); t != nil {
			s.tasks[name] = taskInfo(name, t)
		} else {
			delete(s.tasks, name)
		}
	}
	news = len(workers)+len(tasks) > 0 || complete && !s.complete
	s.complete = s.complete || complete
	return workers, tasks, news
}

// assign notes whether a task is assigned to a worker.
func (s *published) assign(worker, task string, is bool) {
	all := s.assigned[worker]
	if all == nil {
		all = map[string]bool{}
		s.assigned[worker] = all
	}
	if is {
		all[task] = true
	} else {
		delete(all, task)
	}
	if len(all) == 0 {
		delete(s.assigned, worker)
	}
}

// leaves takes over the list of quarantined subjects.
func (s *published) leaves(all []Quarantined) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quarantined = all
}

// subscriber is one reader of changes.
type subscriber struct {
	wake           zkapi.Signal
	workers, tasks map[string]bool // changed since it last looked
	all            bool            // everything may have changed
}

// broadcaster sends the changed names to subscribers. It never waits: for a slow subscriber,
// unread names are merged with later ones.
type broadcaster struct {
	mu          sync.Mutex
	current     *published // nil while not leading
	subscribers map[*subscriber]bool
}

// lead begins or, with nil, ends a term.
func (f *broadcaster) lead(s *published) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = s
	for one := range f.subscribers {
		one.all = true
		one.wake.Raise()
	}
}

// changed sends changed names to the subscribers.
func (f *broadcaster) changed(workers, tasks map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.subscribers {
		maps.Copy(one.workers, workers)
		maps.Copy(one.tasks, tasks)
		one.wake.Raise()
	}
}

func (f *broadcaster) join(one *subscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers == nil {
		f.subscribers = map[*subscriber]bool{}
	}
	f.subscribers[one] = true
	one.all = true
	one.wake.Raise()
}

func (f *broadcaster) leave(one *subscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subscribers, one)
}

// take returns the names that a subscriber has to look at, and the published state.
func (f *broadcaster) take(one *subscriber) (s *published, workers, tasks []string, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	workers, tasks, all = slices.Sorted(maps.Keys(one.workers)), slices.Sorted(maps.Keys(one.tasks)), one.all
	clear(one.workers)
	clear(one.tasks)
	one.all = false
	return f.current, workers, tasks, all
}

// again makes a subscriber look at everything at the next change, too.
func (f *broadcaster) again(one *subscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.all = true
}

// Changes streams the changes of workers and tasks that this master sees while it leads:
// first the present state, then every difference, until ctx ends or the loop is left. It
// reports states, not steps: a slow reader misses states in between, and the master never
// waits for it. The stream goes on across terms of this master.
func (m *Master) Changes(ctx context.Context) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if m.env == nil {
			return // errZero, which a stream cannot return
		}
		one := &subscriber{wake: m.env.Signal(), workers: map[string]bool{}, tasks: map[string]bool{}}
		m.broadcaster.join(one)
		defer m.broadcaster.leave(one)
		last := cursor{workers: map[string]WorkerInfo{}, tasks: map[string]TaskInfo{}}
		for {
			if _, err := m.env.Wait(ctx, one.wake); err != nil {
				return
			}
			s, workers, tasks, all := m.broadcaster.take(one)
			changes, complete := last.update(s, workers, tasks, all)
			if all && !complete {
				m.broadcaster.again(one)
			}
			for _, change := range changes {
				if !yield(change) {
					return
				}
			}
		}
	}
}

// cursor is the state that one subscriber saw last.
type cursor struct {
	leading bool
	workers map[string]WorkerInfo
	tasks   map[string]TaskInfo
}

// update compares the names that may have changed and returns the changes. At the beginning
// of a term the published state is not complete: a name that is missing may only be unread.
func (t *cursor) update(s *published, workers, tasks []string, all bool) (changes []Change, complete bool) {
	if s == nil {
		if t.leading {
			changes = []Change{{Kind: LeadershipOver}}
		}
		t.leading = false
		return changes, true
	}
	t.leading = true
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case all && s.complete:
		workers = union(maps.Keys(t.workers), maps.Keys(s.workers))
		tasks = union(maps.Keys(t.tasks), maps.Keys(s.tasks))
	case all:
		workers, tasks = slices.Sorted(maps.Keys(s.workers)), slices.Sorted(maps.Keys(s.tasks))
	}
	for _, name := range workers {
		changes = append(changes, t.worker(name, s)...)
	}
	for _, name := range tasks {
		info, exists := s.tasks[name]
		changes = append(changes, t.task(name, info, exists)...)
	}
	return changes, s.complete
}

func union(a, b iter.Seq[string]) []string {
	names := slices.AppendSeq(slices.Collect(a), b)
	slices.Sort(names)
	return slices.Compact(names)
}

func (t *cursor) worker(name string, s *published) []Change {
	before, now := t.workers[name], s.workers[name]
	now.Name = name
	t.workers[name] = now
	kind := WorkerReborn
	switch {
	case now.Alive && !before.Alive:
		kind = WorkerJoined
	case !now.Alive && before.Alive:
		kind = WorkerLeft
	case !now.Alive || now.Incarnation == before.Incarnation:
		return nil
	}
	now.Assigned = s.worker(name).Assigned
	return []Change{{Kind: kind, Worker: now}}
}

func (t *cursor) task(name string, now TaskInfo, exists bool) []Change {
	before, knew := t.tasks[name]
	if !exists {
		delete(t.tasks, name)
		if !knew {
			return nil
		}
		return []Change{{Kind: TaskCollected, Task: before}}
	}
	t.tasks[name] = now
	var out []Change
	emit := func(when bool, kind ChangeKind) {
		if when {
			out = append(out, Change{Kind: kind, Task: now})
		}
	}
	emit(!knew, TaskSubmitted)
	emit(knew && now.Attempts > before.Attempts, AttemptEnded)
	emit(now.State.Ended() && !before.State.Ended(), TaskFinished)
	again := before.State != Assigned || now.Worker != before.Worker || now.Attempts != before.Attempts
	emit(now.State == Assigned && again, TaskAssigned)
	return out
}
