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
}

// reductions are the names of all reductions.
var reductions = []struct {
	name string
	of   func(*Reductions) *bool
}{
	{"events", func(r *Reductions) *bool { return &r.Events }},
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
		for next := x.arrived(s[atProcs+p]); next != 0; next = x.arrived(next) {
			if wanted {
				steps = append(steps, choose(deliverChoice, p, 0))
			}
			s[atProcs+p] = next
		}
	}
	return steps
}

// arrived is the state of a process after an event has arrived at once, or 0 if none may.
func (x *space) arrived(id uint32) uint32 {
	return uint32(x.arrivals.of(uint64(id), 0, func() uint64 {
		from := x.procs.get(id)
		for _, c := range from.choices {
			if c.kind() != deliverChoice && !c.fault() {
				return 0
			}
		}
		if l := x.links.get(from.link); from.local == 0 || len(l.events) == 0 {
			return 0
		}
		m := move{space: x, process: from.process, local: from.local, link: x.links.get(from.link)}
		m.make(choose(deliverChoice, from.process, 0))
		to := m.proc()
		if x.procs.get(to).view != from.view {
			return 0
		}
		return uint64(to)
	}))
}
