package explore

import (
	"fmt"
	"strings"
)

// Reductions are what a search may leave out, because the schedules that it tries cover it.
// With any of them a search comes to the same verdict as without; it has fewer states.
type Reductions struct {
	// Events lets an event arrive at once, as soon as no fault is left, if nothing else can
	// happen to its process, and if no judge sees that it arrives.
	//
	// Nothing is lost. What the others do until then changes nothing about the arrival: it
	// can only send more events, which arrive later. The arrival changes nothing about what
	// the others do, because it changes the process only. So a schedule in which the event
	// arrives later, or never, has the same writes and the same visible states as the one in
	// which it arrives first.
	Events bool
	// Acts does the same for an event whose process may act outside before it arrives, if
	// both orders lead to the same state, whatever the answer is, also after further acts. It
	// needs Events.
	Acts bool
}

// of are those of the reductions that a search of the world uses: none if several requests of
// one DoAll are under way, or if threads take turns. They have not been shown to lose nothing
// there. And none if sessions follow lists, because they would lose schedules: events of two writes
// that arrive together lead elsewhere than the same events one after the other.
func (r Reductions) of(w *World) Reductions {
	if w.Window > 1 || w.Turns || w.Follow {
		return Reductions{}
	}
	return r
}

// reductions are the names of all reductions.
var reductions = []struct {
	name string
	of   func(*Reductions) *bool
}{
	{"events", func(r *Reductions) *bool { return &r.Events }},
	{"acts", func(r *Reductions) *bool { return &r.Acts }},
}

// AllReductions is every reduction.
func AllReductions() Reductions {
	var r Reductions
	for _, one := range reductions {
		*one.of(&r) = true
	}
	return r
}

// ReadReductions reads the names of reductions: "all", "none", or names with commas between
// them.
func ReadReductions(names string) (Reductions, error) {
	switch names {
	case "all":
		return AllReductions(), nil
	case "none":
		return Reductions{}, nil
	}
	var r Reductions
	for name := range strings.SplitSeq(names, ",") {
		known := false
		for _, one := range reductions {
			if one.name == name {
				*one.of(&r), known = true, true
			}
		}
		if !known {
			return r, fmt.Errorf("no reduction has the name %q: use all, none, or %s", name, nameReductions(AllReductions()))
		}
	}
	return r, nil
}

// String returns the names of the reductions, as [ReadReductions] reads them.
func (r Reductions) String() string {
	if r == (Reductions{}) {
		return "none"
	}
	return nameReductions(r)
}

func nameReductions(r Reductions) string {
	var names []string
	for _, one := range reductions {
		if *one.of(&r) {
			names = append(names, one.name)
		}
	}
	return strings.Join(names, ",")
}

// reduce takes the steps at once that a search need not take later. It returns them, if they
// are asked for.
func (x *space) reduce(s state, by Reductions, wanted bool) (steps Schedule) {
	if !by.Events || s[atBudget] != 0 {
		return nil
	}
	for p := range s[atProcs:] {
		for next := x.arrived(s[atProcs+p], by.Acts); next != 0; next = x.arrived(next, by.Acts) {
			if wanted {
				steps = append(steps, choose(deliverChoice, p, 0))
			}
			s[atProcs+p] = next
		}
	}
	return steps
}

// arrived is the state of a process after an event has arrived at once, or 0 if none may.
func (x *space) arrived(id uint32, besideActs bool) uint32 {
	return uint32(x.arrivals.of(uint64(id), uint64(flag(besideActs)), func() uint64 {
		if !x.mayArrive(id, besideActs, map[uint32]bool{}) {
			return 0
		}
		return uint64(x.arrive(id))
	}))
}

// arrive is the state of a process after the next event has arrived.
func (x *space) arrive(id uint32) uint32 {
	from := x.procs.get(id)
	m := move{space: x, process: from.process, local: from.local, link: x.links.get(from.link)}
	m.make(choose(deliverChoice, from.process, 0))
	return m.proc()
}

// mayArrive reports whether an event can arrive unseen now, and as well after any acts that
// its process can perform before, with the same effect. Seen are states that were looked at.
func (x *space) mayArrive(id uint32, besideActs bool, seen map[uint32]bool) bool {
	from := x.procs.get(id)
	if from.local == 0 || len(x.links.get(from.link).events) == 0 {
		return false
	}
	to := x.procs.get(x.arrive(id))
	if to.view != from.view {
		return false
	}
	seen[id] = true
	for _, c := range from.choices {
		if c.kind() == deliverChoice || c.fault() {
			continue
		}
		if !besideActs || c.kind() != serveChoice || c&onActs == 0 {
			return false
		}
		for _, answer := range []uint32{refused, accepted} {
			first := x.acted(from, c.which(), answer)
			which := x.same(from, to, c.which())
			if which < 0 || x.arrive(first) != x.acted(to, which, answer) {
				return false
			}
			if !seen[first] && (len(seen) == actsMost || !x.mayArrive(first, besideActs, seen)) {
				return false
			}
		}
	}
	return true
}

// actsMost is how many states of a process are looked at before its event arrives.
const actsMost = 32

// acted is the state of a process after the answer to an act.
func (x *space) acted(from *procState, which int, answer uint32) uint32 {
	m := move{space: x, process: from.process, local: from.local, link: x.links.get(from.link)}
	m.feed(makeInput(actedInput, which, answer))
	return m.proc()
}

// same is the place of an act of one state among the requests of another, -1 if it is not
// there, or more than once.
func (x *space) same(from, to *procState, which int) int {
	place := -1
	one := x.locals.table.get(from.local).requests[which]
	for i, r := range x.locals.table.get(to.local).requests {
		if r == one {
			if place >= 0 {
				return -1
			}
			place = i
		}
	}
	return place
}
