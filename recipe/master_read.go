package recipe

import (
	"errors"
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// maxReads bounds the tasks that one pass reads, so that a master that finds a
// long backlog assigns the first of it before it knows all of it.
const maxReads = 2000

// do reads as the master that leads.
func (r *reconciler) do(op fence.Read) (zkapi.Result, error) {
	return r.term.Session.Do(r.term.Active, op)
}

func (r *reconciler) doAll(ops []fence.Read) []zkapi.Reply {
	return r.term.Session.DoAll(r.term.Active, ops)
}

// read updates the view: it reads everything that may have changed.
//
// The order matters. A task is pending if its children, read last, show no status
// and the inboxes, read before, did not hold it: read the other way round, a task
// that ends in between would look pending. For the same reason an assignment of a
// finished task is a leftover only if the inbox still holds it when it is read
// once more. That look may show another incarnation of its worker, so the new claims
// are read behind it: an assignment checks the incarnation, and must not go to a worker
// whose claim of that incarnation says that it leaves.
func (r *reconciler) read() error {
	steps := []func() error{
		r.sync, r.release, r.confirmMaster, r.readFormat, r.readCancellations, r.readWorkers, r.readInboxes, r.readClaims, r.readTasks, r.readDirty,
		r.readInboxes, r.readClaims, r.readProgress, r.readExpired,
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
	seen, err := fence.Look(r.term.Active, r.term.Session, fence.Exists(r.layout.master()).Watched())
	if err != nil && !zkapi.Refused(err) {
		return err
	}
	if err != nil || !seen.Found || seen.Stat.EphemeralOwner != r.term.Session.ID() {
		r.term.End(errors.Join(ErrDeposed, errors.New("/master belongs to another session")))
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
	case r.lists[r.layout.tasks()] == nil:
		r.lookForCancelled()
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
	since := r.unnamedSince
	r.unnamed, r.unnamedSince = false, 0
	if list := r.lists[r.layout.tasks()]; list == nil || list.version > since {
		r.lookForCancelled()
	}
}

// lookForCancelled makes the pass read all tasks that are assigned or wait.
func (r *reconciler) lookForCancelled() {
	r.sweep = nil
	r.markStale(r.view.Len(), r.view.Counts[decide.Pending])
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
			r.quarantine.add(r.term.Active, hint, reply.Err, true)
			task.Watched.At = now
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		r.quarantine.worked(r.term.Active, hint, true)
		if reply.Found && !reply.Stat.Alive() {
			r.notices.Report(r.term.Active, r.term.obs.Logger, r.layout.progressProblem(names[i], reply.Stat), reply.Stat)
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
