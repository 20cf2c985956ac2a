package recipe

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// maxReads bounds the tasks that one pass reads, so that a master that finds a
// long backlog assigns the first of it before it knows all of it.
const maxReads = 4000

// do reads as the master that leads.
func (r *reconciler) do(op fence.Read) (zkapi.Result, error) {
	return r.term.session.Do(r.term.leading, op)
}

func (r *reconciler) doAll(ops []fence.Read) []zkapi.Reply {
	return r.term.session.DoAll(r.term.leading, ops)
}

// read updates the view: it reads everything that may have changed.
//
// The order matters. A task is pending if its children, read last, show no status
// and the inboxes, read before, did not hold it: read the other way round, a task
// that ends in between would look pending. For the same reason an assignment of a
// finished task is a leftover only if the inbox still holds it when it is read
// once more.
func (r *reconciler) read() error {
	steps := []func() error{
		r.sync, r.release, r.confirmMaster, r.readFormat, r.readCancellations, r.readWorkers, r.readInboxes, r.readClaims, r.readTasks, r.readDirty, r.readInboxes,
		r.readProgress, r.readExpired,
	}
	for n, step := range steps {
		zkapi.Checkpoint(r.env, "read", n, r)
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// sync brings the server that this session reads from up to the leader.
func (r *reconciler) sync() error {
	if r.synced {
		return nil
	}
	_, err := r.do(fence.Sync(r.layout.assign()))
	r.synced = err == nil
	return err
}

// confirmMaster checks that /master still belongs to this session. If it was deleted by hand,
// the term is over.
func (r *reconciler) confirmMaster() error {
	if fresh(r.masterWatch) {
		return nil
	}
	seen, err := exists(r.term.leading, r.term.session, fence.Exists(r.layout.master()).Watched())
	if err != nil && !zkapi.Refused(err) {
		return err
	}
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != r.term.session.ID() {
		r.term.depose(errors.Join(ErrDeposed, errors.New("/master belongs to another session")))
		return ErrDeposed
	}
	r.masterWatch = seen.Watch
	return nil
}

// fresh reports whether data that was read with this watch need not be read again.
func fresh(watch zkapi.Source) bool { return watch != nil && !watch.Fired() }

// readCancellations listens for clients that have cancelled a task: each sets the data of
// /tasks to its name. If exactly one has, that task is looked at; otherwise see findCancelled.
func (r *reconciler) readCancellations() error {
	if fresh(r.cancelWatch) {
		return nil
	}
	got, err := r.do(fence.Get(r.layout.tasks()).Watched())
	if err != nil {
		return r.recreateParents(err)
	}
	before := r.cancelVersion
	cancelled := got.Stat.Version - before
	r.cancelWatch, r.cancelVersion = got.Watch, got.Stat.Version
	switch name := string(got.Data); {
	case cancelled == 0:
	case cancelled == 1 && r.view.Find(name) != nil:
		r.view.MarkDirty(name)
	case !r.unnamed:
		r.unnamed, r.unnamedSince = true, before
		if cancelled < 0 { // another /tasks
			r.unnamedSince = noNotice
		}
	}
	if got.Stat.Version != 0 && (cancelled != 0 || !r.requested) { // each request sets the notice
		return r.readRequests()
	}
	return nil
}

// noNotice is a version of /tasks before the first notice.
const noNotice = -1

// findCancelled marks the tasks that clients have cancelled, if the notices do not name them all.
// A session that follows /tasks tells of each status that was made since the last whole list.
// Otherwise all tasks that are assigned or wait are looked at, and none is assigned before.
func (r *reconciler) findCancelled() {
	if !r.unnamed {
		return
	}
	r.unnamed = false
	if list := r.lists[r.layout.tasks()]; list != nil && list.version <= r.unnamedSince {
		return
	}
	r.sweep = nil
	r.markStale(r.view.Len(), r.view.Counts[decide.Pending])
}

// readWorkers lists the live workers and the inboxes.
func (r *reconciler) readWorkers() error {
	if fresh(r.listWatch[r.layout.workers()]) {
		return nil
	}
	alive, err := r.do(r.followed(r.layout.workers()))
	if err != nil {
		return r.recreateParents(err)
	}
	zkapi.Checkpoint(r.env, "read inboxes", r, alive.Children, alive.Watch)
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
	for name, w := range r.view.Workers() {
		idle[name] = w.Known && !w.Listed && w.Held() == 0
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
	r.vanished(workerSubject, func(w string) bool { return slices.Contains(alive, w) || slices.Contains(known, w) })
}

// readInboxes lists the assignments of every worker whose inbox may have changed. Only a live
// worker's inbox is watched, because only live workers remove assignments.
func (r *reconciler) readInboxes() error {
	var names []string
	var ops []fence.Read
	for _, w := range r.view.WorkerNames() {
		worker := r.view.Worker(w)
		if !worker.Known || worker.Quarantined {
			delete(r.stale, w) // there is nothing to read yet
			continue
		}
		if !r.stale[w] && (!worker.Alive || fresh(r.inboxWatch[w])) {
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
		if reply.Err != nil {
			return reply.Err
		}
		if reply.Stat.Alive() { // nothing can be assigned there
			r.quarantineWorker(names[i], &problemError{claimProblem(r.layout.inbox(names[i]), reply.Stat)}, true)
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
	for _, w := range r.view.WorkerNames() {
		worker := r.view.Worker(w)
		lost := !worker.Listed && !worker.Heard && worker.Held() > 0
		if worker.Quarantined || worker.Claimed || !worker.Listed && !lost {
			continue
		}
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
		if reply.Err != nil {
			return reply.Err
		}
		r.quarantine.worked(r.term.leading, subject{workerSubject, names[i]}, true)
		var record claimRecord
		if what := record.checked(decodeRecord(reply.Data, &record)); what != "" {
			r.notices.report(r.term.leading, r.term.obs.Logger, r.layout.capacityProblem(names[i], what), reply.Stat)
		}
		r.view.TouchWorker(names[i])
		takeClaim(r.view, names[i], record, reply.Stat, r.format)
		if err := r.noteEpochSeen(names[i], record, reply.Stat); err != nil {
			return err
		}
		for _, problem := range r.layout.outdated(names[i], record, reply.Stat, r.format) {
			r.notices.report(r.term.leading, r.term.obs.Logger, problem, reply.Stat)
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
	worker.Alive, worker.Stray = seen.Stat.Alive(), !seen.Stat.Alive()
	if worker.Stray {
		r.stale[w] = true // its inbox is not watched any more
		r.notices.report(r.term.leading, r.term.obs.Logger, r.layout.workerProblem(w, seen.Stat), seen.Stat)
	}
	return nil
}

// readTasks reads which tasks have come and gone, and which were cancelled.
func (r *reconciler) readTasks() error {
	if err := r.listTasks(); err != nil {
		return err
	}
	r.findCancelled()
	return nil
}

// listTasks lists the tasks.
func (r *reconciler) listTasks() error {
	if fresh(r.listWatch[r.layout.tasks()]) {
		return nil
	}
	listed, err := r.do(r.followed(r.layout.tasks()))
	if err != nil {
		return err
	}
	r.listWatch[r.layout.tasks()] = listed.Watch
	r.taken(r.layout.tasks(), listed)
	if listed.Partial != nil {
		r.tasksChanged(listed)
		return nil
	}
	before := r.view.Len()
	there := make(map[string]bool, len(listed.Children))
	for _, t := range listed.Children {
		there[t] = true
		switch {
		case !r.fits(subject{taskSubject, t}) || r.quarantine.holdsTask(t):
			before++ // it was there, as far as is known
		case r.view.Phase(t) == decide.Unread:
			r.view.MarkDirty(t)
		}
	}
	r.vanished(taskSubject, func(t string) bool { return there[t] || r.quarantine.inboxOf(t) != "" })
	r.vanished(progressSubject, func(t string) bool { return there[t] })
	added, removed := len(listed.Children)-before, 0
	for t := range r.view.TaskNames() {
		if !there[t] {
			r.view.Forget(t) // collected; decide drops an assignment that is left
			removed++
		}
	}
	added += removed
	// The count has each child that came or went. If it is more than the visible changes, a
	// child may have gone and come again under the same name.
	if grown := int(listed.Stat.Cversion - r.tasksVersion); r.tasksVersion != 0 && grown != added+removed {
		r.recreated = true
		r.quarantine.retryAll(taskSubject)
	}
	r.tasksVersion = listed.Stat.Cversion
	return nil
}

// verified bounds the finished tasks that one resync looks at again.
const verified = 1000

// verify checks that finished tasks are still the same tasks: after a collect, the same id
// may have been submitted again. It checks some of them at each resync, in turns, and only
// when such a change is possible.
func (r *reconciler) verify() error {
	if len(r.unverified) == 0 && r.recreated {
		r.recreated = false
		for t := range r.view.TaskNames() {
			if r.view.Phase(t) == decide.Finished {
				r.unverified = append(r.unverified, t)
			}
		}
		slices.Sort(r.unverified)
	}
	if err := r.confirm(r.view.Unconfirmed(verified)); err != nil {
		return err
	}
	names := r.unverified[:min(len(r.unverified), verified)]
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Exists(r.layout.task(t))
	}
	for i, reply := range r.doAll(ops) {
		if zkapi.Refused(reply.Err) {
			r.quarantineTask(names[i], reply.Err, true)
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		if task := r.view.Find(names[i]); task != nil && (!reply.Found || reply.Stat.Czxid != task.Czxid) {
			r.reset(names[i])
		}
	}
	r.unverified = r.unverified[len(names):]
	return nil
}

// reset forgets a task's old state, because its id now stands for another task.
func (r *reconciler) reset(t string) {
	worker := r.view.Task(t).Worker
	r.view.Forget(t)
	r.view.Task(t).Worker = worker
	r.view.MarkDirty(t)
}

// readDirty reads the tasks that may have changed: the options of new tasks, and the children
// of tasks that have any.
func (r *reconciler) readDirty() error {
	names := r.view.Dirty(maxReads)
	if len(names) == maxReads {
		names = r.notAssignedFirst()
	}
	var fresh, parents []string
	var ops []fence.Read
	for _, t := range names {
		if r.view.Task(t).Known {
			parents = append(parents, t)
		} else {
			fresh, ops = append(fresh, t), append(ops, fence.Get(r.layout.task(t)))
		}
	}
	bad := map[string]error{}
	childless, more, err := r.readOptions(fresh, r.doAll(ops), bad)
	if err != nil {
		return err
	}
	parents = append(parents, more...)
	ops = ops[:0]
	for _, t := range parents {
		ops = append(ops, fence.Children(r.layout.task(t)))
	}
	replies := r.doAll(ops)
	for _, t := range childless {
		r.takeOver(t, below{}, bad[t])
	}
	for i, reply := range replies {
		if gone, err := r.unreadable(parents[i], reply.Err); err != nil {
			return err
		} else if !gone && reply.Stat.Czxid != r.view.Task(parents[i]).Czxid {
			r.reset(parents[i])
		} else if !gone {
			r.takeOver(parents[i], taskChildren(reply.Children), bad[parents[i]])
		}
	}
	return r.readReturned()
}

// heldReads is how many of the maxReads are left for tasks that are in an inbox, if there are more
// tasks to be read than one pass reads.
const heldReads = maxReads / 8

// notAssignedFirst lists the tasks to be read next when there are more than one pass reads: first
// those that are in no inbox. So a master that finds many assigned tasks when its term begins
// does not keep a new one waiting. Some are in an inbox in any case: one of them may have been
// cancelled, and must not wait until no new tasks come.
func (r *reconciler) notAssignedFirst() []string {
	var first, rest []string
	for _, t := range r.view.Dirty(r.view.Len()) {
		if r.view.Held(t) {
			rest = append(rest, t)
		} else {
			first = append(first, t)
		}
	}
	most := maxReads - min(len(rest), heldReads)
	return slices.Concat(first[:min(len(first), most)], rest, first[min(len(first), most):])[:maxReads]
}

// readReturned reads why workers have given resident tasks back. An abandoned handler still
// runs at its worker, so that worker does not get the task again as long as there are others.
func (r *reconciler) readReturned() error {
	r.returned = slices.DeleteFunc(r.returned, func(t string) bool { return r.view.Find(t) == nil })
	names := r.returned
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		ops[i] = fence.Get(r.layout.attempt(t, r.view.Task(t).Attempts))
	}
	for i, reply := range r.doAll(ops) {
		if reply.Err != nil && !zkapi.Refused(reply.Err) && !errors.Is(reply.Err, zkapi.ErrNoNode) {
			return reply.Err
		}
		var record attemptRecord
		if json.Unmarshal(reply.Data, &record) == nil && abandons(record.Reason) {
			r.view.Task(names[i]).AvoidWorker(record.Worker)
		}
	}
	r.returned = nil
	return nil
}

// readOptions takes over the options of new tasks, and separates the few that have children.
// It notes the tasks whose options cannot be read in bad.
func (r *reconciler) readOptions(names []string, replies []zkapi.Reply, bad map[string]error) (childless, parents []string, err error) {
	for i, reply := range replies {
		gone, err := r.unreadable(names[i], reply.Err)
		if err != nil {
			return nil, nil, err
		}
		if gone {
			continue
		}
		if reply.Stat.Owner() != zkapi.OwnerNone { // it does not stay, or can have no children
			r.quarantineTask(names[i], &problemError{r.layout.taskProblem(names[i], reply.Stat)}, true)
			continue
		}
		options, _, err := decodeTask(reply.Data)
		if err != nil {
			bad[names[i]] = &problemError{r.layout.optionsProblem(names[i], err)}
		} else if what := mistyped(reply.Data); what != "" {
			r.notices.report(r.term.leading, r.term.obs.Logger, r.layout.mistypedProblem(names[i], what), reply.Stat)
		}
		r.view.SetOptions(names[i], options, reply.Stat.Czxid)
		if reply.Stat.NumChildren == 0 {
			childless = append(childless, names[i])
		} else {
			parents = append(parents, names[i])
		}
	}
	return childless, parents, nil
}

// takeOver is update, unless the task has not ended and cannot be executed: then it is
// quarantined.
func (r *reconciler) takeOver(t string, b below, bad error) {
	if b.odd != "" {
		r.notices.report(r.term.leading, r.term.obs.Logger, r.layout.numberProblem(t, b.odd), zkapi.Stat{})
	}
	if bad == nil && b.attempts >= maxAttempt-1 {
		bad = &problemError{r.layout.attemptsProblem(t, b.attempts)}
	}
	if bad != nil && !b.finished {
		r.quarantineTask(t, bad, true)
		return
	}
	r.update(t, b)
}

// update takes over the children of a task.
func (r *reconciler) update(t string, b below) {
	r.view.MarkClean(t)
	r.quarantine.worked(r.term.leading, subject{taskSubject, t}, true)
	task := r.view.Task(t)
	if b.finished && task.Worker != "" {
		r.stale[task.Worker] = true
	}
	ended := takeChildren(r.view, t, b, r.policy.Limits, r.now())
	if ended && !b.finished && task.Options.Resident && task.Worker == "" {
		r.returned = append(r.returned, t)
	}
}

// takeChildren takes over the children of a task into a view, as if they had been seen first
// at that time. A task that was given back waits before it is assigned again, unless it was
// revoked. takeChildren reports whether an attempt has ended without having been revoked.
func takeChildren(v *decide.View, t string, b below, l decide.Limits, seen time.Time) bool {
	task := v.Task(t)
	ended := b.attempts > task.Attempts && !task.Revoked
	task.Attempts, task.Records, task.Left = b.attempts, b.records, int32(len(b.left))
	task.Due = latest(task.Due, task.Options.NotBefore)
	if ended && !slices.Contains(b.left, b.attempts) {
		task.Due = latest(task.Due, seen.Add(l.Delay(task, l.Spent(b.attempts, task.Left))))
	}
	switch {
	case b.finished:
		v.SetPhase(t, decide.Finished, seen)
	case task.Worker != "":
		task.SetHolder(task.Worker, seen)
		v.SetPhase(t, decide.Assigned, seen)
	default:
		v.SetPhase(t, decide.Pending, seen)
	}
	return ended
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// readProgress checks the progress of executions with a heartbeat timeout. It polls four
// times in each timeout, because a watch would fire with every progress.
func (r *reconciler) readProgress() error {
	if err := r.confirmHeld(); err != nil {
		return err
	}
	const looks = 4
	now := r.now()
	hidden := func(t string) bool { return r.quarantine.holds(subject{progressSubject, t}) }
	names, next := r.view.Watched(now, hidden)
	ops := make([]fence.Read, len(names))
	for i, t := range names {
		task := r.view.Task(t)
		ops[i] = fence.Exists(r.layout.progress(t))
		task.Watched.NextCheck = now.Add(task.Options.HeartbeatTimeout / looks)
		if next.IsZero() || task.Watched.NextCheck.Before(next) {
			next = task.Watched.NextCheck
		}
	}
	r.nextCheck = next
	for _, t := range r.quarantine.names(progressSubject) {
		if task := r.view.Find(t); task != nil && task.Phase == decide.Assigned && task.Options.HeartbeatTimeout > 0 && hidden(t) {
			task.Watched.At = now // its progress cannot be read
		}
	}
	for i, reply := range r.doAll(ops) {
		hint := subject{progressSubject, names[i]}
		task := r.view.Find(names[i])
		if zkapi.Refused(reply.Err) {
			r.quarantine.add(r.term.leading, hint, reply.Err, true)
			task.Watched.At = now
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		r.quarantine.worked(r.term.leading, hint, true)
		if reply.Found && !reply.Stat.Alive() {
			r.notices.report(r.term.leading, r.term.obs.Logger, r.layout.progressProblem(names[i], reply.Stat), reply.Stat)
			continue
		}
		if reply.Found && reply.Stat.Mzxid != task.Watched.Mzxid {
			task.Watched.Mzxid, task.Watched.At = reply.Stat.Mzxid, now
		}
	}
	return nil
}

// readExpired reads the finished tasks that are to be removed, because a removal deletes
// exactly what was read.
func (r *reconciler) readExpired() error {
	if r.policy.Retention == 0 && r.view.Requests() == 0 {
		return nil
	}
	r.view.DropStaleEndings()
	var names []string
	var ops []fence.Read
	var over []string
	if r.policy.Retention > 0 {
		over = r.view.Expired(r.policy.Retention, r.now())
	}
	for _, t := range r.view.Unprepared(2 * maxReads) {
		if !slices.Contains(over, t) {
			over = append(over, t)
		}
	}
	for _, t := range over {
		if r.view.Task(t).Leftover == nil && !r.view.Held(t) {
			names = append(names, t)
			ops = append(ops, fence.Exists(r.layout.task(t)), fence.Children(r.layout.task(t)), fence.Exists(r.layout.status(t)))
		}
	}
	replies := r.doAll(ops)
	for i, t := range names {
		node, listed, status := replies[3*i], replies[3*i+1], replies[3*i+2]
		if errors.Is(listed.Err, zkapi.ErrNoNode) {
			r.view.Forget(t)
			continue
		}
		err := errors.Join(node.Err, listed.Err, status.Err)
		if zkapi.Refused(err) {
			r.quarantineTask(t, err, true)
			continue
		}
		if err != nil {
			return err
		}
		if !status.Found || node.Stat.Czxid != r.view.Task(t).Czxid {
			r.reset(t)
			continue
		}
		r.view.Task(t).Leftover = &decide.Leftover{Version: node.Stat.Version, Children: listed.Children, Status: status.Stat.Version}
	}
	return nil
}
