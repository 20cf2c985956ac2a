package explore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ringmaster-zk/ringmaster/model/zk"
	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Host is the port for a program of the explored world, with additional methods for this
// world.
type Host interface {
	zkapi.Env
	// Note sets this process's claim under a key; the judges read it. An empty value removes
	// the claim.
	Note(key, value string)
	// Act does something outside ZooKeeper that a system with fencing tokens
	// guards: it is refused when a greater token has acted on that resource.
	Act(ctx context.Context, resource string, token int64) error
	// Leave fires when the process is asked to leave in good order.
	Leave() zkapi.Source
}

// Program is the code of one process. It runs until it returns, in threads that it spawns
// through its Host; it must be deterministic.
type Program func(ctx context.Context, host Host)

// The clock of a process moves only by a choice. A thread that waits up to soon is woken at
// once. A thread that waits longer is woken only when its process has overslept or resyncs.
const (
	soon           = 100 * time.Millisecond
	sessionTimeout = 40 * time.Second
)

// SweepTime is how far a sweep advances the clock of a process.
const SweepTime = 2 * time.Second

// origin is when every life of a process begins, by its own clock.
var origin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// machine is a running process. Its threads are coroutines, and at most one runs at a time.
// It is a deterministic function of its inputs.
type machine struct {
	world    *World
	process  *Process
	place    int // of the process in its world
	life     int
	threads  []*thread
	running  *thread
	requests []*request
	sessions []*session
	clock    time.Time
	names    int
	cursors  int64 // that were given out
	notes    map[string]string
	leave    *source
	failure  any // a panic of the program
}

// thread is one logical thread of a process.
type thread struct {
	name    string
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
	ready   bool
	polite  bool // it lets others go first; see turns.go
	over    bool
	done    *source
	ctx     context.Context // of the wait
	sources []*source       // that it waits for; nil while it waits for a request
	request *request
	flight  *flight // that it waits for
	label   string  // of its checkpoint; empty if it has none
	state   []any   // everything that its future depends on then
	kept    []any   // and besides
}

// abandoned unwinds a thread whose machine is not needed any more.
type abandoned struct{}

// start runs a process until all its threads wait.
func start(w *World, place, life int) *machine {
	m := &machine{world: w, process: &w.Processes[place], place: place, life: life, clock: origin, notes: map[string]string{}}
	m.leave = &source{kind: onceSource}
	m.spawn("main", func() { m.process.Program(context.Background(), m) })
	m.settle()
	return m
}

// spawn makes one more thread; it is ready to run.
func (m *machine) spawn(name string, f func()) *thread {
	t := &thread{name: name, ready: true, done: &source{kind: onceSource}}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(abandoned); !ok {
					m.failure = p
				}
			}
		}()
		f()
	})
	m.threads = append(m.threads, t)
	return t
}

// discard ends all threads.
func (m *machine) discard() {
	for _, t := range m.threads {
		if !t.over {
			m.running = t
			t.stop()
		}
	}
}

// block gives control back until something has made the thread ready.
func (m *machine) block() {
	t := m.running
	if !t.yield(struct{}{}) {
		panic(abandoned{})
	}
	t.label, t.state = "", nil
}

// settle runs threads until none can go on without an input.
func (m *machine) settle() {
	const limit = 10_000
	for range limit {
		if m.waitsForTurn() != nil {
			return
		}
		if all := m.ready(); len(all) > 0 {
			m.run(all[0])
			continue
		}
		if !m.wakeSoon() {
			return
		}
	}
	defective("%s runs on without a request and without waiting", m.process.Name)
}

// describe says where the threads are.
func (m *machine) describe() string {
	var text strings.Builder
	for _, t := range m.threads {
		fmt.Fprintf(&text, "  %s at %q, ready %v, waits for a request %v, for %d sources, its context %v\n",
			t.name, t.label, t.ready, t.request != nil, len(t.sources), t.ctx)
	}
	if m.failure != nil {
		fmt.Fprintf(&text, "  failure: %v\n", m.failure)
	}
	return text.String()
}

// goesOn reports whether a thread has what it waits for.
func (t *thread) goesOn() bool {
	return !t.over && (t.ready || t.ctx != nil && t.ctx.Err() != nil || slices.ContainsFunc(t.sources, (*source).Fired))
}

func (m *machine) run(t *thread) {
	t.ready = false
	m.running = t
	if _, alive := t.next(); !alive {
		t.over, t.ctx, t.sources = true, nil, nil
		t.done.fire()
		m.threads = slices.DeleteFunc(m.threads, func(o *thread) bool { return o == t })
	}
}

// wakeSoon fires the timer that is due first, if that is soon.
func (m *machine) wakeSoon() bool {
	var first *source
	for _, t := range m.threads {
		for _, s := range t.sources {
			if s.kind == timerSource && !s.Fired() && s.due.Sub(m.clock) <= soon && (first == nil || s.due.Before(first.due)) {
				first = s
			}
		}
	}
	if first == nil {
		return false
	}
	first.fire()
	return true
}

// Open implements zkapi.Env.
func (m *machine) Open(ctx context.Context) (zkapi.Session, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := m.ask(ctx, request{kind: openRequest})
	if r.err != nil {
		return nil, r.err
	}
	return r.opened, nil
}

// Wait implements zkapi.Env.
func (m *machine) Wait(ctx context.Context, sources ...zkapi.Source) (int, error) {
	t := m.running
	all := make([]*source, len(sources))
	for i, s := range sources {
		all[i] = s.(*source)
	}
	for {
		if ctx.Err() != nil {
			return -1, context.Cause(ctx)
		}
		for i, s := range all {
			if s.take() {
				return i, nil
			}
		}
		t.ctx, t.sources = ctx, all
		m.block()
		t.ctx, t.sources = nil, nil
	}
}

// Now implements zkapi.Env. The thread may remember the time, so its checkpoint is
// cancelled.
func (m *machine) Now() time.Time {
	m.Checkpoint("")
	return m.clock
}

// Elapsed implements zkapi.Env. It cancels the checkpoint, as Now does.
func (m *machine) Elapsed() time.Duration {
	m.Checkpoint("")
	return m.clock.Sub(origin)
}

// Jitter implements zkapi.Env: the middle, always.
func (m *machine) Jitter() float64 { return 0.5 }

// Timer implements zkapi.Env.
func (m *machine) Timer(d time.Duration) zkapi.Source {
	return &source{kind: timerSource, due: m.clock.Add(d), fired: d <= 0, machine: m}
}

// Signal implements zkapi.Env.
func (m *machine) Signal() zkapi.Signal { return &source{kind: signalSource} }

// Spawn implements zkapi.Env.
func (m *machine) Spawn(name string, f func()) zkapi.Source {
	return m.spawn(name, f).done
}

// Unique implements zkapi.Env.
func (m *machine) Unique() string {
	m.Checkpoint("") // as after Now
	m.names++
	return fmt.Sprintf("%s.%d.%d", m.process.Name, m.life, m.names)
}

// DependsOn implements zkapi.Checkpointer.
func (m *machine) DependsOn(state ...any) { m.running.kept = append(m.running.kept, state...) }

// Checkpoint implements zkapi.Checkpointer.
func (m *machine) Checkpoint(label string, state ...any) {
	m.running.label, m.running.state = label, state
}

// Note implements Host.
func (m *machine) Note(key, value string) {
	if value == "" {
		delete(m.notes, key)
	} else {
		m.notes[key] = value
	}
}

// errStale is the answer of the fenced system to a token after it has seen a greater one.
var errStale = errors.New("a greater token has been seen")

// Act implements Host.
func (m *machine) Act(ctx context.Context, resource string, token int64) error {
	return m.ask(ctx, request{kind: actRequest, act: act{Resource: resource, Token: token, By: m.process.Name, Life: m.life}}).err
}

// Leave implements Host.
func (m *machine) Leave() zkapi.Source { return m.leave }

// requestKind is the kind of a request to the world.
type requestKind uint8

const (
	openRequest requestKind = iota + 1
	closeRequest
	opRequest
	actRequest
)

// request is something that a process asks of the world and that has not been
// answered yet.
type request struct {
	kind    requestKind
	session *session
	op      zkapi.Op
	cursor  int64 // of a followed read: the caller's
	act     act
	flight  *flight // of which it is one, or nil
	place   int     // among its operations
	since   int     // answers to others of the flight since it was sent that may still be lost

	// The answer:
	answered bool
	result   zkapi.Result
	opened   *session
	err      error
}

// ask waits for the answer to a request, or until ctx ends: whether the request
// then still takes effect is not known.
func (m *machine) ask(ctx context.Context, r request) *request {
	t := m.running
	m.requests = append(m.requests, &r)
	t.request, t.ctx = &r, ctx
	for !r.answered && ctx.Err() == nil {
		m.block()
	}
	t.request, t.ctx = nil, nil
	if !r.answered {
		r.err = fmt.Errorf("%w: %w", zkapi.ErrConnectionLoss, context.Cause(ctx))
		if r.kind == opRequest {
			_, r.err = refuse(r.op, zkapi.Unknown, r.err)
		}
		return &request{err: r.err} // r itself is still under way
	}
	return &r
}

// answer completes a request and makes the waiting thread ready.
func (m *machine) answer(r *request) {
	r.answered = true
	m.requests = slices.DeleteFunc(m.requests, func(o *request) bool { return o == r })
	if r.flight != nil {
		r.flight.answered(r)
	}
	for _, t := range m.threads {
		if t.request == r || r.flight != nil && t.flight == r.flight {
			t.ready = true
		}
	}
}

func refuse(op zkapi.Op, fate zkapi.Fate, err error) (zkapi.Result, error) {
	return zkapi.Result{}, &zkapi.Error{Kind: op.Kind, Path: op.Path, Index: -1, Fate: fate, Err: err}
}

// sourceKind is the kind of event that makes a source fire.
type sourceKind uint8

const (
	onceSource   sourceKind = iota + 1 // the end of a thread or session, a change of a connection
	watchSource                        // an event
	timerSource                        // the clock
	signalSource                       // another thread
)

// source implements zkapi.Source.
type source struct {
	kind    sourceKind
	fired   bool
	due     time.Time // of a timer
	machine *machine  // of a timer
	watch   zk.Watch
}

// Fired implements zkapi.Source.
func (s *source) Fired() bool {
	if s.kind == timerSource && !s.due.After(s.machine.clock) {
		s.fired = true
	}
	return s.fired
}

// Raise implements zkapi.Signal.
func (s *source) Raise() { s.fired = true }

func (s *source) fire() { s.fired = true }

// take reports whether the source has fired, and lowers a signal.
func (s *source) take() bool {
	fired := s.Fired()
	if s.kind == signalSource {
		s.fired = false
	}
	return fired
}
