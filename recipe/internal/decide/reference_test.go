package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// This file decides as decide.go does, by looking at everything in each pass. It is what the
// indexes are held against (equal_test.go), so it is simple, slow, and without indexes.

// refDecider is one pass of decisions.
type refDecider struct {
	Plan
	view   *View
	limits Limits
	loads  *refLoads
	now    time.Time

	settled map[string]bool // tasks that are decided about
	fenced  map[string]bool // workers whose claim is taken away
}

// refDecide returns what Decide returns.
func refDecide(v *View, l Limits, now time.Time) Plan {
	if l.Strategy == nil {
		l.Strategy = LeastLoaded
	}
	d := &refDecider{view: v, limits: l, loads: newRefLoads(v, l.PerWorker), now: now, settled: map[string]bool{}, fenced: map[string]bool{}}
	return d.decide()
}

func (d *refDecider) decide() Plan {
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

func (d *refDecider) inboxes() {
	for _, w := range slices.Sorted(maps.Keys(d.view.workers)) {
		if worker := d.view.workers[w]; worker.Alive && !worker.Known && !worker.Quarantined {
			d.add(Transition{Action: OpenInbox, Holder: w})
		}
	}
}

func (d *refDecider) assignments() {
	for _, w := range slices.Sorted(maps.Keys(d.view.workers)) {
		worker := d.view.workers[w]
		if worker.Quarantined {
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(worker.tasks)) {
			if len(d.Transitions) >= d.limits.Batch {
				return
			}
			d.settle(t, w, worker)
		}
	}
}

func (d *refDecider) settle(t, w string, worker *workerView) {
	task, lives := d.view.tasks[t], worker.Alive && !worker.Fenced
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
		if silence > 0 {
			d.WakeAt(task.Watched.At.Add(silence + time.Millisecond))
		}
		return
	}
	d.settled[t] = true
	if worker.Alive && task.Options.Resident {
		// Its handler may hang and still do harm: the worker must let go first. A worker that
		// has lost its claim lets go when it learns of that, and then ends its session.
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

func (d *refDecider) end(ending Transition, task *TaskView, lives bool) {
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

func (d *refDecider) waiting() {
	for _, t := range refPending(d.view) {
		if len(d.Transitions) >= d.limits.Batch {
			return
		}
		task := d.view.tasks[t]
		if d.view.tasks[t].dirty {
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
			d.WakeAt(task.Due)
			continue
		}
		to, _ := d.loads.place(t, task, d.limits.Strategy)
		if to == "" {
			continue
		}
		d.add(Transition{Action: AssignTask, Task: t, To: to, Starts: task.Attempts + 1})
	}
}

func refPending(v *View) []string {
	names := slices.Collect(maps.Keys(v.tasks))
	names = slices.DeleteFunc(names, func(t string) bool { return v.tasks[t].Phase != Pending })
	slices.SortFunc(names, func(a, b string) int {
		x, y := v.tasks[a], v.tasks[b]
		return cmp.Or(cmp.Compare(y.Options.Priority, x.Options.Priority), cmp.Compare(x.Czxid, y.Czxid), cmp.Compare(a, b))
	})
	return names
}

func (d *refDecider) residents() {
	if d.view.Counts[Unread] > 0 {
		return
	}
	d.balance()
	for _, t := range slices.Sorted(maps.Keys(d.view.tasks)) {
		task := d.view.tasks[t]
		if task.Options.Resident && task.Phase != Finished && len(task.Records) >= 2*KeptAttempts {
			d.add(Transition{Action: PruneAttempts, Task: t})
		}
	}
}

func (d *refDecider) balance() {
	counts := maps.Clone(d.loads.residents)
	slices.Sort(d.loads.floating)
	for _, t := range d.loads.floating {
		if to := d.loads.fewest(counts, d.view.tasks[t].Avoid); to != "" && !d.settled[t] {
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
		to := d.loads.fewest(counts, d.view.tasks[t].Avoid)
		if counts[w]-counts[to] < 2 {
			continue
		}
		counts[w]--
		counts[to]++
		d.add(Transition{Action: RevokeTask, Task: t, Holder: w})
	}
}

func (d *refDecider) movable(w string) []string {
	return slices.DeleteFunc(refResidents(d.view, d.view.workers[w]), func(t string) bool {
		task := d.view.tasks[t]
		return d.settled[t] || task.Phase != Assigned || task.Revoked
	})
}

func (d *refDecider) finished() {
	if d.limits.Retention == 0 {
		return
	}
	for _, t := range d.view.Expired(d.limits.Retention, d.now) {
		if d.view.tasks[t].Leftover != nil && !d.view.Wanted(t) && !refHeld(d.view, t) {
			d.add(Transition{Action: CollectTask, Task: t})
		}
	}
	for _, e := range d.view.endings {
		if d.view.over(e) {
			continue
		}
		due := d.view.tasks[e.task].Done.Add(d.limits.Retention)
		if due.After(d.now) || !refHeld(d.view, e.task) { // its worker gives it back, and the master sees that
			d.WakeAt(due)
			break
		}
	}
}

func (d *refDecider) asked() {
	for _, t := range slices.Sorted(maps.Keys(d.view.asked)) {
		czxid := d.view.asked[t]
		switch task := d.view.tasks[t]; {
		case task == nil:
			d.add(Transition{Action: DropRequest, Task: t})
		case task.Phase == Unread || d.view.tasks[t].dirty:
		case task.Phase != Finished || czxid != AnyLife && czxid != task.Czxid:
			d.add(Transition{Action: DropRequest, Task: t}) // it was meant for an earlier task of that name
		case task.Leftover != nil && !refHeld(d.view, t):
			d.add(Transition{Action: CollectTask, Task: t})
		}
	}
}

func (d *refDecider) free(t, w string, worker *workerView, reason string) bool {
	task := d.view.tasks[t]
	resident := task != nil && task.Options.Resident
	switch {
	case !worker.Alive || worker.Fenced && !resident:
		return true
	case worker.Fenced:
		return false
	case !worker.Claimed:
		d.WakeAt(d.now) // the format that it knows is read in the next pass
		return false
	case !worker.Acks:
		return true // made by hand, or of a build that knows no better
	}
	told, waits := worker.Taken[t]
	switch due := told.Add(takePatience); {
	case !waits:
		d.add(Transition{Action: TakeTask, Task: t, Holder: w, Reason: reason, Avoid: reason != ""})
	case resident:
	case d.now.Before(due):
		d.WakeAt(due)
	case !d.fenced[w]:
		d.fenced[w] = true
		d.add(Transition{Action: FenceWorker, Holder: w})
	}
	return false
}

func refHeld(v *View, t string) bool {
	for _, w := range v.workers {
		if w.tasks[t] != nil {
			return true
		}
	}
	return false
}

// refLoads has the load of each live worker while a pass decides.
type refLoads struct {
	workers   []Load         // by name
	residents map[string]int // by worker, without those that are revoked
	floating  []string       // residents that are to leave or wait
	free      int            // workers that take one more
}

func newRefLoads(v *View, perWorker int) *refLoads {
	l := &refLoads{residents: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(v.workers)) {
		w := v.workers[name]
		switch w.Bar() {
		case NoBar:
		case BarQuarantined:
			continue // its tasks stay where they are
		default:
			l.floating = append(l.floating, refResidents(v, w)...)
			continue
		}
		load := Load{Worker: name, Capacity: perWorker}
		if w.Capacity > 0 {
			load.Capacity = min(load.Capacity, w.Capacity)
		}
		l.residents[name] = 0
		for t := range w.tasks {
			switch task := v.tasks[t]; {
			case task == nil || !task.Options.Resident:
				load.Held++
			case task.Revoked:
				l.floating = append(l.floating, t)
			default:
				l.residents[name]++
			}
		}
		if load.Free() {
			l.free++
		}
		l.workers = append(l.workers, load)
	}
	return l
}

func refResidents(v *View, w *workerView) []string {
	var names []string
	for _, t := range slices.Sorted(maps.Keys(w.tasks)) {
		if task := v.tasks[t]; task != nil && task.Options.Resident {
			names = append(names, t)
		}
	}
	return names
}

// place finds a worker for a task and takes the place there. "" means that it has to wait, for
// what the Hold says.
func (l *refLoads) place(name string, task *TaskView, strategy Strategy) (string, Hold) {
	if len(l.workers) == 0 {
		return "", Hold{Why: NoWorkerTakes}
	}
	if task.Options.Resident {
		w := l.fewest(l.residents, task.Avoid)
		l.residents[w]++
		return w, Hold{}
	}
	if l.free == 0 {
		return "", Hold{Why: AllFull}
	}
	job := Job{Task: name, Options: task.Options, Attempts: int(task.Attempts)}
	chosen, offered := "", 0
	for _, workers := range l.offers(task.Avoid) {
		offered = len(workers)
		if chosen = strategy(job, workers); chosen != "" || !slices.ContainsFunc(workers, Load.Free) {
			break // if none of these workers is free, the task waits rather than go to a worker that it avoids
		}
	}
	at := slices.IndexFunc(l.workers, func(w Load) bool { return w.Worker == chosen })
	switch {
	case chosen == "" && offered < len(l.workers):
		return "", Hold{Why: OthersAreFull}
	case at < 0 || !l.workers[at].Free():
		return "", Hold{Why: StrategyWaits, Worker: chosen}
	}
	l.workers[at].Held++
	if !l.workers[at].Free() {
		l.free--
	}
	return chosen, Hold{}
}

// offers returns groups of workers for a task, the best group first: all workers but those
// that it avoids; all but the one that it avoids since last; and all workers. There is at
// least one group, and a group is empty only if there is no worker.
func (l *refLoads) offers(avoid []string) [][]Load {
	var offers [][]Load
	for _, out := range [][]string{avoid, avoid[max(len(avoid)-1, 0):]} {
		if len(out) == 0 {
			break
		}
		others := slices.DeleteFunc(slices.Clone(l.workers), func(w Load) bool { return slices.Contains(out, w.Worker) })
		if len(others) > 0 {
			offers = append(offers, others)
		}
	}
	return append(offers, l.workers)
}

// fewest is the worker with the fewest resident tasks, by these counts.
func (l *refLoads) fewest(residents map[string]int, avoid []string) string {
	if len(l.workers) == 0 {
		return ""
	}
	return slices.MinFunc(l.offers(avoid)[0], func(a, b Load) int {
		return cmp.Compare(residents[a.Worker], residents[b.Worker])
	}).Worker
}
