package explore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
)

// inputKind is the kind of an input of a process.
type inputKind uint8

const (
	beginInput    inputKind = iota // the process starts
	replyInput                     // a request is answered
	lostInput                      // the answer to a request is lost with the connection
	openedInput                    // a session is granted
	closedInput                    // the server confirms the end of a session
	actedInput                     // the system outside has acted, or refused
	eventInput                     // a watch event arrives
	overInput                      // the process learns that its session is over
	replacedInput                  // the client library has hidden that
	clockInput                     // the process goes on after it was stopped
	sweepInput                     // a long wait is over
	leaveInput                     // the process is asked to leave
	breakInput                     // a connection has broken, and is there again
	turnInput                      // one of several threads goes on first
)

// input is one thing that happens to a process, packed in a number.
type input uint64

func makeInput(kind inputKind, request int, value uint32) input {
	return input(kind)<<40 | input(request)<<32 | input(value)
}

func (i input) kind() inputKind { return inputKind(i >> 40) }
func (i input) request() int    { return int(i >> 32 & 0xff) }
func (i input) value() uint32   { return uint32(i) }

// pending is a request of a process as the world sees it.
type pending struct {
	kind    requestKind
	session int    // its number
	op      uint32 // of an opRequest or actRequest
	flight  int    // the number of the flight of which it is one; 0 for none
	since   int    // answers to others of the flight that may be lost together with its own
}

// local is the state of one process, as far as the world can distinguish it.
type local struct {
	process  int
	life     int
	requests []pending
	notes    map[string]string
	noted    uint32 // number of the notes
	sleeps   bool   // some thread waits for long
	leaves   bool   // it has not been asked to leave yet
	over     bool   // all its threads have ended
	failure  string // the panic that ended it
	clock    time.Time
	turns    []string // names of the threads of which one is to go first; see turns.go

	parent uint32
	input  input
	merged uint32 // the same for all states that a merging table takes for one
	rests  bool   // it has a snapshot
	print  uint64 // of its requests, for the guard
}

// locals turns the processes of a world into tables. The next requests of a process follow
// from its history of inputs, so its code runs only once for each history.
type locals struct {
	world    *World
	terms    *terms
	table    *interner[*local]
	merged   *interner[string]
	steps    *memo
	machines []*bench // by process
	merge    bool     // treat states with the same snapshot as one
}

// bench keeps the machines of one process that are ready to go on from a state.
type bench struct {
	sync.Mutex
	parked map[uint32]*machine
	order  []uint32
	steps  int // inputs given
}

// parkedMost bounds the machines of one process that are kept.
const parkedMost = 4096

func newLocals(w *World, t *terms, merge bool) *locals {
	l := &locals{world: w, terms: t, table: newInterner[*local](), merged: newInterner[string](), steps: newMemo(), merge: merge}
	for range w.Processes {
		l.machines = append(l.machines, &bench{parked: map[uint32]*machine{}})
	}
	return l
}

// begin is the state in which a process starts its n-th life.
func (l *locals) begin(process, life int) uint32 {
	return uint32(l.steps.of(uint64(process)<<40|uint64(life), 0, func() uint64 {
		b := l.machines[process]
		b.Lock()
		defer b.Unlock()
		return uint64(l.settle(b, start(l.world, process, life), local{process: process, life: life}))
	}))
}

// step is the state that an input leads to.
func (l *locals) step(from uint32, in input) uint32 {
	return uint32(l.steps.of(uint64(from)<<1|1, uint64(in), func() uint64 {
		at := l.table.get(from)
		b := l.machines[at.process]
		b.Lock()
		defer b.Unlock()
		m := l.machineAt(b, from)
		l.give(m, in)
		b.steps++
		return uint64(l.settle(b, m, local{process: at.process, life: at.life, parent: from, input: in}))
	}))
}

// machineAt returns a machine in that state: a parked one, or a new one that gets all inputs
// again. The new one must make the same requests as the first, or the program is not
// deterministic and the exploration is meaningless.
func (l *locals) machineAt(b *bench, id uint32) *machine {
	if m := b.parked[id]; m != nil {
		delete(b.parked, id)
		return m
	}
	return l.rebuild(b, id)
}

// rebuild gives a new machine all inputs that led to a state.
func (l *locals) rebuild(b *bench, id uint32) *machine {
	var path []*local
	for at := l.table.get(id); ; at = l.table.get(at.parent) {
		path = append(path, at)
		if at.parent == 0 {
			break
		}
	}
	m := start(l.world, path[0].process, path[0].life)
	for _, at := range slices.Backward(path) {
		if at.parent != 0 {
			l.give(m, at.input)
			b.steps++
		}
		if got := l.describe(m); got.print != at.print {
			defective("%s is not deterministic: the same inputs led to other requests. This time:\n%s\nbefore:\n%s\nits threads:\n%s",
				m.process.Name, l.asks(got), l.asks(*at), m.describe())
		}
	}
	return m
}

// settle names the state that a machine is in, and keeps the machine.
func (l *locals) settle(b *bench, m *machine, at local) uint32 {
	described := l.describe(m)
	described.parent, described.input = at.parent, at.input
	snapshot, rests := m.snapshot()
	described.rests = rests
	since := func(parent uint32) []byte {
		key := binary.AppendUvarint([]byte{'h', byte(at.process), byte(at.life)}, uint64(parent))
		return binary.AppendUvarint(key, uint64(at.input))
	}
	key := append([]byte{'s', byte(at.process)}, snapshot...)
	if !rests && at.parent == 0 {
		key = since(0)
	} else if !rests {
		key = since(l.table.get(at.parent).merged)
	}
	described.merged = l.merged.put(key, func() string { return string(key) })
	if !l.merge {
		key = since(at.parent)
	}
	id := l.table.put(key, func() *local { return &described })
	if known := l.table.get(id); known.print != described.print {
		defective("a snapshot of %s hides a difference: one such state asks\n%s\nand another\n%s",
			m.process.Name, l.asks(described), l.asks(*known))
	}
	b.park(id, m)
	return id
}

// park keeps a machine, and lets the oldest go when there are too many.
func (b *bench) park(id uint32, m *machine) {
	if b.parked[id] != nil {
		m.discard()
		return
	}
	b.parked[id] = m
	b.order = append(b.order, id)
	for len(b.order) > parkedMost {
		if old := b.parked[b.order[0]]; old != nil {
			old.discard()
			delete(b.parked, b.order[0])
		}
		b.order = b.order[1:]
	}
}

// describe returns the world's view of a machine.
func (l *locals) describe(m *machine) local {
	d := local{process: m.place, life: m.life, clock: m.clock}
	var print []byte
	flights := map[*flight]int{nil: 0}
	for _, r := range m.requests {
		if _, known := flights[r.flight]; !known {
			flights[r.flight] = len(flights)
		}
		p := pending{kind: r.kind, flight: flights[r.flight], since: r.since}
		if r.session != nil {
			p.session = r.session.number
		}
		switch r.kind {
		case opRequest:
			p.op = l.terms.op(r.op)
		case actRequest:
			p.op = l.terms.act(r.act)
		}
		d.requests = append(d.requests, p)
		print = fmt.Append(print, p)
	}
	d.notes = maps.Clone(m.notes)
	d.noted = l.terms.note(d.notes)
	for _, t := range m.threads {
		for _, s := range t.sources {
			d.sleeps = d.sleeps || s.kind == timerSource && !s.Fired()
		}
	}
	d.leaves = !m.leave.fired
	d.over = len(m.threads) == 0
	if m.failure != nil {
		d.failure = fmt.Sprint(m.failure)
	}
	d.turns = m.waitsForTurn()
	d.print = hashBytes(fmt.Append(print, d.turns, d.noted, d.sleeps, d.leaves, d.over, d.failure))
	return d
}

func (l *locals) asks(d local) string {
	var lines []string
	for _, r := range d.requests {
		lines = append(lines, "  "+l.terms.describe(r))
	}
	return strings.Join(append(lines, fmt.Sprintf("  notes %v", d.notes)), "\n")
}

// give lets one thing happen to a machine.
func (l *locals) give(m *machine, in input) {
	var r *request
	if in.request() < len(m.requests) {
		r = m.requests[in.request()]
	}
	value := in.value()
	switch in.kind() {
	case replyInput:
		o := l.terms.outcomes.get(value)
		if o.heard != 0 {
			m.hears(l.terms.events.get(o.heard))
		}
		m.reply(r, o)
	case lostInput:
		m.lost(r, lostMore(value))
	case openedInput:
		r.opened = m.open(int(value))
		m.answer(r)
	case closedInput:
		m.answer(r)
		r.session.over(errClosedByOwner)
	case actedInput:
		if value == refused {
			r.err = errStale
		}
		m.answer(r)
	case eventInput:
		m.hears(l.terms.events.get(value))
	case overInput:
		m.session(int(value)).over(errGone)
	case replacedInput:
		m.latest().replaced(int(value))
	case clockInput:
		m.clock = m.clock.Add(sessionTimeout)
	case sweepInput:
		m.clock = m.clock.Add(SweepTime)
	case leaveInput:
		m.leave.fire()
	case turnInput:
		m.take(int(value))
	case breakInput:
		m.session(int(value)).connectionChanged()
	}
	m.settle()
}

// session returns the last session of that number. A history that stands for others with the
// same snapshot may have had an earlier session of that number.
func (m *machine) session(number int) *session {
	for _, s := range slices.Backward(m.sessions) {
		if s.number == number {
			return s
		}
	}
	panic(fmt.Sprintf("%s has no session %d", m.process.Name, number))
}

func (m *machine) latest() *session { return m.sessions[len(m.sessions)-1] }

// sessionEvent is watch events for one session that arrive together.
type sessionEvent struct {
	session int
	watches []zk.Watch
}

func hashBytes(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
