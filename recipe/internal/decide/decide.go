package decide

import (
	"fmt"
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
	Batch        int      // decisions in one pass
	Strategy     Strategy // nil: LeastLoaded, by an index
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

// exhausted reports whether a task has no attempt left.
func (l Limits) exhausted(t *TaskView) bool {
	budget := l.budget(t)
	return budget > 0 && l.Spent(t.Attempts, t.Left) >= budget
}

// Plan is the result of Decide.
type Plan struct {
	Transitions []Transition
	// Wake is when to look again without an event; zero for never. A plan with as many
	// transitions as a pass may have says nothing about that: there is more to decide at once.
	Wake time.Time
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
	places *loads // nil until they are needed
	now    time.Time

	settled map[string]bool // tasks that are decided about
	fenced  map[string]bool // workers whose claim is taken away
	holds   map[string]Hold // by task, for Explain; nil for Decide. With it the pass looks at every task
}

// Decide returns the decisions for this view at this time. The same view and time give the
// same decisions in the same order. It costs as much as there is to decide, and not as much as
// there is in the view.
func Decide(v *View, l Limits, now time.Time) Plan { return newDecider(v, l, now).decide() }

func newDecider(v *View, l Limits, now time.Time) *decider {
	v.at(l, now)
	return &decider{view: v, limits: l, now: now, settled: map[string]bool{}, fenced: map[string]bool{}}
}

func (d *decider) decide() Plan {
	for _, step := range []func(){d.inboxes, d.assignments, d.waiting, d.residents, d.finished, d.asked} {
		step()
		if d.full() {
			d.Transitions = d.Transitions[:d.limits.Batch]
			break
		}
	}
	if len(d.fenced) > 0 { // other decisions about those workers are made again
		d.Transitions = slices.DeleteFunc(d.Transitions, func(t Transition) bool { return t.Action != FenceWorker })
	}
	return d.Plan
}

// full reports whether the pass has all the decisions that it may have.
func (d *decider) full() bool { return len(d.Transitions) >= d.limits.Batch }

// loads are the loads of the workers in this pass.
func (d *decider) loads() *loads {
	if d.places == nil {
		d.places = newLoads(d.view, d.limits)
	}
	return d.places
}

// inboxes creates the missing inboxes of workers that were made by hand.
func (d *decider) inboxes() {
	for w := range d.view.index.inboxes.sorted() {
		if d.full() {
			return
		}
		d.add(Transition{Action: OpenInbox, Holder: w.name})
	}
}

// settle decides about one assignment.
func (d *decider) settle(t, w string, worker *workerView) {
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
		to, _ = d.loads().place(ending.Task, task)
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

// DefaultBackoff doubles from 100 ms to 30 s.
func DefaultBackoff(attempts int) time.Duration {
	const first, most = 100 * time.Millisecond, 30 * time.Second
	return min(first<<min(attempts-1, 16), most)
}
