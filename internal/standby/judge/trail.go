package judge

import (
	"cmp"
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// breadcrumbsTrue: a process writes its own breadcrumb only, while it has the lock. It removes its
// breadcrumb only after it has become standby, and not if it is unhealthy; and if it gives the lock up
// after it has become standby in good order, it does remove it.
func (f *facts) breadcrumbsTrue() checker.Property {
	p := checker.NewFindings("BreadcrumbsTrue")
	if f.needsOrder(p) {
		return p.Property("")
	}
	for _, t := range f.trails {
		if t.term == nil || t.data != history.DataOf(t.life) {
			p.Violate(f.about(CrumbOfOther, t.deed, wording.Args{"crumb": t.data}), f.events(t.deed)...)
		}
	}
	for _, r := range f.removed {
		f.removal(p, r)
	}
	unclean := 0
	for _, g := range f.gifts {
		if !g.removes {
			unclean++
		}
		if !g.removes && g.before.names(g.life) && f.cleanly(g) {
			p.Violate(f.about(CrumbLeft, g.deed, nil), f.events(g.deed)...)
		}
	}
	return p.Property("%d breadcrumbs were written and %d were removed, all by their own processes. The lock was given up %d times without removing one, never in good order.", len(f.trails), len(f.removed), unclean)
}

// about is a finding about a write.
func (f *facts) about(code wording.Code, d deed, more wording.Args) wording.Finding {
	args := wording.Args{"process": d.life.Process, "at": f.End}
	if d.write != nil {
		args["at"] = f.At(d.write.Operation)
	}
	for name, value := range more {
		args[name] = value
	}
	return wording.Finding{Code: code, Object: history.Group, Zxid: d.zxid, Args: args}
}

// events are those of a write.
func (f *facts) events(d deed) []record.Event {
	all, _ := f.at(d)
	return all
}

// removal judges a breadcrumb that was removed.
func (f *facts) removal(p *checker.Findings, r removal) {
	if !r.before.names(r.life) {
		p.Violate(f.about(OtherRemoved, r.deed, wording.Args{"crumb": r.before.data}), f.events(r.deed)...)
		return
	}
	why := ""
	_, sent := f.at(r.deed)
	if a, was := f.lastActive(r.life, sent); was {
		switch end := f.over(a); {
		case end.Seq == 0 || end.Seq > sent:
			why = "it had not become standby"
		case !r.accepts && f.why(r.life, a.Invoke.Token().Epoch) == history.Unhealthy:
			why = "it was not healthy"
		}
	}
	if why != "" {
		p.Violate(f.about(CrumbRemoved, r.deed, wording.Args{"why": why}), f.events(r.deed)...)
	}
}

// lastActive is how a life was active last, before an event.
func (f *facts) lastActive(life record.Life, before int) (last record.Operation, was bool) {
	for _, a := range f.actives {
		if a.Invoke.Alive() == life && a.Invoke.Seq < before {
			last, was = a, true
		}
	}
	return last, was
}

// cleanly reports whether a lock was given up by a process that was active in this term, and has become
// standby in good order.
func (f *facts) cleanly(g gift) bool {
	_, sent := f.at(g.deed)
	a, was := f.lastActive(g.life, sent)
	if !was || g.term == nil || a.Invoke.Token().Epoch != g.term.epoch || a.Done.Seq == 0 || a.Done.Seq > sent {
		return false
	}
	return f.why(g.life, g.term.epoch) != history.Unhealthy
}

// failoversTold: a failover that was accepted goes to its target, as long as it is there and the others hold
// back; the old active gives the lock and its breadcrumb up in the write that accepts it. If a client is
// told that its failover is done, the target is active. If it is told that its failover is refused, no active has
// accepted it.
func (f *facts) failoversTold() checker.Property {
	p := checker.NewFindings("FailoversTold")
	if f.needsOrder(p) {
		return p.Property("")
	}
	done := 0
	for _, a := range f.accepts {
		if !a.clean {
			p.Violate(f.about(HandedUnclean, a.deed, nil), f.events(a.deed)...)
		}
		f.toTarget(p, a)
	}
	for _, o := range f.failovers {
		wish, told := history.Of[history.Wish](o.Invoke), history.Of[history.Told](o.Done)
		switch {
		case o.Outcome() == record.OK:
			done++
			if wish.To != "" && wish.To != told.Name {
				p.Violate(wording.Finding{Code: ElsewhereGiven, Object: history.Group, Args: wording.Args{
					"process": o.Invoke.Process, "at": o.Done.At, "to": wish.To, "name": told.Name,
				}}, o.Invoke, o.Done)
			}
		case o.Outcome() == record.Fail && told.Refusal != history.Elsewhere:
			if by, accepted := f.acceptedOf(o); accepted {
				p.Violate(wording.Finding{Code: RefusedDone, Object: history.Group, Args: wording.Args{
					"process": o.Invoke.Process, "from": o.Invoke.At, "at": o.Done.At, "refusal": string(told.Refusal), "old": by.Process,
				}}, o.Invoke, o.Done)
			}
		}
	}
	return p.Property("Clients asked for %d failovers. %d were done. The old actives accepted %d, and each went to its target, if that was there.", len(f.failovers), done, len(f.accepts))
}

// acceptedOf finds the active that has accepted the request of a client.
func (f *facts) acceptedOf(o record.Operation) (by record.Life, accepted bool) {
	for _, a := range f.accepts {
		w := f.asked[a.asked.ID]
		if w != nil && w.Invoke.Alive() == o.Invoke.Alive() && w.Invoke.Seq > o.Invoke.Seq && w.Invoke.Seq < o.Done.Seq {
			return a.life, true
		}
	}
	return by, false
}

// toTarget judges which process has taken the lock after a failover was accepted.
func (f *facts) toTarget(p *checker.Findings, a accept) {
	next := a.next
	if next == nil || a.gone || a.target == "" || next.session == a.target || next.write == nil || a.write == nil {
		return
	}
	asked := f.asked[a.asked.ID]
	if asked == nil {
		return
	}
	i := slices.IndexFunc(f.failovers, func(o record.Operation) bool {
		return o.Invoke.Alive() == asked.Invoke.Alive() && o.Invoke.Seq < asked.Invoke.Seq && (o.Done.Seq == 0 || asked.Invoke.Seq < o.Done.Seq)
	})
	if i < 0 {
		return
	}
	grace := history.Of[history.Wish](f.failovers[i].Invoke).Grace
	// The others begin to wait when they see that it is accepted, which is later.
	if waited := f.Until(next.write.Operation) - a.write.Invoke.At; waited < grace {
		p.Violate(f.about(TargetPassed, next.deed, wording.Args{
			"epoch": next.epoch, "waited": waited, "to": cmp.Or(a.asked.To, a.asked.Candidate), "grace": grace,
		}), append(f.events(a.deed), f.events(next.deed)...)...)
	}
}
