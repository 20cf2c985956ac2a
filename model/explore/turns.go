package explore

import "reflect"

// This file is the order in which threads of one process go on. One input can let several
// threads go on: one answer, and the signals that the thread raises which gets it. They meet at
// the locks of the process: the one that goes first takes them first. If World.Turns is set,
// which one that is is a choice. Nothing outside of the process depends on it until the thread
// asks for something, so such a choice comes before all others.

// ready lists the threads that can go on, in order. One that lets others go first is among them
// only if there are no others.
func (m *machine) ready() []*thread {
	var all, polite []*thread
	for _, t := range m.threads {
		switch {
		case !t.goesOn():
		case t.polite:
			polite = append(polite, t)
		default:
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return polite
	}
	return all
}

// letOthersGo lets all threads go on that can, before the running one does. A thread whose
// session has ended is refused at once and may ask again for as long as its context lasts, which
// another thread is about to end.
func (m *machine) letOthersGo() {
	t := m.running
	if !m.world.Turns || len(m.ready()) == 0 {
		return
	}
	t.ready, t.polite = true, true
	m.block()
	t.polite = false
}

// waitsForTurn reports whether the next thread is to be chosen, and names the threads.
func (m *machine) waitsForTurn() (names []string) {
	if !m.world.Turns {
		return nil
	}
	all := m.ready()
	if len(all) < 2 {
		return nil
	}
	for _, t := range all {
		names = append(names, t.name)
	}
	return names
}

// take lets one of the threads that can go on go first.
func (m *machine) take(turn int) { m.run(m.ready()[turn]) }

// turnsOf appends the choices of a process whose next thread is to be chosen.
func (at *local) turnsOf(p int, to []Choice) []Choice {
	for i := range at.turns {
		to = append(to, choose(turnChoice, p, i))
	}
	return to
}

// got encodes what a thread has got and has not seen yet, because it waits for its turn.
func (e *encoder) got(t *thread) {
	e.boolean(t.ready)
	e.boolean(t.polite)
	if r := t.request; r != nil && r.answered {
		e.value(reflect.ValueOf(&r.result).Elem())
		e.value(reflect.ValueOf(&r.err).Elem())
		e.value(reflect.ValueOf(&r.opened).Elem())
	}
}
