package explore

import (
	"encoding/binary"
	"slices"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// state is one state of the world, in numbers: the tree, the system outside, the
// faults that are left, and the number of the state of each process.
type state []uint32

const (
	atTree = iota
	atActs
	atBudget
	atProcs
)

// procState is the position of one process: its local state, 0 if it is dead, and its link.
type procState struct {
	process int
	local   uint32
	link    uint32
	choices []Choice // that may be possible, including those that need a fault
	view    uint32   // number of the judge's view of it
}

// space is a world together with everything that is known of its parts.
type space struct {
	world    *World
	terms    *terms
	locals   *locals
	trees    *interner[zk.Tree]
	acts     *interner[Acts]
	links    *interner[link]
	procs    *interner[*procState]
	deltas   *interner[[]zk.Change]
	effects  *interner[effect]
	memo     *memo // of requests on trees
	moves    *memo // of choices
	notified *memo // of changes that reach a process
	arrivals *memo // of events that arrive at once
	judged   *judging
}

// effect is the effect of a choice outside its process: on the tree, on the system outside,
// and on the watches of other processes.
type effect struct {
	tree, acts uint32 // 0 for no change
	outcome    uint32 // the answer to a request
	delta      uint32 // changes for the watches; 0 for none
	wrong      uint32 // the violated property; 0 for none
}

func newSpace(w *World, merge bool) *space {
	t := newTerms()
	return &space{
		world: w, terms: t, locals: newLocals(w, t, merge), trees: newInterner[zk.Tree](), acts: newInterner[Acts](),
		links: newInterner[link](), procs: newInterner[*procState](), deltas: newInterner[[]zk.Change](), effects: newInterner[effect](),
		memo: newMemo(), moves: newMemo(), notified: newMemo(), arrivals: newMemo(), judged: newJudging(w.Judge),
	}
}

// initial returns the first state of the world.
func (x *space) initial() state {
	s := make(state, atProcs+len(x.world.Processes))
	s[atTree], s[atActs], s[atBudget] = x.tree(x.world.Tree), x.act(nil), x.world.Bounds.pack()
	for p := range x.world.Processes {
		m := move{space: x, process: p, link: link{lives: 1, follows: x.world.Follow}}
		m.begin()
		s[atProcs+p] = m.proc()
	}
	return s
}

func (x *space) tree(t zk.Tree) uint32 {
	return x.trees.put(t.Encode(nil), func() zk.Tree { return t })
}
func (x *space) act(a Acts) uint32 { return x.acts.put(a.encode(), func() Acts { return a }) }

func (x *space) delta(changes []zk.Change) uint32 {
	if len(changes) == 0 {
		return 0
	}
	var key []byte
	for _, c := range changes {
		key = c.Encode(key)
	}
	return x.deltas.put(key, func() []zk.Change { return changes })
}

func (x *space) effect(e effect) uint32 {
	if e == (effect{}) {
		return 0
	}
	var key []byte
	for _, part := range []uint32{e.tree, e.acts, e.outcome, e.delta, e.wrong} {
		key = binary.LittleEndian.AppendUint32(key, part)
	}
	return x.effects.put(key, func() effect { return e })
}

// procAt numbers the state of a process; its choices are found once.
func (x *space) procAt(process int, local uint32, l link) uint32 {
	id := x.links.put(l.encode(), func() link { return l })
	key := binary.LittleEndian.AppendUint32([]byte{byte(process)}, local)
	key = binary.LittleEndian.AppendUint32(key, id)
	return x.procs.put(key, func() *procState {
		one := &procState{process: process, local: local, link: id}
		at := x.locals.table.get(local)
		if at != nil && len(at.turns) > 0 {
			one.choices = at.turnsOf(process, nil)
		} else {
			one.choices = x.faults(process, at, l, x.regular(process, at, l, nil))
		}
		one.view = x.procView(at, l)
		return one
	})
}

// choices appends the possible choices, in a fixed order.
func (x *space) choices(s state, to []Choice) []Choice {
	if x.world.Turns {
		for p, id := range s[atProcs:] {
			if at := x.at(s, p); at != nil && len(at.turns) > 0 {
				return append(to, x.procs.get(id).choices...)
			}
		}
	}
	for _, id := range s[atProcs:] {
		for _, c := range x.procs.get(id).choices {
			if b := c.budget(); b == noBudget || left(s[atBudget], b) > 0 {
				to = append(to, c)
			}
		}
	}
	return to
}

// advance turns s into the state that a choice leads to, which must be one of
// choices. It returns what the step violates, 0 for nothing.
func (x *space) advance(s state, c Choice) (wrong uint32) {
	p := c.process()
	from := s[atProcs+p]
	on := uint64(0) // the parts of the world that the choice depends on
	switch {
	case c&onTree != 0:
		on = uint64(s[atTree])
	case c&onActs != 0:
		on = uint64(s[atActs])
	}
	got := x.moves.of(uint64(from)<<32|uint64(c), on, func() uint64 { return x.find(s, c) })
	s[atProcs+p] = uint32(got >> 32)
	if b := c.budget(); b != noBudget {
		s[atBudget] = spend(s[atBudget], b)
	}
	if uint32(got) == 0 {
		return 0
	}
	e := x.effects.get(uint32(got))
	if e.acts != 0 {
		s[atActs] = e.acts
	}
	if e.tree != 0 {
		s[atTree] = e.tree
	}
	if e.delta != 0 {
		for q := range x.world.Processes {
			if q != p {
				s[atProcs+q] = x.afterDelta(s[atProcs+q], e.delta)
			}
		}
	}
	return e.wrong
}

// try is advance that looks at the state that it leads to as well.
func (x *space) try(s state, c Choice) *Finding {
	wrong := x.advance(s, c)
	if wrong == 0 {
		wrong = x.verdictOn(s).wrong
	}
	if wrong == 0 {
		return nil
	}
	return &Finding{Violations: x.judged.why(wrong)}
}

// stuck is the finding that nothing can happen any more short of the goal.
func (x *space) stuck(s state) *Finding {
	if len(x.choices(s, nil)) > 0 || x.verdictOn(s).goal {
		return nil
	}
	return &Finding{Violations: []Violation{{"Deadlock", "no step is possible any more, and the goal is not reached"}}}
}

// afterDelta is the state of a process after changes by another process.
func (x *space) afterDelta(id, delta uint32) uint32 {
	return uint32(x.notified.of(uint64(id), uint64(delta), func() uint64 {
		at := x.procs.get(id)
		return uint64(x.procAt(at.process, at.local, x.links.get(at.link).changed(x.deltas.get(delta))))
	}))
}

// regular appends the choices that are no fault.
func (x *space) regular(p int, at *local, l link, to []Choice) []Choice {
	for i := range l.orphans {
		to = append(to, choose(endOrphanChoice, p, i))
	}
	for i := range l.late {
		to = append(to, choose(lateChoice, p, i))
	}
	process := x.world.Processes[p]
	if at == nil && process.Crash == ForGood {
		return to
	}
	if at == nil || at.over && process.Leaves {
		return append(to, choose(restartChoice, p, 0))
	}
	if l.overslept {
		to = append(to, choose(clockChoice, p, 0))
	}
	if len(l.events) > 0 {
		to = append(to, choose(deliverChoice, p, 0))
	}
	for n := range l.latest {
		to = append(to, choose(deliverChoice, p, n))
	}
	if l.current != 0 && !l.known {
		to = append(to, choose(noticeChoice, p, 0))
	}
	if l.lagging != 0 {
		to = append(to, choose(catchUpChoice, p, 0))
	}
	if l.stranded && !l.overslept {
		to = append(to, choose(forgetChoice, p, 0))
	}
	for i, r := range at.requests {
		if x.servable(r, l) {
			to = append(to, choose(serveChoice, p, i)|r.dependsOn())
		}
	}
	return to
}

// dependsOn returns the parts of the world that the answer to a request depends on.
func (r pending) dependsOn() Choice {
	switch r.kind {
	case opRequest, closeRequest:
		return onTree
	case actRequest:
		return onActs
	}
	return 0
}

// servable reports whether a request can be answered now: an event comes before
// newer data, and a server that lags catches up before it writes.
func (x *space) servable(r pending, l link) bool {
	switch r.kind {
	case openRequest, actRequest:
		return true
	case closeRequest:
		return l.known && r.session == l.current
	}
	if !l.known || r.session != l.current || !l.quiet() {
		return false
	}
	op := x.terms.ops.get(r.op)
	return l.lagging == 0 || !op.Kind.Writes() && op.Kind != zkapi.KindSync
}

// faults appends the choices whose number the bounds limit.
func (x *space) faults(p int, at *local, l link, to []Choice) []Choice {
	if at == nil {
		return to
	}
	for i, r := range at.requests {
		if r.kind != opRequest || r.session != l.current || !l.known || !l.quiet() {
			continue
		}
		to = at.losing(p, i, x.terms.ops.get(r.op).Kind.Writes(), to)
	}
	process := x.world.Processes[p]
	may := func(kind choiceKind, when bool) {
		if when && *budgets[choose(kind, p, 0).budget()].bound(&x.world.Bounds) > 0 {
			to = append(to, choose(kind, p, 0))
		}
	}
	may(breakChoice, l.known && len(l.watches)+len(l.events)+len(l.behind)+len(l.feeds)+len(l.latest) > 0)
	may(lagChoice, l.known && l.lagging == 0)
	may(sweepChoice, at.sleeps)
	may(leaveChoice, process.Leaves && at.leaves && !at.over)
	if process.Fixed {
		return to
	}
	may(expireChoice, l.known)
	may(cutChoice, l.known && x.world.Library == Honest && !l.stranded)
	may(stopChoice, l.known)
	may(crashChoice, !at.over && process.Crash != Spared)
	return to
}

// Operations of the memo of requests, beside the number of a tree.
const (
	serveOp = (iota + 1) << 40
	endOp
	constantOp
)

// serve is the effect of a request on a tree.
func (x *space) serve(tree, op uint32, session int64) effect {
	return x.effects.get(uint32(x.memo.of(serveOp|uint64(tree), uint64(op)<<20|uint64(session), func() uint64 {
		before, request := x.trees.get(tree), x.terms.ops.get(op)
		var e effect
		var o outcome
		if request.Kind.Writes() {
			var changes []zk.Change
			var after zk.Tree
			after, o.result, changes, o.err = before.Write(request, session)
			e.tree, e.delta = x.tree(after), x.delta(changes)
			process, _ := ownerOf(session)
			e.wrong = x.judged.write(Write{
				Process: x.world.Processes[process].Name, Op: request, Session: session, Before: before, After: after, Err: o.err,
			})
		} else {
			o.result, o.err = before.Read(request)
		}
		e.outcome = x.terms.outcome(o)
		return uint64(x.effect(e))
	})))
}

// end is the effect of the end of a session.
func (x *space) end(tree uint32, session int64) effect {
	return x.effects.get(uint32(x.memo.of(endOp|uint64(tree), uint64(session), func() uint64 {
		after, changes := x.trees.get(tree).EndSession(session)
		return uint64(x.effect(effect{tree: x.tree(after), delta: x.delta(changes)}))
	})))
}

// constant is the number of the answer to a request that has only one, or 0.
func (x *space) constant(r pending) uint32 {
	if r.kind != opRequest || x.world.Constant == nil {
		return 0
	}
	return uint32(x.memo.of(constantOp, uint64(r.op), func() uint64 {
		if result, err, constant := x.world.Constant(x.terms.ops.get(r.op)); constant {
			return uint64(x.terms.outcome(outcome{result: result, err: err}))
		}
		return 0
	}))
}

// find works out a choice: the state of the process that it leads to, and its effect on the rest.
func (x *space) find(s state, c Choice) uint64 {
	at := x.procs.get(s[atProcs+c.process()])
	m := move{space: x, process: c.process(), local: at.local, link: x.links.get(at.link), tree: s[atTree], acts: s[atActs]}
	m.make(c)
	if x.world.Follow && m.local != 0 {
		m.prompt() // an answer may have waited for events that will not arrive
	}
	return uint64(m.proc())<<32 | uint64(x.effect(m.effect))
}

// move is one process that a choice is made for.
type move struct {
	*space
	process    int
	local      uint32
	link       link
	tree, acts uint32
	effect     effect
}

func (m *move) proc() uint32 { return m.procAt(m.process, m.local, m.link) }

// begin starts the process, in the life that its link counts.
func (m *move) begin() {
	m.local = m.locals.begin(m.process, m.link.lives)
	m.prompt()
}

// feed gives the process an input.
func (m *move) feed(in input) {
	m.local = m.locals.step(m.local, in)
	m.prompt()
}

// prompt answers requests that have only one answer.
func (m *move) prompt() {
	at := m.locals.table.get(m.local)
	if len(at.turns) > 0 {
		return // first one of its threads goes on
	}
	for i, r := range at.requests {
		if r.kind == openRequest && m.world.Constant != nil {
			m.open(i)
			return // which has done the rest
		}
		if answer, after := m.told(r); answer != 0 {
			m.link = after
			m.feed(makeInput(replyInput, i, answer))
			return
		}
		if answer := m.constant(r); answer != 0 && (!m.world.Follow || m.link.quiet()) {
			m.feed(makeInput(replyInput, i, answer))
			return
		}
	}
}

func (m *move) open(which int) {
	m.link = m.link.granted()
	m.feed(makeInput(openedInput, which, uint32(m.link.opened)))
}

// apply applies a request's change of the tree to the other processes.
func (m *move) apply(e effect) {
	m.effect.tree, m.effect.delta, m.effect.wrong = e.tree, e.delta, e.wrong
	if e.delta != 0 {
		m.link = m.link.changed(m.deltas.get(e.delta))
	}
}

// end is the server's end of one of the process' sessions.
func (m *move) end(number int) {
	m.link = m.link.ended(number)
	m.apply(m.space.end(m.tree, sessionID(m.process, number)))
}

// make carries out a choice.
func (m *move) make(c Choice) {
	which := c.which()
	l := &m.link
	switch c.kind() {
	case serveChoice:
		m.answer(c)
	case loseBefore:
		m.lose(c)
	case loseAfter:
		m.answer(c)
	case deliverChoice:
		m.deliver(which)
	case noticeChoice:
		m.notice()
	case catchUpChoice:
		m.link = l.caughtUp()
	case endOrphanChoice:
		m.end(l.orphans[which])
	case lateChoice:
		z := l.late[which]
		l.late = slices.Delete(slices.Clone(l.late), which, which+1)
		m.apply(m.serve(m.tree, z.op, sessionID(m.process, z.session)))
	case restartChoice:
		l.lives++
		m.begin()
	case forgetChoice:
		m.end(l.current)
	case turnChoice:
		m.feed(makeInput(turnInput, 0, uint32(which)))
	case clockChoice:
		l.overslept = false
		m.feed(makeInput(clockInput, 0, 0))
	default:
		m.fault(c)
	}
}

// fault carries out a fault that happens to the process as a whole.
func (m *move) fault(c Choice) {
	l := &m.link
	switch c.kind() {
	case expireChoice:
		m.end(l.current)
	case stopChoice:
		l.overslept = true
		m.end(l.current)
	case cutChoice:
		if m.world.Strands {
			l.lagging, l.stranded, l.overslept = m.tree, true, true
			return
		}
		number := l.current
		*l = l.left(m.underWay())
		m.feed(makeInput(overInput, 0, uint32(number)))
	case crashChoice:
		*l = l.left(m.underWay())
		l.overslept = false
		m.local = 0
	case leaveChoice:
		m.feed(makeInput(leaveInput, 0, 0))
	case lagChoice:
		l.lagging = m.tree
	case breakChoice:
		*l = l.broken()
		m.feed(makeInput(breakInput, 0, uint32(l.current)))
	case sweepChoice:
		m.feed(makeInput(sweepInput, 0, 0))
	}
}

// deliver lets the next event arrive; or, if the session follows lists, as many of the changes of the
// last write, and one more.
func (m *move) deliver(which int) {
	l := &m.link
	fires := l.events[:min(1, len(l.events))]
	if m.world.Follow {
		m.link, fires = l.arrived(which + 1)
	} else {
		l.events = l.events[1:]
	}
	m.feed(makeInput(eventInput, 0, m.terms.event(l.current, fires...)))
}

// underWay are the writes of the process that may still reach a server.
func (m *move) underWay() []lateRequest {
	var all []lateRequest
	for _, r := range m.locals.table.get(m.local).requests {
		if r.kind == opRequest && r.session == m.link.current && m.terms.ops.get(r.op).Kind.Writes() {
			all = append(all, lateRequest{r.session, r.op})
		}
	}
	return all
}

// notice is a process that learns that the server has ended its session.
func (m *move) notice() {
	if m.world.Library == Replacing {
		m.link = m.link.granted()
		m.feed(makeInput(replacedInput, 0, uint32(m.link.opened)))
		return
	}
	number := m.link.current
	m.link = m.link.without()
	m.feed(makeInput(overInput, 0, uint32(number)))
}

// answer lets a request take effect, and answers it or not.
func (m *move) answer(c Choice) {
	which := c.request()
	r := m.locals.table.get(m.local).requests[which]
	switch r.kind {
	case openRequest:
		m.open(which)
	case closeRequest:
		m.end(r.session)
		m.link = m.link.without()
		m.feed(makeInput(closedInput, which, 0))
	case actRequest:
		acts, answer := m.space.acts.get(m.acts).with(m.terms.acts.get(r.op), !m.world.Unfenced)
		m.effect.acts = m.act(acts)
		m.feed(makeInput(actedInput, which, answer))
	case opRequest:
		m.answerOp(c, r)
	}
}

func (m *move) answerOp(c Choice, r pending) {
	op := m.terms.ops.get(r.op)
	if op.Follow && m.world.Follow {
		m.answerFollowed(c, r, op)
		return
	}
	e := m.serve(m.link.sees(m.tree, op), r.op, sessionID(m.process, r.session))
	if op.Kind.Writes() {
		m.apply(e)
	} else if o := m.terms.outcomes.get(e.outcome); op.Watch && o.err == nil {
		m.link = m.link.watching(zk.WatchOf(op))
	}
	if c.kind() == loseAfter {
		m.lose(c)
	} else {
		m.feed(makeInput(replyInput, c.request(), m.withEvents(e.outcome)))
	}
}

// lose breaks the connection with a request under way, or with several. The watches may go with
// it, and the events: the port promises no more.
func (m *move) lose(c Choice) {
	m.link = m.link.broken()
	m.feed(makeInput(lostInput, c.request(), uint32(c.more())))
}
