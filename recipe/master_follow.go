package recipe

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// followedList is a long list that the session follows: later reads bring its changes alone
// (zkapi.Op.Followed).
type followedList struct {
	cursor  int64 // of the last answer
	version int32 // of the znode when the whole list was read
	resyncs int   // that may pass before the whole list is read again
}

// A followed list is read whole again after so many resyncs, and after one more for each so
// many names.
const (
	resyncsPerList = 9
	namesPerResync = 4000
)

// turns goes through a set of names in turns.
type turns struct{ last string }

// next returns at most so many of the sorted names, which come after those of the last time.
// It returns all of them if they are not more.
func (t *turns) next(names []string, most int) []string {
	if len(names) <= most {
		t.last = ""
		return names
	}
	from, found := slices.BinarySearch(names, t.last)
	if found {
		from++
	}
	some := names[from:min(from+most, len(names))]
	some = slices.Concat(some, names[:most-len(some)])
	t.last = some[len(some)-1]
	return some
}

// Bounds of what one list or one resync reads again without a sign that it has changed.
const (
	deadPerList       = 64   // inboxes of workers that do not live and hold nothing
	claimsPerResync   = 256  // claims of live workers
	assignedPerResync = 1000 // tasks that are assigned
)

// followed is the read of a list that may be long.
func (r *reconciler) followed(path string) fence.Read {
	since := int64(0)
	if list := r.lists[path]; list != nil {
		since = list.cursor
	}
	return fence.Children(path).Followed(since)
}

// taken notes that the answer to such a read is taken over.
func (r *reconciler) taken(path string, answer zkapi.Result) {
	switch list := r.lists[path]; {
	case answer.Cursor == 0:
		delete(r.lists, path)
	case answer.Partial == nil || list == nil:
		r.lists[path] = &followedList{answer.Cursor, answer.Stat.Version, resyncsPerList + len(answer.Children)/namesPerResync}
	default:
		list.cursor = answer.Cursor
	}
}

// distrustLists makes the next reads of some lists bring whole ones, because a session is not
// told about children that it may not read.
func (r *reconciler) distrustLists() {
	for path, list := range r.lists {
		if list.resyncs--; list.resyncs < 0 {
			delete(r.lists, path)
		}
	}
}

// tasksChanged takes over which tasks have come and gone. A task in both is another one of the
// same name.
func (r *reconciler) tasksChanged(listed zkapi.Result) {
	r.tasksVersion = listed.Stat.Cversion
	for _, t := range listed.Partial.Gone {
		_, comes := slices.BinarySearch(listed.Partial.Come, t)
		if !comes {
			r.quarantine.gone(r.term.Active, subject{progressSubject, t})
		}
		switch {
		case r.quarantine.inboxOf(t) != "":
		case r.quarantine.knows(subject{taskSubject, t}):
			r.quarantine.gone(r.term.Active, subject{taskSubject, t})
			r.view.Forget(t)
		case comes && r.view.Find(t) != nil:
			r.reset(t)
		default:
			r.view.Forget(t)
		}
	}
	for _, t := range listed.Partial.Come {
		if r.fits(subject{taskSubject, t}) && !r.quarantine.holdsTask(t) && r.view.Task(t).Phase == decide.Unread {
			r.view.MarkDirty(t)
		}
	}
	r.belowChanged(*listed.Partial)
}

// belowChanged takes over what has come and gone below tasks. If that is a status alone, the task
// has ended, and nothing else is to be known about it. Otherwise its children are read.
func (r *reconciler) belowChanged(p zkapi.Partial) {
	made := make(map[string]bool, len(p.Made))
	for _, path := range p.Made {
		made[path] = true
	}
	var ended []string
	read := map[string]bool{}
	for _, path := range p.Below {
		t, what, _ := strings.Cut(path, "/")
		task := r.view.Find(t)
		switch {
		case what == "progress" || task == nil || task.Phase == decide.Finished:
		case what == "status" && made[path] && task.Known:
			ended = append(ended, t)
		default: // an attempt has ended
			read[t] = true
			r.view.MarkDirty(t)
		}
	}
	for _, t := range ended {
		if !read[t] {
			r.ended(t)
		}
	}
}

// workersChanged takes over which workers and which inboxes have come, gone, or been set. A
// worker sets its inbox when it registers, and when it renews its claim.
func (r *reconciler) workersChanged(alive, known zkapi.Partial) {
	for _, name := range alive.Gone {
		if worker := r.view.FindWorker(name); worker != nil {
			r.view.TouchWorker(name)
			worker.Listed, worker.Alive = false, false
			r.stale[name] = true
		}
	}
	for _, name := range alive.Come {
		if r.fits(subject{workerSubject, name}) {
			r.workerListed(name)
			r.stale[name] = true
		}
	}
	for _, name := range known.Gone {
		r.inboxGone(name)
	}
	for _, name := range slices.Concat(known.Come, known.Changed) {
		if r.fits(subject{workerSubject, name}) {
			r.view.TouchWorker(name)
			r.view.Worker(name).Known = true
			r.stale[name] = true
		}
	}
	r.vanished(workerSubject, func(name string) bool {
		worker := r.view.FindWorker(name)
		return worker == nil || worker.Listed || worker.Known
	})
}

// workerListed notes that /workers/<w> is there.
func (r *reconciler) workerListed(name string) {
	r.view.TouchWorker(name)
	worker := r.view.Worker(name)
	worker.Listed, worker.Alive = true, !worker.Stray
	worker.Claimed = worker.Claimed && !worker.Stray // look whether it has become a worker
}

// inboxChanged takes over which assignments of a worker have come and gone. One that is in
// both was made again, and its maker is not known.
func (r *reconciler) inboxChanged(w string, inbox zkapi.Result) {
	r.registered(w, inbox.Stat.Version)
	for _, t := range inbox.Partial.Gone {
		if r.quarantine.inboxOf(t) == w {
			r.quarantine.entries[subject{taskSubject, t}].inbox = ""
			delete(r.listWatch, r.layout.tasks()) // the whole list shows whether it is still there
			delete(r.lists, r.layout.tasks())
		}
		worker := r.view.Worker(w)
		delete(worker.Taken, t) // also of a task that is quarantined
		if worker.Has(t) {
			r.seenReturned(t, w)
		}
	}
	for _, t := range inbox.Partial.Come {
		if r.quarantine.holdsTask(t) {
			r.quarantine.entries[subject{taskSubject, t}].inbox = w
		} else if !r.view.Worker(w).Has(t) {
			r.seenAssigned(t, w)
		}
	}
}

// registered takes over the incarnation that an inbox belongs to.
func (r *reconciler) registered(w string, incarnation int32) {
	worker := r.view.Worker(w)
	if worker.Incarnation != incarnation {
		worker.Incarnation, worker.Claimed = incarnation, false
		clear(worker.Taken) // that concerned another incarnation
		worker.Format = 0
	}
	r.view.TouchWorker(w)
}

// seenAssigned notes that a task was found in an inbox. Its maker is not known.
func (r *reconciler) seenAssigned(t, w string) {
	task := r.view.SetPhase(t, decide.Unread, r.now())
	task.Worker, task.Token, task.Revoked = w, Token{}, false
	r.view.MarkDirty(t)
	r.view.AddAssignment(w, t)
}

// seenReturned notes that a task has left an inbox: its children show whether it is finished.
func (r *reconciler) seenReturned(t, w string) {
	if task := r.view.Find(t); task != nil && task.Worker == w {
		r.view.SetPhase(t, decide.Unread, r.now()).Worker = ""
		r.view.MarkDirty(t)
	}
	r.view.DropAssignment(w, t)
}
