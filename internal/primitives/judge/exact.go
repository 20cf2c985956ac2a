package judge

import (
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/primitives/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// finding is one about a call.
func (f *facts) finding(code wording.Code, c *call, more wording.Args) wording.Finding {
	found := wording.Finding{Code: code, Object: c.object(), Args: wording.Args{"process": c.Invoke.Process, "at": c.Return(f.End)}}
	for name, value := range more {
		found.Args[name] = value
	}
	return found
}

// appliedOnce: no call is applied more than once; one that is done is applied, and one that is told to
// be not applied is not.
func (f *facts) appliedOnce() checker.Property {
	p := checker.NewFindings("AppliedOnce")
	judged := 0
	for _, c := range f.calls {
		if !c.asked.Writes() {
			continue
		}
		judged++
		events := []record.Event{c.Invoke, c.Done}
		for _, w := range c.applied {
			events = append(events, w.Invoke, w.Done)
		}
		may := c.object() == history.Gate // it may be set already, or lifted
		switch n := len(c.applied); {
		case n > 1:
			p.Violate(f.finding(AppliedTwice, c, wording.Args{"verb": c.asked.Verb, "times": n}), events...)
		case n == 0 && !c.open && c.done() && !c.told.Refused && !may:
			p.Violate(f.finding(AppliedNot, c, wording.Args{"verb": c.asked.Verb}), events...)
		case n > 0 && (c.Outcome() == record.Fail || c.told.Refused):
			found := f.finding(AppliedAlthough, c, wording.Args{"verb": c.asked.Verb})
			found.Zxid = c.applied[0].Zxid
			p.Violate(found, events...)
		}
	}
	return p.Property("%d calls that write. Each was applied once, or not at all, as its user was told.", judged)
}

// numbersOnce: no number of a block is handed out to two calls.
func (f *facts) numbersOnce() checker.Property {
	p := checker.NewFindings("NumbersOnce")
	of := map[int64]*call{}
	for _, c := range f.about(history.Block) {
		if !c.done() {
			continue
		}
		for n := c.told.First; n <= c.told.Last; n++ {
			if other := of[n]; other != nil {
				p.Violate(f.finding(NumberTwice, c, wording.Args{"number": n, "other": other.Invoke.Process}), other.Done, c.Done)
				break
			}
			of[n] = c
		}
	}
	return p.Property("%d numbers were handed out, each of them once.", len(of))
}

// node is the data of a znode in the final tree; empty if there is none.
func (f *facts) node(path string) string {
	for _, n := range f.Evidence.Nodes {
		if n.Path == path {
			return n.Data
		}
	}
	return ""
}

// sumKept: the counter in the final tree is the sum of what was added.
func (f *facts) sumKept() checker.Property {
	p := checker.NewFindings("SumKept")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	added, open := int64(0), []int64{}
	for _, c := range f.about(history.Add) {
		switch {
		case len(c.applied) > 0 || c.done():
			added += c.asked.N
		case c.open:
			open = append(open, c.asked.N)
		}
	}
	if found := number(f.node(history.Sum)); !makes(found-added, open) {
		p.Violate(wording.Finding{Code: SumWrong, Object: history.Sum, Args: wording.Args{"found": found, "added": added}}, f.About(history.Sum)...)
	}
	return p.Property("The counter is %s in the final tree, which is the sum of what was added.", f.node(history.Sum))
}

// makes reports whether some of the numbers make the sum.
func makes(sum int64, of []int64) bool {
	if len(of) == 0 {
		return sum == 0
	}
	return makes(sum, of[1:]) || makes(sum-of[0], of[1:])
}

// moneyKept: all accounts together have all the money, in what each user saw and in the final tree.
func (f *facts) moneyKept() checker.Property {
	p := checker.NewFindings("MoneyKept")
	audits := 0
	for _, c := range f.about(history.Audit) {
		if !c.done() {
			continue
		}
		audits++
		total := 0
		for _, amount := range c.told.Seen {
			total += amount
		}
		if total != 0 && total != history.Money {
			p.Violate(f.finding(MoneyWrong, c, wording.Args{"found": total, "money": history.Money}), c.Done)
		}
	}
	if f.NeedsTree(p) {
		return p.Property("")
	}
	total := 0
	for _, name := range history.Accounts {
		total += int(number(f.node(history.Bank + "/" + name)))
	}
	if total != 0 && total != history.Money {
		p.Violate(wording.Finding{Code: MoneyWrong, Object: history.Bank, Args: wording.Args{"process": "the final tree", "at": f.End, "found": total, "money": history.Money}}, f.About(history.Bank)...)
	}
	return p.Property("%d audits, and the final tree: the accounts have %d units together.", audits, history.Money)
}

// nothingLeft: in the final tree there is no lane, and no participant of a barrier, whose user has
// left in good order.
func (f *facts) nothingLeft() checker.Property {
	p := checker.NewFindings("NothingLeft")
	if f.NeedsTree(p) {
		return p.Property("")
	}
	for _, n := range f.Evidence.Nodes {
		if (history.IsLane(n.Path) || isParticipant(n.Path)) && !f.goesSoon(n.Owner) {
			p.Violate(wording.Finding{Code: LeftInTree, Object: history.ObjectOf(n.Path), Args: wording.Args{"path": n.Path}})
		}
	}
	return p.Property("The final tree has no lane and no participant of a barrier whose user has left.")
}

// goesSoon reports whether a session belongs to a user that did not leave in good order, so that its
// znodes go with it when it has timed out.
func (f *facts) goesSoon(session string) bool {
	for _, held := range f.Index.Sessions {
		if session == "" || held.Session != session {
			continue
		}
		for _, e := range f.Events {
			if e.Kind == record.Leave && e.Type == record.OK && e.Alive() == held.Opened.Alive() {
				return false
			}
		}
		return true
	}
	return false
}

// worksAfterHeal: when everything is healed, each kind of call is done.
func (f *facts) worksAfterHeal() checker.Property {
	p := checker.NewFindings("WorksAfterHeal")
	switch {
	case f.NeedsHeal(p):
		return p.Property("")
	case !f.Evidence.Drained:
		p.Violate(wording.Finding{Code: NeverDrained, Args: wording.Args{"problem": f.Evidence.Problem}})
	}
	since := time.Duration(0)
	if e, begun := f.Index.Began(record.Draining); begun {
		since = e.At
	}
	done := map[string]bool{}
	for _, c := range f.calls {
		done[c.object()] = done[c.object()] || c.done() && c.Done.At >= since
	}
	var which []string
	for _, object := range []string{history.Sum, history.Numbers, history.Mode, history.Bank, history.Gate, history.Duty} {
		if !done[object] && f.Evidence.Drained && len(f.calls) > 0 {
			p.Violate(wording.Finding{Code: NeverDone, Object: object}, f.About(object)...)
		}
		which = append(which, object)
	}
	return p.Property("After all faults were healed, a call of each of these was done: %s.", strings.Join(which, ", "))
}

// needsOrder doubts a property that is about the order of the commits, and reports whether that
// is not known.
func (f *facts) needsOrder(p *checker.Findings) bool {
	if f.Ordered() {
		return false
	}
	p.Doubt(wording.Finding{Code: NoOrder})
	return true
}
