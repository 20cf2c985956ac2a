package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/nemesis"
	"github.com/ringmaster-zk/ringmaster/record"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// processEnv is the port of one life of an actor. It knows the sessions of that life, so
// that they can be cut off or left behind.
type processEnv struct {
	*zk.Env
	actor *simProcess
	life  int

	mu       sync.Mutex
	sessions []*zk.Session
	isCut    bool
	cuts     int
	upAtCut  []*zk.Session // the sessions that were connected at the cut
	isDead   bool
	trap     *trap // on all sessions, also on later ones
	line     line
}

// Open implements zkapi.Env.
func (e *processEnv) Open(ctx context.Context) (zkapi.Session, error) {
	for {
		e.mu.Lock()
		switch {
		case e.isDead:
			e.mu.Unlock()
			return nil, errKilled
		case !e.isCut:
			defer e.mu.Unlock()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			session := e.Server.Open()
			e.actor.memory.owners.Store(session.ID(), holder{e.actor.name, e.life})
			e.sessions = append(e.sessions, session)
			session.Trap(e.trap.fits())
			e.actor.memory.noteGranted(e.actor.name, e.life, session.ID())
			return wired{session, e}, nil
		}
		e.mu.Unlock()
		if _, err := e.Wait(ctx, e.Timer(100*time.Millisecond)); err != nil {
			return nil, err
		}
	}
}

// Unique implements zkapi.Env: the names of two actors, or of two lives, differ.
func (e *processEnv) Unique() string {
	return fmt.Sprintf("%s.%d.%s", e.actor.name, e.life, e.Env.Unique())
}

// act is an effect outside ZooKeeper.
func (e *processEnv) act(args record.EffectRequest) error {
	if e.dead() {
		return errKilled
	}
	return e.actor.memory.acts.Act(args)
}

// powerOff asks the power switch.
func (e *processEnv) powerOff(ctx context.Context, by, of record.Life) error {
	if e.dead() {
		return errKilled
	}
	answer := make(chan error, 1)
	go func() { answer <- e.actor.memory.acts.PowerOff(by, of) }() // it acts, whatever becomes of this life
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-answer:
		return err
	}
}

func (e *processEnv) dead() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.isDead
}

// die leaves all sessions behind.
func (e *processEnv) die() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isDead = true
	for _, s := range e.sessions {
		s.Abandon()
	}
}

// lastWords is how long a cut waits for a request that it can lose.
const lastWords = 200 * time.Millisecond

// losses are the losses of a breaking connection, by turns: a write before it takes
// effect, the answer to a write, or the answer to any request.
var losses = []func(*zk.Session){
	func(s *zk.Session) { s.CutAt(zk.RequestLost, isWrite) },
	func(s *zk.Session) { s.CutAt(zk.ReplyLost, isWrite) },
	func(s *zk.Session) { s.CutAtNext(zk.ReplyLost) },
}

func isWrite(op zkapi.Op) bool { return op.Kind.Writes() }

// cut breaks the connections of all sessions, also of later ones. Each loses a request
// that is under way.
func (e *processEnv) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isCut, e.upAtCut = true, nil
	e.cuts++
	for i, s := range e.sessions {
		if _, up, _ := s.Connection(); up {
			e.upAtCut = append(e.upAtCut, s)
		}
		losses[(i+e.life+e.cuts)%len(losses)](s)
		time.AfterFunc(lastWords, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.isCut {
				s.Cut()
			}
		})
	}
}

// mend restores the connections.
func (e *processEnv) mend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.isCut = false
	for _, s := range e.sessions {
		s.Mend()
	}
}

// down counts the sessions that were connected at the cut, and are not any more.
func (e *processEnv) down() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.upAtCut {
		if _, up, _ := s.Connection(); !up && e.isCut {
			n++
		}
	}
	return n
}

// up counts the sessions that are connected.
func (e *processEnv) up() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.sessions {
		if _, up, _ := s.Connection(); up {
			n++
		}
	}
	return n
}

func (e *processEnv) owns(id int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.sessions, func(s *zk.Session) bool { return s.ID() == id })
}

// set sets a trap on all sessions; nil opens the present trap.
func (e *processEnv) set(t *trap) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trap = t
	for _, s := range e.sessions {
		s.Trap(t.fits())
	}
}

// reset breaks the open connections, once. Each loses a request with it, if one comes
// within that time. It returns how many broke.
func (e *processEnv) reset(ctx context.Context, turn int, lasts time.Duration) (broken int) {
	e.mu.Lock()
	sessions := slices.Clone(e.sessions)
	e.mu.Unlock()
	before := make([]int, len(sessions))
	for i, s := range sessions {
		before[i] = -1
		if change, up, _ := s.Connection(); up {
			before[i] = change
		}
		losses[(i+turn)%len(losses)](s)
	}
	wait(ctx, lasts)
	for i, s := range sessions {
		if change, _, _ := s.Connection(); change == before[i] {
			s.Move()
		}
		s.Mend()
		if change, _, _ := s.Connection(); before[i] >= 0 && change > before[i] {
			broken++
		}
	}
	return broken
}

// trap waits for a write of an actor that is applied and fits, and loses its answer.
type trap struct {
	actor *simProcess
	on    func(nemesis.Exchange) bool

	mu     sync.Mutex
	caught zk.Write // without a zxid until there is one
	lost   bool     // the participant has not heard the answer
}

// fits is the condition of a session's trap; only one session springs it.
func (t *trap) fits() func(zk.Write) bool {
	if t == nil {
		return nil
	}
	return func(w zk.Write) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.caught.Zxid != 0 || !t.on(seenInMemory(w)) {
			return false
		}
		t.caught = w
		return true
	}
}

// seenInMemory converts a write into the nemesis' type.
func seenInMemory(w zk.Write) nemesis.Exchange {
	return nemesis.Exchange{Op: w.Op, Session: w.Session, Zxid: w.Zxid, Err: w.Err}
}

// missed records that a participant has not heard the answer to a request.
func (t *trap) missed(session int64, op zkapi.Op) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = t.lost || t.caught.Zxid != 0 && t.caught.Session == session && reflect.DeepEqual(t.caught.Op, op)
}

// Caught implements nemesis.Interception.
func (t *trap) Caught() nemesis.Caught {
	t.mu.Lock()
	defer t.mu.Unlock()
	return nemesis.Caught{Exchange: seenInMemory(t.caught), Answered: t.caught.Zxid != 0, Lost: t.lost}
}

// Open implements nemesis.Interception.
func (t *trap) Open() { t.actor.port().set(nil) }

// simulated is the line of an actor, in its present life.
type simulated struct{ actor *simProcess }

// Cut implements nemesis.Line.
func (s simulated) Cut() { s.actor.port().cut() }

// Delay implements nemesis.Line.
func (s simulated) Delay(least, most time.Duration, seed uint64) {
	delays := rand.New(rand.NewPCG(seed, 0))
	s.actor.port().line.slow(func() time.Duration { return least + time.Duration(delays.Int64N(int64(most-least))) })
}

// LoseAnswer implements nemesis.Line.
func (s simulated) LoseAnswer(fits func(nemesis.Exchange) bool) nemesis.Interception {
	t := &trap{actor: s.actor, on: fits}
	s.actor.port().set(t)
	return t
}

// Reset implements nemesis.Line.
func (s simulated) Reset(ctx context.Context, turn int, pause time.Duration) int {
	return s.actor.port().reset(ctx, turn, pause)
}

// Heal implements nemesis.Line.
func (s simulated) Heal() {
	port := s.actor.port()
	port.line.slow(nil)
	port.mend()
}

// Tally implements nemesis.Line.
func (s simulated) Tally() nemesis.Tally {
	port := s.actor.port()
	t := port.line.tally()
	t.Lost = nemesis.Count{N: int64(port.down()), Of: "sessions cut off"}
	return t
}

// line carries a participant's requests to the server, in the order in which they are
// sent. Answers and watch events arrive at once.
type line struct {
	mu      sync.Mutex
	late    func() time.Duration // nil: requests arrive at once
	last    time.Time            // when the last request arrives
	count   int
	total   time.Duration
	longest time.Duration
}

// slow delays requests. With nil, requests are delayed only as long as those under way.
func (l *line) slow(late func() time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = late
	if late != nil {
		l.count, l.total, l.longest = 0, 0, 0
	}
}

// pass waits until the request has arrived.
func (l *line) pass() {
	l.mu.Lock()
	now := time.Now()
	arrives := now
	if l.late != nil {
		arrives = now.Add(l.late())
	}
	if !arrives.After(l.last) && l.last.After(now) {
		arrives = l.last.Add(1) // a request never overtakes another
	}
	delay := arrives.Sub(now)
	if delay > 0 {
		l.last = arrives
		l.count, l.total, l.longest = l.count+1, l.total+delay, max(l.longest, delay)
	}
	l.mu.Unlock()
	if delay > 0 { // a timer of no time, in a bubble, makes Go's race detector crash
		<-time.After(delay)
	}
}

// tally sums up the delays of requests.
func (l *line) tally() nemesis.Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return nemesis.Tally{Late: nemesis.Count{N: int64(l.count), Of: "requests"}, LateTotal: l.total, LateMost: l.longest}
}

// wired is a session whose requests go over its participant's line.
type wired struct {
	*zk.Session
	env *processEnv
}

// Do implements zkapi.Session.
func (w wired) Do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	w.env.line.pass()
	return w.do(ctx, op)
}

func (w wired) do(ctx context.Context, op zkapi.Op) (zkapi.Result, error) {
	result, err := w.Session.Do(ctx, op)
	if zkapi.FateOf(err) == zkapi.Unknown {
		w.env.mu.Lock()
		set := w.env.trap
		w.env.mu.Unlock()
		set.missed(w.ID(), op)
	}
	return result, err
}

// DoAll implements zkapi.Session.
func (w wired) DoAll(ctx context.Context, ops []zkapi.Op) []zkapi.Reply {
	w.env.line.pass()
	replies := make([]zkapi.Reply, len(ops))
	for i, op := range ops {
		replies[i].Result, replies[i].Err = w.do(ctx, op)
	}
	return replies
}

// Close implements zkapi.Session.
func (w wired) Close(ctx context.Context) error {
	w.env.line.pass()
	return w.Session.Close(ctx)
}
