package protocol

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/ringmaster-zk/ringmaster/record"
)

// Split reads a run and divides it: first the claims, then each task, by name. Budget
// is the number of attempts of a task that does not ask for another.
func Split(exchanges []record.Exchange, budget int32) []Trace {
	var all []Trace
	for p := range Parts(exchanges, budget) {
		all = append(all, p.Trace())
	}
	return all
}

// Part is what a trace of a run is made of. A trace of a long run repeats every election
// before it, and all traces at once would not fit into memory.
type Part struct {
	*splitter
	task string
	own  []reading
}

// Parts yields the parts of a run one after the other, in the order of [Split].
func Parts(exchanges []record.Exchange, budget int32) iter.Seq[Part] {
	return func(yield func(Part) bool) {
		s := &splitter{exchanges: exchanges, reader: reader{budget: budget}}
		var own chains
		for _, at := range s.order() {
			for _, r := range s.reader.read(&exchanges[at], at+1) {
				if !s.early(r) {
					own.add(r)
				}
			}
		}
		s.shared = own.of("")
		s.index()
		if !yield(Part{s, "", s.shared}) {
			return
		}
		for _, task := range slices.Sorted(maps.Keys(own.ends)) {
			if task != "" && !yield(Part{s, task, own.of(task)}) {
				return
			}
		}
	}
}

// Trace builds the trace of the part.
func (p Part) Trace() Trace {
	if p.task == "" {
		return p.trace("", p.own)
	}
	return p.trace(p.task, p.about(p.own))
}

// splitter divides one run.
type splitter struct {
	exchanges []record.Exchange
	reader    reader
	shared    []reading // of the claims, in the order of order
	submitted bool      // a task has been made: the parents are there
	claims    claims
	walkers   sync.Pool // of *walker
}

// claims are the places in shared that tasks depend on, in ascending order.
type claims struct {
	terms    []int         // elections and resignations
	byWorker map[int][]int // changes of the claim of each worker
	ends     map[int][]int // of each session
}

// index finds the claims that tasks depend on. A refused write changed nothing, and is
// judged with the claims alone. But a refusal may show that a session is over.
func (s *splitter) index() {
	s.claims = claims{byWorker: map[int][]int{}, ends: map[int][]int{}}
	for i := range s.shared {
		w := &s.shared[i].write
		if w.Error != "" && w.Kind != SessionOver {
			continue
		}
		switch w.Kind {
		case Elect, Resign:
			s.claims.terms = append(s.claims.terms, i)
		case Register, Retire, FenceWorker, EnsureInbox, OpenInbox:
			s.claims.byWorker[w.Worker] = append(s.claims.byWorker[w.Worker], i)
		case Close, SessionOver:
			s.claims.ends[w.Session] = append(s.claims.ends[w.Session], i)
		}
	}
}

// order lists the exchanges in ZooKeeper's order, then those without an answer. A
// refused write without a place in that order says nothing about the tree, and is left
// out.
func (s *splitter) order() []int {
	var answered, floating []int
	for i := range s.exchanges {
		switch x := &s.exchanges[i]; {
		case x.Answered == 0:
			floating = append(floating, i)
		case x.Zxid != 0:
			answered = append(answered, i)
		}
	}
	slices.SortStableFunc(answered, func(a, b int) int { return cmp.Compare(s.exchanges[a].Zxid, s.exchanges[b].Zxid) })
	return append(answered, floating...)
}

func (s *splitter) of(w *Write) *record.Exchange { return &s.exchanges[w.Exchange-1] }

func (s *splitter) floats(w *Write) bool { return s.of(w).Answered == 0 }

// early says that a submission came before /tasks existed.
func (s *splitter) early(r reading) bool {
	if r.write.Kind != SubmitTask {
		return false
	}
	s.submitted = s.submitted || r.write.Error == "" && !s.floats(&r.write)
	return !s.submitted && r.write.Error == record.NoNode
}

// about builds a task's trace: its own writes, and the changes of the claims that they
// are about, up to the last of them.
func (s *splitter) about(own []reading) []reading {
	workers, sessions, last := map[int]bool{}, map[int]bool{}, 0
	for i := range own {
		w := &own[i].write
		workers[w.Worker], workers[w.From], sessions[w.Session] = true, true, true
		if !s.floats(w) {
			last = max(last, s.place(w))
		}
	}
	matters := func(i int) bool {
		w := &s.shared[i].write
		return s.floats(w) || s.place(w) <= last
	}
	var changes, ends []int
	for _, i := range s.claims.terms {
		if matters(i) {
			changes = append(changes, i)
		}
	}
	for worker := range workers {
		for _, i := range s.claims.byWorker[worker] {
			if matters(i) {
				changes = append(changes, i)
			}
		}
	}
	for _, i := range changes {
		sessions[s.shared[i].write.Session] = true
	}
	for session := range sessions {
		for _, i := range s.claims.ends[session] {
			if matters(i) {
				ends = append(ends, i)
			}
		}
	}
	slices.Sort(changes)
	slices.Sort(ends)
	all := slices.Grow(slices.Clone(own), len(changes)+len(ends))
	for _, i := range append(changes, ends...) {
		all = append(all, s.shared[i])
	}
	return all
}

// place is the place of an answered write: by ZooKeeper's order, then by the file.
func (s *splitter) place(w *Write) int { return int(s.of(w).Zxid) }

// trace numbers sessions and workers anew and finds out when unanswered writes may
// have been applied.
func (s *splitter) trace(task string, readings []reading) Trace {
	t := Trace{Task: task, Writes: []Write{}}
	var floating []Write
	for _, r := range readings {
		if !s.floats(&r.write) {
			t.Writes = append(t.Writes, r.write)
		} else if changes(r.write.Kind) {
			floating = append(floating, r.write)
		}
	}
	slices.SortStableFunc(t.Writes, func(a, b Write) int { return cmp.Compare(s.place(&a), s.place(&b)) })
	for _, w := range floating {
		if f := (Float{Write: w}); s.window(&t, &f) {
			t.Floats = append(t.Floats, f)
		}
	}
	var sessions, workers names
	number := func(w *Write) {
		w.Session = sessions.of(s.reader.sessions.list[w.Session-1])
		for _, at := range []*int{&w.Worker, &w.From} {
			if *at > 0 {
				*at = workers.of(s.reader.workers.list[*at-1])
			}
		}
	}
	for i := range t.Writes {
		number(&t.Writes[i])
	}
	for i := range t.Floats {
		number(&t.Floats[i].Write)
	}
	t.Sessions, t.Workers = sessions.list, workers.list
	return t
}

// changes reports whether an unanswered write makes a difference if it is applied. The
// unseen close of a session does not, because the session might as well have expired.
func changes(k Kind) bool {
	switch k {
	case Heartbeat, Confirm, SignBacklog, Other, Close, SessionOver, Stranger:
		return false
	}
	return true
}

// window finds the answered writes between which an unanswered one may have been
// applied. It comes after the writes that were over before it was sent and the earlier
// writes of its session, and before the later writes of its session, because ZooKeeper
// keeps the order of a session's requests.
func (s *splitter) window(t *Trace, f *Float) bool {
	x := s.of(&f.Write)
	f.Since, f.Until = 1, len(t.Writes)
	for i := range t.Writes {
		other := s.of(&t.Writes[i])
		mine := other.Session == x.Session && other.Process == x.Process
		switch {
		case other.Answered < x.Sent, mine && before(other, x):
			f.Since = i + 2
		case mine && f.Until > i+1:
			f.Until = i + 1
		}
	}
	return f.Since <= f.Until
}

// before reports whether the first of two requests of one session was sent before the
// second.
func before(a, b *record.Exchange) bool {
	return cmp.Or(cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.Xid, b.Xid)) < 0
}
