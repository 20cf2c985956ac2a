package recipe

import (
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// readWorkers lists the live workers and the inboxes.
func (r *reconciler) readWorkers() error {
	if fresh(r.listWatch[r.layout.workers()]) {
		return nil
	}
	alive, err := r.do(r.followed(r.layout.workers()))
	if err != nil {
		return r.recreateParents(err)
	}
	zkapi.Checkpoint(r.env, "read inboxes", r, alive.Children, alive.Watch, alive.Cursor, alive.Partial)
	inboxes := fence.Children(r.layout.assign())
	if alive.Partial != nil {
		inboxes = r.followed(r.layout.assign())
	} else if alive.Cursor != 0 {
		inboxes = inboxes.Followed(0) // both lists are whole, or none is
	}
	known, err := r.do(inboxes)
	if err != nil {
		return err
	}
	if alive.Partial != nil && known.Partial == nil {
		delete(r.lists, r.layout.workers())
		return r.readWorkers()
	}
	r.listWatch[r.layout.workers()] = alive.Watch
	r.taken(r.layout.workers(), alive)
	r.taken(r.layout.assign(), known)
	if alive.Partial != nil {
		r.workersChanged(*alive.Partial, *known.Partial)
		return nil
	}
	r.workersListed(alive.Children, known.Children)
	return nil
}

// workersListed takes over the lists of the live workers and of the inboxes.
func (r *reconciler) workersListed(alive, known []string) {
	idle := map[string]bool{} // before: neither alive nor with a task
	var before []string       // had an inbox
	for name, w := range r.view.Workers() {
		idle[name] = w.Known && !w.Listed && w.Held() == 0
		if w.Known {
			before = append(before, name)
		}
		r.view.TouchWorker(name)
		w.Listed, w.Alive, w.Known = false, false, false
	}
	for _, name := range alive {
		if r.fits(subject{workerSubject, name}) {
			r.workerListed(name)
		}
	}
	var dead []string
	for _, w := range known {
		if !r.fits(subject{workerSubject, w}) {
			continue
		}
		worker := r.view.Worker(w)
		worker.Known = true
		if idle[w] && !worker.Listed {
			dead = append(dead, w)
		} else {
			r.stale[w] = true // it may have registered again
		}
	}
	for _, w := range r.deadTurns.next(dead, deadPerList) {
		r.stale[w] = true
	}
	slices.Sort(before)
	for _, w := range before {
		if !r.view.Worker(w).Known {
			r.inboxGone(w)
		}
	}
	r.vanished(workerSubject, func(w string) bool { return slices.Contains(alive, w) || slices.Contains(known, w) })
}

// readInboxes lists the assignments of every worker whose inbox may have changed. Only a live
// worker's inbox is watched, because only live workers remove assignments.
func (r *reconciler) readInboxes() error {
	var names []string
	var ops []fence.Read
	for _, w := range r.changedInboxes() {
		worker := r.view.FindWorker(w)
		if worker == nil || !worker.Known || worker.Quarantined {
			r.unwatchInbox(w) // there is nothing to read yet
			continue
		}
		op := fence.Children(r.layout.inbox(w))
		if worker.Alive {
			op = r.followed(r.layout.inbox(w))
		}
		names, ops = append(names, w), append(ops, op)
	}
	replies := r.doAll(ops)
	for i, reply := range replies {
		if zkapi.Refused(reply.Err) {
			r.quarantineWorker(names[i], reply.Err, true)
			continue
		}
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			r.inboxGone(names[i])
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		if reply.Stat.Alive() { // nothing can be assigned there
			r.quarantineWorker(names[i], &obstacle.Error{Problem: claimProblem(r.layout.inbox(names[i]), reply.Stat)}, true)
			continue
		}
		r.inboxWatch[names[i]] = reply.Watch
		if reply.Watch == nil {
			delete(r.inboxWatch, names[i])
		}
		delete(r.stale, names[i])
		r.taken(r.layout.inbox(names[i]), reply.Result)
		if reply.Partial != nil {
			r.inboxChanged(names[i], reply.Result)
		} else {
			r.listed(names[i], reply.Result)
		}
	}
	return nil
}

// changedInboxes lists the inboxes that are to be read, by worker.
func (r *reconciler) changedInboxes() []string {
	var names []string
	for w := range r.stale {
		names = append(names, w)
	}
	for w, watch := range r.inboxWatch {
		if watch.Fired() && !r.stale[w] {
			names = append(names, w)
		}
	}
	slices.Sort(names)
	return names
}

// inboxGone notes that an inbox was removed: its worker was pruned, if it does not live. A later
// worker of that name is another one.
func (r *reconciler) inboxGone(w string) {
	worker := r.view.FindWorker(w)
	if worker == nil {
		return
	}
	r.unwatchInbox(w)
	for _, t := range worker.Tasks() {
		r.seenReturned(t, w)
	}
	worker = r.view.Worker(w)
	worker.Known, worker.Claimed, worker.Heard, worker.Incarnation = false, false, false, 0
	clear(worker.Taken)
	r.view.TouchWorker(w)
	if !worker.Listed && !worker.Quarantined {
		r.view.ForgetWorker(w)
	}
}

// unwatchInbox notes that an inbox is not read for now. A watch that has fired and is not
// renewed would make the loop turn without a pause.
func (r *reconciler) unwatchInbox(w string) {
	delete(r.stale, w)
	delete(r.inboxWatch, w)
	delete(r.lists, r.layout.inbox(w))
}

// barred reports whether an inbox has a negative version: its worker gets no tasks, because
// the check of such a version is no fence.
func barred(inbox zkapi.Stat) bool { return inbox.Version < 0 }

// listed takes over the list of an inbox. A task that has left the inbox is finished or must
// be assigned again; its children show which.
func (r *reconciler) listed(w string, inbox zkapi.Result) {
	r.registered(w, inbox.Stat.Version)
	worker := r.view.Worker(w)
	r.quarantine.left(w, inbox.Children)
	now := map[string]bool{}
	for _, t := range inbox.Children {
		if r.quarantine.holdsTask(t) {
			r.quarantine.entries[subject{taskSubject, t}].inbox = w
			continue
		}
		now[t] = true
		if !worker.Has(t) {
			r.seenAssigned(t, w)
		}
	}
	for _, t := range worker.Tasks() {
		if !now[t] {
			r.seenReturned(t, w)
		}
	}
	worker = r.view.Worker(w)
	for t := range worker.Taken {
		if !now[t] {
			delete(worker.Taken, t)
		}
	}
}

// readClaims reads whether workers are alive, and their claim records. If a worker was lost
// before the term began and still holds something, readClaims reads only its record.
func (r *reconciler) readClaims() error {
	var listed, names []string
	var ops, claims []fence.Read
	for _, w := range r.view.Unclaimed() {
		worker := r.view.Worker(w)
		if worker.Listed {
			listed, ops = append(listed, w), append(ops, fence.Exists(r.layout.worker(w)))
		}
		if worker.Known {
			names, claims = append(names, w), append(claims, fence.Get(r.layout.inbox(w)))
		}
	}
	replies := r.doAll(append(ops, claims...))
	for i, w := range listed {
		if zkapi.Refused(replies[i].Err) {
			r.quarantineWorker(w, replies[i].Err, true)
			continue
		}
		if err := r.lives(w, replies[i]); err != nil {
			return err
		}
	}
	for i, reply := range replies[len(listed):] {
		if zkapi.Refused(reply.Err) {
			r.quarantineWorker(names[i], reply.Err, true)
			continue
		}
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			r.inboxGone(names[i]) // it was pruned
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		r.quarantine.worked(r.term.Active, subject{workerSubject, names[i]}, true)
		var record claimRecord
		if what := record.checked(decodeRecord(reply.Data, &record)); what != "" {
			r.notices.Report(r.term.Active, r.term.obs.Logger, r.layout.capacityProblem(names[i], what), reply.Stat)
		}
		r.view.TouchWorker(names[i])
		takeClaim(r.view, names[i], record, reply.Stat, r.format)
		if err := r.noteEpochSeen(names[i], record, reply.Stat); err != nil {
			return err
		}
		for _, problem := range r.layout.outdated(names[i], record, reply.Stat, r.format) {
			r.notices.Report(r.term.Active, r.term.obs.Logger, problem, reply.Stat)
		}
	}
	return nil
}

// takeClaim takes over the claim of a worker into a view. The format is that of the znodes.
func takeClaim(v *decide.View, name string, record claimRecord, inbox zkapi.Stat, format int) {
	worker := v.Worker(name)
	worker.Incarnation, worker.Claimed, worker.Heard = inbox.Version, true, true
	worker.Outdated = record.knows() < format || barred(inbox)
	worker.Acks, worker.Fenced = record.Acks, record.Fenced
	worker.Capacity, worker.Retiring, worker.Format = record.Capacity, record.Retiring, record.knows()
}

// outdated says why a worker gets no tasks whose claim takeClaim calls outdated.
func (l layout) outdated(w string, record claimRecord, inbox zkapi.Stat, format int) (problems []Problem) {
	if known := record.knows(); known < format {
		problems = append(problems, l.formatProblem(w, known, format))
	}
	if barred(inbox) {
		problem, _ := l.versionProblem(l.inbox(w), inbox.Version, 0)
		problems = append(problems, problem)
	}
	return problems
}

// lives takes over whether a listed worker's znode belongs to a session. If the znode has
// gone since, the next list of the workers shows it.
func (r *reconciler) lives(w string, seen zkapi.Reply) error {
	if seen.Err != nil || !seen.Found {
		return seen.Err
	}
	worker := r.view.Worker(w)
	was := worker.Stray
	worker.Alive, worker.Stray = seen.Stat.Alive(), !seen.Stat.Alive()
	if worker.Stray != was {
		r.stale[w] = true // its inbox is not watched any more, or is to be
	}
	if worker.Stray {
		r.notices.Report(r.term.Active, r.term.obs.Logger, r.layout.workerProblem(w, seen.Stat), seen.Stat)
	}
	return nil
}
