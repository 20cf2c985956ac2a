package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// action is one kind of transition, under the name that the specification and
// the reports use.
type action string

const (
	assignTask    action = "AssignTask"    // create the assignment
	reassignTask  action = "ReassignTask"  // delete it here, record the attempt, create it there
	releaseTask   action = "ReleaseTask"   // delete it, record the attempt; the task waits
	revokeTask    action = "RevokeTask"    // tell the worker of a resident task to give it back
	dropTask      action = "DropTask"      // delete it: the task is finished or gone
	takeTask      action = "TakeTask"      // tell the worker, which lives, to give it back at once
	fenceWorker   action = "FenceWorker"   // take the claim from a worker that does not answer
	failTask      action = "FailTask"      // record the last attempt, if it was running, and the status
	collectTask   action = "CollectTask"   // delete a finished task whose retention is over
	dropRequest   action = "DropRequest"   // delete the request to remove a task that is gone or not finished
	pruneAttempts action = "PruneAttempts" // delete the oldest records of a resident task
	openInbox     action = "OpenInbox"     // create /assign/<w> for a worker made by hand
)

// residentDelay is how long a resident task waits after an attempt that ended by
// itself. It does not grow: such attempts add up over years.
const residentDelay = time.Second

// keptAttempts is how many records of attempts a resident task keeps.
const keptAttempts = 16

// transition is one decision, to be written as part of one multi.
type transition struct {
	action  action
	task    string
	from    string // worker that had it
	to      string // worker that is to have it
	attempt int32  // that ends (from) or that starts (to only)
	token   Token  // of the attempt that ends: the very one that its assignment had
	reason  string // why the attempt ended
	avoid   bool   // the worker that had it is not given the task again, as long as there are others
	left    bool   // the attempt ends because its worker left
	due     time.Time
}

// limits are the master's policy.
type limits struct {
	perWorker   int   // assignments that one worker holds at a time
	maxAttempts int32 // of one task, before it fails
	// of one task: attempts that do not count because their workers left
	maxHandovers int32
	batch        int // decisions in one pass
	strategy     Strategy
	backoff      func(attempts int) time.Duration
	retention    time.Duration // 0: for ever
	backlog      int           // 0: no limit
	format       int           // of the znodes, at most; 0: no limit
	name         string        // of this master
}

// delay is the back-off of a task after that many attempts.
func (l limits) delay(t *taskView, attempts int32) time.Duration {
	switch {
	case attempts == 0:
		return 0
	case t.options.Resident:
		return residentDelay
	}
	return l.backoff(int(attempts))
}

// spent is how many of so many attempts count, if left of them ended because their
// workers left.
func (l limits) spent(attempts, left int32) int32 {
	return attempts - min(left, l.maxHandovers, attempts)
}

// budget is after how many attempts a task fails; 0 means never.
func (l limits) budget(t *taskView) int32 {
	switch {
	case t.options.Resident:
		return 0
	case t.options.MaxAttempts > 0:
		return int32(t.options.MaxAttempts)
	}
	return l.maxAttempts
}

// plan is what a pass has decided.
type plan struct {
	transitions []transition
	wake        time.Time // when to look again without being told to; zero for never
}

func (p *plan) add(t transition) { p.transitions = append(p.transitions, t) }

// wakeAt asks for another look, then or earlier.
func (p *plan) wakeAt(t time.Time) {
	if p.wake.IsZero() || t.Before(p.wake) {
		p.wake = t
	}
}

// decider is one pass of decisions.
type decider struct {
	plan
	view   *view
	limits limits
	loads  *loads
	now    time.Time

	settled map[string]bool // tasks that are decided about
	fenced  map[string]bool // workers whose claim is taken away
}

// decide says what to do in this view at this time: the same view and time give
// the same decisions in the same order.
func decide(v *view, l limits, now time.Time) plan {
	d := &decider{view: v, limits: l, loads: newLoads(v, l.perWorker), now: now, settled: map[string]bool{}, fenced: map[string]bool{}}
	for _, step := range []func(){d.inboxes, d.assignments, d.waiting, d.residents, d.finished, d.asked} {
		step()
		if len(d.transitions) >= l.batch {
			d.transitions = d.transitions[:l.batch]
			break
		}
	}
	if len(d.fenced) > 0 { // whatever else was to be done with those workers is decided again
		d.transitions = slices.DeleteFunc(d.transitions, func(t transition) bool { return t.action != fenceWorker })
	}
	return d.plan
}

// inboxes opens those that a worker made by hand does not have.
func (d *decider) inboxes() {
	for _, w := range d.view.workerNames() {
		if worker := d.view.workers[w]; worker.alive && !worker.known && !worker.quarantined {
			d.add(transition{action: openInbox, to: w})
		}
	}
}

// assignments looks at those that exist.
func (d *decider) assignments() {
	for _, w := range d.view.workerNames() {
		worker := d.view.workers[w]
		if worker.quarantined {
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(worker.tasks)) {
			if len(d.transitions) >= d.limits.batch {
				return
			}
			d.settle(t, w, worker)
		}
	}
}

// settle decides about one assignment.
func (d *decider) settle(t, w string, worker *workerView) {
	task, lives := d.view.tasks[t], worker.alive && !worker.fenced
	switch {
	case task == nil || task.phase == finished:
		if d.free(t, w, worker, "") {
			d.add(transition{action: dropTask, task: t, from: w})
		}
		return
	case task.phase == unread:
		return
	}
	silence := task.options.HeartbeatTimeout
	silent := silence > 0 && d.now.Sub(task.watched.at) > silence
	if lives && !silent {
		if silence > 0 {
			d.wakeAt(task.watched.at.Add(silence + time.Millisecond))
		}
		return
	}
	d.settled[t] = true
	if worker.alive && task.options.Resident {
		// Its handler may hang and still do harm: who has it must let go first. One that
		// has lost its claim does so when it hears of that, and ends its session then.
		if lives && !task.revoked {
			d.add(transition{action: revokeTask, task: t, to: w, avoid: true})
		}
		return
	}
	left := !worker.alive && worker.claimed && worker.retiring
	// A resident task is with a worker for so long that its loss says nothing about both,
	// and one that has left says nothing about the task.
	ending := transition{task: t, from: w, attempt: task.attempts + 1, reason: "worker lost", left: left, avoid: lives || !task.options.Resident && !left}
	switch {
	case left:
		ending.reason = leftReason
	case lives:
		ending.reason = fmt.Sprintf("no progress for %v", silence)
		if !d.free(t, w, worker, ending.reason) {
			return
		}
	}
	d.end(ending, task, lives)
}

// end ends an attempt whose worker is lost, or was silent.
func (d *decider) end(ending transition, task *taskView, lives bool) {
	budget, gone := d.limits.budget(task), task.left
	if ending.left {
		gone++
	}
	spent := d.limits.spent(ending.attempt, gone)
	to := ""
	switch {
	case budget > 0 && spent >= budget:
		ending.action = failTask
		d.add(ending)
		return
	case !lives && (ending.attempt == 1 || ending.left || task.options.Resident):
		to = d.loads.place(ending.task, task, d.limits.strategy)
	}
	if ending.action, ending.to = reassignTask, to; to == "" {
		ending.action = releaseTask
		if !ending.left {
			ending.due = d.now.Add(d.limits.delay(task, spent))
		}
	}
	d.add(ending)
}

// waiting assigns pending tasks: those of a greater priority first, then those
// that were submitted earlier.
func (d *decider) waiting() {
	for _, t := range d.view.pending() {
		if len(d.transitions) >= d.limits.batch {
			return
		}
		task := d.view.tasks[t]
		if d.view.dirty[t] {
			continue // it may have been cancelled
		}
		if task.options.Resident && task.due.After(d.now) {
			d.loads.floating = append(d.loads.floating, t)
		}
		if budget := d.limits.budget(task); budget > 0 && d.limits.spent(task.attempts, task.left) >= budget {
			d.add(transition{action: failTask, task: t, attempt: task.attempts})
			continue
		}
		if task.due.After(d.now) {
			d.wakeAt(task.due)
			continue
		}
		if to := d.loads.place(t, task, d.limits.strategy); to != "" {
			d.add(transition{action: assignTask, task: t, to: to, attempt: task.attempts + 1})
		}
	}
}

// pending lists the tasks that wait for a worker, in the order of assignment.
func (v *view) pending() []string {
	names := slices.Collect(maps.Keys(v.waiting))
	slices.SortFunc(names, func(a, b string) int {
		x, y := v.tasks[a], v.tasks[b]
		return cmp.Or(cmp.Compare(y.options.Priority, x.options.Priority), cmp.Compare(x.czxid, y.czxid), cmp.Compare(a, b))
	})
	return names
}

// residents spreads resident tasks evenly, and keeps their records short. It waits
// until every task has been read.
func (d *decider) residents() {
	if d.view.counts[unread] > 0 {
		return
	}
	d.spread()
	for _, t := range slices.Sorted(maps.Keys(d.view.special)) {
		task := d.view.tasks[t]
		if task.options.Resident && task.phase != finished && len(task.records) >= 2*keptAttempts {
			d.add(transition{action: pruneAttempts, task: t})
		}
	}
}

// spread calls resident tasks back, with as few moves as possible, from whoever has the
// most to whoever has the fewest, until they differ by one at most. A task is called back
// only for a worker at which it would arrive: one that avoids the others comes back to
// where it was, and would be called back again, for ever.
func (d *decider) spread() {
	counts := maps.Clone(d.loads.residents)
	slices.Sort(d.loads.floating)
	for _, t := range d.loads.floating {
		if to := d.loads.fewest(counts, d.view.tasks[t].avoid); to != "" && !d.settled[t] {
			counts[to]++
		}
	}
	movable := map[string][]string{}
	giving := slices.Sorted(maps.Keys(counts)) // workers that may have one to give
	for len(giving) > 0 {
		w := slices.MaxFunc(giving, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
		if counts[w]-counts[d.loads.fewest(counts, nil)] < 2 {
			return
		}
		if _, known := movable[w]; !known {
			movable[w] = d.movable(w)
		}
		last := len(movable[w]) - 1
		if last < 0 {
			giving = slices.DeleteFunc(giving, func(other string) bool { return other == w })
			continue
		}
		t := movable[w][last]
		movable[w] = movable[w][:last]
		to := d.loads.fewest(counts, d.view.tasks[t].avoid)
		if counts[w]-counts[to] < 2 {
			continue
		}
		counts[w]--
		counts[to]++
		d.add(transition{action: revokeTask, task: t, to: w})
	}
}

// movable lists the resident tasks that a worker holds and may be told to give back.
func (d *decider) movable(w string) []string {
	return slices.DeleteFunc(d.view.residentsOf(d.view.workers[w]), func(t string) bool {
		task := d.view.tasks[t]
		return d.settled[t] || task.phase != assigned || task.revoked
	})
}

// expired lists finished tasks whose retention is over, as many as are looked at
// in one pass.
func (v *view) expired(retention time.Duration, now time.Time) []string {
	const most = 100
	var names []string
	for _, e := range v.endings {
		if v.over(e) {
			continue
		}
		if len(names) == most || now.Sub(v.tasks[e.task].done) < retention {
			break
		}
		names = append(names, e.task)
	}
	return names
}

// over reports whether an ending is not that of a finished task any more.
func (v *view) over(e ending) bool {
	task := v.tasks[e.task]
	return task == nil || task.phase != finished || task.ending != e.number
}

// wanted reports whether a client has asked for a task to be removed.
func (v *view) wanted(t string) bool {
	_, asked := v.asked[t]
	return asked
}

// finished collects what has been kept long enough.
func (d *decider) finished() {
	if d.limits.retention == 0 {
		return
	}
	for _, t := range d.view.expired(d.limits.retention, d.now) {
		if d.view.tasks[t].leftover != nil && !d.view.wanted(t) && !d.view.held(t) {
			d.add(transition{action: collectTask, task: t})
		}
	}
	for _, e := range d.view.endings {
		if d.view.over(e) {
			continue
		}
		due := d.view.tasks[e.task].done.Add(d.limits.retention)
		if due.After(d.now) || !d.view.held(e.task) { // who holds one gives it back, and that is heard
			d.wakeAt(due)
			break
		}
	}
}

// apply changes the view as the transition changed the tree, in that epoch.
func (v *view) apply(d transition, epoch int32, now time.Time) {
	for _, w := range []string{d.from, d.to} {
		if w != "" {
			v.touchedWorkers[w] = true
		}
	}
	if d.from != "" {
		delete(v.worker(d.from).tasks, d.task)
	}
	if d.from != "" && d.action != dropTask {
		task := v.task(d.task)
		task.records = append(task.records, d.attempt)
		if d.left && !task.options.Resident {
			task.left++
		}
	}
	switch d.action {
	case openInbox:
		v.worker(d.to).known = true
	case assignTask, reassignTask:
		v.worker(d.to).tasks[d.task] = true
		task := v.setPhase(d.task, assigned, now)
		task.attempts, task.revoked = d.attempt, false
		if d.action == assignTask {
			task.attempts = d.attempt - 1
		}
		task.token = Token{Epoch: epoch, Attempt: task.attempts + 1}
		task.setHolder(d.to, now)
	case releaseTask:
		task := v.setPhase(d.task, pending, now)
		task.attempts, task.due = d.attempt, d.due
		if d.avoid {
			task.avoidWorker(d.from)
		}
	case failTask:
		v.setPhase(d.task, finished, now).attempts = d.attempt
	case revokeTask:
		task := v.task(d.task)
		task.revoked = true
		if d.avoid {
			task.avoidWorker(d.to)
		}
	case takeTask, fenceWorker:
		v.takes(d, now)
	case collectTask:
		v.forget(d.task)
		delete(v.asked, d.task)
	case dropRequest:
		delete(v.asked, d.task)
	case pruneAttempts:
		task := v.task(d.task)
		task.records = task.records[len(task.records)-keptAttempts:]
	case dropTask:
	}
}

// endsAttempt reports whether an attempt ends with it whose token goes on record.
func (d transition) endsAttempt() bool {
	return d.from != "" && d.action != dropTask || d.action == failTask
}

// ends notes the token of the attempt that ends. An assignment made by hand may have
// none, or one that is ahead of the record: its worker ran under that number.
func (d *transition) ends(token Token) {
	if d.from != "" {
		d.attempt = max(d.attempt, token.Attempt)
	}
	d.token = Token{Epoch: token.Epoch, Attempt: d.attempt}
}

func (d transition) String() string {
	return fmt.Sprintf("%s %s %s->%s attempt %d", d.action, d.task, d.from, d.to, d.attempt)
}
