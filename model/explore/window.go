package explore

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// MostWindow is how many requests of one DoAll may be under way together at most.
const MostWindow = 3

// flight is a DoAll whose requests are under way together, as many as the window of the world
// lets. The client library sends them from several threads, so any of them may be sent first.
// The server carries them out in the order in which they were sent, and answers in that order.
// So each next effect is a choice, and so is how many of the last answers a connection takes
// with it when it breaks.
type flight struct {
	ops     []zkapi.Op
	replies []zkapi.Reply
	sent    int   // how many of ops have been sent
	open    int   // how many of those have no answer
	unsure  []int // places of the last answers, in order, that the connection may still lose
}

// doTogether is DoAll with a window of more than one request.
func (s *session) doTogether(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	m := s.machine
	t := m.running
	f := &flight{ops: ops, replies: make([]zkapi.Reply, len(ops))}
	label, state := t.label, t.state
	for {
		s.send(ctx, f)
		if f.open == 0 {
			return f.replies
		}
		if label != "" {
			m.Checkpoint(label, state...) // the snapshot has the flight besides
		}
		t.flight, t.ctx = f, ctx
		m.block()
		t.flight, t.ctx = nil, nil
		if ctx.Err() != nil {
			m.abandon(f, context.Cause(ctx))
		}
	}
}

// send sends the next requests of a flight that there is room for.
func (s *session) send(ctx context.Context, f *flight) {
	for ; f.sent < len(f.ops) && f.open < s.machine.world.Window; f.sent++ {
		op := f.ops[f.sent]
		if err := s.unsent(ctx); err != nil {
			_, f.replies[f.sent].Err = refuse(op, zkapi.NotApplied, err)
			continue
		}
		r := s.asked(op)
		r.flight, r.place = f, f.sent
		s.machine.requests = append(s.machine.requests, &r)
		f.open++
	}
}

// unsent is why nothing can be sent any more, or nil.
func (s *session) unsent(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", zkapi.ErrNotSent, context.Cause(ctx))
	}
	return s.cause
}

// abandon ends a flight whose context has ended. Its requests are still under way.
func (m *machine) abandon(f *flight, cause error) {
	for _, r := range m.requests {
		if r.flight != f {
			continue
		}
		_, f.replies[r.place].Err = refuse(r.op, zkapi.Unknown, fmt.Errorf("%w: %w", zkapi.ErrConnectionLoss, cause))
		r.flight = nil
	}
	f.open = 0
}

// answered takes the answer to a request of a flight.
func (f *flight) answered(r *request) {
	f.replies[r.place] = zkapi.Reply{Result: r.result, Err: r.err}
	f.open--
}

// mayLose remembers that the connection may still lose the answer that a request has just got,
// together with those that come next. The answers that had come before a request was sent are
// sure when it is answered: the connection keeps the order.
func (m *machine) mayLose(r *request) {
	if m.world.Bounds.Losses == 0 || m.constant(r.op) {
		return
	}
	most := 0
	for _, other := range m.companions(r) {
		other.since = min(other.since, r.since) + 1
		most = max(most, other.since)
	}
	f := r.flight
	f.unsure = append(slices.Clone(f.unsure), r.place)
	f.unsure = f.unsure[len(f.unsure)-most:]
}

func (m *machine) constant(op zkapi.Op) bool {
	if m.world.Constant == nil {
		return false
	}
	_, _, constant := m.world.Constant(op)
	return constant
}

// received makes all answers on this session so far sure: something has come after them on the
// connection, or the next connection is there.
func (s *session) received() {
	for _, r := range s.machine.requests {
		if r.session == s && r.flight != nil {
			r.flight.unsure, r.since = nil, 0
		}
	}
}

// companions are the other requests of a request's flight that are under way, in order.
func (m *machine) companions(r *request) []*request {
	var all []*request
	for _, other := range m.requests {
		if r.flight != nil && other.flight == r.flight && other != r {
			all = append(all, other)
		}
	}
	return all
}

// companions is the same for the world: their places among the requests of the process.
func (at *local) companions(which int) []int {
	var all []int
	for i, r := range at.requests {
		if r.flight != 0 && r.flight == at.requests[which].flight && i != which {
			all = append(all, i)
		}
	}
	return all
}

// lostMore is what a connection takes with it beside one request: some of its companions, as
// bits, and that many of the last answers to the flight.
type lostMore uint8

const companionBits = MostWindow - 1

func makeMore(companions, answers int) lostMore { return lostMore(companions | answers<<companionBits) }

func (l lostMore) has(companion int) bool { return l>>companion&1 == 1 }
func (l lostMore) answers() int           { return int(l >> companionBits) }

// losing appends the choices in which a connection breaks with this request under way.
func (at *local) losing(p, which int, writes bool, to []Choice) []Choice {
	companions := at.companions(which)
	for some := range 1 << len(companions) {
		first, unsure := true, at.requests[which].since
		for n, i := range companions {
			if makeMore(some, 0).has(n) {
				first, unsure = first && i > which, min(unsure, at.requests[i].since)
			}
		}
		if first { // of those that have no effect, so that each set is one choice
			to = append(to, chooseLoss(loseBefore, p, which, makeMore(some, 0)))
		}
		for answers := range unsure + 1 {
			if writes {
				to = append(to, chooseLoss(loseAfter, p, which, makeMore(some, answers))|onTree)
			}
		}
	}
	return to
}

// requestBits is how many bits of a choice's index are the index of a request.
const requestBits = 8

func chooseLoss(kind choiceKind, process, which int, more lostMore) Choice {
	return choose(kind, process, which|int(more)<<requestBits)
}

// request is the index of the request that is served or lost.
func (c Choice) request() int { return c.which() & (1<<requestBits - 1) }

// more is what is lost beside that request.
func (c Choice) more() lostMore { return lostMore(c.which() >> requestBits) }

// explainMore describes what is lost beside the request that a choice names.
func (x *space) explainMore(s state, c Choice) string {
	at := x.at(s, c.process())
	text := ""
	for n, i := range at.companions(c.request()) {
		if c.more().has(n) {
			text += "; lost with it: " + x.terms.describe(at.requests[i])
		}
	}
	if n := c.more().answers(); n > 0 {
		text += fmt.Sprintf("; so is the answer to each of the %d before it", n)
	}
	return text
}

// flown encodes a flight, and which of a process's requests belong to it.
func (e *encoder) flown(f *flight) {
	if f == nil {
		e.number(0)
		return
	}
	e.number(1)
	e.number(int64(f.sent))
	for _, op := range f.ops {
		e.op(op)
	}
	for i := range f.replies {
		e.value(reflect.ValueOf(&f.replies[i]).Elem())
	}
	for _, place := range f.unsure {
		e.number(int64(place))
	}
	e.number(-1)
	for i, r := range e.machine.requests {
		if r.flight == f {
			e.number(int64(i))
			e.number(int64(r.place))
			e.number(int64(r.since))
		}
	}
	e.number(-1)
}
