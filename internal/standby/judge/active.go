package judge

import (
	"slices"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/standby/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// oneActive: a process becomes active only when no other one is, in the order of events. A process is
// active from before BecomeActive until BecomeStandby has returned nil, or its life is over. No fault is an
// excuse: fencing is there for all of them.
func (f *facts) oneActive() checker.Property {
	p := checker.NewFindings("OneActive")
	for i, next := range f.actives {
		for _, old := range f.actives[:i] {
			end := f.over(old)
			if end.Seq > 0 && end.Seq < next.Invoke.Seq {
				continue
			}
			found := wording.Finding{Code: TwoActive, Object: history.Group, Args: wording.Args{
				"process": next.Invoke.Process, "epoch": next.Invoke.Token().Epoch, "at": next.Invoke.At,
				"old": old.Invoke.Process, "earlier": old.Invoke.Token().Epoch,
			}}
			if end.Seq > 0 {
				found.Args["until"] = end.At
			}
			p.Violate(found, old.Invoke, next.Invoke, end)
		}
	}
	return p.Property("Processes became active %d times, each when no other one was.", len(f.actives))
}

// actsInTime: no process acts on the system outside after another one has become active, unless it has
// become active again since. Nothing but fencing ensures that: that system compares no tokens.
func (f *facts) actsInTime() checker.Property {
	p := checker.NewFindings("ActsInTime")
	var latest record.Operation
	next := 0
	for _, act := range f.acts {
		for next < len(f.actives) && f.actives[next].Invoke.Seq < act.Seq {
			latest = f.actives[next]
			next++
		}
		if by := act.Act().By; latest.Invoke.Seq > 0 && by != latest.Invoke.Alive() {
			p.Violate(wording.Finding{Code: LateAct, Object: history.Group, Args: wording.Args{
				"process": by.String(), "at": act.At, "other": latest.Invoke.Process, "epoch": latest.Invoke.Token().Epoch, "since": latest.Invoke.At,
			}}, latest.Invoke, act)
		}
	}
	return p.Property("%d acts on the system outside, each by the process that had become active last.", len(f.acts))
}

// epochsTold: a process is active with the epoch that it took the lock with.
func (f *facts) epochsTold() checker.Property {
	p := checker.NewFindings("EpochsTold")
	if f.needsOrder(p) {
		return p.Property("")
	}
	for _, a := range f.actives {
		if f.termOf(a.Invoke.Alive(), a.Invoke.Token().Epoch) == nil {
			p.Violate(wording.Finding{Code: EpochOfNone, Object: history.Group, Args: wording.Args{
				"process": a.Invoke.Process, "at": a.Invoke.At, "epoch": a.Invoke.Token().Epoch,
			}}, a.Invoke)
		}
	}
	return p.Property("Each of %d processes was active with the epoch that it took the lock with.", len(f.actives))
}

// causesTold: when the term of an active ends, it is told why, by an error that the recipe names.
func (f *facts) causesTold() checker.Property {
	p := checker.NewFindings("CausesTold")
	for _, e := range f.overs {
		if history.Of[history.Ended](e).Why == history.Other {
			p.Violate(wording.Finding{Code: OtherCause, Object: history.Group, Args: wording.Args{
				"process": e.Process, "at": e.At, "epoch": e.Token().Epoch, "cause": e.Remark(),
			}}, e)
		}
	}
	return p.Property("%d actives heard why their terms were over.", len(f.overs))
}

// needsOrder doubts a property that is about the order of the commits, and reports whether that is not
// known.
func (f *facts) needsOrder(p *checker.Findings) bool {
	if f.Ordered() {
		return false
	}
	p.Doubt(wording.Finding{Code: NoOrder})
	return true
}

// fencedFirst: before a process becomes active, it has left its breadcrumb in this term; and it has
// fenced the process that the breadcrumb named before. Whatever the breadcrumb says, the process that was
// active before has left in good order, or its life was ended by the power switch.
func (f *facts) fencedFirst() checker.Property {
	p := checker.NewFindings("FencedFirst")
	if f.needsOrder(p) {
		return p.Property("")
	}
	fenced := 0
	for i, a := range f.actives {
		t := f.termOf(a.Invoke.Alive(), a.Invoke.Token().Epoch)
		if t == nil {
			continue // EpochsTold tells
		}
		if f.heeded(p, a, t) {
			fenced++
		}
		if i > 0 {
			f.succeeds(p, f.actives[i-1], a, t)
		}
	}
	return p.Property("%d processes became active. %d of them had fenced the one that the breadcrumb named, and for the others there was none to fence.", len(f.actives), fenced)
}

// heeded judges what an active made of the breadcrumb, and reports whether it had to fence.
func (f *facts) heeded(p *checker.Findings, a record.Operation, t *term) (fences bool) {
	found := wording.Finding{Object: history.Group, Args: wording.Args{"process": a.Invoke.Process, "epoch": t.epoch, "at": a.Invoke.At}}
	_, taken := f.at(t.deed)
	i := slices.IndexFunc(f.trails, func(one trail) bool { return one.term == t && one.data == history.DataOf(t.life) })
	if i < 0 {
		found.Code = NoCrumb
		p.Violate(found, a.Invoke)
		return false
	}
	left := f.trails[i]
	events, sent := f.at(left.deed)
	if sent > a.Invoke.Seq {
		found.Code = NoCrumb
		p.Violate(found, append(events, a.Invoke)...)
		return false
	}
	if !left.before.found || left.before.names(t.life) {
		return false
	}
	did := slices.ContainsFunc(f.fences, func(o record.Operation) bool {
		return o.Invoke.Alive() == t.life && o.Outcome() == record.OK && history.Of[history.Fenced](o.Invoke).Old == left.before.data &&
			o.Invoke.Seq > taken && o.Done.Seq < a.Invoke.Seq
	})
	if !did {
		found.Code, found.Args["old"] = CrumbUnfenced, left.before.data
		p.Violate(found, append(events, a.Invoke)...)
	}
	return true
}

// succeeds judges what had become of the process that was active before.
func (f *facts) succeeds(p *checker.Findings, old, next record.Operation, t *term) {
	life := old.Invoke.Alive()
	if life == t.life || f.wasCut(life, next.Invoke.Seq) {
		return
	}
	left := slices.ContainsFunc(f.removed, func(r removal) bool {
		return r.life == life && r.term != nil && r.term.epoch == old.Invoke.Token().Epoch && r.zxid < t.zxid
	})
	if !left {
		p.Violate(wording.Finding{Code: NotFenced, Object: history.Group, Args: wording.Args{
			"process": next.Invoke.Process, "epoch": t.epoch, "at": next.Invoke.At, "old": life.String(), "earlier": old.Invoke.Token().Epoch,
		}}, old.Invoke, f.over(old), next.Invoke)
	}
}

// wasCut reports whether the power switch had confirmed the end of a life before an event.
func (f *facts) wasCut(life record.Life, before int) bool {
	return slices.ContainsFunc(f.cuts, func(o record.Operation) bool {
		return o.Invoke.PowerCut().Of == life && o.Outcome() == record.OK && o.Done.Seq < before
	})
}

// fencesTheRightOne: the hook that fences gets the breadcrumb as it was when the lock was taken, never that
// of this very life after a term in which it was active and has left it; and what it has the power switch
// end is what the breadcrumb names. When the hook has returned nil, the switch has confirmed that.
func (f *facts) fencesTheRightOne() checker.Property {
	p := checker.NewFindings("FencesTheRightOne")
	if f.needsOrder(p) {
		return p.Property("")
	}
	for _, o := range f.fences {
		f.rightOne(p, o)
	}
	for _, o := range f.cuts {
		cut := o.Invoke.PowerCut()
		told := slices.ContainsFunc(f.fences, func(one record.Operation) bool {
			return one.Invoke.Alive() == cut.By && one.Invoke.Seq < o.Invoke.Seq && history.Of[history.Fenced](one.Invoke).Old == history.DataOf(cut.Of)
		})
		if !told {
			p.Violate(wording.Finding{Code: CutOther, Object: history.Group, Args: wording.Args{"process": cut.By.String(), "old": cut.Of.String(), "at": o.Invoke.At}}, o.Invoke)
		}
	}
	return p.Property("%d attempts to fence, each of the process that the breadcrumb named.", len(f.fences))
}

// rightOne judges one attempt to fence.
func (f *facts) rightOne(p *checker.Findings, o record.Operation) {
	life, old := o.Invoke.Alive(), history.Of[history.Fenced](o.Invoke).Old
	t := f.latest(life, o.Invoke.Seq)
	if t == nil || !t.before.found || t.before.data != old {
		named := ""
		if t != nil {
			named = t.before.data
		}
		p.Violate(wording.Finding{Code: FencedAnother, Object: history.Group, Args: wording.Args{"process": life.Process, "at": o.Invoke.At, "old": old, "crumb": named}}, o.Invoke)
		return
	}
	switch named, is := history.ParseData(old); {
	case !is:
	case named == life && f.leftItself(life, t):
		p.Violate(wording.Finding{Code: FencedItself, Object: history.Group, Args: wording.Args{"process": life.Process, "at": o.Invoke.At, "old": old}}, o.Invoke)
	case named != life && o.Outcome() == record.OK && !f.wasCut(named, o.Done.Seq):
		p.Violate(wording.Finding{Code: FenceAnswered, Object: history.Group, Args: wording.Args{"process": life.Process, "at": o.Done.At, "old": old}}, o.Invoke, o.Done)
	}
}

// latest is the last term that a life has asked for before an event; nil if there was none.
func (f *facts) latest(life record.Life, before int) *term {
	var last *term
	for _, t := range f.terms {
		if _, sent := f.at(t.deed); t.life == life && sent > 0 && sent < before {
			last = t
		}
	}
	return last
}

// leftItself reports whether a life has left its breadcrumb in an earlier term in which it was active: then
// it knows its breadcrumb.
func (f *facts) leftItself(life record.Life, until *term) bool {
	var left trail
	for _, one := range f.trails {
		if one.zxid < until.zxid {
			left = one
		}
	}
	return left.life == life && left.term != nil && slices.ContainsFunc(f.actives, func(a record.Operation) bool {
		return a.Invoke.Alive() == life && a.Invoke.Token().Epoch == left.term.epoch
	})
}
