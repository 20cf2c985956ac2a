package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/checker"
	"github.com/ringmaster-zk/ringmaster/checker/wording"
	"github.com/ringmaster-zk/ringmaster/internal/queue/history"
	"github.com/ringmaster-zk/ringmaster/record"
)

// exclusiveClaim: each take of an item has a greater token than all before, a consumer is told the
// token of its own take, and no other write takes the item away from it. And two consumers never
// believe to have one item at the same time, unless a fault stopped the earlier one or ended its
// session early: no lease can help against those faults.
func (f *facts) exclusiveClaim() checker.Property {
	p := checker.NewFindings("ExclusiveClaim")
	by := map[granted]*claim{}
	for _, c := range f.claims {
		by[granted{c.Item(), c.Token}] = c
		if !c.greater || c.Token == 0 {
			p.Violate(wording.Finding{Code: TokenBack, Object: c.Item(), Zxid: c.from, Args: wording.Args{
				"process": f.process(c), "at": f.when(c.write), "id": c.of.id, "token": c.Token,
			}}, events(c.write)...)
		}
	}
	for _, t := range f.takes {
		if c := by[granted{t.Done.Object(), t.token()}]; t.told() && f.Ordered() && (c == nil || f.process(c) != t.Invoke.Process) {
			p.Violate(wording.Finding{Code: TokenOfNone, Object: t.Done.Object(), Args: wording.Args{
				"process": t.Invoke.Process, "at": t.Done.At, "id": t.Done.ID(), "token": t.token(),
			}}, t.Invoke, t.Done)
		}
	}
	for _, s := range f.stays {
		if last := s.last(); last != nil && s.by != last.session {
			p.Violate(wording.Finding{Code: EndedByOther, Object: s.Path, Zxid: s.until, Args: wording.Args{
				"id": s.id, "at": f.when(s.ended), "process": f.ender(s), "other": f.process(last), "token": last.Token,
			}}, events(last.write, s.ended)...)
		}
	}
	overlap, explained := time.Duration(0), 0
	for _, b := range f.overlaps() {
		if b.excuse != "" {
			explained++
			overlap += b.length
			continue
		}
		p.Violate(wording.Finding{Code: HeldByTwo, Object: b.old.Invoke.Object(), Args: wording.Args{
			"old": b.old.Invoke.Process, "earlier": b.old.Invoke.Token().Epoch, "process": b.next.Invoke.Process, "token": b.next.Invoke.Token().Epoch,
			"long": b.length, "from": b.from, "id": b.next.Invoke.ID(),
		}}, b.old.Invoke, b.next.Invoke)
	}
	held := fmt.Sprintf("%d takes. Each has a greater token than the takes of the item before, and nothing took an item away from its consumer.", len(f.claims))
	if !f.Ordered() {
		held = fmt.Sprintf("The order of the commits is not known, so the %d times in which consumers believed to have an item were judged.", len(f.holds))
	}
	if explained > 0 {
		return p.Property("%s Two consumers believed to have the same item at the same time %d times, for %s together. Each time a fault had stopped one of them or ended its session.",
			held, explained, wording.Seconds(overlap))
	}
	return p.Property("%s Two consumers never believed to have the same item at the same time.", held)
}

// believing is a time in which two consumers believed to have an item.
type believing struct {
	old, next    record.Operation
	from, length time.Duration
	excuse       string
}

// overlaps are the times in which two consumers believed to have the same item.
func (f *facts) overlaps() []believing {
	var all []believing
	going := map[string][]record.Operation{} // by object: those that have not ended when the next one begins
	for _, next := range slices.SortedStableFunc(slices.Values(f.holds), func(a, b record.Operation) int { return cmp.Compare(a.Invoke.At, b.Invoke.At) }) {
		item := next.Invoke.Object()
		going[item] = slices.DeleteFunc(going[item], func(old record.Operation) bool { return f.Lasted(old) <= next.Invoke.At })
		for _, old := range going[item] {
			first, second := old, next
			if first.Invoke.Token().Epoch > second.Invoke.Token().Epoch {
				first, second = second, first
			}
			from, to := next.Invoke.At, min(f.Lasted(old), f.Lasted(next))
			if to > from {
				all = append(all, believing{first, second, from, to - from, f.Excuse(first, from, to)})
			}
		}
		going[item] = append(going[item], next)
	}
	return all
}

// order: a take gives the first of the items that are free during the whole of it, by priority and
// then by the order in which they came into line. A delayed item does not come into line before it
// is due.
func (f *facts) order() checker.Property {
	p := checker.NewFindings("Order")
	if f.needsOrder(p) {
		return p.Property("")
	}
	by := map[granted]*claim{}
	for _, c := range f.claims {
		by[granted{c.Item(), c.Token}] = c
	}
	judged := 0
	for _, t := range f.takes {
		c := by[granted{t.Done.Object(), t.token()}]
		if !t.told() || c == nil {
			continue
		}
		judged++
		if c.passed != nil && c.since <= f.before(t.Invoke) {
			p.Violate(wording.Finding{Code: Overtaken, Object: c.Item(), Zxid: c.from, Args: wording.Args{
				"process": t.Invoke.Process, "at": f.when(c.write), "path": c.passed.Path,
			}}, append(events(c.passed.made, c.write), t.Invoke, t.Done)...)
		}
	}
	delayed := f.notBeforeDue(p)
	return p.Property("%d takes, each of the first item that was free during the whole of it. %d delayed items came into line, none of them before it was due.", judged, delayed)
}

// notBeforeDue judges the delayed items that came into line. The clock of each life of a participant
// is wrong by what the notes about it say.
func (f *facts) notBeforeDue(p *checker.Findings) (delayed int) {
	skews := f.Skews()
	for _, s := range f.stays {
		if s.Folder != history.Line || s.origin == nil || s.origin.Folder != history.Delayed || f.put[s.id] == nil || s.made == nil {
			continue
		}
		delayed++
		put := f.put[s.id]
		due := put.Invoke.At + put.Delay + skews[put.Invoke.Alive()] - skews[s.made.Invoke.Alive()]
		if at := f.when(s.made); at < due-clockStep {
			p.Violate(wording.Finding{Code: BeforeDue, Object: s.Path, Args: wording.Args{
				"id": s.id, "at": at, "put": put.Invoke.At, "delay": put.Delay,
			}}, append(events(s.made), put.Invoke, put.Done)...)
		}
	}
	return delayed
}

// clockStep is how exactly times are compared: the name of a delayed item has milliseconds, and
// the notes about clocks are not of one moment.
const clockStep = 20 * time.Millisecond

// empty: a consumer that does not wait is told that a queue is empty only if no item was free during
// the whole of its take.
func (f *facts) empty() checker.Property {
	p := checker.NewFindings("Empty")
	if f.needsOrder(p) {
		return p.Property("")
	}
	type asked struct {
		take
		began int64
	}
	var all []asked
	for _, t := range f.takes {
		if t.end.Empty {
			all = append(all, asked{t, f.before(t.Invoke)})
		}
	}
	slices.SortStableFunc(all, func(a, b asked) int { return cmp.Compare(a.began, b.began) })
	var there []*stay // in line at that place; stays are in the order of their beginnings
	next := 0
	for _, t := range all {
		for ; next < len(f.stays) && f.stays[next].from <= t.began; next++ {
			there = append(there, f.stays[next])
		}
		there = slices.DeleteFunc(there, func(s *stay) bool { return s.until != 0 && s.until <= t.began })
		for _, s := range there {
			if s.Queue == t.asked.Queue && s.freeUntil(t.began, t.Done.Seq) {
				p.Violate(wording.Finding{Code: NotEmpty, Object: s.Path, Args: wording.Args{
					"process": t.Invoke.Process, "at": t.Done.At, "queue": t.asked.Queue,
				}}, append(events(s.made), t.Invoke, t.Done)...)
				break
			}
		}
	}
	return p.Property("%d times a consumer was told that a queue is empty. No item was free during the whole of its take.", len(all))
}

// freeUntil reports whether an item in line was free from a place in ZooKeeper's order on, until
// after an event: what ended that was not sent before. An end that no write of a participant has
// made counts as one in between.
func (s *stay) freeUntil(began int64, seq int) bool {
	if s.Folder != history.Line || s.from > began {
		return false
	}
	next := s.ended
	for _, c := range s.claims {
		switch {
		case c.from <= began && (c.until == 0 || c.until > began):
			return false // a consumer had it
		case c.from > began:
			return c.write != nil && c.write.Invoke.Seq > seq
		}
	}
	return s.how == stays || s.until > began && next != nil && next.Invoke.Seq > seq
}

// deadLetter: an item becomes a dead letter after as many takes as its queue demands, and is taken
// no more often. Its consumer may bury it earlier.
func (f *facts) deadLetter() checker.Property {
	p := checker.NewFindings("DeadLetter")
	if f.needsOrder(p) {
		return p.Property("")
	}
	dead := 0
	for _, s := range f.stays {
		most := int(f.maxTakes[s.Queue])
		if s.Folder == history.Dead {
			dead++
			if s.origin != nil && !s.origin.given && (most == 0 || len(s.origin.claims) != most) {
				p.Violate(wording.Finding{Code: DeadEarly, Object: s.Path, Zxid: s.from, Args: wording.Args{
					"id": s.id, "at": f.when(s.made), "takes": len(s.origin.claims), "queue": s.Queue, "most": most,
				}}, events(s.origin.made, s.made)...)
			}
		}
		if most > 0 && len(s.claims) > most {
			c := s.claims[most]
			p.Violate(wording.Finding{Code: TakenTooOften, Object: s.Path, Zxid: c.from, Args: wording.Args{
				"process": f.process(c), "at": f.when(c.write), "id": s.id, "takes": most + 1, "queue": s.Queue, "most": most,
			}}, events(s.made, c.write)...)
		}
	}
	return p.Property("%d dead letters, each after as many takes as its queue demands. No item was taken more often.", dead)
}
