package recipe

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// sweepInterval is how often everything that may have been missed is looked at
// again: a watch is only a hint.
const sweepInterval = 2 * time.Second

// Bounds of one multi, and of how many are in flight. The server's own bound is
// jute.maxbuffer; small ones side by side are faster than one large one.
const (
	maxMultiOps   = 100
	maxMultiBytes = 512 << 10
	maxMultis     = 8
)

// maxReads bounds the tasks that one pass reads, so that a master that finds a
// long backlog assigns the first of it before it knows all of it.
const maxReads = 1000

// reconciler is the master's loop during one term: list what has changed,
// decide, write, wait. It starts from nothing, so that recovery after a failover
// is the normal loop.
type reconciler struct {
	term   *term
	env    zkapi.Env
	layout layout
	limits limits
	log    *slog.Logger

	mu   sync.Mutex // guards view for Snapshot; only the loop changes it
	view *view

	synced      bool // since the last distrust
	masterWatch zkapi.Source
	listWatch   map[string]zkapi.Source // /workers and /tasks
	inboxWatch  map[string]zkapi.Source // /assign/<w> by worker
	dirty       map[string]bool         // tasks whose children are to be read
	stale       map[string]bool         // inboxes to be read
}

func newReconciler(t *term, env zkapi.Env, l layout, lim limits, log *slog.Logger) *reconciler {
	return &reconciler{
		term: t, env: env, layout: l, limits: lim, log: log, view: newView(),
		listWatch: map[string]zkapi.Source{}, inboxWatch: map[string]zkapi.Source{},
		dirty: map[string]bool{}, stale: map[string]bool{},
	}
}

// distrust makes the next pass read everything again but the tasks that are
// finished, which cannot change. It is called when a watch may have been lost or
// when a write may have been applied without an answer; reads must then not come
// from a server that has not seen that write yet, hence the sync.
func (r *reconciler) distrust() {
	r.synced = false
	r.masterWatch = nil
	clear(r.listWatch)
	clear(r.inboxWatch)
	r.mu.Lock()
	defer r.mu.Unlock()
	for t, task := range r.view.tasks {
		if task.phase != finished {
			task.phase = unread // nothing is decided about it before it is read
			r.dirty[t] = true
		}
	}
	for w := range r.view.workers {
		r.stale[w] = true
	}
}

// run works until the term ends.
func (r *reconciler) run() {
	change := -1
	sweep := r.env.Timer(sweepInterval)
	for r.term.ctx.Err() == nil {
		now, _, reconnected := r.term.session.Connection()
		if now != change {
			change = now
			r.distrust()
		}
		if sweep.Fired() {
			r.sweep()
			sweep = r.env.Timer(sweepInterval)
		}
		more, err := r.pass()
		if err != nil {
			r.log.DebugContext(r.term.ctx, "pass failed", "error", err)
			r.distrust()
			if pause(r.term.ctx, r.env, r.term.session) != nil {
				return
			}
			continue
		}
		if more {
			continue
		}
		if _, err := r.env.Wait(r.term.ctx, append(r.sources(), reconnected, sweep)...); err != nil {
			return
		}
	}
}

func (r *reconciler) sources() []zkapi.Source {
	sources := []zkapi.Source{r.masterWatch}
	for _, path := range slices.Sorted(maps.Keys(r.listWatch)) {
		sources = append(sources, r.listWatch[path])
	}
	for _, w := range slices.Sorted(maps.Keys(r.inboxWatch)) {
		sources = append(sources, r.inboxWatch[w])
	}
	return sources
}

// sweptPending bounds the pending tasks that one sweep reads again: a long
// backlog must not be read over and over.
const sweptPending = 500

// sweep makes the next pass read again what no watch covers: the children of
// tasks that are assigned and of those that are next, and the inboxes of the
// dead.
func (r *reconciler) sweep() {
	clear(r.listWatch)
	clear(r.inboxWatch)
	for t, task := range r.view.tasks {
		if task.phase == assigned || task.phase == unread {
			r.dirty[t] = true
		}
	}
	next := r.view.pending()
	for _, t := range next[:min(len(next), sweptPending)] {
		r.dirty[t] = true
	}
}

// pass reads what may have changed, decides and writes. It reports whether there
// is more to do at once.
//
// The order of reading matters. A task is pending if its children, read last,
// show no status and the inboxes, read before, did not hold it: read the other
// way round, a task that ends in between would look pending. For the same reason
// an assignment of a finished task is a leftover only if the inbox still holds
// it when it is read once more.
func (r *reconciler) pass() (more bool, err error) {
	steps := []func() error{
		r.sync, r.confirmMaster, r.readWorkers, r.readInboxes, r.readTasks, r.readDirty, r.readInboxes,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return false, err
		}
	}
	decisions := decide(r.view, r.limits)
	if err := r.commit(decisions); err != nil {
		return false, err
	}
	return len(decisions) >= r.limits.batch || len(r.dirty) > 0 || len(r.stale) > 0, nil
}

// sync brings the server that this session reads from up to the leader.
func (r *reconciler) sync() error {
	if r.synced {
		return nil
	}
	_, err := r.term.session.Do(r.term.ctx, zkapi.Sync(r.layout.assign()))
	r.synced = err == nil
	return err
}

// confirmMaster checks that /master is still this session's. Somebody may have
// deleted it by hand; then the term is over.
func (r *reconciler) confirmMaster() error {
	if r.masterWatch != nil && !r.masterWatch.Fired() {
		return nil
	}
	seen, err := r.term.session.Do(r.term.ctx, zkapi.Exists(r.layout.master()).Watched())
	if err != nil {
		return err
	}
	if !seen.Found || seen.Stat.EphemeralOwner != r.term.session.ID() {
		r.term.depose(errors.Join(ErrDeposed, errors.New("/master belongs to somebody else")))
		return ErrDeposed
	}
	r.masterWatch = seen.Watch
	return nil
}

// fresh reports whether a list needs no reading.
func fresh(watch zkapi.Source) bool { return watch != nil && !watch.Fired() }

// readWorkers lists who is alive and whose inboxes exist.
func (r *reconciler) readWorkers() error {
	if fresh(r.listWatch[r.layout.workers()]) {
		return nil
	}
	alive, err := r.term.session.Do(r.term.ctx, zkapi.Children(r.layout.workers()).Watched())
	if err != nil {
		return err
	}
	known, err := r.term.session.Do(r.term.ctx, zkapi.Children(r.layout.assign()))
	if err != nil {
		return err
	}
	r.listWatch[r.layout.workers()] = alive.Watch
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.view.workers {
		w.alive, w.known = false, false
	}
	for _, w := range alive.Children {
		r.view.worker(w).alive = true
	}
	for _, w := range known.Children {
		r.view.worker(w).known = true
		r.stale[w] = true // it may have registered anew
	}
	return nil
}

// readInboxes lists the assignments of every worker whose inbox may have
// changed. Only a live worker's inbox is watched: nobody else takes from one.
func (r *reconciler) readInboxes() error {
	var names []string
	var ops []zkapi.Op
	for _, w := range slices.Sorted(maps.Keys(r.view.workers)) {
		worker := r.view.workers[w]
		if !worker.known {
			delete(r.stale, w) // there is nothing to read yet
			continue
		}
		if !r.stale[w] && (!worker.alive || fresh(r.inboxWatch[w])) {
			continue
		}
		op := zkapi.Children(r.layout.inbox(w))
		if worker.alive {
			op = op.Watched()
		}
		names, ops = append(names, w), append(ops, op)
	}
	replies := r.term.session.DoAll(r.term.ctx, ops)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, reply := range replies {
		if reply.Err != nil {
			return reply.Err
		}
		r.inboxWatch[names[i]] = reply.Watch
		if reply.Watch == nil {
			delete(r.inboxWatch, names[i])
		}
		delete(r.stale, names[i])
		r.listed(names[i], reply.Result)
	}
	return nil
}

// listed takes over what an inbox holds now. A task that has left it is either
// finished or to be assigned again: its children tell.
func (r *reconciler) listed(w string, inbox zkapi.Result) {
	worker := r.view.worker(w)
	worker.incarnation = inbox.Stat.Version
	now := map[string]bool{}
	for _, t := range inbox.Children {
		now[t] = true
		if !worker.tasks[t] {
			task := r.view.task(t)
			*task = taskView{phase: unread, attempts: task.attempts, worker: w}
			r.dirty[t] = true
		}
	}
	for t := range worker.tasks {
		if task := r.view.tasks[t]; !now[t] && task != nil && task.worker == w {
			task.worker, task.phase = "", unread
			r.dirty[t] = true
		}
	}
	worker.tasks = now
}

// readTasks lists the tasks.
func (r *reconciler) readTasks() error {
	if fresh(r.listWatch[r.layout.tasks()]) {
		return nil
	}
	listed, err := r.term.session.Do(r.term.ctx, zkapi.Children(r.layout.tasks()).Watched())
	if err != nil {
		return err
	}
	r.listWatch[r.layout.tasks()] = listed.Watch
	r.mu.Lock()
	defer r.mu.Unlock()
	exists := make(map[string]bool, len(listed.Children))
	for _, t := range listed.Children {
		exists[t] = true
		if r.view.task(t).phase == unread {
			r.dirty[t] = true
		}
	}
	for t := range r.view.tasks {
		if !exists[t] {
			delete(r.view.tasks, t) // collected; decide drops an assignment that is left
			delete(r.dirty, t)
		}
	}
	return nil
}

// readDirty reads the children of the tasks of which something may have changed.
func (r *reconciler) readDirty() error {
	names := slices.SortedFunc(maps.Keys(r.dirty), byAge)
	names = names[:min(len(names), maxReads)]
	ops := make([]zkapi.Op, len(names))
	for i, t := range names {
		ops[i] = zkapi.Children(r.layout.task(t))
	}
	replies := r.term.session.DoAll(r.term.ctx, ops)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, reply := range replies {
		t := names[i]
		if errors.Is(reply.Err, zkapi.ErrNoNode) {
			delete(r.view.tasks, t)
			delete(r.dirty, t)
			continue
		}
		if reply.Err != nil {
			return reply.Err
		}
		task := r.view.task(t)
		done, attempts := taskChildren(reply.Children)
		task.attempts = attempts
		switch {
		case done:
			if task.worker != "" {
				r.stale[task.worker] = true
			}
			task.phase, task.worker = finished, ""
		case task.worker != "":
			task.phase = assigned
		default:
			task.phase = pending
		}
		delete(r.dirty, t)
	}
	return nil
}

// commit writes the decisions: many in one multi, and several multis at a time,
// because no decision depends on another one of the same view.
func (r *reconciler) commit(decisions []transition) error {
	for len(decisions) > 0 {
		var writes [][]zkapi.Op
		var parts [][]transition
		for len(writes) < maxMultis && len(decisions) > 0 {
			n, ops := r.batch(decisions)
			writes, parts = append(writes, ops), append(parts, decisions[:n])
			decisions = decisions[n:]
		}
		errs := r.term.writeAll(writes)
		for i, part := range parts {
			if errs[i] == nil {
				r.applied(part)
			}
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// applied takes over into the view what has been written.
func (r *reconciler) applied(decisions []transition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range decisions {
		r.view.apply(d)
		if d.action == openInbox {
			r.stale[d.to] = true
		}
	}
}

// batch is the multi for as many decisions as fit. A worker that is given
// something must be alive, in the incarnation that was seen.
func (r *reconciler) batch(decisions []transition) (n int, ops []zkapi.Op) {
	size := 0
	checked := map[string]bool{}
	for _, d := range decisions {
		var add []zkapi.Op
		if d.to != "" && d.action != openInbox && !checked[d.to] {
			add = append(add,
				zkapi.Check(r.layout.worker(d.to), zkapi.AnyVersion),
				zkapi.Check(r.layout.inbox(d.to), r.view.worker(d.to).incarnation))
		}
		add = append(add, r.write(d)...)
		bytes := 0
		for _, op := range add {
			bytes += op.Size()
		}
		if n > 0 && (len(ops)+len(add) > maxMultiOps || size+bytes > maxMultiBytes) {
			return n, ops
		}
		checked[d.to] = true
		ops, size, n = append(ops, add...), size+bytes, n+1
	}
	return n, ops
}

// write is the transition as operations on the tree.
func (r *reconciler) write(d transition) []zkapi.Op {
	var ops []zkapi.Op
	if d.from != "" {
		ops = append(ops, zkapi.Delete(r.layout.assignment(d.from, d.task), zkapi.AnyVersion))
	}
	if d.from != "" && d.action != dropTask {
		ops = append(ops, zkapi.Create(r.layout.attempt(d.task, d.attempt), encode(attemptRecord{
			Token: Token{Epoch: r.term.epoch(), Attempt: d.attempt}, Worker: d.from, Reason: "worker lost",
		}), zkapi.Persistent))
	}
	switch d.action {
	case openInbox:
		ops = append(ops, zkapi.Create(r.layout.inbox(d.to), nil, zkapi.Persistent))
	case assignTask, reassignTask:
		starting := d.attempt
		if d.action == reassignTask {
			starting++
		}
		ops = append(ops, zkapi.Create(r.layout.assignment(d.to, d.task), encode(assignmentRecord{
			Token: Token{Epoch: r.term.epoch(), Attempt: starting}, Incarnation: r.view.worker(d.to).incarnation,
		}), zkapi.Persistent))
	case failTask:
		ops = append(ops, zkapi.Create(r.layout.status(d.task), Status{
			State: Failed, Reason: "all attempts ended without a result", Token: Token{Epoch: r.term.epoch(), Attempt: d.attempt},
		}.encode(), zkapi.Persistent))
	case releaseTask, dropTask:
	}
	return ops
}
