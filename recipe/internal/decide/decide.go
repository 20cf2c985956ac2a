package decide

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

// KeptAttempts is how many records of attempts a resident task keeps.
const KeptAttempts = 16

// Limits are the master's policy.
type Limits struct {
	PerWorker   int   // assignments that one worker holds at a time
	MaxAttempts int32 // of one task, before it fails
	// of one task: attempts that do not count because their workers left
	MaxHandovers int32
	Batch        int // decisions in one pass
	Strategy     Strategy
	Backoff      func(attempts int) time.Duration
	Retention    time.Duration // 0: for ever
}

// Delay is the back-off of a task after that many attempts.
func (l Limits) Delay(t *TaskView, attempts int32) time.Duration {
	switch {
	case attempts == 0:
		return 0
	case t.Options.Resident:
		return residentDelay
	}
	return l.Backoff(int(attempts))
}

// Spent returns how many of the attempts count, if left of them ended because their workers
// left.
func (l Limits) Spent(attempts, left int32) int32 {
	return attempts - min(left, l.MaxHandovers, attempts)
}

// budget is after how many attempts a task fails; 0 means never.
func (l Limits) budget(t *TaskView) int32 {
	switch {
	case t.Options.Resident:
		return 0
	case t.Options.MaxAttempts > 0:
		return int32(t.Options.MaxAttempts)
	}
	return l.MaxAttempts
}

// Plan is the result of Decide.
type Plan struct {
	Transitions []Transition
	Wake        time.Time // when to look again without an event; zero for never
}

func (p *Plan) add(t Transition) { p.Transitions = append(p.Transitions, t) }

// WakeAt asks for another look, then or earlier.
func (p *Plan) WakeAt(t time.Time) {
	if p.Wake.IsZero() || t.Before(p.Wake) {
		p.Wake = t
	}
}

// decider is one pass of decisions.
type decider struct {
	Plan
	view   *View
	limits Limits
	loads  *loads
	now    time.Time

	settled map[string]bool // tasks that are decided about
	fenced  map[string]bool // workers whose claim is taken away
	holds   map[string]Hold // by task, if somebody wants to know
}

// Decide returns the decisions for this view at this time. The same view and time give the
// same decisions in the same order.
func Decide(v *View, l Limits, now time.Time) Plan { return newDecider(v, l, now).decide() }

func newDecider(v *View, l Limits, now time.Time) *decider {
	return &decider{view: v, limits: l, loads: newLoads(v, l.PerWorker), now: now, settled: map[string]bool{}, fenced: map[string]bool{}}
}

func (d *decider) decide() Plan {
	for _, step := range []func(){d.inboxes, d.assignments, d.waiting, d.residents, d.finished, d.asked} {
		step()
		if len(d.Transitions) >= d.limits.Batch {
			d.Transitions = d.Transitions[:d.limits.Batch]
			break
		}
	}
	if len(d.fenced) > 0 { // other decisions about those workers are made again
		d.Transitions = slices.DeleteFunc(d.Transitions, func(t Transition) bool { return t.Action != FenceWorker })
	}
	return d.Plan
}

// inboxes creates the missing inboxes of workers that were made by hand.
func (d *decider) inboxes() {
	for _, w := range d.view.WorkerNames() {
		if worker := d.view.Workers[w]; worker.Alive && !worker.Known && !worker.Quarantined {
			d.add(Transition{Action: OpenInbox, Holder: w})
		}
	}
}

// assignments decides about each existing assignment.
func (d *decider) assignments() {
	for _, w := range d.view.WorkerNames() {
		worker := d.view.Workers[w]
		if worker.Quarantined {
			for t := range worker.Tasks {
				d.hold(t, Hold{Why: HolderQuarantined, Worker: w})
			}
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(worker.Tasks)) {
			if len(d.Transitions) >= d.limits.Batch {
				return
			}
			d.settle(t, w, worker)
		}
	}
}

// settle decides about one assignment.
func (d *decider) settle(t, w string, worker *workerView) {
	task, lives := d.view.Tasks[t], worker.Alive && !worker.Fenced
	switch {
	case task == nil || task.Phase == Finished:
		if d.free(t, w, worker, "") {
			d.add(Transition{Action: DropTask, Task: t, From: w})
		}
		return
	case task.Phase == Unread:
		return
	}
	silence := task.Options.HeartbeatTimeout
	silent := silence > 0 && d.now.Sub(task.Watched.At) > silence
	if lives && !silent {
		d.hold(t, Hold{Why: Executed, Worker: w})
		if silence > 0 {
			d.WakeAt(task.Watched.At.Add(silence + time.Millisecond))
		}
		return
	}
	d.settled[t] = true
	if worker.Alive && task.Options.Resident {
		// Its handler may hang and still do harm: the worker must let go first. A worker that
		// has lost its claim lets go when it learns of that, and then ends its session.
		d.hold(t, Hold{Why: HandlerRuns, Worker: w})
		if lives && !task.Revoked {
			d.add(Transition{Action: RevokeTask, Task: t, Holder: w, Avoid: true})
		}
		return
	}
	left := !worker.Alive && worker.Claimed && worker.Retiring
	// A resident task stays with a worker for so long that the loss of the worker says
	// nothing about the task, and the task is not to be kept from that worker. Nor does a
	// worker that has left in good order say anything about the task.
	ending := Transition{Task: t, From: w, Ends: task.Attempts + 1, Reason: LostReason, Left: left, Avoid: lives || !task.Options.Resident && !left}
	switch {
	case left:
		ending.Reason = LeftReason
	case lives:
		ending.Reason = fmt.Sprintf("%s %v", silentReason, silence)
		if !d.free(t, w, worker, ending.Reason) {
			return
		}
	}
	d.end(ending, task, lives)
}

// end ends an attempt whose worker is lost, or was silent.
func (d *decider) end(ending Transition, task *TaskView, lives bool) {
	budget, gone := d.limits.budget(task), task.Left
	if ending.Left {
		gone++
	}
	spent := d.limits.Spent(ending.Ends, gone)
	to := ""
	switch {
	case budget > 0 && spent >= budget:
		ending.Action = FailTask
		d.add(ending)
		return
	case !lives && (ending.Ends == 1 || ending.Left || task.Options.Resident):
		to, _ = d.loads.place(ending.Task, task, d.limits.Strategy)
	}
	if to != "" {
		ending.Action, ending.To, ending.Starts = ReassignTask, to, ending.Ends+1
		d.add(ending)
		return
	}
	ending.Action = ReleaseTask
	if !ending.Left {
		ending.Due = d.now.Add(d.limits.Delay(task, spent))
	}
	d.add(ending)
}

// waiting assigns pending tasks, by priority and then in the order of submission.
func (d *decider) waiting() {
	for _, t := range d.view.Pending() {
		if len(d.Transitions) >= d.limits.Batch {
			return
		}
		task := d.view.Tasks[t]
		if d.view.Dirty[t] {
			continue // it may have been cancelled
		}
		if task.Options.Resident && task.Due.After(d.now) {
			d.loads.floating = append(d.loads.floating, t)
		}
		if budget := d.limits.budget(task); budget > 0 && d.limits.Spent(task.Attempts, task.Left) >= budget {
			d.add(Transition{Action: FailTask, Task: t, Ends: task.Attempts})
			continue
		}
		if task.Due.After(d.now) {
			d.hold(t, Hold{Why: NotDue, Until: task.Due})
			d.WakeAt(task.Due)
			continue
		}
		to, wait := d.loads.place(t, task, d.limits.Strategy)
		if to == "" {
			d.hold(t, wait)
			continue
		}
		d.add(Transition{Action: AssignTask, Task: t, To: to, Starts: task.Attempts + 1})
	}
}

// Pending lists the tasks that wait for a worker, in the order of assignment.
func (v *View) Pending() []string {
	names := slices.Collect(maps.Keys(v.Waiting))
	slices.SortFunc(names, func(a, b string) int {
		x, y := v.Tasks[a], v.Tasks[b]
		return cmp.Or(cmp.Compare(y.Options.Priority, x.Options.Priority), cmp.Compare(x.Czxid, y.Czxid), cmp.Compare(a, b))
	})
	return names
}

// residents spreads resident tasks evenly, and keeps their records short. It waits
// until every task has been read.
func (d *decider) residents() {
	if d.view.Counts[Unread] > 0 {
		return
	}
	d.balance()
	for _, t := range slices.Sorted(maps.Keys(d.view.Special)) {
		task := d.view.Tasks[t]
		if task.Options.Resident && task.Phase != Finished && len(task.Records) >= 2*KeptAttempts {
			d.add(Transition{Action: PruneAttempts, Task: t})
		}
	}
}

// balance revokes resident tasks, as few as possible, from the workers that have the most,
// until all differ by one at most. A task is revoked only if it would move to another worker:
// a task that avoids all others would return to its worker and be revoked again, for ever.
func (d *decider) balance() {
	counts := maps.Clone(d.loads.residents)
	slices.Sort(d.loads.floating)
	for _, t := range d.loads.floating {
		if to := d.loads.fewest(counts, d.view.Tasks[t].Avoid); to != "" && !d.settled[t] {
			counts[to]++
		}
	}
	movable := map[string][]string{}
	donors := slices.Sorted(maps.Keys(counts)) // workers that may have one to give
	for len(donors) > 0 {
		w := slices.MaxFunc(donors, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
		if counts[w]-counts[d.loads.fewest(counts, nil)] < 2 {
			return
		}
		if _, known := movable[w]; !known {
			movable[w] = d.movable(w)
		}
		last := len(movable[w]) - 1
		if last < 0 {
			donors = slices.DeleteFunc(donors, func(other string) bool { return other == w })
			continue
		}
		t := movable[w][last]
		movable[w] = movable[w][:last]
		to := d.loads.fewest(counts, d.view.Tasks[t].Avoid)
		if counts[w]-counts[to] < 2 {
			continue
		}
		counts[w]--
		counts[to]++
		d.add(Transition{Action: RevokeTask, Task: t, Holder: w})
	}
}

// movable lists the resident tasks of a worker that the master may revoke.
func (d *decider) movable(w string) []string {
	return slices.DeleteFunc(d.view.residentsOf(d.view.Workers[w]), func(t string) bool {
		task := d.view.Tasks[t]
		return d.settled[t] || task.Phase != Assigned || task.Revoked
	})
}

// Expired lists finished tasks whose retention is over, at most as many as one pass handles.
func (v *View) Expired(retention time.Duration, now time.Time) []string {
	const most = 100
	var names []string
	for _, e := range v.endings {
		if v.over(e) {
			continue
		}
		if len(names) == most || now.Sub(v.Tasks[e.task].Done) < retention {
			break
		}
		names = append(names, e.task)
	}
	return names
}

// over reports whether an ending does not belong to a finished task any more.
func (v *View) over(e ending) bool {
	task := v.Tasks[e.task]
	return task == nil || task.Phase != Finished || task.ending != e.number
}

// Wanted reports whether a client has asked for a task to be removed.
func (v *View) Wanted(t string) bool {
	_, asked := v.Asked[t]
	return asked
}

// finished removes the tasks whose retention is over.
func (d *decider) finished() {
	if d.limits.Retention == 0 {
		return
	}
	for _, t := range d.view.Expired(d.limits.Retention, d.now) {
		if d.view.Tasks[t].Leftover != nil && !d.view.Wanted(t) && !d.view.Held(t) {
			d.add(Transition{Action: CollectTask, Task: t})
		}
	}
	for _, e := range d.view.endings {
		if d.view.over(e) {
			continue
		}
		due := d.view.Tasks[e.task].Done.Add(d.limits.Retention)
		if due.After(d.now) || !d.view.Held(e.task) { // its worker gives it back, and the master sees that
			d.WakeAt(due)
			break
		}
	}
}

// asked settles the requests of clients: a finished task is removed when no inbox holds it
// any more. Only this master could put it into an inbox.
func (d *decider) asked() {
	for _, t := range slices.Sorted(maps.Keys(d.view.Asked)) {
		czxid := d.view.Asked[t]
		switch task := d.view.Tasks[t]; {
		case task == nil:
			d.add(Transition{Action: DropRequest, Task: t})
		case task.Phase == Unread || d.view.Dirty[t]:
		case task.Phase != Finished || czxid != AnyLife && czxid != task.Czxid:
			d.add(Transition{Action: DropRequest, Task: t}) // it was meant for an earlier task of that name
		case task.Leftover != nil && !d.view.Held(t):
			d.add(Transition{Action: CollectTask, Task: t})
		}
	}
}

// DefaultBackoff doubles from 100 ms to 30 s.
func DefaultBackoff(attempts int) time.Duration {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	return min(first<<min(attempts-1, 16), most)
}
