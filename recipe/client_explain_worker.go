package recipe

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/recipe/internal/decide"
)

// workerReasons says why the worker gets nothing, or what it waits for.
func (e *explainer) workerReasons(w string) []Reason {
	all, bars := e.leaderReasons(), e.barReasons(w)
	if e.blind("") {
		return append(append(all, e.quarantineReasons(w)...), e.notShownReason())
	}
	for _, p := range e.claims[w].problems {
		if !slices.ContainsFunc(bars, func(r Reason) bool { return r.Znode == p.Path }) {
			all = append(all, znodeReason(BecauseZnode, p))
		}
	}
	all = append(all, bars...)
	for _, t := range e.view.Worker(w).Tasks() {
		all = append(all, e.letGoReasons(w, t)...)
	}
	for _, n := range e.look.Transitions {
		if n.Action == decide.FenceWorker && n.Holder == w || n.Action == decide.OpenInbox && n.Holder == w {
			all = append(all, Reason{Kind: BecauseNextLook, Worker: w, Action: n.Action.String()})
		}
	}
	at := slices.IndexFunc(e.look.Loads, func(l Load) bool { return l.Worker == w })
	if len(bars) > 0 || at < 0 {
		return all
	}
	load := e.look.Loads[at]
	room := Reason{Kind: BecauseRoom, Worker: w, Count: load.Held, Limit: load.Capacity, Assumed: e.assumes(load)}
	if !load.Free() {
		room.Kind = BecauseFull
		return append(all, room)
	}
	return append(append(all, room), e.idleReason(w))
}

// letGoReasons says that a worker has a task that it is to give back.
func (e *explainer) letGoReasons(w, t string) []Reason {
	kinds := map[decide.Why]ReasonKind{decide.HandlerRuns: BecauseHandlerRuns, decide.Returned: BecauseReturned}
	kind := kinds[e.look.Holds[t].Why]
	task := e.view.Find(t)
	resident := task != nil && task.Options.Resident
	switch {
	case kind != "":
	case !e.view.Worker(w).Alive:
		return nil
	case resident && (e.view.Worker(w).Retiring || e.revoked[t]):
		kind = BecauseHandlerRuns
	case e.revoked[t]:
		kind = BecauseReturned
	default:
		return nil
	}
	return []Reason{{Kind: kind, Task: t, Worker: w}}
}

// barReasons says why a worker takes no tasks, if it takes none.
func (e *explainer) barReasons(w string) []Reason {
	worker := e.view.Worker(w)
	one := Reason{Worker: w, Count: worker.Held()}
	switch worker.Bar() {
	case decide.NoBar:
		return nil
	case decide.BarQuarantined:
		return e.quarantineReasons(w)
	case decide.BarLost:
		one.Kind = BecauseLost
	case decide.BarNoInbox:
		one.Kind = BecauseNoInbox
	case decide.BarFenced:
		one.Kind = BecauseFenced
	case decide.BarRetiring:
		one.Kind = BecauseLeaving
	case decide.BarOutdated:
		var all []Reason
		row := e.claims[w]
		for _, p := range e.layout.outdated(w, row.record, row.inbox, e.format) {
			r := znodeReason(BecauseOutdated, p)
			r.Worker = w
			all = append(all, r)
		}
		return all
	}
	return []Reason{one}
}

// quarantineReasons says since when a worker is left alone, and why.
func (e *explainer) quarantineReasons(w string) []Reason {
	q := e.quarantined(workerSubject, w)
	if q == nil {
		return nil
	}
	return []Reason{{Kind: BecauseQuarantined, Subject: workerSubject, Worker: w, Since: q.Since, Until: q.Retry, Count: q.Refused, Detail: q.Reason}}
}

// idleReason says why a worker with room gets no task that waits.
func (e *explainer) idleReason(w string) Reason {
	notDue := Reason{Kind: BecauseNoneDue, Worker: w}
	others := Reason{Kind: BecauseOthers, Worker: w}
	for _, t := range e.waiting {
		hold, held := e.look.Holds[t]
		switch {
		case !held:
			if next, ok := e.next(t); ok && next.To == w {
				return next
			}
		case hold.Why == decide.NotDue:
			if notDue.Count++; notDue.Until.IsZero() || hold.Until.Before(notDue.Until) {
				notDue.Until = hold.Until
			}
		default:
			others.Count++
		}
	}
	switch {
	case others.Count > 0:
		return others
	case notDue.Count > 0:
		return notDue
	}
	return Reason{Kind: BecauseNothingWaits, Worker: w}
}
