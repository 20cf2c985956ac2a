package recipe

import (
	"slices"
	"strings"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
)

// taskReasons says why the task is as it is.
func (e *explainer) taskReasons() []Reason {
	t, d := e.task.Name, e.task
	var all []Reason
	if d.Status == nil || e.removal || e.holders[t] != "" {
		all = e.leaderReasons()
	}
	if s := d.Status; s != nil {
		all = append(all, Reason{Kind: BecauseEnded, Task: t, State: s.ended(), Since: s.Ended, Worker: s.Worker, Detail: s.Reason})
		if a := e.latestAttempt(); s.State == Failed && a.Token.Attempt > 0 {
			all = append(all, Reason{Kind: BecauseLastAttempt, Task: t, Count: int(a.Token.Attempt), Worker: a.Worker, Since: a.Ended, Detail: a.Reason})
		}
	}
	for _, p := range d.Problems {
		all = append(all, znodeReason(BecauseZnode, p))
	}
	if below := taskChildrenOf(d); below >= maxAttempt-1 {
		all = append(all, znodeReason(BecauseZnode, e.layout.attemptsProblem(t, below)))
	}
	for _, kind := range []string{taskSubject, progressSubject, requestSubject} {
		if q := e.quarantined(kind, t); q != nil {
			all = append(all, Reason{Kind: BecauseQuarantined, Subject: kind, Task: t, Since: q.Since, Until: q.Retry, Count: q.Refused, Detail: unlessSaid(all, q.Reason)})
		}
	}
	if e.removal {
		all = append(all, Reason{Kind: BecauseRemoval, Task: t})
	}
	if a := e.latestAttempt(); d.Status == nil && d.Options.Resident && abandons(a.Reason) {
		all = append(all, Reason{Kind: BecauseAbandoned, Task: t, Worker: a.Worker, Since: a.Ended})
	}
	if e.blind(t) {
		return append(all, e.notShownReason())
	}
	return append(all, e.holdReasons(t)...)
}

// unlessSaid is a text, or nothing if a reason about a znode says the same.
func unlessSaid(all []Reason, text string) string {
	if slices.ContainsFunc(all, func(r Reason) bool { return r.Kind == BecauseZnode && r.String() == text }) {
		return ""
	}
	return text
}

// leaderReasons says why no master decides, if none does.
func (e *explainer) leaderReasons() (all []Reason) {
	for _, p := range e.Problems {
		all = append(all, znodeReason(BecauseZnode, p))
	}
	switch {
	case e.notShown(e.layout.master()):
	case !e.Leader.Exists():
		return append(all, Reason{Kind: BecauseNobodyLeads, Count: len(e.Candidates)})
	case e.Leader.Epoch == 0 && !e.notShown(e.layout.assign()):
		return append(all, Reason{Kind: BecauseMadeByHand, Znode: e.layout.master()})
	}
	return all
}

// notShown reports whether the server does not show a znode.
func (e *explainer) notShown(path string) bool { return slices.Contains(e.refused, path) }

// blind reports whether the server does not show a znode that decides about all tasks, or about
// this one. What a master decides is not known then.
func (e *explainer) blind(t string) bool {
	return slices.ContainsFunc(e.refused, func(path string) bool {
		return path == e.layout.tasks() || path == e.layout.task(t) || strings.HasPrefix(path, e.layout.task(t)+"/"+attemptPrefix) ||
			path == e.layout.workers() || strings.HasPrefix(path, e.layout.workers()+"/") ||
			path == e.layout.assign() || strings.HasPrefix(path, e.layout.assign()+"/")
	})
}

// notShownReason says that the tree may have reasons that this client may not read.
func (e *explainer) notShownReason() Reason {
	return Reason{Kind: BecauseNotShown, Count: len(e.hidden)}
}

func znodeReason(kind ReasonKind, p Problem) Reason {
	return Reason{Kind: kind, Znode: p.Path, Detail: p.What, Remedy: p.Remedy}
}

// taskChildrenOf is the highest number of an attempt on record.
func taskChildrenOf(d TaskDetail) int32 {
	if d.Status != nil {
		return 0
	}
	return int32(d.Attempts)
}

// holdReasons says why the task stays where it is, as the decisions have it.
func (e *explainer) holdReasons(t string) []Reason {
	held := e.assignedReasons(t)
	hold, decided := e.look.Holds[t]
	if !decided {
		if next, ok := e.next(t); ok {
			return append(held, next)
		}
		return held
	}
	reason := Reason{Task: t, Worker: hold.Worker}
	switch hold.Why {
	case decide.NotDue:
		return append(held, e.dueReason(hold))
	case decide.NoWorkerTakes:
		return append(held, e.noneTakes(t)...)
	case decide.AllFull:
		reason.Kind = BecauseAllFull
		for _, l := range e.look.Loads {
			reason.Count, reason.Limit = reason.Count+l.Held, reason.Limit+l.Capacity
			reason.Assumed = reason.Assumed || e.assumes(l)
		}
		return e.turn(append(held, reason), t)
	case decide.OthersAreFull:
		reason.Kind, reason.Worker = BecauseOthersFull, e.avoided(t)
		return e.turn(append(held, reason), t)
	case decide.StrategyWaits:
		reason.Kind = BecauseStrategy
		return e.turn(append(held, reason), t)
	case decide.HandlerRuns:
		reason.Kind = BecauseHandlerRuns
		return append(held, reason)
	case decide.Returned:
		reason.Kind = BecauseReturned
		return append(held, reason)
	case decide.HolderQuarantined:
		return append(held, e.quarantineReasons(hold.Worker)...)
	}
	return held
}

// assignedReasons says who has the task, and what that means for it.
func (e *explainer) assignedReasons(t string) []Reason {
	w := e.holders[t]
	if w == "" {
		return nil
	}
	worker, resident := e.view.Worker(w), e.task.Options.Resident
	if !worker.Alive {
		return []Reason{{Kind: BecauseHolderLost, Task: t, Worker: w}}
	}
	all := []Reason{{Kind: BecauseAssigned, Task: t, Worker: w, Count: e.task.Attempts + 1}}
	if e.task.Status != nil {
		all = nil
	}
	switch {
	case e.look.Holds[t].Why != decide.Executed:
	case resident && (worker.Retiring || e.revoked[t]):
		all = append(all, Reason{Kind: BecauseHandlerRuns, Task: t, Worker: w})
	case e.revoked[t]:
		all = append(all, Reason{Kind: BecauseReturned, Task: t, Worker: w})
	case resident:
		all = append(all, e.even(w))
	}
	if bar := worker.Bar(); bar == decide.BarRetiring || bar == decide.BarFenced {
		all = append(all, e.barReasons(w)...)
	}
	return all
}

// even says that a resident task has no better place.
func (e *explainer) even(w string) Reason {
	fewest := e.look.Residents[w]
	for _, n := range e.look.Residents {
		fewest = min(fewest, n)
	}
	return Reason{Kind: BecauseEven, Task: e.task.Name, Worker: w, Count: e.look.Residents[w], Limit: fewest}
}

// next is what the next look of a master does to a task.
func (e *explainer) next(t string) (Reason, bool) {
	for _, n := range e.look.Transitions {
		if n.Task == t {
			return Reason{Kind: BecauseNextLook, Task: t, Worker: n.From + n.Holder, To: n.To, Action: n.Action.String()}, true
		}
	}
	return Reason{}, false
}

func (e *explainer) dueReason(hold decide.Hold) Reason {
	r := Reason{Kind: BecauseNotBefore, Task: e.task.Name, Until: hold.Until}
	if e.backsOff(hold.Until) {
		last := e.latestAttempt()
		r.Kind, r.Since, r.Count, r.Worker, r.Detail = BecauseBackoff, last.Ended, e.task.Attempts, last.Worker, last.Reason
	}
	return r
}

// noneTakes says why no worker takes tasks.
func (e *explainer) noneTakes(t string) []Reason {
	var bars []Reason
	registered := 0
	for _, w := range e.view.WorkerNames() {
		if e.view.Worker(w).Listed {
			registered++
			bars = append(bars, e.barReasons(w)...)
		}
	}
	if registered == 0 {
		return []Reason{{Kind: BecauseNoWorkers, Task: t}}
	}
	return append([]Reason{{Kind: BecauseNoneTakes, Task: t, Count: registered}}, bars...)
}

// turn adds how many tasks come before a task that waits.
func (e *explainer) turn(all []Reason, t string) []Reason {
	before := 0
	for _, other := range e.waiting[:max(slices.Index(e.waiting, t), 0)] {
		if e.look.Holds[other].Why != decide.NotDue {
			before++
		}
	}
	if before == 0 {
		return all
	}
	return append(all, Reason{Kind: BecauseTurn, Task: t, Count: before})
}

// avoided is a worker that has room and does not get the task.
func (e *explainer) avoided(t string) string {
	for _, l := range e.look.Loads {
		if l.Free() && slices.Contains(e.view.Task(t).Avoid, l.Worker) {
			return l.Worker
		}
	}
	return ""
}

// assumes reports whether the bound of a worker is that of the masters, and a guess.
func (e *explainer) assumes(l Load) bool {
	return e.assumed && l.Capacity != e.view.Worker(l.Worker).Capacity
}
