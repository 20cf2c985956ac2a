package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// residentDelay is how long a resident task waits after an attempt that ended by
// itself. It does not grow: such attempts add up over years.
const residentDelay = time.Second

// keptAttempts is how many records of attempts a resident task keeps.
const keptAttempts = 16

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
			d.add(transition{action: openInbox, holder: w})
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
			d.add(transition{action: revokeTask, task: t, holder: w, avoid: true})
		}
		return
	}
	left := !worker.alive && worker.claimed && worker.retiring
	// A resident task is with a worker for so long that its loss says nothing about both,
	// and one that has left says nothing about the task.
	ending := transition{task: t, from: w, ends: task.attempts + 1, reason: "worker lost", left: left, avoid: lives || !task.options.Resident && !left}
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
	spent := d.limits.spent(ending.ends, gone)
	to := ""
	switch {
	case budget > 0 && spent >= budget:
		ending.action = failTask
		d.add(ending)
		return
	case !lives && (ending.ends == 1 || ending.left || task.options.Resident):
		to = d.loads.place(ending.task, task, d.limits.strategy)
	}
	if to != "" {
		ending.action, ending.to, ending.starts = reassignTask, to, ending.ends+1
		d.add(ending)
		return
	}
	ending.action = releaseTask
	if !ending.left {
		ending.due = d.now.Add(d.limits.delay(task, spent))
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
			d.add(transition{action: failTask, task: t, ends: task.attempts})
			continue
		}
		if task.due.After(d.now) {
			d.wakeAt(task.due)
			continue
		}
		if to := d.loads.place(t, task, d.limits.strategy); to != "" {
			d.add(transition{action: assignTask, task: t, to: to, starts: task.attempts + 1})
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
		d.add(transition{action: revokeTask, task: t, holder: w})
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

// asked settles what clients have asked for: a finished task goes when no inbox holds it
// any more. Nobody but this master puts it into one.
func (d *decider) asked() {
	for _, t := range slices.Sorted(maps.Keys(d.view.asked)) {
		czxid := d.view.asked[t]
		switch task := d.view.tasks[t]; {
		case task == nil:
			d.add(transition{action: dropRequest, task: t})
		case task.phase == unread || d.view.dirty[t]:
		case task.phase != finished || czxid != anyLife && czxid != task.czxid:
			d.add(transition{action: dropRequest, task: t}) // it was meant for an earlier task of that name
		case task.leftover != nil && !d.view.held(t):
			d.add(transition{action: collectTask, task: t})
		}
	}
}
