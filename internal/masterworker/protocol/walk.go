package protocol

import (
	"encoding/binary"
	"slices"
)

// Follow follows the trace of the part, as [Follow] does. If the trace is accepted, the
// result has no trace, because it is not built. Several parts may be followed at a time.
//
// The traces of two tasks mostly begin with the same claims. So the states after the
// claims before a task's first own write are kept, and the next task goes on from there
// if its trace begins with the same writes.
func (p Part) Follow() (*Trace, Outcome) {
	if p.task != "" {
		k, _ := p.walkers.Get().(*walker)
		if k == nil {
			k = &walker{splitter: p.splitter, kept: map[string]*start{}, marked: make([]int, len(p.reader.sessions.list)+1)}
		}
		o := k.follow(p.own)
		p.walkers.Put(k)
		if o.Accepted {
			return nil, o
		}
	}
	t := p.Trace()
	return &t, Follow(&t)
}

// mostKept bounds the beginnings that a walker keeps.
const mostKept = 1 << 10

// walker follows the traces of tasks in which every write was answered. Sessions and
// workers have the reader's numbers there: the numbers of a trace change nothing but the
// words for a deviation.
type walker struct {
	*splitter
	f    follower          // its writes are those of the present trace
	kept map[string]*start // by the workers of a task

	marked []int // by session: the last trace that it is in
	trace  int   // number of the present one

	workers, changes, ends []int // of the present one
}

// start is the beginning of a trace: claims, and the states after them.
type start struct {
	step
	writes []*Write
}

// follow follows the trace of a task with those readings. The outcome is that it is
// accepted, or nothing: then the trace must be built.
func (k *walker) follow(own []reading) Outcome {
	if !k.gather(own) {
		return Outcome{}
	}
	common := slices.Index(k.f.writes, &own[0].write)
	slices.Sort(k.workers)
	var key []byte
	for _, w := range k.workers {
		key = binary.AppendVarint(key, int64(w))
	}
	from := k.kept[string(key)]
	if from == nil || len(from.writes) > common || !slices.Equal(from.writes, k.f.writes[:len(from.writes)]) {
		from = &start{step: step{set: []*state{initial(len(k.reader.workers.list))}, most: 1}}
		if len(k.kept) == mostKept {
			clear(k.kept)
		}
		k.kept[string(key)] = from
	}
	s, ok := k.f.walk(from.step, common)
	if !ok {
		delete(k.kept, string(key))
		return Outcome{}
	}
	from.step, from.writes = s, append(from.writes, k.f.writes[len(from.writes):common]...)
	s, ok = k.f.walk(s.copy(), len(k.f.writes))
	if !ok {
		return Outcome{}
	}
	return Outcome{Accepted: true, At: s.at, Most: s.most}
}

// copy is a step from which others may walk on. What elected changes in place is not
// shared with this one.
func (s step) copy() step {
	s.set = slices.Clone(s.set)
	for i, old := range s.set {
		n := *old
		n.begun, n.spares = slices.Clip(n.begun), slices.Clip(n.spares)
		s.set[i] = &n
	}
	return s
}

// gather puts the writes of a task's trace into their order: its own, and the claims that
// [splitter.about] adds. It reports whether all of them were answered.
func (k *walker) gather(own []reading) bool {
	k.trace++
	k.workers, k.changes, k.ends = k.workers[:0], k.changes[:0], k.ends[:0]
	last := k.place(&own[len(own)-1].write)
	if k.floats(&own[len(own)-1].write) { // those come last
		return false
	}
	whole := k.take(&k.changes, k.claims.terms, last)
	for i := range own {
		for _, w := range []int{own[i].write.Worker, own[i].write.From} {
			if !slices.Contains(k.workers, w) {
				k.workers = append(k.workers, w)
				whole = k.take(&k.changes, k.claims.byWorker[w], last) && whole
			}
		}
		whole = k.endOf(own[i].write.Session, last) && whole
	}
	for _, i := range k.changes {
		whole = k.endOf(k.shared[i].write.Session, last) && whole
	}
	slices.Sort(k.changes)
	slices.Sort(k.ends)
	k.merge(own)
	return whole
}

// endOf takes the ends of a session, once for each trace.
func (k *walker) endOf(session, last int) bool {
	if k.marked[session] == k.trace {
		return true
	}
	k.marked[session] = k.trace
	return k.take(&k.ends, k.claims.ends[session], last)
}

// take takes the claims of a list up to a place. It reports whether all that matter were
// answered.
func (k *walker) take(into *[]int, list []int, last int) bool {
	for n, i := range list {
		w := &k.shared[i].write
		if k.floats(w) { // and so do the others of the list
			return !slices.ContainsFunc(list[n:], func(i int) bool { return changes(k.shared[i].write.Kind) })
		}
		if k.place(w) <= last {
			*into = append(*into, i)
		}
	}
	return true
}

// merge puts the writes in ZooKeeper's order. Of writes at the same place, the task's own
// come first, then the changes of claims, then the ends of sessions.
func (k *walker) merge(own []reading) {
	k.f.writes = k.f.writes[:0]
	changes, ends := k.changes, k.ends
	next := func(before int) {
		for len(changes)+len(ends) > 0 {
			list := &changes
			if len(changes) == 0 || len(ends) > 0 && k.place(&k.shared[ends[0]].write) < k.place(&k.shared[changes[0]].write) {
				list = &ends
			}
			w := &k.shared[(*list)[0]].write
			if k.place(w) >= before {
				return
			}
			k.f.writes, *list = append(k.f.writes, w), (*list)[1:]
		}
	}
	for i := range own {
		w := &own[i].write
		next(k.place(w))
		k.f.writes = append(k.f.writes, w)
	}
	next(k.place(&own[len(own)-1].write) + 1)
}
