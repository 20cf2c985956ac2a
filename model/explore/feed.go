package explore

import (
	"fmt"
	"slices"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Events of World.Follow that must happen somewhere, or an exploration has not tested it.
const (
	// SeenDifferences is an answer with differences that are not empty.
	SeenDifferences = "a list of differences"
	// SeenWholeAgain is a whole list for a caller that has asked for the differences since an
	// earlier answer.
	SeenWholeAgain = "a whole list in place of differences"
)

// followed is the table of the watch in an answer to a followed read.
const followed zk.Table = 1 << 4

// What Op.Since is to the servers and the library: the cursors themselves would make states differ
// that are the same.
const (
	sinceNothing int64 = iota
	sinceLast          // the caller has the last answer
	sinceOther         // the caller has an answer of which nothing is known any more
)

// told is the number of the answer to a followed read that the client library knows by itself, or
// 0. link is the one after that answer.
func (m *move) told(r pending) (answer uint32, after link) {
	if r.kind != opRequest || !m.world.Follow || r.session != m.link.current {
		return 0, m.link
	}
	op := m.terms.ops.get(r.op)
	at, follows := m.link.feedAt(op.Path)
	if !op.Follow || op.Since != sinceLast || !follows || m.link.feeds[at].news.set {
		return 0, m.link
	}
	o := m.differences(m.link.feeds[at], m.link.feeds[at].stat)
	o.local = true
	return m.terms.outcome(o), m.link.following(op.Path, m.link.feeds[at].stat)
}

// differences is the answer of a feed.
func (m *move) differences(f feed, stat zkapi.Stat) outcome {
	sum := f.news.sum
	if len(sum.Gone)+len(sum.Come)+len(sum.Changed)+len(sum.Below) > 0 {
		m.judged.sees(SeenDifferences)
	}
	return outcome{result: zkapi.Result{Stat: stat, Partial: &sum, Cursor: sinceLast}}
}

// answerFollowed answers a followed read that takes a request.
func (m *move) answerFollowed(c Choice, r pending, op zkapi.Op) {
	o := m.terms.outcomes.get(m.serve(m.link.sees(m.tree, op), r.op, sessionID(m.process, r.session)).outcome)
	at, follows := m.link.feedAt(op.Path)
	switch {
	case o.err != nil:
	case follows && op.Since == sinceLast:
		o = m.differences(m.link.feeds[at], o.result.Stat)
	default:
		if op.Since != sinceNothing {
			m.judged.sees(SeenWholeAgain)
		}
		o.result.Cursor = sinceLast
	}
	if o.err == nil {
		m.link = m.link.following(op.Path, o.result.Stat)
	}
	m.feed(makeInput(replyInput, c.request(), m.terms.outcome(o)))
}

// withEvents is the answer to a write of the session, with the events that come before it.
func (m *move) withEvents(answer uint32) uint32 {
	if !m.world.Follow || m.link.quiet() {
		return answer
	}
	o := m.terms.outcomes.get(answer)
	var fires []zk.Watch
	m.link, fires = m.link.arrived(len(m.link.latest))
	o.heard = m.terms.event(m.link.current, fires...)
	return m.terms.outcome(o)
}

// given are the cursors of the last answers to one followed read.
type given struct {
	before, last int64
	told         zkapi.Partial // the differences between them, unless before is 0
}

// firstCursor is less than any cursor, and more than any other number in the state of a process. So
// a snapshot finds cursors, and writes what they stand for.
const firstCursor int64 = 1 << 60

// asked is a request as the session sends it.
func (s *session) asked(op zkapi.Op) request {
	r := request{kind: opRequest, session: s, op: op}
	if !op.Follow || !s.machine.world.Follow {
		return r
	}
	r.cursor = op.Since
	g := s.given[op.Path]
	switch op.Since {
	case 0:
		r.op.Since = sinceNothing
	case g.last, g.before:
		r.op.Since = sinceLast
	default:
		r.op.Since = sinceOther
	}
	return r
}

// mark gives the answer to a followed read its cursor. A caller that has not taken the last answer
// over gets its differences again, with those since then.
func (s *session) mark(r *request) {
	g := s.given[r.op.Path]
	s.machine.cursors++
	next := firstCursor + s.machine.cursors
	switch told := r.result.Partial; {
	case told == nil:
		g = given{last: next}
	case r.cursor == g.last:
		g = given{before: g.last, last: next, told: *told}
	case r.cursor == g.before:
		var d zkapi.Differences
		d.AddAll(g.told)
		d.AddAll(*told)
		g.last, g.told = next, *d.Partial()
		r.result.Partial = d.Partial()
	default:
		defective("%s follows %s in two places: the answers would be mixed up", s.machine.process.Name, r.op.Path)
	}
	s.given[r.op.Path], r.result.Cursor = g, next
}

// cursor writes what a cursor in the state of a process stands for.
func (e *encoder) cursor(n int64) {
	for _, s := range e.machine.sessions {
		if s.cause != nil {
			continue
		}
		for _, path := range sortedPaths(s.given) {
			switch g := s.given[path]; n {
			case g.last:
				e.text("the last answer for " + path)
				return
			case g.before:
				e.text(fmt.Sprint("the answer before for ", path, g.told))
				return
			}
		}
	}
	e.text("an old answer")
}

// op writes a request of a process. A cursor in it is written as what it stands for.
func (e *encoder) op(op zkapi.Op) {
	since := op.Since
	if since > firstCursor {
		op.Since = 0
		e.cursor(since)
	}
	e.text(fmt.Sprint(op))
}

func sortedPaths(given map[string]given) []string {
	var paths []string
	for path := range given {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}
