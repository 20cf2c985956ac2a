package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// session is a session as its owner's client library knows it.
type session struct {
	machine *machine
	number  int // of this process, over all its lives
	id      int64
	cause   error
	done    *source
	next    *source
	change  int
	watches map[zk.Watch][]*source
	given   map[string]given // of each list that it follows
}

var _ zkapi.Session = (*session)(nil)

// sessionBits is how many bits of a session's id are its number.
const sessionBits = 8

func sessionID(process, number int) int64 { return int64(process+1)<<sessionBits | int64(number) }

func ownerOf(session int64) (process, number int) {
	return int(session>>sessionBits) - 1, int(session & (1<<sessionBits - 1))
}

func (m *machine) open(number int) *session {
	s := &session{
		machine: m, number: number, id: sessionID(m.place, number),
		done: &source{kind: onceSource}, next: &source{kind: onceSource}, watches: map[zk.Watch][]*source{}, given: map[string]given{},
	}
	m.sessions = append(m.sessions, s)
	return s
}

// ID implements zkapi.Session.
func (s *session) ID() int64 { return s.id }

// Timeout implements zkapi.Session.
func (s *session) Timeout() time.Duration { return sessionTimeout }

// MaxRequest implements zkapi.Session: nothing in an explored world is large.
func (s *session) MaxRequest() int { return 1<<20 - 1 }

// Done implements zkapi.Session.
func (s *session) Done() zkapi.Source { return s.done }

// Cause implements zkapi.Session.
func (s *session) Cause() error { return s.cause }

// Connection implements zkapi.Session.
func (s *session) Connection() (int, bool, zkapi.Source) { return s.change, s.cause == nil, s.next }

// Do implements zkapi.Session.
func (s *session) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	if err := s.unsent(ctx); err != nil {
		s.machine.letOthersGo()
		return refuse(op, zkapi.NotApplied, err)
	}
	r := s.machine.ask(ctx, s.asked(op))
	return r.result, r.err
}

// DoAll implements zkapi.Session: one request after the other, or as many together as the
// window of the world lets. The declaration of a thread (Checkpoint) holds for all of them, and
// covers the answers so far.
func (s *session) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	if s.machine.world.Window > 1 && len(ops) > 1 {
		return s.doTogether(ctx, ops)
	}
	replies := make([]zkapi.Reply, len(ops))
	label, state := s.machine.running.label, s.machine.running.state
	for i, op := range ops {
		if label != "" {
			s.machine.Checkpoint(label, append(slices.Clone(state), ops, replies[:i])...)
		}
		replies[i].Result, replies[i].Err = s.Do(ctx, op)
	}
	return replies
}

// errUnconfirmed is the answer to a Close that did not reach the server.
var errUnconfirmed = errors.New("the end of the session was not confirmed")

// Close implements zkapi.Session.
func (s *session) Close(ctx context.Context) error {
	if s.cause != nil {
		return errUnconfirmed
	}
	return s.machine.ask(ctx, request{kind: closeRequest, session: s}).err
}

// connectionChanged counts a change of the connection: lost and there again, or gone for good.
func (s *session) connectionChanged() {
	s.received()
	s.change += 2
	s.next.fire()
	s.next = &source{kind: onceSource}
}

// over ends the session for its owner; its pending requests may or may not still take effect.
func (s *session) over(cause error) {
	if s.cause != nil {
		return
	}
	s.cause = fmt.Errorf("%w: %w", zkapi.ErrSessionEnded, cause)
	s.connectionChanged()
	s.done.fire()
	for _, r := range append([]*request(nil), s.machine.requests...) {
		if r.session != s {
			continue
		}
		r.err = errUnconfirmed
		if r.kind == opRequest {
			_, r.err = refuse(r.op, zkapi.Unknown, s.cause)
		}
		s.machine.answer(r)
	}
}

// fire is a watch event that has arrived.
func (s *session) fire(w zk.Watch) {
	for _, source := range s.watches[w] {
		source.fire()
	}
	delete(s.watches, w)
}

// hears are watch events that have arrived together.
func (m *machine) hears(e sessionEvent) {
	s := m.session(e.session)
	s.received()
	for _, w := range e.watches {
		s.fire(w)
	}
}

// replaced does what a client library does that hides the end of a session: the value goes on
// with a new session, and sends the requests there.
func (s *session) replaced(number int) {
	s.number, s.id = number, sessionID(s.machine.place, number)
	for w := range s.watches {
		s.fire(w)
	}
	s.connectionChanged()
}

// reply completes a request with the server's answer.
func (m *machine) reply(r *request, o outcome) {
	r.result, r.err = o.result, o.err
	if r.op.Watch && o.err == nil {
		w := zk.WatchOf(r.op)
		if r.result.Cursor != 0 {
			w.Table = followed
			r.session.mark(r)
		}
		source := &source{kind: watchSource, watch: w}
		r.session.watches[w] = append(r.session.watches[w], source)
		r.result.Watch = source
	}
	if r.flight != nil && !o.local {
		m.mayLose(r)
	}
	m.answer(r)
}

// lost completes a request whose answer, or which itself, was lost with the connection, and
// what was lost together with it.
func (m *machine) lost(r *request, more lostMore) {
	all := []*request{r}
	for n, other := range m.companions(r) {
		if more.has(n) {
			all = append(all, other)
		}
	}
	if f := r.flight; f != nil {
		for _, place := range f.unsure[len(f.unsure)-more.answers():] {
			f.replies[place] = zkapi.Reply{}
			_, f.replies[place].Err = refuse(f.ops[place], zkapi.Unknown, zkapi.ErrConnectionLoss)
		}
	}
	r.session.connectionChanged()
	for _, one := range all {
		_, one.err = refuse(one.op, zkapi.Unknown, zkapi.ErrConnectionLoss)
		m.answer(one)
	}
}
