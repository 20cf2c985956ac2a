package recipe

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/epoch"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/fence"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/obstacle"
	"github.com/ringmaster-zk/ringmaster/recipe/internal/retry"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// resyncInterval is how often the master reads again what it may have missed, because a watch
// is only a hint.
const resyncInterval = 2 * time.Second

// Bounds of one multi, and of how many are sent together. The server's own bound is
// jute.maxbuffer. Multis of 300 operations are hardly faster than those of 100, and all others
// wait for a server while it carries one out. How many of those that are sent together are
// really under way is the session's decision (zkclient.Bulk).
const (
	maxMultiOps   = 100
	maxMultiBytes = 512 << 10
	maxMultis     = 24
)

// reconciler is the master's loop during one term: read what has changed
// (master_read*.go), decide (package decide), write (master_write.go), wait. It starts from nothing, so that
// recovery after a failover is the normal loop.
type reconciler struct {
	term        *leadership
	env         zkapi.Env
	layout      layout
	policy      policy
	broadcaster *broadcaster
	view        *decide.View
	published   *published

	notices *obstacle.Notices // of this process
	format  int               // of the znodes; 0 until it has been read
	memory  *epoch.Memory

	synced        bool // since the last invalidateAll
	masterWatch   zkapi.Source
	cancelWatch   zkapi.Source
	cancelVersion int32
	unnamed       bool                     // clients have cancelled tasks, and the notices do not name them all
	unnamedSince  int32                    // cancelVersion before these notices
	requested     bool                     // the requests at /collect were listed since the last invalidateAll
	listWatch     map[string]zkapi.Source  // /workers and /tasks
	inboxWatch    map[string]zkapi.Source  // /assign/<w> by worker
	stale         map[string]bool          // inboxes to be read
	lists         map[string]*followedList // of those znodes, by path: lists that the session follows
	deadTurns     turns                    // of workers that do not live, to be looked at again
	claimTurns    turns                    // of live workers, whose claims are to be read again
	sweep         []string                 // tasks that were assigned, to be read again
	returned      []string                 // resident tasks that were given back: the last attempt is to be read
	quarantine    *quarantine              // the quarantined subjects
	bounds        bounds                   // of one multi, as the server takes it
	parts         bool                     // a finished task was removed in part
	outdated      int                      // passes in a row that ended with errOutdated
	unverified    []string                 // finished tasks that verify has to look at
	recreated     bool                     // a task may have gone and come again
	tasksVersion  int32                    // cversion of /tasks when it was listed
	change        int                      // of the connection, as last seen
	resyncTimer   zkapi.Source             // fires when the next resync is due
	nextCheck     time.Time                // when progress is to be read next; zero for never
	backlog       notice
	left          notice // the quarantined subjects
}

func newReconciler(t *leadership, env zkapi.Env, l layout, p policy, f *broadcaster) *reconciler {
	return &reconciler{
		term: t, env: env, layout: l, policy: p, broadcaster: f, view: decide.NewView(), published: newPublished(t),
		listWatch: map[string]zkapi.Source{}, inboxWatch: map[string]zkapi.Source{},
		stale: map[string]bool{}, lists: map[string]*followedList{}, quarantine: newQuarantine(env, t.obs),
		bounds: newBounds(t.Session), backlog: notice{path: l.backlog()}, left: notice{path: l.quarantine()},
	}
}

func (r *reconciler) now() time.Time { return r.env.Now() }

// invalidateAll makes the next pass read everything again except finished tasks, which cannot
// change. It is called when a watch may have been lost, or when a write may have been applied
// without an answer. A sync comes first, because the server must have seen that write.
func (r *reconciler) invalidateAll() {
	r.synced, r.format = false, 0
	r.masterWatch, r.cancelWatch, r.requested = nil, nil, false
	clear(r.listWatch)
	clear(r.inboxWatch)
	r.view.DropRequests() // a deleted request may have come again
	r.backlog.watch, r.left.watch = nil, nil
	for t := range r.view.TaskNames() {
		r.invalidateTask(t)
	}
	for w := range r.view.Workers() {
		r.stale[w] = true
	}
}

// run works until leading ends. It returns the permanent refusal that ended it, if any.
func (r *reconciler) run() error {
	r.change = -1
	r.resyncTimer = r.env.Timer(resyncInterval)
	again := retry.New(r.env, r.term.obs.shared(), "pass of the master")
	left := 0 // passes in a row that have quarantined something
	for r.term.Active.Err() == nil {
		now, _, reconnected := r.term.Session.Connection()
		if now != r.change {
			r.change = now
			r.invalidateAll()
		}
		if r.resyncTimer.Fired() {
			r.resync()
			r.resyncTimer = r.env.Timer(resyncInterval)
			if err := r.verify(); err != nil {
				r.invalidateAll()
			}
		}
		wake, more, err := r.pass()
		switch {
		case zkapi.Permanent(err) && !errors.Is(err, errRefusing): // everything else has been quarantined
			return err
		case errors.Is(err, errQuarantined) && left < quarantinesInARow:
			left++
			continue
		case err != nil:
			switch {
			case errors.Is(err, errOutdated):
				r.outdated++
			case !errors.Is(err, errRefusing) && !errors.Is(err, errQuarantined):
				r.invalidateAll()
			}
			if again.Wait(r.term.Active, r.term.Session, err) != nil {
				return nil
			}
			continue
		}
		left, r.outdated = 0, 0
		again.Worked(r.term.Active)
		if more {
			continue
		}
		sources := append(r.sources(), reconnected, r.resyncTimer)
		if !wake.IsZero() {
			sources = append(sources, r.env.Timer(max(wake.Sub(r.now()), 0)))
		}
		zkapi.Checkpoint(r.env, "lead", r)
		if _, err := r.env.Wait(r.term.Active, sources...); err != nil {
			return nil
		}
	}
	return nil
}

func (r *reconciler) sources() []zkapi.Source {
	sources := fence.Sources(r.masterWatch, r.cancelWatch, r.backlog.watch, r.left.watch)
	for _, path := range slices.Sorted(maps.Keys(r.listWatch)) {
		sources = append(sources, r.listWatch[path])
	}
	for _, w := range slices.Sorted(maps.Keys(r.inboxWatch)) {
		sources = append(sources, r.inboxWatch[w])
	}
	return sources
}

// resyncedPending bounds the pending tasks that one resync reads again: a long
// backlog must not be read over and over.
const resyncedPending = 500

// resync makes the next pass read state again that no watch covers: all of it in a small group,
// and a part in turn in a large one, so that the cost of a resync is bounded.
func (r *reconciler) resync() {
	r.distrustLists()
	clear(r.listWatch)
	clear(r.inboxWatch)
	r.cancelWatch = nil
	var claimed []string
	for _, name := range r.view.WorkerNames() {
		w := r.view.Worker(name)
		if w.Alive {
			r.stale[name] = true
		}
		if w.Alive && w.Claimed { // the record of a lost worker stays
			claimed = append(claimed, name)
		}
	}
	most := claimsPerResync
	if r.lists[r.layout.assign()] != nil { // the session tells of each claim that is set
		most = min(most, len(claimed)/resyncsPerList+1)
	}
	for _, name := range r.claimTurns.next(claimed, most) {
		r.view.Worker(name).Claimed = false
	}
	r.markStale(assignedPerResync, resyncedPending)
}

// markStale makes the next pass read the children of tasks again: of at most so many that are
// assigned, in turn, and of so many pending ones that are next.
func (r *reconciler) markStale(assigned, waiting int) {
	if len(r.sweep) == 0 {
		for t := range r.view.TaskNames() {
			if phase := r.view.Phase(t); phase == decide.Assigned || phase == decide.Unread {
				r.sweep = append(r.sweep, t)
			}
		}
		slices.Sort(r.sweep)
	}
	next := r.sweep[:min(len(r.sweep), assigned)]
	if r.sweep = r.sweep[len(next):]; len(r.sweep) == 0 {
		r.sweep = nil
	}
	for _, t := range slices.Concat(next, r.view.Pending(waiting)) {
		if r.view.Find(t) != nil && r.view.Phase(t) != decide.Finished {
			r.view.MarkDirty(t)
		}
	}
}

// pass reads what may have changed, decides and writes. It reports when the next
// one is due and whether there is more to do at once.
func (r *reconciler) pass() (wake time.Time, more bool, err error) {
	if err := r.read(); err != nil {
		return time.Time{}, false, err
	}
	r.parts = false
	p := decide.Decide(r.view, r.policy.Limits, r.now())
	if err := r.commit(p.Transitions); err != nil {
		return time.Time{}, false, err
	}
	more = len(p.Transitions) >= r.policy.Batch || r.view.AnyDirty() || len(r.stale) > 0 || r.parts
	for _, at := range []time.Time{r.nextCheck, r.quarantine.next()} {
		if !at.IsZero() {
			p.WakeAt(at)
		}
	}
	r.publish(more)
	if r.published.complete {
		if err := r.raiseFormat(); err != nil {
			return time.Time{}, false, err
		}
		if err := r.writeNotices(&p); err != nil {
			return time.Time{}, false, err
		}
	}
	return p.Wake, more, nil
}

// publish shows the view at the end of a pass to readers, and sends the changes to
// subscribers. A task that is being read is shown in its former state.
func (r *reconciler) publish(more bool) {
	r.term.obs.Metrics.Tasks(TaskCounts{
		Pending: r.view.Counts[decide.Pending] + r.view.Counts[decide.Unread], Assigned: r.view.Counts[decide.Assigned],
		Finished: r.view.Counts[decide.Finished], Workers: r.view.Alive(),
	})
	if r.quarantine.changed {
		r.quarantine.changed = false
		r.published.leaves(r.quarantine.list())
	}
	if workers, tasks, news := r.published.update(r.view, !more); news {
		r.broadcaster.changed(workers, tasks)
	}
}

// commit writes the decisions: many in one multi, and several multis at a time, because no
// decision depends on another one of the same view. The writes that were sent are settled
// even when leading ends; no more are sent then.
func (r *reconciler) commit(decisions []decide.Transition) error {
	decisions, known, err := r.prepare(decisions)
	if err != nil {
		return err
	}
	for len(decisions) > 0 && r.term.Active.Err() == nil {
		var writes [][]zkapi.Op
		var parts [][]decide.Transition
		for len(writes) < maxMultis && len(decisions) > 0 {
			n, ops := r.batch(decisions, known)
			writes, parts = append(writes, ops), append(parts, decisions[:n])
			decisions = decisions[n:]
			if r.bounds.narrow() {
				break
			}
		}
		errs := r.term.WriteAll(writes)
		for i, part := range parts {
			if errs[i] != nil {
				errs[i] = r.handleRefusal(errs[i], writes[i], part)
				continue
			}
			r.applied(part, writes[i])
			r.fitted(writes[i])
		}
		if err := settled(errs); err != nil {
			return err
		}
	}
	return nil
}
